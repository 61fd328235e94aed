"""A Salesforce session: logs in through simple-salesforce on our transport, sends REST requests, reads the replies.

simple-salesforce does the five login flows; requests are sent on its session by us, because it loses headers when it
refreshes a token, may log in without end, has no timeouts and no collections or composite calls. A 401 is answered by
one new login and the same request, headers kept. Numbers are decoded exactly.

Left to others: what to ask (`soql`, `writes`, `target`) and what an error of one record means (`failures`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlsplit

import msgspec

from fieldwright.connectors.hosts import VENDOR_HOSTS
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.requests_adapter import IDEMPOTENT_MARK
from fieldwright.connectors.salesforce import failures
from fieldwright.connectors.transport import Policy
from fieldwright.runtime.errors import AccessRefused, Ambiguous, ConfigError, RunError, TryAgainLater, Unavailable

if TYPE_CHECKING:
    import requests

VERSION: Final = "59.0"
ROOT: Final = f"/services/data/v{VERSION}"
SUBREQUESTS: Final = 5
"""Collections or queries that one composite call may hold (of 25 subrequests in all)."""
DUPLICATES_ALLOWED: Final = "Sforce-Duplicate-Rule-Header"

_JSON: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_USAGE: Final = re.compile(r"api-usage=(\d+)/(\d+)")
_CONCURRENT_WAITS: Final = (2.0, 5.0, 10.0)
"""Seconds between tries when too many long requests run at once; Salesforce names no time."""
_FIX_LOGIN: Final = "Check the credentials; the user may be locked or lack API access. Nothing was retried."


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and decoded body; `body` is None when there was none, `readable` False when it was not JSON."""

    status: int
    body: Any
    readable: bool = True

    @property
    def ok(self) -> bool:
        """Whether the request as a whole succeeded."""
        return 200 <= self.status < 300 and self.readable


class SalesforceClient:
    """One org. Logs in at the first request."""

    def __init__(self, settings: Mapping[str, str], policy: Policy, redact: Redactor) -> None:
        self._settings = settings
        self._policy = policy
        self._redact = redact
        self._session: requests.Session | None = None
        self._login: Any = None
        self.usage: tuple[int, int] | None = None
        """Calls used and allowed in 24 hours, as the org last told (it lags behind)."""

    def get(self, path: str) -> Any:
        """A read; the decoded body. Raises RunErrors."""
        return self._checked(self.send("GET", path), path)

    def read(self, path: str, body: Any) -> Any:
        """A POST that only reads (composite queries, batched describes). Raises RunErrors."""
        try:
            reply = self.send("POST", path, body, idempotent=True)
        except Ambiguous as lost:
            # The transport takes every POST for a write; this one changes nothing.
            raise Unavailable(
                "the connection to salesforce was lost while reading", "Run again.", system="salesforce"
            ) from lost
        return self._checked(reply, path)

    def query(self, queries: Sequence[str]) -> list[Reply]:
        """Replies of several SOQL queries, first pages only, five in one call."""
        return self.gets([f"{ROOT}/query?q={encoded(query)}" for query in queries])

    def gets(self, urls: Sequence[str]) -> list[Reply]:
        """Replies of several GETs, five in one call."""
        replies: list[Reply] = []
        for start in range(0, len(urls), SUBREQUESTS):
            part = urls[start : start + SUBREQUESTS]
            if len(part) == 1:
                replies.append(self.send("GET", part[0]))
                continue
            requests = [{"method": "GET", "url": url, "referenceId": f"r{i}"} for i, url in enumerate(part)]
            answer = self.read(f"{ROOT}/composite", {"allOrNone": False, "compositeRequest": requests})
            replies += composite_replies(answer, len(part))
        return replies

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
    ) -> Reply:
        """One request; error statuses are returned, not raised. Logs in again once when the session has expired.
        Raises Unavailable, Ambiguous, AccessRefused, TryAgainLater."""
        data = None if body is None else _ENCODER.encode(body)
        waits = iter(_CONCURRENT_WAITS)
        renewed = False
        while True:
            reply = self._once(method, path, data, headers or {}, idempotent)
            if reply.status == 401:
                if renewed or not self._drop_session():
                    raise AccessRefused(
                        "salesforce refused the session",
                        "The access token has expired: give a new one.",
                        system="salesforce",
                    )
                renewed = True
                continue
            if failures.over_limit(reply.status, reply.body) == "concurrent":
                # Refused before anything was done, so even a write may be sent again.
                wait = next(waits, None)
                if wait is not None:
                    self._policy.clock.sleep(wait)
                    continue
                raise TryAgainLater(
                    "salesforce runs too many long requests of this org at once",
                    "Run again later.",
                    system="salesforce",
                    after=60.0,
                )
            if failures.over_limit(reply.status, reply.body) == "daily":
                used = f" ({self.usage[0]} of {self.usage[1]} calls)" if self.usage else ""
                raise TryAgainLater(
                    f"salesforce's limit of API calls in 24 hours is used up{used}",
                    "Run again when the rolling window has freed calls, or buy more.",
                    system="salesforce",
                )
            return reply

    def close(self) -> None:
        """Release sockets. May be called twice."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._login = None

    def _checked(self, reply: Reply, path: str) -> Any:
        if reply.ok:
            return reply.body
        raise failures.request_error(reply.status, reply.body, path, self._redact, readable=reply.readable)

    def _once(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str], idempotent: bool) -> Reply:
        login = self._logged_in()
        sent = {"Authorization": f"Bearer {login.session_id}", "Accept": "application/json", **headers}
        if data is not None:
            sent["Content-Type"] = "application/json; charset=UTF-8"
        if idempotent:
            sent[IDEMPOTENT_MARK] = "1"
        response = login.session.request(method, f"https://{login.sf_instance}{path}", headers=sent, data=data)
        usage = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self.usage = (int(usage[1]), int(usage[2]))
        if not response.content:
            return Reply(response.status_code, None)
        try:
            return Reply(response.status_code, _JSON.decode(response.content))
        except msgspec.DecodeError:
            return Reply(response.status_code, None, readable=False)

    def _drop_session(self) -> bool:
        """Forget the session; whether another login is possible. A given access token is not tried twice."""
        others = {name: value for name, value in self._settings.items() if name != "access_token"}
        if _flow(self._settings) == "direct":
            try:
                login_arguments(others)
            except ConfigError:
                return False
            self._settings = others
        self._login = None
        return True

    def _logged_in(self) -> Any:
        if self._login is None:
            if self._session is None:
                from fieldwright.connectors.transport import requests_session

                self._session = requests_session(self._policy)
            self._login = self._log_in(self._session)
            self._redact.learn(self._login.session_id)
        return self._login

    def _log_in(self, session: requests.Session) -> Any:
        from simple_salesforce import Salesforce
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed

        try:
            return Salesforce(session=session, version=VERSION, **login_arguments(self._settings))
        except SalesforceAuthenticationFailed as error:
            code = str(getattr(error, "code", "") or "no code")
            raise AccessRefused(
                f"salesforce refused the login ({self._redact(code)[:80]})", _FIX_LOGIN, system="salesforce"
            ) from None
        except Ambiguous:
            raise Unavailable(
                "the connection to salesforce was lost during the login", "Run again.", system="salesforce"
            ) from None
        except RunError:
            raise
        except Exception as error:  # noqa: BLE001 - the library lets parser, key and JWT errors through as they are
            raise AccessRefused(
                f"the login to salesforce failed ({type(error).__name__})", _FIX_LOGIN, system="salesforce"
            ) from None


def login_arguments(settings: Mapping[str, str]) -> dict[str, str]:
    """Arguments of `simple_salesforce.Salesforce` for the flow that the settings are enough for. Raises ConfigError."""
    flow = _flow(settings)
    if flow == "direct":
        return {"session_id": settings["access_token"], "instance_url": settings["instance_url"]}
    found: dict[str, str] = {}
    domain = _domain(settings)
    if domain:
        found["domain"] = domain
    names = {
        "soap": {"username": "username", "password": "password", "security_token": "security_token"},
        "ip": {"username": "username", "password": "password", "organizationId": "organization_id"},
        "password": {
            "username": "username",
            "password": "password",
            "consumer_key": "client_id",
            "consumer_secret": "client_secret",
        },
        "jwt": {"username": "username", "consumer_key": "client_id", "privatekey_file": "private_key_file"},
        "client": {"consumer_key": "client_id", "consumer_secret": "client_secret"},
    }[flow]
    found.update({argument: settings[name] for argument, name in names.items()})
    if flow == "client" and domain in ("", "login", "test"):
        raise ConfigError(
            "Connection to salesforce: client credentials need the org's own domain",
            "Set the instance URL (https://acme.my.salesforce.com) or the domain (acme.my).",
            system="salesforce",
        )
    return found


def _flow(settings: Mapping[str, str]) -> str:
    has = settings.keys()
    if has >= {"access_token", "instance_url"}:
        return "direct"
    if has >= {"username", "client_id", "private_key_file"}:
        return "jwt"
    if has >= {"username", "password", "client_id", "client_secret"}:
        return "password"
    if has >= {"client_id", "client_secret"}:
        return "client"
    if has >= {"username", "password", "security_token"}:
        return "soap"
    if has >= {"username", "password", "organization_id"}:
        return "ip"
    raise ConfigError(
        "Connection to salesforce: a user name and password alone are not enough",
        "Add the security token, or the organization id for a trusted address, or use client id and secret.",
        system="salesforce",
    )


def _domain(settings: Mapping[str, str]) -> str:
    """The part before `.salesforce.com`, as simple-salesforce wants it: `login`, `test` or `acme.my`."""
    given = settings.get("domain", "").strip().lower().removeprefix("https://").rstrip("/")
    if not given:
        host = (urlsplit(settings.get("instance_url", "")).hostname or "").lower()
        given = host if VENDOR_HOSTS["salesforce"].fullmatch(host) else ""
        if not given and host:
            # A sandbox on this machine: any org domain will do, the transport maps it onto the loopback address.
            given = "sandbox.my"
    domain = given.removesuffix(".salesforce.com")
    if domain and VENDOR_HOSTS["salesforce"].fullmatch(f"{domain}.salesforce.com") is None:
        raise ConfigError(
            "Connection to salesforce: the domain is not a Salesforce domain",
            "Give `login`, `test` or the org's own domain (acme.my).",
            system="salesforce",
        )
    return domain


def encoded(query: str) -> str:
    """A SOQL query as it stands in an address; characters that need no escaping stay, because length is limited."""
    return quote_plus(query, safe="(),'=*:.")


def composite_replies(answer: Any, count: int) -> list[Reply]:
    """The subreplies of a composite call, in the order of its subrequests `r0`, `r1`, ...; one that is missing reads
    as a reply nobody understands."""
    replies = [Reply(0, None, readable=False)] * count
    for entry in answer.get("compositeResponse", ()) if isinstance(answer, dict) else ():
        place = str(entry.get("referenceId", ""))[1:]
        if place.isdigit() and int(place) < count:
            replies[int(place)] = Reply(int(entry.get("httpStatusCode", 0)), entry.get("body"))
    return replies

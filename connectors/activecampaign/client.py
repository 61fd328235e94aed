"""A thin, typed client of ActiveCampaign's API v3: addresses, JSON, paging, and one family of errors.

Turns method, path and body into decoded JSON or a `Refusal`. It repeats nothing by itself, with one exception: a 403
after the key has worked, which the real system gives now and then without reason, is asked once more. Waiting,
repeating and the account's limit belong to the transport. What the JSON means is left to the modules that ask.

Raises Refusal (see `errors`), and the transport's Unavailable and Ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from fieldwright.connectors.activecampaign.errors import Down, Fault, KeyRefused, refusal
from fieldwright.connectors.transport import Policy, httpx_client
from fieldwright.runtime.errors import ConfigError

if TYPE_CHECKING:
    import httpx

PAGE: Final = 100
"""Records a page; more is silently cut to this."""

_ROOT: Final = "/api/3"

Query = Sequence[tuple[str, str]]


def base_url(given: str) -> str:
    """The address that paths are added to. Accepts what users copy: with or without a slash or `/api/3` at the end.
    Raises ConfigError when it is not the address of a host."""
    text = given.strip().rstrip("/").removesuffix(_ROOT).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ConfigError(
            "Connection to activecampaign: the URL is not usable",
            "Copy the URL from Settings > Developer in ActiveCampaign; it looks like https://name.api-us1.com.",
            system="activecampaign",
        )
    return text + _ROOT


class Client:
    """One account, one key. `base` is the result of `base_url`."""

    def __init__(self, base: str, key: str, policy: Policy) -> None:
        self._base = base
        self._key = key
        self._policy = policy
        self._http: httpx.Client | None = None
        self._key_works = False

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._policy.calls

    def sleep(self, seconds: float) -> None:
        """Wait, on the transport's clock."""
        self._policy.clock.sleep(seconds)

    def monotonic(self) -> float:
        """Seconds of the transport's clock."""
        return self._policy.clock.monotonic()

    def get(self, path: str, query: Query = ()) -> dict[str, Any]:
        """Read one thing or one page."""
        return self._send("GET", path, query=query)[1]

    def pages(self, path: str, name: str, query: Query = (), *, after_id: bool = False) -> Iterator[dict[str, Any]]:
        """All pages of a list, each as the whole reply; the records stand under `name`. With `after_id` pages follow
        each other by id (contacts only), so that nothing is missed while others write; else by offset."""
        offset, last = 0, "0"
        while True:
            place: list[tuple[str, str]] = (
                [("id_greater", last), ("orders[id]", "ASC")] if after_id else [("offset", str(offset))]
            )
            reply = self.get(path, [*query, ("limit", str(PAGE)), *place])
            records = reply.get(name)
            if not isinstance(records, list):
                raise Down(200, (Fault(f"a list of {name} was expected"),))
            yield reply
            if len(records) < PAGE:
                return
            offset += len(records)
            last = str(records[-1]["id"])

    def post(self, path: str, body: Any, *, idempotent: bool) -> tuple[int, dict[str, Any]]:
        """Write; status and reply. `idempotent` says that sending it twice ends in the same state. A body of bytes is
        JSON that is already encoded."""
        return self._send("POST", path, body=body, idempotent=idempotent)

    def put(self, path: str, body: Any) -> dict[str, Any]:
        """Replace attributes of a record."""
        return self._send("PUT", path, body=body, idempotent=True)[1]

    def delete(self, path: str) -> None:
        """Delete; an absent record raises Absent."""
        self._send("DELETE", path, idempotent=True)

    def close(self) -> None:
        """Release sockets; may be called twice."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _send(
        self, method: str, path: str, *, query: Query = (), body: Any = None, idempotent: bool = True
    ) -> tuple[int, dict[str, Any]]:
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        for last in (False, True):
            try:
                return self._once(method, path, query, content, idempotent)
            except KeyRefused:
                if last or not self._key_works or not idempotent:
                    raise
        raise AssertionError("unreachable")

    def _once(
        self, method: str, path: str, query: Query, content: bytes | None, idempotent: bool
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        # An explicit empty query would still add a question mark.
        response = self._opened().request(
            method,
            self._base + path,
            params=list(query) or None,
            content=content,
            headers=headers,
            extensions={"idempotent": idempotent},
        )
        try:
            # The content type is not looked at: JSON comes as text/plain now and then.
            decoded = msgspec.json.decode(response.content) if response.content else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            decoded = None
        if response.status_code >= 300:
            raise refusal(response.status_code, decoded, self._policy.redact)
        if not isinstance(decoded, Mapping):
            if response.content.lstrip()[:1] == b"<":
                # An expired key is answered with the login page and status 200.
                raise KeyRefused(200, (Fault("a web page came instead of data, as with an expired or wrong key"),))
            raise Down(response.status_code, (Fault("the reply is not JSON"),))
        self._key_works = True
        return response.status_code, dict(decoded)

    def _opened(self) -> httpx.Client:
        if self._http is None:
            self._http = httpx_client(self._policy, headers={"Api-Token": self._key, "Accept": "application/json"})
        return self._http

"""The emulated Salesforce org as a web application.

Turns HTTP into `Request`s and replies into HTTP: sessions, API limits, versions, the sizes real orgs refuse, and
`/sandbox/settings`, the door by which tests and scenarios set what an administrator would (validation and duplicate
rules, hidden fields, locked rows, limits). Everything a REST client sees below `/services/data` is `rest`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce import oauth, rest, world
from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused, not_found
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request, parse_json, split_target
from fieldwright.connectors.sandbox.salesforce.org import Caller, Org
from fieldwright.connectors.sandbox.salesforce.storage import Storage

LONGEST_TARGET = 16_384
_VERSION = re.compile(r"v(\d\d)\.0")
_OLDEST, _NEWEST = 31, 65


def create_app(
    database: Path,
    clock: Clock,
    *,
    access_token: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    username: str | None = None,
    password: str | None = None,
    refresh_token: str | None = None,
    security_token: str | None = None,
    jwt_public_key: str | None = None,
    **settings: Any,
) -> Starlette:
    """The application over the org in `database`, which is seeded if it is new.

    Credentials that are not given are those of the file, or made up at random; see `credentials_of`. `settings` are
    the keys of `org.DEFAULT_SETTINGS`, such as `multi_currency=False`, `daily_limit=100` or `token_lifetime=60`.
    """
    world.seed(database, clock)
    org = Org(Storage(database), clock)
    if settings:
        org.configure(**settings)
    oauth.ensure_credentials(
        org,
        access_token=access_token,
        client_id=client_id,
        client_secret=client_secret,
        username=username,
        password=password,
        refresh_token=refresh_token,
        security_token=security_token,
        jwt_public_key=jwt_public_key,
    )
    application = Starlette(routes=[Mount("/", app=_Door(org))])
    application.state.org = org
    return application


def credentials_of(application: Starlette) -> Json:
    """The credentials of an application's org: client_id, client_secret, access_token, username, password, ..."""
    org: Org = application.state.org
    credentials: Json = org.settings["credentials"]
    return credentials


def close(application: Starlette) -> None:
    """Closes the org's file; the application answers no more calls."""
    org: Org = application.state.org
    org.storage.close()


class _Door:
    """The ASGI side. Handlers run to their end without awaiting, so requests never interleave."""

    def __init__(self, org: Org) -> None:
        self.org = org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope.get("raw_path") or scope["path"].encode()
        target = path.split(b"?")[0].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        reply = self.answer(scope["method"], target, headers, raw)
        body = b"" if reply.body is None else reply.body
        if not isinstance(body, bytes):
            body = msgspec.json.encode(body)
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
        if reply.status != 204:
            sent.append((b"content-type", reply.media_type.encode()))
            sent.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def answer(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> Reply:
        """One request to its reply; every write of it is kept or undone as a whole."""
        org = self.org
        if len(target) > LONGEST_TARGET:
            return Reply(414, b"<html><head><title>URI Too Long</title></head></html>", media_type="text/html")
        try:
            reply = self.route(method, target, headers, raw)
        except RequestRefused as refusal:
            org.storage.rollback()
            reply = Reply(refusal.status, refusal.body(raw))
        except BaseException:
            org.storage.rollback()
            raise
        if org.settings["locks"]:
            # Counted down even when the save was undone: each refused attempt counts.
            org.storage.begin()
            org.storage.set_setting("settings", org.settings)
        org.storage.commit()
        if "/services/data/v" in target:
            usage = f"api-usage={org.calls_today}/{org.settings['daily_limit']}"
            reply = Reply(reply.status, reply.body, {**reply.headers, "Sforce-Limit-Info": usage}, reply.media_type)
        return reply

    def route(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> Reply:
        org = self.org
        host = f"http://{headers.get('host', '127.0.0.1')}"
        _, segments, query = split_target(target)
        match segments:
            case ("services", "data"):
                return Reply(200, _versions())
            case ("services", "data", version, *rest_of_path):
                return self.rest(method, version, tuple(rest_of_path), query, headers, raw, host)
            case ("services", "oauth2", "token"):
                return oauth.token(org, query | oauth.parse_form(raw), headers, host)
            case ("services", "oauth2", "authorize"):
                return oauth.authorize(org, query)
            case ("services", "oauth2", "revoke"):
                return oauth.revoke(org, query | oauth.parse_form(raw))
            case ("services", "oauth2", "userinfo"):
                return Reply(200, oauth.identity(org, oauth.session_user(org, headers), host))
            case ("services", "Soap", "u" | "c", version, *_):
                return oauth.soap_login(org, raw, host, version)
            case ("id", _, user_id):
                oauth.session_user(org, headers)
                return Reply(200, oauth.identity(org, user_id, host))
            case ("sandbox", "settings"):
                return self.settings(method, raw)
            case ("sandbox", "expire-tokens"):
                org.storage.execute("UPDATE _token SET expires = 0 WHERE kind = 'session'")
                return Reply(204)
            case _:
                raise not_found()

    def rest(
        self,
        method: str,
        version: str,
        segments: tuple[str, ...],
        query: dict[str, str],
        headers: dict[str, str],
        raw: bytes,
        host: str,
    ) -> Reply:
        org = self.org
        match = _VERSION.fullmatch(version)
        if match is None or not _OLDEST <= int(match.group(1)) <= _NEWEST:
            raise not_found()
        user_id = oauth.session_user(org, headers)
        if org.calls_today >= org.settings["daily_limit"] and org.calls_day == org.clock.now().date().isoformat():
            raise RequestRefused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        org.count_call()
        if headers.get("x-http-method-override"):
            method = headers["x-http-method-override"].upper()
        elif method == "POST" and "_HttpMethod" in query:
            method = query.pop("_HttpMethod").upper()
        is_json = "csv" not in headers.get("content-type", "")
        body = parse_json(raw) if raw and is_json else None
        segments = tuple(part for part in segments if part) if segments[-1:] == ("",) else segments
        caller = Caller(user_id, version, host, headers)
        return rest.dispatch(org, Request(method, segments, query, caller, body, raw))

    def settings(self, method: str, raw: bytes) -> Reply:
        """GET shows the administrator's settings; PATCH changes those that are named."""
        org = self.org
        if method == "PATCH":
            changes = parse_json(raw)
            if not isinstance(changes, dict) or "credentials" in changes:
                raise RequestRefused(400, "INVALID_INPUT", "a JSON object of settings is expected, without credentials")
            try:
                org.configure(**changes)
            except TypeError as error:
                raise RequestRefused(400, "INVALID_INPUT", str(error)) from None
        return Reply(200, {key: value for key, value in org.settings.items() if key != "credentials"})


def _versions() -> list[Json]:
    seasons = ("Winter", "Spring", "Summer")
    found = []
    for number in range(_OLDEST, _NEWEST + 1):
        # v32.0 was Winter '15; three releases a year since.
        years, season = divmod(number - 32, 3)
        label = f"{seasons[season]} '{15 + years}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return found

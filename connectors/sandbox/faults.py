"""Trouble on demand: calls that fail, stall or break off, as real networks and vendors do.

A `Fault` says which calls of which system it meets, how often, and what happens; `FaultyApp` is ASGI middleware that
makes it happen around an emulator that knows nothing of it. The connection is really closed where a fault says so,
through the `fieldwright.connection` extension of the request's scope, which the server's protocol provides.
"""

import asyncio
import itertools
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXTENSION = "fieldwright.connection"
SYSTEMS = ("chargebee", "salesforce", "activecampaign")
KINDS = (
    "status", "drop_before", "drop_after", "delay", "truncate", "html", "expire_token", "daily_limit",
)  # fmt: skip

_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Login</title></head><body><form action='/login' method='post'>"
    b"<input name='username'><input name='pw' type='password'></form></body></html>"
)
_EXPIRED = b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
# What each system says when its quota is used up.
_LIMITS: Mapping[str, tuple[int, bytes]] = {
    "chargebee": (
        429,
        b'{"message":"Sorry, the API request limit has been exceeded","api_error_code":"api_request_limit_exceeded",'
        b'"http_status_code":429}',
    ),
    "salesforce": (
        403,
        b'[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
    ),
    "activecampaign": (429, b'{"message":"You have exceeded your API request limit."}'),
}


@dataclass(slots=True)
class Fault:
    """One kind of trouble.

    `match` is a part of `METHOD /full/path?query`, or a regular expression found in it, or a method, a space and such
    an expression for the path; empty meets every call. `times` counts down, None is for ever; `skip` lets that many
    calls pass first. `status`, `body` and `headers` belong to the kind `status`, `seconds` to `delay`."""

    system: str
    kind: str
    match: str = ""
    times: int | None = 1
    skip: int = 0
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    id: int = 0
    hits: int = 0


class WrongFault(ValueError):
    """A fault that cannot be set up; the text says why."""


def parse_fault(raw: Mapping[str, Any]) -> Fault:
    """A fault from the admin application's JSON. Raises WrongFault."""
    unknown = set(raw) - {"system", "kind", "match", "times", "skip", "status", "body", "headers", "seconds"}
    if unknown:
        raise WrongFault(f"unknown keys {sorted(unknown)}")
    if raw.get("system") not in SYSTEMS:
        raise WrongFault(f"system must be one of {', '.join(SYSTEMS)}")
    if raw.get("kind") not in KINDS:
        raise WrongFault(f"kind must be one of {', '.join(KINDS)}")
    if raw["kind"] == "expire_token" and raw["system"] != "salesforce":
        raise WrongFault("only salesforce has tokens that expire")
    values = dict(raw)
    if not isinstance(values.get("body", ""), str):
        values["body"] = msgspec.json.encode(values["body"]).decode()
    try:
        re.compile(values.get("match", ""))
        fault = msgspec.convert(values, Fault)
    except (msgspec.ValidationError, re.error) as error:
        raise WrongFault(str(error)) from None
    if not 100 <= fault.status <= 599 or fault.seconds < 0:
        raise WrongFault("status must be 100..599 and seconds not negative")
    return fault


class FaultBook:
    """The faults that are armed. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._spent_tokens: set[str] = set()
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        """Arm a fault; it gets its id."""
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
            return fault

    def all(self) -> list[Fault]:
        """Every fault with its `hits`, also those used up."""
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._faults.clear()
            self._spent_tokens.clear()

    def take(self, system: str, line: str, token: str) -> Fault | None:
        """The first fault that meets this call, counted as used, or None. `line` is `METHOD /path?query`."""
        with self._lock:
            for fault in self._faults:
                if fault.system != system or fault.times == 0 or not _meets(fault.match, line):
                    continue
                if fault.kind == "expire_token" and (not token or token in self._spent_tokens):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.kind == "expire_token":
                    self._spent_tokens.add(token)
                if fault.times is not None:
                    fault.times -= 1
                fault.hits += 1
                return fault
            return None


def _meets(match: str, line: str) -> bool:
    if match in line:
        return True
    method, _, path = match.partition(" ")
    if method.isupper() and path:
        return line.startswith(method + " ") and re.search(path, line.partition(" ")[2]) is not None
    return re.search(match, line) is not None


class FaultyApp:
    """Middleware around one system's application, inside the call log."""

    def __init__(self, app: ASGIApp, system: str, book: FaultBook) -> None:
        self._app = app
        self._system = system
        self._book = book

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the trouble it is to meet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        line = f"{scope['method']} {scope['path']}" + (f"?{query}" if query else "")
        fault = self._book.take(self._system, line, _token(scope))
        if fault is None:
            await self._app(scope, receive, send)
            return
        match fault.kind:
            case "status":
                body = fault.body.encode() or b'{"message":"injected by the sandbox"}'
                await _answer(receive, send, fault.status, body, {"content-type": "application/json", **fault.headers})
            case "html":
                await _answer(receive, send, 200, _LOGIN_PAGE, {"content-type": "text/html; charset=UTF-8"})
            case "expire_token":
                await _answer(receive, send, 401, _EXPIRED, {"content-type": "application/json;charset=UTF-8"})
            case "daily_limit":
                status, body = _LIMITS[self._system]
                await _answer(receive, send, status, body, {"content-type": "application/json", **fault.headers})
            case "delay":
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case "drop_before":
                await _drain(receive)
                await _hang_up(scope, receive)
            case "drop_after":
                await self._app(scope, receive, _swallow)
                await _hang_up(scope, receive)
            case "truncate":
                await self._truncate(scope, receive, send)

    async def _truncate(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        # The length that was promised stays, so that the client can notice.
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(body[: len(body) // 2]), "more_body": True})
        await _hang_up(scope, receive, flush=True)


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode("latin-1").partition(" ")[2])
    return ""


async def _drain(receive: Receive) -> None:
    # Unread request bytes would turn the close into a reset on some systems and hide what is meant here.
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def _swallow(message: Message) -> None:
    del message


async def _answer(receive: Receive, send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    await _drain(receive)
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _hang_up(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    """Close the connection under the request and wait until the server knows, else it would answer 500."""
    close: Callable[[bool], None] = scope["extensions"][EXTENSION]
    close(flush)
    while (await receive())["type"] != "http.disconnect":
        pass

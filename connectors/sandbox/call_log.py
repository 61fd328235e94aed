"""What each emulated system was asked: counts per endpoint, bytes, time spent, and the calls in order.

`CallLog` is the book; `LoggedApp` is ASGI middleware that writes into it. It also puts the sandbox's time into the
`Date` header, from which clients take the time of the source. Whether calls fail on purpose is left to `faults`.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldwright.connectors.sandbox.clock import Clock

_KEPT = 100_000
# Numbers, Salesforce ids (15 or 18 characters, a digit among them), cursors and e-mail addresses are never names.
_ID = re.compile(r"\d+|(?=[A-Za-z]*\d)(?:[A-Za-z0-9]{15}|[A-Za-z0-9]{18})|.*[@-].*")
_PREFIXES = re.compile(r"^/(?:api/v2|api/3|services/data/v[\d.]+)(?=/|$)")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was answered. `status` 0 means that the connection was closed without an answer."""

    system: str
    method: str
    path: str
    status: int
    request_bytes: int
    response_bytes: int
    milliseconds: float


def template(method: str, path: str, known: Iterable[str] = ()) -> str:
    """`GET /customers/{id}` for `GET /api/v2/customers/cus_1`: the version prefix goes, ids become `{id}`.

    With `known` every later step that is not in it counts as an id; without, what looks like one."""
    steps = (_PREFIXES.sub("", path) or "/").strip("/").split("/")
    names = frozenset(known)
    shown = []
    for index, step in enumerate(steps):
        # /sobjects/Account/External__c/any-text-at-all
        external = index == 3 and steps[0] == "sobjects"
        is_id = external or (step not in names if names else _ID.fullmatch(step) is not None)
        shown.append("{id}" if index and is_id else step)
    return f"{method} /" + "/".join(shown)


class CallLog:
    """The book of one sandbox. Safe to share between threads; keeps the last 100,000 calls in order and all counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._totals: dict[tuple[str, str], dict[str, Any]] = {}
        self._writes: dict[str, int] = {}

    def add(self, call: Call, endpoint: str) -> None:
        """Enter a call."""
        with self._lock:
            self._calls.append(call)
            entry = self._totals.setdefault(
                (call.system, endpoint),
                {"count": 0, "statuses": {}, "request_bytes": 0, "response_bytes": 0, "milliseconds": 0.0},
            )
            entry["count"] += 1
            entry["statuses"][str(call.status)] = entry["statuses"].get(str(call.status), 0) + 1
            entry["request_bytes"] += call.request_bytes
            entry["response_bytes"] += call.response_bytes
            entry["milliseconds"] = round(entry["milliseconds"] + call.milliseconds, 3)
            if call.method != "GET" and not call.path.endswith(("/oauth2/token", "/oauth2/userinfo")):
                self._writes[call.system] = self._writes.get(call.system, 0) + 1

    def summary(self, systems: Iterable[str]) -> dict[str, Any]:
        """Per system: `calls`, `writes` (requests other than GET; token requests are not writes) and `endpoints`."""
        with self._lock:
            found: dict[str, Any] = {}
            for system in systems:
                endpoints = {
                    name: {**entry, "statuses": dict(entry["statuses"])}
                    for (owner, name), entry in sorted(self._totals.items())
                    if owner == system
                }
                found[system] = {
                    "calls": sum(entry["count"] for entry in endpoints.values()),
                    "writes": self._writes.get(system, 0),
                    "endpoints": endpoints,
                }
            return found

    def calls(self) -> list[Call]:
        """The calls in the order in which they were answered."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._calls.clear()
            self._totals.clear()
            self._writes.clear()


class LoggedApp:
    """Middleware around one system's application, outermost."""

    def __init__(self, app: ASGIApp, system: str, log: CallLog, clock: Clock, names: Iterable[str] = ()) -> None:
        self._app = app
        self._system = system
        self._log = log
        self._clock = clock
        self._names = tuple(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and enter it in the book."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = received = sent = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                date = format_datetime(self._clock.now(), usegmt=True).encode()
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"date"]
                message = {**message, "headers": [*headers, (b"date", date)]}
            else:
                sent += len(message.get("body", b""))
                if not message.get("more_body"):
                    enter()
            await send(message)

        entered = False

        def enter() -> None:
            nonlocal entered
            if not entered:
                # Before the last byte leaves, so that a client that asks for the log right away finds its own call.
                entered = True
                method, path = scope["method"], scope["path"]
                elapsed = round((time.perf_counter() - started) * 1000, 3)
                call = Call(self._system, method, path, status, received, sent, elapsed)
                self._log.add(call, template(method, path, self._names))

        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            enter()

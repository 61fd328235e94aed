"""The admin application of a sandbox: what a test or a person does to it from outside.

`GET /health`; `GET|DELETE /calls` (`?detail=1` for the calls in order); `GET|POST|DELETE /faults`; `GET|POST /clock`;
`POST /reset`; `POST /checkout` (a buyer completes a hosted page). JSON in, JSON out; wrong use is 400 with a `message`.
It only answers to loopback names, so that a web page cannot reach it through a name of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fieldwright.connectors.sandbox.call_log import CallLog
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.faults import SYSTEMS, FaultBook, WrongFault, parse_fault


class Controlled(Protocol):
    """What the admin application needs of the sandbox that it controls."""

    log: CallLog
    faults: FaultBook
    clock: Clock

    def identity(self) -> dict[str, Any]:
        """Process id, world and endpoints without keys."""
        ...

    def clock_moved(self) -> dict[str, int]:
        """Store the clock and let time do its work; tells how many records changed in each system."""
        ...

    async def rebuild(self, customers: int, seed: int, scenario: str | None) -> None:
        """Make a new world. Raises ValueError for an unknown scenario."""
        ...

    def complete_checkout(self, hosted_page: str) -> dict[str, Any]:
        """Let a buyer complete a hosted page. Raises ValueError with the reason when that is not possible."""
        ...


Handler = Callable[[dict[str, Any]], Awaitable[Any]]


def create_admin(sandbox: Controlled) -> Starlette:
    """The application for one sandbox."""

    async def health(_request: Request) -> Response:
        return _json(sandbox.identity())

    async def read_calls(request: Request) -> Response:
        summary = sandbox.log.summary(SYSTEMS)
        if request.query_params.get("detail", "0") not in ("", "0", "false"):
            summary["detail"] = [asdict(call) for call in sandbox.log.calls()]
        return _json(summary)

    async def clear_calls(_request: Request) -> Response:
        sandbox.log.clear()
        return _json({})

    async def read_faults(_request: Request) -> Response:
        return _json({"faults": [asdict(fault) for fault in sandbox.faults.all()]})

    async def clear_faults(_request: Request) -> Response:
        sandbox.faults.clear()
        return _json({})

    async def add_fault(body: dict[str, Any]) -> Any:
        return asdict(sandbox.faults.add(parse_fault(body)))

    async def read_clock(_request: Request) -> Response:
        return _json(_clock(sandbox.clock))

    async def move_clock(body: dict[str, Any]) -> Any:
        _move(sandbox.clock, body)
        return {**_clock(sandbox.clock), "changed": sandbox.clock_moved()}

    async def reset(body: dict[str, Any]) -> Any:
        customers, seed = body.get("customers", 25), body.get("seed", 1)
        if not isinstance(customers, int) or not isinstance(seed, int) or customers < 0:
            raise ValueError("customers and seed must be whole numbers")
        await sandbox.rebuild(customers, seed, body.get("scenario"))
        return sandbox.identity()

    async def checkout(body: dict[str, Any]) -> Any:
        return sandbox.complete_checkout(str(body.get("hosted_page", "")))

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/calls", read_calls, methods=["GET"]),
            Route("/calls", clear_calls, methods=["DELETE"]),
            Route("/faults", read_faults, methods=["GET"]),
            Route("/faults", clear_faults, methods=["DELETE"]),
            Route("/faults", _posted(add_fault), methods=["POST"]),
            Route("/clock", read_clock, methods=["GET"]),
            Route("/clock", _posted(move_clock), methods=["POST"]),
            Route("/reset", _posted(reset), methods=["POST"]),
            Route("/checkout", _posted(checkout), methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


def _posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            body = msgspec.json.decode(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise ValueError("the body must be a JSON object")
            return _json(await handler(body))
        except (WrongFault, ValueError, msgspec.DecodeError) as error:
            return _json({"message": str(error)}, 400)

    return serve


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _clock(clock: Clock) -> dict[str, Any]:
    frozen = clock.frozen_at
    return {
        "now": clock.now().isoformat(),
        "offset": clock.offset.total_seconds(),
        "frozen_at": None if frozen is None else frozen.isoformat(),
    }


def _move(clock: Clock, body: dict[str, Any]) -> None:
    if not body or set(body) - {"advance", "set", "freeze", "resume"}:
        raise ValueError("give advance (seconds), set (ISO instant), freeze (true or ISO instant) or resume (true)")
    if "set" in body:
        clock.set(_instant(body["set"]))
    if "advance" in body:
        if isinstance(body["advance"], bool) or not isinstance(body["advance"], (int, float)):
            raise ValueError("advance must be a number of seconds")
        clock.advance(body["advance"])
    if body.get("freeze"):
        clock.freeze(None if body["freeze"] is True else _instant(body["freeze"]))
    if body.get("resume"):
        clock.resume()


def _instant(text: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO instant") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

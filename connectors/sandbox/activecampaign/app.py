"""ActiveCampaign's API v3, emulated: one Starlette application over one SQLite file.

Turns HTTP into a `Call`, asks the resource modules, and turns their `Reply` back into HTTP; on the way it checks the
`Api-Token`, applies the account's rate limit, runs due imports, and wraps each request in a transaction. Any client of
API v3 works unchanged with the sandbox's address and key.

Left out: webhooks, custom fields of deals and accounts, automations, campaigns, e-commerce and GraphQL. Faults of the
network (429 storms, HTML instead of JSON, lost replies) are injected by the sandbox's server in front of this
application.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from fieldwright.connectors.sandbox.activecampaign import (
    accounts,
    contacts,
    deals,
    fields,
    imports,
    lists,
    tags,
    values,
)
from fieldwright.connectors.sandbox.activecampaign.call import Call, Handler, Refusal, Reply, Route
from fieldwright.connectors.sandbox.activecampaign.limiter import RateLimiter
from fieldwright.connectors.sandbox.activecampaign.storage import Storage
from fieldwright.connectors.sandbox.clock import Clock

PREFIX: Final = "/api/3"
DEFAULT_ZONE: Final = "America/Chicago"
_encode = msgspec.json.encode


def create_app(
    database: Path,
    clock: Clock,
    *,
    api_key: str | None = None,
    rate_limit: int | None = 5,
    import_delay: float = 0.0,
    import_limits: bool = True,
    timezone: str | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application over the account in `database` (made when absent; see `world.seed` for a filled one).

    `api_key` and `timezone` replace what the account remembers; without a key one is made and can be read from
    `app.state.api_key`. `rate_limit` is requests a second, None for none. `import_delay` is in seconds of `clock`;
    0 means that a batch is done at the next request. `import_limits` switches the importer's own limits a minute.
    """
    storage = Storage(database)
    with storage.transaction():
        key = api_key or storage.setting("api_key") or secrets.token_hex(36)
        zone = timezone or storage.setting("timezone") or DEFAULT_ZONE
        storage.keep_setting("api_key", key)
        storage.keep_setting("timezone", zone)
    front = _Front(
        storage=storage,
        clock=clock,
        zone=ZoneInfo(zone),
        key=key.encode(),
        limiter=None if rate_limit is None else RateLimiter(rate_limit, monotonic),
    )
    importer = imports.routes(
        imports.ImportLimiter(monotonic) if import_limits else None, timedelta(seconds=import_delay)
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        storage.close()

    app = Starlette(
        routes=[
            *(
                HttpRoute(PREFIX + route.path, front.endpoint(route.handler), methods=[route.method])
                for route in (
                    _ME,
                    *contacts.ROUTES,
                    *fields.ROUTES,
                    *values.ROUTES,
                    *lists.ROUTES,
                    *tags.ROUTES,
                    *accounts.ROUTES,
                    *deals.ROUTES,
                    *importer,
                )
            ),
            HttpRoute("/{rest:path}", front.endpoint(_no_route), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ],
        lifespan=lifespan,
    )
    app.state.storage = storage
    app.state.api_key = key
    return app


def _me(call: Call) -> Reply:
    return Reply(
        200,
        {
            "user": {
                "username": "sandbox",
                "firstName": "Sandbox",
                "lastName": "User",
                "email": call.storage.setting("user_email") or "sandbox@example.com",
                "phone": "",
                "signature": None,
                "links": {},
                "id": "1",
            }
        },
    )


def _no_route(call: Call) -> Reply:
    return Reply(404, {"message": "No route found"})


_ME: Final = Route("GET", "/users/me", _me)


class _Front:
    """What stands between HTTP and the resources."""

    def __init__(
        self, *, storage: Storage, clock: Clock, zone: ZoneInfo, key: bytes, limiter: RateLimiter | None
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._zone = zone
        self._key = key
        self._limiter = limiter

    def endpoint(self, handler: Handler) -> Callable[[Request], Any]:
        """An HTTP endpoint around a resource's handler. Handlers run on the event loop: each takes milliseconds."""

        async def answer(request: Request) -> Response:
            # The body is read even for a refusal, else the connection could not be used again.
            body = await request.body()
            if not hmac.compare_digest(request.headers.get("api-token", "").encode(), self._key):
                # Documented as 403, never 401; the words are unverified.
                return _response(Reply(403, {"message": "Unauthorized"}), {})
            headers: dict[str, str] = {}
            if self._limiter is not None:
                left, wait = self._limiter.admit()
                headers = {"RateLimit-Limit": str(self._limiter.limit), "RateLimit-Remaining": str(left)}
                if wait is not None:
                    return _response(
                        Reply(429, {"message": "Too many requests. Please try again later."}),
                        {**headers, "Retry-After": str(wait)},
                    )
            return _response(self._reply(request, handler, body), headers)

        return answer

    def _reply(self, request: Request, handler: Handler, body: bytes) -> Reply:
        try:
            decoded = msgspec.json.decode(body) if body else None
        except msgspec.DecodeError:
            return Reply(400, {"errors": ["The request body is not valid JSON."]})
        call = Call(
            storage=self._storage,
            clock=self._clock,
            zone=self._zone,
            base=f"{request.url.scheme}://{request.url.netloc}{PREFIX}",
            path=request.path_params,
            query=request.query_params.multi_items(),
            body=decoded,
            size=len(body),
        )
        with self._storage.transaction():
            imports.apply_due(call)
        try:
            with self._storage.transaction():
                return handler(call)
        except Refusal as refusal:
            return refusal.reply


def _response(reply: Reply, headers: dict[str, str]) -> Response:
    kind = "text/plain; charset=utf-8" if reply.plain else "application/json"
    return Response(_encode(reply.body), status_code=reply.status, headers=headers, media_type=kind)

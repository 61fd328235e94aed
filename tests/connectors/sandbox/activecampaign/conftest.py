"""An emulated account over real ASGI calls, with a frozen clock and a monotonic time that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from fieldwright.connectors.sandbox.activecampaign.app import create_app
from fieldwright.connectors.sandbox.activecampaign.world import seed
from fieldwright.connectors.sandbox.clock import Clock

KEY = "key-of-the-test-account"


class InProcess(httpx.BaseTransport):
    """Hands requests of a synchronous client to an ASGI application, without a socket."""

    def __init__(self, app: Starlette) -> None:
        self._loop = asyncio.new_event_loop()
        self._asgi = httpx.ASGITransport(app)
        self._storage = app.state.storage

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run_until_complete(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        reply = await self._asgi.handle_async_request(request)
        content = await reply.aread()
        return httpx.Response(reply.status_code, headers=reply.headers, content=content)

    def close(self) -> None:
        self._loop.close()
        self._storage.close()


@dataclass
class Account:
    """The emulator and a client of it; calls raise nothing and give the reply."""

    client: httpx.Client
    database: Path
    clock: Clock
    seconds: list[float] = field(default_factory=lambda: [1000.0])

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"/api/3{path}", params=query)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.client.post(f"/api/3{path}", json=body)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.client.put(f"/api/3{path}", json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.client.delete(f"/api/3{path}")

    def contact(self, email: str, **more: Any) -> str:
        """Create a contact; its id."""
        made = self.post("/contacts", {"contact": {"email": email, **more}})
        assert made.status_code == 201, made.text
        number: str = made.json()["contact"]["id"]
        return number

    def field_id(self, tag: str) -> str:
        found = [item["id"] for item in self.get("/fields").json()["fields"] if item["perstag"] == tag]
        assert len(found) == 1
        number: str = found[0]
        return number

    def custom(self, contact: str) -> dict[str, str]:
        """The custom values of a contact by field id."""
        read = self.get(f"/contacts/{contact}").json()
        return {item["field"]: item["value"] for item in read["fieldValues"]}


@pytest.fixture
def open_account(tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """Opens the account of the test with settings of `create_app`; no rate limit unless given. May be called again:
    the same file is opened."""
    clock = Clock(frozen_at=datetime(2024, 11, 1, 18, 0, tzinfo=UTC))
    database = tmp_path / "activecampaign.sqlite"
    opened: list[httpx.Client] = []

    def start(**config: Any) -> Account:
        seed(database, clock, customers=0, seed=1)
        seconds = [1000.0]
        config = {"api_key": KEY, "rate_limit": None, "monotonic": lambda: seconds[0], **config}
        transport = InProcess(create_app(database, clock, **config))
        client = httpx.Client(transport=transport, base_url="http://sandbox", headers={"Api-Token": KEY})
        opened.append(client)
        return Account(client, database, clock, seconds)

    yield start
    for client in opened:
        client.close()


@pytest.fixture
def account(open_account: Callable[..., Account]) -> Account:
    return open_account()

"""The connector against the emulated account over real HTTP on 127.0.0.1: one server, a fresh account a test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from fieldwright.connectors.activecampaign.target import ActiveCampaignTarget
from fieldwright.connectors.ratelimit import TokenBucket
from fieldwright.connectors.sandbox.activecampaign.app import create_app
from fieldwright.connectors.sandbox.activecampaign.world import seed
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.runtime.records import FieldChange, Op, Operation

KEY = "key-of-the-test-account"

Send = Callable[[Any], Any]


@dataclass
class Switch:
    """An ASGI application that passes requests on to the account of the present test. `script` answers matching
    requests instead of (or after) the account; `log` holds `METHOD /path` of all requests."""

    app: Any = None
    log: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    script: list[tuple[str, int, dict[str, str], bytes]] = field(default_factory=list)
    swallow: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        what = f"{scope['method']} {scope['path'].removeprefix('/api/3')}"
        self.log.append(what)
        self.queries.append(scope["query_string"].decode())
        for place, (match, status, headers, body) in enumerate(self.script):
            if match == what:
                del self.script[place]
                await answer(send, status, headers, body)
                return
        if what in self.swallow:
            # The write is applied, its answer never arrives.
            self.swallow.remove(what)

            async def drop(message: Any) -> None:
                return None

            await self.app(scope, receive, drop)
            await answer(send, 502, {}, b"bad gateway")
            return
        await self.app(scope, receive, send)


async def answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


class Instant:
    """A transport clock on which waiting takes no time; `slept` holds the waits. `tick` runs at each wait."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.tick: Callable[[float], None] = lambda seconds: None

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        self.tick(seconds)

    def time(self) -> float:
        return self.at


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol; else a reply takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(switch, lifespan="off", log_level="error", access_log=False, http="httptools")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield switch, f"http://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)
    listener.close()


@dataclass
class Bench:
    """A target, the account it writes to, and a raw client of that account for looking."""

    target: ActiveCampaignTarget
    raw: httpx.Client
    switch: Switch
    database: Path
    clock: Clock
    time: Instant
    url: str

    def get(self, path: str, **query: Any) -> Any:
        return self.raw.get(path, params=query).json()

    def add(self, email: str, **more: Any) -> str:
        """A contact that is there before the connector comes; its id."""
        made = self.raw.post("/contacts", json={"contact": {"email": email, **more}})
        assert made.status_code == 201, made.text
        number: str = made.json()["contact"]["id"]
        return number

    def subscribe(self, contact: str, status: int, number: int = 1) -> None:
        body = {"contactList": {"list": number, "contact": contact, "status": status}}
        assert self.raw.post("/contactLists", json=body).status_code == 200

    def emails(self) -> list[str]:
        return [contact["email"] for contact in self.get("/contacts", limit=100)["contacts"]]

    def statuses(self, contact: str) -> dict[str, str]:
        listed = self.get(f"/contacts/{contact}/contactLists")["contactLists"]
        return {item["list"]: item["status"] for item in listed}

    def custom(self, contact: str) -> dict[str, str]:
        tags = {item["id"]: item["perstag"] for item in self.get("/fields")["fields"]}
        values = self.get(f"/contacts/{contact}/fieldValues")["fieldValues"]
        return {tags[item["field"]]: item["value"] for item in values}

    def seen(self) -> list[str]:
        """The connector's requests since the last look."""
        found = list(self.switch.log)
        self.switch.log.clear()
        return found


@pytest.fixture
def open_bench(server: tuple[Switch, str], tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Opens the account of the test; arguments are those of `create_app`, and `fields=False` for an account that was
    never connected."""
    switch, url = server
    opened: list[Bench] = []

    def start(*, fields: bool = True, bucket: TokenBucket | None = None, **config: Any) -> Bench:
        clock = Clock(frozen_at=datetime(2024, 11, 1, 18, 0, tzinfo=UTC))
        database = tmp_path / "activecampaign.sqlite"
        seed(database, clock, chargebee_fields=fields)
        time = Instant()
        limits: dict[str, Any] = {"rate_limit": None, "monotonic": time.monotonic, **config}
        switch.app = create_app(database, clock, api_key=KEY, **limits)
        switch.log.clear()
        switch.queries.clear()
        switch.script.clear()
        target = ActiveCampaignTarget(
            {"url": url, "api_key": KEY}, sandbox=True, bucket=bucket or TokenBucket(1e9, 10**9), clock=time
        )
        # The raw client looks at the account past the switch's log.
        raw = httpx.Client(base_url=f"{url}/api/3", headers={"Api-Token": KEY}, event_hooks={"response": [forget]})
        bench = Bench(target, raw, switch, database, clock, time, url)
        opened.append(bench)
        return bench

    def forget(response: httpx.Response) -> None:
        if switch.log:
            switch.log.pop()
            switch.queries.pop()

    yield start
    for bench in opened:
        bench.target.close()
        bench.raw.close()
        switch.app.state.storage.close()


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()


def operation(
    email: str,
    *,
    op: Op = Op.CREATE,
    target_id: str | None = None,
    old: str | None = None,
    options: dict[str, Any] | None = None,
    **fields: Any,
) -> Operation:
    """An operation on a contact; `custom_fields.X` is written `cf_X`, `lists` is `memberships.lists`, and `old` is
    the e-mail before."""
    names = {"lists": "memberships.lists"}
    written = {
        names.get(name, name if not name.startswith("cf_") else f"custom_fields.{name.removeprefix('cf_')}"): value
        for name, value in fields.items()
    }
    return Operation(
        op=op,
        mapping="activecampaign-contact",
        object="activecampaign.contact",
        source_id=email,
        fields={} if op is Op.DELETE else {"email": email, **written},
        target_id=target_id,
        key={"email": email},
        changes={"email": FieldChange(old, email, "m.yaml:1")} if old else {},
        options=options or {},
    )


@pytest.fixture
def op() -> Callable[..., Operation]:
    return operation

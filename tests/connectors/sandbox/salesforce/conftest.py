"""A fresh emulated org per test, called without a network by `Client`, or over HTTP by `served`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import uvicorn

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce.app import close, create_app
from fieldwright.connectors.sandbox.salesforce.org import Org

NOW = datetime(2026, 3, 18, 12, 30, 15, tzinfo=UTC)
V = "/services/data/v59.0"
TOKEN = "00Dtest!session"
CREDENTIALS = {
    "access_token": TOKEN,
    "client_id": "the-client",
    "client_secret": "the-secret",
    "username": "integration@acme.example",
    "password": "pass word&1",
    "security_token": "SEC",
}


class Client:
    """Calls an application's door directly: the same code path as HTTP, without the sockets."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.org: Org = application.state.org
        self.door = application.routes[0].app
        self.headers = {"authorization": f"Bearer {TOKEN}"}

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        target = path if path.startswith("/") else f"{V}/{path}"
        return self.door.answer(method, target, {**self.headers, **given}, sent)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        reply = self.raw(method, path, body, **headers)
        answer = reply.body
        return reply.status, msgspec.json.decode(answer) if isinstance(answer, bytes) and answer else answer

    def create(self, object_name: str, **fields: Any) -> str:
        status, answer = self.call("POST", f"sobjects/{object_name}", fields)
        assert status == 201, answer
        return str(answer["id"])

    def error(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        status, answer = self.call(method, path, body, **headers)
        return status, answer[0]["errorCode"], answer[0]["message"]

    def query(self, soql: str) -> Any:
        status, answer = self.call("GET", f"query?q={quote(soql)}")
        assert status == 200, answer
        return answer

    def rows(self, soql: str) -> list[tuple[Any, ...]]:
        """The records of a query as tuples, parents flattened away."""
        found = []
        for record in self.query(soql)["records"]:
            found.append(tuple(value for key, value in record.items() if key != "attributes"))
        return found

    def field(self, object_name: str, record_id: str, name: str) -> Any:
        return self.call("GET", f"sobjects/{object_name}/{record_id}?fields={name}")[1][name]

    def configure(self, **settings: Any) -> None:
        status, answer = self.call("PATCH", "/sandbox/settings", settings)
        assert status == 200, answer


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOW)


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[Client]:
    application = create_app(tmp_path / "salesforce.db", clock, **CREDENTIALS)
    yield Client(application)
    close(application)


@pytest.fixture
def served(client: Client) -> Iterator[str]:
    """The base URL of the org of `client`, served over HTTP."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(client.application, log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


class Prices:
    """A product priced in two books, and an opportunity to sell it on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.standard = client.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0][0]
        self.book = client.create("Pricebook2", Name="Chargebee acme", IsActive=True)
        self.product = client.create("Product2", Name="Basic", ProductCode="basic")
        self.entry(self.standard, 120)
        self.listed = self.entry(self.book, 100)
        self.opportunity = client.create(
            "Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-05-01", Amount=7
        )

    def entry(self, book: str, price: float, product: str | None = None, currency: str = "USD") -> str:
        return self.client.create(
            "PricebookEntry",
            Pricebook2Id=book,
            Product2Id=product or self.product,
            UnitPrice=price,
            IsActive=True,
            CurrencyIsoCode=currency,
        )

    def line(self, **fields: Any) -> str:
        values = {"OpportunityId": self.opportunity, "PricebookEntryId": self.listed, "Quantity": 2, "UnitPrice": 90}
        return self.client.create("OpportunityLineItem", **{**values, **fields})


@pytest.fixture
def prices(client: Client) -> Prices:
    return Prices(client)

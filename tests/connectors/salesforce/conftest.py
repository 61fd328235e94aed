"""One emulated org for all tests of this folder; each test has its own connection and its own records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fieldwright.connectors import registry
from fieldwright.connectors.salesforce.target import SalesforceTarget
from fieldwright.connectors.sandbox.faults import parse_fault
from fieldwright.connectors.sandbox.server import Sandbox

SYSTEM = "salesforce"


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def time(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture(scope="session")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("org"), customers=1, systems=[SYSTEM]) as sandbox:
        yield sandbox


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(org: Sandbox) -> dict[str, str]:
    return registry.sandbox_settings(SYSTEM, org.endpoints.to_document()[SYSTEM])


@pytest.fixture
def target(org: Sandbox, settings: dict[str, str], clock: FakeClock) -> Iterator[SalesforceTarget]:
    connection = SalesforceTarget(settings, sandbox=True, clock=clock, jitter=lambda: 0.0)
    connection.count(["salesforce.Account"])
    org.faults.clear()
    org.log.clear()
    yield connection
    connection.close()
    org.faults.clear()


@pytest.fixture
def fault(org: Sandbox) -> Callable[..., None]:
    """Arms one fault of the org."""

    def arm(kind: str, **values: Any) -> None:
        org.faults.add(parse_fault({"system": SYSTEM, "kind": kind, **values}))

    return arm


_numbers = itertools.count(1)


@pytest.fixture
def unique() -> Callable[[], str]:
    """Ids that no other test uses."""
    return lambda: f"t{next(_numbers):05d}"

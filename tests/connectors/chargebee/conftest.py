"""One emulated site for all tests of this folder; each test has its own connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fieldwright.connectors import registry
from fieldwright.connectors.chargebee.source import ChargebeeSource
from fieldwright.connectors.sandbox.faults import parse_fault
from fieldwright.connectors.sandbox.server import Sandbox

SYSTEM = "chargebee"


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
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("site"), customers=230, seed=7, systems=[SYSTEM]) as sandbox:
        yield sandbox


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(site: Sandbox) -> dict[str, str]:
    return registry.sandbox_settings(SYSTEM, site.endpoints.to_document()[SYSTEM])


@pytest.fixture
def source(site: Sandbox, settings: dict[str, str], clock: FakeClock) -> Iterator[ChargebeeSource]:
    connection = ChargebeeSource(settings, sandbox=True, clock=clock, jitter=lambda: 0.0)
    site.faults.clear()
    site.log.clear()
    yield connection
    connection.close()
    site.faults.clear()


@pytest.fixture
def fault(site: Sandbox) -> Callable[..., None]:
    """Arms one fault of the site."""

    def arm(kind: str, **values: Any) -> None:
        site.faults.add(parse_fault({"system": SYSTEM, "kind": kind, **values}))

    return arm

"""A sandbox with an empty site (catalog, no customers), reached by the official SDK and by plain HTTP."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from chargebee import Chargebee

from fieldwright.connectors.sandbox.server import Sandbox


def sdk(sandbox: Sandbox, api_key: str) -> Chargebee:
    """The SDK pointed at a sandbox."""
    client = Chargebee(api_key=api_key, site=sandbox.endpoints.chargebee.site)
    client.env.protocol = "http"
    client.env.api_endpoint = sandbox.endpoints.chargebee.url + "/api/v2"
    return client


@pytest.fixture(scope="module", autouse=True)
def plain_http() -> Iterator[None]:
    """The SDK's own switch for plain http is a class attribute; other tests get it back as it was."""
    before = Chargebee.verify_ca_certs
    Chargebee.verify_ca_certs = False
    yield
    Chargebee.verify_ca_certs = before


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with Sandbox.start(folder, customers=0, systems=("chargebee",)) as running:
        yield running


@pytest.fixture(scope="module")
def cb(sandbox: Sandbox) -> Chargebee:
    return sdk(sandbox, sandbox.endpoints.chargebee.api_key)


@pytest.fixture(scope="module")
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    endpoint = sandbox.endpoints.chargebee
    with httpx.Client(base_url=endpoint.url + "/api/v2", auth=(endpoint.api_key, ""), trust_env=False) as client:
        yield client

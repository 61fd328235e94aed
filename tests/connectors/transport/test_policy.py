"""The transport policy, seen through both libraries that carry it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldwright.connectors.hosts import HostRule
from fieldwright.connectors.ratelimit import TokenBucket
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.requests_adapter import IDEMPOTENT_MARK
from fieldwright.connectors.retry import RetryPolicy
from fieldwright.connectors.transport import Policy, Timeouts, httpx_client, requests_session
from fieldwright.runtime.errors import Ambiguous, ConfigError, Unavailable

SECRET = "sk_live_canary0123"


@dataclass
class Carrier:
    """One library's client, with one way to call it."""

    policy: Policy
    client: Any
    kind: str

    def send(self, method: str, url: str, *, idempotent: bool = False) -> int:
        options: dict[str, Any] = {}
        if self.kind == "httpx" and idempotent:
            options["extensions"] = {"idempotent": True}
        if self.kind == "requests" and idempotent:
            options["headers"] = {IDEMPOTENT_MARK: "1"}
        reply = self.client.request(method, url, **options)
        self.body = reply.content
        return int(reply.status_code)


Make = Callable[..., Carrier]


@pytest.fixture(params=["httpx", "requests"])
def carrier(request: pytest.FixtureRequest, clock: Any) -> Iterator[Make]:
    made: list[Carrier] = []

    def make(base: str | None, system: str = "salesforce", **options: Any) -> Carrier:
        policy = Policy(HostRule(system, base), redact=Redactor([SECRET]), clock=clock, jitter=lambda: 0.0, **options)
        client = httpx_client(policy) if request.param == "httpx" else requests_session(policy)
        made.append(Carrier(policy, client, request.param))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


def test_connections_are_reused(serve: Any, carrier: Make) -> None:
    server = serve()
    wire = carrier(server.url)
    assert [wire.send("GET", f"{server.url}/a") for _ in range(5)] == [200] * 5
    assert {seen.connection for seen in server.seen} == {1}
    assert wire.policy.calls == 5


def test_429_waits_as_long_as_retry_after_says(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve((429, b"{}", {"Retry-After": "7"}), (429, b"{}", {"Retry-After": "3"}), (200, b"{}", {}))
    wire = carrier(server.url)
    assert wire.send("POST", f"{server.url}/write") == 200
    assert clock.waits == [7.0, 3.0]
    assert (wire.policy.calls, wire.policy.retries) == (3, 2)


def test_retry_after_as_a_date_is_understood(serve: Any, carrier: Make, clock: Any) -> None:
    later = datetime.fromtimestamp(clock.time(), UTC) + timedelta(seconds=12)
    server = serve((503, b"{}", {"Retry-After": later.strftime("%a, %d %b %Y %H:%M:%S GMT")}), (200, b"{}", {}))
    assert carrier(server.url).send("GET", f"{server.url}/a") == 200
    assert clock.waits == [12.0]


def test_a_longer_retry_after_than_we_wait_is_handed_up(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve((429, b"{}", {"Retry-After": "86400"}))
    assert carrier(server.url).send("GET", f"{server.url}/a") == 429
    assert clock.waits == []
    assert len(server.seen) == 1


def test_at_most_four_attempts(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve((503, b"{}", {}))
    assert carrier(server.url).send("GET", f"{server.url}/a") == 503
    assert len(server.seen) == 4
    assert clock.waits == [0.25, 0.5, 1.0]


def test_the_retry_budget_ends_repeats_in_an_outage(serve: Any, carrier: Make) -> None:
    server = serve((503, b"{}", {}))
    wire = carrier(server.url, retries=RetryPolicy(spare=5, share=0.1))
    for _ in range(20):
        wire.send("GET", f"{server.url}/a")
    assert wire.policy.retries <= 5 + 0.1 * 20 + 1
    assert len(server.seen) == 20 + wire.policy.retries


def test_a_write_lost_after_sending_is_ambiguous_and_not_repeated(serve: Any, carrier: Make) -> None:
    server = serve("drop")
    with pytest.raises(Ambiguous):
        carrier(server.url).send("POST", f"{server.url}/write")
    assert len(server.seen) == 1


@pytest.mark.parametrize("trouble", ["drop", "truncate"])
def test_an_idempotent_write_is_repeated(serve: Any, carrier: Make, trouble: str) -> None:
    server = serve(trouble, (200, b"{}", {}))
    assert carrier(server.url).send("PATCH", f"{server.url}/write", idempotent=True) == 200
    assert len(server.seen) == 2
    assert all(IDEMPOTENT_MARK.lower() not in seen.headers for seen in server.seen)


def test_an_idempotent_write_that_stays_lost_is_ambiguous(serve: Any, carrier: Make) -> None:
    server = serve("drop")
    with pytest.raises(Ambiguous):
        carrier(server.url).send("PATCH", f"{server.url}/write", idempotent=True)
    assert len(server.seen) == 4


def test_a_read_that_stays_lost_is_unavailable(serve: Any, carrier: Make) -> None:
    server = serve("truncate")
    with pytest.raises(Unavailable, match="closed before the reply was complete"):
        carrier(server.url).send("GET", f"{server.url}/a")
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_repeats_reads_but_not_writes(serve: Any, carrier: Make, status: int) -> None:
    server = serve((status, b"{}", {}))
    wire = carrier(server.url)
    assert wire.send("POST", f"{server.url}/write") == status
    assert len(server.seen) == 1
    assert wire.send("GET", f"{server.url}/a") == status
    assert len(server.seen) == 5


def test_a_write_that_never_left_is_repeated_and_then_unavailable(carrier: Make) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    wire = carrier(nobody)
    with pytest.raises(Unavailable, match="no connection"):
        wire.send("POST", f"{nobody}/write")
    assert wire.policy.calls == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(serve: Any, carrier: Make, status: int) -> None:
    other = serve()
    server = serve((status, b"", {"Location": f"{other.url}/stolen"}))
    with pytest.raises(Unavailable, match="redirect"):
        carrier(server.url).send("GET", f"{server.url}/a")
    assert other.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api",
        "https://acme.my.salesforce.com.evil.example/",
        "https://evil.example/#.my.salesforce.com",
        "https://user@acme.my.salesforce.com/",
        "http://acme.my.salesforce.com/",
        "https://acme.my.salesforce.com:8443/",
        "http://127.0.0.1:9/",
    ],
)
def test_a_foreign_host_is_refused_before_any_byte(carrier: Make, url: str) -> None:
    wire = carrier(None)
    with pytest.raises(Unavailable, match="Refused to contact"):
        wire.send("GET", url)
    assert wire.policy.calls == 0


def test_a_sandbox_reaches_this_machine_only(serve: Any, carrier: Make) -> None:
    server, other = serve(), serve()
    wire = carrier(server.url)
    assert wire.send("GET", "https://acme.my.salesforce.com/services/data?q=1") == 200
    assert server.seen[0].path == "/services/data?q=1"
    for url in ("https://evil.example/", f"{other.url}/a"):
        with pytest.raises(Unavailable):
            wire.send("GET", url)
    assert other.seen == []


def test_a_sandbox_address_elsewhere_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        HostRule("chargebee", "http://10.0.0.5:8080")


def test_proxy_variables_are_ignored(serve: Any, carrier: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(), serve()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert carrier(server.url).send("GET", f"{server.url}/a") == 200
    assert proxy.seen == []


def test_credentials_of_other_tools_are_not_sent(
    serve: Any, carrier: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = serve()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    carrier(server.url).send("GET", f"{server.url}/a")
    assert "authorization" not in server.seen[0].headers


def test_the_vendor_clock_comes_from_the_date_header_and_moves_on(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve()
    server.server.RequestHandlerClass.date_time_string = lambda self: "Sun, 06 Nov 1994 08:49:37 GMT"
    wire = carrier(server.url)
    assert wire.policy.vendor_now() is None
    wire.send("GET", f"{server.url}/a")
    clock.at += 5
    assert wire.policy.vendor_now() == datetime(1994, 11, 6, 8, 49, 42, tzinfo=UTC)


def test_a_reply_that_never_ends_is_cut_off(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve((200, b"x" * 1000, {}))
    wire = carrier(server.url, timeouts=Timeouts(total=-1.0))
    with pytest.raises(Unavailable, match="took too long"):
        wire.send("GET", f"{server.url}/a")


def test_nothing_logged_or_raised_holds_a_secret_or_personal_data(
    serve: Any, carrier: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve((503, b"{}", {}))
    wire = carrier(server.url)
    wire.send("GET", f"{server.url}/contacts/jane.roe@example.org?key={SECRET}&email=jane.roe%40example.org")
    gone = carrier("http://127.0.0.1:9")
    with pytest.raises(Unavailable) as raised:
        gone.send("GET", f"http://127.0.0.1:9/x?key={SECRET}&email=jane.roe@example.org")
    text = caplog.text + str(raised.value) + raised.value.fix + repr(wire.policy.redact)
    assert "fieldwright.transport" in caplog.text
    assert SECRET not in text
    assert "jane.roe" not in text


def test_the_bucket_spaces_requests(serve: Any, carrier: Make, clock: Any) -> None:
    server = serve()
    wire = carrier(server.url, bucket=TokenBucket(rate=2.0, burst=2))
    for _ in range(6):
        wire.send("GET", f"{server.url}/a")
    assert sum(clock.waits) == pytest.approx(2.0)

"""The sandbox as a whole: starting, finding, stopping; call log, faults, clock and reset as clients meet them."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from fieldwright.connectors.sandbox.call_log import template
from fieldwright.connectors.sandbox.endpoints import Endpoints
from fieldwright.connectors.sandbox.faults import WrongFault, parse_fault
from fieldwright.connectors.sandbox.server import Sandbox, SandboxRunning, find_running, reset

ONLY = ("chargebee",)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("sandbox"), customers=3, systems=ONLY) as running:
        yield running


@pytest.fixture
def admin(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.endpoints.admin.url, trust_env=False) as client:
        client.delete("/faults")
        client.delete("/calls")
        yield client
        client.delete("/faults")


@pytest.fixture
def site(sandbox: Sandbox) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = (sandbox.endpoints.chargebee.api_key, "")
        session.trust_env = False
        yield session


def url(sandbox: Sandbox, path: str) -> str:
    return sandbox.endpoints.chargebee.url + "/api/v2" + path


def arm(admin: httpx.Client, **fault: Any) -> None:
    response = admin.post("/faults", json={"system": "chargebee", **fault})
    assert response.status_code == 200, response.text


# -- starting and stopping


def test_a_world_survives_a_restart_with_its_keys_and_changes(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path, customers=2, systems=ONLY) as first:
        endpoint = first.endpoints.chargebee
        requests.post(endpoint.url + "/api/v2/customers", {"id": "kept"}, auth=(endpoint.api_key, ""), timeout=5)
    with Sandbox.start(tmp_path, customers=9, systems=ONLY) as second:
        again = second.endpoints.chargebee
        assert again.api_key == endpoint.api_key
        found = requests.get(again.url + "/api/v2/customers", auth=(again.api_key, ""), timeout=5).json()["list"]
        assert [entry["customer"]["id"] for entry in found] == ["cus_000001", "cus_000002", "kept"]


def test_a_running_sandbox_is_found_and_not_started_twice(tmp_path: Path) -> None:
    assert find_running(tmp_path) is None
    with Sandbox.start(tmp_path, customers=0, systems=ONLY) as running:
        assert find_running(tmp_path) == running.endpoints
        with pytest.raises(SandboxRunning):
            Sandbox.start(tmp_path, systems=ONLY)
    assert find_running(tmp_path) is None
    assert not (tmp_path / "running.json").exists()


def test_the_record_of_a_dead_sandbox_is_ignored(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path, customers=0, systems=ONLY) as running:
        record = json.loads((tmp_path / "running.json").read_text())
        other = {**record, "id": "another"}
        (tmp_path / "running.json").write_text(json.dumps(other))
        assert find_running(tmp_path) is None
        (tmp_path / "running.json").write_text(json.dumps(record))
        assert find_running(tmp_path) == running.endpoints
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / "running.json").write_text(json.dumps({**record, "pid": child.pid}))
    assert find_running(tmp_path) is None
    (tmp_path / "running.json").write_text("{")
    assert find_running(tmp_path) is None


def test_files_with_keys_are_for_their_owner_only(sandbox: Sandbox) -> None:
    for name in ("world.json", "running.json"):
        assert stat.S_IMODE(os.stat(sandbox.folder / name).st_mode) == 0o600


def test_every_world_has_keys_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("a", "b"):
        with Sandbox.start(tmp_path / name, customers=0, systems=ONLY) as running:
            keys |= {running.endpoints.chargebee.api_key, running.endpoints.salesforce.client_secret}
    assert len(keys) == 4


def test_a_given_port_is_used_and_a_taken_one_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError):
            Sandbox.start(tmp_path, customers=0, systems=ONLY, ports={"chargebee": taken.getsockname()[1]})
        port = taken.getsockname()[1]
    with Sandbox.start(tmp_path, customers=0, systems=ONLY, ports={"chargebee": port}) as running:
        assert running.endpoints.chargebee.url == f"http://127.0.0.1:{port}"


def test_the_endpoints_are_printed_in_the_documented_shape(sandbox: Sandbox) -> None:
    document = json.loads(sandbox.endpoints.to_json())
    assert {name: sorted(part) if isinstance(part, dict) else part for name, part in document.items()} == {
        "version": 1,
        "chargebee": ["api_key", "site", "url"],
        "salesforce": ["access_token", "client_id", "client_secret", "password", "url", "username"],
        "activecampaign": ["api_key", "url"],
        "admin": ["url"],
    }
    assert Endpoints.from_document(document) == sandbox.endpoints


def test_a_reset_makes_a_new_world_under_the_same_addresses(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path, customers=1, systems=ONLY) as running:
        endpoint = running.endpoints.chargebee

        def emails() -> list[str]:
            reply = requests.get(endpoint.url + "/api/v2/customers", auth=(endpoint.api_key, ""), timeout=5)
            return [entry["customer"]["email"] for entry in reply.json()["list"]]

        before = emails()
        reset(tmp_path, customers=2, seed=7)
        assert len(emails()) == 2
        assert emails()[0] != before[0]
        running.reset(customers=1)
        assert emails() == before
        with pytest.raises(ValueError, match="no scenario"):
            running.reset(scenario="calm")
        assert emails() == before
    reset(tmp_path, customers=3)
    with Sandbox.start(tmp_path, systems=ONLY) as again:
        assert again.identity()["world"] == {"customers": 3, "seed": 1, "scenario": None}


def test_the_admin_answers_to_loopback_names_only(admin: httpx.Client) -> None:
    assert admin.get("/health", headers={"host": "sandbox.example.com"}).status_code == 400


# -- the call log


def test_calls_are_counted_by_endpoint_and_writes_by_system(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    site.get(url(sandbox, "/customers?limit=2"))
    site.get(url(sandbox, "/customers/cus_000001"))
    site.get(url(sandbox, "/customers/nobody"))
    site.post(url(sandbox, "/customers/cus_000001"), {"company": "Renamed"})
    seen = admin.get("/calls").json()["chargebee"]
    assert (seen["calls"], seen["writes"]) == (4, 1)
    assert {name: (entry["count"], entry["statuses"]) for name, entry in seen["endpoints"].items()} == {
        "GET /customers": (1, {"200": 1}),
        "GET /customers/{id}": (2, {"200": 1, "404": 1}),
        "POST /customers/{id}": (1, {"200": 1}),
    }
    assert seen["endpoints"]["POST /customers/{id}"]["request_bytes"] == len("company=Renamed")
    detail = admin.get("/calls", params={"detail": 1}).json()["detail"]
    assert [(call["method"], call["path"], call["status"]) for call in detail] == [
        ("GET", "/api/v2/customers", 200),
        ("GET", "/api/v2/customers/cus_000001", 200),
        ("GET", "/api/v2/customers/nobody", 404),
        ("POST", "/api/v2/customers/cus_000001", 200),
    ]
    admin.delete("/calls")
    assert admin.get("/calls").json()["chargebee"] == {"calls": 0, "writes": 0, "endpoints": {}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/services/data/v61.0/composite", "/composite"),
        ("/services/data/v61.0/sobjects/Account/001000000000001AAA", "/sobjects/Account/{id}"),
        ("/services/data/v61.0/sobjects/Account/cb__Id__c/acme", "/sobjects/Account/cb__Id__c/{id}"),
        ("/services/data/v61.0/sobjects/Account/describe", "/sobjects/Account/describe"),
        ("/services/data/v61.0/query/01g000000000001-2000", "/query/{id}"),
        ("/services/data/v61.0/jobs/ingest/750000000000001AAA/batches", "/jobs/ingest/{id}/batches"),
        ("/api/3/contacts/17/contactTags", "/contacts/{id}/contactTags"),
        ("/api/3/contact/sync", "/contact/sync"),
        ("/services/oauth2/token", "/services/oauth2/token"),
    ],
)
def test_ids_in_paths_are_not_endpoints_of_their_own(path: str, expected: str) -> None:
    assert template("GET", path) == f"GET {expected}"


# -- faults


def test_a_status_fault_meets_the_given_number_of_matching_calls(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    arm(admin, kind="status", match="GET /customers$", times=2, status=429, body={"message": "slow"}, headers={
        "Retry-After": "7"})  # fmt: skip
    assert site.get(url(sandbox, "/plans")).status_code == 200
    replies = [site.get(url(sandbox, "/customers")) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert (replies[0].headers["retry-after"], replies[0].json()) == ("7", {"message": "slow"})
    assert [fault["hits"] for fault in admin.get("/faults").json()["faults"]] == [2]


def test_a_call_dropped_before_was_never_applied(sandbox: Sandbox, admin: httpx.Client, site: requests.Session) -> None:
    arm(admin, kind="drop_before", match="POST /customers")
    with pytest.raises(requests.ConnectionError):
        site.post(url(sandbox, "/customers"), {"id": "dropped-before"})
    assert site.get(url(sandbox, "/customers/dropped-before")).status_code == 404


def test_a_call_dropped_after_was_applied(sandbox: Sandbox, admin: httpx.Client, site: requests.Session) -> None:
    arm(admin, kind="drop_after", match="POST /customers")
    with pytest.raises(requests.ConnectionError):
        site.post(url(sandbox, "/customers"), {"id": "dropped-after"})
    assert site.get(url(sandbox, "/customers/dropped-after")).status_code == 200
    assert [call.status for call in sandbox.log.calls()] == [0, 200]


def test_a_dropped_call_is_a_closed_connection_to_httpx_too(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    arm(admin, kind="drop_before")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(url(sandbox, "/plans"), auth=site.auth, trust_env=False)  # type: ignore[arg-type]


def test_a_truncated_answer_breaks_off_in_the_middle(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    arm(admin, kind="truncate", match="/plans")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        site.get(url(sandbox, "/plans"))
    assert site.get(url(sandbox, "/plans")).status_code == 200


def test_a_login_page_comes_instead_of_json(sandbox: Sandbox, admin: httpx.Client, site: requests.Session) -> None:
    arm(admin, kind="html")
    reply = site.get(url(sandbox, "/plans"))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    assert reply.text.startswith("<!DOCTYPE html>")


def test_a_delay_lets_an_impatient_client_time_out(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    arm(admin, kind="delay", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        site.get(url(sandbox, "/plans"), timeout=0.05)


def test_the_daily_limit_stays_until_it_is_lifted(
    sandbox: Sandbox, admin: httpx.Client, site: requests.Session
) -> None:
    arm(admin, kind="daily_limit", times=None)
    codes = [site.get(url(sandbox, "/plans")).json()["api_error_code"] for _ in range(3)]
    assert codes == ["api_request_limit_exceeded"] * 3
    admin.delete("/faults")
    assert site.get(url(sandbox, "/plans")).status_code == 200


def test_a_fault_can_let_some_calls_pass_first(sandbox: Sandbox, admin: httpx.Client, site: requests.Session) -> None:
    arm(admin, kind="status", skip=2)
    assert [site.get(url(sandbox, "/plans")).status_code for _ in range(4)] == [200, 200, 503, 200]


@pytest.mark.parametrize(
    "raw",
    [
        {"system": "hubspot", "kind": "status"},
        {"system": "chargebee", "kind": "explode"},
        {"system": "chargebee", "kind": "expire_token"},
        {"system": "chargebee", "kind": "status", "match": "("},
        {"system": "chargebee", "kind": "status", "status": 99},
        {"system": "chargebee", "kind": "status", "times": "often"},
        {"system": "chargebee", "kind": "status", "when": "now"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(admin: httpx.Client, raw: dict[str, Any]) -> None:
    with pytest.raises(WrongFault):
        parse_fault(raw)
    assert admin.post("/faults", json=raw).status_code == 400


# -- the clock


def test_time_travel_renews_terms_and_is_remembered(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path, customers=0, systems=ONLY) as running:
        api, auth = running.endpoints.chargebee.url + "/api/v2", (running.endpoints.chargebee.api_key, "")
        requests.post(api + "/customers", {"id": "c"}, auth=auth, timeout=5)
        for key, extra in {
            "monthly": {"plan_id": "starter"},
            "trial": {"plan_id": "team"},
            "thrice": {"plan_id": "bootcamp"},
            "ending": {"plan_id": "starter"},
        }.items():
            requests.post(api + "/customers/c/subscriptions", {"id": key, **extra}, auth=auth, timeout=5)
        requests.post(api + "/subscriptions/ending/cancel", {"end_of_term": "true"}, auth=auth, timeout=5)

        def states() -> dict[str, tuple[str, int]]:
            found = requests.get(api + "/subscriptions", auth=auth, timeout=5).json()["list"]
            bills = requests.get(api + "/invoices?limit=100", auth=auth, timeout=5).json()["list"]
            return {
                key: (
                    next(e["subscription"]["status"] for e in found if e["subscription"]["id"] == key),
                    sum(e["invoice"]["subscription_id"] == key for e in bills),
                )
                for key in ("monthly", "trial", "thrice", "ending")
            }

        assert states() == {
            "monthly": ("active", 1),
            "trial": ("in_trial", 0),
            "thrice": ("active", 1),
            "ending": ("non_renewing", 1),
        }
        admin = running.endpoints.admin.url
        requests.post(admin + "/clock", json={"advance": 33 * 86_400}, timeout=5)
        assert states() == {
            "monthly": ("active", 2),
            "trial": ("active", 1),
            "thrice": ("active", 2),
            "ending": ("cancelled", 1),
        }
        requests.post(admin + "/clock", json={"advance": 33 * 86_400}, timeout=5)
        assert states()["thrice"] == ("non_renewing", 3)
        requests.post(admin + "/clock", json={"advance": 33 * 86_400}, timeout=5)
        assert states()["thrice"] == ("cancelled", 3)
        offset = requests.get(admin + "/clock", timeout=5).json()["offset"]
    with Sandbox.start(tmp_path, systems=ONLY) as again:
        assert again.clock.offset.total_seconds() == offset == 99 * 86_400


def test_the_clock_is_set_frozen_and_resumed(sandbox: Sandbox, admin: httpx.Client) -> None:
    told = admin.post("/clock", json={"freeze": "2027-01-01T00:00:00Z"}).json()
    assert told["now"] == told["frozen_at"] == "2027-01-01T00:00:00+00:00"
    assert admin.post("/clock", json={"advance": 60}).json()["now"] == "2027-01-01T00:01:00+00:00"
    assert admin.post("/clock", json={"resume": True}).json()["frozen_at"] is None
    assert sandbox.clock.now().year == 2027
    for wrong in ({}, {"advance": "a day"}, {"set": "tomorrow"}, {"back": 1}):
        assert admin.post("/clock", json=wrong).status_code == 400


# -- all three systems together


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("whole"), customers=1) as running:
        yield running


def limits(whole: Sandbox) -> int:
    endpoint = whole.endpoints.salesforce
    headers = {"Authorization": f"Bearer {endpoint.access_token}"}
    return requests.get(endpoint.url + "/services/data/v61.0/limits", headers=headers, timeout=5).status_code


def lists(whole: Sandbox) -> int:
    endpoint = whole.endpoints.activecampaign
    headers = {"Api-Token": endpoint.api_key}
    return requests.get(endpoint.url + "/api/3/lists", headers=headers, timeout=5).status_code


def test_the_printed_keys_open_every_system_also_after_a_reset(whole: Sandbox) -> None:
    assert (limits(whole), lists(whole)) == (200, 200)
    whole.reset(customers=2)
    assert (limits(whole), lists(whole)) == (200, 200)


def test_a_token_expires_once_and_a_new_one_is_good(whole: Sandbox) -> None:
    endpoint = whole.endpoints.salesforce
    whole.faults.add(
        parse_fault({"system": "salesforce", "kind": "expire_token", "times": None, "match": "/services/data"})
    )
    assert limits(whole) == 401
    assert limits(whole) == 200
    grant = {
        "grant_type": "client_credentials",
        "client_id": endpoint.client_id,
        "client_secret": endpoint.client_secret,
    }
    fresh = requests.post(endpoint.url + "/services/oauth2/token", grant, timeout=5).json()["access_token"]
    headers = {"Authorization": f"Bearer {fresh}"}
    assert requests.get(endpoint.url + "/services/data/v61.0/limits", headers=headers, timeout=5).status_code == 401
    whole.faults.clear()
    assert requests.get(endpoint.url + "/services/data/v61.0/limits", headers=headers, timeout=5).status_code == 200


def test_a_token_request_is_a_call_but_not_a_write(whole: Sandbox) -> None:
    endpoint = whole.endpoints.salesforce
    whole.log.clear()
    grant = {
        "grant_type": "client_credentials",
        "client_id": endpoint.client_id,
        "client_secret": endpoint.client_secret,
    }
    requests.post(endpoint.url + "/services/oauth2/token", grant, timeout=5)
    seen = whole.log.summary(["salesforce"])["salesforce"]
    assert (seen["calls"], seen["writes"]) == (1, 0)

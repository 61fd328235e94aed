"""`interpret preview` against what a run does: the same writes, the same reasons, and never a write of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldwright.connectors.sandbox.server import Sandbox
from fieldwright.runtime.errors import StateUnusable
from fieldwright.runtime.onlooking import Onlooker, look_into
from tests.cli.conftest import Run
from tests.e2e.conftest import Stage

STATE = Path(".interpret/state/sandbox.db")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A served sandbox with deliberately bad records, synced once."""
    folder = tmp_path_factory.mktemp("synced")
    configs = {"activecampaign": {"rate_limit": None}}
    place = folder / ".interpret" / "sandbox"
    with Sandbox.start(place, customers=12, seed=1, scenario="faults", configs=configs) as sandbox:
        stage = Stage(folder, sandbox)
        stage.interpret("run", code=1)
        yield stage


@pytest.fixture
def world(synced: Stage, interpret: Run, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The synced world as working folder, with an empty call log. Nothing here runs again, so its state stays."""
    monkeypatch.chdir(synced.folder)
    synced.calls()
    return synced


def _preview(interpret: Run, *arguments: str) -> dict[str, Any]:
    result = interpret("preview", *arguments, "--output", "json")
    assert result.exit_code in (0, 1), result.output
    return dict(json.loads(result.stdout)["preview"])


def _field(document: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(next(each for each in document["fields"] if each["field"] == name))


def test_what_preview_says_is_what_a_plan_says(world: Stage, interpret: Run) -> None:
    world.change_customer("cus_000005", first_name="Zoe", company="Zoe & Sons")
    plan = json.loads(interpret("plan", "--output", "json").stdout)
    planned = {
        (one["mapping"], one["source_id"]): one for one in plan["operations"] if one["source_id"] == "cus_000005"
    }
    assert len(planned) == 3

    for (mapping, source_id), operation in planned.items():
        seen = _preview(interpret, mapping, "--record", source_id, "--live")
        written = {one["field"]: (one["old"], one["value"]) for one in seen["fields"] if one["status"] == "written"}
        assert seen["action"] == operation["op"] == "update"
        assert seen["id"] == operation["id"]
        assert written == {name: (one["old"], one["new"]) for name, one in operation["fields"].items()}


def test_a_rejected_record_is_rejected_here_too_with_the_same_code(world: Stage, interpret: Run) -> None:
    errors = json.loads(interpret("errors", "--output", "json").stdout)["errors"]
    ours = [one for one in errors if one["code"].startswith("RT")]
    assert {one["code"] for one in ours} >= {"RT112", "RT201"}

    for error in ours:
        found = _preview(interpret, error["mapping"], "--record", error["source_id"])
        assert [one["code"] for one in found["problems"]] == [error["code"]], error
        assert found["problems"][0]["at"] == error["at"]
        assert found["action"] == ("waits" if error["code"] == "RT201" else "rejected")


def test_offline_no_system_is_asked_and_nothing_changes(world: Stage, interpret: Run) -> None:
    before = STATE.read_bytes()

    found = _preview(interpret, "customer-account", "--record", "cus_000001")

    assert found["action"] == "unchanged"
    assert _field(found, "chargebeeapps__CB_Id__c")["why"].startswith("create_only")
    assert _field(found, "chargebeeapps__CB_Site__c")["ref"].startswith("site ")
    assert world.calls()["detail"] == []
    assert STATE.read_bytes() == before


def test_live_sends_nothing_that_writes(world: Stage, interpret: Run) -> None:
    world.change_customer("cus_000005", first_name="Ada")
    world.calls()

    found = _preview(interpret, "customer-account", "--record", "cus_000005", "--live")

    assert _field(found, "chargebeeapps__First_Name__c")["value"] == "Ada"
    calls = world.calls(clear=False)["detail"]
    assert calls
    assert world.writes() == []


def test_a_look_has_no_way_to_write(world: Stage) -> None:
    writing = {"apply", "ensure_fields", "commit", "execute"}
    assert not {name for name in dir(Onlooker) if name in writing}
    database = look_into(STATE)
    try:
        with pytest.raises(StateUnusable, match="readonly"):
            database.execute(sa.text("DELETE FROM links"))
    finally:
        database.close()


def test_rows_of_a_waiting_record_name_whom_they_wait_for(world: Stage, interpret: Run) -> None:
    result = interpret("preview", "customer-contact", "--record", "cus_000006")

    assert result.exit_code == 0
    assert "waits: AccountId refers to cus_000006, which customer-account has not written" in result.stdout
    assert "(unknown yet)  (waits for" not in result.stdout
    assert "interpret preview customer-account --record cus_000006" in result.stdout


def test_a_rule_that_does_nothing_is_named(world: Stage, interpret: Run) -> None:
    found = _preview(interpret, "subscription-opportunity", "--record", "sub_000001")

    assert (found["action"], found["rule"]) == ("nothing", "2.1 already-synced")
    assert all(one["status"] in ("held", "kept") for one in found["fields"])


def test_masked_output_holds_no_personal_value(world: Stage, interpret: Run) -> None:
    customer = next(one for one in world.customers() if one["id"] == "cus_000001")
    personal = [
        customer["first_name"],
        customer["last_name"],
        customer["email"],
        customer["phone"],
        customer["company"],
    ]
    plain = interpret("preview", "customer-account", "--record", "cus_000001").stdout
    assert all(value in plain for value in personal)

    for mapping in ("customer-account", "customer-contact", "activecampaign-contact"):
        for command in ("preview", "explain"):
            for extra in ((), ("--output", "json")):
                shown = interpret(command, mapping, "--record", "cus_000001", "--mask", *extra).stdout
                assert not [value for value in personal if value in shown], (command, mapping, extra)
    city = interpret("preview", "customer-account", "--record", "cus_000006", "--mask")
    assert "RT112" in city.stdout
    assert "Llanfair" not in city.stdout


def test_a_file_needs_neither_state_nor_connection(interpret: Run, folder: Path) -> None:
    (folder / "c.json").write_text('{"customer": {"id": "c1", "company": "Acme", "net_term_days": 30}}')

    found = _preview(interpret, "customer-account", "--file", "c.json")

    assert (found["source_id"], found["action"]) == ("c1", "create")
    assert _field(found, "Name")["value"] == "Acme"
    assert _field(found, "Phone")["why"].startswith("null, and on_null: skip")
    # Which site this is nobody said: missing, not null.
    assert _field(found, "chargebeeapps__CB_Site__c")["why"] == "not read, so it is never written"
    assert not (folder / ".interpret").exists()


def test_fields_that_a_partial_file_lacks_are_missing_not_null(interpret: Run, folder: Path) -> None:
    (folder / "c.json").write_text('{"id": "c1", "company": "Acme", "vat_number": null}')

    whole = _preview(interpret, "customer-account", "--file", "c.json")
    partial = _preview(interpret, "customer-account", "--file", "c.json", "--partial")

    assert _field(whole, "Phone")["why"].startswith("null")
    assert _field(partial, "Phone")["why"].startswith("not read")
    assert _field(partial, "Name")["value"] == "Acme"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("customer-acount", "--record", "x"), 64, "did you mean `customer-account`?"),
        (("customer-account",), 64, "which record?"),
        (("customer-account", "--record", "x", "--file", "y"), 64, "which record?"),
        (("customer-account", "--record", "x"), 1, "no run has read anything yet"),
        (("customer-account", "--file", "none.json"), 64, "none.json cannot be read"),
        (("customer-account", "--file", "bad.json"), 64, "bad.json is not JSON"),
        (("customer-account", "--file", "list.json"), 64, "list.json holds no record"),
    ],
)
def test_what_is_not_there_is_said(
    interpret: Run, folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (folder / "bad.json").write_text("{")
    (folder / "list.json").write_text("[1]")

    result = interpret("preview", *arguments)

    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert not (folder / ".interpret").exists()


def test_settings_can_be_tried(world: Stage, interpret: Run) -> None:
    first = next(
        one["source_id"]
        for one in json.loads(interpret("errors", "--output", "json").stdout)["errors"]
        if one["mapping"] == "subscription-opportunity"
    )

    usual = _preview(interpret, "subscription-opportunity", "--record", first)
    other = _preview(interpret, "subscription-opportunity", "--record", first, "--set", "on_first_sync=nothing")

    assert usual["rule"] == "2.1.1 first-sync-create"
    assert (other["rule"], other["action"]) == ("2.1.3 first-sync-no-opportunity", "nothing")


def test_a_record_that_the_target_refused_says_so(world: Stage, interpret: Run) -> None:
    shown = interpret("explain", "customer-account", "--record", "cus_000004", "--field", "chargebeeapps__Email__c")

    assert "the last write was refused: error[INVALID_EMAIL_ADDRESS] (chargebeeapps__Email__c): " in shown.stdout
    assert "refused" not in interpret("preview", "customer-account", "--record", "cus_000001").stdout

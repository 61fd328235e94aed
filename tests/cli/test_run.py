"""`interpret run` and `interpret plan` against the sandbox, from the outside, as a newcomer and a script meet them."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fieldwright.runtime.state.database import open_file
from tests.cli.conftest import Run
from tests.cli.test_init import _switch_on


def _json(interpret: Run, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(interpret(*arguments, "--output", "json").stdout)
    return document


def _total(document: dict[str, Any], column: str) -> int:
    return sum(row[column] for row in document["objects"])


def test_first_run_needs_nothing_and_the_second_changes_nothing(interpret: Run, folder: Path) -> None:
    first = interpret("run")
    second = _json(interpret, "run")

    assert first.exit_code == 0, first.output
    assert "Completed." in first.stdout
    assert [_total(second, column) for column in ("created", "updated", "deleted", "rejected")] == [0, 0, 0, 0]
    assert second["run"]["status"] == "completed"
    assert sorted(path.name for path in folder.iterdir()) == [".interpret"]


def test_plan_says_what_the_run_then_does(interpret: Run) -> None:
    plan = _json(interpret, "plan")
    run = _json(interpret, "run")

    assert plan["run"]["mode"] == "plan"
    assert _total(plan, "created") == _total(run, "created") > 0
    assert len([one for one in plan["operations"] if one["op"] == "create"]) == _total(plan, "created")


def test_plan_leaves_no_trace(interpret: Run, folder: Path) -> None:
    assert interpret("plan", "--detailed-exitcode").exit_code == 2

    with sqlite3.connect(folder / ".interpret" / "state" / "sandbox.db") as state:
        assert state.execute("select count(*) from runs").fetchone() == (0,)
    state.close()


def test_detailed_exitcode_is_0_when_there_is_nothing_to_do(interpret: Run) -> None:
    interpret("run")

    assert interpret("plan", "--detailed-exitcode").exit_code == 0


def test_dry_run_is_a_plan(interpret: Run) -> None:
    assert "nothing has been written" in interpret("run", "--dry-run").stdout
    assert _total(_json(interpret, "plan"), "created") > 0


def test_select_limits_to_the_mapping(interpret: Run) -> None:
    document = _json(interpret, "run", "--select", "plan-product")

    assert {row["mapping"] for row in document["objects"] if row["created"]} == {"plan-product"}


def test_initial_takes_ten_records_of_each_object(interpret: Run) -> None:
    document = _json(interpret, "run", "--initial")

    assert document["run"]["mode"] == "initial"
    (accounts,) = [row for row in document["objects"] if row["mapping"] == "activecampaign-contact"]
    assert accounts["created"] + accounts["skipped"] <= 25


def test_operation_names_the_line_of_its_mapping(interpret: Run) -> None:
    (first, *_others) = _json(interpret, "plan", "--select", "plan-product")["operations"]

    assert list(first) == ["mapping", "op", "object", "source_id", "key", "id", "fields", "rule"]
    assert (first["op"], first["id"]) == ("create", None)
    assert first["fields"]["Name"]["at"].rpartition(":")[0].endswith("plan-product.map.yaml")


def test_setting_of_the_wrong_type_ends_with_64(interpret: Run) -> None:
    result = interpret("run", "--set", "activecampaign-contact.sync_gifters=perhaps")

    assert result.exit_code == 64
    assert "sync_gifters" in result.stderr


def test_setting_counts_for_this_run(interpret: Run) -> None:
    document = _json(
        interpret, "plan", "--select", "activecampaign-contact", "--set", "activecampaign-contact.list=Newsletter"
    )

    lists = [one["fields"]["memberships.lists"]["new"] for one in document["operations"] if one["op"] == "create"]
    assert lists
    assert all(each[0]["list"] == "Newsletter" for each in lists)


def test_custom_field_arrives_by_yaml_alone(interpret: Run, folder: Path) -> None:
    interpret("init")
    _switch_on(folder)

    operations = _json(interpret, "plan")["operations"]

    accounts = [one["fields"] for one in operations if one["mapping"] == "customer-account"]
    contacts = [one["fields"] for one in operations if one["mapping"] == "activecampaign-contact"]
    assert {fields["Segment__c"]["new"] for fields in accounts} == {"Small business", "Mid-market", "Enterprise"}
    assert {fields["custom_fields.CB_SEGMENT"]["new"] for fields in contacts} == {"smb", "mid", "ent"}
    assert accounts[0]["Segment__c"]["at"].startswith("overlays/customer-segment.overlay.yaml:")


def test_records_that_fail_end_with_1_and_are_listed(interpret: Run) -> None:
    interpret("sandbox", "reset", "--scenario", "faults")

    result = interpret("run")
    listed = interpret("errors")

    assert result.exit_code == 1
    assert "Completed with errors." in result.stdout
    assert "interpret errors" in result.stdout
    assert listed.exit_code == 1
    assert "error[" in listed.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_ends_with_69(interpret: Run, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        result = interpret("run")
    finally:
        folder.chmod(0o700)

    assert result.exit_code == 69


def test_state_that_cannot_be_written_ends_with_69_before_anything_is_sent(interpret: Run, folder: Path) -> None:
    (folder / "state").write_text("a file where a folder is wanted")

    result = interpret("run", "--state", "state/sandbox.db")

    assert result.exit_code == 69
    assert "state/sandbox.db cannot be used" in result.stderr
    assert not (folder / ".interpret" / "sandbox").exists()


def test_ctrl_c_cancels_and_the_next_run_goes_on(interpret: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldwright.runtime.reporters.progress import ProgressLine

    calls = []

    def interrupt(_line: ProgressLine, progress: object) -> None:
        calls.append(progress)
        if len(calls) == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ProgressLine, "__call__", interrupt)
        cancelled = interpret("run")
    rest = _json(interpret, "run")
    quiet = _json(interpret, "run")

    assert cancelled.exit_code == 130
    assert "Cancelled." in cancelled.stdout
    assert rest["run"]["status"] == "completed"
    assert _total(quiet, "created") + _total(quiet, "updated") == 0


def test_target_is_asked_for_on_a_terminal(interpret: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "interpret.yaml").write_text(
        "interpret: 1\nproject: acme\ntargets: {production: {sandbox: true}}\n"
        "settings: {opportunity-sync: {stage: Closed Won}}\n"
    )
    monkeypatch.setattr("fieldwright.output.is_terminal", lambda _stream: True)
    answers = iter([False, True])
    monkeypatch.setattr("click.confirm", lambda *_texts, **_options: next(answers))

    declined = interpret("run", "--target", "production")
    agreed = interpret("run", "--target", "production")

    assert declined.exit_code == 130
    assert "nothing was written" in declined.stderr
    assert agreed.exit_code == 0


def test_wrong_credential_ends_with_77_and_shows_no_key(interpret: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldwright.connectors import registry

    right = registry.sandbox_settings

    def wrong(system: str, endpoint: Any) -> dict[str, str]:
        settings = right(system, endpoint)
        return {**settings, "api_key": "test_forbidden"} if system == "chargebee" else settings

    monkeypatch.setattr(registry, "sandbox_settings", wrong)

    result = interpret("run")

    assert result.exit_code == 77
    assert "Aborted:" in result.stdout
    assert "fix: " in result.stdout
    assert "test_forbidden" not in result.output


def test_mapping_that_an_org_refuses_as_a_whole_is_not_called_as_it_should_be(interpret: Run, folder: Path) -> None:
    interpret("init", ".", "--name", "acme")
    interpret("run", "--select", "plan-product")
    (folder / "mappings" / "m.map.yaml").write_text(
        "interpret: 1\nschema: acme\nobjects: {salesforce.Product2: {fields: {Code__c: {type: string, length: 50}}}}\n"
        "---\ninterpret: 1\nmapping: coupon-product\nversion: 1\nfrom: {object: chargebee.coupon, as: coupon}\n"
        "to: salesforce.Product2\nkey: {match: [{field: Code__c, with: coupon.id}]}\n"
        "fields: {Name: coupon.name, Code__c: coupon.id}\n"
    )

    planned = interpret("plan", "--select", "coupon-product")
    done = interpret("run", "--select", "coupon-product", "--output", "json")

    assert (planned.exit_code, done.exit_code) == (1, 1)
    assert "Plan: nothing to change as far as it goes" in planned.stdout
    assert "1 mapping could not be planned: see the notes." in planned.stdout
    assert "No such column 'Code__c'" in planned.stdout
    assert json.loads(done.stdout)["run"]["status"] == "completed_with_errors"


def test_run_that_was_killed_is_not_said_to_be_running(interpret: Run, folder: Path) -> None:
    interpret("run", "--select", "plan-product")
    with sqlite3.connect(folder / ".interpret" / "state" / "sandbox.db") as state:
        state.execute("UPDATE runs SET status = 'running', finished_at = NULL")
    state.close()
    database = open_file(folder / ".interpret" / "state" / "sandbox.db")
    database.acquire()
    under_way = _json(interpret, "status")
    database.release()
    database.close()

    assert under_way["last_run"]["status"] == "running"
    assert _json(interpret, "status")["last_run"]["status"] == "interrupted"
    assert "interrupted" in interpret("status").stdout
    assert "the next run goes on from there" in interpret("status").stdout

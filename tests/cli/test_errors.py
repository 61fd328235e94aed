"""`interpret errors` on a state that holds some; and on none."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from fieldwright.runtime.state.database import open_file
from fieldwright.runtime.state.journal import ErrorRecord, Journal
from fieldwright.runtime.state.ledger import account_id, pair_id
from tests.cli.conftest import Run


def _error(
    source_id: str, mapping: str = "customer-account", code: str = "STRING_TOO_LONG", **more: object
) -> ErrorRecord:
    values: dict[str, object] = {
        "mapping": mapping,
        "object": "salesforce.Account",
        "source_id": source_id,
        "field": "BillingCity",
        "code": code,
        "kind": "permanent",
        "message": "=HYPERLINK(1)",
        "fix": "Shorten it.",
        "at": "a.map.yaml:3",
        "payload": {"BillingCity": "x\x1b[31m", "Phone": "***"},
    }
    return ErrorRecord(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture
def with_errors(folder: Path) -> Path:
    """A state with three errors, numbered from 1."""
    path = folder / ".interpret" / "state" / "sandbox.db"
    path.parent.mkdir(parents=True)
    database = open_file(path)
    pair = pair_id(database, account_id(database, "chargebee", "acme"), account_id(database, "salesforce", "00D1"))
    journal = Journal(database)
    journal.record_errors(pair, [_error("c1"), _error("c2", code="RT301", kind="mapping")])
    journal.record_errors(pair, [_error("s1", mapping="invoice")])
    database.commit()
    database.close()
    return path


def _ids(interpret: Run, *arguments: str) -> list[str]:
    found = json.loads(interpret("errors", "--output", "json", *arguments).stdout)
    return [error["source_id"] for error in found["errors"]]


def test_no_state_means_no_errors_and_makes_no_file(interpret: Run, folder: Path) -> None:
    result = interpret("errors")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "No errors" in result.stdout
    assert list(folder.iterdir()) == []


def test_open_errors_end_with_1_and_are_listed_with_reason_fix_and_place(interpret: Run, with_errors: Path) -> None:
    result = interpret("errors")

    assert result.exit_code == 1
    assert "#1 error[STRING_TOO_LONG]: customer-account c1 -> salesforce.Account, field BillingCity" in result.stdout
    assert "fix: Shorten it." in result.stdout
    assert "a.map.yaml:3" in result.stdout
    assert "3 errors." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ((), ["c1", "c2", "s1"]),
        (("--mapping", "invoice"), ["s1"]),
        (("--code", "RT301"), ["c2"]),
        (("--id", "c1"), ["c1"]),
        (("--kind", "mapping"), ["c2"]),
        (("--id", "nobody"), []),
    ],
)
def test_errors_are_filtered(interpret: Run, with_errors: Path, arguments: tuple[str, ...], ids: list[str]) -> None:
    assert _ids(interpret, *arguments) == ids


def test_document_has_the_keys_of_the_contract(interpret: Run, with_errors: Path) -> None:
    document = json.loads(interpret("errors", "--output", "json").stdout)

    assert document["version"] == 1
    assert list(document["errors"][0]) == [
        "id", "code", "kind", "mapping", "object", "source_id", "field", "message", "fix", "at", "tries", "next_try",
    ]  # fmt: skip


def test_one_error_is_shown_with_its_record_escaped(interpret: Run, with_errors: Path) -> None:
    result = interpret("errors", "show", "1")

    assert result.exit_code == 0
    assert '"Phone": "***"' in result.stdout
    assert "\x1b" not in result.stdout


def test_options_count_before_and_after_the_subcommand(interpret: Run, with_errors: Path) -> None:
    before = interpret("errors", "--output", "json", "show", "1")
    after = interpret("errors", "show", "1", "--output", "json")

    assert before.stdout == after.stdout
    assert json.loads(after.stdout)["error"]["payload"]["Phone"] == "***"


def test_ignored_error_is_set_aside_and_comes_back(interpret: Run, with_errors: Path) -> None:
    assert interpret("errors", "ignore", "1", "3").exit_code == 0
    assert _ids(interpret) == ["c2"]
    assert _ids(interpret, "--ignored") == ["c1", "c2", "s1"]

    assert interpret("errors", "ignore", "--undo", "1").exit_code == 0
    assert _ids(interpret) == ["c1", "c2"]


def test_ignoring_an_unknown_error_changes_none(interpret: Run, with_errors: Path) -> None:
    assert interpret("errors", "ignore", "1", "99").exit_code == 64
    assert _ids(interpret) == ["c1", "c2", "s1"]


def test_only_ignored_errors_end_with_0(interpret: Run, with_errors: Path) -> None:
    interpret("errors", "ignore", "1", "2", "3")

    assert interpret("errors").exit_code == 0


def test_csv_defuses_formulas(interpret: Run, with_errors: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(interpret("errors", "export", "--format", "csv").stdout)))

    assert [row["source_id"] for row in rows] == ["c1", "c2", "s1"]
    assert rows[0]["message"] == "'=HYPERLINK(1)"


def test_export_as_json_is_the_document_of_the_list(interpret: Run, with_errors: Path) -> None:
    assert interpret("errors", "export", "--format", "json").stdout == interpret("errors", "--output", "json").stdout


def test_status_counts_open_and_ignored(interpret: Run, with_errors: Path) -> None:
    interpret("errors", "ignore", "2")

    document = json.loads(interpret("status", "--output", "json").stdout)

    assert (document["open_errors"], document["ignored_errors"], document["last_run"]) == (2, 1, None)
    assert "2 (1 set aside)" in interpret("status").stdout


def test_state_that_is_no_database_ends_with_69(interpret: Run, folder: Path) -> None:
    (folder / "bad.db").write_text("this is no database, it is a text that is long enough to be looked at" * 50)

    result = interpret("errors", "--state", "bad.db")

    assert result.exit_code == 69
    assert "bad.db" in result.stderr


def test_show_offers_a_command_that_explains_the_error(interpret: Run) -> None:
    interpret("sandbox", "reset", "--scenario", "faults", "--customers", "12")
    interpret("run", "--select", "site", "--select", "site-pricebook", "--select", "customer-account")
    errors = json.loads(interpret("errors", "--output", "json").stdout)["errors"]
    assert {error["code"] for error in errors} >= {"RT112", "INVALID_EMAIL_ADDRESS"}

    for error in errors:
        shown = interpret("errors", "show", str(error["id"])).stdout
        (line,) = (one for one in shown.splitlines() if "how it came about: " in one)
        words = line.partition("interpret ")[2].split()
        assert words == ["explain", error["mapping"], "--record", error["source_id"], "--field", error["field"]]
        explained = interpret(*words)
        assert explained.exit_code == (1 if error["code"] == "RT112" else 0)
        assert error["at"].rpartition(":")[2] in explained.stdout


def test_show_names_the_place_it_was_told_and_no_field_that_the_mapping_lacks(
    interpret: Run, with_errors: Path, folder: Path
) -> None:
    document = json.loads(interpret("errors", "show", "3", "--state", str(with_errors), "--output", "json").stdout)

    assert document["error"]["explain"] == f"interpret explain invoice --record s1 --state {with_errors}"

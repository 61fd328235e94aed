"""`interpret eval`: value, type and reads of an expression; mistakes with a caret; names, records, a conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fieldwright.cli import cli
from tests.cli.conftest import Run


def _eval(interpret: Run, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(interpret("eval", *arguments, "--output", "json").stdout))


@pytest.mark.parametrize(
    ("arguments", "type_", "value"),
    [
        (("1 + 2",), "int", 3),
        (("'a' is blank",), "bool", False),
        (("x * 2", "--let", "x=4"), "int", 8),
        (("b", "--let", "a=1", "--let", "b=a + 1"), "int", 2),
        (("a ?? 'z'", "--let", "a=null"), None, "z"),
    ],
)
def test_an_expression_has_a_type_and_a_value(
    interpret: Run, folder: Path, arguments: tuple[str, ...], type_: str | None, value: Any
) -> None:
    found = _eval(interpret, *arguments)["eval"]

    assert (found["state"], found["value"]) == ("value", value)
    assert type_ is None or found["type"] == type_
    assert not (folder / ".interpret").exists()


def test_text_says_value_type_and_reads(interpret: Run, folder: Path) -> None:
    (folder / "c.json").write_text('{"id": "c", "first_name": "Ada", "last_name": "King"}')

    result = interpret("eval", "full_name(customer)", "--from", "chargebee.customer", "--file", "c.json")

    value, type_, reads = result.stdout.splitlines()
    assert (result.exit_code, value) == (0, '"Ada King"')
    assert type_.split() == ["type:", "string?"]
    assert reads == "reads: chargebee.customer.first_name, chargebee.customer.last_name"


def test_a_mistake_has_a_caret_and_a_suggestion(interpret: Run) -> None:
    result = interpret("eval", "customer.emial", "--from", "chargebee.customer")

    assert result.exit_code == 1
    assert "error[DM101]" in result.stdout
    assert "^^^^^ did you mean `email`?" in result.stdout
    found = _eval(interpret, "customer.emial", "--from", "chargebee.customer")
    assert found["eval"]["value"] is None
    assert (found["diagnostics"][0]["code"], found["diagnostics"][0]["column"]) == ("DM101", 10)


def test_a_record_that_is_not_in_sight_is_told_how_to_be(interpret: Run) -> None:
    assert "--from chargebee.customer puts a record in sight" in interpret("eval", "customer.id").stdout


def test_what_cannot_be_computed_is_an_error_with_its_fix(interpret: Run) -> None:
    result = interpret("eval", "1 / x", "--let", "x=0")

    assert result.exit_code == 1
    assert result.stdout.startswith("error[RT102]: division by zero\nfix: ")


def test_without_a_record_its_fields_are_missing(interpret: Run) -> None:
    assert interpret("eval", "customer.email", "--from", "chargebee.customer").stdout.startswith("missing")


def test_a_record_comes_from_the_state_and_what_was_never_read_is_missing(interpret: Run) -> None:
    interpret("sandbox", "reset", "--customers", "3")
    interpret("run")

    read = _eval(interpret, "customer.id", "--from", "chargebee.customer", "--record", "cus_000001")["eval"]
    assert (read["state"], read["value"]) == ("value", "cus_000001")
    unread = _eval(interpret, "customer.fax ?? 1", "--from", "chargebee.customer", "--record", "cus_000001")
    other = _eval(interpret, "customer.channel is missing", "--from", "chargebee.customer", "--record", "cus_000001")
    assert unread["diagnostics"] or unread["eval"]["state"] == "missing"
    assert other["eval"]["value"] is True
    gone = interpret("eval", "customer.id", "--from", "chargebee.customer", "--record", "nobody")
    assert (gone.exit_code, "has no customer nobody" in gone.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("1", "--record", "x"), "a record of what?"),
        (("1", "--from", "chargebee.custmer"), "did you mean"),
        (("1", "--let", "x"), "names no value"),
        (("--output", "json"), "which expression?"),
    ],
)
def test_wrong_use_is_said(interpret: Run, arguments: tuple[str, ...], said: str) -> None:
    result = interpret("eval", *arguments)

    assert result.exit_code == 64
    assert said in result.stderr + result.stdout


def test_lines_are_evaluated_one_after_the_other(folder: Path) -> None:
    told = CliRunner().invoke(cli, ["eval"], input="a = 2\n\na * 3\nnope\n", prog_name="interpret")

    assert told.exit_code == 1
    first, second, *rest = told.stdout.splitlines()
    assert (first.split(), second.split()) == (["2", ":", "int"], ["6", ":", "int"])
    assert "nothing is called `nope` here" in rest[0]


def test_a_tree_is_shown_on_request(interpret: Run) -> None:
    shown = interpret("eval", "max(1, a) + 2", "--let", "a=5", "--tree").stdout.splitlines()

    assert [" ".join(line.split()) for line in shown[3:]] == ["max(1, a) + 2 7", "└─ max(1, a) 5", "└─ a 5"]

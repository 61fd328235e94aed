"""Reference pages say what the declarations say, and the ones in the repository are those of this version."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldwright.cli import COMMANDS, cli
from fieldwright.dsl.codes import registry
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.functions.registry import Function, functions
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.structure import schema
from fieldwright.dsl.values import Money
from fieldwright.reference.keys import Form, Key, kinds, shared_parts
from fieldwright.reference.pages import PAGES, literal, render_pages

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return render_pages()


def interpret(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), prog_name="interpret")


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_up_to_date(pages: dict[str, str], name: str) -> None:
    assert (COMMITTED / name).read_text(encoding="utf-8") == pages[name], "run `interpret docs reference`"


def test_every_declaration_has_its_section(pages: dict[str, str]) -> None:
    def sections(name: str) -> set[str]:
        return set(re.findall(r"^## (.+)$", pages[name], flags=re.MULTILINE))

    assert sections("functions.md") == set(functions())
    assert sections("codes.md") == set(registry())
    assert sections("commands.md") >= {f"interpret {name}" for name in COMMANDS}
    assert sections("documents.md") == set(schema()["$defs"])


def test_links_within_a_page_lead_somewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        anchors = {title.lower() for title in re.findall(r"^##? (.+)$", text, flags=re.MULTILINE)}
        wanted = {link.lower() for link in re.findall(r"\]\(#([^)]+)\)", text)}
        assert wanted - anchors == set(), name


def test_pages_do_not_depend_on_the_folder_or_the_width_of_the_terminal(
    pages: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")

    assert render_pages() == pages


def test_check_tells_the_stale_page_and_writes_nothing(tmp_path: Path) -> None:
    assert interpret("docs", "reference", "--to", str(tmp_path)).exit_code == 0
    (tmp_path / "codes.md").write_text("old")
    (tmp_path / "grammar.md").unlink()

    result = interpret("docs", "reference", "--to", str(tmp_path), "--check", "--output", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["changed"] == ["grammar.md", "codes.md"]
    assert (tmp_path / "codes.md").read_text() == "old"
    interpret("docs", "reference", "--to", str(tmp_path))
    assert interpret("docs", "reference", "--to", str(tmp_path), "--check").exit_code == 0


RULES = {
    "$defs": {
        "mapping": {
            "type": "object",
            "required": ["to"],
            "properties": {
                "to": {"$ref": "#/$defs/object"},
                "each": {"type": "object", "required": ["of"], "properties": {"of": {"type": "string"}}},
                "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"enum": ["a", None]}}}},
                "let": {"type": "object", "additionalProperties": {"type": ["integer", "null"], "minimum": 1}},
            },
        },
        "object": {
            "type": ["string", "object"],
            "description": "An object",
            "if": {"type": "object"},
            "then": {"type": "object", "required": ["ref"], "properties": {"ref": {"type": "string"}}},
        },
    }
}


def test_schema_is_shown_as_keys_with_forms() -> None:
    rules = {"$defs": {**schema()["$defs"], **RULES["$defs"]}}

    mapping = next(part for part in kinds(rules) if part.name == "mapping")
    assert mapping.forms == (
        Form(
            (
                Key("to", "[object](#object)", True),
                Key("each.of", "text", True),
                Key("rows[].n", "`a` or `null`", False),
                Key("let.NAME", "whole number or null from 1", False),
            )
        ),
    )
    part = next(part for part in shared_parts(rules) if part.name == "object")
    assert part.forms == (Form(takes="text"), Form((Key("ref", "text", True),)))


@pytest.mark.parametrize("function", functions().values(), ids=lambda function: function.name)
def test_values_of_examples_can_be_typed_in_as_shown(function: Function) -> None:
    for example in function.examples:
        tree = parse(literal(example.value)).tree
        assert tree is not None, example.text
        checked = check(tree, Scope(Schemas({})))
        assert checked.problems == ()
        assert evaluate(checked, {}) == example.value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", r"'it\'s'"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (None, "null"),
        ([1, "a"], "[1, 'a']"),
        (date(2020, 1, 2), "date('2020-01-02')"),
        (datetime(2020, 1, 2, 3, 4, tzinfo=UTC), "timestamp('2020-01-02T03:04:00Z')"),
        (timedelta(days=3), "days(3)"),
        (timedelta(hours=36), "hours(36)"),
        (timedelta(seconds=90), "seconds(90)"),
        (timedelta(milliseconds=1500), "duration('PT1.5S')"),
        (Money(1050, "USD"), "money(10.50, 'USD')"),
        (Money(1050, "JPY"), "money(1050, 'JPY')"),
    ],
)
def test_value_is_shown_as_the_language_writes_it(value: object, text: str) -> None:
    assert literal(value) == text

"""The table of what the seed documents ask for: complete, and kept by the program."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldwright.checked import check
from fieldwright.cli import COMMANDS, cli
from fieldwright.dsl.codes import registry
from fieldwright.project import find_project
from fieldwright.reference import coverage
from fieldwright.reference.coverage import DOCUMENTS, INVARIANTS, Row, rows, wrong
from fieldwright.runtime.codes import CODES

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
PLAIN = ("Account", "Contact", "Price Book", "Price Book Entry", "Product")
RICH = ("Opportunity", "Opportunity Product")


def test_every_answer_of_the_table_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = check(find_project(), None).result
    codes = frozenset([*registry(), *(code.code for code in CODES)])
    assert list(wrong(rows(), result, frozenset(COMMANDS), codes)) == []


def test_an_answer_that_does_not_exist_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = check(find_project(), None).result
    made_up = [
        "customer-account.Nothing",
        "nobody",
        "invoice/nothing",
        "opportunity-sync/9.9",
        "invoice#checks=",
        "invoice#setting=nothing",
        "command:nothing",
        "invariant:I99",
    ]
    table = tuple(Row("001", "T", "r", (answer,)) for answer in made_up)
    told = [line.rpartition(" ")[2] for line in wrong(table, result, frozenset(COMMANDS), frozenset())]
    assert told == [answer for answer in made_up if answer != "invoice#checks="]


def test_invariants_that_answer_rows_are_named_by_tests() -> None:
    text = (Path(__file__).parents[1] / "runtime" / "test_synchronise.py").read_text()
    assert {"I17": "def test_changing_the_user_changes_no_record"}.keys() == INVARIANTS
    assert "def test_changing_the_user_changes_no_record" in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{seed: '001', table: T, row: r, open: read by one rule, which is not built}", "which is not built"),
        ("{seed: '001', table: T, row: r}", "one of by, not and open"),
        ("{seed: '001', table: T, row: r, by: site, not: deprecated}", "one of by, not and open"),
    ],
)
def test_a_line_that_does_not_say_one_thing_is_refused(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coverage.yaml").write_text(f"- {text}\n")
    monkeypatch.setattr(coverage, "resource_files", lambda _package: tmp_path)
    with pytest.raises(ValueError, match=told):
        rows()


def _coverage(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["docs", "coverage", *arguments], prog_name="interpret")


def test_the_command_prints_every_row_with_its_answer() -> None:
    result = _coverage("--output", "json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["wrong"]) == (0, [])
    assert [one["row"] for one in document["rows"]] == [row.text for row in rows()]
    assert document["counts"] == Counter(one["status"] for one in document["rows"])
    assert all(one["by"] or one["reason"] for one in document["rows"])
    assert {one["document"] for one in document["rows"]} == DOCUMENTS.keys()
    lines = _coverage().stdout.splitlines()
    assert ["answered", "Subscription -> Coupon Line Items", "subscription/coupons"] in [
        re.split(r" {2,}", line.strip()) for line in lines
    ]
    number = document["counts"]
    assert lines[-1] == f"{number['answered']} answered, {number['left out']} left out, {number['open']} open."


def test_open_rows_are_listed_alone_with_what_is_missing() -> None:
    shown = [line for line in _coverage("--open").stdout.splitlines() if line.startswith("  ")]

    assert [line.split()[0] for line in shown] == ["open"] * sum(1 for row in rows() if row.open)
    assert all(line.endswith(row.open) for line, row in zip(shown, (row for row in rows() if row.open), strict=True))


def test_a_row_whose_answer_is_gone_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "rows", lambda: (Row("001", "Objects", "Quote -> CB Quote", ("quotes",)),))

    result = _coverage()
    assert result.exit_code == 1
    assert "wrong: 001 Objects: Quote -> CB Quote: there is no quotes" in result.stdout
    assert json.loads(_coverage("--open", "--output", "json").stdout)["wrong"]


def test_a_project_in_the_working_folder_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = _coverage().stdout
    (tmp_path / "interpret.yaml").write_text("interpret: 1\nproject: mine\npacks: []\n")
    monkeypatch.chdir(tmp_path)
    assert _coverage().stdout == usual


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not beside this checkout")
def test_every_row_of_every_field_table_has_a_line() -> None:
    (document,) = SEEDS.glob("001_*")
    text = document.read_text(encoding="utf-8")
    asked = {**_plain_tables(text), **_rich_tables(text)}
    assert {name: sum(labels.values()) for name, labels in asked.items()} == {
        "Account": 21,
        "Contact": 10,
        "Price Book": 2,
        "Price Book Entry": 18,
        "Product": 21,
        "Opportunity": 10,
        "Opportunity Product": 11,
    }
    for table, labels in asked.items():
        lines = [row.text for row in rows() if row.seed == "001" and row.table == table]
        for label, number in labels.items():
            found = [line for line in lines if line == label or line.startswith(f"{label} (")]
            assert len(found) >= number, f"{table}: {label or '(no label)'}"


def _plain_tables(text: str) -> dict[str, Counter[str]]:
    """Rows of the tables that are plain lines, by the cells before the first bar."""
    parts = re.split(r"Salesforce Field \(\* indicates custom field\) \|\n", text)[1:]
    tables: dict[str, Counter[str]] = {}
    for name, part in zip(PLAIN, parts, strict=False):
        body = re.split(
            r"\n(?=The Contact object|A Price Book record|A price book entry|Each plan|Opportunity rec)", part
        )[0]
        labels = [line.partition("|")[0].strip(" *") for line in body.splitlines()[1:] if " |" in line or "| " in line]
        # The first row of the Contact table has lost its label.
        labels = ["(no label) Customer.email" if label == "Customer.email" else label for label in labels]
        labels = [
            label
            for label in labels
            if label and not label.startswith(("If ", "Only ", "The value ", "(Not ", "Plan."))
        ]
        tables[name] = Counter(_own_words(label) for label in labels)
    return tables


def _own_words(label: str) -> str:
    return re.sub(r"\( (.*?) \)", r"(\1)", label)


class _FirstCells(HTMLParser):
    """The text of the first cell of each row, table by table."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[str]] = []
        self._cells = 0
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self._cells = 0
        elif tag == "td":
            self._cells += 1
            if self._cells == 1 and self.tables:
                self.tables[-1].append("")

    def handle_data(self, data: str) -> None:
        if self._cells == 1 and self.tables and self.tables[-1]:
            self.tables[-1][-1] += data


def _rich_tables(text: str) -> dict[str, Counter[str]]:
    parser = _FirstCells()
    parser.feed(text)
    tables = {}
    for name, cells in zip(RICH, parser.tables, strict=False):
        labels = [" ".join(cell.split()).rstrip("*") for cell in cells]
        tables[name] = Counter(label for label in labels if label and not label.startswith("Salesforce Field"))
    return tables

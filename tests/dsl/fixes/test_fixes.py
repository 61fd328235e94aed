"""Fixes put right what they are about: the finding goes and nothing else comes, in every style of YAML."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Severity
from fieldwright.dsl.fixes import apply_fixes
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile, Span

HERE = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("worlds_of_documents", HERE / "documents" / "conftest.py")
assert SPEC is not None
assert SPEC.loader is not None
WORLD = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(WORLD)
SCHEMAS: Schemas = WORLD.SCHEMAS
CASES = sorted((HERE / "cases").glob("*.yaml"))

HEAD = """\
interpret: 1
mapping: m
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: External__c, with: customer.id}]}
"""


def findings(text: str) -> list[Diagnostic]:
    found = check_project(load([SourceFile("a.yaml", text)]), SCHEMAS, compiled=False).diagnostics
    return [one for one in found if one.severity is not Severity.NOTE]


def fixed(text: str, *, unsafe: bool = True) -> str:
    for _ in range(9):
        texts = apply_fixes(findings(text), unsafe=unsafe).texts
        if not texts:
            return text
        text = texts["a.yaml"]
    raise AssertionError("never done")


def without_places(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return sorted((one.code, one.message) for one in found)


def fixable(path: Path) -> list[tuple[int, str]]:
    found = findings(path.read_text("utf-8"))
    return [(number, one.code) for number, one in enumerate(found) if one.fix is not None and one.fix.edits]


EVERY = [(path, number, code) for path in CASES for number, code in fixable(path)]

REVEALS = {"DM011", "DM104", "DM105", "DM301", "DM604", "DM605", "DM608"}
"""Findings that keep the rest from being judged: an unreadable expression has no type, and what an overlay touches is
known only when its names are. Without them others may come into sight."""


@pytest.mark.parametrize(("path", "number", "code"), EVERY, ids=[f"{path.stem}-{code}-{n}" for path, n, code in EVERY])
def test_a_fix_makes_its_finding_disappear_and_adds_none(path: Path, number: int, code: str) -> None:
    text = path.read_text("utf-8")
    before = findings(text)
    chosen = before[number]
    texts = apply_fixes([chosen], unsafe=True).texts
    after = findings(texts["a.yaml"])
    gone = (chosen.code, chosen.message)
    assert without_places(after).count(gone) < without_places(before).count(gone)
    added = [one for one in without_places(after) if one not in without_places(before)]
    assert code in REVEALS or added == []


def test_cases_have_fixes_of_many_kinds() -> None:
    assert len({code for _, _, code in EVERY}) >= 12


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_fixing_comes_to_an_end_and_leaves_files_readable(path: Path) -> None:
    text = path.read_text("utf-8")
    for unsafe in (False, True):
        outcome = fixed(text, unsafe=unsafe)
        assert sum(one.code < "DM010" for one in findings(outcome)) <= sum(one.code < "DM010" for one in findings(text))
        assert fixed(outcome, unsafe=unsafe) == outcome


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Phone: customer.phon", "Phone: customer.phone"),
        ("Phone: 'customer.phon'", "Phone: 'customer.phone'"),
        ('Phone: "customer.phon"', 'Phone: "customer.phone"'),
        ("Phone: >-\n    customer\n      .phon", "Phone: >-\n    customer\n      .phone"),
        ("Phone: |-\n    customer.phon", "Phone: |-\n    customer.phone"),
        ("Phone: {value: customer.phon}", "Phone: {value: customer.phone}"),
        ("Phoen: customer.phone", "Phone: customer.phone"),
        ("Phone: “Ada”", "Phone: '\"Ada\"'"),
        ("Phone: customer.phone ?? “none”", 'Phone: customer.phone ?? "none"'),
        ("Phone: 'customer.phone ?? ‘none’'", "Phone: 'customer.phone ?? ''none'''"),
        ('Phone: "customer.phone ?? “none”"', 'Phone: "customer.phone ?? \\"none\\""'),
        ("Active__c: customer.phone = '1'", "Active__c: customer.phone == '1'"),
        (
            "Active__c: customer.phone == '1' && customer.id == '2' || true",
            "Active__c: customer.phone == '1' and customer.id == '2' or true",
        ),
        ("Active__c: customer.phone === '1'", "Active__c: customer.phone == '1'"),
        ("Active__c: true && !false", "Active__c: true and not false"),
        (
            "Phone: if customer.id == '1' then customer.phone",
            "Phone: if customer.id == '1' then customer.phone else null",
        ),
        ("Phone: Ada Lovelace", "Phone: \"'Ada Lovelace'\""),
        ("Phone: PLAN", "Phone: \"'PLAN'\""),
        ("Collection__c: {const: on}", "Collection__c: {const: On}"),
        ("Phone: {value: customer.phone, write: alway}", "Phone: {value: customer.phone, write: always}"),
        ("Phone: {valu: customer.phone}", "Phone: {value: customer.phone}"),
        ("Phone: lowre(customer.phone)", "Phone: lower(customer.phone)"),
    ],
)
def test_what_is_written_is_what_was_meant(wrong: str, right: str) -> None:
    rest = "fields:\n  Name: customer.id\n  External__c: customer.id\n  "
    assert fixed(HEAD + rest + wrong + "\n") == HEAD + rest + right + "\n"


SAFE = ["Active__c: customer.phone = '1'", "Active__c: true && !false", "Phone: customer.phone ?? “none”"]
GUESSED = ["Phone: customer.phon", "Phone: PLAN", "Phoen: customer.phone", "Phone: if true then 'x'"]


@pytest.mark.parametrize("line", SAFE + GUESSED)
def test_only_what_can_have_no_other_meaning_is_safe(line: str) -> None:
    text = HEAD + f"fields:\n  Name: customer.id\n  External__c: customer.id\n  {line}\n"
    assert (fixed(text, unsafe=False) != text) == (line in SAFE)
    assert fixed(text) != text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("let:\n  spare: customer.id\n  town: customer.id\n", "let:\n  town: customer.id\n"),
        ("let:\n  town: customer.id\n  spare: >-\n    customer\n      .id\n", "let:\n  town: customer.id\n"),
        (
            "let:\n  # why\n  spare: customer.id   # so\n\n  town: customer.id\n",
            "let:\n  # why\n\n  town: customer.id\n",
        ),
        ("let: {spare: customer.id, town: customer.id}\n", None),
        ("let:\n  spare: customer.id\n", None),
    ],
)
def test_what_is_not_used_is_deleted_with_its_lines(text: str, right: str | None) -> None:
    phone = "town" if "town" in text else "customer.id"
    rest = f"fields:\n  Name: customer.id\n  External__c: customer.id\n  BillingCity: {phone}\n"
    outcome = fixed(HEAD + text + rest)
    assert outcome == HEAD + (text if right is None else right) + rest


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("  Name: customer.id # interpret: allow DM401 -- old\n", "  Name: customer.id\n"),
        ("  # interpret: allow DM401 -- old\n  Name: customer.id\n", "  Name: customer.id\n"),
    ],
)
def test_an_allowance_for_nothing_is_deleted(line: str, right: str) -> None:
    tail = "  External__c: customer.id\n"
    assert fixed(HEAD + "fields:\n" + line + tail, unsafe=False) == HEAD + "fields:\n" + right + tail


def edit(file: SourceFile, start: int, end: int, text: str) -> Diagnostic:
    span = Span(file, start, end)
    return Diagnostic("DM100", Severity.ERROR, "m", span, fix=Fix("f", (Edit(span, text),)))


def test_overlapping_fixes_are_not_made_together() -> None:
    file = SourceFile("a.yaml", "abcdef")
    outcome = apply_fixes([edit(file, 0, 3, "X"), edit(file, 2, 4, "Y"), edit(file, 5, 6, "Z"), edit(file, 0, 3, "X")])
    assert (outcome.texts, len(outcome.made), outcome.left) == ({"a.yaml": "XdeZ"}, 2, 1)


def test_a_fix_of_several_places_is_made_whole_or_not_at_all() -> None:
    file = SourceFile("a.yaml", "abcdef")
    both = Diagnostic(
        "DM100",
        Severity.ERROR,
        "m",
        Span(file, 1, 2),
        fix=Fix("f", (Edit(Span(file, 1, 2), "1"), Edit(Span(file, 4, 5), "4"))),
    )
    outcome = apply_fixes([edit(file, 0, 1, "X"), edit(file, 4, 6, "Y"), both])
    assert outcome.texts == {"a.yaml": "XbcdY"}


def test_files_that_are_not_named_stay_as_they_are() -> None:
    file = SourceFile("a.yaml", "abcdef")
    assert apply_fixes([edit(file, 0, 1, "X")], paths=()).texts == {}

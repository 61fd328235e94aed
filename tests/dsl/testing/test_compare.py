"""Expectations against outcomes: partial tables, numbers by value, moments by instant, nothing else loosely."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fieldwright.dsl.document import Document, DocumentKind
from fieldwright.dsl.program import FieldProblem, Ref
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import check_structure
from fieldwright.dsl.testing.cases import build_tests
from fieldwright.dsl.testing.compare import compare
from fieldwright.dsl.testing.outcome import Mismatch, Outcome


def _differences(expect: str, outcome: Outcome) -> tuple[Mismatch, ...]:
    text = f"interpret: 1\ntest: m\ncases:\n  - case: c\n    given: {{}}\n    expect:\n      {expect}\n"
    roots, wrong = read(SourceFile("t.yaml", text))
    document, findings = check_structure(roots[0])
    assert (wrong, findings) == ((), ()) or (list(wrong), list(findings)) == ([], [])
    assert isinstance(document, Document)
    assert document.kind is DocumentKind.TEST
    return compare(build_tests(document).cases[0], outcome, {"F": "m.yaml:9", "lines.G": "m.yaml:12"})


@pytest.mark.parametrize(
    ("expected", "actual", "agree"),
    [
        ("1", 1, True),
        ("1", Decimal("1.00"), True),
        ("1.5", Decimal("1.50"), True),
        ("1", True, False),
        ("true", 1, False),
        ("true", True, True),
        ("'1'", 1, False),
        ("null", None, True),
        ("null", "", False),
        ("''", None, False),
        ("a", "a", True),
        ("a", "A", False),
        ("2020-01-31T12:00:00Z", "2020-01-31T12:00:00.000+0000", True),
        ("2020-01-31T13:00:00+01:00", "2020-01-31T12:00:00Z", True),
        ("2020-01-31T12:00:01Z", "2020-01-31T12:00:00Z", False),
        ("'2020-01-31'", "2020-01-31", True),
        ("{ref: site, key: x}", Ref("site", "x"), True),
        ("{ref: site, key: y}", Ref("site", "x"), False),
        ("{ref: site}", Ref("site", "x"), True),
        ("x", Ref("site", "x"), False),
        ("[{list: A}]", [{"list": "A", "status": "subscribed"}], True),
        ("[{list: A}]", [{"list": "A"}, {"list": "B"}], False),
        ("[{list: A}, {list: B}]", [{"list": "A"}], False),
        ("[]", [], True),
        ("{a: 1}", "a", False),
        ("[a]", "a", False),
    ],
)
def test_values_agree(expected: str, actual: Any, agree: bool) -> None:
    found = _differences(f"fields: {{F: {expected}}}", Outcome("create", {"F": actual}))

    assert (found == ()) is agree
    assert all(one.made_at == "m.yaml:9" for one in found)


def test_rows_are_compared_in_order_and_show_where_their_field_is_made() -> None:
    outcome = Outcome("create", children={"lines": [{"G": 1, "H": 2}, {"G": 3}]})

    assert _differences("children: {lines: [{G: 1}, {}]}", outcome) == ()
    assert _differences("children: {lines: 2}", outcome) == ()
    (wrong,) = _differences("children: {lines: [{G: 1}, {G: 4}]}", outcome)
    assert (wrong.path, wrong.expected, wrong.actual, wrong.made_at) == ("lines[1].G", "4", "3", "m.yaml:12")
    (short,) = _differences("children: {lines: [{G: 1}]}", outcome)
    assert (short.expected, short.actual[:8]) == ("1 items", "2 items:")
    (count,) = _differences("children: {lines: 3}", outcome)
    assert (count.expected, count.actual) == ("3", "2")


def test_an_unexpected_error_is_all_that_is_shown() -> None:
    outcome = Outcome("error", problems=(FieldProblem("F", "RT106", "no row", "", "m.yaml:9"),))

    (one,) = _differences("{op: create, fields: {F: 1}}", outcome)
    assert (one.path, one.actual, one.made_at) == ("F", "RT106 at F: no row", "m.yaml:9")
    assert _differences("{error: RT106, where: F}", outcome) == ()
    assert [one.path for one in _differences("{error: RT107, where: G}", outcome)] == ["error", "where"]


@pytest.mark.parametrize(
    ("expect", "fine"),
    [
        ("rule: first", True),
        ("rule: 2.1 first", True),
        ("rule: '2.1'", False),
        ("actions: [create]", True),
        ("actions: []", False),
        ("params: {stage: Won}", True),
        ("params: {stage: Lost}", False),
        ("included: true", True),
        ("rows: {lines: {created: 1}}", True),
        ("rows: {lines: {created: 1, deleted: 1}}", False),
        ("checks: {Amount: 2}", True),
        ("checks: {Amount: 3}", False),
    ],
)
def test_rules_rows_and_checks(expect: str, fine: bool) -> None:
    outcome = Outcome(
        "create",
        rule="first",
        rule_label="2.1 first",
        actions=("create",),
        params={"stage": "Won"},
        rows={"lines": {"created": 1, "updated": 0, "deleted": 0}},
        checks={"Amount": Decimal("2.00")},
    )

    assert (_differences(expect, outcome) == ()) is fine


def test_writes_is_exact_both_ways() -> None:
    outcome = Outcome("update", {"F": 1, "G": None}, frozenset(["G"]))

    assert _differences("writes: [F, G]", outcome) == ()
    assert _differences("cleared: [G]", outcome) == ()
    assert [one.path for one in _differences("writes: [F]", outcome)] == ["G"]
    assert [one.path for one in _differences("writes: [F, G, H]", outcome)] == ["H"]
    assert [one.path for one in _differences("absent: [F, H]", outcome)] == ["F"]

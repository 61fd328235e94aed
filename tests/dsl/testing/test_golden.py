"""Golden files: whatever comes out of a mapping is read back as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldwright.dsl.document import plain
from fieldwright.dsl.program import FieldProblem, Ref
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.testing.golden import as_document, golden_text
from fieldwright.dsl.testing.outcome import Outcome

_TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "on",
        "null",
        "true",
        "1",
        "1.0",
        "-",
        "- a",
        "a: b",
        "#x",
        "'",
        '"',
        "",
        " ",
        "a\nb",
        "\t",
        "~",
        "2020-01-01",
        "0x1",
    ]
)
_VALUES = st.one_of(
    _TEXTS,
    st.booleans(),
    st.none(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
    st.builds(Ref, st.just("site"), _TEXTS),
    st.lists(st.fixed_dictionaries({"list": _TEXTS, "status": _TEXTS}), max_size=2),
)


def _read(text: str) -> Any:
    roots, wrong = read(SourceFile("golden.yaml", text))
    assert not wrong, (wrong[0].message, text)
    assert len(roots) == 1
    return plain(roots[0])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["Name", "custom_fields.X", "memberships.lists"]), _VALUES), st.lists(_VALUES))
def test_every_outcome_is_read_back_as_it_was(fields: dict[str, Any], items: list[Any]) -> None:
    rows = [{"Amount": item, "Name": "x"} for item in items]
    outcome = Outcome("create", fields, frozenset(["B", "A"]), {"lines": rows}, checks={"Total": Decimal("1.50")})

    assert _read(golden_text(outcome)) == as_document(outcome)


def test_empty_parts_are_left_out_and_errors_are_named_by_code_and_place() -> None:
    outcome = Outcome("error", problems=(FieldProblem("Name", "RT106", "no row", "", "a:1"),))

    assert as_document(outcome) == {"op": "error", "errors": [{"code": "RT106", "where": "Name"}]}


@pytest.mark.parametrize("word", ["on", "Off", "yes", "null", "12", "1e3", "0x1F", "- a", "a #b", ""])
def test_texts_that_look_like_something_else_are_quoted(word: str) -> None:
    assert f"Name: '{word}'" in golden_text(Outcome("create", {"Name": word}))

"""Values of custom fields: the text that is sent, and what counts as the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from fieldwright.connectors.activecampaign.codecs import CodecError, encode, same

NOON = datetime(2024, 11, 1, 12, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("native", "value", "text"),
    [
        ("text", None, ""),
        ("text", "Acme", "Acme"),
        ("text", True, "true"),
        ("text", 5, "5"),
        ("text", date(2024, 1, 2), "2024-01-02"),
        ("text", NOON, "2024-11-01T12:00:00+00:00"),
        ("number", Decimal("1E+3"), "1000"),
        ("number", Decimal("12.50"), "12.50"),
        ("number", "-3", "-3"),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", date(2024, 1, 2), "2024-01-02"),
        ("date", "", ""),
        ("datetime", NOON, "2024-11-01T12:00:00+00:00"),
        ("datetime", "2024-11-01T13:05:00-06:00", "2024-11-01T19:05:00+00:00"),
        ("dropdown", "Option 1", "Option 1"),
        ("radio", "Option 1", "Option 1"),
        ("listbox", ["a", "b c"], "||a||b c||"),
        ("checkbox", ["a"], "||a||"),
        ("listbox", "a", "||a||"),
        ("listbox", "||a||b||", "||a||b||"),
        ("listbox", [], ""),
    ],
)
def test_a_value_becomes_the_text_its_field_type_takes(native: str, value: Any, text: str) -> None:
    assert encode(native, value) == text


@pytest.mark.parametrize(
    ("native", "value", "options"),
    [
        ("date", "2023-02-29", ()),
        ("date", "01/02/2024", ()),
        ("date", NOON, ()),
        ("datetime", "2024-11-01T12:00:00", ()),
        ("datetime", "soon", ()),
        ("number", "1,5", ()),
        ("number", "NaN", ()),
        ("number", True, ()),
        ("text", ["a"], ()),
        ("dropdown", ["a"], ("a",)),
        ("dropdown", "||a||", ("a",)),
        ("radio", "A", ("a",)),
        ("listbox", ["a", "z"], ("a", "b")),
        ("listbox", ["a||b"], ()),
    ],
)
def test_a_value_that_no_such_field_can_hold_is_refused(native: str, value: Any, options: tuple[str, ...]) -> None:
    with pytest.raises(CodecError):
        encode(native, value, options)


@pytest.mark.parametrize(
    ("native", "ours", "theirs", "equal"),
    [
        ("datetime", "2024-11-01T13:05:00-06:00", "2024-11-01T14:05:00-05:00", True),
        ("datetime", NOON, "2024-11-01T07:00:00-05:00", True),
        ("datetime", NOON, "2024-11-01T08:00:00-05:00", False),
        ("datetime", NOON, None, False),
        ("date", "2024-01-02", "2024-01-02 00:00:00", True),
        ("date", "2024-01-02", "2024-01-03", False),
        ("number", Decimal("12.50"), "12.5", True),
        ("number", Decimal("12.50"), "12.51", False),
        ("number", 0, "", False),
        ("text", " Acme", "Acme ", True),
        ("text", "acme", "Acme", False),
        ("text", None, "", True),
        ("text", "", None, True),
        ("listbox", ["b", "a"], "||a||b||", True),
        ("listbox", ["a"], "||a||b||", False),
        ("dropdown", "12.0", "12", False),
        ("number", "many", "many", False),
    ],
)
def test_values_are_compared_by_meaning(native: str, ours: Any, theirs: Any, equal: bool) -> None:
    assert same(native, ours, theirs) is equal

"""When Salesforce would store one value as the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fieldwright.connectors.salesforce.compare import same
from fieldwright.dsl import types
from fieldwright.dsl.schema import FieldSchema


def of(native: str, scale: int | None = None) -> FieldSchema:
    return FieldSchema("F", types.STRING, native=native, scale=scale)


CASES = [
    ("email", None, "Jane@Example.ORG", "jane@example.org", True),
    ("string", None, "Acme", "acme", False),
    ("string", None, "  Acme ", "Acme", True),
    ("string", None, "", None, True),
    ("string", None, " ", None, True),
    ("string", None, None, "x", False),
    ("textarea", None, "a\r\nb", "a\nb", True),
    ("textarea", None, "a\nb", "a b", False),
    ("currency", 2, Decimal("12.345"), Decimal("12.35"), True),
    ("currency", 2, Decimal("12.3"), Decimal("12.30"), True),
    ("currency", 2, Decimal("12.3"), Decimal("12.31"), False),
    ("double", 0, 5, Decimal("5.0"), True),
    ("int", 0, 5, 5, True),
    ("double", 2, "x", Decimal(1), False),
    ("double", 2, Decimal("NaN"), Decimal(1), False),
    ("currency", 2, Decimal("1E+1000000"), Decimal(1), False),
    ("boolean", None, None, False, True),
    ("boolean", None, "true", True, True),
    ("boolean", None, True, False, False),
    ("datetime", None, "2026-01-02T03:04:05.000+0000", "2026-01-02T03:04:05.000+0000", True),
    ("datetime", None, "2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05.000+0000", True),
    ("datetime", None, "2026-01-02T03:04:05Z", "2026-01-02T03:04:06.000+0000", False),
    ("date", None, "2026-01-02", "2026-01-02", True),
    ("date", None, "2026-01-02", "2026-01-03", False),
    ("reference", None, "0015g0000000001", "0015g0000000001AAA", True),
    ("reference", None, "0015g0000000001", "0015g0000000002AAA", False),
    ("multipicklist", None, "b;a", "a;b", True),
    ("picklist", None, "On", "on", False),
]


@pytest.mark.parametrize(("native", "scale", "ours", "theirs", "expected"), CASES)
def test_values_compare_as_the_org_stores_them(
    native: str, scale: int | None, ours: Any, theirs: Any, expected: bool
) -> None:
    assert same(of(native, scale), ours, theirs) is expected


def test_a_field_nobody_knows_compares_by_value() -> None:
    assert same(None, 1, Decimal("1.0"))
    assert not same(None, "a", "A")

"""Says whether Salesforce would store one value as the other, so that an unchanged record is not written again.

What Salesforce does on saving: lower-cases e-mail addresses, trims text, stores empty text as null, rounds numbers to
the field's scale, keeps whole seconds of moments, answers ids with 18 characters for 15.
Source: recorded traffic for e-mail case; trimming and '' as null are unverified.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from fieldwright.dsl.schema import FieldSchema

_NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})


def same(field: FieldSchema | None, ours: Any, theirs: Any) -> bool:
    """Whether `ours`, once written to the field, reads as `theirs`."""
    native = field.native if field is not None else ""
    ours, theirs = _empty_as_none(ours), _empty_as_none(theirs)
    if native == "boolean":
        # A checkbox has no null: clearing it is writing false.
        return _truth(ours) == _truth(theirs)
    if ours is None or theirs is None:
        return ours is theirs
    if native in _NUMBERS or (isinstance(ours, int | Decimal) and isinstance(theirs, int | Decimal)):
        return _same_number(field, ours, theirs)
    if native in ("datetime", "date"):
        return _same_moment(ours, theirs)
    left, right = str(ours).strip(), str(theirs).strip()
    if left == right:
        return True
    match native:
        case "email":
            return left.casefold() == right.casefold()
        case "id" | "reference":
            return len(left) >= 15 and len(right) >= 15 and left[:15] == right[:15]
        case "textarea":
            return left.replace("\r\n", "\n") == right.replace("\r\n", "\n")
        case "multipicklist":
            return set(left.split(";")) == set(right.split(";"))
        case _:
            return False


def _empty_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _truth(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _same_number(field: FieldSchema | None, ours: Any, theirs: Any) -> bool:
    try:
        left, right = Decimal(str(ours)), Decimal(str(theirs))
    except InvalidOperation:
        return str(ours) == str(theirs)
    if not (left.is_finite() and right.is_finite()):
        return False
    if field is not None and field.scale is not None and abs(left.adjusted()) < 40:
        step = Decimal(1).scaleb(-field.scale)
        left = left.quantize(step, rounding=ROUND_HALF_UP)
        right = right.quantize(step, rounding=ROUND_HALF_UP)
    return left == right


def _same_moment(ours: Any, theirs: Any) -> bool:
    left, right = str(ours), str(theirs)
    if left == right:
        return True
    if "T" not in left and "T" not in right:
        return left[:10] == right[:10]
    first, second = _instant(left), _instant(right)
    return first is not None and first == second


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return moment.astimezone(UTC).replace(microsecond=0)

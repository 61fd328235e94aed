"""Functions on numbers. Decimals have 34 digits and round half to even; no function yields a binary float."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException
from typing import Any, Final

from fieldwright.dsl.functions.limits import bounded_int
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError, Money

_INT: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,34}(\.[0-9]{1,34})?", re.ASCII)


@function(
    "number",
    "int(value: string|int|decimal) -> int",
    ("int('042')", 42),
    ("int(30.0)", 30),
    ("int('x', else=null)", None),
    fallible=True,
)
def whole(value: str | int | Decimal) -> int:
    """A whole number from a text of digits or from a number without fraction."""
    if isinstance(value, str):
        if not _INT.fullmatch(value.strip()):
            raise EvaluationError("RT105", f"{value[:40]!r} is not a whole number", "correct it or give else=")
        return bounded_int(int(value))
    if isinstance(value, Decimal):
        if value.adjusted() > 19 or value != value.to_integral_value():
            raise EvaluationError(
                "RT105", f"{value} is not a whole number of 64 bits", "use round() first or give else="
            )
        return bounded_int(int(value))
    return value


@function(
    "number",
    "decimal(value: string|int|decimal) -> decimal",
    ("decimal('1.50')", Decimal("1.50")),
    ("decimal('1,5', else=0)", Decimal(0)),
    fallible=True,
)
def exact(value: str | int | Decimal) -> Decimal:
    """A decimal from a text of digits with at most one point (no thousands marks, no exponent) or a number."""
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value.strip()):
            raise EvaluationError("RT105", f"{value[:40]!r} is not a number", "correct it or give else=")
        return DECIMAL_CONTEXT.create_decimal(value.strip())
    return Decimal(value)


@function(
    "number",
    "round(value: decimal, digits: int = 0) -> decimal",
    ("round(2.345, 2)", Decimal("2.34")),
    ("round(2.5)", Decimal(2)),
    fallible=True,
)
def rounded(value: Decimal, digits: int) -> Decimal:
    """The number with `digits` digits after the point (0 to 20); halves go to the even neighbour."""
    if not 0 <= digits <= 20:
        raise EvaluationError("RT105", f"round to {digits} digits", "use 0 to 20")
    try:
        return Decimal(value).quantize(Decimal(1).scaleb(-digits), context=DECIMAL_CONTEXT)
    except DecimalException:
        raise EvaluationError("RT103", "a number is too large to be rounded exactly", "check its origin") from None


@function(
    "number",
    "round_half_up(value: decimal, digits: int = 0) -> decimal",
    ("round_half_up(2.345, 2)", Decimal("2.35")),
    ("round_half_up(-2.5)", Decimal(-3)),
    fallible=True,
)
def rounded_half_up(value: Decimal, digits: int) -> Decimal:
    """Like `round`, but halves go away from zero, as Salesforce rounds currency."""
    if not 0 <= digits <= 20:
        raise EvaluationError("RT105", f"round to {digits} digits", "use 0 to 20")
    try:
        return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=DECIMAL_CONTEXT)
    except DecimalException:
        raise EvaluationError("RT103", "a number is too large to be rounded exactly", "check its origin") from None


@function("number", "floor(value: decimal) -> int", ("floor(2.7)", 2), ("floor(-2.1)", -3), fallible=True)
def floor(value: Decimal) -> int:
    """The largest whole number that is not larger."""
    return _integral(value, ROUND_FLOOR)


@function("number", "ceil(value: decimal) -> int", ("ceil(2.1)", 3), fallible=True)
def ceil(value: Decimal) -> int:
    """The smallest whole number that is not smaller."""
    return _integral(value, ROUND_CEILING)


def _integral(value: Decimal, rounding: str) -> int:
    value = Decimal(value)
    if value.adjusted() > 19:
        raise EvaluationError("RT103", "a whole number does not fit in 64 bits", "compute with decimals")
    return bounded_int(int(value.to_integral_value(rounding=rounding)))


@function("number", "abs(value: N) -> N", ("abs(-3)", 3), ("abs(-1.5)", Decimal("1.5")))
def absolute(value: Any) -> Any:
    """The number without its sign."""
    if isinstance(value, Money):
        return Money(bounded_int(abs(value.minor)), value.currency)
    if isinstance(value, Decimal):
        return value.copy_abs()
    return bounded_int(abs(value))


@function("number", "sign(value: decimal) -> int", ("sign(-2.5)", -1), ("sign(0)", 0))
def sign(value: Decimal) -> int:
    """1 for a positive number, -1 for a negative one, 0 for zero."""
    return (value > 0) - (value < 0)


@function("number", "power(base: decimal, exponent: int) -> decimal", ("power(1.5, 2)", Decimal("2.25")), fallible=True)
def power(base: Decimal, exponent: int) -> Decimal:
    """The base multiplied by itself, -100 to 100 times."""
    if not -100 <= exponent <= 100:
        raise EvaluationError("RT105", f"a power of {exponent}", "use -100 to 100")
    try:
        made = DECIMAL_CONTEXT.power(Decimal(base), exponent)
    except DecimalException:
        made = Decimal("Infinity")
    if not made.is_finite():
        raise EvaluationError("RT103", "a power is too large, or one of zero", "check its base")
    return made


@function("number", "clamp(value: C, low: C, high: C) -> C", ("clamp(12, 0, 10)", 10), ("clamp(-1, 0, 10)", 0))
def clamp(value: Any, low: Any, high: Any) -> Any:
    """The value, or the bound that it is beyond."""
    return largest(low, smallest(value, high))


@function(
    "number",
    "format_number(value: decimal, digits: int = 2, point: string = '.', thousands: string = '') -> string",
    ("format_number(1234.5)", "1234.50"),
    ("format_number(1234567.891, 2, ',', '.')", "1.234.567,89"),
    fallible=True,
)
def format_number(value: Decimal, digits: int, point: str, thousands: str) -> str:
    """The number as text, rounded half to even to so many digits after the point."""
    if len(point) > 1 or len(thousands) > 1:
        raise EvaluationError("RT105", "a decimal point or thousands mark is longer than a character", "use one")
    whole, _, part = format(rounded(value, digits), ",f").partition(".")
    return whole.replace(",", thousands) + (point + part if part else "")


@function("number", "min(...values: C) -> C", ("min(2, 1, 3)", 1), ("min('b', 'a')", "a"))
def smallest(*values: Any) -> Any:
    """The smallest of the values."""
    return min(values, key=order_key(values))


@function("number", "max(...values: C) -> C", ("max(2, 1.5)", Decimal(2)))
def largest(*values: Any) -> Any:
    """The largest of the values."""
    return max(values, key=order_key(values))


def order_key(values: Sequence[Any]) -> Any:
    """The key by which values of one kind are ordered; amounts of two currencies are an error."""
    if not any(isinstance(value, Money) for value in values):
        return None
    if len({value.currency for value in values}) > 1:
        raise EvaluationError("RT104", "amounts in two currencies are compared", "convert one of them first")
    return _minor


def _minor(value: Money) -> int:
    return value.minor

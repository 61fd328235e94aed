"""The operators of the language on values that are neither null nor missing.

Both evaluators use these, so that they cannot disagree. Python's arithmetic errors pass through; the reference
evaluator words them, the generated code takes any exception as a sign to give up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DivisionByZero, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from fieldwright.dsl.functions.dates import zone
from fieldwright.dsl.functions.limits import bounded_int
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError, Money, minor_digits

add: Final = DECIMAL_CONTEXT.add
subtract: Final = DECIMAL_CONTEXT.subtract
multiply: Final = DECIMAL_CONTEXT.multiply


def divide(left: Any, right: Any) -> Decimal:
    """The quotient with 34 digits; RT102 for a divisor of zero."""
    try:
        return DECIMAL_CONTEXT.divide(Decimal(left), Decimal(right))
    except (DivisionByZero, InvalidOperation):
        raise EvaluationError("RT102", "division by zero", "test the divisor first, or use max(.., 1)") from None


def remainder(left: Any, right: Any) -> Decimal:
    """What is left after dividing, with the sign of the dividend."""
    if right == 0:
        raise EvaluationError("RT102", "remainder of a division by zero", "test the divisor first")
    try:
        return DECIMAL_CONTEXT.remainder(Decimal(left), Decimal(right))
    except InvalidOperation:
        raise EvaluationError("RT103", "a number is too large", "check its origin") from None


def int_remainder(left: int, right: int) -> int:
    """The same for whole numbers."""
    if right == 0:
        raise EvaluationError("RT102", "remainder of a division by zero", "test the divisor first")
    made = abs(left) % abs(right)
    return -made if left < 0 else made


def arithmetic(op: str, on: str, left: Any, right: Any) -> Any:
    """`left op right` for what `on` names: int, decimal, money, time (moments and durations), date (with a duration),
    scaled (a duration some times), ratio (of two durations or amounts)."""
    match on:
        case "int":
            match op:
                case "+":
                    return bounded_int(left + right)
                case "-":
                    return bounded_int(left - right)
                case "*":
                    return bounded_int(left * right)
                case _:
                    return int_remainder(left, right)
        case "decimal":
            match op:
                case "+":
                    return add(Decimal(left), Decimal(right))
                case "-":
                    return subtract(Decimal(left), Decimal(right))
                case "*":
                    return multiply(Decimal(left), Decimal(right))
                case "/":
                    return divide(left, right)
                case _:
                    return remainder(left, right)
        case "money":
            return _money(op, left, right)
        case "ratio":
            return _ratio(left, right)
        case "date":
            return _shifted(op, left, right)
        case _:
            try:
                if on == "scaled":
                    return left * right
                return left + right if op == "+" else left - right
            except OverflowError:
                raise EvaluationError("RT103", "a moment lies outside of the years 1 to 9999", "check it") from None


def _money(op: str, left: Any, right: Any) -> Money:
    """Products and quotients are rounded to the currency's minor unit, halves to the even neighbour."""
    if op == "*":
        amount, factor = (left, right) if isinstance(left, Money) else (right, left)
        if type(factor) is int:
            return Money(bounded_int(amount.minor * factor), amount.currency)
        return Money(_whole(multiply(Decimal(amount.minor), factor)), amount.currency)
    if op == "/":
        return Money(_whole(divide(left.minor, right)), left.currency)
    _same_currency(left, right)
    minor = left.minor + right.minor if op == "+" else left.minor - right.minor
    return Money(bounded_int(minor), left.currency)


def _whole(minor: Decimal) -> int:
    if minor.adjusted() > 19:
        raise EvaluationError("RT103", "an amount is too large", "check its origin")
    return bounded_int(int(minor.to_integral_value(ROUND_HALF_EVEN)))


def _ratio(left: Any, right: Any) -> Decimal:
    if isinstance(left, Money):
        _same_currency(left, right)
        return divide(left.minor, right.minor)
    return divide(left // _TICK, right // _TICK)


def _shifted(op: str, left: Any, right: Any) -> date:
    """A date some days later or earlier; part of a day would not say which day."""
    day, by = (left, right) if isinstance(left, date) else (right, left)
    if by % _DAY:
        raise EvaluationError("RT105", "a date moves by whole days only", "use days(..), or a moment")
    try:
        return day + by if op == "+" else day - by  # type: ignore[no-any-return]
    except OverflowError:
        raise EvaluationError("RT103", "a date lies outside of the years 1 to 9999", "check it") from None


_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


def negate(value: Any) -> Any:
    """The number or amount with the other sign."""
    if isinstance(value, Money):
        return Money(bounded_int(-value.minor), value.currency)
    if isinstance(value, Decimal):
        return DECIMAL_CONTEXT.minus(value)
    if isinstance(value, timedelta):
        return arithmetic("-", "time", timedelta(0), value)
    return bounded_int(-value)


def ordered(op: str, left: Any, right: Any) -> bool:
    """`< <= > >=`; amounts in two currencies cannot be ordered."""
    if isinstance(left, Money):
        _same_currency(left, right)
        left, right = left.minor, right.minor
    match op:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _same_currency(left: Money, right: Money) -> None:
    if left.currency != right.currency:
        raise EvaluationError(
            "RT104", f"amounts in {left.currency} and {right.currency} meet", "convert one of them first"
        )


def element(items: list[Any], position: int) -> Any:
    """The element at a position, from the end for negative ones; null when there is none."""
    return items[position] if -len(items) <= position < len(items) else None


def to_decimal(value: Any) -> Any:
    """Whole numbers as decimals, in lists too; null stays null."""
    if isinstance(value, list):
        return [to_decimal(item) for item in value]
    return Decimal(value) if type(value) is int else value


_SCALE: Final = {0: Decimal(1), 2: Decimal("0.01")}


@lru_cache(maxsize=512)
def unit_digits(currency: str) -> int:
    """Digits after the point of a currency's unit; remembered, because every amount asks."""
    return minor_digits(currency)


def major(minor: Any, currency: Any) -> Decimal:
    """Minor units straight to major ones: what `amount()` of a Chargebee money field is."""
    if type(minor) is not int or type(currency) is not str or not currency or not -(2**63) < minor < 2**63:
        raise ValueError("not an amount")
    return Decimal(minor).scaleb(-unit_digits(currency), DECIMAL_CONTEXT)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(seconds: Any) -> datetime:
    """Unix seconds as a moment."""
    if type(seconds) is not int:
        raise ValueError("not unix seconds")
    return _EPOCH + timedelta(seconds=seconds)


def day_of(seconds: Any, zone_name: str) -> Any:
    """The calendar day of unix seconds in a zone, without the moment in between."""
    if type(seconds) is not int:
        raise ValueError("not unix seconds")
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone(zone_name)).date()

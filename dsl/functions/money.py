"""Functions on money: exact amounts in integer minor units with their currency."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import Final

from fieldwright.dsl.functions.limits import MAX_INT, bounded_int
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError, Money, minor_digits

_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)


@function(
    "money",
    "money(value: decimal, currency: string) -> money",
    ("money(12.34, 'USD')", Money(1234, "USD")),
    ("money(500, 'JPY')", Money(500, "JPY")),
    ("money(0.001, 'USD', else=null)", None),
    fallible=True,
)
def money(value: Decimal, currency: str) -> Money:
    """An amount from major units (12.34 for $12.34). More digits than the currency has are an error."""
    try:
        minor = Decimal(value).scaleb(minor_digits(_known(currency)), DECIMAL_CONTEXT)
    except DecimalException:
        raise EvaluationError("RT103", "an amount is too large", "check its origin") from None
    if abs(minor) > MAX_INT or minor != minor.to_integral_value():
        raise EvaluationError("RT105", f"{value} is not an exact amount of {currency}", "use round() first")
    return Money(bounded_int(int(minor)), currency)


@function("money", "amount(value: money) -> decimal", ("amount(money(12.30, 'USD'))", Decimal("12.30")))
def amount(value: Money) -> Decimal:
    """The number in major units, exact: 12.34 for $12.34, 500 for 500 yen."""
    return value.major()


@function("money", "currency(value: money) -> string", ("currency(money(1, 'EUR'))", "EUR"), inline="{0}.currency")
def currency(value: Money) -> str:
    """The currency code."""
    return value.currency


@function("money", "minor_units(value: money) -> int", ("minor_units(money(12.30, 'USD'))", 1230), inline="{0}.minor")
def minor_units(value: Money) -> int:
    """The amount as Chargebee counts it: cents, or whole units of a currency without them."""
    return value.minor


@function(
    "money",
    "from_minor(units: int, currency: string) -> money",
    ("from_minor(1230, 'USD')", Money(1230, "USD")),
    fallible=True,
)
def from_minor(units: int, currency: str) -> Money:
    """An amount from minor units: 1230 and USD for $12.30."""
    return Money(bounded_int(units), _known(currency))


@function(
    "money",
    "convert(value: money, rate: decimal, currency: string) -> money",
    ("convert(money(10, 'EUR'), 1.0855, 'USD')", Money(1086, "USD")),
    ("convert(money(10, 'EUR'), 160.25, 'JPY')", Money(1602, "JPY")),
    fallible=True,
)
def convert(value: Money, rate: Decimal, currency: str) -> Money:
    """The amount in another currency by a given rate, rounded half to even to its minor unit."""
    try:
        exact = DECIMAL_CONTEXT.multiply(value.major(), Decimal(rate))
        minor = exact.scaleb(minor_digits(_known(currency)), DECIMAL_CONTEXT)
    except DecimalException:
        raise EvaluationError("RT103", "an amount is too large", "check its origin") from None
    if minor.adjusted() > 19:
        raise EvaluationError("RT103", "an amount is too large", "check its origin")
    return Money(bounded_int(int(minor.to_integral_value(ROUND_HALF_EVEN))), currency)


@function("money", "format_money(value: money) -> string", ("format_money(money(12.3, 'USD'))", "12.30 USD"))
def format_money(value: Money) -> str:
    """The amount with all digits of its currency and the code behind it."""
    return f"{value.major():f} {value.currency}"


def _known(currency: str) -> str:
    if not _CODE.fullmatch(currency):
        raise EvaluationError("RT116", f"{currency[:10]!r} is not a currency code", "three capital letters: USD")
    return currency

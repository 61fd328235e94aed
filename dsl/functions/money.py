"""Functions on money: exact amounts in integer minor units with their currency."""

from __future__ import annotations

import re
from decimal import Decimal, DecimalException
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
    if not _CODE.fullmatch(currency):
        raise EvaluationError("RT116", f"{currency[:10]!r} is not a currency code", "three capital letters: USD")
    try:
        minor = Decimal(value).scaleb(minor_digits(currency), DECIMAL_CONTEXT)
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

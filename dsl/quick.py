"""What generated code calls at run time: the same values as the functions of the language, on the usual inputs only.

Anything unusual raises, and the reference evaluator answers instead. Amounts and whole numbers in decimal form are
remembered, because prices and quantities are few and making a `Decimal` is dear.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.expressions.operations import unit_digits
from fieldwright.dsl.functions.dates import local_date
from fieldwright.dsl.program import Ref
from fieldwright.dsl.values import DECIMAL_CONTEXT

REMEMBERED: Final = 20_000
"""Entries of one memory; it is emptied when it is full."""
_MAX_INT: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Majors(dict[int, Decimal]):
    """Amounts in major units by minor ones, for currencies with the same number of digits."""

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.digits = digits

    def __missing__(self, minor: int) -> Decimal:
        if type(minor) is not int or not -_MAX_INT <= minor <= _MAX_INT:
            raise ValueError("not an amount")
        if len(self) >= REMEMBERED:
            self.clear()
        made = self[minor] = Decimal(minor).scaleb(-self.digits, DECIMAL_CONTEXT)
        return made


class Currencies(dict[str, Majors]):
    """The memory of amounts for a currency. The caller tests that the amount is an `int`, because 1 == True."""

    def __init__(self) -> None:
        super().__init__()
        self.by_digits: dict[int, Majors] = {}

    def __missing__(self, currency: str) -> Majors:
        if type(currency) is not str or not currency:
            raise ValueError("not a currency")
        if len(self) >= REMEMBERED:
            self.clear()
        digits = unit_digits(currency)
        made = self[currency] = self.by_digits.setdefault(digits, Majors(digits))
        return made


CURRENCIES: Final = Currencies()


class Wholes(dict[int, Decimal]):
    """Whole numbers as decimals. The caller tests the type and the size."""

    def __missing__(self, number: int) -> Decimal:
        if len(self) >= REMEMBERED:
            self.clear()
        made = self[number] = Decimal(number)
        return made


WHOLES: Final = Wholes()


def day_of(moment: datetime, zone: str) -> date:
    """The calendar day of a moment in a zone; moments in UTC need no conversion to UTC."""
    if zone == "UTC" and moment.tzinfo is UTC:
        return moment.date()
    return local_date(moment, zone)


class Refs(dict[str, Ref]):
    """References by key to records of one mapping, for keys that are the same in a whole run."""

    def __init__(self, mapping: str) -> None:
        super().__init__()
        self.mapping = mapping

    def __missing__(self, key: str) -> Ref:
        if type(key) is not str or not key:
            raise ValueError("not the key of a record")
        if len(self) >= REMEMBERED:
            self.clear()
        made = self[key] = Ref(self.mapping, key)
        return made


def moment_of(seconds: int) -> datetime:
    """Unix seconds as a moment. The caller tests the type."""
    return _EPOCH + timedelta(0, seconds)


def day_of_seconds(seconds: Any, zone: str) -> date:
    """The calendar day of unix seconds in a zone."""
    if type(seconds) is not int:
        raise ValueError("not unix seconds")
    return day_of(_EPOCH + timedelta(seconds=seconds), zone)

"""Runtime values of the language that Python does not have: money, missing, and an evaluation error.

null is `None`, bool `bool`, int `int`, decimal `decimal.Decimal`, string and enum `str`, date `datetime.date`,
timestamp an aware `datetime` in UTC, duration `datetime.timedelta`, list `list`/`tuple`, record a mapping from
field name to the raw value as its system delivers it. Binary floats never enter: sources decode JSON numbers with a
point as `Decimal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, final

DECIMAL_CONTEXT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""Arithmetic of the language: 34 digits, half-even (IEEE 754 decimal128)."""

ZERO_DECIMAL_CURRENCIES: Final = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
"""Currencies that Chargebee counts in major units; every other one is x 100, KWD too.
Source: Chargebee's currency page names KRW, JPY, XAF, XOF; the others are unverified and follow ISO 4217."""


@final
class _Missing:
    """The value of something that was not read (as opposed to null: read, and nothing there)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"

    def __bool__(self) -> bool:
        raise TypeError("missing is neither true nor false")


MISSING: Final = _Missing()


def minor_digits(currency: str) -> int:
    """Digits after the point of one unit of `currency` as Chargebee counts it: 0 or 2."""
    return 0 if currency in ZERO_DECIMAL_CURRENCIES else 2


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: integer minor units (as Chargebee counts them) and an upper-case ISO 4217 code."""

    minor: int
    currency: str

    def major(self) -> Decimal:
        """The amount in major units, exact: `Money(1234, "USD").major() == Decimal("12.34")`."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency), DECIMAL_CONTEXT)

    def __str__(self) -> str:
        return f"{self.major()} {self.currency}"


class EvaluationError(Exception):
    """A value could not be computed: bad parse, division by zero, overflow, two currencies, unmapped enum value.

    `code` is a run-time code of the registry (`RT1xx`), `reason` a sentence without personal data except the
    offending value, `fix` what the integrator can do.
    """

    def __init__(self, code: str, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.fix = fix

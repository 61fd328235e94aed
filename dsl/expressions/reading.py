"""Raw values of source records in, values of the language out: one small codec per system and type.

A codec is chosen by name when an expression is checked (`codec_name`) and applied by the reference evaluator
(`decode`); the compiler has its own fast code for the common ones and must agree. What a source delivers against its
own schema is an error (RT101), never a guess. At Salesforce and ActiveCampaign an empty text is null; at Chargebee an
absent list is an empty one. Chargebee counts moments in unix seconds (UTC) and money in minor units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.types import Kind, Type
from fieldwright.dsl.values import DECIMAL_CONTEXT, ZERO_DECIMAL_CURRENCIES, EvaluationError, Money

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?[0-9]{1,34}(\.[0-9]{1,34})?", re.ASCII)
_LARGEST_EXPONENT: Final = 64
_MAX_INT: Final = 2**63 - 1


def codec_name(system: str, type_: Type) -> str:
    """The codec of a field: `chargebee.timestamp`, and for lists of values `chargebee.list.string`."""
    if type_.kind is Kind.LIST:
        item = "any" if type_.item is None else type_.item.kind.value
        return f"{system}.list.{item}"
    return f"{system}.{type_.kind.value}"


def is_absent_list_empty(system: str) -> bool:
    """Whether a list field that is not there means an empty list at this system."""
    return system == "chargebee"


def decode(codec: str, raw: Any, currency: Any = None) -> Any:
    """The value of the language for a raw one. `currency` is the ISO code for money. RT101 when it does not fit."""
    system, _, kind = codec.partition(".")
    if kind.startswith("list."):
        if raw is None:
            return [] if is_absent_list_empty(system) else None
        if not isinstance(raw, list | tuple):
            raise _unfit("a list", raw)
        inner = kind.removeprefix("list.")
        return [None if item is None else _decode(system, inner, item, currency) for item in raw]
    if raw is None or (raw == "" and isinstance(raw, str) and system in ("salesforce", "activecampaign")):
        return None
    return _decode(system, kind, raw, currency)


def _decode(system: str, kind: str, raw: Any, currency: Any) -> Any:
    if system == "plain":
        return raw
    match kind:
        case "string" | "enum" | "ref":
            if type(raw) is str:
                return raw
        case "bool":
            if type(raw) is bool:
                return raw
        case "int":
            if type(raw) is int and -_MAX_INT <= raw <= _MAX_INT:
                return raw
        case "decimal":
            return _decimal(system, raw)
        case "money":
            return _money(system, raw, currency)
        case "timestamp":
            return _timestamp(system, raw)
        case "date":
            return _date(raw)
        case "record":
            if type(raw) is dict or isinstance(raw, Mapping):
                return raw
        case _:
            return raw
    raise _unfit(_WORDS.get(kind, kind), raw)


_WORDS: Final = {
    "string": "a text",
    "enum": "a text",
    "ref": "an id",
    "bool": "true or false",
    "int": "a whole number of 64 bits",
    "record": "a record",
}


def _decimal(system: str, raw: Any) -> Decimal:
    if type(raw) is int and -_MAX_INT <= raw <= _MAX_INT:
        return Decimal(raw)
    if type(raw) is Decimal and raw.is_finite() and abs(raw.adjusted()) <= _LARGEST_EXPONENT:
        return raw
    # Chargebee's `.._in_decimal` fields are numbers in a text.
    if type(raw) is str and _NUMBER.fullmatch(raw):
        return DECIMAL_CONTEXT.create_decimal(raw)
    raise _unfit("a decimal number (binary floats are not accepted)", raw)


def _money(system: str, raw: Any, currency: Any) -> Money | Decimal:
    if type(currency) is not str or not currency:
        raise EvaluationError(
            "RT116",
            "an amount has no currency: the field that names it is empty",
            "look at the record's currency field",
        )
    if system == "chargebee":
        if type(raw) is int and -_MAX_INT <= raw <= _MAX_INT:
            return Money(raw, currency)
        raise _unfit("a whole number of minor units", raw)
    number = _decimal(system, raw)
    minor = number.scaleb(0 if currency in ZERO_DECIMAL_CURRENCIES else 2, DECIMAL_CONTEXT)
    if abs(minor) > _MAX_INT or minor != minor.to_integral_value():
        raise _unfit(f"an exact amount of {currency}", raw)
    return Money(int(minor), currency)


def _timestamp(system: str, raw: Any) -> datetime:
    if type(raw) is int:
        try:
            return _EPOCH + timedelta(seconds=raw)
        except OverflowError:
            raise _unfit("unix seconds between the years 1 and 9999", raw) from None
    if isinstance(raw, datetime) and raw.tzinfo is not None:
        return raw.astimezone(UTC)
    if type(raw) is str and system != "chargebee" and len(raw) <= 40:
        try:
            made = datetime.fromisoformat(raw)
            if made.tzinfo is not None:
                return made.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _unfit("a moment with an offset", raw)


def _date(raw: Any) -> date:
    if type(raw) is date:
        return raw
    if type(raw) is str and len(raw) == 10:
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise _unfit("a date as 2020-01-31", raw)


def _unfit(wanted: str, raw: Any) -> EvaluationError:
    shown = repr(raw)
    if len(shown) > 60:
        shown = shown[:60] + ".."
    return EvaluationError(
        "RT101", f"the source delivers {shown} where its schema says {wanted}", "correct the record or the schema"
    )

"""Values of the language in, wire values of a target field out.

A wire value is what the connector puts into a request: text, whole number, `Decimal`, boolean, list or None. The
target's field schema and system decide the form: Salesforce writes moments as 2020-01-31T12:00:00.000+0000,
ActiveCampaign in ISO form with Z, Chargebee as unix seconds; money is major units at Salesforce and ActiveCampaign
and minor units at Chargebee. An empty text is null at Salesforce and ActiveCampaign, because they store it as that.
A value that does not fit is an error of the record, never cut or rounded unless the mapping says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.functions.dates import epoch
from fieldwright.dsl.functions.numbers import rounded
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import EvaluationError, Money

_DAY: Final = 86_400
_ZERO: Final = Decimal(0)


def encode(value: Any, target: FieldSchema, system: str, *, truncate: bool = False, digits: int | None = None) -> Any:
    """The wire form of a value, or None for null. Raises RT112 (too long), RT103 (too large) or RT117 (wrong type)."""
    if value is None or (value == "" and isinstance(value, str) and system != "chargebee"):
        return None
    kind = target.type.kind
    match kind:
        case Kind.STRING | Kind.ENUM | Kind.REF:
            if isinstance(value, list) and target.native == "multipicklist":
                value = ";".join(value)
            if isinstance(value, str):
                return fitted(value, target, truncate=truncate)
        case Kind.BOOL:
            if isinstance(value, bool):
                return value
        case Kind.INT:
            if type(value) is int:
                return value
        case Kind.DECIMAL | Kind.MONEY:
            if isinstance(value, Money):
                if system == "chargebee" and kind is Kind.MONEY:
                    return value.minor
                value = value.major()
            if type(value) is int or isinstance(value, Decimal):
                return number(Decimal(value), target, digits)
        case Kind.DATE:
            if isinstance(value, date) and not isinstance(value, datetime):
                return value.isoformat()
        case Kind.TIMESTAMP:
            if isinstance(value, datetime):
                return moment(value, system)
        case Kind.LIST:
            if isinstance(value, list):
                return [plain(item, system) for item in value]
        case _:
            return plain(value, system)
    shown = type(value).__name__.lower()
    raise EvaluationError("RT117", f"{target.name} takes {target.type.required()}, not a {shown}", "convert the value")


def fitted(value: str, target: FieldSchema, *, truncate: bool) -> str:
    """The text if it fits in the field, cut if the mapping says so. Salesforce counts characters."""
    length = target.length
    if length is None or len(value) <= length:
        return value
    if truncate:
        return value[:length]
    raise EvaluationError(
        "RT112",
        f"{target.name} takes {length} characters, the value has {len(value)}",
        "shorten it, or write `max_length: truncate` in the mapping",
    )


def number(value: Decimal, target: FieldSchema, digits: int | None) -> Decimal:
    """The number, rounded if the mapping says so; RT103 when the field has too few digits before the point."""
    return number_writer(target, digits)(value)


def number_writer(target: FieldSchema, digits: int | None) -> Callable[[Decimal], Decimal]:
    """The function that does this for one field."""
    room = None if target.precision is None else target.precision - (target.scale or 0)

    def write(value: Decimal) -> Decimal:
        if digits is not None:
            value = rounded(value, digits)
        if not value:
            return _ZERO if value.is_signed() else value
        if room is not None and value.adjusted() >= room:
            raise EvaluationError("RT103", f"{target.name} has room for {room} digits before the point", "check it")
        return value

    return write


def moment(value: datetime, system: str) -> Any:
    """A moment as the system writes it, to the second."""
    return written_seconds(epoch(value), system)


_DATES: dict[int, str] = {}


def written_seconds(seconds: int, system: str) -> Any:
    """The same from unix seconds. Dates are remembered, because many moments share few of them."""
    if system == "chargebee":
        return seconds
    day, rest = divmod(seconds, _DAY)
    shown = _DATES.get(day)
    if shown is None:
        shown = date.fromordinal(719_163 + day).isoformat()
        if len(_DATES) > 50_000:
            _DATES.clear()
        _DATES[day] = shown
    tail = ".000+0000" if system == "salesforce" else "Z"
    return f"{shown}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{tail}"


def plain(value: Any, system: str) -> Any:
    """The wire form by the value's own type, for fields whose type is not known."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return _ZERO if not value and value.is_signed() else value
        case Money():
            return value.minor if system == "chargebee" else value.major()
        case datetime():
            return moment(value.astimezone(UTC), system)
        case date():
            return value.isoformat()
        case list():
            return [plain(item, system) for item in value]
        case _:
            raise EvaluationError("RT117", "a record cannot be written into one field", "write one of its fields")

"""Turns mapped values into the text a custom field stores, and tells whether stored text says the same.

The account checks nothing: an option that does not exist, or a list where one choice is meant, is stored literally and
shown wrongly. So the check is here, and `CodecError` rejects the record. Comparing goes by meaning, because the
account rewrites date-times into its own time zone: instants are equal whatever their offset, numbers whatever their
zeros, text without blanks around it.

Source of the formats: the vendor's page on field values (plain text for dropdown and radio, `||a||b||` for listbox and
checkbox, ISO dates).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

CHOICES: Final = frozenset({"dropdown", "radio"})
MULTIPLE: Final = frozenset({"listbox", "checkbox"})
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_SEPARATOR: Final = "||"


class CodecError(ValueError):
    """The value cannot be stored in a field of that type; the message says what would be right."""


def encode(native: str, value: Any, options: Sequence[str] = ()) -> str:
    """The text for a value in a field of the account's type `native`; null clears and is the empty text.
    `options` are the field's choices, unchecked when there are none. Raises CodecError."""
    if value is None:
        return ""
    if native in MULTIPLE:
        items = [plain(item) for item in value] if isinstance(value, list | tuple) else _parts(plain(value))
        for item in items:
            if _SEPARATOR in item:
                raise CodecError(f"an option cannot contain {_SEPARATOR}: {item!r}")
            _known(item, options)
        return f"{_SEPARATOR}{_SEPARATOR.join(items)}{_SEPARATOR}" if items else ""
    if isinstance(value, list | tuple):
        raise CodecError(f"a field of type {native} holds one value, not a list; use a listbox field")
    if native == "date":
        return _date_text(value)
    if native == "datetime":
        return _instant_text(value)
    if native == "number":
        return _number_text(value)
    text = plain(value)
    if native in CHOICES and text:
        _known(text, options)
    return text


def same(native: str, ours: Any, theirs: Any) -> bool:
    """Whether a field of type `native` that holds the text `theirs` would not change by writing `ours`."""
    stored = "" if theirs is None else str(theirs).strip()
    try:
        wanted = encode(native, ours).strip()
    except CodecError:
        return False
    if wanted == stored:
        return True
    if not wanted or not stored:
        return False
    match native:
        case "datetime":
            first, second = _instant(wanted), _instant(stored)
            return first is not None and first == second
        case "date":
            # Dates made in the account's own pages may carry a time (unverified).
            return stored[:10] == wanted
        case "number":
            return _number(wanted) == _number(stored)
        case "listbox" | "checkbox":
            return sorted(_parts(wanted)) == sorted(_parts(stored))
        case _:
            return False


def plain(value: Any) -> str:
    """Text of a single value: yes/no as `true`/`false`, numbers without exponent, instants in ISO 8601 and UTC."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return _instant_text(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _known(text: str, options: Sequence[str]) -> None:
    if options and text not in options:
        shown = ", ".join(options[:6]) + (", ..." if len(options) > 6 else "")
        raise CodecError(f"{text!r} is not an option of the field; its options are {shown}")


def _parts(text: str) -> list[str]:
    return [part for part in text.split(_SEPARATOR) if part]


def _date_text(value: Any) -> str:
    if isinstance(value, datetime):
        raise CodecError("a moment was given for a date field; choose the day with .date(zone)")
    text = plain(value)
    if not text:
        return ""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise CodecError(f"{text!r} is not a date; YYYY-MM-DD is")


def _instant_text(value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise CodecError("a moment needs an offset or a zone")
        return value.astimezone(UTC).isoformat(timespec="seconds")
    text = plain(value)
    if not text:
        return ""
    found = _instant(text)
    if found is None:
        raise CodecError(f"{text!r} is not a moment; 2024-11-01T13:05:00+00:00 is")
    return found.isoformat(timespec="seconds")


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(microsecond=0) if found.tzinfo else None


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        raise CodecError("yes or no was given for a number field")
    text = plain(value)
    if text and _number(text) is None:
        raise CodecError(f"{text!r} is not a number")
    return text


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None

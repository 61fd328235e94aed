"""Values and names as text that is safe and readable on a terminal.

Names of customers and texts of vendors come from outside: control characters, direction marks and terminal escapes in
them are shown as escapes, never sent. Colour is wrapped around text that has passed here, so it cannot be forged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

# Line ends are let through by `printable_text` only: in a table cell they would tear the row.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]")
_UNSAFE_IN_TEXT = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}

KNOWN_AFTER_APPLY: Final = "(known after apply)"
"""How the text of an id begins that the target gives out only when the plan is carried out."""

LONGEST: Final = 200
"""Characters of a value shown in text reports; JSON has all of them."""


def printable(text: str) -> str:
    """One line: control and direction characters as escapes, line ends too."""
    return _UNSAFE.sub(_escaped, text)


def printable_text(text: str) -> str:
    """As `printable`, with line ends kept."""
    return _UNSAFE_IN_TEXT.sub(_escaped, text)


def shown(value: Any) -> str:
    """A value of a record: texts in quotes, nothing as `null`, the rest as in JSON; long ones are cut."""
    if isinstance(value, str):
        if value.startswith(KNOWN_AFTER_APPLY):
            return printable(value)
        return '"' + _cut(printable(value.replace("\\", "\\\\").replace('"', '\\"'))) + '"'
    return _cut(_bare(value))


def _bare(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case int() | float():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return "{" + ", ".join(f"{printable(str(key))}: {shown(each)}" for key, each in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(shown(each) for each in value) + "]"
        case _:
            return printable(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    number = ord(character)
    return _SHORT.get(character) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")

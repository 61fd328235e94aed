"""Colour for text reports: a handful of meanings, or nothing at all.

Reporters say what a piece of text means; whether that becomes an escape sequence is decided once, by whoever knows
the stream (a terminal, `NO_COLOR`). The plain form has the same words, so nothing is lost without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in terminal colours when `on`. The text must be printable already."""

    on: bool = False

    def strong(self, text: str) -> str:
        """A heading."""
        return self._wrap("bold", text)

    def quiet(self, text: str) -> str:
        """Places and other side remarks."""
        return self._wrap("dim", text)

    def good(self, text: str) -> str:
        """What is created, or went well."""
        return self._wrap("green", text)

    def changed(self, text: str) -> str:
        """What is updated, or needs a look."""
        return self._wrap("yellow", text)

    def bad(self, text: str) -> str:
        """What is deleted, or failed."""
        return self._wrap("red", text)

    def _wrap(self, name: str, text: str) -> str:
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.on and text else text

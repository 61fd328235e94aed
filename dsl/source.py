"""A mapping file as text with positions: offsets to lines and columns, and spans inside it.

Offsets count characters (code points) of the decoded text from 0; lines and columns are shown from 1. Every later
pass carries offsets only, and the renderers ask here for lines and columns.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: the path as the user wrote it (relative where possible) and its text."""

    path: str
    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        object.__setattr__(self, "_starts", tuple(starts))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file: character offsets, end excluded."""

    file: SourceFile
    start: int
    end: int

    @property
    def at(self) -> str:
        """`path:line:column`, as shown to people."""
        line, column = self.file.position(self.start)
        return f"{self.file.path}:{line}:{column}"

    @property
    def line(self) -> str:
        """`path:line`, for plans and run errors."""
        return f"{self.file.path}:{self.file.position(self.start)[0]}"

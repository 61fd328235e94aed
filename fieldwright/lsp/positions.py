"""Character offsets of a file <-> positions of the protocol: lines from 0, columns counted in the client's units.

The protocol counts UTF-16 code units unless both sides agree on something else, so that an emoji before the cursor
counts two. Source: Language Server Protocol 3.17, Position and PositionEncodingKind. A position beyond the end of its
line means the end of the line, as the protocol asks.
"""

from __future__ import annotations

from enum import StrEnum

from fieldwright.dsl.source import SourceFile


class Units(StrEnum):
    """In what a column is counted."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def to_position(file: SourceFile, offset: int, units: Units = Units.UTF16) -> tuple[int, int]:
    """Line and column, both from 0, of a character offset."""
    line, column = file.position(min(max(offset, 0), len(file.text)))
    before = file.text[offset - (column - 1) : offset]
    return line - 1, _width(before, units)


def to_offset(file: SourceFile, line: int, column: int, units: Units = Units.UTF16) -> int:
    """The character offset of a line and column from 0; the end of the file for lines beyond it."""
    starts = line_starts(file)
    if line >= len(starts):
        return len(file.text)
    start = starts[max(line, 0)]
    text = file.line(max(line, 0) + 1)
    if units is Units.UTF32 or text.isascii():
        return start + min(max(column, 0), len(text))
    counted = 0
    for number, char in enumerate(text):
        if counted >= column:
            return start + number
        counted += _width(char, units)
    return start + len(text)


def line_starts(file: SourceFile) -> tuple[int, ...]:
    """The offset at which each line begins."""
    starts = [0]
    at = file.text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = file.text.find("\n", at + 1)
    return tuple(starts)


def _width(text: str, units: Units) -> int:
    if units is Units.UTF32 or text.isascii():
        return len(text)
    if units is Units.UTF16:
        return len(text) + sum(char > "\uffff" for char in text)
    return len(text.encode("utf-8", "surrogatepass"))

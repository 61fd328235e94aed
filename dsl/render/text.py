"""Findings for people: the line of the file with carets under the exact place, and what would be right.

The frame shows the first line of the place; one that goes over several lines is underlined to the end of the first.
Columns count characters, as editors do, while carets allow for letters that take two cells. Colour is up to the caller.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.render.records import Place, Record, records, visible
from fieldwright.dsl.source import Span

_WIDTH = 160
_LEAD = 40
_COLOURS = {"error": "31", "warning": "33", "note": "36"}


def render_text(findings: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """All findings, each as a frame, with a blank line between them; ends with a line end unless there are none."""
    frames = [_frame(record, _Paint(colour)) for record in records(findings)]
    return "\n\n".join(frames) + ("\n" if frames else "")


def render_concise(findings: Iterable[Diagnostic]) -> str:
    """One line a finding: `path:line:column: CODE message`."""
    return "".join(
        f"{visible(record.place.file)}:{record.place.line}:{record.place.column}: {record.code} "
        f"{visible(_with_caret(record))}\n"
        for record in records(findings)
    )


class _Paint:
    """Wraps texts in terminal colours, or not."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._on else text


def _with_caret(record: Record) -> str:
    return f"{record.message} ({record.caret})" if "`?" in record.caret else record.message


def _frame(record: Record, paint: _Paint) -> str:
    style = _COLOURS[record.severity]
    spans = [(record.place, record.span, record.caret, style, "^")]
    spans += [(place, span, text, "34", "-") for place, span, text in record.notes]
    gutter = max(len(str(place.line)) for place, *_ in spans)
    head = f"{record.severity}[{record.code}]"
    lines = [f"{paint(head, '1;' + style)}: {paint(visible(record.message), '1')}"]
    shown_file = ""
    for place, span, caret, colour, mark in spans:
        if place.file != shown_file or mark == "^":
            arrow = "-->" if mark == "^" else ":::"
            lines.append(f"{' ' * gutter}{arrow} {visible(place.file)}:{place.line}:{place.column}")
            lines.append(f"{' ' * gutter} |")
            shown_file = place.file
        lines.extend(_excerpt(place, span, caret, gutter, mark, paint, colour))
    if record.help:
        lines.append(f"{' ' * gutter} = help: {visible(record.help)}")
    return "\n".join(lines)


def _excerpt(place: Place, span: Span, caret: str, gutter: int, mark: str, paint: _Paint, colour: str) -> list[str]:
    """The source line and the carets under it."""
    source = span.file.line(place.line)
    first = place.column - 1
    last = place.end_column - 1 if place.end_line == place.line else len(source.rstrip())
    source, first, last = _window(source, first, last)
    before = visible(source[:first])
    marked = visible(source[first:last])
    text = before + marked + visible(source[last:])
    pad = " " * _columns(before)
    carets = mark * max(1, _columns(marked))
    said = f" {visible(caret)}" if caret else ""
    number = str(place.line).rjust(gutter)
    return [f"{number} | {text}", f"{' ' * gutter} | {pad}{paint(carets + said, colour)}"]


def _window(source: str, first: int, last: int) -> tuple[str, int, int]:
    """A long line is cut to the part around the place."""
    if len(source) <= _WIDTH:
        return source, first, last
    start = max(0, first - _LEAD)
    cut = source[start : start + _WIDTH]
    front = "…" if start else ""
    back = "…" if start + _WIDTH < len(source) else ""
    shift = len(front) - start
    return front + cut + back, first + shift, min(last + shift, len(front) + len(cut))


def _columns(text: str) -> int:
    """Terminal columns: wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )

"""A finding as the one record that every output format is made from: lines and columns instead of offsets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Diagnostic, in_file_order
from fieldwright.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is; lines and columns count characters from 1, the end is excluded."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Record:
    """One finding, ready to be shown. `span` gives access to the source text; `notes` are other places and what they
    explain; `fix` is the title of a machine-applicable remedy, or empty, and `edits` what it does. `fingerprint` names
    the finding across versions of a file: lines may be added above, or the line be indented anew."""

    code: str
    severity: str
    message: str
    place: Place
    span: Span
    caret: str
    help: str
    notes: tuple[tuple[Place, Span, str], ...]
    fix: str
    fix_is_safe: bool
    edits: tuple[tuple[Place, str], ...] = ()
    fingerprint: str = ""


def records(findings: Iterable[Diagnostic]) -> list[Record]:
    """Records in the order in which people read them."""
    numbers: dict[tuple[str, str, str], int] = {}
    made = []
    for finding in in_file_order(findings):
        fix = finding.fix
        made.append(
            Record(
                code=finding.code,
                severity=finding.severity.value,
                message=finding.message,
                place=place_of(finding.span),
                span=finding.span,
                caret=finding.caret,
                help=finding.help,
                notes=tuple((place_of(label.span), label.span, label.text) for label in finding.labels),
                fix=fix.title if fix else "",
                fix_is_safe=fix is not None and fix.safe,
                edits=tuple((place_of(edit.span), edit.text) for edit in fix.edits) if fix else (),
                fingerprint=_fingerprint(finding, numbers),
            )
        )
    return made


def _fingerprint(finding: Diagnostic, numbers: dict[tuple[str, str, str], int]) -> str:
    """Of code, file and the line's text; findings that share these are counted, since reports drop equal ones."""
    file = finding.span.file
    line = " ".join(file.line(file.position(finding.span.start)[0]).split())
    same = (file.path, finding.code, line)
    numbers[same] = numbers.get(same, 0) + 1
    parts = "\0".join((*same, str(numbers[same])))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def place_of(span: Span) -> Place:
    """Lines and columns of a span."""
    line, column = span.file.position(span.start)
    end_line, end_column = span.file.position(max(span.start, span.end))
    return Place(span.file.path, line, column, end_line, end_column)


def visible(text: str) -> str:
    """The text with control characters, and those that change the direction of text, shown as escapes: names from
    files and records must not drive a terminal or a CI log."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char == "\u00a0"


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"

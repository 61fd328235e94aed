"""Findings: what is wrong in a mapping file, where, and what would be right.

A mistake of a user is a `Diagnostic`, never an exception. Passes return their result and their findings; one run
shows all of them. Codes are declared once in `fieldwright.dsl.codes` and never reused. Renderers turn findings into
text, JSON and the formats of CI systems.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fieldwright.dsl.source import Span


class Severity(StrEnum):
    """`error` fails lint; `warning` fails it only on request; `note` never."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A machine-applicable remedy; `safe` ones do not change what a correct file means."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the finding."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `message` says what is wrong in one sentence, `caret` the words at the place, `help` the remedy."""

    code: str
    severity: Severity
    message: str
    span: Span
    caret: str = ""
    help: str = ""
    labels: tuple[Label, ...] = ()
    fix: Fix | None = None


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def in_file_order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, place and code: the order in which people read them."""
    return sorted(findings, key=lambda f: (f.span.file.path, f.span.start, f.span.end, f.code, f.message))

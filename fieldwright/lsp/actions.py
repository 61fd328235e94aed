"""Findings of a file at a selection -> the changes that an editor can offer: fixes, and allowing a warning.

Every fix comes from the finding itself, the same that `lint --fix` applies. An allowance asks for a reason; the words
to be replaced say so.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.lsp.answers import Action
from fieldwright.lsp.projects import View

REASON = "say why"
"""Stands where the reason of an allowance belongs."""


def actions(file: SourceFile, start: int, end: int, view: View) -> tuple[Action, ...]:
    """Changes for the findings that touch [start, end]; safe ones first."""
    touching = [
        finding
        for finding in view.by_path.get(file.path, ())
        if finding.span.start <= end and start <= max(finding.span.end, finding.span.start)
    ]
    found = [*_fixes(touching, view), *_allowances(file, touching)]
    return tuple(sorted(found, key=lambda action: not action.preferred))


def safe_edits(file: SourceFile, view: View) -> tuple[tuple[Span, str], ...]:
    """All safe fixes of a file that do not touch each other, in the order of the text."""
    chosen: list[tuple[Span, str]] = []
    for finding in view.by_path.get(file.path, ()):
        fix = finding.fix
        if fix is None or not fix.safe or any(edit.span.file.path != file.path for edit in fix.edits):
            continue
        taken = [span for span, _ in chosen]
        if all(edit.span.end <= one.start or one.end <= edit.span.start for edit in fix.edits for one in taken):
            chosen += [(edit.span, edit.text) for edit in fix.edits]
    return tuple(sorted(chosen, key=lambda edit: edit[0].start))


def _fixes(findings: list[Diagnostic], view: View) -> Iterator[Action]:
    for finding in findings:
        fix = finding.fix
        if fix is None or any(edit.span.file.path not in view.editable for edit in fix.edits):
            continue
        edits: dict[str, tuple[tuple[Span, str], ...]] = {}
        for edit in fix.edits:
            edits[edit.span.file.path] = (*edits.get(edit.span.file.path, ()), (edit.span, edit.text))
        yield Action(f"{fix.title} ({finding.code})", finding.code, edits, fix.safe, finding.span)


def _allowances(file: SourceFile, findings: list[Diagnostic]) -> Iterator[Action]:
    for code in dict.fromkeys(one.code for one in findings if one.severity is Severity.WARNING):
        finding = next(one for one in findings if one.code == code)
        line, column = file.position(finding.span.start)
        text = file.line(line)
        start = finding.span.start - (column - 1)
        indent = text[: len(text) - len(text.lstrip(" "))]
        comment = f"{indent}# interpret: allow {code} -- {REASON}\n"
        edits = {file.path: ((Span(file, start, start), comment),)}
        yield Action(f"Allow {code} here, with a reason", code, edits, False, finding.span)

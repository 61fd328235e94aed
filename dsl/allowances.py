"""Comments that allow a warning -> findings without what was allowed, plus findings about the comments themselves.

`# interpret: allow DM401 -- one price book a site` stands at the end of the line it is about, or alone on the line
above. The reason is required, since the next reader asks for it. Errors cannot be allowed, and an allowance that allows
nothing any more is itself a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Severity
from fieldwright.dsl.source import SourceFile, Span

_COMMENT = re.compile(r"(?:^|(?<=\s))#[ ]*interpret:[ ]*allow\b[ ]*([^\s#]*)(?:[ ]+--[ ]*([^\n\r]*))?")


@dataclass(frozen=True, slots=True)
class _Allowance:
    """`line` is the line it is about."""

    code: str
    reason: str
    line: int
    span: Span


def apply_allowances(files: Sequence[SourceFile], findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings that stay, and those about allowances."""
    allowances = {file.path: _allowances(file) for file in files if "interpret:" in file.text}
    kept: list[Diagnostic] = []
    used: set[Span] = set()
    for finding in findings:
        line, _ = finding.span.file.position(finding.span.start)
        mine = [
            one
            for one in allowances.get(finding.span.file.path, ())
            if one.line == line and one.code == finding.code and one.reason
        ]
        used.update(one.span for one in mine)
        if not mine or finding.severity is Severity.ERROR:
            kept.append(finding)
        if mine and finding.severity is Severity.ERROR:
            message = f"{finding.code} is an error here: errors cannot be allowed"
            kept.append(_allows_nothing(message, mine[0].span))
    for found in allowances.values():
        for one in found:
            if not one.reason:
                hint = f"write `# interpret: allow {one.code or 'DM401'} -- why`"
                message = "An allowance says which code it allows, and why"
                kept.append(Diagnostic("DM703", Severity.ERROR, message, one.span, "no reason", hint))
            elif one.span not in used:
                message = f"Nothing is left here for {one.code} to allow"
                kept.append(_allows_nothing(message, one.span))
    return kept


def _allows_nothing(message: str, comment: Span) -> Diagnostic:
    """The fix deletes the comment with the blanks before it, and the line where it has one of its own."""
    file = comment.file
    start = len(file.text[: comment.start].rstrip(" "))
    alone = start == 0 or file.text[start - 1] == "\n"
    end = comment.end + 1 if alone and file.text.startswith("\n", comment.end) else comment.end
    fix = Fix("delete the comment", (Edit(Span(file, start, end), ""),))
    return Diagnostic("DM704", Severity.WARNING, message, comment, "allows nothing", "delete it", (), fix)


def _allowances(file: SourceFile) -> tuple[_Allowance, ...]:
    found = []
    for match in _COMMENT.finditer(file.text):
        line, column = file.position(match.start())
        alone = not file.line(line)[: column - 1].strip()
        code, reason = match[1] or "", (match[2] or "").strip()
        span = Span(file, match.start(), match.end())
        found.append(_Allowance(code, reason, line + 1 if alone else line, span))
    return tuple(found)

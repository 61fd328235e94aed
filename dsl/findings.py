"""Collects findings while a document is linked, and turns problems of expressions into findings at their place.

An expression's problem is an interval of its text; the scalar that held the text knows where that is in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fieldwright.dsl.diagnostics import Diagnostic, Fix, Label, Severity
from fieldwright.dsl.document import Scalar
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.fixes import expression_edits
from fieldwright.dsl.source import Span

MOST_FIXED: Final = 200
"""Findings of one document for which fixes of expressions are worked out: each takes some reading of YAML."""


@dataclass(slots=True)
class Findings:
    """The findings of one pass over one document, in the order found."""

    found: list[Diagnostic] = field(default_factory=list)

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        caret: str = "",
        hint: str = "",
        labels: tuple[Label, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        """Add an error."""
        self.found.append(Diagnostic(code, Severity.ERROR, message, span, caret, hint, labels, fix))

    def warning(
        self, code: str, message: str, span: Span, caret: str = "", hint: str = "", labels: tuple[Label, ...] = ()
    ) -> None:
        """Add a warning."""
        self.found.append(Diagnostic(code, Severity.WARNING, message, span, caret, hint, labels))

    def problem(self, scalar: Scalar, problem: Problem) -> None:
        """Add what is wrong inside the expression that `scalar` holds. What would put it right becomes a fix; it must
        be asked for unless nothing else can have been meant, since it decides what is computed."""
        span = scalar.part(problem.start, problem.end)
        if span.start == span.end and span.end < scalar.end:
            span = Span(span.file, span.start, span.start + 1)
        fix = None
        changes = problem.changes
        edits = expression_edits(scalar, changes) if changes and len(self.found) < MOST_FIXED else ()
        if edits:
            words = dict.fromkeys(new.strip() for _, _, new in changes)
            fix = Fix("write " + ", ".join(f"`{word}`" for word in words), edits, problem.safe)
        self.found.append(
            Diagnostic(problem.code, problem.severity, problem.message, span, problem.caret, problem.help, (), fix)
        )

    def has_errors(self) -> bool:
        """Whether any finding so far is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.found)

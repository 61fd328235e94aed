"""A mistake found in an expression, placed by offsets in the expression's own text.

The parser and the checker report these; `fieldwright.dsl.link` turns them into diagnostics at the place inside the
YAML file, which only it knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `caret` are the words shown at the place, `help` the remedy in a sentence, `replacement` the text
    that would be right for exactly [start:end) where one is known. `edits` say the same for several places of the text,
    instead; `safe` that nothing else can have been meant."""

    code: str
    message: str
    start: int
    end: int
    caret: str = ""
    help: str = ""
    replacement: str | None = None
    severity: Severity = Severity.ERROR
    edits: tuple[tuple[int, int, str], ...] = ()
    safe: bool = False

    @property
    def changes(self) -> tuple[tuple[int, int, str], ...]:
        """What would put the text right, as (start, end, new text); nothing where that is not known."""
        if self.edits or self.replacement is None:
            return self.edits
        return ((self.start, self.end, self.replacement),)

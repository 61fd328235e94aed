"""The shape of one entry of the code registry.

Every finding and every run-time error carries a stable code. The module that can raise a code declares it next to
its own logic as a `CodeInfo`; `fieldwright.dsl.codes` merges the declarations, refuses duplicates and prints the page
of one code. Codes are never reused: a retired code keeps its number.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Severity


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """One code: `title` in a few words, `explanation` why it is wrong and what to do, a bad and a good example.

    Examples are expressions or YAML, whatever the code is about; run-time codes may leave them empty.
    """

    code: str
    title: str
    explanation: str
    example_bad: str = ""
    example_good: str = ""
    severity: Severity = Severity.ERROR

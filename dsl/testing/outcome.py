"""What came of one case, and how it differs from what was expected: the values that the test runner hands around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.program import FieldProblem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case. `op` is create, update, delete, nothing, skip or, with `problems`, error.

    `fields` are the values that would be sent; a field set to null is in `cleared` as well, which also names those
    that a create leaves out because a new record has nothing to clear. `children` are the rows by set as they should
    be, `rows` how many of them are created, updated and deleted. References stay `Ref` values.
    """

    op: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    children: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[FieldProblem, ...] = ()
    rule: str = ""
    rule_label: str = ""
    actions: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference: what was expected (as text) at the place `at` of the test, what came instead, and the place in
    the mapping that made it, where there is one."""

    path: str
    expected: str
    actual: str
    at: str
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case that was run; it passed when nothing differs."""

    subject: str
    name: str
    at: str
    outcome: Outcome
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.mismatches

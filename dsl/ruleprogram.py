"""What a checked ruleset becomes: a value that decides, for one record, which rule applies and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import FieldProblem


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one record: the deciding rule, its documented id, and what it does.

    `action` is create, update or nothing; `mapping` the mapping it runs and `params` the values it passes. `problem`
    is set instead when a condition or parameter could not be computed, or no rule applies.
    """

    rule: str
    rule_id: str
    action: str
    at: str
    mapping: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    problem: FieldProblem | None = None

    @property
    def label(self) -> str:
        """`2.1.1 first-sync-create`, as plans show it."""
        return f"{self.rule_id} {self.rule}".strip()


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """One rule as written, for explanations: its condition (None: it always holds) sees the ruleset's named values."""

    rule: str
    rule_id: str
    at: str
    action: str
    when: Checked | None


@dataclass(frozen=True, slots=True)
class RulesetProgram:
    """A ruleset that is ready to run. `settings` holds the defaults by name; `digest` changes with the meaning.
    `rules` and `lets` (name, expression, place) tell what `decide` goes by, `reads` the fields (object, name) that it
    looks at."""

    name: str
    title: str
    digest: str
    settings: Mapping[str, Any]
    decide: Callable[[Mapping[str, Any]], Decision]
    rules: tuple[RuleInfo, ...] = ()
    lets: tuple[tuple[str, Checked, str], ...] = ()
    reads: frozenset[tuple[str, str]] = frozenset()

"""The rules of a ruleset over one record: which were asked, what each condition came to, which one decided.

`RulesetProgram.decide` says what is done; this says why, with the same conditions and the same inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldwright.dsl.evaluate import Evaluator
from fieldwright.dsl.explain import is_personal
from fieldwright.dsl.ruleprogram import Decision, RulesetProgram
from fieldwright.dsl.tracing import Trace, TracingEvaluator, trace
from fieldwright.dsl.values import EvaluationError


@dataclass(frozen=True, slots=True)
class RuleLooked:
    """One rule with what its condition came to; `holds` is None where it was not asked or could not be told."""

    rule: str
    rule_id: str
    at: str
    action: str
    holds: bool | None
    trace: Trace | None
    asked: bool
    decided: bool
    personal: bool = False


def look_at_rules(
    program: RulesetProgram, inputs: Mapping[str, Any], decision: Decision
) -> tuple[tuple[RuleLooked, ...], tuple[tuple[str, str, Trace], ...]]:
    """Every rule up to the deciding one with the value of its condition, and the ruleset's named values."""
    evaluator = TracingEvaluator(inputs)
    lets: list[tuple[str, str, Trace]] = []
    for name, checked, at in program.lets:
        found: Any
        try:
            found = _traced(evaluator, checked)
        except EvaluationError as error:
            found = error
        lets.append((name, at, trace(checked, evaluator.seen)))
        evaluator.values[name] = found
    rules: list[RuleLooked] = []
    over = False
    for rule in program.rules:
        holds: bool | None = None
        shown = None
        if not over and rule.when is not None:
            try:
                found = _traced(evaluator, rule.when)
                holds = found if isinstance(found, bool) else None
            except EvaluationError:
                holds = None
            shown = trace(rule.when, evaluator.seen)
        elif not over:
            holds = True
        decides = not over and holds is not False
        personal = rule.when is not None and is_personal(rule.when)
        rules.append(
            RuleLooked(rule.rule, rule.rule_id, rule.at, rule.action, holds, shown, not over, decides, personal)
        )
        over = over or decides
    assert not decision.rule or any(one.decided and one.rule == decision.rule for one in rules)
    return tuple(rules), tuple(lets)


def _traced(evaluator: TracingEvaluator, checked: Any) -> Any:
    evaluator.seen.clear()
    evaluator.steps = 0
    return Evaluator.run(evaluator, checked.core)

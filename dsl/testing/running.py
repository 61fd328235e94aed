"""One case -> what came of it. Pure: files and target records come in as values.

A case of a ruleset asks the rules. A case of a mapping maps the record, after asking the rules that drive it unless
the case gives `params` itself; what a run would then do with the target is worked out by the runtime, which comes in
as `Attempting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fieldwright.dsl.program import FieldProblem, MappedRecord, Program
from fieldwright.dsl.ruleprogram import Decision, RulesetProgram
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.testing.inputs import Unfit, held, roots_of, rule_roots
from fieldwright.dsl.testing.outcome import Outcome
from fieldwright.dsl.testing.subject import Subject


class Attempting(Protocol):
    """What a run would do with the target."""

    def __call__(self, program: Program, mapped: MappedRecord, given: Given, rule: str | None) -> Outcome:
        """With a record that was mapped without problems."""

    def delete(self, program: Program, given: Given, settings: Mapping[str, Any]) -> Outcome:
        """With the target record of a source record that is gone."""


@dataclass(frozen=True, slots=True)
class Given:
    """The target side of a case, references as `Ref`: `targets` that are there, `linked` what was last written (None
    without a link), `rows` by set, `not_synced` mappings. `source_id` is the record's id."""

    source_id: str
    targets: tuple[Mapping[str, Any], ...] = ()
    linked: Mapping[str, Any] | None = None
    rows: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    not_synced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tested:
    """What a subject is made of: its program (None for a ruleset), and the rules that decide."""

    subject: Subject
    program: Program | None
    rules: RulesetProgram | None


@dataclass(frozen=True, slots=True)
class Ran:
    """An outcome and the inputs it came from (None where there was nothing to map)."""

    outcome: Outcome
    roots: Mapping[str, Any] | None


def run_case(
    tested: Tested,
    given: Mapping[str, Any],
    settings: Mapping[str, Any],
    run: Mapping[str, Any],
    schemas: Schemas,
    attempt: Attempting,
) -> Ran:
    """Run one case. `given` is the case's own with its fixture beneath. Raises Unfit for inputs that are none."""
    subject, program = tested.subject, tested.program
    roots = roots_of(subject, given, settings, run, schemas)
    if subject.is_ruleset:
        assert tested.rules is not None
        return Ran(_of_decision(tested.rules.decide(rule_roots(subject, given, roots, schemas))), None)
    assert program is not None
    around = _given(subject, given, roots)
    if given.get("event") == "deleted":
        return Ran(attempt.delete(program, around, settings), None)
    decided = Outcome("")
    if tested.rules is not None and "params" not in given:
        decision = tested.rules.decide(rule_roots(subject, given, roots, schemas))
        decided = _of_decision(decision)
        if decision.problem is not None or decision.action == "nothing":
            return Ran(decided if decision.problem is not None else _with(decided, Outcome("skip")), None)
        roots["params"] = decision.params
    partial = given.get("partial") is True
    mapped = program.map_record(roots, partial=partial)
    if mapped.problems:
        return Ran(_with(decided, Outcome("error", problems=mapped.problems)), roots)
    if not mapped.included:
        return Ran(_with(decided, Outcome("skip")), roots)
    return Ran(_with(decided, attempt(program, mapped, around, decided.rule_label or None)), roots)


def _of_decision(decision: Decision) -> Outcome:
    problems: tuple[FieldProblem, ...] = () if decision.problem is None else (decision.problem,)
    return Outcome(
        op="error" if problems else decision.action,
        problems=problems,
        rule=decision.rule,
        rule_label=decision.label,
        actions=() if problems or decision.action == "nothing" else (decision.action,),
        params=decision.params,
    )


def _with(decided: Outcome, made: Outcome) -> Outcome:
    """The outcome of a mapping with the rule that decided about it."""
    return Outcome(
        made.op,
        made.fields,
        made.cleared,
        made.children,
        made.rows,
        made.checks,
        made.problems,
        decided.rule,
        decided.rule_label,
        decided.actions or made.actions,
        decided.params,
    )


def _given(subject: Subject, given: Mapping[str, Any], roots: Mapping[str, Any]) -> Given:
    record = roots.get(subject.mapping.root.text)
    source_id = str(record.get("id") or "") if isinstance(record, Mapping) else ""
    target = given.get("target")
    targets = [*([target] if target is not None else []), *(given.get("targets") or [])]
    linked = given.get("linked")
    rows = given.get("rows") or {}
    if not all(isinstance(one, dict) for one in targets) or not isinstance(rows, dict):
        raise Unfit("target records must be tables of fields")
    return Given(
        source_id,
        tuple(_held(one) for one in targets),
        _held(linked) if isinstance(linked, dict) else None if not linked else {},
        {name: [_held(row) for row in part or ()] for name, part in rows.items()},
        frozenset(str(name) for name in given.get("not_synced") or ()),
    )


def _held(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise Unfit("target records must be tables of fields")
    return {name: held(value) for name, value in record.items()}

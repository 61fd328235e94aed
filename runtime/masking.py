"""A look at one record -> the same without anybody's personal data, for screens and tickets that others see.

Values of fields that are marked `pii` or that read a field about a person are replaced, in trees as well as in what
would be written; so are the words of problems, which may quote a value. What is null or missing stays visible, because
that is what people look for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from fieldwright.dsl.explain import Explained, FieldExplained, Named, TableRow
from fieldwright.dsl.program import FieldProblem, MappedRecord
from fieldwright.dsl.tracing import State, Trace
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.explaining import Looked, RowLooked, Verdict
from fieldwright.runtime.rulelook import RuleLooked

HIDDEN: Final = "***"


def masked(looked: Looked) -> Looked:
    """The same look with personal values hidden."""
    explained = looked.explained
    personal_keys = {each.name for key in explained.keys for each in key if each.personal} if explained else set()
    problems = [_problem(each) for each in looked.problems]
    return replace(
        looked,
        why=", ".join(dict.fromkeys(each.code for each in problems)) if looked.action == "rejected" else looked.why,
        rules=tuple(_rule(each) for each in looked.rules),
        explained=None if explained is None else _explained(explained),
        verdicts=tuple(_verdict(each) for each in looked.verdicts),
        key={name: HIDDEN if name in personal_keys else value for name, value in looked.key.items()},
        rows=tuple(_row(each) for each in looked.rows),
        problems=problems,
    )


def masked_trace(trace: Trace) -> Trace:
    """A tree whose values are hidden, nulls excepted."""
    value: Any = trace.value
    if trace.state is State.VALUE:
        value = HIDDEN
    elif trace.state is State.EACH:
        value = [None if each is None else HIDDEN for each in trace.value]
    return replace(
        trace,
        # A text in quotes inside the expression is the mapping's, not a person's.
        value=value,
        problem=_error(trace.problem),
        parts=tuple(masked_trace(part) for part in trace.parts),
    )


def _verdict(verdict: Verdict) -> Verdict:
    explained = None if verdict.explained is None else _field(verdict.explained)
    if not verdict.personal:
        return replace(verdict, explained=explained)
    return replace(
        verdict,
        why=verdict.why if explained is None or explained.problem is None else explained.problem.reason,
        value=_hidden(verdict.value),
        old=_hidden(verdict.old),
        explained=explained,
    )


def _field(field: FieldExplained) -> FieldExplained:
    if not field.personal:
        return field
    table = field.table
    return replace(
        field,
        value=_hidden(field.value),
        trace=None if field.trace is None else masked_trace(field.trace),
        table=None if table is None else TableRow(_hidden(table.given), _hidden(table.gives), table.otherwise),
        problem=_error(field.problem),
    )


def _explained(explained: Explained) -> Explained:
    return replace(
        explained,
        mapped=MappedRecord(included=explained.mapped.included),
        fields=tuple(_field(each) for each in explained.fields),
        lets={name: _named(each) for name, each in explained.lets.items()},
        keys=tuple(tuple(_named(each) for each in key) for key in explained.keys),
        checks=tuple(_named(each) for each in explained.checks),
        filter=None if explained.filter is None else _named(explained.filter),
    )


def _named(named: Named) -> Named:
    if not named.personal:
        return named
    return replace(
        named,
        trace=None if named.trace is None else masked_trace(named.trace),
        value=_hidden(named.value),
        problem=_error(named.problem),
    )


def _row(row: RowLooked) -> RowLooked:
    return replace(row, verdicts=tuple(_verdict(each) for each in row.verdicts))


def _rule(rule: RuleLooked) -> RuleLooked:
    if not rule.personal or rule.trace is None:
        return rule
    return replace(rule, trace=masked_trace(rule.trace))


def _problem(problem: FieldProblem) -> FieldProblem:
    if problem.code == "RT201":  # names records by their ids only
        return problem
    return replace(problem, reason=_words(problem.code), fix=problem.fix)


def _error(error: EvaluationError | None) -> EvaluationError | None:
    return None if error is None else EvaluationError(error.code, _words(error.code), error.fix)


def _words(code: str) -> str:
    return f"{code}: its words may quote a value, so they are hidden"


def _hidden(value: Any) -> Any:
    return None if value is None else HIDDEN

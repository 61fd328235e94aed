"""A look at one record as JSON documents, version 1: those of `interpret preview` and `interpret explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldwright.dsl.explain import Explained, FieldExplained, Named
from fieldwright.dsl.program import Ref
from fieldwright.dsl.tracing import State, Trace
from fieldwright.dsl.values import MISSING, EvaluationError
from fieldwright.runtime.explaining import Looked, Verdict
from fieldwright.runtime.reporters.json import VERSION
from fieldwright.runtime.rulelook import RuleLooked


def preview_document(looked: Looked, mapping: str, target_object: str, origin: str) -> dict[str, Any]:
    """What would become of the record, field by field."""
    return {"version": VERSION, "preview": _outline(looked, mapping, target_object, origin, with_trees=False)}


def explain_document(
    looked: Looked, mapping: str, target_object: str, origin: str, fields: tuple[str, ...]
) -> dict[str, Any]:
    """The same with the tree of every expression; of the named fields only, where some are named."""
    outline = _outline(looked, mapping, target_object, origin, with_trees=True)
    if fields:
        outline["fields"] = [each for each in outline["fields"] if each["field"] in fields]
        for row in outline["rows"]:
            row["fields"] = [
                each for each in row["fields"] if {each["field"], f"{row['set']}.{each['field']}"} & set(fields)
            ]
    explained = looked.explained
    if explained is not None:
        outline.update(_trees(explained))
    outline["rules"] = [_rule(each) for each in looked.rules]
    return {"version": VERSION, "explain": outline}


def trace_document(trace: Trace) -> dict[str, Any]:
    """A part of an expression and everything under it. `value` is null unless `state` is value or each."""
    made: dict[str, Any] = {"text": trace.text, "state": trace.state.value, "value": plain_value(trace.value)}
    if trace.state is State.ERROR and trace.problem is not None:
        made["error"] = _error(trace.problem)
    if trace.parts:
        made["parts"] = [trace_document(part) for part in trace.parts]
    return made


def plain_value(value: Any) -> Any:
    """A value of the language for JSON: money and durations as text, a reference as mapping and key."""
    match value:
        case EvaluationError():
            return {"error": value.code}
        case Ref():
            return {"ref": value.mapping, "key": value.key}
        case list() | tuple():
            return [plain_value(each) for each in value]
        case Mapping():
            return {str(name): plain_value(each) for name, each in value.items()}
        case _:
            return None if value is MISSING else value


def _outline(looked: Looked, mapping: str, target_object: str, origin: str, *, with_trees: bool) -> dict[str, Any]:
    return {
        "mapping": mapping,
        "source_id": looked.source_id,
        "object": target_object,
        "origin": origin,
        "action": looked.action,
        "why": looked.why,
        "id": looked.target_id,
        "rule": looked.rule,
        "key": {name: plain_value(value) for name, value in looked.key.items()},
        "fields": [_field(each, with_trees) for each in looked.verdicts],
        "rows": [
            {
                "set": row.set,
                "object": row.object,
                "op": row.op,
                "id": row.target_id,
                "fields": [_field(each, with_trees) for each in row.verdicts],
            }
            for row in looked.rows
        ],
        "problems": [
            {"where": each.where, "code": each.code, "message": each.reason, "fix": each.fix, "at": each.at}
            for each in looked.problems
        ],
        "notes": list(looked.notes),
    }


def _field(verdict: Verdict, with_tree: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "field": verdict.field,
        "at": verdict.at,
        "status": verdict.status,
        "why": verdict.why,
        "value": plain_value(verdict.value),
        "old": plain_value(verdict.old),
        "ref": verdict.ref,
        "personal": verdict.personal,
    }
    if with_tree and verdict.explained is not None:
        made.update(_explained(verdict.explained))
    return made


def _explained(one: FieldExplained) -> dict[str, Any]:
    table = one.table
    return {
        "type": str(one.info.type),
        "tree": None if one.trace is None else trace_document(one.trace),
        "table": None
        if table is None
        else {"given": plain_value(table.given), "gives": plain_value(table.gives), "else": table.otherwise},
        "error": None if one.problem is None else _error(one.problem),
        "uses": sorted(name for name in one.uses if "#" not in name),
    }


def _trees(explained: Explained) -> dict[str, Any]:
    return {
        "filter": None if explained.filter is None else _named(explained.filter),
        "lets": {name: _named(each) for name, each in explained.lets.items()},
        "keys": [[{"field": each.name, **_named(each)} for each in key] for key in explained.keys],
        "checks": [{"name": each.name, **_named(each)} for each in explained.checks],
    }


def _named(named: Named) -> dict[str, Any]:
    return {
        "at": named.at,
        "value": plain_value(named.value),
        "tree": None if named.trace is None else trace_document(named.trace),
        "error": None if named.problem is None else _error(named.problem),
    }


def _rule(rule: RuleLooked) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "id": rule.rule_id,
        "at": rule.at,
        "action": rule.action,
        "asked": rule.asked,
        "holds": rule.holds,
        "decides": rule.decided,
        "tree": None if rule.trace is None else trace_document(rule.trace),
    }


def _error(error: EvaluationError) -> dict[str, str]:
    return {"code": error.code, "message": error.reason, "fix": error.fix}

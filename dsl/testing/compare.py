"""What a case expects against what came of it -> the differences, each at the line that expected something else.

Expectations are partial: a table must agree in the keys it has, a list in every item. Numbers agree by value, moments
by instant, everything else exactly; true is not 1, and null is not an absent field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.document import Node, Scalar, Sequence, Table
from fieldwright.dsl.program import Ref
from fieldwright.dsl.testing.cases import Case
from fieldwright.dsl.testing.golden import as_document
from fieldwright.dsl.testing.inputs import is_number
from fieldwright.dsl.testing.outcome import Mismatch, Outcome

NOT_WRITTEN: Final = "(not written)"


def compare(case: Case, outcome: Outcome, places: Mapping[str, str]) -> tuple[Mismatch, ...]:
    """The differences, `golden` excepted. `places` says where in the mapping a field is made."""
    return tuple(_differences(case, outcome, places))


def compare_golden(expected: Table, outcome: Outcome, places: Mapping[str, str]) -> tuple[Mismatch, ...]:
    """The differences from a golden file, which holds the whole outcome: nothing may be more or less."""
    actual = as_document(outcome)
    found: list[Mismatch] = []
    for name in dict.fromkeys([*(entry.name for entry in expected), *actual]):
        entry = expected.find(name)
        if entry is None:
            found.append(Mismatch(name, "(nothing)", shown(actual[name]), expected.span.line))
        else:
            found.extend(_against(entry.value, actual.get(name, NOT_WRITTEN), name, exact=True))
    return tuple(_placed(one, places) for one in found)


def _differences(case: Case, outcome: Outcome, places: Mapping[str, str]) -> Iterator[Mismatch]:
    said = case.expect
    errors = said.get("error")
    if errors is None and outcome.problems:
        for problem in outcome.problems:
            reason = f"{problem.code} at {problem.where}: {problem.reason}"
            yield Mismatch(problem.where, "no error", reason, case.span.line, problem.at)
        return
    for entry in said:
        found: Iterator[Mismatch]
        match entry.name:
            case "op":
                found = _against(entry.value, outcome.op, "op")
            case "included":
                found = _against(entry.value, outcome.op != "skip", "included")
            case "fields" | "checks" | "params":
                found = _named(entry.value, getattr(outcome, entry.name))
            case "children" | "rows":
                found = _sets(entry.value, getattr(outcome, entry.name))
            case "absent" | "cleared" | "writes":
                found = _names(entry.name, entry.value, outcome)
            case "error" | "where":
                found = _error(entry.name, entry.value, outcome)
            case "rule":
                found = _rule(entry.value, outcome)
            case "actions":
                found = _against(entry.value, list(outcome.actions), "actions")
            case _:  # golden
                continue
        for one in found:
            yield _placed(one, places)


def _placed(one: Mismatch, places: Mapping[str, str]) -> Mismatch:
    """The difference with the place of the mapping where the value is made."""
    name = one.path.removeprefix("fields.")
    for part in (name, *(name[:at] for at in range(len(name) - 1, 0, -1) if name[at] in ".[")):
        if part in places:
            return Mismatch(one.path, one.expected, one.actual, one.at, places[part])
    # Fields of rows are known by set and name, whatever the number of the row.
    head, _, tail = name.removeprefix("children.").partition("[")
    place = places.get(f"{head}.{tail.partition('].')[2]}", "") if tail else ""
    return Mismatch(one.path, one.expected, one.actual, one.at, one.made_at or place)


def _named(node: Node, actual: Mapping[str, Any]) -> Iterator[Mismatch]:
    if isinstance(node, Table):
        for entry in node:
            yield from _against(entry.value, actual.get(entry.name, NOT_WRITTEN), entry.name)


def _sets(node: Node, actual: Mapping[str, Any]) -> Iterator[Mismatch]:
    if not isinstance(node, Table):
        return
    for entry in node:
        found = actual.get(entry.name, [])
        if isinstance(entry.value, Scalar) and isinstance(found, list):
            count = len(found)
            if entry.value.value != count:
                yield Mismatch(f"{entry.name} rows", entry.value.text, str(count), entry.value.span.line)
        else:
            yield from _against(entry.value, found, entry.name)


def _names(kind: str, node: Node, outcome: Outcome) -> Iterator[Mismatch]:
    listed = [item for item in node.items if isinstance(item, Scalar)] if isinstance(node, Sequence) else []
    for item in listed:
        name, at = item.text, item.span.line
        is_there = name in outcome.fields
        if kind == "absent" and is_there:
            yield Mismatch(name, NOT_WRITTEN, shown(outcome.fields[name]), at)
        elif kind == "writes" and not is_there:
            yield Mismatch(name, "written", NOT_WRITTEN, at)
        elif kind == "cleared" and name not in outcome.cleared:
            yield Mismatch(name, "null", shown(outcome.fields.get(name, NOT_WRITTEN)), at)
    if kind == "writes":
        for name in outcome.fields.keys() - {item.text for item in listed}:
            yield Mismatch(name, NOT_WRITTEN, shown(outcome.fields[name]), node.span.line)


def _error(kind: str, node: Node, outcome: Outcome) -> Iterator[Mismatch]:
    if not isinstance(node, Scalar):
        return
    found = [problem.code if kind == "error" else problem.where for problem in outcome.problems]
    if node.text not in found:
        came = ", ".join(dict.fromkeys(found)) or f"no error, but {outcome.op}"
        made_at = outcome.problems[0].at if outcome.problems else ""
        yield Mismatch(kind, node.text, came, node.span.line, made_at)


def _rule(node: Node, outcome: Outcome) -> Iterator[Mismatch]:
    if isinstance(node, Scalar) and node.text not in (outcome.rule, outcome.rule_label):
        yield Mismatch("rule", node.text, outcome.rule or "no rule was asked", node.span.line)


def _against(node: Node, actual: Any, path: str, *, exact: bool = False) -> Iterator[Mismatch]:
    """The differences between a node and a value."""
    if isinstance(node, Table) and isinstance(actual, Ref):
        actual = {"ref": actual.mapping, "key": actual.key}
    if isinstance(node, Table) and isinstance(actual, Mapping):
        for entry in node:
            yield from _against(entry.value, actual.get(entry.name, NOT_WRITTEN), f"{path}.{entry.name}", exact=exact)
        if exact:
            for name in actual.keys() - {entry.name for entry in node}:
                yield Mismatch(f"{path}.{name}", "(nothing)", shown(actual[name]), node.span.line)
    elif isinstance(node, Sequence) and isinstance(actual, list | tuple):
        for number, item in enumerate(node.items[: len(actual)]):
            yield from _against(item, actual[number], f"{path}[{number}]", exact=exact)
        if len(node.items) != len(actual):
            at = node.items[len(actual)].span.line if len(node.items) > len(actual) else node.span.line
            yield Mismatch(path, f"{len(node.items)} items", f"{len(actual)} items: {shown(actual)}", at)
    elif not isinstance(node, Scalar) or not _agree(node.value, actual):
        yield Mismatch(path, _said(node), actual if actual is NOT_WRITTEN else shown(actual), node.span.line)


def _agree(expected: Any, actual: Any) -> bool:
    if is_number(expected) and is_number(actual):
        return bool(expected == actual)
    if type(expected) is not type(actual) or actual is NOT_WRITTEN:
        return False
    if isinstance(expected, str) and expected != actual and len(expected) >= len("2020-01-31T00:00Z"):
        first, second = _moment(expected), _moment(actual)
        return first is not None and first == second
    return bool(expected == actual)


def _moment(text: str) -> datetime | None:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made if made.tzinfo is not None else None


def shown(value: Any) -> str:
    """A value as it would be written in a test."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
        case Ref():
            return f"{{ref: {value.mapping}, key: {value.key}}}"
        case Mapping():
            return "{" + ", ".join(f"{name}: {shown(part)}" for name, part in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(shown(part) for part in value) + "]"
        case _:
            return value if value is NOT_WRITTEN else "'" + str(value).replace("'", "''") + "'"


def _said(node: Node) -> str:
    match node:
        case Scalar():
            return shown(node.value)
        case Table():
            return "{" + ", ".join(f"{entry.name}: {_said(entry.value)}" for entry in node) + "}"
        case Sequence():
            return "[" + ", ".join(_said(item) for item in node.items) + "]"

"""A look at one record as text: `preview` shows what would be written, `explain` how each value came about.

Both follow the plan's signs: `+` new, `~` changed, `-` cleared; beside them `=` already so, `.` left alone, `!` failed.
The tree of an expression has a line for each part that somebody wrote, with its value at the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fieldwright.dsl.explain import Explained, FieldExplained, Named, row_let
from fieldwright.dsl.program import FieldProblem, Program, Ref
from fieldwright.dsl.tracing import State, Trace
from fieldwright.dsl.values import MISSING, EvaluationError, Money
from fieldwright.runtime.explaining import Looked, RowLooked, Verdict
from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.printable import printable, printable_text, shown
from fieldwright.runtime.resolution import UNKNOWN
from fieldwright.runtime.rulelook import RuleLooked

_ACTIONS: Final = {
    "create": "would be created",
    "update": "would be updated",
    "delete": "would be deleted",
    "unchanged": "nothing to write",
    "nothing": "nothing is done",
    "left_out": "left out",
    "waits": "waits",
    "rejected": "would be rejected",
}
_WIDEST: Final = 44
_MOST_EACH: Final = 6


@dataclass(frozen=True, slots=True)
class _Page(Paint):
    """Colours, and the mapping's file: places in it show their line alone."""

    file: str = ""


def render_preview(looked: Looked, program: Program, origin: str, paint: Paint) -> str:
    """The whole preview, ending with a line end."""
    page = _Page(paint.on, program.at.rpartition(":")[0])
    return "\n".join(_preview(looked, program, origin, page)) + "\n"


def render_explanation(looked: Looked, program: Program, origin: str, fields: Sequence[str], paint: Paint) -> str:
    """The explanation of the named fields (all, for none), ending with a line end."""
    paint = _Page(paint.on, program.at.rpartition(":")[0])
    lines = [*_head(looked, program, origin, paint)]
    if looked.rules and not fields:
        lines += ["", *_rule_lines(looked, paint)]
    explained = looked.explained
    if explained is not None:
        if explained.filter is not None and not fields:
            lines += ["", paint.strong("filter") + _place(explained.filter.at, paint)]
            lines += _named_tree(explained.filter, paint)
        for prefix, verdict in _explained_fields(looked, explained, frozenset(fields)):
            lines += ["", *_field_lines(verdict, explained, paint, prefix)]
        for key in explained.keys:
            for part in key:
                if not fields or {"key", part.name} & set(fields):
                    lines += ["", paint.strong(f"key {printable(part.name)}") + _place(part.at, paint)]
                    lines += _named_tree(part, paint)
        for check in explained.checks:
            if not fields or check.name in fields:
                lines += ["", paint.strong(f"check {printable(check.name)}") + _place(check.at, paint)]
                lines += _named_tree(check, paint)
    return "\n".join(lines) + "\n"


def _explained_fields(looked: Looked, explained: Explained, only: frozenset[str]) -> Iterator[tuple[str, Verdict]]:
    """Fields of the record, then those of its rows with the row before their name; `only` names some of them."""
    for verdict in looked.verdicts:
        if not only or verdict.field in only:
            yield "", verdict
    found = [
        (f"{row.set}[{number}].", row.set, each) for number, row in _numbered(looked.rows) for each in row.verdicts
    ]
    if not looked.rows:
        rows = [(each, each.row) for each in explained.fields if each.row is not None]
        found = [(f"{row[0]}[{row[1]}].", row[0], _held(each, looked)) for each, row in rows]
    for prefix, child, verdict in found:
        if not only or {verdict.field, f"{child}.{verdict.field}"} & only:
            yield prefix, verdict


def tree_lines(trace: Trace, paint: Paint, indent: str = "  ") -> list[str]:
    """One line for each part, its value at the right."""
    rows = list(_rows(trace, "", ""))
    width = max((len(text) for text, _ in rows if len(text) <= _WIDEST), default=0)
    made: list[str] = []
    for text, part in rows:
        line = f"{indent}{printable(text).ljust(width)}  {part_text(part, paint)}".rstrip()
        made.append(line)
        if part.state is State.ERROR and part.origin and part.problem is not None and part.problem.fix:
            made.append(f"{indent}{' ' * min(len(text), 4)}fix: {printable_text(part.problem.fix)}")
    return made


def part_text(part: Trace, paint: Paint) -> str:
    """What a part came to."""
    match part.state:
        case State.VALUE:
            return value_text(part.value)
        case State.EACH:
            values = [value_text(each) for each in part.value[:_MOST_EACH]]
            more = len(part.value) - _MOST_EACH
            return paint.quiet("each: ") + ", ".join(values) + (f", .. {more} more" if more > 0 else "")
        case State.NULL:
            return paint.changed("null")
        case State.MISSING:
            return paint.changed("missing (not read)")
        case State.UNUSED:
            return paint.quiet("(not needed)")
        case State.ERROR:
            assert part.problem is not None
            if not part.origin:
                return paint.bad("error (below)")
            return paint.bad(f"error[{part.problem.code}]: ") + printable_text(part.problem.reason)


def value_text(value: Any) -> str:
    """A value of the language: records by their id, money with its currency."""
    match value:
        case EvaluationError():
            return f"error[{value.code}]"
        case Ref():
            return f"{printable(value.mapping)} {printable(value.key)}"
        case Money():
            return str(value)
        case timedelta():
            return f"{value.total_seconds():g} s"
        case Mapping():
            if "id" in value:
                return f"record {shown(value['id'])}"
            return f"record of {len(value)} field{'' if len(value) == 1 else 's'}"
        case list() | tuple():
            items = [value_text(each) for each in value[:_MOST_EACH]]
            more = [f".. {len(value) - _MOST_EACH} more"] if len(value) > _MOST_EACH else []
            return f"[{', '.join([*items, *more])}]"
        case _ if value is MISSING:
            return "missing"
        case _:
            return shown(value)


def _head(looked: Looked, program: Program, origin: str, paint: Paint) -> Iterator[str]:
    target = f" {printable(looked.target_id)}" if looked.target_id else ""
    title = f"{printable(program.mapping)} {printable(looked.source_id)} -> {printable(program.target_object)}{target}"
    yield f"{paint.strong(title)}  {paint.quiet(f'({printable(origin)})')}  {paint.quiet('# ' + printable(program.at))}"
    words = _ACTIONS[looked.action]
    colour = {"create": paint.good, "update": paint.changed, "rejected": paint.bad, "waits": paint.changed}
    yield f"{colour.get(looked.action, paint.strong)(words)}: {printable_text(looked.why)}"
    for note in looked.notes:
        yield f"note: {printable_text(note)}"
    for problem in looked.problems:
        yield from _problem_lines(problem, paint)


def _problem_lines(problem: FieldProblem, paint: Paint) -> Iterator[str]:
    where = f" {printable(problem.where)}:" if problem.where else ""
    yield f"{paint.bad(f'error[{problem.code}]')}:{where} {printable_text(problem.reason)}{_place(problem.at, paint)}"
    if problem.fix:
        yield f"  fix: {printable_text(problem.fix)}"


def _preview(looked: Looked, program: Program, origin: str, paint: Paint) -> Iterator[str]:
    yield from _head(looked, program, origin, paint)
    if looked.rule and looked.action not in ("nothing", "rejected"):
        yield f"rule: {printable(looked.rule)}"
    key = ", ".join(f"{printable(name)} = {value_text(value)}" for name, value in looked.key.items())
    if key:
        yield f"key: {key}"
    if looked.verdicts:
        yield ""
        yield from _verdict_lines(looked.verdicts, looked.action == "create", paint, "  ")
    for number, row in _numbered(looked.rows):
        yield ""
        op = {"create": "+", "update": "~", "delete": "-"}.get(row.op or "", "=")
        target = f" {printable(row.target_id)}" if row.target_id else ""
        yield f"  {op} {printable(row.set)}[{number}] -> {printable(row.object)}{target}"
        yield from _verdict_lines(row.verdicts, row.op == "create", paint, "      ")


def _verdict_lines(verdicts: Iterable[Verdict], new: bool, paint: Paint, indent: str) -> Iterator[str]:
    listed = list(verdicts)
    width = min(_WIDEST, max((len(each.field) for each in listed), default=0))
    for each in listed:
        sign, text, remark = _told(each, new, paint)
        place = _place(each.at, paint)
        name = printable(each.field).ljust(width)
        tail = f"  {paint.quiet('(' + printable_text(remark) + ')')}" if remark else ""
        yield f"{indent}{sign} {name}{' = ' + text if text else ''}{tail}{place}"


def _told(verdict: Verdict, new: bool, paint: Paint) -> tuple[str, str, str]:
    """Sign, value and remark of one field."""
    value = value_text(verdict.value)
    if verdict.value == UNKNOWN:
        value = UNKNOWN
    ref = verdict.ref or ""
    match verdict.status:
        case "failed":
            return paint.bad("!"), "", verdict.why
        case "written" if verdict.value is None:
            return paint.bad("-"), f"{value_text(verdict.old)} -> null", verdict.why
        case "written" if new or verdict.old is None:
            return paint.good("+"), value, ref or ("" if new else verdict.why)
        case "written":
            return paint.changed("~"), f"{value_text(verdict.old)} -> {value}", ref
        case "held":
            return paint.quiet(" "), value, ref
        case _ if verdict.value is None and verdict.why != "unchanged":
            return paint.quiet("."), "", verdict.why
        case _:
            differs = verdict.old is not None and verdict.old != verdict.value
            text = f"{value_text(verdict.old)}, not {value}" if differs else value
            return paint.quiet("." if differs else "="), text, verdict.why if not ref else f"{ref}, {verdict.why}"


def _field_lines(verdict: Verdict, explained: Explained, paint: Paint, prefix: str = "") -> list[str]:
    """One field: the tree, the named values under it, the table, the value as written, the verdict."""
    one = verdict.explained
    lines = [paint.strong(printable(prefix + verdict.field)) + _place(verdict.at, paint)]
    if one is None:
        return lines
    if one.trace is not None:
        lines += tree_lines(one.trace, paint)
        for name, named in _lets_under(one.uses, explained, one.row):
            lines.append(f"  where {printable(name)} is{_place(named.at, paint)}")
            lines += _named_tree(named, paint, "    ")
    if one.table is not None:
        row = "else" if one.table.otherwise else f"row {value_text(one.table.given)}"
        lines.append(f"  table: {row} gives {value_text(one.table.gives)}")
    if one.value is not None:
        value = UNKNOWN if verdict.value == UNKNOWN else value_text(verdict.value or one.value)
        ref = f"  ({printable(verdict.ref)})" if verdict.ref and verdict.value is not None else ""
        lines.append(f"  {printable(one.info.name)} takes {one.info.type.required()}: {value}{ref}")
    lines += _outcome(verdict, one, paint)
    return lines


def _outcome(verdict: Verdict, one: FieldExplained, paint: Paint) -> Iterator[str]:
    match verdict.status:
        case "written":
            before = f" (before: {value_text(verdict.old)})" if verdict.old is not None else ""
            yield f"  {paint.good('written')}: {printable_text(verdict.why)}{before}"
        case "failed" if one.problem is not None:
            yield f"  {paint.bad('not written')}: error[{one.problem.code}]: {printable_text(one.problem.reason)}"
            if one.problem.fix:
                yield f"  fix: {printable_text(one.problem.fix)}"
        case _:
            yield f"  {paint.changed('not written')}: {printable_text(verdict.why)}"


def _lets_under(uses: frozenset[str], explained: Explained, row: tuple[str, int] | None) -> Iterator[tuple[str, Named]]:
    """The named values that something rests on, each once, nearest first."""
    waiting = sorted(uses)
    done: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        named = explained.lets.get(row_let(row, name)) if row is not None else None
        named = named or explained.lets.get(name)
        if name in done or named is None:
            continue
        done.add(name)
        yield name, named
        waiting.extend(sorted(named.uses - done))


def _named_tree(named: Named, paint: Paint, indent: str = "  ") -> list[str]:
    if named.trace is None:
        return [f"{indent}{value_text(named.value)}"]
    lines = tree_lines(named.trace, paint, indent)
    if named.problem is not None and named.trace.state is not State.ERROR:
        lines.append(f"{indent}{paint.bad(f'error[{named.problem.code}]')}: {printable_text(named.problem.reason)}")
    return lines


def _rule_lines(looked: Looked, paint: Paint) -> Iterator[str]:
    yield paint.strong("rules, in order; the first that holds decides")
    for rule in looked.rules:
        label = f"{rule.rule_id} {rule.rule}".strip()
        yield f"  {printable(label)} ({printable(rule.action)}): {_held_text(rule, paint)}{_place(rule.at, paint)}"
        if rule.trace is not None and rule.asked:
            yield from tree_lines(rule.trace, paint, "      ")
    used = {part.local for rule in looked.rules if rule.trace for part in _walk(rule.trace)} - {None}
    for name, at, trace in looked.rule_lets:
        if name in used:
            yield f"  where {printable(name)} is{_place(at, paint)}"
            yield from tree_lines(trace, paint, "      ")


def _held_text(rule: RuleLooked, paint: Paint) -> str:
    if not rule.asked:
        return paint.quiet("not asked")
    if rule.holds is None:
        return paint.bad("cannot be told")
    if rule.decided:
        return paint.good("holds and decides" if rule.trace is not None else "always holds and decides")
    return "does not hold"


def _held(one: FieldExplained, looked: Looked) -> Verdict:
    """The verdict of a row's field whose record is not written at all."""
    if isinstance(one.value, Ref) and one.value in looked.absent:
        waits = f"{one.value.mapping} {one.value.key}"
        why = f"waits for {waits}, which is not written yet"
        return Verdict(one.info.name, one.info.at, "failed", why, UNKNOWN, None, waits, one.personal, one)
    value, ref = (None, f"{one.value.mapping} {one.value.key}") if isinstance(one.value, Ref) else (one.value, None)
    why = one.problem.reason if one.problem is not None else "the record as a whole is not written"
    status = "failed" if one.problem is not None else "held"
    return Verdict(one.info.name, one.info.at, status, why, value, None, ref, one.personal, one)


def _numbered(rows: Sequence[RowLooked]) -> Iterator[tuple[int, RowLooked]]:
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.set] = numbers.get(row.set, -1) + 1
        yield numbers[row.set], row


def _rows(trace: Trace, lead: str, below: str) -> Iterator[tuple[str, Trace]]:
    yield f"{lead}{trace.text or ('null' if trace.value is None else value_text(trace.value))}", trace
    last = len(trace.parts) - 1
    for number, part in enumerate(trace.parts):
        corner, next_ = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
        yield from _rows(part, below + corner, below + next_)


def _walk(trace: Trace) -> Iterator[Trace]:
    yield trace
    for part in trace.parts:
        yield from _walk(part)


def _place(at: str, paint: Paint) -> str:
    """Where something stands; in the mapping's own file the line alone."""
    path, _, line = at.rpartition(":")
    if isinstance(paint, _Page) and path and path == paint.file:
        at = f"line {line}"
    return f"  {paint.quiet('# ' + printable(at))}" if at else ""

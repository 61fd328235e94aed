"""One record through one mapping, watched: what every field, key and row came to, by which parts, and why.

The reference way of mapping (`fieldwright.dsl.reference`) does the work here as it does in a run; `explain_record`
only looks on, so an explanation cannot differ from the outcome. What the target makes of it is the runtime's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from fieldwright.dsl.evaluate import StepLimit
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import FieldInfo, MappedRecord
from fieldwright.dsl.programspec import ChildSpec, FieldSpec, KeyFieldSpec, LetSpec, OnError, ProgramSpec, ValueTable
from fieldwright.dsl.reference import RecordMapper, row_key
from fieldwright.dsl.tracing import State, Trace, TracingEvaluator, locals_of, trace
from fieldwright.dsl.values import MISSING, EvaluationError


class Came(StrEnum):
    """What a field came to before the target is asked: written as it is or cleared, or left alone, and why."""

    VALUE = "value"
    CLEARED = "cleared"
    NULL = "null"
    MISSING = "missing"
    ERROR_SKIPPED = "error_skipped"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class TableRow:
    """The row of a value table that was used; `otherwise` says that it was `else:`."""

    given: Any
    gives: Any
    otherwise: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A let, a filter, a check or a part of a key, with what it came to."""

    name: str
    at: str
    trace: Trace | None
    uses: frozenset[str] = frozenset()
    value: Any = None
    problem: EvaluationError | None = None
    personal: bool = False


@dataclass(frozen=True, slots=True)
class FieldExplained:
    """One field of the record, or of one of its rows (`row` is then the set and the number, from 0).

    `value` is what would go over the wire, or a `Ref`. `trace` is None only where nothing was computed at all. `uses`
    are the named values it rests on; `reads` the source fields, for telling personal data."""

    info: FieldInfo
    came: Came
    value: Any
    trace: Trace | None
    table: TableRow | None
    problem: EvaluationError | None
    uses: frozenset[str]
    personal: bool
    row: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The whole record. `lets` by name as last computed (those of rows by `set[n].name`), `keys` parallel to the
    mapping's alternatives. `filter` is None for a mapping without one."""

    mapped: MappedRecord
    fields: tuple[FieldExplained, ...]
    lets: Mapping[str, Named]
    keys: tuple[tuple[Named, ...], ...]
    checks: tuple[Named, ...]
    filter: Named | None


PERSONAL: Final = frozenset(
    [
        "first_name", "last_name", "email", "phone", "company", "vat_number", "line1", "line2", "line3", "zip",
        "billing_address", "shipping_address", "contacts", "payment_method", "card", "bank_account",
    ]
)  # fmt: skip
"""Fields of source records that tell about a person whatever the mapping says: what `--mask` hides beside `pii`."""


def explain_record(spec: ProgramSpec, roots: Mapping[str, Any], *, partial: bool = False) -> Explained:
    """Map one record and keep what was seen on the way. Fails for nothing: problems are in the result."""
    watched = _Watched(spec, TracingEvaluator(roots, partial=partial))
    mapped = watched.map()
    return Explained(
        mapped, tuple(watched.fields), watched.named, tuple(watched.keys), tuple(watched.checks), watched.filter
    )


def row_let(row: tuple[str, int], name: str) -> str:
    """Under which name `Explained.lets` has a named value of a row."""
    return f"{row[0]}[{row[1]}].{name}"


def is_personal(checked: Checked) -> bool:
    """Whether an expression reads something about a person."""
    if checked.core is None:
        return False
    if any(name in PERSONAL for _owner, name in checked.reads):
        return True
    return any(isinstance(node, core.Field) and node.key in PERSONAL for node in core.walk(checked.core))


@dataclass(slots=True)
class _Step:
    """What one field has come to so far."""

    traces: list[Trace] = field(default_factory=list)
    table: TableRow | None = None
    problem: EvaluationError | None = None
    found: Any = MISSING
    ran: bool = False


@dataclass(slots=True)
class _Watched(RecordMapper):
    """The reference mapping of a record, with an eye on each step."""

    fields: list[FieldExplained] = field(default_factory=list)
    named: dict[str, Named] = field(default_factory=dict)
    keys: list[tuple[Named, ...]] = field(default_factory=list)
    checks: list[Named] = field(default_factory=list)
    filter: Named | None = None
    step: _Step = field(default_factory=_Step)
    child: str = ""
    of_row: dict[str, Named] = field(default_factory=dict)
    personal_lets: set[str] = field(default_factory=set)

    def value(self, checked: Checked) -> Any:
        watching = self.evaluator
        assert isinstance(watching, TracingEvaluator)
        watching.seen.clear()
        try:
            return RecordMapper.value(self, checked)
        finally:
            self.step.traces.append(trace(checked, watching.seen))

    def lets(self, lets: tuple[LetSpec, ...]) -> None:
        for one in lets:
            self.step = _Step()
            if is_personal(one.value) or locals_of(one.value) & self.personal_lets:
                self.personal_lets.add(one.slot)
            try:
                RecordMapper.lets(self, (one,))
            finally:
                found = self.evaluator.values.get(one.slot)
                problem = found if isinstance(found, EvaluationError) else None
                into = self.of_row if self.child else self.named
                into[one.slot] = self._named(one.slot, one.at, one.value, found, problem)

    def asked(self, where: str, checked: Checked, at: str) -> bool | None:
        self.step = _Step()
        found = RecordMapper.asked(self, where, checked, at)
        if where == "filter":
            self.filter = self._named(where, at, checked, found)
        return found

    def field(self, one: FieldSpec, into: dict[str, Any], where: str) -> None:
        self.step = step = _Step()
        before = len(self.problems)
        name = one.info.name
        try:
            RecordMapper.field(self, one, into, where)
        except StepLimit as error:
            step.problem = error
            self._add(one, Came.ERROR, None, where)
            raise
        if len(self.problems) > before:
            problem = self.problems[-1]
            step.problem = step.problem or EvaluationError(problem.code, problem.reason, problem.fix)
            came = Came.ERROR
        elif name in into:
            came = Came.CLEARED if into[name] is None else Came.VALUE
        elif step.problem is not None and one.on_error is OnError.SKIP_FIELD:
            came = Came.ERROR_SKIPPED
        else:
            came = Came.MISSING if step.ran and step.found is MISSING else Came.NULL
        self._add(one, came, into.get(name), where)

    def written(self, one: FieldSpec) -> Any:
        try:
            self.step.found = RecordMapper.written(self, one)
        except EvaluationError as error:
            self.step.problem = error
            raise
        self.step.ran = True
        return self.step.found

    def looked_up(self, table: ValueTable, value: Any, name: str) -> Any:
        found = RecordMapper.looked_up(self, table, value, name)
        in_rows = any(row_key(given) == row_key(value) for given, _ in table.rows)
        self.step.table = TableRow(value, None if found is MISSING else found, not in_rows)
        return found

    def memberships(self, into: dict[str, Any]) -> None:
        info = self.spec.memberships_info
        self.step = step = _Step()
        before = len(self.problems)
        RecordMapper.memberships(self, into)
        if info is None:
            return
        lists = tuple(step.traces)
        shown = lists[0] if len(lists) == 1 else Trace("lists", State.EACH, [each.value for each in lists], parts=lists)
        failed = self.problems[before:]
        problem = EvaluationError(failed[0].code, failed[0].reason, failed[0].fix) if failed else None
        missing = any(each.state is State.MISSING for each in lists)
        came = Came.VALUE if info.name in into else Came.MISSING if missing else Came.NULL
        self.fields.append(
            FieldExplained(
                info,
                Came.ERROR if failed else came,
                into.get(info.name),
                shown,
                None,
                problem,
                frozenset().union(*(locals_of(each.list) for each in self.spec.memberships)),
                info.pii,
            )
        )

    def key(self, parts: tuple[KeyFieldSpec, ...]) -> dict[str, Any] | None:
        seen: list[Named] = []
        made: dict[str, Any] | None = {}
        for one in parts:
            self.step = _Step()
            before = len(self.problems)
            found = RecordMapper.key(self, (one,))
            failed = self.problems[before:]
            problem = EvaluationError(failed[0].code, failed[0].reason, failed[0].fix) if failed else None
            value = None if found is None else found[one.field]
            seen.append(self._named(one.field, one.at, one.value, value, problem))
            if failed:
                made = None
                break
            made = None if made is None or found is None else {**made, **found}
        self.keys.append(tuple(seen))
        return made

    def check(self, name: str, checked: Checked, at: str) -> None:
        self.step = _Step()
        before = len(self.problems)
        RecordMapper.check(self, name, checked, at)
        self.checks.append(self._named(name, at, checked, len(self.problems) == before))

    def children(self, child: ChildSpec) -> list[dict[str, Any]]:
        self.child = child.name
        made = RecordMapper.children(self, child)
        self.child = ""
        return made

    def _named(self, name: str, at: str, checked: Checked, value: Any, problem: EvaluationError | None = None) -> Named:
        traces = self.step.traces
        uses = locals_of(checked)
        personal = is_personal(checked) or bool(uses & self.personal_lets)
        return Named(name, at, traces[0] if traces else None, uses, value, problem, personal)

    def _add(self, one: FieldSpec, came: Came, value: Any, where: str) -> None:
        step = self.step
        row = None
        if self.child:
            row = self.child, int(where.removeprefix(f"{self.child}[").partition("]")[0])
            for name, named in self.of_row.items():
                self.named.setdefault(row_let(row, name), named)
        uses = locals_of(one.value)
        personal = one.info.pii or is_personal(one.value) or bool(uses & self.personal_lets)
        first = step.traces[0] if step.traces else None
        self.fields.append(FieldExplained(one.info, came, value, first, step.table, step.problem, uses, personal, row))

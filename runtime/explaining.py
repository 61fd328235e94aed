"""A look at one record: what a run would do with it and why, field by field. Nothing here can write.

Composed of the same parts as a run: inputs, rules, the reference mapping (watched), identities, the planner. A `Look`
holds only what reads: a way to find source records, the ledger of a state that is opened for reading, and of a target
its reading methods. What a run would learn from systems that are not asked stays unknown and is told as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fieldwright.dsl.explain import Came, Explained, FieldExplained, explain_record
from fieldwright.dsl.program import FieldProblem, MappedRecord, Program, Ref, Write
from fieldwright.dsl.programspec import ProgramSpec
from fieldwright.dsl.ruleprogram import Decision
from fieldwright.dsl.tracing import Trace
from fieldwright.runtime.connector import Target
from fieldwright.runtime.evaluate import Lookup, load_roots
from fieldwright.runtime.identity import Identifier
from fieldwright.runtime.mapping_run import Rules, rule_inputs
from fieldwright.runtime.onlooking import Onlooker
from fieldwright.runtime.planner import Desired, needs_present_value, plan_record, plan_rows
from fieldwright.runtime.records import Change, Op, Operation, TargetRecord
from fieldwright.runtime.resolution import UNKNOWN, Resolution
from fieldwright.runtime.rulelook import RuleLooked, look_at_rules
from fieldwright.runtime.state.ledger import Decided, Ledger, Link
from fieldwright.runtime.work import Work


@dataclass(frozen=True, slots=True)
class Look:
    """What may be looked at. `constants` are `settings`, `run` and reads that were given; without a `lookup` other
    reads are missing, without a `ledger` nothing is linked, without a `target` it is not asked. `partial`: absent
    fields were not read."""

    program: Program
    spec: ProgramSpec
    rules: Rules | None
    constants: Mapping[str, Any]
    lookup: Lookup | None = None
    ledger: Ledger | None = None
    target: Onlooker | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one field. `status` is written, kept (left as it is), failed, or held (it would be written, but
    the record as a whole is not); `why` says it in words; `old` is what was last
    written or what the target holds. A reference shows as its id, or as `(unknown yet)` with `ref` telling to whom."""

    field: str
    at: str
    status: str
    why: str
    value: Any
    old: Any
    ref: str | None
    personal: bool
    explained: FieldExplained | None = None


@dataclass(frozen=True, slots=True)
class RowLooked:
    """One child row; `op` is None where nothing is to be written."""

    set: str
    object: str
    key: str
    op: str | None
    target_id: str | None
    verdicts: tuple[Verdict, ...]


@dataclass(slots=True)
class Looked:
    """The answer. `action` is create, update, unchanged, delete, nothing (a rule said so), left_out (by the filter),
    waits or rejected. `absent` are the references to records that nobody has written yet."""

    source_id: str
    action: str
    why: str = ""
    target_id: str | None = None
    rule: str | None = None
    rules: tuple[RuleLooked, ...] = ()
    rule_lets: tuple[tuple[str, str, Trace], ...] = ()
    explained: Explained | None = None
    verdicts: tuple[Verdict, ...] = ()
    key: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[RowLooked, ...] = ()
    problems: list[FieldProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: frozenset[Ref] = frozenset()


def look_at(look: Look, change: Change) -> Looked:
    """What a run would do with this version of the record."""
    return _Looking(look, change).look()


class _Looking:
    def __init__(self, look: Look, change: Change) -> None:
        self._look = look
        self._change = change
        self._program = look.program
        self._found: TargetRecord | None = None
        self._idle = False
        ledger = look.ledger
        own = [change.id]
        self._link: Link | None = ledger.links(self._program.mapping, own).get(change.id) if ledger else None
        self._before: Decided | None = ledger.decisions(self._program.mapping, own).get(change.id) if ledger else None

    def look(self) -> Looked:
        change, program = self._change, self._program
        looked = Looked(change.id, "unchanged", target_id=self._link.target_id if self._link else None)
        if change.deleted:
            return self._deleted(looked)
        roots = self._roots()
        decision = self._decide(roots, looked)
        explained = explain_record(self._look.spec, roots, partial=self._look.partial)
        looked.explained = explained
        mapped = self._mapped(roots, explained)
        resolution = Resolution(self._look.ledger, program, mapped)
        work = self._work(change, roots, mapped, decision, resolution)
        refusals = self._identify(work) if work.desired is not None else []
        operation = self._operation(work) if work.desired is not None and not refusals else None
        looked.target_id = looked.target_id or work.target_id
        looked.key = work.desired.key if work.desired else {}
        if decision is _NOTHING or refusals or looked.problems:
            operation = None
        looked.verdicts = tuple(
            self._verdict(one, resolution, operation, work) for one in explained.fields if one.row is None
        )
        if work.desired is not None and not refusals:
            looked.rows = self._rows(work, explained, resolution)
        looked.absent = frozenset(ref for _name, ref in resolution.absent)
        self._conclude(looked, decision, mapped, resolution, refusals, operation)
        return looked

    # --- steps --------------------------------------------------------------------------------------------------

    def _deleted(self, looked: Looked) -> Looked:
        policy = self._program.on_source_delete
        said = str(policy.get("action", "keep"))
        if "by_setting" in policy:
            said = str(self._look.constants.get("settings", {}).get(policy["by_setting"], "keep"))
        acts = said != "keep" and self._link is not None
        looked.action = "delete" if acts and said == "delete" else "update" if acts else "nothing"
        looked.why = f"it was deleted at the source, and the mapping says on_source_delete: {said}"
        if said != "keep" and self._link is None:
            looked.why += "; but nothing was written for it"
        return looked

    def _roots(self) -> dict[str, Any]:
        look = self._look
        if look.lookup is None:
            return {**look.constants, self._program.root: self._change.record}
        return load_roots(self._program, [self._change], look.lookup, look.constants)[0]

    def _decide(self, roots: dict[str, Any], looked: Looked) -> Decision | None:
        """The ruleset's decision, None without a ruleset; puts the parameters into the roots."""
        rules = self._look.rules
        if rules is None:
            return None
        inputs = rule_inputs(roots, self._link, self._before, rules.settings)
        decision = rules.program.decide(inputs)
        looked.rules, looked.rule_lets = look_at_rules(rules.program, inputs, decision)
        looked.rule = decision.label or None
        if decision.problem is not None:
            looked.problems.append(decision.problem)
        unfinished = self._link is not None and not self._link.whole
        if decision.action == "nothing" and not unfinished:
            # Parameters are not computed for a rule that does nothing: what depends on them is missing, as it is.
            self._idle = True
            return _NOTHING
        roots["params"] = decision.params
        return decision

    def _mapped(self, roots: Mapping[str, Any], explained: Explained) -> MappedRecord:
        failed = roots.get("__problem__")
        if failed is not None:
            return MappedRecord(problems=(failed,))
        # The program knows checks that the specification does not: sums over rows.
        return self._program.reference(roots, partial=self._look.partial)

    def _work(
        self,
        change: Change,
        roots: dict[str, Any],
        mapped: MappedRecord,
        decision: Decision | None,
        resolution: Resolution,
    ) -> Work:
        work = Work(change, roots, mapped=mapped, decision=decision, link=self._link)
        going = decision is not _NOTHING and mapped.included and not mapped.problems
        if going and not resolution.absent:
            keys = [resolution.resolved(key) for key in mapped.keys if key is not None]
            rule = decision.label if decision is not None else None
            fields = resolution.resolved(mapped.fields)
            rows = {name: [resolution.resolved(row) for row in rows] for name, rows in mapped.children.items()}
            work.desired = Desired(change.id, change.version, fields, keys[0] if keys else {}, keys, rows, rule)
        return work

    def _identify(self, work: Work) -> list[FieldProblem]:
        """Ask as a run does whose target record this is; without a target only the links are asked."""
        look = self._look
        if look.ledger is None:
            return []
        refusals: list[FieldProblem] = []

        def refuse(
            _work: Work, code: str, _kind: str, message: str, fix: str = "", at: str = "", where: str = ""
        ) -> None:
            refusals.append(FieldProblem(where or "key", code, message, fix, at or self._program.at))

        target = look.target
        uncertain = look.ledger.uncertain(self._program.mapping) if target else set()
        identifier = Identifier(
            cast(Target, target), look.ledger, empty=target is None, uncertain=uncertain & {self._change.id}
        )
        identifier.identify(self._program, [work], refuse)
        self._found = identifier.found.get(self._change.id)
        return refusals

    def _operation(self, work: Work) -> Operation | None:
        look, link = self._look, self._link
        assert work.desired is not None
        target = look.target
        if (
            link is not None
            and target is not None
            and link.target_id
            and needs_present_value(self._program, work.desired, link)
        ):
            names = [info.name for info in self._program.fields if info.write is Write.IF_EMPTY]
            for record in target.read(self._program.target_object, [link.target_id], names):
                held = {name: value for name, value in record.fields.items() if value not in (None, "")}
                link = Link(
                    link.source_id, link.target_id, link.target_key, {**link.base, **held}, link.version, link.whole
                )
                self._link = link
        work.target_id = link.target_id if link else self._found.id if self._found else None
        same = target.same if target else _equal
        return plan_record(self._program, work.desired, link, self._found, same).operation

    def _rows(self, work: Work, explained: Explained, resolution: Resolution) -> tuple[RowLooked, ...]:
        program, target, ledger = self._program, self._look.target, self._look.ledger
        if not program.children:
            return ()
        assert work.desired is not None
        known = ledger.children(program.mapping, [work.id]).get(work.id, []) if ledger else []
        held: dict[str, list[TargetRecord]] | None = None
        unsure = self._found is not None or (self._link is not None and not self._link.whole)
        if target is not None and unsure and work.target_id:
            held = {}
            for child in program.children:
                names = [info.name for info in child.fields]
                for _parent, record in target.children(child.object, child.parent, [work.target_id], names):
                    held.setdefault(child.name, []).append(record)
        parent = work.target_id or UNKNOWN
        plan = plan_rows(program, work.desired, parent, known, held, target.same if target else _equal)
        planned = {operation.child_key or "": operation for operation in plan.operations}
        rows: list[RowLooked] = []
        numbers: dict[str, int] = {}
        parents = {child.name: child for child in program.children}
        for row in plan.rows:
            child = parents[row.child_set]
            number = numbers[child.name] = numbers.get(child.name, -1) + 1
            operation = planned.pop(f"{row.child_set} {row.child_key}", None)
            own = [one for one in explained.fields if one.row == (child.name, number)]
            verdicts = tuple(self._row_verdict(one, resolution, operation, bool(row.target_id)) for one in own)
            op = operation.op.value if operation else None
            rows.append(RowLooked(child.name, child.object, row.child_key, op, row.target_id or None, verdicts))
        for operation in planned.values():
            set_, _, key = (operation.child_key or "").partition(" ")
            rows.append(RowLooked(set_, operation.object, key, operation.op.value, operation.target_id, ()))
        return tuple(rows)

    def _conclude(
        self,
        looked: Looked,
        decision: Decision | None,
        mapped: MappedRecord,
        resolution: Resolution,
        refusals: Sequence[FieldProblem],
        operation: Operation | None,
    ) -> None:
        """What happens to the record as a whole: the first step that would end its way decides."""
        if looked.problems:
            looked.action, looked.why = "rejected", looked.problems[0].reason
        elif decision is _NOTHING:
            looked.action, looked.why = "nothing", f"rule {looked.rule} says so"
        elif mapped.problems:
            looked.problems.extend(mapped.problems)
            looked.action, looked.why = "rejected", "; ".join(one.reason for one in mapped.problems[:3])
        elif not mapped.included:
            looked.action, looked.why = "left_out", "the filter of the mapping is false for it"
        elif resolution.absent:
            name, ref = resolution.absent[0]
            looked.action = "waits"
            looked.why = f"{name} refers to {ref.key}, which {ref.mapping} has not written"
            fix = f"`interpret preview {ref.mapping} --record {ref.key}` tells what keeps it away"
            looked.problems.append(FieldProblem(name, "RT201", looked.why, fix, self._at(name)))
        elif refusals:
            looked.problems.extend(refusals)
            looked.action, looked.why = "rejected", refusals[0].reason
        elif operation is not None:
            looked.action = operation.op.value
            looked.why = self._reason(operation)
        elif any(row.op for row in looked.rows):
            looked.action, looked.why = "update", "its rows differ from those last written"
        else:
            looked.why = "everything is as it was last written"

    def _reason(self, operation: Operation) -> str:
        if operation.op is Op.CREATE:
            if self._look.target is None:
                return "it is linked to no target record; a run first looks whether one has its key"
            return "it is linked to no target record, and none has its key"
        names = ", ".join(list(operation.fields)[:5])
        more = len(operation.fields) - 5
        return f"{names}{f' and {more} more' if more > 0 else ''} differ{'s' if len(operation.fields) == 1 else ''}"

    def _at(self, name: str) -> str:
        rows = [info for child in self._program.children for info in child.fields]
        return next((info.at for info in (*self._program.fields, *rows) if info.name == name), self._program.at)

    # --- verdicts -----------------------------------------------------------------------------------------------

    def _verdict(self, one: FieldExplained, resolution: Resolution, operation: Operation | None, work: Work) -> Verdict:
        info = one.info
        known = self._found.fields if self._found is not None else self._link.base if self._link is not None else {}
        old = known.get(info.name)
        shown, ref, absent = resolution.shown(one.value)
        status, why = _of_value(one)
        if one.came is Came.MISSING and self._idle:
            why = "not known: the rule that decided passes no parameters"
        if status == "written":
            change = operation.changes.get(info.name) if operation is not None else None
            if absent:
                status = "kept" if info.optional_ref else "failed"
                why = "optional reference: left out until its record is there" if info.optional_ref else _waits(ref)
            elif change is not None:
                why = _written(info.write, operation)
                old = change.old
            elif work.desired is None or (operation is None and work.target_id is None):
                status, why = "held", "the record as a whole is not written"
            else:
                status, why = "kept", self._kept(one, old, operation)
        return Verdict(info.name, info.at, status, why, shown, old, ref, one.personal, one)

    def _kept(self, one: FieldExplained, old: Any, operation: Operation | None) -> str:
        """Why a value that was computed is not written."""
        info = one.info
        creates = operation is not None and operation.op is Op.CREATE
        if creates:
            return (
                "update_only: not written when the record is created"
                if info.write is Write.UPDATE_ONLY
                else "null: a new record has nothing to clear"
            )
        if info.write is Write.CREATE_ONLY:
            return "create_only: only written when the record is created"
        if info.write is Write.IF_EMPTY and old not in (None, "") and old != one.value:
            return "if_empty: the target holds a value"
        return "unchanged"

    def _row_verdict(
        self, one: FieldExplained, resolution: Resolution, operation: Operation | None, exists: bool
    ) -> Verdict:
        info = one.info
        shown, ref, absent = resolution.shown(one.value)
        status, why = _of_value(one)
        old = None
        if status == "written":
            change = operation.changes.get(info.name) if operation is not None else None
            if absent:
                status, why = ("kept", "optional reference") if info.optional_ref else ("failed", _waits(ref))
            elif change is not None:
                old, why = change.old, _written(info.write, operation)
            else:
                kept = exists and info.write is Write.CREATE_ONLY
                status, why = "kept", "create_only: only written when the row is created" if kept else "unchanged"
        return Verdict(info.name, info.at, status, why, shown, old, ref, one.personal, one)


_NOTHING = Decision("", "", "nothing", "")
"""Stands for any decision that ends the record's way here."""


def _of_value(one: FieldExplained) -> tuple[str, str]:
    match one.came:
        case Came.VALUE:
            return "written", ""
        case Came.CLEARED:
            return "written", "null, and on_null: clear"
        case Came.NULL:
            return "kept", "null, and on_null: skip leaves the field alone"
        case Came.MISSING:
            return "kept", "not read, so it is never written"
        case Came.ERROR_SKIPPED:
            return "kept", f"on_error: skip_field, because {_reason_of(one)}"
        case Came.ERROR:
            return "failed", _reason_of(one)


def _reason_of(one: FieldExplained) -> str:
    return one.problem.reason if one.problem is not None else "it could not be computed"


def _written(write: Write, operation: Operation | None) -> str:
    if operation is not None and operation.op is Op.CREATE:
        return "new record"
    return "if_empty: the field is empty" if write is Write.IF_EMPTY else "changed"


def _waits(ref: str | None) -> str:
    return f"waits for {ref}, which is not written yet"


def _equal(_object: str, _field: str, ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs)

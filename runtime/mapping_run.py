"""One mapping applied to a stream of source ids: map -> decide -> resolve -> identify -> plan -> write -> record.

Works in batches of what the target takes in one call. Everything a batch needs from the state is read once; everything
it learnt is written once, in the transaction that also settles its intents and moves the mapping's progress. A record
that fails is recorded and delays no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fieldwright.dsl.program import MappedRecord, Program, Ref, Write
from fieldwright.dsl.ruleprogram import Decision, RulesetProgram
from fieldwright.runtime.connector import Target
from fieldwright.runtime.evaluate import Roots, load_roots, map_one
from fieldwright.runtime.executor import Executor
from fieldwright.runtime.identity import Identifier
from fieldwright.runtime.planner import Desired, RecordPlan, needs_present_value, plan_record, plan_rows, rows_differ
from fieldwright.runtime.records import Change, Op, Operation, Outcome, Result
from fieldwright.runtime.rehearsal import is_planned
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.state.database import Database
from fieldwright.runtime.state.journal import ErrorRecord, Journal
from fieldwright.runtime.state.ledger import ChildLink, Decided, Ledger, Link
from fieldwright.runtime.state.mirror import Mirror

KIND_OF_RESULT = {
    Result.RETRY: "transient",
    Result.AMBIGUOUS: "transient",
    Result.REJECTED: "permanent",
    Result.WAITS: "waiting",
    Result.CONFIG: "permanent",
}


@dataclass(slots=True)
class Work:
    """One record on its way through a batch."""

    change: Change
    roots: Roots
    mapped: MappedRecord | None = None
    decision: Decision | None = None
    desired: Desired | None = None
    link: Link | None = None
    plan: RecordPlan | None = None
    target_id: str | None = None
    rows: list[ChildLink] = field(default_factory=list)
    rows_due: bool = False
    failed: bool = False

    @property
    def id(self) -> str:
        """The source id."""
        return self.change.id


class MappingRun:
    """Applies one program; made anew for every run."""

    def __init__(
        self,
        program: Program,
        ruleset: RulesetProgram | None,
        target: Target,
        database: Database,
        mirror: Mirror,
        ledger: Ledger,
        journal: Journal,
        report: RunReport,
        constants: Mapping[str, Any],
        rule_settings: Mapping[str, Any],
        identifier: Identifier,
        executor: Executor,
        programs: Mapping[str, Program],
        *,
        keep_operations: bool = False,
    ) -> None:
        self.program = program
        self._ruleset = ruleset
        self._target = target
        self._db = database
        self._mirror = mirror
        self._ledger = ledger
        self._journal = journal
        self._report = report
        self._constants = constants
        self._rule_settings = rule_settings
        self._identifier = identifier
        self._executor = executor
        self._programs = programs
        self._keep = keep_operations
        self._counts = report.counts(program.mapping, program.target_object)
        self._touched: set[str] = set()
        self._rejected: set[str] = set()
        self._row_counts = {
            child.name: report.counts(f"{program.mapping}/{child.name}", child.object) for child in program.children
        }
        self._row_touched = dict.fromkeys(self._row_counts, 0)

    # --- the batch ----------------------------------------------------------------------------------------------

    def apply(self, ids: Sequence[str]) -> None:
        """Bring the target records of these source records up to date. Does not commit: the caller does, together
        with the progress that the batch stands for (writes commit their intents themselves, before they leave)."""
        changes = self._mirror.load(self.program.source_object, ids)
        ordered = [changes[one] for one in ids if one in changes]
        deleted = [change for change in ordered if change.deleted]
        live = [change for change in ordered if not change.deleted]
        if deleted:
            self._delete(deleted)
        if not live:
            return
        links = self._ledger.links(self.program.mapping, [change.id for change in live])
        works = [
            Work(change, roots, link=links.get(change.id))
            for change, roots in zip(live, load_roots(self.program, live, self._mirror, self._constants), strict=True)
        ]
        works = self._decide(works)
        works = self._map(works)
        works = self._resolve(works)
        works = self._identifier.identify(self.program, works, self._fail)
        self._plan(works)
        self._write_records(works)
        self._write_rows(works)
        self._check(works)
        self._remember(works)

    def finish(self) -> None:
        """Count what this run did not touch."""
        linked = self._ledger.count(self.program.mapping)
        self._counts.unchanged = max(0, linked - self._counts.created - self._counts.updated)
        for child in self.program.children:
            row = self._row_counts[child.name]
            row.unchanged = max(
                0, self._ledger.child_count(self.program.mapping, child.name) - row.created - row.updated
            )

    # --- steps --------------------------------------------------------------------------------------------------

    def _decide(self, works: list[Work]) -> list[Work]:
        if self._ruleset is None:
            return works
        earlier = self._ledger.decisions(self.program.mapping, [work.id for work in works])
        going: list[Work] = []
        for work in works:
            before = earlier.get(work.id)
            first = work.link is None and (before is None or before.action == "nothing")
            roots = {
                **work.roots,
                "previous": None,
                "linked": work.link is not None,
                "sync": {"first": first, "initiated_by": "chargebee"},
                "settings": self._rule_settings,
            }
            decision = self._ruleset.decide(roots)
            if decision.problem is not None:
                problem = decision.problem
                self._fail(work, problem.code, "mapping", problem.reason, problem.fix, problem.at, problem.where)
                continue
            work.decision = decision
            if decision.action == "nothing" and work.link is not None and work.link.whole:
                continue
            if decision.action == "nothing" and work.link is None:
                self._counts.skipped += 1
                self._touched.add(work.id)
                self._ledger.save_decisions(self.program.mapping, {work.id: _decided(decision, work.change.version)})
                self._ok(work)
                continue
            work.roots["params"] = decision.params
            going.append(work)
        return going

    def _map(self, works: list[Work]) -> list[Work]:
        mapped: list[Work] = []
        for work in works:
            result = map_one(self.program, work.roots)
            if not result.included:
                self._counts.skipped += 1
                self._ok(work)
                continue
            if result.problems:
                first = result.problems[0]
                self._fail(work, first.code, "mapping", _all_reasons(result), first.fix, first.at, first.where)
                continue
            work.mapped = result
            mapped.append(work)
        return mapped

    def _resolve(self, works: list[Work]) -> list[Work]:
        """Put target ids where the mapped records hold references; a record whose parent is missing waits."""
        wanted: dict[str, dict[str, None]] = {}
        for work in works:
            assert work.mapped is not None
            for value in _values(work.mapped):
                if isinstance(value, Ref):
                    wanted.setdefault(value.mapping, {})[value.key] = None
        known = {mapping: self._ledger.target_ids(mapping, list(keys)) for mapping, keys in wanted.items()}
        optional = {info.name for info in self.program.fields if info.optional_ref}
        row_optional = {
            child.name: {info.name for info in child.fields if info.optional_ref} for child in self.program.children
        }
        resolved: list[Work] = []
        for work in works:
            assert work.mapped is not None
            missing: list[tuple[str, Ref]] = []
            fields = _resolved(work.mapped.fields, known, optional, missing)
            children = {
                name: [_resolved(row, known, row_optional.get(name, set()), missing) for row in rows]
                for name, rows in work.mapped.children.items()
            }
            if missing:
                self._wait(work, *missing[0])
                continue
            keys = [_resolved(key, known, set(), missing) for key in work.mapped.keys if key is not None]
            if missing:
                self._wait(work, *missing[0])
                continue
            work.desired = Desired(
                work.id,
                work.change.version,
                fields,
                keys[0] if keys else {},
                keys,
                children,
                rule=work.decision.label if work.decision else None,
                checks=dict(work.mapped.checks),
            )
            resolved.append(work)
        return resolved

    def _plan(self, works: Sequence[Work]) -> None:
        """Operations for the records themselves, from links or from what a look-up found."""
        same = self._target.same
        unsure = [
            work
            for work in works
            if work.link is not None
            and work.link.target_id
            and not is_planned(work.link.target_id)
            and work.desired is not None
            and needs_present_value(self.program, work.desired, work.link)
        ]
        present = {}
        if unsure:
            fields = [info.name for info in self.program.fields if info.write is Write.IF_EMPTY]
            ids = [work.link.target_id for work in unsure if work.link and work.link.target_id]
            present = {record.id: record for record in self._target.read(self.program.target_object, ids, fields)}
        for work in works:
            assert work.desired is not None
            link, found = work.link, self._identifier.found.get(work.id)
            if link is not None and link.target_id in present:
                held = present[link.target_id]
                merged = {**link.base, **{k: v for k, v in held.fields.items() if v not in (None, "")}}
                link = replace(link, base=merged)
            work.plan = plan_record(self.program, work.desired, link, found, same)
            work.target_id = link.target_id if link else found.id if found else None

    def _write_records(self, works: Sequence[Work]) -> None:
        writing = [work for work in works if work.plan and work.plan.operation]
        if not writing:
            return
        operations = [work.plan.operation for work in writing if work.plan and work.plan.operation]
        executed = self._executor.execute(operations)
        for work, operation, outcome in zip(writing, operations, executed.outcomes, strict=True):
            if outcome.result is not Result.DONE:
                self._refuse(work, operation, outcome)
                continue
            self._note(operation)
            work.target_id = outcome.target_id or work.target_id
            created = operation.op is Op.CREATE if outcome.created is None else outcome.created
            self._touched.add(work.id)
            if created:
                self._counts.created += 1
            else:
                self._counts.updated += 1
        # Links come before the rows: an interruption between the two must find the parent again, marked incomplete.
        done = [work for work in writing if not work.failed]
        self._ledger.save_links(
            self.program.mapping, [_link(work, whole=not self.program.children) for work in done if work.plan]
        )
        self._save_decisions(done)
        self._ledger.settle(executed.intents)
        if self.program.children:
            self._db.commit()

    def _write_rows(self, works: Sequence[Work]) -> None:
        if not self.program.children:
            return
        alive = [work for work in works if not work.failed and work.target_id]
        known = self._ledger.children(self.program.mapping, [work.id for work in alive])
        looked_up = {
            work.id
            for work in alive
            if work.id in self._identifier.adopted or (work.link is not None and not work.link.whole)
        }
        held = self._rows_at_target([work for work in alive if work.id in looked_up])
        operations: list[Operation] = []
        plans = []
        for work in alive:
            assert work.desired is not None
            assert work.target_id is not None
            found = held.get(work.target_id) if work.id in looked_up else None
            if work.id not in looked_up and not rows_differ(self.program, work.desired, known.get(work.id, ())):
                continue
            plan = plan_rows(
                self.program,
                work.desired,
                work.target_id,
                known.get(work.id, ()),
                (found or {}) if work.id in looked_up else None,
                self._target.same,
            )
            plans.append((work, plan, len(operations)))
            operations.extend(plan.operations)
        if not plans:
            return
        executed = self._executor.execute(operations) if operations else None
        outcomes = executed.outcomes if executed else []
        replaced: dict[str, list[ChildLink]] = {}
        for work, plan, start in plans:
            mine = outcomes[start : start + len(plan.operations)]
            bad = next(
                ((op, out) for op, out in zip(plan.operations, mine, strict=True) if out.result is not Result.DONE),
                None,
            )
            if bad is not None:
                # Innocent rows of a rolled back group carry no reason of their own: show the culprit's.
                culprit = next(
                    (
                        (op, out)
                        for op, out in zip(plan.operations, mine, strict=True)
                        if out.result is not Result.DONE and out.reason and not out.rolled_back
                    ),
                    bad,
                )
                self._refuse(work, *culprit)
                continue
            rows = list(plan.rows)
            created_ids = [out.target_id for op, out in zip(plan.operations, mine, strict=True) if op.op is Op.CREATE]
            for index, target_id in zip(plan.created, created_ids, strict=True):
                rows[index] = replace(rows[index], target_id=target_id or "")
            for operation in plan.operations:
                self._note(operation)
                self._count_row(operation)
            if plan.operations and work.id not in self._touched:
                self._touched.add(work.id)
            replaced[work.id] = rows
            work.rows_due = True
        self._ledger.replace_children(self.program.mapping, replaced)
        if executed:
            self._ledger.settle(executed.intents)

    def _rows_at_target(self, works: Sequence[Work]) -> dict[str, dict[str, list[Any]]]:
        held: dict[str, dict[str, list[Any]]] = {}
        ids = [work.target_id for work in works if work.target_id and not is_planned(work.target_id)]
        if not ids:
            return held
        for child in self.program.children:
            fields = [info.name for info in child.fields]
            for parent_id, record in self._target.children(child.object, child.parent, ids, fields):
                held.setdefault(parent_id, {}).setdefault(child.name, []).append(record)
        return held

    def _check(self, works: Sequence[Work]) -> None:
        """Read back the fields that the mapping asserts but never writes, for records written in this batch."""
        written = [
            work
            for work in works
            if not work.failed
            and work.desired is not None
            and work.desired.checks
            and work.target_id
            and not is_planned(work.target_id)
            and (work.rows_due or (work.plan is not None and work.plan.operation is not None))
        ]
        if not written:
            return
        names = sorted({name for work in written if work.desired for name in work.desired.checks})
        ids = [work.target_id for work in written if work.target_id]
        held = {record.id: record for record in self._target.read(self.program.target_object, ids, names)}
        for work in written:
            assert work.desired is not None
            record = held.get(work.target_id or "")
            for name, expected in work.desired.checks.items():
                actual = record.fields.get(name) if record else None
                if not self._target.same(self.program.target_object, name, expected, actual):
                    self._journal.record_errors(
                        self._ledger.pair,
                        [
                            self._error(
                                work.id,
                                "RT301",
                                "check",
                                f"{name} should be {expected} by the mapping's check, the target has {actual}",
                                "the record was written; look for automation at the target that changes it",
                                self.program.at,
                                name,
                            )
                        ],
                    )
                    self._rejected.add(work.id)
                    break

    def _remember(self, works: Sequence[Work]) -> None:
        fine = [work for work in works if not work.failed and work.plan is not None]
        fresh = [
            work
            for work in fine
            if work.plan
            and (
                work.link is None
                or work.plan.operation is not None
                or not work.link.whole
                or work.plan.base != work.link.base
            )
        ]
        self._ledger.save_links(self.program.mapping, [_link(work, whole=True) for work in fresh])
        self._save_decisions(fresh)
        self._ledger.settle_records(self.program.mapping, [work.id for work in works])
        self._journal.clear(
            self._ledger.pair, self.program.mapping, [work.id for work in fine if work.id not in self._rejected]
        )

    # --- deletes ------------------------------------------------------------------------------------------------

    def _delete(self, deleted: Sequence[Change]) -> None:
        policy = self.program.on_source_delete
        links = self._ledger.links(self.program.mapping, [change.id for change in deleted])
        action = str(policy.get("action", "keep"))
        if "by_setting" in policy:
            action = str(self._constants["settings"].get(policy["by_setting"], "keep"))
        if not links or action == "keep":
            return
        operations = [
            Operation(
                Op.DELETE if action != "set" else Op.UPDATE,
                self.program.mapping,
                self.program.target_object,
                link.source_id,
                dict(policy.get("set", {})) if action == "set" else {},
                target_id=link.target_id,
                key={alternative.fields[0]: link.target_key for alternative in self.program.keys[:1]}
                if link.target_key
                else {},
                options={**self.program.options, "on_delete": action},
            )
            for link in links.values()
        ]
        executed = self._executor.execute(operations)
        gone = []
        for operation, outcome in zip(operations, executed.outcomes, strict=True):
            if outcome.result is Result.DONE:
                self._note(operation)
                self._counts.deleted += 1
                gone.append(operation.source_id)
            else:
                self._journal.record_errors(self._ledger.pair, [self._failed_write(operation, outcome)])
                self._counts.rejected += 1
        self._ledger.drop_links(self.program.mapping, gone)
        self._journal.clear(self._ledger.pair, self.program.mapping, gone)
        self._ledger.settle(executed.intents)

    # --- failures and notes -------------------------------------------------------------------------------------

    def _ok(self, work: Work) -> None:
        self._journal.clear(self._ledger.pair, self.program.mapping, [work.id])

    def _fail(
        self, work: Work, code: str, kind: str, message: str, fix: str = "", at: str = "", where: str = ""
    ) -> None:
        work.failed = True
        self._rejected.add(work.id)
        self._counts.rejected += 1
        self._journal.record_errors(
            self._ledger.pair, [self._error(work.id, code, kind, message, fix, at or self.program.at, where)]
        )

    def _refuse(self, work: Work, operation: Operation, outcome: Outcome) -> None:
        if work.failed:
            return
        work.failed = True
        self._rejected.add(work.id)
        self._counts.rejected += 1
        self._journal.record_errors(self._ledger.pair, [self._failed_write(operation, outcome)])

    def _wait(self, work: Work, field_name: str, ref: Ref) -> None:
        parent = self._programs.get(ref.mapping)
        why = self._journal.by_record(self._ledger.pair, ref.mapping, [ref.key]).get(ref.key)
        noun = parent.source_object.partition(".")[2] if parent else ref.mapping
        reason = f"{field_name} refers to {noun} {ref.key}, which {ref.mapping} has not written"
        reason += f" because of {why.code}: {why.message}" if why else ""
        at = next((info.at for info in self.program.fields if info.name == field_name), self.program.at)
        self._fail(
            work,
            "RT201",
            "waiting",
            reason,
            f"fix {noun} {ref.key} first; this record follows by itself in the next run",
            at,
            field_name,
        )

    def _failed_write(self, operation: Operation, outcome: Outcome) -> ErrorRecord:
        name = outcome.fields[0] if outcome.fields else ""
        change = operation.changes.get(name)
        error = self._error(
            operation.source_id,
            outcome.code or "RT401",
            KIND_OF_RESULT.get(outcome.result, "permanent"),
            outcome.reason or "the target refused the record without a reason",
            outcome.fix,
            change.at if change else self.program.at,
            name,
        )
        return replace(error, object=operation.object, payload=self._masked(operation))

    def _masked(self, operation: Operation) -> dict[str, Any]:
        personal = {info.name for info in self.program.fields if info.pii}
        return {
            name: "***" if name in personal and value is not None else value if _plain(value) else str(value)
            for name, value in operation.fields.items()
        }

    def _error(self, source_id: str, code: str, kind: str, message: str, fix: str, at: str, where: str) -> ErrorRecord:
        return ErrorRecord(
            self.program.mapping, self.program.target_object, source_id, where, code, kind, message, fix, at
        )

    def _note(self, operation: Operation) -> None:
        if self._keep:
            self._report.operations.append(operation)

    def _count_row(self, operation: Operation) -> None:
        row = self._row_counts[(operation.child_key or "").partition(" ")[0]]
        match operation.op:
            case Op.CREATE:
                row.created += 1
            case Op.UPDATE:
                row.updated += 1
            case Op.DELETE:
                row.deleted += 1

    def _save_decisions(self, works: Iterable[Work]) -> None:
        made = {work.id: _decided(work.decision, work.change.version) for work in works if work.decision}
        if made:
            self._ledger.save_decisions(self.program.mapping, made)


def _link(work: Work, *, whole: bool) -> Link:
    assert work.plan is not None
    assert work.desired is not None
    key = work.desired.key
    text = str(next(iter(key.values()))) if len(key) == 1 else None
    return Link(work.id, work.target_id, text, work.plan.base, work.change.version, whole)


def _decided(decision: Decision, version: int) -> Decided:
    return Decided(decision.rule, decision.rule_id, decision.action, version, decision.at)


def _values(mapped: MappedRecord) -> Iterable[Any]:
    yield from mapped.fields.values()
    for key in mapped.keys:
        if key is not None:
            yield from key.values()
    for rows in mapped.children.values():
        for row in rows:
            yield from row.values()


def _resolved(
    fields: Mapping[str, Any],
    known: Mapping[str, Mapping[str, str]],
    optional: set[str],
    missing: list[tuple[str, Ref]],
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Ref):
            target_id = known[value.mapping].get(value.key)
            if target_id is None:
                if name not in optional:
                    missing.append((name, value))
                continue
            out[name] = target_id
        else:
            out[name] = value
    return out


def _all_reasons(mapped: MappedRecord) -> str:
    return "; ".join(f"{problem.where}: {problem.reason}" for problem in mapped.problems[:5])


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | bool | list)

"""One mapping applied to a stream of source ids: map -> decide -> resolve -> identify -> plan -> write -> record.

Works in batches of what the target takes in one call. Everything a batch needs from the state is read once; everything
it learnt is written once, in the transaction that also settles its intents and moves the mapping's progress. A record
that fails is recorded and delays no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fieldwright.dsl.program import MappedRecord, Program, Ref, Write
from fieldwright.dsl.ruleprogram import RulesetProgram
from fieldwright.runtime.connector import Target
from fieldwright.runtime.errors import ObjectRefused, RunError
from fieldwright.runtime.evaluate import load_roots, map_one
from fieldwright.runtime.executor import Executor
from fieldwright.runtime.identity import Identifier
from fieldwright.runtime.planner import Desired, fields_by_name, needs_present_value, plan_record
from fieldwright.runtime.records import Change, Op, Operation, Outcome, Result
from fieldwright.runtime.rehearsal import is_planned
from fieldwright.runtime.rejections import Rejections
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.rows import RowWriter
from fieldwright.runtime.state.database import Database
from fieldwright.runtime.state.journal import Journal
from fieldwright.runtime.state.ledger import Decided, Ledger, Link
from fieldwright.runtime.state.mirror import Mirror
from fieldwright.runtime.work import Work


@dataclass(frozen=True, slots=True)
class Rules:
    """The ruleset that drives a mapping, with the values of its settings."""

    program: RulesetProgram
    settings: Mapping[str, Any]


class MappingRun:
    """Applies one program; made anew for every run. `constants` are the roots `settings` and `run`."""

    def __init__(
        self,
        program: Program,
        rules: Rules | None,
        target: Target,
        database: Database,
        mirror: Mirror,
        ledger: Ledger,
        journal: Journal,
        report: RunReport,
        constants: Mapping[str, Any],
        identifier: Identifier,
        executor: Executor,
        programs: Mapping[str, Program],
    ) -> None:
        self.program = program
        self._rules = rules
        self._target = target
        self._db = database
        self._mirror = mirror
        self._ledger = ledger
        self._report = report
        self._constants = constants
        self._identifier = identifier
        self._executor = executor
        self._infos = fields_by_name(program)
        self._counts = report.counts(program.mapping, program.target_object)
        self._rejections = Rejections(program, programs, ledger.pair, journal, self._counts)
        self._rows = RowWriter(program, target, ledger, executor, self._rejections, report, self._note, database.commit)

    def apply(self, ids: Sequence[str]) -> None:
        """Bring the target records of these source records up to date. Does not commit at its end: the caller does,
        together with the progress that the batch stands for (intents are committed here, before a write leaves)."""
        changes = self._mirror.load(self.program.source_object, ids)
        ordered = [changes[one] for one in ids if one in changes]
        self._delete([change for change in ordered if change.deleted])
        live = [change for change in ordered if not change.deleted]
        if not live:
            return
        links = self._ledger.links(self.program.mapping, [change.id for change in live])
        roots = load_roots(self.program, live, self._mirror, self._constants)
        works = [Work(change, root, link=links.get(change.id)) for change, root in zip(live, roots, strict=True)]
        works = self._resolve(self._map(self._decide(works)))
        works = self._identifier.identify(self.program, works, self._rejections.fail)
        self._plan(works)
        self._write(works)
        if self.program.children:
            self._rows.write(works, self._identifier.adopted | self._identifier.uncertain)
        self._check(works)
        self._remember(works)

    def finish(self) -> None:
        """Count what this run did not touch."""
        linked = self._ledger.count(self.program.mapping)
        self._counts.unchanged = max(0, linked - self._counts.created - self._counts.updated)
        self._rows.finish()

    # --- steps, in order ----------------------------------------------------------------------------------------

    def _decide(self, works: list[Work]) -> list[Work]:
        """Ask the ruleset; records for which it does nothing end here."""
        if self._rules is None:
            return works
        earlier = self._ledger.decisions(self.program.mapping, [work.id for work in works])
        going: list[Work] = []
        idle: list[Work] = []
        for work in works:
            before = earlier.get(work.id)
            decision = self._rules.program.decide(rule_inputs(work.roots, work.link, before, self._rules.settings))
            if decision.problem is not None:
                problem = decision.problem
                self._rejections.fail(
                    work, problem.code, "mapping", problem.reason, problem.fix, problem.at, problem.where
                )
                continue
            unfinished = work.link is not None and not work.link.whole
            if decision.action == "nothing" and not unfinished:
                if work.link is None:
                    work.decision = decision
                    self._counts.skipped += 1
                idle.append(work)
                continue
            if not unfinished:
                work.decision = decision
            work.roots["params"] = decision.params
            going.append(work)
        self._save_decisions(idle)
        self._rejections.clear(idle)
        return going

    def _map(self, works: list[Work]) -> list[Work]:
        mapped: list[Work] = []
        left_out: list[Work] = []
        for work in works:
            result = map_one(self.program, work.roots)
            if result.problems:
                first = result.problems[0]
                reasons = "; ".join(f"{problem.where}: {problem.reason}" for problem in result.problems[:5])
                self._rejections.fail(work, first.code, "mapping", reasons, first.fix, first.at, first.where)
            elif not result.included:
                self._counts.skipped += 1
                left_out.append(work)
            else:
                work.mapped = result
                mapped.append(work)
        self._rejections.clear(left_out)
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
            keys = [_resolved(key, known, set(), missing) for key in work.mapped.keys if key is not None]
            if missing:
                self._rejections.wait(work, *missing[0])
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
        fill_ins = self._present_values(works)
        for work in works:
            assert work.desired is not None
            link, found = work.link, self._identifier.found.get(work.id)
            if link is not None and link.target_id in fill_ins:
                link = replace(link, base={**link.base, **fill_ins[link.target_id]})
            work.plan = plan_record(self.program, work.desired, link, found, same, self._infos)
            work.target_id = link.target_id if link else found.id if found else None

    def _present_values(self, works: Sequence[Work]) -> dict[str | None, dict[str, Any]]:
        """What the target holds in fields that are only to be filled when empty, for records where we do not know."""
        ids = [
            work.link.target_id
            for work in works
            if work.link is not None
            and work.link.target_id
            and not is_planned(work.link.target_id)
            and work.desired is not None
            and needs_present_value(self.program, work.desired, work.link)
        ]
        if not ids:
            return {}
        names = [info.name for info in self.program.fields if info.write is Write.IF_EMPTY]
        records = self._target.read(self.program.target_object, ids, names)
        return {
            record.id: {name: value for name, value in record.fields.items() if value not in (None, "")}
            for record in records
        }

    def _write(self, works: Sequence[Work]) -> None:
        planned = [(work, work.plan.operation) for work in works if work.plan and work.plan.operation]
        for start in range(0, len(planned), self._executor.size):
            part = planned[start : start + self._executor.size]
            executed = self._executor.execute([operation for _work, operation in part])
            done: list[Work] = []
            lost = self._forget_gone(part, executed.outcomes)
            for (work, operation), outcome in zip(part, executed.outcomes, strict=True):
                if outcome.result is not Result.DONE:
                    self._rejections.refuse(work, operation, _told(outcome) if work.id in lost else outcome)
                    continue
                self._note(operation)
                work.target_id = outcome.target_id or work.target_id
                created = operation.op is Op.CREATE if outcome.created is None else outcome.created
                if created:
                    self._counts.created += 1
                else:
                    self._counts.updated += 1
                done.append(work)
            # Links are durable before more is sent, rows above all: an interruption must find the parent again,
            # marked as incomplete.
            self._ledger.save_links(
                self.program.mapping, [work.new_link(whole=not self.program.children) for work in done]
            )
            self._save_decisions(done)
            self._ledger.settle(executed.intents)
            self._db.commit()
            if executed.stopped is not None:
                raise executed.stopped
            self._stop_if_all_refused(executed.outcomes)

    def _forget_gone(self, part: Sequence[tuple[Work, Operation]], outcomes: Sequence[Outcome]) -> set[str]:
        """Drop the links of records that somebody deleted at the target; returns their source ids. What is left is the
        error: the next attempt finds the record that took its place by the key, or makes a new one."""
        hinted = {
            operation.target_id: work.id
            for (work, operation), outcome in zip(part, outcomes, strict=True)
            if outcome.gone and operation.op is Op.UPDATE and operation.target_id
        }
        if not hinted:
            return set()
        try:
            held = {record.id for record in self._target.read(self.program.target_object, list(hinted), [])}
        except RunError:
            # The outcomes of this call must be recorded all the same; a retry of the record looks again.
            return set()
        lost = {source_id for target_id, source_id in hinted.items() if target_id not in held}
        self._ledger.drop_links(self.program.mapping, list(lost))
        return lost

    def _stop_if_all_refused(self, outcomes: Sequence[Outcome]) -> None:
        """A call of which every record failed for a reason that is none of the records' own would fail for all others
        too. One record with such a reason stops nothing: others may not have the field in question."""
        if len(outcomes) > 1 and all(outcome.result is Result.CONFIG for outcome in outcomes):
            raise ObjectRefused(outcomes[0].reason or outcomes[0].code, outcomes[0].fix)

    def _check(self, works: Sequence[Work]) -> None:
        """Read back the fields that the mapping asserts but never writes, for records written in this batch."""
        written = {
            work.target_id: work
            for work in works
            if not work.failed
            and work.desired is not None
            and work.desired.checks
            and work.target_id
            and not is_planned(work.target_id)
            and (work.rows_due or (work.plan is not None and work.plan.operation is not None))
        }
        if not written:
            return
        names = sorted({name for work in written.values() if work.desired for name in work.desired.checks})
        ids = [one for one in written if one]
        held = {record.id: record for record in self._target.read(self.program.target_object, ids, names)}
        for target_id, work in written.items():
            assert work.desired is not None
            record = held.get(target_id or "")
            for name, expected in work.desired.checks.items():
                actual = record.fields.get(name) if record else None
                if not self._target.same(self.program.target_object, name, expected, actual):
                    self._rejections.check_failed(work, name, expected, actual)
                    break

    def _remember(self, works: Sequence[Work]) -> None:
        fine = [work for work in works if not work.failed and work.plan is not None]
        fresh = [work for work in fine if _is_news(work)]
        self._ledger.save_links(self.program.mapping, [work.new_link(whole=True) for work in fresh])
        self._save_decisions(fresh)
        self._ledger.settle_records(self.program.mapping, [work.id for work in fine])
        self._rejections.clear(fine)

    def _delete(self, deleted: Sequence[Change]) -> None:
        """Source records that are gone for certain: do what the mapping says for that case."""
        policy = self.program.on_source_delete
        action = str(policy.get("action", "keep"))
        if "by_setting" in policy:
            action = str(self._constants["settings"].get(policy["by_setting"], "keep"))
        if not deleted:
            return
        ids = [change.id for change in deleted]
        links = {} if action == "keep" else self._ledger.links(self.program.mapping, ids)
        self._rejections.clear_ids([one for one in ids if one not in links])
        if not links:
            return
        key_field = self.program.keys[0].fields[0] if self.program.keys else ""
        operations = [
            Operation(
                Op.UPDATE if action == "set" else Op.DELETE,
                self.program.mapping,
                self.program.target_object,
                link.source_id,
                dict(policy.get("set", {})) if action == "set" else {},
                target_id=link.target_id,
                key={key_field: link.target_key} if link.target_key else {},
                options={**self.program.options, "on_delete": action},
            )
            for link in links.values()
        ]
        for start in range(0, len(operations), self._executor.size):
            part = operations[start : start + self._executor.size]
            executed = self._executor.execute(part)
            gone: list[str] = []
            for operation, outcome in zip(part, executed.outcomes, strict=True):
                if outcome.result is Result.DONE:
                    self._note(operation)
                    self._counts.deleted += 1
                    gone.append(operation.source_id)
                else:
                    self._rejections.refuse_write(operation, outcome)
            self._ledger.drop_links(self.program.mapping, gone)
            self._rejections.clear_ids(gone)
            self._ledger.settle(executed.intents)
            if executed.stopped is not None:
                self._db.commit()
                raise executed.stopped

    # --- small things -------------------------------------------------------------------------------------------

    def _note(self, operation: Operation) -> None:
        if self._report.mode == "plan":
            self._report.operations.append(operation)

    def _save_decisions(self, works: Iterable[Work]) -> None:
        made = {work.id: decided for work in works if (decided := work.decided()) is not None}
        if made:
            self._ledger.save_decisions(self.program.mapping, made)


def rule_inputs(
    roots: Mapping[str, Any], link: Link | None, before: Decided | None, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a ruleset sees of a record: its inputs, whether it is linked already, and how it got here."""
    return {
        **roots,
        "previous": None,
        "linked": link is not None,
        "sync": {
            "first": link is None and (before is None or before.action == "nothing"),
            "initiated_by": "chargebee",
        },
        "settings": settings,
    }


def _told(outcome: Outcome) -> Outcome:
    """The refusal of an update whose record is gone for certain, with what can be done."""
    fix = (
        "somebody deleted or merged it at the target: `interpret run --retry` links the record that has its key now, "
        "or makes a new one; `interpret errors ignore` leaves it deleted"
    )
    return replace(outcome, fix=fix)


def _is_news(work: Work) -> bool:
    """Whether the link must be written again: new, changed, or completed."""
    assert work.plan is not None
    return (
        work.link is None or work.plan.operation is not None or not work.link.whole or work.plan.base != work.link.base
    )


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
    """Fields with references replaced by target ids. A missing parent is noted, or the field left out if optional."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if not isinstance(value, Ref):
            out[name] = value
            continue
        target_id = known[value.mapping].get(value.key)
        if target_id is not None:
            out[name] = target_id
        elif name not in optional:
            missing.append((name, value))
    return out

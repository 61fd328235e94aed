"""Writing the child rows of records: a set of rows under a parent is replaced as a whole.

Rows of one parent go out as one aggregate, which the target applies completely or not at all, so that an opportunity
never keeps a mix of old and new products. After an adoption or an interruption the rows that the target holds are read
first; otherwise the rows last written are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from fieldwright.dsl.program import Program
from fieldwright.runtime.connector import Target
from fieldwright.runtime.executor import Executor
from fieldwright.runtime.planner import RowsPlan, plan_rows, rows_differ
from fieldwright.runtime.records import Op, Operation, Result, TargetRecord
from fieldwright.runtime.rehearsal import is_planned
from fieldwright.runtime.rejections import Rejections
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.state.ledger import ChildLink, Ledger
from fieldwright.runtime.work import Work

LOOKS = 3

CALLS = 5
"""Calls' worth of rows handed to the target at once: whole aggregates of several kinds rarely fill a call exactly, and
the target packs them better the more it has to choose from."""

Held = dict[str, dict[str, list[TargetRecord]]]


class RowWriter:
    """Writes the child sets of one mapping."""

    def __init__(
        self,
        program: Program,
        target: Target,
        ledger: Ledger,
        executor: Executor,
        rejections: Rejections,
        report: RunReport,
        note: Callable[[Operation], None],
        commit: Callable[[], None],
    ) -> None:
        self._program = program
        self._target = target
        self._ledger = ledger
        self._executor = executor
        self._rejections = rejections
        self._note = note
        self._commit = commit
        self._counts = {
            child.name: report.counts(f"{program.mapping}/{child.name}", child.object) for child in program.children
        }

    def write(self, works: Sequence[Work], unsure: set[str]) -> None:
        """Bring the rows of these records up to date. For the records in `unsure` (just adopted, or with writes whose
        outcome nobody recorded) the rows last written are not what the target holds: they are read first. Rows whose
        write was lost after sending are looked at and completed here, a bounded number of times."""
        pending = [work for work in works if not work.failed and work.target_id]
        for attempt in range(1, LOOKS + 1):
            lost: list[Work] = []
            for part in self._parts(self._plan(pending, unsure)):
                lost.extend(self._execute(part, last=attempt == LOOKS))
            if not lost:
                return
            pending, unsure = lost, {work.id for work in lost}

    def finish(self) -> None:
        """Count the rows that this run did not touch."""
        for child in self._program.children:
            counts = self._counts[child.name]
            linked = self._ledger.child_count(self._program.mapping, child.name)
            counts.unchanged = max(0, linked - counts.created - counts.updated)

    def _plan(self, works: Sequence[Work], unsure: set[str]) -> list[tuple[Work, RowsPlan]]:
        known = self._ledger.children(self._program.mapping, [work.id for work in works])
        looked_up = {work.id for work in works if work.id in unsure or (work.link is not None and not work.link.whole)}
        held = self._held([work for work in works if work.id in looked_up])
        plans: list[tuple[Work, RowsPlan]] = []
        for work in works:
            assert work.desired is not None
            assert work.target_id is not None
            mine = known.get(work.id, ())
            found = held.get(work.target_id, {}) if work.id in looked_up else None
            if found is None and not rows_differ(self._program, work.desired, mine):
                continue
            plan = plan_rows(self._program, work.desired, work.target_id, mine, found, self._target.same)
            plans.append((work, plan))
        return plans

    def _parts(self, plans: Sequence[tuple[Work, RowsPlan]]) -> Iterator[list[tuple[Work, RowsPlan]]]:
        """Plans in parts of a few calls; the rows of one record are never torn apart."""
        part: list[tuple[Work, RowsPlan]] = []
        size = 0
        most = self._executor.size * CALLS
        for work, plan in plans:
            if part and size + len(plan.operations) > most:
                yield part
                part, size = [], 0
            part.append((work, plan))
            size += len(plan.operations)
        if part:
            yield part

    def _execute(self, plans: Sequence[tuple[Work, RowsPlan]], *, last: bool) -> list[Work]:
        """Write the rows of some records; returns those whose write was lost, unless this was the last attempt."""
        lost: list[Work] = []
        operations = [operation for _work, plan in plans for operation in plan.operations]
        executed = self._executor.execute(operations) if operations else None
        outcomes = iter(executed.outcomes if executed else ())
        replaced: dict[str, list[ChildLink]] = {}
        for work, plan in plans:
            done = [(operation, next(outcomes)) for operation in plan.operations]
            bad = [pair for pair in done if pair[1].result is not Result.DONE]
            stopped = executed is not None and executed.stopped is not None
            if not last and not stopped and any(outcome.result is Result.AMBIGUOUS for _operation, outcome in bad):
                lost.append(work)
                continue
            if bad:
                # Innocent rows of a rolled back group carry no reason of their own: show the culprit's.
                culprits = [pair for pair in bad if not pair[1].rolled_back]
                self._rejections.refuse(work, *(culprits or bad)[0])
                continue
            rows = list(plan.rows)
            ids = [outcome.target_id or "" for operation, outcome in done if operation.op is Op.CREATE]
            for index, target_id in zip(plan.created, ids, strict=True):
                rows[index] = replace(rows[index], target_id=target_id)
            for operation in plan.operations:
                self._note(operation)
                self._count(operation)
            replaced[work.id] = rows
            work.rows_due = True
        self._ledger.replace_children(self._program.mapping, replaced)
        if executed:
            self._ledger.settle(executed.intents)
            self._commit()
            if executed.stopped is not None:
                raise executed.stopped
        return lost

    def _held(self, works: Sequence[Work]) -> Held:
        """The rows that the target holds under these records, by parent and set."""
        held: Held = {}
        ids = [work.target_id for work in works if work.target_id and not is_planned(work.target_id)]
        if not ids:
            return held
        for child in self._program.children:
            fields = [info.name for info in child.fields]
            for parent_id, record in self._target.children(child.object, child.parent, ids, fields):
                held.setdefault(parent_id, {}).setdefault(child.name, []).append(record)
        return held

    def _count(self, operation: Operation) -> None:
        counts = self._counts[(operation.child_key or "").partition(" ")[0]]
        match operation.op:
            case Op.CREATE:
                counts.created += 1
            case Op.UPDATE:
                counts.updated += 1
            case Op.DELETE:
                counts.deleted += 1

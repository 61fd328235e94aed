"""Records that could not be written: what is remembered of them, and how they are counted.

A rejected record delays no other. Its error stays in the journal until the record has been written, left out by a
filter, or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fieldwright.dsl.program import Program, Ref
from fieldwright.runtime.records import Operation, Outcome, Result
from fieldwright.runtime.report import ObjectCounts
from fieldwright.runtime.state.journal import ErrorRecord, Journal
from fieldwright.runtime.work import Work

KIND_OF_RESULT = {
    Result.RETRY: "transient",
    Result.AMBIGUOUS: "transient",
    Result.REJECTED: "permanent",
    Result.WAITS: "waiting",
    Result.CONFIG: "permanent",
}


class Rejections:
    """The failures of one mapping in one run."""

    def __init__(
        self, program: Program, programs: Mapping[str, Program], pair: int, journal: Journal, counts: ObjectCounts
    ) -> None:
        self._program = program
        self._programs = programs
        self._pair = pair
        self._journal = journal
        self._counts = counts
        self._checked: set[str] = set()

    def fail(
        self, work: Work, code: str, kind: str, message: str, fix: str = "", at: str = "", where: str = ""
    ) -> None:
        """Reject a record for a reason of our own; `where` is the field concerned."""
        work.failed = True
        self._counts.rejected += 1
        self._journal.record_errors(self._pair, [self._error(work.id, code, kind, message, fix, at, where)])

    def refuse(self, work: Work, operation: Operation, outcome: Outcome) -> None:
        """Reject a record that the target refused."""
        if work.failed:
            return
        work.failed = True
        self.refuse_write(operation, outcome)

    def refuse_write(self, operation: Operation, outcome: Outcome) -> None:
        """Remember a refused write that no longer has a record behind it (a delete)."""
        self._counts.rejected += 1
        name = outcome.fields[0] if outcome.fields else ""
        change = operation.changes.get(name)
        error = self._error(
            operation.source_id,
            outcome.code or "RT401",
            KIND_OF_RESULT.get(outcome.result, "permanent"),
            outcome.reason or "the target refused the record without a reason",
            outcome.fix,
            change.at if change else "",
            name,
        )
        self._journal.record_errors(
            self._pair, [replace(error, object=operation.object, payload=self._masked(operation))]
        )

    def wait(self, work: Work, field_name: str, ref: Ref) -> None:
        """Let a record wait for its parent, and say what keeps the parent away."""
        parent = self._programs.get(ref.mapping)
        noun = parent.source_object.partition(".")[2] if parent else ref.mapping
        why = self._journal.by_record(self._pair, ref.mapping, [ref.key]).get(ref.key)
        reason = f"{field_name} refers to {noun} {ref.key}, which {ref.mapping} has not written"
        if why:
            reason += f" because of {why.code}: {why.message}"
        written = [*self._program.fields, *(info for child in self._program.children for info in child.fields)]
        at = next((info.at for info in written if info.name == field_name), "")
        if why:
            fix = f"fix {noun} {ref.key} first; this record follows by itself in the next run"
        else:
            fix = f"run {ref.mapping} too, or see why it leaves {noun} {ref.key} out; this record follows by itself"
        self.fail(work, "RT201", "waiting", reason, fix, at, field_name)

    def check_failed(self, work: Work, field_name: str, expected: Any, actual: Any) -> None:
        """A record was written, but a check of its mapping does not hold."""
        self._checked.add(work.id)
        message = f"{field_name} should be {expected} by the mapping's check, the target has {actual}"
        fix = "the record was written; look for automation at the target that changes it"
        self._journal.record_errors(self._pair, [self._error(work.id, "RT301", "check", message, fix, "", field_name)])

    def clear(self, works: list[Work]) -> None:
        """These records are fine now, except those whose check just failed."""
        fine = [work.id for work in works if work.id not in self._checked]
        self._journal.clear(self._pair, self._program.mapping, fine)

    def clear_ids(self, source_ids: list[str]) -> None:
        """These records are gone."""
        self._journal.clear(self._pair, self._program.mapping, source_ids)

    def _error(self, source_id: str, code: str, kind: str, message: str, fix: str, at: str, where: str) -> ErrorRecord:
        program = self._program
        return ErrorRecord(
            program.mapping, program.target_object, source_id, where, code, kind, message, fix, at or program.at
        )

    def _masked(self, operation: Operation) -> dict[str, Any]:
        personal = {info.name for info in self._program.fields if info.pii}
        return {
            name: "***" if name in personal and value is not None else _plain(value)
            for name, value in operation.fields.items()
        }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool | list) else str(value)

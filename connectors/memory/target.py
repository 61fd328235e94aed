"""A target in memory that keeps what it is sent, refuses what it is told to refuse, and can lose answers.

It acknowledges writes like a real system and counts them, so that a test compares the world with what was acknowledged
and not with what the runtime believes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fieldwright.dsl.schema import Catalog
from fieldwright.runtime.connector import Capabilities, CustomField, FindRequest
from fieldwright.runtime.records import Identity, Op, Operation, Outcome, Result, TargetRecord

Refusal = Callable[[Operation], Outcome | None]


class MemoryTarget:
    """Implements the Target protocol over dictionaries.

    `unique` names fields (`salesforce.Account.Ext`) whose values may occur once. `refuse` is asked for every operation
    and may answer with an outcome that stands for the system's refusal. `lose_next` makes the next n applied writes
    come back as ambiguous.
    """

    def __init__(self, system: str = "salesforce", account: str = "memory", *, write_batch: int = 1000) -> None:
        self.system = system
        self._account = account
        self.user = "first user"
        self.capabilities = Capabilities(write_batch=write_batch, find_batch=2000, all_or_none=True)
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self.unique: set[str] = set()
        self.refuse: Refusal = lambda _operation: None
        self.before_write: Callable[[], None] = lambda: None
        self.lose_next = 0
        self.writes = 0
        self.sent: list[Operation] = []
        self._calls = 0
        self._ids = 0

    def check(self) -> Identity:
        """Always reachable."""
        self._calls += 1
        return Identity(self.system, self._account, self._account, self.user, facts={"id": self._account})

    def catalog(self) -> Catalog:
        """No schema."""
        return Catalog(self.system)

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """No schema."""
        return Catalog(self.system)

    def calls(self) -> int:
        """Calls of this interface so far."""
        return self._calls

    def close(self) -> None:
        """Nothing to close."""

    def count(self, objects: Sequence[str]) -> Mapping[str, int | None]:
        """Exact numbers."""
        self._calls += 1
        return {name: len(self.records.get(name, {})) for name in objects}

    def find(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        """By equality of all fields of a key."""
        self._calls += 1
        for index, key in enumerate(request.keys):
            for record_id, record in self.records.get(request.object, {}).items():
                if all(self.same(request.object, name, value, record.get(name)) for name, value in key.items()):
                    yield index, TargetRecord(record_id, dict(record))

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """By id."""
        self._calls += 1
        held = self.records.get(object_name, {})
        yield from (TargetRecord(one, dict(held[one])) for one in ids if one in held)

    def children(
        self, object_name: str, parent_field: str, parent_ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[tuple[str, TargetRecord]]:
        """Rows whose parent field is one of the ids."""
        self._calls += 1
        wanted = set(parent_ids)
        for record_id, record in self.records.get(object_name, {}).items():
            if record.get(parent_field) in wanted:
                yield record[parent_field], TargetRecord(record_id, dict(record))

    def ensure_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Every field exists."""
        return []

    def missing_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Every field exists."""
        return []

    def same(self, object_name: str, field: str, ours: Any, theirs: Any) -> bool:
        """Equality, with '' stored as null."""
        return (ours or None) == (theirs or None)

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        """Write; a failing operation takes the others of its aggregate with it."""
        self._calls += 1
        self.before_write()
        saved = {name: {key: dict(row) for key, row in rows.items()} for name, rows in self.records.items()}
        counters = self.writes, len(self.sent)
        outcomes = [self._apply(operation) for operation in operations]
        broken = {
            operation.aggregate
            for operation, outcome in zip(operations, outcomes, strict=True)
            if operation.aggregate and outcome.result is not Result.DONE
        }
        if broken:
            self.records = saved
            self.writes, kept = counters
            del self.sent[kept:]
            outcomes = [
                replace(outcome, result=Result.REJECTED, rolled_back=outcome.result is Result.DONE)
                if operation.aggregate in broken
                else self._apply(operation)
                for operation, outcome in zip(operations, outcomes, strict=True)
            ]
        return [self._perhaps_lost(outcome) for outcome in outcomes]

    def _apply(self, operation: Operation) -> Outcome:
        refused = self.refuse(operation)
        if refused is not None:
            return refused
        rows = self.records.setdefault(operation.object, {})
        self.sent.append(operation)
        self.writes += 1
        if operation.op is Op.DELETE:
            rows.pop(operation.target_id or "", None)
            return Outcome(Result.DONE, target_id=operation.target_id)
        if operation.op is Op.UPDATE:
            if operation.target_id not in rows:
                return Outcome(Result.REJECTED, code="ENTITY_IS_DELETED", reason="entity is deleted", gone=True)
            rows[operation.target_id].update(operation.fields)
            return Outcome(Result.DONE, target_id=operation.target_id, created=False)
        for name, value in operation.fields.items():
            if f"{operation.object}.{name}" in self.unique and any(row.get(name) == value for row in rows.values()):
                return Outcome(Result.REJECTED, code="DUPLICATE_VALUE", reason=f"duplicate value on {name}")
        self._ids += 1
        record_id = f"{operation.object.rpartition('.')[2][:3]}{self._ids:05d}"
        rows[record_id] = dict(operation.fields)
        return Outcome(Result.DONE, target_id=record_id, created=True)

    def _perhaps_lost(self, outcome: Outcome) -> Outcome:
        if self.lose_next and outcome.result is Result.DONE:
            self.lose_next -= 1
            return Outcome(Result.AMBIGUOUS, reason="the answer was lost")
        return outcome

"""A target that can be looked at but not written to: what a plan applies its operations to.

It keeps the reading methods of the real target and nothing else, so a plan has no way to reach a write. Every write
"succeeds" with a placeholder id, which later operations of the plan may refer to, exactly as a run would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fieldwright.runtime.connector import CustomField, FindRequest, Target
from fieldwright.runtime.records import Op, Operation, Outcome, Result, TargetRecord

PLACEHOLDER = "(known after apply"


def planned_id(mapping: str, source_id: str, child: str | None = None) -> str:
    """The placeholder for the record that `mapping` will create for a source record (or one of its rows)."""
    return f"{PLACEHOLDER}: {mapping} {source_id}{'' if child is None else ' ' + child})"


def is_planned(value: Any) -> bool:
    """Whether a value is a placeholder."""
    return isinstance(value, str) and value.startswith(PLACEHOLDER)


class Rehearsal:
    """The read-only stand-in for a target."""

    def __init__(self, target: Target) -> None:
        self.system = target.system
        self.capabilities = target.capabilities
        self.check = target.check
        self.catalog = target.catalog
        self.live_catalog = target.live_catalog
        self.calls = target.calls
        self.count = target.count
        self.same = target.same
        self.missing_fields = target.missing_fields
        self._find = target.find
        self._read = target.read
        self._children = target.children
        self.applied: list[Operation] = []

    def close(self) -> None:
        """Nothing to close: the real target is closed by its owner."""

    def find(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        """Like the target's; a key that holds a placeholder matches nothing, for its record does not exist yet."""
        known = [
            (index, key)
            for index, key in enumerate(request.keys)
            if not any(is_planned(value) for value in key.values())
        ]
        if not known:
            return
        asked = FindRequest(request.object, [key for _, key in known], request.fields)
        for index, record in self._find(asked):
            yield known[index][0], record

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """Like the target's, for real ids."""
        real = [one for one in ids if not is_planned(one)]
        if real:
            yield from self._read(object_name, real, fields)

    def children(
        self, object_name: str, parent_field: str, parent_ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[tuple[str, TargetRecord]]:
        """Like the target's, for real parents."""
        real = [one for one in parent_ids if not is_planned(one)]
        if real:
            yield from self._children(object_name, parent_field, real, fields)

    def ensure_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Those that a run would create; nothing is created."""
        return self.missing_fields(fields)

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        """Record the operations; creates get placeholder ids."""
        self.applied.extend(operations)
        return [
            Outcome(
                Result.DONE,
                target_id=planned_id(operation.mapping, operation.source_id, operation.child_key)
                if operation.op is Op.CREATE
                else operation.target_id,
                created=operation.op is Op.CREATE,
            )
            for operation in operations
        ]

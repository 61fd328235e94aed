"""A source in memory: records with versions, changed through `put` and `remove` like a real system's API would.

Time is a plain number that only `tick` moves, so runs are repeatable to the last detail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fieldwright.dsl.schema import Catalog
from fieldwright.runtime.records import Batch, Change, Cursor, Identity

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 100


class MemorySource:
    """Implements the Source protocol over dictionaries. Objects are qualified names (`chargebee.customer`)."""

    def __init__(self, system: str = "chargebee", account: str = "memory") -> None:
        self.system = system
        self._account = account
        self._records: dict[str, dict[str, Change]] = {}
        self._stamps: dict[tuple[str, str], datetime] = {}
        self._calls = 0
        self._time = EPOCH
        self._version = 0

    # --- the system's own side ----------------------------------------------------------------------------------

    def tick(self, seconds: float = 60) -> None:
        """Let time pass."""
        self._time += timedelta(seconds=seconds)

    def put(self, object_name: str, record: Mapping[str, Any]) -> None:
        """Create or change a record; its `id` field is its id."""
        self._store(object_name, str(record["id"]), record, deleted=False)

    def remove(self, object_name: str, record_id: str) -> None:
        """Delete a record; a tombstone stays."""
        self._store(object_name, record_id, self._records[object_name][record_id].record, deleted=True)

    # --- Connection ---------------------------------------------------------------------------------------------

    def check(self) -> Identity:
        """Always reachable."""
        self._calls += 1
        return Identity(self.system, self._account, self._account, facts={"domain": self._account})

    def catalog(self) -> Catalog:
        """No schema."""
        return Catalog(self.system)

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """No schema."""
        return Catalog(self.system)

    def calls(self) -> int:
        """Calls of this interface so far, one a page."""
        return self._calls

    def close(self) -> None:
        """Nothing to close."""

    # --- Source -------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The memory's clock."""
        return self._time

    def visibility_lag(self) -> float:
        """Writes are visible at once."""
        return 0.0

    def changes(
        self, object_name: str, after: Cursor | None, *, fields: frozenset[str], limit: int | None = None
    ) -> Iterator[Batch]:
        """Pages of at most 100, by time and id; newest first when limited."""
        stamps = self._stamps
        rows = sorted(
            self._records.get(object_name, {}).values(), key=lambda change: (stamps[object_name, change.id], change.id)
        )
        if after is not None:
            rows = [change for change in rows if stamps[object_name, change.id] >= after.instant]
        if limit is not None:
            rows = rows[::-1][:limit]
        for start in range(0, max(len(rows), 1), PAGE):
            self._calls += 1
            yield Batch(tuple(rows[start : start + PAGE]))

    def fetch(self, object_name: str, ids: Sequence[str], *, fields: frozenset[str]) -> Iterator[Batch]:
        """Those that exist."""
        self._calls += 1
        known = self._records.get(object_name, {})
        yield Batch(tuple(known[one] for one in ids if one in known))

    def related(
        self, object_name: str, field: str, values: Sequence[str], *, fields: frozenset[str]
    ) -> Iterator[Batch]:
        """Records whose field is one of the values."""
        self._calls += 1
        wanted = set(values)
        rows = self._records.get(object_name, {}).values()
        yield Batch(tuple(change for change in rows if str(change.record.get(field)) in wanted))

    def _store(self, object_name: str, record_id: str, record: Mapping[str, Any], *, deleted: bool) -> None:
        self._version += 1
        change = Change(object_name, record_id, self._version, dict(record), deleted)
        self._records.setdefault(object_name, {})[record_id] = change
        self._stamps[object_name, record_id] = self._time

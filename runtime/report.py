"""What a run or a plan did, as values; reporters turn them into text and JSON.

Counts are per mapping and object (child rows are rows of their own). For every mapping `read = created + updated +
unchanged-of-this-run + deleted + skipped + rejected` holds over the records it looked at; `unchanged` as shown counts
every linked record that this run did not touch, so that a quiet run says what it vouches for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fieldwright.runtime.records import Operation
from fieldwright.runtime.state.journal import ErrorRecord


@dataclass(slots=True)
class ObjectCounts:
    """Counts of one mapping's object. `skipped` were left out by a filter or rule, `rejected` failed."""

    mapping: str
    object: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    rejected: int = 0


@dataclass(slots=True)
class RunReport:
    """The whole run. `mode` is incremental, initial, all, retry or plan; `status` completed, completed_with_errors,
    aborted or cancelled. `operations` are kept for plans only. `calls` counts requests per system and `writes` the
    records sent. `seconds` holds wall time per phase. `notes` are sentences for people (created fields, brought-along
    parents, lists without a clock). Of `errors` `known_bad` are of earlier runs (this one did not try them);
    `failed_checks` counts records that this run wrote and that are not as a check of their mapping wants,
    `stopped_mappings` the mappings whose object a system refused as a whole (a note of each says why)."""

    id: int
    mode: str
    target: str
    status: str = "running"
    objects: list[ObjectCounts] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: str = ""
    stopped_fix: str = ""
    exit_code: int = 0
    known_bad: int = 0
    failed_checks: int = 0
    stopped_mappings: int = 0

    def counts(self, mapping: str, object_name: str) -> ObjectCounts:
        """The row of a mapping's object, made when absent."""
        for row in self.objects:
            if row.mapping == mapping and row.object == object_name:
                return row
        row = ObjectCounts(mapping, object_name)
        self.objects.append(row)
        return row

    def total(self, column: str) -> int:
        """Sum of a column over all objects."""
        return sum(getattr(row, column) for row in self.objects)

    @property
    def changes(self) -> int:
        """Records created, updated or deleted (or, in a plan, to be)."""
        return self.total("created") + self.total("updated") + self.total("deleted")


Calls = Mapping[str, int]

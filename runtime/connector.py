"""The seams between the runtime and the connected systems: `Source`, `Target`, `Connection`.

The runtime calls these and nothing else of a connector. Batches cross every seam. Implementations are found through
`fieldwright.connectors.registry` and must pass the acceptance kit in `fieldwright.connectors.contract`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fieldwright.dsl.schema import Catalog
from fieldwright.dsl.types import Type
from fieldwright.runtime.records import Batch, Cursor, Identity, Operation, Outcome, TargetRecord


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the core asks of a target. `write_batch` is how many operations one `apply` may take to be cheap (the core
    never gives more); `reports_existing` says whether the target tells created from updated; `all_or_none` whether a
    group of operations can be applied atomically; `upserts_by` names fields (`activecampaign.contact.email`) by which a
    create finds and updates an existing record by itself, so that no look-up is needed."""

    write_batch: int
    find_batch: int
    all_or_none: bool = False
    deletes: bool = True
    upserts_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CustomField:
    """A target field that must exist before the first write; `type` is the mapped value's type."""

    object: str
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class FindRequest:
    """Look for records of one object: each entry of `keys` is a complete key alternative (field -> value)."""

    object: str
    keys: Sequence[Mapping[str, Any]]
    fields: Sequence[str]


class Connection(Protocol):
    """One configured system. Creating it opens nothing; `check` does the first call."""

    system: str

    def check(self) -> Identity:
        """Log in where needed and say who and where we are. Called once at the start of a run, before anything else.
        Raises Unavailable, AccessRefused, ConfigError."""

    def catalog(self) -> Catalog:
        """The shipped schema of the system; no network."""

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """The schema as the system tells it now, for the named qualified objects."""

    def calls(self) -> int:
        """Requests sent so far by this connection, retries included."""

    def close(self) -> None:
        """Release sockets. May be called twice."""


class Source(Connection, Protocol):
    """A system that records are read from."""

    def now(self) -> datetime:
        """The source's clock (from a reply's Date header where there was one), aware UTC."""

    def visibility_lag(self) -> float:
        """Seconds that lists may lag behind writes; a watermark stays that far behind `now`."""

    def changes(
        self, object_name: str, after: Cursor | None, *, fields: frozenset[str], limit: int | None = None
    ) -> Iterator[Batch]:
        """Records changed at or after the cursor (all, for None), deleted ones included where the system can tell.
        With `limit`: the latest `limit` records, newest first, and no cursor. Pages are stable under insertion.
        `fields` are the top-level fields needed; others may be left out of the records. Called once an object a run."""

    def fetch(self, object_name: str, ids: Sequence[str], *, fields: frozenset[str]) -> Iterator[Batch]:
        """Records by id, in few calls; ids that do not exist are simply not among them."""

    def related(
        self, object_name: str, field: str, values: Sequence[str], *, fields: frozenset[str]
    ) -> Iterator[Batch]:
        """Records whose `field` is one of `values`, in few calls where the system can filter by that field; otherwise
        all records. Used for the few records of an initial run only."""


class Target(Connection, Protocol):
    """A system that records are written to."""

    capabilities: Capabilities

    def count(self, objects: Sequence[str]) -> Mapping[str, int | None]:
        """How many records each object holds now, in as few calls as possible; None where it cannot be told cheaply.
        Zero lets the runtime skip all look-ups for the object."""

    def find(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        """Records that match any key; yields the index of the key in `request.keys` with each. Values compare as the
        target compares them (e-mail without case)."""

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """Records by target id; those gone are not among them."""

    def children(
        self, object_name: str, parent_field: str, parent_ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[tuple[str, TargetRecord]]:
        """Rows under the given parents, each with its parent's id."""

    def ensure_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Create the custom fields that the system lets us create and that are absent; returns those created.
        Called once before the first write, only with fields of objects that allow it (ActiveCampaign)."""

    def missing_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Those of the fields that do not exist now; read only, for plans."""

    def same(self, object_name: str, field: str, ours: Any, theirs: Any) -> bool:
        """Whether the target would store `ours` as `theirs` (trimming, e-mail case, '' as null, instants)."""

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        """Write; one outcome for each operation, same order. Operations of one `aggregate` succeed or fail together.
        Raises RunErrors only when nothing of the batch was applied; a loss after sending is an ambiguous outcome."""

"""Fills rows into as few write calls as possible without tearing apart what belongs together.

Rows of one kind (object, operation, key, header) share a collection of at most 200; five collections share a composite
call. Aggregates are packed whole: those of one kind into collections, mixed ones into composite calls, with deletes
ahead of updates and creates, because a new row may need the unique value of the old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.connectors.salesforce.client import ROOT, SUBREQUESTS
from fieldwright.runtime.records import Op

ROWS: Final = 200
"""Rows of one collection."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the rows of one collection have in common. `key` is the external id of an upsert, else empty."""

    sobject: str
    op: Op
    key: str
    duplicates_allowed: bool

    @property
    def idempotent(self) -> bool:
        """Whether sending the rows twice leaves the same records."""
        return self.op is not Op.CREATE or bool(self.key)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation on its way: its place in the batch and its wire form."""

    place: int
    kind: Kind
    aggregate: str | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """Rows of one kind for one subrequest. `whole`: applied together or not at all."""

    kind: Kind
    rows: tuple[Row, ...]
    whole: bool = False

    def request(self, reference: str) -> dict[str, Any]:
        """The subrequest of a composite call."""
        path = f"{ROOT}/composite/sobjects"
        made: dict[str, Any] = {"referenceId": reference}
        if self.kind.op is Op.DELETE:
            ids = ",".join(str(row.body["id"]) for row in self.rows)
            # Only deletes take these from the address; the others from the body.
            return made | {"method": "DELETE", "url": f"{path}?ids={ids}&allOrNone={str(self.whole).lower()}"}
        if self.kind.key:
            path = f"{path}/{self.kind.sobject}/{self.kind.key}"
        method = "POST" if self.kind.op is Op.CREATE and not self.kind.key else "PATCH"
        body = {"allOrNone": self.whole, "records": [row.body for row in self.rows]}
        return made | {"method": method, "url": path, "body": body}


def as_collections(rows: Sequence[Row], *, whole: bool) -> list[Collection]:
    """Rows grouped by kind in the order of first sight (deletes first when whole), cut to size."""
    kinds: dict[Kind, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    order = sorted(kinds, key=lambda kind: (Op.DELETE, Op.UPDATE, Op.CREATE).index(kind.op)) if whole else list(kinds)
    return [Collection(kind, tuple(part), whole) for kind in order for part in _cut(kinds[kind])]


def _cut(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Parts of at most `ROWS`; two rows for one external id never share a part, because Salesforce refuses both."""
    part: list[Row] = []
    seen: set[str] = set()
    for row in rows:
        value = str(row.body.get(row.kind.key)) if row.kind.key else ""
        if len(part) == ROWS or (value and value in seen):
            yield part
            part, seen = [], set()
        part.append(row)
        seen.add(value)
    if part:
        yield part


def calls(collections: Sequence[Collection]) -> Iterator[list[Collection]]:
    """Collections of one composite call: at most five, all agreeing on the duplicate header."""
    for allowed in (False, True):
        agreed = [collection for collection in collections if collection.kind.duplicates_allowed is allowed]
        for start in range(0, len(agreed), SUBREQUESTS):
            yield agreed[start : start + SUBREQUESTS]


def by_kind(groups: Sequence[list[Row]]) -> dict[Kind, list[list[Row]]]:
    """Aggregates of one kind of row each, by that kind."""
    kinds: dict[Kind, list[list[Row]]] = {}
    for group in groups:
        kinds.setdefault(group[0].kind, []).append(group)
    return kinds


def packed(groups: Sequence[list[Row]]) -> Iterator[list[list[Row]]]:
    """Whole aggregates filled into collections."""
    pack: list[list[Row]] = []
    size = 0
    for group in groups:
        if pack and size + len(group) > ROWS:
            yield pack
            pack, size = [], 0
        pack.append(group)
        size += len(group)
    if pack:
        yield pack


def mixed_packs(groups: Sequence[list[Row]]) -> Iterator[list[list[Row]]]:
    """Whole aggregates filled into composite calls of at most five collections."""
    pack: list[list[Row]] = []
    for group in groups:
        if pack and len(as_collections(flat([*pack, group]), whole=True)) > SUBREQUESTS:
            yield pack
            pack = []
        pack.append(group)
    if pack:
        yield pack


def agreeing(packs: Sequence[tuple[Kind, list[list[Row]]]]) -> Iterator[list[tuple[Kind, list[list[Row]]]]]:
    """Packs of one call, which all take the same duplicate header."""
    for allowed in (False, True):
        agreed = [(kind, pack) for kind, pack in packs if kind.duplicates_allowed is allowed]
        if agreed:
            yield agreed


def flat(groups: Sequence[Sequence[Row]]) -> tuple[Row, ...]:
    """The rows of several aggregates."""
    return tuple(row for group in groups for row in group)

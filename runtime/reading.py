"""The reading half of a run: changes at the source -> the mirror.

Every source object that any program needs is read once a run, cut down to the fields in use, and stored with its
watermark in one transaction. A field that was not kept so far needs one full read of its object. The watermark stays
behind the source's clock by the system's visibility lag and its overlap is read again; equal versions cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from fieldwright.dsl.program import Program
from fieldwright.runtime.connector import Source
from fieldwright.runtime.errors import ObjectRefused
from fieldwright.runtime.records import Batch, Cursor
from fieldwright.runtime.state.database import Database
from fieldwright.runtime.state.mirror import Mirror

ALWAYS_KEPT = frozenset({"id", "resource_version", "updated_at", "created_at", "deleted"})


def used_fields(programs: Iterable[Program]) -> dict[str, frozenset[str]]:
    """Per qualified source object the top-level fields that any of the programs reads."""
    used: dict[str, frozenset[str]] = {}
    for program in programs:
        for object_name in source_objects(program):
            needed = program.used.get(object_name, frozenset())
            used[object_name] = used.get(object_name, ALWAYS_KEPT) | needed
        for object_name, fields in indexed_fields([program]).items():
            roots = frozenset(field.partition(".")[0] for field in fields)
            used[object_name] = used.get(object_name, ALWAYS_KEPT) | roots
    return used


def indexed_fields(programs: Iterable[Program]) -> dict[str, frozenset[str]]:
    """Per source object the fields by which declared reads find records, in either direction."""
    indexed: dict[str, set[str]] = {}
    for program in programs:
        for read in program.reads:
            if read.where_field:
                indexed.setdefault(read.object, set()).add(read.where_field)
            if read.key_root_field and read.key_root_field != "id":
                indexed.setdefault(program.source_object, set()).add(read.key_root_field)
    return {name: frozenset(fields) for name, fields in indexed.items()}


def source_objects(program: Program) -> list[str]:
    """The source objects a program needs: the driving one, then those of its declared reads."""
    return list(dict.fromkeys([program.source_object, *(read.object for read in program.reads)]))


class Reader:
    """Reads changes of a source into the mirror. `refused` holds the objects that the source would not give: whoever
    needs one of them cannot go on, all others can."""

    def __init__(self, source: Source, mirror: Mirror, database: Database) -> None:
        self._source = source
        self._mirror = mirror
        self._db = database
        self.read: dict[str, int] = {}
        self.refused: dict[str, ObjectRefused] = {}

    def incremental(self, object_name: str, fields: frozenset[str], *, full: bool = False) -> None:
        """Everything since the watermark (all of it without one, with new fields, or when `full`)."""
        instant, kept = self._mirror.watermark(object_name)
        everything = full or instant is None or not fields <= kept
        keep = fields | kept
        started = self._source.now() - timedelta(seconds=self._source.visibility_lag())
        after = None if everything or instant is None else Cursor(instant)
        self.read.setdefault(object_name, 0)
        with self._refusable(object_name):
            for batch in self._source.changes(object_name, after, fields=keep):
                self._absorb(object_name, batch, keep)
                # A first read may outlast the lease.
                self._db.renew()
                self._db.commit()
            self._mirror.set_watermark(object_name, started, keep)
        self._db.commit()

    def latest(self, object_name: str, fields: frozenset[str], limit: int) -> list[str]:
        """The latest `limit` records, newest first, without moving the watermark; returns their ids."""
        _instant, kept = self._mirror.watermark(object_name)
        ids: list[str] = []
        with self._refusable(object_name):
            for batch in self._source.changes(object_name, None, fields=fields | kept, limit=limit):
                self._absorb(object_name, batch, fields | kept)
                ids.extend(change.id for change in batch.changes if not change.deleted)
        self._db.commit()
        return ids

    def by_id(self, object_name: str, ids: Sequence[str], fields: frozenset[str]) -> list[str]:
        """Records by id that the mirror lacks; returns the ids that exist."""
        known = self._mirror.load(object_name, ids)
        wanted = [one for one in dict.fromkeys(ids) if one not in known]
        if wanted:
            _instant, kept = self._mirror.watermark(object_name)
            with self._refusable(object_name):
                for batch in self._source.fetch(object_name, wanted, fields=fields | kept):
                    self._absorb(object_name, batch, fields | kept)
            self._db.commit()
            known = self._mirror.load(object_name, ids)
        return list(known)

    def related(self, object_name: str, field: str, values: Sequence[str], fields: frozenset[str]) -> None:
        """Records of an object whose `field` is one of `values` (for the few records of an initial run)."""
        _instant, kept = self._mirror.watermark(object_name)
        with self._refusable(object_name):
            for batch in self._source.related(object_name, field, values, fields=fields | kept):
                self._absorb(object_name, batch, fields | kept)
        self._db.commit()

    def _absorb(self, object_name: str, batch: Batch, fields: frozenset[str]) -> None:
        self.read[object_name] = self.read.get(object_name, 0) + len(batch.changes)
        self._mirror.absorb(object_name, batch.changes, fields)

    @contextmanager
    def _refusable(self, object_name: str) -> Iterator[None]:
        try:
            yield
        except ObjectRefused as error:
            self.refused.setdefault(object_name, error)


def parents_of(programs: Mapping[str, Program], refs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Source objects and ids behind references (mapping, key): for a mapping keyed by its source id."""
    wanted: dict[str, list[str]] = {}
    for mapping, key in refs:
        program = programs.get(mapping)
        if program is not None:
            wanted.setdefault(program.source_object, []).append(key)
    return wanted

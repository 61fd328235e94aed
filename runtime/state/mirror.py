"""The mirror: the latest version read of each source record, and how far everybody has got with it.

Reading appends to the mirror and moves the watermark in one transaction; mappings then work from the mirror. Because
the mirror is durable, the two may be a crash apart: a record that was read is not lost before it is applied. It also
answers declared reads (`with:`) without a call, and knows which records a changed neighbour concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from fieldwright.runtime.records import Change
from fieldwright.runtime.state.database import Database, chunks
from fieldwright.runtime.state.tables import progress, record_keys, records, watermarks

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Mirror:
    """The records of one source account. `indexed` names, per object, the fields that reads look up by."""

    def __init__(self, database: Database, source_id: int, indexed: Mapping[str, frozenset[str]]) -> None:
        self._db = database
        self._source = source_id
        self._indexed = indexed

    # --- reading side -------------------------------------------------------------------------------------------

    def watermark(self, object_name: str) -> tuple[datetime | None, frozenset[str]]:
        """Where reading goes on, and the fields that earlier reads kept; (None, empty) before the first read."""
        row = self._db.execute(
            sa.select(watermarks.c.instant, watermarks.c.fields).where(
                watermarks.c.source_id == self._source, watermarks.c.object == object_name
            )
        ).first()
        if row is None:
            return None, frozenset()
        instant = datetime.fromisoformat(row.instant) if row.instant else None
        return instant, frozenset(filter(None, row.fields.split(",")))

    def set_watermark(self, object_name: str, instant: datetime, fields: frozenset[str]) -> None:
        """Move the watermark; it never goes back while the fields stay the same."""
        before, kept = self.watermark(object_name)
        if before is not None and kept == fields and before > instant:
            instant = before
        values = {"instant": instant.isoformat(), "fields": ",".join(sorted(fields))}
        where = (watermarks.c.source_id == self._source) & (watermarks.c.object == object_name)
        if self._db.execute(watermarks.update().where(where).values(**values)).rowcount == 0:
            self._db.execute(watermarks.insert().values(source_id=self._source, object=object_name, **values))

    def absorb(self, object_name: str, changes: Sequence[Change], fields: frozenset[str]) -> int:
        """Store new versions; returns how many records really changed. Older versions are ignored, equal ones too,
        so that re-reading an overlap costs nothing further down."""
        latest: dict[str, Change] = {}
        for change in changes:
            known = latest.get(change.id)
            if known is None or change.version >= known.version:
                latest[change.id] = change
        stored = {
            row.id: row
            for chunk in chunks(list(latest))
            for row in self._db.execute(
                sa.select(records.c.id, records.c.version, records.c.deleted, records.c.payload).where(
                    records.c.source_id == self._source, records.c.object == object_name, records.c.id.in_(chunk)
                )
            )
        }
        rows = []
        for change in latest.values():
            payload = _encode({name: value for name, value in change.record.items() if name in fields})
            row = stored.get(change.id)
            if row is not None:
                if change.version < row.version:
                    continue
                if row.payload == payload and bool(row.deleted) == change.deleted:
                    continue
            rows.append((change, payload))
        if not rows:
            return 0
        seq = self._db.next_number("seq", len(rows))
        values: list[dict[str, Any]] = [
            {
                "source_id": self._source,
                "object": object_name,
                "id": change.id,
                "version": change.version,
                "seq": seq + number,
                "deleted": change.deleted,
                "payload": payload,
            }
            for number, (change, payload) in enumerate(rows)
        ]
        self._delete_rows(records, object_name, [v["id"] for v in values if v["id"] in stored])
        self._db.execute(records.insert(), values)
        self._index(object_name, [change for change, _ in rows], known=stored.keys())
        return len(rows)

    # --- working side -------------------------------------------------------------------------------------------

    def top(self) -> int:
        """The highest sequence number given out."""
        found = self._db.execute(
            sa.select(sa.func.max(records.c.seq)).where(records.c.source_id == self._source)
        ).scalar()
        return int(found or 0)

    def changed_ids(self, object_name: str, after: int, upto: int) -> Iterator[list[tuple[int, str]]]:
        """(seq, id) of records changed after a sequence number, in order, in chunks."""
        at = after
        while True:
            rows = self._db.execute(
                sa.select(records.c.seq, records.c.id)
                .where(
                    records.c.source_id == self._source,
                    records.c.object == object_name,
                    records.c.seq > at,
                    records.c.seq <= upto,
                )
                .order_by(records.c.seq)
                .limit(5000)
            ).all()
            if not rows:
                return
            yield [(row.seq, row.id) for row in rows]
            at = rows[-1].seq

    def has_changed(self, object_name: str, after: int, upto: int) -> bool:
        """Whether any record of the object changed in that stretch."""
        return (
            self._db.execute(
                sa.select(sa.literal(1))
                .where(
                    records.c.source_id == self._source,
                    records.c.object == object_name,
                    records.c.seq > after,
                    records.c.seq <= upto,
                )
                .limit(1)
            ).scalar()
            is not None
        )

    def deleted_ids(self, object_name: str, after: int, upto: int) -> list[str]:
        """Records that were deleted at the source in that stretch."""
        return list(
            self._db.execute(
                sa.select(records.c.id).where(
                    records.c.source_id == self._source,
                    records.c.object == object_name,
                    records.c.seq > after,
                    records.c.seq <= upto,
                    records.c.deleted.is_(True),
                )
            ).scalars()
        )

    def count(self, object_name: str) -> int:
        """Live records known of an object."""
        return int(
            self._db.execute(
                sa.select(sa.func.count()).where(
                    records.c.source_id == self._source, records.c.object == object_name, records.c.deleted.is_(False)
                )
            ).scalar_one()
        )

    def load(self, object_name: str, ids: Sequence[str]) -> dict[str, Change]:
        """Records by id, those known."""
        found: dict[str, Change] = {}
        for chunk in chunks(ids):
            for row in self._db.execute(
                sa.select(records.c.id, records.c.version, records.c.deleted, records.c.payload).where(
                    records.c.source_id == self._source, records.c.object == object_name, records.c.id.in_(chunk)
                )
            ):
                found[row.id] = Change(object_name, row.id, row.version, _decode(row.payload), bool(row.deleted))
        return found

    def ids_by(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[str]]:
        """For each value of an indexed field the ids of the live records that have it."""
        found: dict[str, list[str]] = {}
        for chunk in chunks(values):
            for row in self._db.execute(
                sa.select(record_keys.c.value, record_keys.c.id).where(
                    record_keys.c.source_id == self._source,
                    record_keys.c.object == object_name,
                    record_keys.c.field == field,
                    record_keys.c.value.in_(chunk),
                )
            ):
                found.setdefault(row.value, []).append(row.id)
        return found

    def values_of(self, object_name: str, field: str, ids: Sequence[str]) -> set[str]:
        """The values of an indexed field that the given records have."""
        found: set[str] = set()
        for chunk in chunks(ids):
            found.update(
                self._db.execute(
                    sa.select(record_keys.c.value).where(
                        record_keys.c.source_id == self._source,
                        record_keys.c.object == object_name,
                        record_keys.c.field == field,
                        record_keys.c.id.in_(chunk),
                    )
                ).scalars()
            )
        return found

    # --- progress of the mappings -------------------------------------------------------------------------------

    def progress(self, pair_id: int, mapping: str, digest: str) -> dict[str, int]:
        """Per object the sequence number up to which the mapping has seen changes; empty when its meaning changed."""
        rows = self._db.execute(
            sa.select(progress.c.object, progress.c.seq, progress.c.digest).where(
                progress.c.pair_id == pair_id, progress.c.mapping == mapping
            )
        ).all()
        return {row.object: row.seq for row in rows if row.digest == digest}

    def set_progress(self, pair_id: int, mapping: str, object_name: str, seq: int, digest: str) -> None:
        """The mapping has seen everything of `object_name` up to `seq`."""
        where = (progress.c.pair_id == pair_id) & (progress.c.mapping == mapping) & (progress.c.object == object_name)
        values = {"seq": seq, "digest": digest}
        if self._db.execute(progress.update().where(where).values(**values)).rowcount == 0:
            self._db.execute(progress.insert().values(pair_id=pair_id, mapping=mapping, object=object_name, **values))

    # --- inside -------------------------------------------------------------------------------------------------

    def _index(self, object_name: str, changes: Iterable[Change], known: Iterable[str]) -> None:
        fields = self._indexed.get(object_name)
        if not fields:
            return
        known_ids = set(known)
        rows = []
        for change in changes:
            if change.deleted:
                continue
            for field in fields:
                value = _dig(change.record, field)
                if value is not None:
                    rows.append(
                        {
                            "source_id": self._source,
                            "object": object_name,
                            "field": field,
                            "value": str(value),
                            "id": change.id,
                        }
                    )
        self._delete_rows(record_keys, object_name, [c.id for c in changes if c.id in known_ids])
        if rows:
            self._db.execute(record_keys.insert(), rows)

    def _delete_rows(self, table: sa.Table, object_name: str, ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            self._db.execute(
                table.delete().where(
                    table.c.source_id == self._source, table.c.object == object_name, table.c.id.in_(chunk)
                )
            )


def _dig(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value

"""The journal: runs and their reports, and the errors that stay until they are fixed.

An error belongs to one record of one mapping; a newer failure of the same record replaces it and counts the tries.
Success of the record removes it. Kinds: `transient` (tried again by itself), `permanent` (tried again when source,
mapping or target schema change, or by `--retry`), `mapping` (the expression failed), `waiting` (a parent is missing),
`check` (written, but a check of the mapping does not hold).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from fieldwright.runtime.state.database import Database, chunks
from fieldwright.runtime.state.tables import errors, runs


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One error as shown by `interpret errors`. `payload` is the record as sent, masked where fields are personal."""

    mapping: str
    object: str
    source_id: str
    field: str
    code: str
    kind: str
    message: str
    fix: str
    at: str
    id: int = 0
    tries: int = 1
    next_try: str | None = None
    first_seen: str = ""
    last_seen: str = ""
    payload: Mapping[str, Any] | None = None
    ignored: bool = False


class Journal:
    """Runs and errors in the state database. `recorded` holds (mapping, source id) of the errors met through this
    journal, which tells those of a run from those that earlier runs left."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self.recorded: set[tuple[str, str]] = set()

    def begin_run(self, mode: str, target: str, settings_hash: str) -> int:
        """A new run, status `running`; returns its number."""
        number = self._db.next_number("runs")
        self._db.execute(
            runs.insert().values(
                id=number,
                mode=mode,
                target=target,
                status="running",
                started_at=_now(),
                settings_hash=settings_hash,
            )
        )
        self._db.execute(
            runs.update().where(runs.c.status == "running", runs.c.id != number).values(status="cancelled")
        )
        return number

    def end_run(self, number: int, status: str, report: bytes) -> None:
        """The run ended with this status; `report` is its JSON."""
        self._db.execute(
            runs.update().where(runs.c.id == number).values(status=status, finished_at=_now(), report=report)
        )

    def last_run(self) -> Mapping[str, Any] | None:
        """The newest run, or None."""
        row = self._db.execute(sa.select(runs).order_by(runs.c.id.desc()).limit(1)).mappings().first()
        return dict(row) if row else None

    def errors(self, pair: int | None = None, mapping: str | None = None) -> list[ErrorRecord]:
        """All open errors, oldest first."""
        query = sa.select(errors).order_by(errors.c.id)
        if pair is not None:
            query = query.where(errors.c.pair_id == pair)
        if mapping is not None:
            query = query.where(errors.c.mapping == mapping)
        return [_error(row) for row in self._db.execute(query).mappings()]

    def retry_ids(self, pair: int, mapping: str, kinds: Iterable[str]) -> list[str]:
        """Source ids of open errors of the given kinds (ignored ones left out)."""
        return list(
            self._db.execute(
                sa.select(errors.c.source_id).where(
                    errors.c.pair_id == pair,
                    errors.c.mapping == mapping,
                    errors.c.kind.in_(list(kinds)),
                    errors.c.ignored.is_(False),
                )
            ).scalars()
        )

    def by_record(self, pair: int, mapping: str, source_ids: Sequence[str]) -> dict[str, ErrorRecord]:
        """Open errors of the given records."""
        found: dict[str, ErrorRecord] = {}
        for chunk in chunks(source_ids):
            rows = self._db.execute(
                sa.select(errors).where(
                    errors.c.pair_id == pair,
                    errors.c.mapping == mapping,
                    errors.c.source_id.in_(chunk),
                )
            ).mappings()
            for row in rows:
                found[row["source_id"]] = _error(row)
        return found

    def record_errors(self, pair: int, new: Sequence[ErrorRecord]) -> None:
        """Insert or replace errors; tries and first sighting carry on."""
        if not new:
            return
        now = _now()
        self.recorded.update((error.mapping, error.source_id) for error in new)
        for mapping in {error.mapping for error in new}:
            of_mapping = [error for error in new if error.mapping == mapping]
            known = self.by_record(pair, mapping, [error.source_id for error in of_mapping])
            self.clear(pair, mapping, list(known))
            first = self._db.next_number("errors", len(of_mapping))
            self._db.execute(
                errors.insert(),
                [
                    {
                        "id": known[e.source_id].id if e.source_id in known else first + number,
                        "pair_id": pair,
                        "mapping": e.mapping,
                        "object": e.object,
                        "source_id": e.source_id,
                        "field": e.field,
                        "code": e.code,
                        "kind": e.kind,
                        "message": e.message,
                        "fix": e.fix,
                        "at": e.at,
                        "tries": known[e.source_id].tries + 1 if e.source_id in known else 1,
                        "next_try": e.next_try,
                        "first_seen": known[e.source_id].first_seen if e.source_id in known else now,
                        "last_seen": now,
                        "payload": None if e.payload is None else msgspec.json.encode(e.payload),
                        "ignored": known[e.source_id].ignored if e.source_id in known else False,
                    }
                    for number, e in enumerate(of_mapping)
                ],
            )

    def clear(self, pair: int, mapping: str, source_ids: Sequence[str]) -> None:
        """These records are fine now."""
        for chunk in chunks(source_ids):
            self._db.execute(
                errors.delete().where(
                    errors.c.pair_id == pair,
                    errors.c.mapping == mapping,
                    errors.c.source_id.in_(chunk),
                )
            )


def _error(row: sa.RowMapping) -> ErrorRecord:
    return ErrorRecord(
        mapping=row["mapping"],
        object=row["object"],
        source_id=row["source_id"],
        field=row["field"],
        code=row["code"],
        kind=row["kind"],
        message=row["message"],
        fix=row["fix"],
        at=row["at"],
        id=row["id"],
        tries=row["tries"],
        next_try=row["next_try"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        payload=None if row["payload"] is None else msgspec.json.decode(row["payload"]),
        ignored=bool(row["ignored"]),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""What a look at one record may use of a run's surroundings: readers of state, source and target, and no writer.

`Onlooker` has the reading methods of a target and nothing else; `look_into` opens a state whose database refuses
every change; `Asked` answers declared reads from the source itself, without a mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from fieldwright.dsl.values import MISSING
from fieldwright.runtime.connector import Source, Target
from fieldwright.runtime.records import Change
from fieldwright.runtime.rehearsal import Rehearsal
from fieldwright.runtime.state.database import Database, open_file
from fieldwright.runtime.state.ledger import Ledger
from fieldwright.runtime.state.mirror import Mirror
from fieldwright.runtime.state.tables import pairs, runs, sources

_RUNS_ASKED = 50


class Onlooker:
    """The reading methods of a target; it has no other, so nothing that holds it can write."""

    def __init__(self, target: Target) -> None:
        reading = Rehearsal(target)
        self.system = reading.system
        self.capabilities = reading.capabilities
        self.check = reading.check
        self.same = reading.same
        self.find = reading.find
        self.read = reading.read
        self.children = reading.children


def look_into(path: Path) -> Database:
    """The state at `path` (which must exist), open for reading: any change is refused by the database itself."""
    database = open_file(path, rehearse=True)
    database.execute(sa.text("PRAGMA query_only = ON"))
    return database


@dataclass(frozen=True, slots=True)
class Pairing:
    """Source and target accounts that a state knows together. `others` are further source accounts it knows."""

    source_id: int
    source: str
    pair: int
    target: str
    others: tuple[str, ...] = ()

    def ledger(self, database: Database) -> Ledger:
        """The links of this pair."""
        return Ledger(database, self.pair, 0)


def pairing(
    database: Database, source: str, target: str, accounts: tuple[str | None, str | None] = (None, None)
) -> Pairing | None:
    """The pair of accounts of these two systems: that of the given accounts, else the one met last."""
    theirs = sources.alias()
    rows: Sequence[Any] = database.execute(
        sa.select(pairs.c.id, pairs.c.source_id, sources.c.account, theirs.c.account)
        .join(sources, sources.c.id == pairs.c.source_id)
        .join(theirs, theirs.c.id == pairs.c.target_id)
        .where(sources.c.system == source, theirs.c.system == target)
        .order_by(pairs.c.id.desc())
    ).all()
    wanted = [row for row in rows if accounts[0] in (None, row[2]) and accounts[1] in (None, row[3])]
    if not wanted:
        return None
    pair, source_id, account, other = wanted[0]
    more = tuple(dict.fromkeys(row[2] for row in rows if row[2] != account))
    return Pairing(int(source_id), str(account), int(pair), str(other), more)


def remembered_facts(database: Database) -> dict[str, Mapping[str, Any]]:
    """What the latest runs were told about each system (`run.source`, `run.target`); nothing for systems not met."""
    found: dict[str, Mapping[str, Any]] = {}
    reports = database.execute(
        sa.select(runs.c.report).where(runs.c.report.is_not(None)).order_by(runs.c.id.desc()).limit(_RUNS_ASKED)
    ).scalars()
    for report in reports:
        facts = msgspec.json.decode(report).get("facts") or {}
        for system, told in facts.items():
            found.setdefault(system, told)
    return found


@dataclass(slots=True)
class Asked:
    """Declared reads answered by the source, each record asked for once. `fields` as for a run's reading."""

    source: Source
    fields: Mapping[str, frozenset[str]]
    known: dict[tuple[str, str], Change | None] = field(default_factory=dict)

    def load(self, object_name: str, ids: Sequence[str]) -> dict[str, Change]:
        """Records by id, those there are."""
        wanted = [one for one in dict.fromkeys(ids) if (object_name, one) not in self.known]
        if wanted:
            self.known.update({(object_name, one): None for one in wanted})
            self._keep(self.source.fetch(object_name, wanted, fields=self._fields(object_name)))
        return {one: change for one in ids if (change := self.known[object_name, one]) is not None}

    def ids_by(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[str]]:
        """For each value of a field the ids of the records that have it."""
        found: dict[str, list[str]] = {}
        if not values:
            return found
        batches = self.source.related(object_name, field, values, fields=self._fields(object_name))
        for change in self._keep(batches):
            value: Any = change.record
            for name in field.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is not None and str(value) in values and not change.deleted:
                found.setdefault(str(value), []).append(change.id)
        return found

    def _keep(self, batches: Iterable[Any]) -> list[Change]:
        changes = [change for batch in batches for change in batch.changes]
        self.known.update({(change.object, change.id): change for change in changes})
        return changes

    def _fields(self, object_name: str) -> frozenset[str]:
        return self.fields.get(object_name, frozenset())


@dataclass(frozen=True, slots=True)
class Remembered:
    """Declared reads answered by the mirror. A field that a mapping uses by now but that was not kept when the record
    was read is missing, not null: the next run reads it. `used` are the fields in use by object."""

    mirror: Mirror
    used: Mapping[str, frozenset[str]]

    def load(self, object_name: str, ids: Sequence[str]) -> dict[str, Change]:
        """Records by id, those known."""
        found = self.mirror.load(object_name, ids)
        _instant, kept = self.mirror.watermark(object_name)
        absent = self.used.get(object_name, frozenset()) - kept
        if not kept or not absent:
            return found
        unread = dict.fromkeys(absent, MISSING)
        return {name: replace(one, record={**unread, **one.record}) for name, one in found.items()}

    def ids_by(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[str]]:
        """For each value of an indexed field the ids of the records that have it."""
        return self.mirror.ids_by(object_name, field, values)


def last_read(database: Database, object_name: str, record_id: str) -> Mapping[str, Any] | None:
    """A record as last read, of whichever account of its system was met last. Fields that no run kept are missing."""
    system = object_name.partition(".")[0]
    accounts = database.execute(
        sa.select(sources.c.id).where(sources.c.system == system).order_by(sources.c.id.desc())
    ).scalars()
    for account in list(accounts):
        mirror = Mirror(database, account, {})
        found = mirror.load(object_name, [record_id]).get(record_id)
        if found is not None:
            _instant, kept = mirror.watermark(object_name)
            return _Kept(found.record, kept) if kept else found.record
    return None


class _Kept(dict[str, Any]):
    """A record of which only some fields were read."""

    def __init__(self, record: Mapping[str, Any], kept: frozenset[str]) -> None:
        super().__init__(record)
        self._kept = kept

    def get(self, name: str, default: Any = None) -> Any:
        """The field; missing where it was never read."""
        return super().get(name, default if name in self._kept else MISSING)

"""The org on disk: one SQLite table per object with one column per field, and tables for the org's own matters.

Turns metadata into tables and indexes and gives the rest of the emulator savepoints, statements and settings. It
knows nothing of rules: what may be written is decided by `validation`, `rules` and `writes` before a row comes here.
Deleted records stay in their table with `IsDeleted = 1`: that is the recycle bin.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.metadata import Field, Schema, SObject, field_from

Row: TypeAlias = dict[str, Any]

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS _object (position INTEGER PRIMARY KEY, name TEXT UNIQUE, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _field (position INTEGER PRIMARY KEY, object TEXT, name TEXT, facts TEXT NOT NULL,
    UNIQUE (object, name));
CREATE TABLE IF NOT EXISTS _setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _token (token TEXT PRIMARY KEY, kind TEXT NOT NULL, user TEXT NOT NULL, expires REAL,
    detail TEXT);
CREATE TABLE IF NOT EXISTS _cursor (id TEXT PRIMARY KEY, query TEXT NOT NULL, deleted INTEGER NOT NULL,
    batch INTEGER NOT NULL, created REAL NOT NULL, rows BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS _job (id TEXT PRIMARY KEY, kind TEXT NOT NULL, facts TEXT NOT NULL, upload BLOB,
    successful BLOB, failed BLOB, unprocessed BLOB);
"""
_NOT_INDEXED = frozenset({"User", "RecordType", "Profile"})


class Storage:
    """One open org file. Used from one thread at a time; statements run at once, `commit` once per request."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
        # The file is a play-thing that can be seeded again: speed is worth more than surviving a power cut.
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.execute("PRAGMA cache_size=-65536")
        self.connection.executescript(_OWN_TABLES)
        self._counters: dict[str, int] = {}
        self._inserts: dict[tuple[str, ...], str] = {}
        self._depth = 0

    def close(self) -> None:
        """Commits and closes the file."""
        self.commit()
        self.connection.close()

    # Statements and transactions

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Runs one statement; a write opens the transaction that `commit` ends."""
        return self.connection.execute(sql, values)

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None."""
        return self.connection.execute(sql, values).fetchone()

    def begin(self) -> None:
        """Opens the transaction of a request, unless it is open."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN")

    def commit(self) -> None:
        """Makes everything since `begin` durable."""
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undoes everything since `begin`."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A block whose writes vanish together when it raises; savepoints nest."""
        self.begin()
        self._depth += 1
        name = f"level{self._depth}"
        self.connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.connection.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self.connection.execute(f"RELEASE {name}")
            self._depth -= 1

    # Metadata

    def create_object(self, item: SObject, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Makes the table of a new object; `facts` are its fields as in the catalog."""
        about = {
            "label": item.label,
            "label_plural": item.label_plural,
            "prefix": item.prefix,
            "custom": item.custom,
            "setup": item.setup,
        }
        self.execute("INSERT INTO _object (name, facts) VALUES (?, ?)", (item.name, json.dumps(about)))
        columns = [
            f'"{column.name}" {column.column_type}' + (" NOT NULL UNIQUE" if column.name == "Id" else "")
            for column in item.fields.values()
            if column.stored
        ]
        if "IsDeleted" not in item.fields:
            columns.append('"IsDeleted" INTEGER NOT NULL DEFAULT 0')
        self.execute(f'CREATE TABLE "{item.name}" (rowid INTEGER PRIMARY KEY, {", ".join(columns)})')
        for name, field_facts in facts.items():
            self._record_field(item, item.fields[name], field_facts)

    def add_field(self, item: SObject, added: Field, facts: Mapping[str, Any]) -> None:
        """Adds a custom field to an object that may already hold records."""
        self.execute(f'ALTER TABLE "{item.name}" ADD COLUMN "{added.name}" {added.column_type}')
        if added.type == "boolean":
            self.execute(f'UPDATE "{item.name}" SET "{added.name}" = ?', (int(bool(added.default)),))
        self._record_field(item, added, facts)

    def _record_field(self, item: SObject, added: Field, facts: Mapping[str, Any]) -> None:
        self.execute(
            "INSERT INTO _field (object, name, facts) VALUES (?, ?, ?)",
            (item.name, added.name, json.dumps(facts)),
        )
        looked_up = added.external_id or (added.id_lookup and added.name != "Id") or added.unique
        refers = bool(added.references) and not _NOT_INDEXED.issuperset(added.references)
        if looked_up or refers:
            self.execute(f'CREATE INDEX "ix {item.name} {added.name}" ON "{item.name}" ("{added.name}")')

    def load_schema(self) -> Schema:
        """The objects and fields as they were last left; empty for a new file."""
        objects: dict[str, SObject] = {}
        for name, facts in self.execute("SELECT name, facts FROM _object ORDER BY position"):
            objects[name] = SObject(name=name, **json.loads(facts))
        for owner, name, facts in self.execute("SELECT object, name, facts FROM _field ORDER BY position"):
            objects[owner].add(field_from(name, json.loads(facts)))
        return Schema(objects.values())

    # Records

    def next_id(self, item: SObject) -> str:
        """A fresh id; the counter goes on where the stored records end."""
        number = self._counters.get(item.name)
        if number is None:
            last = self.one(f'SELECT MAX("Id") FROM "{item.name}"')[0]
            number = ids.number_of(last) if last else 0
        self._counters[item.name] = number + 1
        return ids.numbered(item.prefix, number + 1)

    def insert(self, item: SObject, row: Row) -> None:
        """Stores a new record; the row's keys are column names."""
        shape = (item.name, *row)
        sql = self._inserts.get(shape)
        if sql is None:
            columns = '", "'.join(row)
            marks = ", ".join("?" * len(row))
            sql = f'INSERT INTO "{item.name}" ("{columns}") VALUES ({marks})'
            self._inserts[shape] = sql
        self.connection.execute(sql, tuple(row.values()))

    def update(self, item: SObject, record_id: str, changes: Row) -> None:
        """Changes columns of a record."""
        if changes:
            columns = ", ".join(f'"{name}" = ?' for name in changes)
            self.execute(f'UPDATE "{item.name}" SET {columns} WHERE "Id" = ?', (*changes.values(), record_id))

    def fetch(self, item: SObject, record_id: str) -> Row | None:
        """All stored columns of a record, deleted or not."""
        names = [column.name for column in item.fields.values() if column.stored]
        columns = '", "'.join(names)
        found = self.one(f'SELECT "{columns}" FROM "{item.name}" WHERE "Id" = ?', (record_id,))
        return None if found is None else dict(zip(names, found, strict=True))

    def is_deleted(self, item: SObject, record_id: str) -> bool | None:
        """Whether the record is in the recycle bin; None if there is no such record."""
        found = self.one(f'SELECT "IsDeleted" FROM "{item.name}" WHERE "Id" = ?', (record_id,))
        return None if found is None else bool(found[0])

    def ids_with(self, item: SObject, column: str, value: Any, limit: int = 3) -> list[str]:
        """Ids of living records that hold this value, in the order they were made."""
        found = self.execute(
            f'SELECT "Id" FROM "{item.name}" WHERE "{column}" = ? AND "IsDeleted" = 0 ORDER BY rowid LIMIT ?',
            (value, limit),
        )
        return [row[0] for row in found]

    # Settings

    def setting(self, key: str, default: Any = None) -> Any:
        """A stored setting as JSON value."""
        found = self.one("SELECT value FROM _setting WHERE key = ?", (key,))
        return default if found is None else json.loads(found[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Stores a setting."""
        self.execute("INSERT OR REPLACE INTO _setting (key, value) VALUES (?, ?)", (key, json.dumps(value)))

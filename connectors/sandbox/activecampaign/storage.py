"""The emulated account's memory: one SQLite file, opened once, written in one transaction a request.

Turns a path into tables and short query methods. A request that is refused half-way leaves nothing behind, as the
transaction is rolled back. Durability is that of a process crash, not of a power cut (`synchronous=OFF`): a sandbox
must be quick, and its world can be made again. What the rows mean is known by the resource modules, not here.

Ids are `AUTOINCREMENT`, so that the id of a deleted contact is never given to another one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL, email_key TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '', phone TEXT NOT NULL DEFAULT '',
    cdate TEXT NOT NULL, udate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fields (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, title_key TEXT NOT NULL UNIQUE,
    perstag TEXT NOT NULL UNIQUE, type TEXT NOT NULL, descript TEXT NOT NULL DEFAULT '',
    defval TEXT NOT NULL DEFAULT '', visible INTEGER NOT NULL DEFAULT 1, ordernum INTEGER NOT NULL DEFAULT 0,
    cdate TEXT NOT NULL, udate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS field_options (
    id INTEGER PRIMARY KEY AUTOINCREMENT, field INTEGER NOT NULL REFERENCES fields(id) ON DELETE CASCADE,
    orderid INTEGER NOT NULL, value TEXT NOT NULL, label TEXT NOT NULL,
    isdefault INTEGER NOT NULL, cdate TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS field_options_field ON field_options(field);
CREATE TABLE IF NOT EXISTS field_rels (
    id INTEGER PRIMARY KEY AUTOINCREMENT, field INTEGER NOT NULL REFERENCES fields(id) ON DELETE CASCADE,
    relid INTEGER NOT NULL, cdate TEXT NOT NULL, UNIQUE (field, relid));
CREATE TABLE IF NOT EXISTS field_values (
    id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
    field INTEGER NOT NULL REFERENCES fields(id) ON DELETE CASCADE, value TEXT NOT NULL,
    cdate TEXT NOT NULL, udate TEXT NOT NULL, UNIQUE (contact, field));
CREATE INDEX IF NOT EXISTS field_values_field ON field_values(field, value);
CREATE TABLE IF NOT EXISTS lists (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, stringid TEXT NOT NULL UNIQUE,
    sender_url TEXT NOT NULL, sender_reminder TEXT NOT NULL, cdate TEXT NOT NULL, udate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS list_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, list INTEGER NOT NULL REFERENCES lists(id) ON DELETE CASCADE,
    grp INTEGER NOT NULL, UNIQUE (list, grp));
CREATE TABLE IF NOT EXISTS contact_lists (
    id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
    list INTEGER NOT NULL REFERENCES lists(id) ON DELETE CASCADE, status INTEGER NOT NULL, sourceid INTEGER NOT NULL,
    sdate TEXT, udate TEXT, cdate TEXT NOT NULL, UNIQUE (contact, list));
CREATE INDEX IF NOT EXISTS contact_lists_list ON contact_lists(list, status);
CREATE TABLE IF NOT EXISTS tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tag TEXT NOT NULL, tag_key TEXT NOT NULL, kind TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', cdate TEXT NOT NULL, UNIQUE (tag_key, kind));
CREATE TABLE IF NOT EXISTS contact_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
    tag INTEGER NOT NULL REFERENCES tags(id) ON DELETE CASCADE, cdate TEXT NOT NULL, UNIQUE (contact, tag));
CREATE INDEX IF NOT EXISTS contact_tags_tag ON contact_tags(tag);
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE,
    account_url TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT '1', cdate TEXT NOT NULL, udate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account_contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL UNIQUE REFERENCES contacts(id) ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, job_title TEXT NOT NULL DEFAULT '',
    cdate TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS account_contacts_account ON account_contacts(account);
CREATE TABLE IF NOT EXISTS deal_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, currency TEXT NOT NULL, cdate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deal_stages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL,
    pipeline INTEGER NOT NULL REFERENCES deal_groups(id) ON DELETE CASCADE, place INTEGER NOT NULL,
    cdate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deals (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, description TEXT NOT NULL, value INTEGER NOT NULL,
    currency TEXT NOT NULL, contact INTEGER REFERENCES contacts(id) ON DELETE SET NULL,
    account INTEGER REFERENCES accounts(id) ON DELETE SET NULL, pipeline INTEGER NOT NULL REFERENCES deal_groups(id),
    stage INTEGER NOT NULL REFERENCES deal_stages(id), owner TEXT NOT NULL, status INTEGER NOT NULL,
    cdate TEXT NOT NULL, udate TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deals_contact ON deals(contact);
CREATE INDEX IF NOT EXISTS deals_account ON deals(account);
CREATE TABLE IF NOT EXISTS imports (
    batch TEXT PRIMARY KEY, received TEXT NOT NULL, due TEXT NOT NULL, status TEXT NOT NULL, size INTEGER NOT NULL,
    payload BLOB NOT NULL, success TEXT NOT NULL DEFAULT '[]', failure TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS imports_status ON imports(status, due);
"""


class Storage:
    """One open account database. Safe to use from one thread at a time; `transaction` takes a lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=256)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=OFF",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "cache_size=-16000",
        ):
            self._connection.execute(f"PRAGMA {pragma}").close()
        self._connection.executescript(_TABLES)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def number(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """The first column of the first row as a number; 0 when there is no row."""
        found = self.row(sql, parameters)
        return 0 if found is None else int(found[0])

    def insert(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one INSERT; its new id."""
        return int(self._connection.execute(sql, parameters).lastrowid or 0)

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows it touched."""
        return self._connection.execute(sql, parameters).rowcount

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        self._connection.executemany(sql, rows)

    def setting(self, name: str) -> str | None:
        """A value of the account itself, such as its key or its time zone."""
        found = self.row("SELECT value FROM settings WHERE name = ?", (name,))
        return None if found is None else str(found[0])

    def keep_setting(self, name: str, value: str) -> None:
        """Remember a value of the account itself."""
        self.write("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: rolled back when the body raises."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._connection.close()

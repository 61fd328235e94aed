"""The small database under an emulator: one SQLite file, one connection, one lock.

It turns a path and a schema into a connection tuned for serving one request at a time quickly: write-ahead log, no
fsync, a large statement cache, and one commit per `transaction` block. A killed process loses nothing that was
committed (the operating system has it); only a power failure could, which an emulator may ignore. What the tables
mean is left to each emulator; `facts` is a table for single values that every emulator needs.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

Row = tuple[Any, ...]

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=OFF",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
    "PRAGMA mmap_size=268435456",
    "PRAGMA wal_autocheckpoint=4000",
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(document: object) -> str:
    """A document as compact JSON text, the form in which it is stored."""
    return _encoder.encode(document).decode()


def decode(text: str | bytes) -> Any:
    """The inverse of `encode`."""
    return _decoder.decode(text)


class Database:
    """A connection that threads may share. Every method takes the lock; statements outside a `transaction` block
    commit by themselves.

    `schema` is a script run at each opening, so write `CREATE ... IF NOT EXISTS`.
    """

    def __init__(self, path: Path | str, schema: str = "") -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, cached_statements=512, timeout=5
        )
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        self._connection.executescript(
            "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;" + schema
        )

    def script(self, sql: str) -> None:
        """Run statements separated by semicolons. Commits an open transaction first, as SQLite does."""
        with self.lock:
            self._connection.executescript(sql)

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one write; gives the number of rows it touched."""
        with self.lock:
            return self._connection.execute(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one INSERT; gives the rowid of the new row."""
        with self.lock:
            return int(self._connection.execute(sql, parameters).lastrowid or 0)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one write for each row; the rows may come from a generator."""
        with self.transaction():
            self._connection.executemany(sql, rows)

    def all(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """Every row of a query."""
        with self.lock:
            return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        with self.lock:
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
            return row

    def value(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: what runs inside is committed at the end and undone if an exception leaves the block.

        Blocks may be nested; an inner one undoes only its own part. The lock is held throughout."""
        with self.lock:
            name = f"level_{self._depth}"
            self._connection.execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                else:
                    self._connection.execute(f"ROLLBACK TO {name}")
                    self._connection.execute(f"RELEASE {name}")
                raise
            self._depth -= 1
            self._connection.execute("COMMIT" if self._depth == 0 else f"RELEASE {name}")

    def fact(self, name: str, default: Any = None) -> Any:
        """A single stored value (any JSON), or `default`."""
        text = self.value("SELECT value FROM facts WHERE name = ?", (name,))
        return default if text is None else decode(text)

    def set_fact(self, name: str, value: object) -> None:
        """Store a single value under a name."""
        self.execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, encode(value)),
        )

    def close(self) -> None:
        """Close the file. Calling it twice is harmless."""
        with self.lock:
            self._connection.close()


def open_database(path: Path | str, schema: str = "") -> Database:
    """Open, or create, an emulator's database."""
    return Database(path, schema)

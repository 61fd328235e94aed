"""Opening the state database: files and modes, pragmas, migrations, and the lease that makes one writer.

SQLite is the default (one file per project target, WAL, synchronous=FULL, mode 0600); any SQLAlchemy URL works.
A database that cannot be opened or written raises StateUnusable before anything is sent to a target.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from fieldwright.runtime.errors import StateUnusable
from fieldwright.runtime.state import tables

HEAD = "0001"
LEASE_SECONDS = 120
CHUNK = 500
_DAMAGED = re.compile("not a database|malformed|disk image")
# "disk image is malformed" comes as the base class; of its other kinds these are mistakes of a statement.
_OF_STATEMENTS = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError)

T = TypeVar("T")


class Database:
    """An open state database with one connection. `rehearse=True` keeps every change to itself and forgets all at the
    end: that is how a plan uses the same code as a run, leaves no trace, and holds up no run meanwhile. SQLite knows
    one writer only, so there a rehearsal works on a private copy; elsewhere its commits do nothing."""

    def __init__(self, url: str, *, rehearse: bool = False) -> None:
        self.url = url
        self.rehearse = rehearse
        self.epoch = 0
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{id(self)}"
        self._leased = False
        self._copied = False
        try:
            self.engine = sa.create_engine(url)
            if url.startswith("sqlite"):
                sa.event.listen(self.engine, "connect", _set_pragmas)
            self.connection = self.engine.connect()
            self._migrate()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise _unusable(url, error) from None

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement (or many, for a list of parameters) in the current transaction."""
        try:
            return self.connection.execute(statement, parameters)
        except sa.exc.DatabaseError as error:
            if isinstance(error, _OF_STATEMENTS):
                raise
            raise _unusable(self.url, error) from None

    def commit(self) -> None:
        """Make everything since the last commit durable (in a rehearsal: as long as it lasts, if at all)."""
        if self.rehearse and not self._copied:
            return
        try:
            self.connection.commit()
        except sa.exc.DatabaseError as error:
            if isinstance(error, _OF_STATEMENTS):
                raise
            raise _unusable(self.url, error) from None

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        self.connection.rollback()

    def next_number(self, name: str, count: int = 1) -> int:
        """Reserve `count` numbers of a sequence and return the first."""
        table = tables.counters
        current = self.execute(sa.select(table.c.value).where(table.c.name == name)).scalar()
        if current is None:
            self.execute(table.insert().values(name=name, value=count))
            return 1
        self.execute(table.update().where(table.c.name == name).values(value=current + count))
        return int(current) + 1

    def acquire(self) -> None:
        """Become the only writer, or raise StateUnusable naming who is. A lease that ran out may be taken over; its
        epoch grows, so a late result of the old owner is recognised."""
        if self.rehearse:
            self._copy()
            return
        table = tables.leases
        now = datetime.now(UTC)
        row = self.execute(sa.select(table).where(table.c.name == "run")).mappings().first()
        if row and row["expires_at"] > now.isoformat() and not _is_dead(row["owner"]):
            raise StateUnusable(
                f"another run is using this state (owner {row['owner'].rsplit(':', 2)[0]}, until {row['expires_at']})",
                "wait for it to end; a crashed run frees the state within two minutes",
            )
        self.epoch = (row["epoch"] if row else 0) + 1
        values = {
            "owner": self._owner,
            "epoch": self.epoch,
            "expires_at": (now + timedelta(seconds=LEASE_SECONDS)).isoformat(),
        }
        if row:
            changed = self.execute(
                table.update().where(table.c.name == "run", table.c.epoch == row["epoch"]).values(**values)
            )
            if changed.rowcount != 1:
                raise StateUnusable("another run took this state at the same moment", "run again when it has ended")
        else:
            self.execute(table.insert().values(name="run", **values))
        self._leased = True
        self.commit()

    def renew(self) -> None:
        """Extend the lease inside the current transaction; raises StateUnusable when it was lost."""
        if not self._leased:
            return
        table = tables.leases
        until = (datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)).isoformat()
        changed = self.execute(
            table.update()
            .where(table.c.name == "run", table.c.epoch == self.epoch, table.c.owner == self._owner)
            .values(expires_at=until)
        )
        if changed.rowcount != 1:
            self.rollback()
            raise StateUnusable(
                "this run lost its hold on the state: another run took over",
                "nothing more is written by this one; look at the other run's report",
            )

    def release(self) -> None:
        """Give the lease back."""
        if not self._leased:
            return
        table = tables.leases
        self.execute(table.delete().where(table.c.name == "run", table.c.epoch == self.epoch))
        self._leased = False
        self.commit()

    def close(self) -> None:
        """Roll back what is not committed and close."""
        self.connection.rollback()
        self.connection.close()
        self.engine.dispose()

    def _copy(self) -> None:
        """Go on with a private copy, which SQLite keeps in a nameless file and removes by itself."""
        if self._copied or not self.url.startswith("sqlite"):
            return
        self.connection.rollback()
        # SQLite may hand the one connection to whichever thread the pool asks from; there is only this one.
        copy = sqlite3.connect("", check_same_thread=False)
        try:
            source: Any = self.connection.connection.driver_connection
            source.backup(copy)
        except sqlite3.Error as error:
            copy.close()
            raise _unusable(self.url, error) from None
        copy.execute("PRAGMA synchronous=OFF")
        self.connection.close()
        self.engine.dispose()
        self.engine = sa.create_engine("sqlite://", creator=lambda: copy, poolclass=sa.pool.StaticPool)
        self.connection = self.engine.connect()
        self._copied = True

    def _migrate(self) -> None:
        inspector = sa.inspect(self.connection)
        version = None
        if inspector.has_table("alembic_version"):
            version = self.connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        if version == HEAD:
            self.connection.rollback()
            return
        # Alembic is imported only when there is something to migrate: it costs more than a quiet run.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "fieldwright.runtime:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = self.connection
        self.connection.rollback()
        command.upgrade(config, "head")
        self.connection.commit()


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of a list of values for `IN`: databases limit how many a statement takes, SQLite's older ones to 999."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def open_file(path: Path, *, rehearse: bool = False) -> Database:
    """The SQLite state at `path`, created with mode 0600 (folder 0700) when absent."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        elif not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "not writable", str(path))
    except OSError as error:
        raise _unusable(str(path), error) from None
    return Database(f"sqlite:///{path}", rehearse=rehearse)


def writer(path: Path) -> str:
    """Who writes to the SQLite state at `path` just now; empty for nobody, and for a file that cannot tell."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT owner, expires_at FROM leases WHERE name = 'run'").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return ""
    held = row is not None and row[1] > datetime.now(UTC).isoformat() and not _is_dead(row[0])
    return str(row[0]).rsplit(":", 2)[0] if held else ""


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _is_dead(owner: str) -> bool:
    """Whether the lease's owner was a process of this machine that is gone (a killed run need not be waited for)."""
    host, pid, *_rest = owner.split(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _unusable(where: str, error: Exception) -> StateUnusable:
    reason = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    shown = where.removeprefix("sqlite:///") if where.startswith("sqlite") else where.split("@")[-1]
    if _DAMAGED.search(reason):
        return StateUnusable(
            f"the state at {shown} is damaged: {reason}",
            "put a backup in its place, or move the file away: the next run reads everything again and finds the"
            " records that were written by their keys",
        )
    return StateUnusable(
        f"the state at {shown} cannot be used: {reason}",
        "nothing was written to any system; make the folder writable, or name another one with --state",
    )

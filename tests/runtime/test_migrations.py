"""The migrations lead to the tables that the code declares."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from fieldwright.runtime.state import database
from fieldwright.runtime.state.tables import metadata


def shape(connection: sa.Connection) -> dict[str, str]:
    """Every table and index as SQLite has it, keys, options and all."""
    rows = connection.execute(
        sa.text(
            "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
        )
    )
    return {str(name): re.sub(r"\s+", " ", str(sql)) for name, sql in rows}


def migrated(folder: Path) -> sa.Engine:
    database.open_file(folder / "state.db").close()
    return sa.create_engine(f"sqlite:///{folder / 'state.db'}")


def test_migrated_state_has_the_declared_tables_to_the_letter(tmp_path: Path) -> None:
    declared = sa.create_engine("sqlite://")
    metadata.create_all(declared)
    made = migrated(tmp_path)
    with declared.connect() as one, made.connect() as other:
        assert shape(other) == shape(one)
        assert len(shape(one)) > len(metadata.tables)
    made.dispose()
    declared.dispose()


def test_alembic_sees_no_difference_either(tmp_path: Path) -> None:
    made = migrated(tmp_path)
    with made.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    made.dispose()


def test_newest_revision_is_the_one_that_opening_asks_for(tmp_path: Path) -> None:
    made = migrated(tmp_path)
    with made.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == database.HEAD
    made.dispose()


def test_taking_the_first_revision_back_leaves_nothing(tmp_path: Path) -> None:
    made = migrated(tmp_path)
    config = Config()
    config.set_main_option("script_location", "fieldwright.runtime:migrations")
    config.set_main_option("path_separator", "os")
    with made.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        assert shape(connection) == {}
    made.dispose()

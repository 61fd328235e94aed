"""What people do with open errors between runs: look at them, set one aside, take it back.

Works on the state database without any connection. An ignored error stays in the list, is no longer tried again and
no longer makes a run end with 1; success of the record removes it as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldwright.runtime.state.database import Database
from fieldwright.runtime.state.journal import ErrorRecord, Journal
from fieldwright.runtime.state.tables import errors


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which errors; empty texts mean any."""

    mapping: str = ""
    code: str = ""
    source_id: str = ""
    kind: str = ""


def open_errors(database: Database, wanted: Wanted, *, ignored: bool) -> list[ErrorRecord]:
    """Matching errors, oldest first; those set aside only with `ignored`."""
    return [
        error
        for error in Journal(database).errors(mapping=wanted.mapping or None)
        if (ignored or not error.ignored)
        and wanted.code in ("", error.code)
        and wanted.source_id in ("", error.source_id)
        and wanted.kind in ("", error.kind)
    ]


def error_by_number(database: Database, number: int) -> ErrorRecord | None:
    """The error with that number, ignored or not."""
    return next((error for error in Journal(database).errors() if error.id == number), None)


def set_ignored(database: Database, numbers: Sequence[int], *, ignored: bool) -> int:
    """Set errors aside, or take them back; returns how many of the numbers exist. Commits."""
    result = database.execute(errors.update().where(errors.c.id.in_(list(numbers))).values(ignored=ignored))
    database.commit()
    return int(result.rowcount)

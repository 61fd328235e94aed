"""`interpret errors`: the records that failed and are not fixed yet, one by one or as a file for a spreadsheet.

Reads the state of a target; asks no system anything.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import find_project
from fieldwright.runtime.errors import RunError

if TYPE_CHECKING:
    from fieldwright.runtime.state.database import Database
    from fieldwright.runtime.state.journal import ErrorRecord

_CSV_COLUMNS: Final = (
    "id", "code", "kind", "mapping", "object", "source_id", "field", "message", "fix", "at", "tries", "next_try"
)  # fmt: skip


@click.group(
    "errors",
    short_help="List the records that failed, with reason and fix.",
    invoke_without_command=True,
    epilog="""\b
Examples:
  interpret errors                                what is open
  interpret errors --mapping customer-account     of one mapping
  interpret errors show 3                         one, with the record as it was sent
  interpret errors ignore 3                       set one aside
  interpret errors export --format csv > e.csv    for a spreadsheet""",
)
@options.place_options
@click.option("--mapping", default="", metavar="MAPPING", help="Only of this mapping.")
@click.option("--code", default="", metavar="CODE", help="Only with this code.")
@click.option("--id", "source_id", default="", metavar="ID", help="Only of this source record.")
@click.option("--kind", default="", metavar="KIND", help="Only transient, permanent, mapping, waiting or check.")
@click.option("--ignored", is_flag=True, help="Also those set aside.")
def command(
    mapping: str,
    code: str,
    source_id: str,
    kind: str,
    ignored: bool,
    **_place: Any,
) -> int | None:
    """List the records that failed, with reason and fix.

    An error stays until its record goes through. Exit code 1 while there are any.
    """
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is not None:
        return None
    with _state() as database:
        found = _find(database, (mapping, code, source_id, kind), ignored)
        if _wants_json():
            _write_json(found)
        else:
            _write_text(found, filtered=any((mapping, code, source_id, kind)))
    return failures.FINDINGS if any(not error.ignored for error in found) else failures.OK


@command.command("show", epilog="\b\nExample:\n  interpret errors show 3")
@click.argument("number", type=int)
@options.place_options
def show(number: int, **_place: Any) -> int:
    """Show one error with the record as it was sent (personal fields masked), and how to look into it."""
    with _state() as database:
        error = _one(database, number)
    look = shlex.join(_explaining(error))
    if _wants_json():
        output.write_json({"version": 1, "error": {**_document(error), "explain": look}})
        return failures.OK
    from fieldwright.runtime.reporters.json import dumps
    from fieldwright.runtime.reporters.printable import printable
    from fieldwright.runtime.reporters.text import error_lines

    for line in error_lines([error], output.paint_for(sys.stdout)):
        output.write(line + "\n")
    next_try = error.next_try or "with `interpret run --retry`"
    output.say(f"  kind: {error.kind}; tries: {error.tries}; next try: {next_try}")
    output.say(
        f"  first seen {error.first_seen}, last seen {error.last_seen}" + ("; set aside" if error.ignored else "")
    )
    output.say(f"  how it came about: {look}")
    if error.payload is not None:
        output.say("  record as sent:")
        for line in dumps(error.payload).splitlines():
            output.write(f"    {printable(line)}\n")
    return failures.OK


def _explaining(error: ErrorRecord) -> list[str]:
    """The command that shows how the record came to this, for the same project, target and state."""
    words = ["interpret", "explain", error.mapping, "--record", error.source_id]
    field = _explainable(error)
    if field:
        words += ["--field", field]
    for option, name in (("--target", "target"), ("--project", "folder"), ("--state", "state")):
        value = options.given(name)
        if value is not None:
            words += [option, str(value)]
    return words


def _explainable(error: ErrorRecord) -> str:
    """The field of the error as `explain` takes it; empty where the mapping has no such field: a target may name one
    of its own, and failures of keys, filters and reads are no field's."""
    from fieldwright.checked import check

    name = re.sub(r"\[[0-9]+\]", "", error.field)
    project = find_project(options.given("folder"))
    try:
        program = check(project, project.target(options.given("target"))).result.programs.get(error.mapping)
    except RunError:
        return ""
    if program is None or not name:
        return ""
    rows = {f"{child.name}.{info.name}" for child in program.children for info in child.fields}
    rows |= {row.partition(".")[2] for row in rows}
    known = {info.name for info in program.fields} | {one for key in program.keys for one in key.fields} | rows
    return name if name in known else ""


@command.command("ignore", epilog="\b\nExamples:\n  interpret errors ignore 3 4\n  interpret errors ignore --undo 3")
@click.argument("numbers", type=int, nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Take errors back that were set aside.")
@options.place_options
def ignore(numbers: tuple[int, ...], undo: bool, **_place: Any) -> int:
    """Set errors aside: they are not tried again and no longer count."""
    from fieldwright.runtime.triage import set_ignored

    with _state() as database:
        for number in numbers:
            _one(database, number)
        assert database is not None, "each error was found in it"
        count = set_ignored(database, numbers, ignored=not undo)
    if _wants_json():
        output.write_json({"version": 1, "ignored": not undo, "count": count})
    else:
        output.say(f"{count} {'taken back' if undo else 'set aside'}.")
    return failures.OK


@command.command("export", epilog="\b\nExample:\n  interpret errors export --format csv > errors.csv")
@click.option("--format", "file_format", type=click.Choice(["csv", "json"]), default="csv", help="[default: csv]")
@options.place_options
def export(file_format: str, **_place: Any) -> int:
    """Write all open errors to the standard output, for a spreadsheet or a script."""
    with _state() as database:
        found = _find(database, ("", "", "", ""), ignored=False)
    if file_format == "json":
        _write_json(found)
    else:
        output.write(csv_text(found))
    return failures.OK


def csv_text(errors: Sequence[ErrorRecord]) -> str:
    """Errors as CSV. A cell that a spreadsheet would take for a formula gets a leading apostrophe: names and texts
    come from customers."""
    from fieldwright.runtime.reporters.json import error_document

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for error in errors:
        document = error_document(error)
        writer.writerow([_cell(document[column]) for column in _CSV_COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _find(database: Database | None, wanted: tuple[str, str, str, str], ignored: bool) -> list[ErrorRecord]:
    if database is None:
        return []
    from fieldwright.runtime.triage import Wanted, open_errors

    return open_errors(database, Wanted(*wanted), ignored=ignored)


def _one(database: Database | None, number: int) -> ErrorRecord:
    from fieldwright.runtime.triage import error_by_number

    error = None if database is None else error_by_number(database, number)
    if error is None:
        raise failures.WrongUse(f"there is no open error {number}", "`interpret errors` lists them with their numbers")
    return error


def _document(error: ErrorRecord) -> dict[str, Any]:
    from fieldwright.runtime.reporters.json import error_document

    return {
        **error_document(error),
        "first_seen": error.first_seen,
        "last_seen": error.last_seen,
        "ignored": error.ignored,
        "payload": error.payload,
    }


def _write_json(errors: Sequence[ErrorRecord]) -> None:
    from fieldwright.runtime.reporters.json import error_document

    output.write_json({"version": 1, "errors": [error_document(error) for error in errors]})


def _write_text(errors: Sequence[ErrorRecord], *, filtered: bool) -> None:
    from fieldwright.runtime.reporters.printable import printable
    from fieldwright.runtime.reporters.text import count_of, error_lines

    if not errors:
        output.say("No such errors." if filtered else "No errors: every record that was looked at went through.")
        return
    paint = output.paint_for(sys.stdout)
    for error in errors:
        lines = list(error_lines([error], paint))
        lines[0] = f"#{error.id} {lines[0]}" + (paint.quiet(" (set aside)") if error.ignored else "")
        tries = "1 try" if error.tries == 1 else f"{error.tries} tries"
        again = f", next try {error.next_try}" if error.next_try else ""
        lines.append(paint.quiet(f"  {printable(error.kind)}, {tries}{again}"))
        output.write("\n".join(lines) + "\n\n")
    output.say(f"{count_of(len(errors), 'error')}. `interpret run --retry` tries them again once they are fixed.")


def _wants_json() -> bool:
    return bool(options.given("output_format") == output.Format.JSON)


@contextmanager
def _state() -> Iterator[Database | None]:
    """The target's state, or None where nothing has run yet: looking for errors must not make a database."""
    project = find_project(options.given("folder"))
    path: Path = options.given("state") or project.state_file(project.target(options.given("target")))
    if not path.exists():
        yield None
        return
    from fieldwright.runtime.state.database import open_file

    database = open_file(path)
    try:
        yield database
    finally:
        database.close()

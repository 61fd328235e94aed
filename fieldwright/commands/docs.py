"""`interpret docs`: what this version says of itself, from its own declarations.

`reference` writes the pages of functions, codes, commands and keys. `coverage` prints what the seed documents ask for,
row by row, with the field, rule or command that answers it, and holds every answer against the shipped mappings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.runtime.errors import StateUnusable

if TYPE_CHECKING:
    from fieldwright.reference.coverage import Row

_WIDTH = 48
"""Columns kept for the words of a row; a longer one pushes its answer to the right."""


@click.group(
    "docs",
    short_help="Write the reference pages; list what is covered and what is open.",
    epilog="""\b
Examples:
  interpret docs reference                 into docs/reference
  interpret docs reference --check         only tell which pages are out of date
  interpret docs coverage --open           what was asked for and is not there yet""",
)
def command() -> None:
    """Write the reference pages; list what is covered and what is open."""


@command.command(
    "reference",
    epilog="""\b
Examples:
  interpret docs reference --to wiki/interpret
  interpret docs reference --check""",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/reference"),
    metavar="FOLDER",
    help="Where the pages go.  [default: docs/reference]",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a page is missing or out of date.")
@options.output_option()
def reference(folder: Path, check: bool, output_format: str) -> int:
    """Write functions, codes, commands, keys of files, settings and connections as Markdown."""
    from fieldwright.reference.pages import render_pages

    pages = render_pages()
    stale = [name for name, text in pages.items() if _text(folder / name) != text]
    if not check:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in stale:
                (folder / name).write_text(pages[name], encoding="utf-8")
        except OSError as error:
            raise StateUnusable(
                f"{error.filename} cannot be written: {error.strerror}", "choose another folder"
            ) from None
    if output_format == output.Format.JSON:
        output.write_json({"version": 1, "folder": str(folder), "pages": list(pages), "changed": stale, "check": check})
    elif not stale:
        output.say(f"All {len(pages)} pages in {folder} are up to date.")
    else:
        for name in stale:
            output.say(f"{'out of date' if check else 'written'}: {folder / name}")
        if check:
            output.remark("`interpret docs reference` writes them anew")
    return failures.FINDINGS if check and stale else failures.OK


@command.command(
    "coverage",
    epilog="""\b
Examples:
  interpret docs coverage                  everything that was asked for, and where it is answered
  interpret docs coverage --open           what is not there yet""",
)
@click.option("--open", "only_open", is_flag=True, help="Only what is not there yet.")
@options.output_option()
def coverage(only_open: bool, output_format: str) -> int:
    """List what was asked for, row by row, and where it is answered.

    The answers are fields, rows, rules and settings of the shipped mappings, or commands; a project here does not
    count. Exit code 1 where the list names one that does not exist.
    """
    from fieldwright.cli import COMMANDS
    from fieldwright.commands.rule import all_codes
    from fieldwright.connectors.registry import shipped_schemas
    from fieldwright.dsl.pipeline import check_project, load
    from fieldwright.project import pack_files
    from fieldwright.reference.coverage import counts, rows, wrong

    table = rows()
    shipped = check_project(load(tuple(pack_files(with_tests=False))), shipped_schemas(), project="default")
    mistakes = list(wrong(table, shipped, frozenset(COMMANDS), frozenset(all_codes())))
    shown = [row for row in table if row.open or not only_open]
    number = counts(table)
    if output_format == output.Format.JSON:
        output.write_json(
            {"version": 1, "counts": dict(number), "rows": [_document(row) for row in shown], "wrong": mistakes}
        )
    else:
        for line in _table(shown):
            output.say(line)
        output.say(", ".join(f"{number[status]} {status}" for status in ("answered", "left out", "open")) + ".")
        for mistake in mistakes:
            output.say(f"wrong: {mistake}")
    return failures.FINDINGS if mistakes else failures.OK


def _document(row: Row) -> dict[str, Any]:
    return {
        "document": row.seed,
        "table": row.table,
        "row": row.text,
        "status": row.status,
        "by": list(row.by),
        "reason": row.without or row.open or row.why or None,
    }


def _table(shown: Sequence[Row]) -> Iterator[str]:
    """A heading for each table, a line for each row, an empty line after each table."""
    from fieldwright.reference.coverage import DOCUMENTS

    width = min(_WIDTH, max((len(row.text) for row in shown), default=0))
    for (seed, name), group in groupby(shown, key=lambda row: (row.seed, row.table)):
        title = DOCUMENTS[seed]
        yield f"{seed} {title}" if name == title else f"{seed} {title}: {name}"
        for row in group:
            where = ", ".join(row.by) + (f" ({row.why})" if row.why else "")
            yield f"  {row.status:<8}  {row.text:<{width}}  {where or row.without or row.open}"
        yield ""


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None

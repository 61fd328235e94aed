"""`interpret migrate`: mapping files of an older format brought to the newest one, comments and layout kept."""

from __future__ import annotations

from pathlib import Path

import click

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.source import SourceFile
from fieldwright.rewriting import rewrite, rewriting_options


@click.command(
    "migrate",
    short_help="Bring mapping files to the newest format.",
    epilog="""\b
Examples:
  interpret migrate              the files of this project
  interpret migrate --diff       only show what would change
  interpret migrate --check      exit 1 where a file is of an older format""",
)
@rewriting_options
def command(paths: tuple[Path, ...], check: bool, diff: bool, folder: Path | None, output_format: str) -> int:
    """Bring mapping files to the newest format.

    The format is the number behind `interpret:`. This version knows format 1 only, so that there is nothing to change
    yet; a number it does not know is an error.
    """
    return rewrite(paths, folder, _convert, check=check, diff=diff, output_format=output_format)


def _convert(file: SourceFile) -> tuple[str, tuple[Diagnostic, ...]]:
    from fieldwright.dsl.migrations.codemods import migrate

    made = migrate(file)
    return made.text, made.diagnostics

"""`interpret fmt`: mapping files written the one way. What is written is for `fieldwright.dsl.format`."""

from __future__ import annotations

from pathlib import Path

import click

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.source import SourceFile
from fieldwright.rewriting import rewrite, rewriting_options


@click.command(
    "fmt",
    short_help="Write mapping files the one way; their meaning stays.",
    epilog="""\b
Examples:
  interpret fmt                           the files of this project
  interpret fmt mappings/acme.map.yaml    one file
  interpret fmt --check                   for CI: exit 1 where a file is written another way
  interpret fmt - < in.yaml > out.yaml    from the standard input, for editors""",
)
@rewriting_options
def command(paths: tuple[Path, ...], check: bool, diff: bool, folder: Path | None, output_format: str) -> int:
    """Write mapping files the one way; their meaning stays.

    Keys stand in one order, quotes where they are needed, expressions with the same spacing. Comments stay at their
    places. Files that are no YAML are left alone.
    """
    return rewrite(paths, folder, _convert, check=check, diff=diff, output_format=output_format)


def _convert(file: SourceFile) -> tuple[str, tuple[Diagnostic, ...]]:
    from fieldwright.dsl.format.formatter import format_file

    made = format_file(file)
    return made.text, made.diagnostics

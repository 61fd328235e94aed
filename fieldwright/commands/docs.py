"""`interpret docs`: the reference pages of this version, written from its own declarations."""

from __future__ import annotations

from pathlib import Path

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.runtime.errors import StateUnusable


@click.group(
    "docs",
    short_help="Write the reference pages of this version.",
    epilog="""\b
Examples:
  interpret docs reference                 into docs/reference
  interpret docs reference --check         only tell which pages are out of date""",
)
def command() -> None:
    """Write the reference pages of this version."""


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


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None

"""`interpret schema`: the JSON Schema of mapping files, the same that lint uses, for editors that know no server.

Editors with YAML support read it by a comment at the top of a file, `# yaml-language-server: $schema=PATH`, which
`interpret init` writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.runtime.errors import StateUnusable

FILE: Final = "schema/mapping.schema.json"
"""Where `init` puts the schema in a project, and `--write` renews it."""


@click.command(
    "schema",
    short_help="Print the JSON Schema of mapping files, for editors.",
    epilog=f"""\b
Examples:
  interpret schema                     print it
  interpret schema --write             renew {FILE} after an update
  interpret schema --write here.json   write it to a file of your choice""",
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help=f"Write it to FILE.  [default: {FILE} in the project]")
@options.project_option()
@options.output_option()
def command(file: Path | None, write: bool, folder: Path | None, output_format: str) -> int:
    """Print the JSON Schema of mapping files, for editors.

    It is the schema that lint checks the structure of documents with (draft 2020-12).
    """
    if not write:
        if file is not None:
            raise failures.WrongUse("a file is named but nothing is written", "add --write")
        output.write(schema_text())
        return failures.OK
    if file is None:
        from fieldwright.project import find_project

        project = find_project(folder)
        if project.shipped:
            raise failures.WrongUse("there is no project here", "name a file, or make a project with `interpret init`")
        file = project.folder / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise StateUnusable(f"{file} cannot be written: {error.strerror}", "choose another file") from None
    if output_format == output.Format.JSON:
        output.write_json({"version": 1, "file": str(file)})
    else:
        output.say(f"Wrote {file}")
    return failures.OK


def schema_text() -> str:
    """The schema as a file holds it."""
    from fieldwright.dsl.structure import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"

"""`interpret init`: a project of an integrator's own, ready to run on the sandbox and to be extended by YAML alone.

Writes a handful of small files with an example that is switched on by uncommenting it. Never overwrites one.
"""

from __future__ import annotations

import re
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Final

import click

from fieldwright import failures, output
from fieldwright.commands import options, schema
from fieldwright.project import PROJECT_FILE, shown_path
from fieldwright.runtime.errors import StateUnusable

SCHEMA: Final = "mapping.schema.json"
"""Not a template: the schema of this version, which the first line of each file names for editors."""

FILES: Final = {
    PROJECT_FILE: "interpret.yaml.j2",
    "overlays/customer-segment.overlay.yaml": "overlay.yaml.j2",
    "schema/custom-fields.yaml": "custom-fields.yaml.j2",
    "mappings/README.md": "mappings.md.j2",
    "ci/check.sh": "check.sh.j2",
    schema.FILE: SCHEMA,
    ".gitignore": "gitignore.j2",
}
"""What is written, and from which template."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@click.command(
    "init",
    short_help="Make a project of your own in a folder.",
    epilog="""\b
Examples:
  interpret init                          in this folder
  interpret init billing --name acme      in a new one""",
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", help="Lower-case words joined by hyphens.  [default: from the folder's name]")
@options.output_option()
def command(folder: Path, name: str | None, output_format: str) -> int:
    """Make a project of your own in a folder.

    The shipped mappings are used as they are; an example overlay shows how a custom field is added without code.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise failures.WrongUse(
            f"`{name}` is no name for a project", "use lower-case words and hyphens, as acme-billing"
        )
    name = name or _name_of(folder.resolve())
    present = [path for path in FILES if path != ".gitignore" and (folder / path).exists()]
    if present:
        raise failures.WrongUse(
            f"{shown_path(folder / present[0])} is there already", "nothing was written; choose an empty folder"
        )
    try:
        written = [path for path, template in FILES.items() if _write(folder / path, _rendered(template, name))]
    except OSError as error:
        raise StateUnusable(f"{error.filename} cannot be written: {error.strerror}", "choose another folder") from None
    if output_format == output.Format.JSON:
        output.write_json({"version": 1, "project": name, "folder": str(folder), "files": written})
        return failures.OK
    output.say(f"Project {name} in {shown_path(folder)}:")
    for path in written:
        output.say(f"  {path}")
    go = "" if folder.resolve() == Path.cwd() else f"  cd {_quoted(str(folder))}\n"
    output.say(f"""
Next:
{go}  interpret run                  sync the built-in sandbox with the shipped mappings

Then add a custom field without code: switch on the example,
  sed -i.off 's/^# //' overlays/customer-segment.overlay.yaml schema/custom-fields.yaml
  interpret lint                 is it right?
  interpret plan                 what would it write?
  interpret run

Real accounts: set the variables named in {PROJECT_FILE}, then interpret plan --target staging""")
    return failures.OK


def _write(path: Path, text: str) -> bool:
    if path.name == ".gitignore" and path.exists():
        # The folder is under version control already: its own rules stay, ours are added once.
        before = path.read_text(encoding="utf-8")
        missing = [line for line in text.splitlines() if line not in before.splitlines()]
        if not missing:
            return False
        gap = "" if not before or before.endswith("\n") else "\n"
        path.write_text(before + gap + "\n".join(missing) + "\n", encoding="utf-8")
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    # `x` refuses a file that has come into being since we looked.
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    if path.suffix == ".sh":
        path.chmod(0o755)
    return True


def _rendered(template: str, name: str) -> str:
    if template == SCHEMA:
        return schema.schema_text()
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    source = (resource_files("fieldwright.scaffold") / template).read_text(encoding="utf-8")
    return environment.from_string(source).render(name=name)


def _name_of(folder: Path) -> str:
    words = re.findall(r"[a-z0-9]+", folder.name.lower())
    name = "-".join(words).lstrip("0123456789-")
    return name or "my-project"


def _quoted(path: str) -> str:
    return path if re.fullmatch(r"[\w./~+-]+", path) else "'" + path.replace("'", "'\\''") + "'"

"""`interpret lint`: every mistake in mapping files, at its place, in one run. Opens no network and runs no code of
the files it reads.

Without paths it checks the whole project. Files given by path are checked within their project where they belong to
one, else on their own against the shipped schemas and mappings; only their own findings are shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import Project, find_project, pack_files, read_files, shown_path, yaml_files

if TYPE_CHECKING:
    from fieldwright.dsl.diagnostics import Diagnostic

FORMATS: Final = ("text", "concise", "json", "github")


@click.command(
    "lint",
    short_help="Check mapping files and show every mistake at its place.",
    epilog="""\b
Examples:
  interpret lint                          the whole project
  interpret lint mappings/acme.map.yaml   one file, within its project
  interpret lint --format github          annotations for a pull request
  interpret rule DM301                    what a code means""",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "lint_format", type=click.Choice(FORMATS), help="How to print findings.  [default: text]")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--notes", is_flag=True, help="Also show remarks that are no mistakes.")
@options.target_option()
@options.project_option()
@options.output_option()
def command(
    paths: tuple[Path, ...],
    lint_format: str | None,
    strict: bool,
    notes: bool,
    target: str | None,
    folder: Path | None,
    output_format: str,
) -> int:
    """Check mapping files and show every mistake at its place.

    All mistakes are shown in one run. Exit code 0 without errors, 1 with.
    """
    from fieldwright.checked import check
    from fieldwright.dsl.diagnostics import Severity

    project = find_project(folder)
    chosen = _chosen(paths)
    if chosen is None:
        count = len(project.files)
    else:
        project = _with_files(project, chosen)
        count = len(chosen)
    checked = check(project, project.target(target))
    found = [
        finding
        for finding in checked.diagnostics
        if (notes or finding.severity is not Severity.NOTE)
        and (chosen is None or finding.span.file.path in {shown_path(path) for path in chosen})
    ]
    _print(found, count, lint_format or output_format)
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return failures.FINDINGS if any(finding.severity in failing for finding in found) else failures.OK


def _chosen(paths: Sequence[Path]) -> tuple[Path, ...] | None:
    """The files that paths name, folders taken as all YAML files below them; None for no paths."""
    if not paths:
        return None

    def files() -> Iterator[Path]:
        for path in paths:
            if path.is_dir():
                yield from yaml_files(path)
            else:
                yield path

    found = tuple({path.resolve(): path for path in files()}.values())
    if not found:
        raise failures.WrongUse("no YAML file there", "name files or folders with mapping files")
    return found


def _with_files(project: Project, chosen: Sequence[Path]) -> Project:
    """The project with the chosen files in it; a project on its own where they belong to none."""
    shown = {shown_path(path) for path in chosen}
    if shown <= {file.path for file in project.files}:
        return project
    files, findings = read_files(iter(chosen), None)
    if any(path.resolve().is_relative_to(project.folder) for path in chosen) and not project.shipped:
        others = tuple(file for file in project.files if file.path not in shown)
        return Project(project.folder, False, (*files, *others), project.own | shown, findings, project.document)
    packs = tuple(file for file in pack_files(with_default=False) if file.path not in shown)
    return Project(project.folder, False, (*files, *packs), frozenset(shown), findings, None)


def _print(found: Sequence[Diagnostic], count: int, chosen: str) -> None:
    match chosen:
        case "json":
            from fieldwright.dsl.render.machine import render_json

            output.write(render_json(found, count))
        case "github":
            from fieldwright.dsl.render.machine import render_github

            output.write(render_github(found))
        case "concise":
            from fieldwright.dsl.render.text import render_concise

            output.write(render_concise(found))
        case _:
            from fieldwright.dsl.render.text import render_text

            paint = output.paint_for(sys.stdout)
            text = render_text(found, colour=paint.on)
            output.write(text + ("\n" if text else ""))
            output.write(_summary(found, count) + "\n")


def _summary(found: Sequence[Diagnostic], count: int) -> str:
    files = "1 file" if count == 1 else f"{count} files"
    numbers = {word: sum(finding.severity.value == word for finding in found) for word in ("error", "warning", "note")}
    said = [f"{number} {word}{'' if number == 1 else 's'}" for word, number in numbers.items() if number]
    if not said:
        return f"No mistakes in {files}."
    tail = " `interpret rule CODE` explains a code." if numbers["error"] or numbers["warning"] else ""
    return f"{', '.join(said)} in {files}.{tail}"

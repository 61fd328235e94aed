"""`interpret lint`: every mistake in mapping files, at its place, in one run. Opens no network and runs no code of
the files it reads.

Without paths it checks the whole project. Files given by path are checked within their project where they belong to
one, else on their own against the shipped schemas and mappings; only their own findings are shown. `--fix` and `--diff`
are the business of `fieldwright.fixing`, `--against` that of `fieldwright.history`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import Project, pack_files, project_of, read_files, shown_path, yaml_files

if TYPE_CHECKING:
    from fieldwright.dsl.diagnostics import Diagnostic

FORMATS: Final = ("text", "concise", "json", "sarif", "github", "gitlab", "junit")
SEVERITIES: Final = ("error", "warning", "note")

Keep = Callable[["Diagnostic"], bool]


@click.command(
    "lint",
    short_help="Check mapping files and show every mistake at its place.",
    epilog="""\b
Examples:
  interpret lint                          the whole project
  interpret lint mappings/acme.map.yaml   one file, within its project
  interpret lint --diff                   what --fix would change
  interpret lint --ignore DM8 --strict    warnings fail too, codes DM8xx aside
  interpret lint --against origin/main    also what breaks those who rely on it
  interpret lint --format github          annotations for a pull request
  interpret rule DM301                    what a code means""",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "lint_format", type=click.Choice(FORMATS), help="How to print findings.  [default: text]")
@click.option("--fix", is_flag=True, help="Put right what has one right spelling; show what is left.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: also fixes that guess what was meant.")
@click.option("--diff", "diff", is_flag=True, help="Print what --fix would change; write nothing.")
@click.option("--select", multiple=True, metavar="CODES", help="Only these codes, or all that begin so: DM3,DM401.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these codes, or all that begin so.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Show nothing below this.  [default: warning]")
@click.option("--against", metavar="REV", help="Also compare with this git revision: what changes what is synced?")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--notes", is_flag=True, help="Also show remarks that are no mistakes.")
@click.option("--cache/--no-cache", default=True, help="Remember findings of files that stay the same.  [default: on]")
@options.target_option()
@options.project_option()
@options.output_option()
def command(
    paths: tuple[Path, ...],
    lint_format: str | None,
    fix: bool,
    unsafe: bool,
    diff: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    severity: str | None,
    against: str | None,
    strict: bool,
    notes: bool,
    cache: bool,
    target: str | None,
    folder: Path | None,
    output_format: str,
) -> int:
    """Check mapping files and show every mistake at its place.

    All mistakes are shown in one run. A warning is allowed in place by a comment, `# interpret: allow DM401 -- why`.
    Exit code 0 without errors, 1 with; --diff ends with 1 where it has something to change.
    """
    if unsafe and not (fix or diff):
        raise failures.WrongUse("--unsafe says which fixes, but none are asked for", "add --fix or --diff")
    keep = _filter(_codes(select), _codes(ignore), severity or ("note" if notes else "warning"))
    chosen = _chosen(paths)
    project = project_of(chosen or (), folder)
    if chosen is not None:
        project = _with_files(project, chosen)
    names = {shown_path(path) for path in chosen} if chosen is not None else {file.path for file in project.files}
    shown = sorted(names)

    def concerned(found: Sequence[Diagnostic]) -> list[Diagnostic]:
        return [one for one in found if keep(one) and (chosen is None or one.span.file.path in names)]

    if fix or diff:
        from fieldwright.fixing import fix_project

        fixed = fix_project(project, target, concerned, unsafe=unsafe)
        if diff:
            output.write(fixed.diff())
            return failures.FINDINGS if fixed.changed else failures.OK
        fixed.write()
        project, found = fixed.project, fixed.left
        if fixed.changed:
            output.remark(f"{_count(fixed.count, 'fix', 'fixes')} made in {_count(len(fixed.changed), 'file')}")
    else:
        found = concerned(_diagnostics(project, target, cache))
    if against is not None:
        from fieldwright.history import breaking_changes

        found = [*found, *concerned(breaking_changes(project, against))]
    _print(found, shown, lint_format or output_format)
    failing = {"error", "warning"} if strict else {"error"}
    return failures.FINDINGS if any(finding.severity.value in failing for finding in found) else failures.OK


def _diagnostics(project: Project, target: str | None, cache: bool) -> Sequence[Diagnostic]:
    from fieldwright.remembered import remembered_findings

    return remembered_findings(project, project.target(target), cache=cache)


def _codes(given: Sequence[str]) -> tuple[str, ...]:
    """Codes and beginnings of codes, upper case; raises WrongUse for one that no code begins with."""
    from fieldwright.dsl.codes import registry

    codes = tuple(code.strip().upper() for text in given for code in text.split(",") if code.strip())
    for code in codes:
        if not any(known.startswith(code) for known in registry()):
            raise failures.WrongUse(f"no code begins with `{code}`", "`interpret rule` lists all codes")
    return codes


def _filter(select: tuple[str, ...], ignore: tuple[str, ...], severity: str) -> Keep:
    wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]

    def keep(finding: Diagnostic) -> bool:
        if finding.severity.value not in wanted or (select and not finding.code.startswith(select)):
            return False
        return not (ignore and finding.code.startswith(ignore))

    return keep


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


def _print(found: Sequence[Diagnostic], files: Sequence[str], chosen: str) -> None:
    from fieldwright.dsl.render.formats import RENDERERS

    if chosen != "text":
        output.write(RENDERERS[chosen](found, files))
        return
    from fieldwright.dsl.render.text import render_text

    text = render_text(found, colour=output.paint_for(sys.stdout).on)
    output.write(text + ("\n" if text else ""))
    output.write(_summary(found, len(files)) + "\n")


def _summary(found: Sequence[Diagnostic], count: int) -> str:
    files = _count(count, "file")
    numbers = {word: sum(finding.severity.value == word for finding in found) for word in SEVERITIES}
    said = [_count(number, word) for word, number in numbers.items() if number]
    if not said:
        return f"No mistakes in {files}."
    tail = " `interpret rule CODE` explains a code." if numbers["error"] or numbers["warning"] else ""
    fixable = sum(finding.fix is not None and bool(finding.fix.edits) for finding in found)
    safe = sum(finding.fix is not None and finding.fix.safe for finding in found)
    if fixable:
        how = "`--fix`" if safe == fixable else "`--fix --unsafe`"
        tail += f" {fixable} can be put right by {how}; `--diff` shows how."
    return f"{', '.join(said)} in {files}.{tail}"


def _count(number: int, word: str, words: str = "") -> str:
    return f"{number} {word if number == 1 else words or word + 's'}"

"""Mapping files that a command rewrites: which ones are meant, and how the new text gets into them.

Every file is read and converted before the first one is written. Writing is one step a file, keeps its rights, and is
refused where somebody has changed it meanwhile. Symbolic links are not followed: in a folder they are passed by, named
by path they are refused. `-` stands for the standard input and output, which is how editors call such commands.
"""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.reader import MAX_CHARACTERS, decode
from fieldwright.dsl.source import SourceFile
from fieldwright.project import find_project, read_files, shown_path, yaml_files
from fieldwright.runtime.errors import ConfigError

STANDARD_INPUT: Final = Path("-")

Convert = Callable[[SourceFile], tuple[str, tuple[Diagnostic, ...]]]
"""The new text of a file, and why it was left alone if it was."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One file with its new text."""

    path: Path
    file: SourceFile
    text: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return self.text != self.file.text

    def diff(self) -> str:
        """The change as a unified diff; empty for none."""
        old, new = (text.splitlines(keepends=True) for text in (self.file.text, self.text))
        name = self.file.path.lstrip("/")
        made = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)

    def write(self) -> None:
        """Put the new text in place of the old one. Raises ConfigError where that cannot be done."""
        try:
            if self.path.is_symlink() or self.path.read_bytes() != self.file.text.encode("utf-8"):
                raise ConfigError(f"{self.file.path} was changed meanwhile", "it was left alone; run the command again")
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self.text.encode("utf-8"))
                shutil.copymode(self.path, name)
                os.replace(name, self.path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise ConfigError(f"{self.file.path} cannot be written: {error.strerror}", "check its rights") from None


def rewriting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that such commands share."""
    for add in (
        options.output_option(),
        options.project_option(),
        click.option("--diff", is_flag=True, help="Write nothing; print what would change. Exit 1 if anything would."),
        click.option("--check", is_flag=True, help="Write nothing; name the files that would change. Exit 1 if any."),
        click.argument("paths", nargs=-1, type=click.Path(exists=True, allow_dash=True, path_type=Path)),
    ):
        function = add(function)
    return function


def rewrite(
    paths: Sequence[Path], folder: Path | None, convert: Convert, *, check: bool, diff: bool, output_format: str
) -> int:
    """Convert files and write them, or only say what would be written; returns the exit code."""
    if STANDARD_INPUT in paths:
        if len(paths) > 1:
            raise failures.WrongUse("`-` stands alone", "name files, or read from the standard input")
        return _standard_input(convert, check=check, diff=diff)
    made = [_converted(path, convert) for path in _chosen(paths, folder)]
    changed = [one for one in made if one.is_changed]
    found = [finding for one in made for finding in one.diagnostics]
    only_tell = check or diff
    if not only_tell:
        for one in changed:
            one.write()
    if output_format == output.Format.JSON:
        _print_json(made, found, written=not only_tell)
    else:
        _print_text(made, changed, found, only_tell=only_tell, diff=diff)
    return failures.FINDINGS if found or (only_tell and changed) else failures.OK


def _chosen(paths: Sequence[Path], folder: Path | None) -> tuple[Path, ...]:
    """The files that are meant, each once; those of the project for none."""
    if not paths:
        project = find_project(folder)
        if project.shipped:
            raise failures.WrongUse("there is no project here", "name the files or folders, or `-`")
        paths = [Path(path) for path in sorted(project.own)]

    def files() -> Iterator[Path]:
        for path in paths:
            if path.is_dir():
                yield from (each for each in yaml_files(path) if not each.is_symlink())
            elif path.is_symlink():
                raise failures.WrongUse(f"{shown_path(path.parent)}/{path.name} is a link", "name the file itself")
            else:
                yield path

    found = tuple({path.resolve(): path for path in files()}.values())
    if not found:
        raise failures.WrongUse("no YAML file there", "name files or folders with mapping files")
    return found


def _converted(path: Path, convert: Convert) -> Rewritten:
    (file,), findings = read_files(iter([path]), None)
    if findings:
        return Rewritten(path, file, file.text, findings)
    text, findings = convert(file)
    return Rewritten(path, file, text, findings)


def _standard_input(convert: Convert, *, check: bool, diff: bool) -> int:
    given: bytes = sys.stdin.buffer.read(MAX_CHARACTERS + 1)
    file, findings = decode("<standard input>", given)
    text = file.text
    if not findings:
        text, findings = convert(file)
    made = Rewritten(STANDARD_INPUT, file, text, findings)
    if findings:
        # Editors put back what they get, so a file that cannot be read comes back as it is.
        _print_findings(findings)
    if diff:
        output.write(made.diff())
    elif not check:
        click.echo(given if findings else made.text.encode("utf-8"), nl=False)
    return failures.FINDINGS if findings or ((check or diff) and made.is_changed) else failures.OK


def _print_text(
    made: Sequence[Rewritten], changed: Sequence[Rewritten], found: Sequence[Diagnostic], *, only_tell: bool, diff: bool
) -> None:
    _print_findings(found)
    for one in changed:
        if diff:
            output.write(one.diff())
        else:
            output.say(one.file.path)
    broken = sum(bool(one.diagnostics) for one in made)
    word = "would be rewritten" if only_tell else "rewritten"
    same = len(made) - len(changed) - broken
    said = [f"{_files(len(changed))} {word}"] if changed else []
    said += [f"{_files(same)} as it should be" if same == 1 else f"{_files(same)} as they should be"] if same else []
    said += [f"{_files(broken)} left alone"] if broken else []
    output.remark(", ".join(said) + ".")


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _print_findings(found: Sequence[Diagnostic]) -> None:
    if found:
        from fieldwright.dsl.render.text import render_text

        sys.stderr.write(render_text(found, colour=output.paint_for(sys.stderr).on) + "\n")


def _print_json(made: Sequence[Rewritten], found: Sequence[Diagnostic], *, written: bool) -> None:
    from fieldwright.dsl.render.machine import as_json

    files = [{"file": one.file.path, "changed": one.is_changed, "read": not one.diagnostics} for one in made]
    diagnostics = as_json(found, len(made))["diagnostics"]
    output.write_json({"version": 1, "files": files, "written": written, "diagnostics": diagnostics})

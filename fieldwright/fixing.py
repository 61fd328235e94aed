"""A project with findings -> the project with their fixes made, for `lint --fix` and `--diff`.

Works on texts: fixes are made, the outcome is checked again, and so on until nothing is left to do, because one
finding may hide another. A file that a fix would leave unreadable keeps its text. Only then are files written, and
only the project's own, each in one step and only if nobody has changed it meanwhile.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fieldwright.checked import check
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.fixes import apply_fixes
from fieldwright.project import Project, with_texts
from fieldwright.runtime.errors import ConfigError

ROUNDS: Final = 10
"""Each round makes all fixes that do not overlap; more rounds are needed only where findings hide each other."""

Concerned = Callable[[Sequence[Diagnostic]], list[Diagnostic]]


@dataclass(frozen=True, slots=True)
class FixedProject:
    """`changed` holds the old and the new text of each file that changes, `left` the findings that remain, `count` the
    number of fixes made."""

    project: Project
    changed: Mapping[str, tuple[str, str]]
    left: list[Diagnostic]
    count: int

    def diff(self) -> str:
        """All changes as a unified diff."""
        parts: list[str] = []
        for path, (old, new) in sorted(self.changed.items()):
            lines = difflib.unified_diff(
                old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
            )
            for line in lines:
                parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
        return "".join(parts)

    def write(self) -> None:
        """Write the changed files; raises ConfigError for one that was changed by someone else meanwhile."""
        for path, (old, _) in self.changed.items():
            if Path(path).read_bytes() != old.encode("utf-8"):
                raise ConfigError(f"{path} was changed meanwhile", "nothing was written; run the command again")
        for path, (_, new) in self.changed.items():
            _replace(Path(path).resolve(), new)


def fix_project(project: Project, target: str | None, concerned: Concerned, *, unsafe: bool) -> FixedProject:
    """Make the fixes of the findings that `concerned` picks."""
    first = {file.path: file.text for file in project.files}
    kept: set[str] = set()
    count = 0
    found = _check(project, target)
    for _ in range(ROUNDS):
        fixed = apply_fixes(concerned(found), unsafe=unsafe, paths=project.own - kept)
        if not fixed.texts:
            break
        tried = with_texts(project, fixed.texts)
        outcome = _check(tried, target)
        worse = _unreadable(outcome, found) & fixed.texts.keys()
        if worse:
            kept |= worse
            continue
        project, found = tried, outcome
        count += len(fixed.made)
    changed = {file.path: (first[file.path], file.text) for file in project.files if file.text != first[file.path]}
    return FixedProject(project, changed, concerned(found), count)


def _check(project: Project, target: str | None) -> Sequence[Diagnostic]:
    return check(project, project.target(target), compiled=False).diagnostics


def _unreadable(now: Sequence[Diagnostic], before: Sequence[Diagnostic]) -> set[str]:
    """Files with more findings about YAML itself than before."""
    counts = [Counter(one.span.file.path for one in found if one.code < "DM010") for found in (now, before)]
    return {path for path, number in counts[0].items() if number > counts[1][path]}


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise

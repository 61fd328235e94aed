"""A project and a git revision -> what changed in between that those who rely on the project should know.

The old files come out of git's object store (`git cat-file`): nothing is checked out, no filter or hook of the
repository runs, and nothing is fetched. Both states are checked in full and compared by `fieldwright.dsl.against`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from fieldwright.checked import check
from fieldwright.dsl.against import compare
from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.reader import MAX_CHARACTERS, decode
from fieldwright.dsl.source import SourceFile
from fieldwright.failures import WrongUse
from fieldwright.project import FOLDERS, MOST_FILES, PROJECT_FILE, Project, shown_path, with_files

SECONDS: Final = 60
_PLAIN_FILES: Final = ("100644", "100755")


def breaking_changes(project: Project, revision: str) -> Sequence[Diagnostic]:
    """Findings about what the project does otherwise than at `revision`; raises WrongUse without such a revision, or
    without a git repository around the project."""
    top = _top(project.folder)
    commit = _commit(top, revision)
    old_files = tuple(_files(top, commit, project))
    before = check(with_files(project, old_files), None, compiled=False).result
    now = check(project, None, compiled=False).result
    wrong = [one.span.file for one in now.diagnostics if one.severity is Severity.ERROR and one.code < "DM100"]
    unread = {name for name in before.mappings if any(f"mapping: {name}" in file.text for file in wrong)}
    return compare(before, now, leave_out=unread)


def _files(top: Path, commit: str, project: Project) -> Iterator[SourceFile]:
    """The project's own files as they were. Links are left out, as in a checkout they may lead anywhere."""
    base = project.folder.resolve().relative_to(top)
    prefix = "" if base == Path() else f"{base.as_posix()}/"
    alone = {_inside(top, path) for path in project.own} if project.document is None else set()
    listed = _git(top, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
    blobs: dict[str, str] = {}
    for line in filter(None, listed.split("\0")):
        about, _, path = line.partition("\t")
        mode, _, blob, size = about.split()
        wanted = path in alone or (not alone and _belongs(path, prefix))
        if wanted and mode in _PLAIN_FILES and int(size) <= MAX_CHARACTERS:
            blobs[path] = blob
    if len(blobs) > MOST_FILES:
        raise WrongUse(f"more than {MOST_FILES} YAML files at {commit[:10]}")
    if blobs:
        answer = _git(top, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs.values()).encode())
        for path, data in zip(blobs, _contents(answer), strict=True):
            yield decode(shown_path(top / path), data)[0]


def _contents(answer: bytes) -> Iterator[bytes]:
    """The blobs in what `cat-file --batch` prints: a line `ID blob SIZE`, the bytes, a line end, and so on."""
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        yield answer[end + 1 : end + 1 + size]
        at = end + 2 + size


def _inside(top: Path, shown: str) -> str:
    path = Path(shown).resolve()
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else ""


def _belongs(path: str, prefix: str) -> bool:
    if not path.startswith(prefix):
        return False
    first, *rest = path.removeprefix(prefix).split("/")
    if not rest:
        return first == PROJECT_FILE
    hidden = any(part.startswith(".") for part in rest)
    return first in FOLDERS and not hidden and path.endswith((".yaml", ".yml"))


def _top(folder: Path) -> Path:
    return Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel")).rstrip("\n")).resolve()


def _commit(top: Path, revision: str) -> str:
    try:
        found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    except WrongUse:
        hint = "name a branch, tag or commit; a shallow clone may lack it (`fetch-depth: 0`)"
        raise WrongUse(f"git knows no revision `{revision}` here", hint) from None
    return found.decode("ascii").strip()


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            capture_output=True,
            env={**environment, **quiet},
            input=given,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise WrongUse("git is not installed", "`--against` needs git") from None
    except subprocess.TimeoutExpired:
        raise WrongUse(f"git did not answer within {SECONDS} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise WrongUse(
            f"git cannot tell: {said[0] if said else 'no reason given'}", "`--against` needs a git repository"
        )
    return done.stdout

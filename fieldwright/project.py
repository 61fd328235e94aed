"""A folder (or nothing at all) -> the project: its files as values, its targets, where its state lives.

Looks upwards for `interpret.yaml`; without one the shipped mappings against the built-in sandbox are the project, so
that `interpret run` works in any folder. Reads every YAML file of the project and the shipped packs; what is in them
is for `fieldwright.dsl.pipeline` to say. Mapping files are untrusted: only regular files inside the project are read,
never more than 256 KiB of one, and no link leads out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any, Final

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document, DocumentKind
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.project import Project as ProjectDocument
from fieldwright.dsl.project import build_project
from fieldwright.dsl.reader import MAX_CHARACTERS, decode, read
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import check_structure
from fieldwright.runtime.errors import ConfigError, StateUnusable

PROJECT_FILE: Final = "interpret.yaml"
SANDBOX: Final = "sandbox"
FOLDERS: Final = ("mappings", "overlays", "schema", "rules", "functions", "tables", "tests")
"""Where a project keeps its YAML files."""

DATA_FOLDERS: Final = frozenset(["golden", "fixtures"])
"""Folders beside test documents whose files are data of tests, no documents."""

MOST_FILES: Final = 5000
"""More files than this are a mistake (a project pointed at a home folder), not a project."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run writes. `connections` maps a system to `{"env": PREFIX}` or `{"sandbox": true}`; `confirm` asks
    before a run on a terminal, `settings` override the project's."""

    name: str
    sandbox: bool = False
    confirm: bool = False
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)

    def is_emulated(self, system: str) -> bool:
        """Whether this system is the built-in one."""
        return self.sandbox or self.connections.get(system, {}).get("sandbox") is True


@dataclass(frozen=True, slots=True)
class Project:
    """A project as found. `files` are the project's own and the shipped ones, as values; `own` names the paths of the
    former. `document` is None where the project file has findings (the pipeline words them). `shipped` is true
    without a project file."""

    folder: Path
    shipped: bool
    files: tuple[SourceFile, ...]
    own: frozenset[str]
    findings: tuple[Diagnostic, ...]
    document: ProjectDocument | None

    @property
    def private(self) -> Path:
        """`.interpret/`: state and sandbox, never to be committed."""
        return self.folder / ".interpret"

    def state_file(self, target: Target) -> Path:
        """The state database of a target."""
        return self.private / "state" / f"{target.name}.db"

    def target(self, name: str | None) -> Target:
        """The target of that name, or the default one. Raises ConfigError for a name that the project does not have."""
        document = self.document
        targets = document.targets if document else {}
        wanted = name or (document.default_target if document else None) or SANDBOX
        said = targets.get(wanted)
        if said is None:
            if wanted == SANDBOX:
                return Target(SANDBOX, sandbox=True)
            known = [*targets, *([] if SANDBOX in targets else [SANDBOX])]
            hint = did_you_mean(wanted, known)
            where = "without an interpret.yaml there is one target only, sandbox" if self.shipped else ""
            raise ConfigError(
                f"there is no target `{wanted}`" + (f", {hint}" if hint else ""),
                where or f"this project has {', '.join(known)}; add others under `targets:` in {PROJECT_FILE}",
            )
        common = document.connections if document else {}
        own = said.get("connections") or {}
        return Target(
            name=wanted,
            sandbox=bool(said.get("sandbox", wanted == SANDBOX and not own)),
            confirm=bool(said.get("confirm", wanted.startswith(("prod", "live")))),
            connections={**common, **own},
            settings=said.get("settings") or {},
            limits={**(document.limits if document else {}), **(said.get("limits") or {})},
        )

    def prepare_private(self) -> Path:
        """`.interpret/` with a `.gitignore` of its own; raises StateUnusable where it cannot be made."""
        try:
            self.private.mkdir(mode=0o700, exist_ok=True)
            ignore = self.private / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise StateUnusable(
                f"the folder {shown_path(self.private)} cannot be written: {error.strerror}",
                "nothing was sent to any system; make the folder writable or run in another one",
            ) from None
        return self.private


def find_project(folder: Path | None = None, *, with_tests: bool = True) -> Project:
    """The project of `folder` (which must have an interpret.yaml), else the nearest one from the working folder
    upwards, else the shipped default. Raises ConfigError for a named folder without one. Test documents are left out
    on request: a run has no use for them, and a slip in one must not stop it."""
    if folder is not None:
        if not (folder / PROJECT_FILE).is_file():
            raise ConfigError(
                f"there is no {PROJECT_FILE} in {shown_path(folder)}",
                f"`interpret init {folder}` makes a project there",
            )
        return _open(folder.resolve(), with_tests)
    here = Path.cwd()
    for candidate in (here, *here.parents):
        if (candidate / PROJECT_FILE).is_file():
            return _open(candidate, with_tests)
    packs = tuple(pack_files(with_tests=with_tests))
    return Project(here, True, packs, frozenset(), (), _project_document(packs))


def project_of(paths: Iterable[Path], folder: Path | None = None) -> Project:
    """The project in which to look at files: the one that `find_project` finds, unless `folder` is not given, none of
    the files is its own, and all of them lie in one other project."""
    project = find_project(folder)
    files = {path.resolve() for path in paths}
    if folder is not None or not files or any(shown_path(path) in project.own for path in files):
        return project
    homes = {next((up for up in path.parents if (up / PROJECT_FILE).is_file()), None) for path in files}
    home = homes.pop() if len(homes) == 1 else None
    return project if home is None or home == project.folder else _open(home, with_tests=True)


def with_texts(project: Project, texts: Mapping[str, str]) -> Project:
    """The project as it would be if the files named had these texts; nothing is written."""
    files = tuple(SourceFile(one.path, texts[one.path]) if one.path in texts else one for one in project.files)
    document = project.document if project.shipped else _project_document(files)
    return replace(project, files=files, document=document)


def with_files(project: Project, own: tuple[SourceFile, ...]) -> Project:
    """The project as it would be with these files of its own in place of all that it has."""
    packs = tuple(file for file in project.files if file.path not in project.own)
    paths = frozenset(file.path for file in own)
    document = project.document if project.shipped else _project_document(own)
    return Project(project.folder, project.shipped, (*own, *packs), paths, (), document)


def pack_files(
    names: tuple[str, ...] | None = None, *, with_default: bool = True, with_tests: bool = False
) -> Iterator[SourceFile]:
    """The shipped mapping files; of the named packs only, where names are given. Their tests say what they do as they
    are shipped, so they are of use only without a project of one's own."""
    root = Path(str(resource_files("fieldwright.mappings"))).resolve()
    for path in sorted(root.rglob("*.yaml")):
        inside = path.relative_to(root).parts
        if DATA_FOLDERS.intersection(inside) or ("tests" in inside and not with_tests):
            continue
        pack = inside[0]
        is_default = path.parent == root
        if is_default and not with_default:
            continue
        if not is_default and names is not None and pack not in names:
            continue
        yield SourceFile(_shipped_path(path, root), path.read_text(encoding="utf-8"))


def read_files(paths: Iterator[Path], inside: Path | None) -> tuple[tuple[SourceFile, ...], tuple[Diagnostic, ...]]:
    """Files as values, with findings about bytes that are no text. Raises ConfigError for what is no regular file, is
    too large or lies outside `inside`."""
    found: list[SourceFile] = []
    findings: list[Diagnostic] = []
    for number, path in enumerate(paths):
        if number >= MOST_FILES:
            raise ConfigError(f"more than {MOST_FILES} YAML files", "name the folder of the project with --project")
        file, wrong = decode(shown_path(path), _bytes(path, inside))
        found.append(file)
        findings.extend(wrong)
    return tuple(found), tuple(findings)


def yaml_files(folder: Path) -> Iterator[Path]:
    """Every YAML file below a folder, in a stable order; hidden folders and data of tests are left out, links to
    folders not followed."""
    for base, names, leaves in os.walk(folder, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in DATA_FOLDERS)
        for leaf in sorted(leaves):
            if leaf.endswith((".yaml", ".yml")) and not leaf.startswith("."):
                yield Path(base) / leaf


def shown_path(path: Path) -> str:
    """The path as people want to read it: relative to the working folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _open(folder: Path, with_tests: bool) -> Project:
    own, findings = read_files(_project_files(folder, with_tests), folder)
    document = _project_document(own)
    packs = tuple(pack_files(document.packs if document else None, with_default=False))
    return Project(folder, False, (*own, *packs), frozenset(file.path for file in own), findings, document)


def _project_files(folder: Path, with_tests: bool) -> Iterator[Path]:
    yield folder / PROJECT_FILE
    for name in FOLDERS:
        if (folder / name).is_dir() and (with_tests or name != "tests"):
            yield from yaml_files(folder / name)


def _project_document(files: tuple[SourceFile, ...]) -> ProjectDocument | None:
    for file in files:
        if "project:" not in file.text:
            continue
        for root in read(file)[0]:
            document, wrong = check_structure(root)
            if isinstance(document, Document) and document.kind is DocumentKind.PROJECT and not wrong:
                return build_project(document)
    return None


def _bytes(path: Path, inside: Path | None) -> bytes:
    """The file's bytes. The rights are checked on the open file, so that nothing can be swapped in between; opening
    without blocking keeps a pipe from hanging the linter."""
    if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
        raise ConfigError(
            f"{shown_path(path.parent)}/{path.name} leads out of the project", "copy the file into the project"
        )
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"{shown_path(path)} cannot be read: {error.strerror}", "check its rights") from None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ConfigError(f"{shown_path(path)} is not a regular file", "a project holds plain files only")
        return file.read(MAX_CHARACTERS + 1)


def _shipped_path(path: Path, root: Path) -> str:
    shown = shown_path(path)
    return shown if not os.path.isabs(shown) else f"fieldwright/mappings/{path.relative_to(root).as_posix()}"

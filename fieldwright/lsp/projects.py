"""Folders and open editors -> what is known about a project: its files, their documents, what is wrong with them.

A `Workshop` holds one project as an editor sees it: files as they are on disk, and over them the texts that are open
and perhaps not saved. `view` checks what has changed since it was last asked. Reading the disk is left to
`fieldwright.project`, which is as careful here as for lint: opening a folder must be safe whatever lies in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Final

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.checking import Surroundings
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document, DocumentKind
from fieldwright.dsl.library import Library
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.pipeline import Result, check_project
from fieldwright.dsl.preferences import Preferences
from fieldwright.dsl.project import build_project
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.lsp.remembered import Files, Remembering
from fieldwright.project import FOLDERS, PROJECT_FILE, find_project, pack_files
from fieldwright.runtime.errors import ConfigError

SHIPPED: Final = "fieldwright/mappings/"
"""What the paths of shipped files begin with, where they do not lie below the working folder."""


@dataclass(frozen=True)
class View:
    """One state of a project, checked. `around` tells with what each mapping was linked; `editable` are the paths of
    files that belong to the user."""

    files: Mapping[str, SourceFile]
    documents: tuple[Document, ...]
    result: Result
    libraries: Mapping[str, Library]
    around: Mapping[str, Surroundings]
    editable: frozenset[str]

    @property
    def schemas(self) -> Schemas:
        """Schemas with the custom fields of the project."""
        return self.result.schemas

    @property
    def mappings(self) -> Mapping[str, MappingRules]:
        """Effective mappings by name."""
        return self.result.mappings

    @cached_property
    def by_kind(self) -> Mapping[DocumentKind, Mapping[str, Document]]:
        """Documents by kind and name; the first of two of one name."""
        found: dict[DocumentKind, dict[str, Document]] = {kind: {} for kind in DocumentKind}
        for document in self.documents:
            found[document.kind].setdefault(document.name, document)
        return found

    @cached_property
    def by_path(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        """Findings of each file in the order of their places."""
        found: dict[str, list[Diagnostic]] = {}
        for finding in self.result.diagnostics:
            found.setdefault(finding.span.file.path, []).append(finding)
        return {path: tuple(findings) for path, findings in found.items()}

    def preferences(self, mapping: str) -> Preferences | None:
        """The settings that a mapping sees."""
        around = self.around.get(mapping)
        return None if around is None else around.preferences


class Workshop:
    """One project while it is edited; `folder` is None for a file that belongs to none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._disk: dict[str, SourceFile] = {}
        self._shipped: tuple[SourceFile, ...] = ()
        self._open: dict[str, SourceFile] = {}
        self._files = Files()
        self._steps = Remembering()
        self._schemas = shipped_schemas()
        self._view: View | None = None
        self.problem = ""
        self.reload()

    def reload(self) -> None:
        """Read the disk anew. Where the project cannot be read, `problem` says why and only open files are known."""
        self.problem = ""
        self._view = None
        self._disk = {}
        try:
            if self.folder is None:
                self._shipped = tuple(pack_files(with_default=False))
                return
            project = find_project(self.folder)
        except (ConfigError, OSError) as error:
            self.problem = str(error)
            self._shipped = tuple(pack_files(with_default=False))
            return
        own = {_key(location(file.path)): file for file in project.files if file.path in project.own}
        self._disk = {path: SourceFile(path, file.text) for path, file in own.items()}
        self._shipped = tuple(file for file in project.files if file.path not in project.own)

    def open(self, path: str, text: str) -> None:
        """The text of an open file, as it is now."""
        if path not in self._open or self._open[path].text != text:
            self._open[path] = SourceFile(path, text)
            self._view = None

    def close(self, path: str) -> None:
        """The editor closed the file: what is on disk counts again."""
        if self._open.pop(path, None) is not None:
            self._view = None

    @property
    def open_paths(self) -> tuple[str, ...]:
        """Files that are open in the editor."""
        return tuple(self._open)

    def view(self) -> View:
        """The project as it is now, checked where it has changed."""
        if self._view is None:
            self._view = self._check()
        return self._view

    def _check(self) -> View:
        own = {**self._disk, **self._open}
        # An open file of a pack is shown as the user's own copy of it would be: in place of the shipped text.
        shipped = [file for file in self._shipped if _key(location(file.path)) not in own]
        ordered = [*own.values(), *shipped]
        loaded = self._files.load(ordered)
        target = None
        for document in loaded.documents:
            if document.kind is DocumentKind.PROJECT:
                target = build_project(document).default_target
        self._steps.begin()
        result = check_project(loaded, self._schemas, target=target or "sandbox", steps=self._steps, compiled=False)
        return View(
            {file.path: file for file in ordered},
            loaded.documents,
            result,
            self._steps.known_libraries,
            self._steps.around,
            frozenset(own),
        )


class Workshops:
    """All projects that files are open of."""

    def __init__(self) -> None:
        self._by_folder: dict[Path | None, Workshop] = {}

    def of(self, path: Path) -> Workshop:
        """The project that a file belongs to: that of the nearest folder with an interpret.yaml, else none."""
        folder = next((one for one in path.parents if (one / PROJECT_FILE).is_file()), None)
        if folder not in self._by_folder:
            self._by_folder[folder] = Workshop(folder)
        return self._by_folder[folder]

    def __iter__(self) -> Iterator[Workshop]:
        return iter(self._by_folder.values())


def concerns(path: Path, text: str) -> bool:
    """Whether a file is ours: editors open YAML of all kinds. A file in the folders of a project is, and any that says
    `interpret:` at the start of a line."""
    if text.startswith("interpret:") or "\ninterpret:" in text:
        return True
    for folder in path.parents:
        if (folder / PROJECT_FILE).is_file():
            inside = path.relative_to(folder).parts
            return inside == (PROJECT_FILE,) or (inside[0] in FOLDERS and len(inside) > 1)
    return False


def location(shown: str) -> Path:
    """Where the file lies that is shown under this path."""
    path = Path(shown)
    if shown.startswith(SHIPPED) and not path.exists():
        return Path(str(resource_files("fieldwright.mappings"))) / shown.removeprefix(SHIPPED)
    return path.absolute()


def _key(path: Path) -> str:
    return str(path.resolve())

"""The steps of a check, with the outcomes of the check before: only what a change can reach is done again.

An outcome is kept under everything that its step looks at. Documents, libraries and mappings are compared by identity:
whoever calls keeps unchanged ones alive (`Files` below does so for documents), and each memory holds what its key
names, so that an identity is never reused. What the last two checks did not ask for is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from fieldwright.dsl.checking import Surroundings
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document
from fieldwright.dsl.library import Library
from fieldwright.dsl.linked import LinkedMapping
from fieldwright.dsl.mapping import ChildRule, FieldRule, Reference
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.pipeline import Loaded, load
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.steps import Found, Steps

T = TypeVar("T")


class Memory:
    """Outcomes under keys; `holding` are the values whose identities the key names."""

    def __init__(self) -> None:
        self._now: dict[Hashable, tuple[Any, Any]] = {}
        self._before: dict[Hashable, tuple[Any, Any]] = {}
        self.made = 0

    def turn(self) -> None:
        """A new check begins: what the one before did not use is forgotten."""
        self._before, self._now = self._now, {}
        self.made = 0

    def get(self, key: Hashable, holding: Any, make: Callable[[], T]) -> T:
        """The outcome under the key, made where it is not known."""
        found = self._now.get(key) or self._before.get(key)
        if found is None:
            found = (make(), holding)
            self.made += 1
        self._now[key] = found
        outcome: T = found[0]
        return outcome


class Files:
    """Files -> documents, reading only those whose text is new."""

    def __init__(self) -> None:
        self._memory = Memory()

    def load(self, files: Sequence[SourceFile]) -> Loaded:
        """As `fieldwright.dsl.pipeline.load`; documents of unchanged files are the same objects as before."""
        self._memory.turn()
        parts = [self._one(file) for file in files]
        return Loaded(
            tuple(files),
            tuple(document for part in parts for document in part.documents),
            tuple(finding for part in parts for finding in part.diagnostics),
            frozenset(name for part in parts for name in part.broken),
            any(part.incomplete for part in parts),
        )

    def _one(self, file: SourceFile) -> Loaded:
        return self._memory.get((file.path, file.text), None, lambda: load((file,)))


class Remembering(Steps):
    """Steps that remember. `around` tells with what each mapping was linked last."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.around: dict[str, Surroundings] = {}
        self.known_libraries: Mapping[str, Library] = {}

    def begin(self) -> None:
        """To be called before each check."""
        self.memory.turn()
        self.around = {}

    def effective(self, base: Document, overlays: tuple[Document, ...]) -> tuple[MappingRules, Found]:
        key = ("effective", id(base), *map(id, overlays))
        return self.memory.get(key, (base, overlays), lambda: super(Remembering, self).effective(base, overlays))

    def schemas(self, documents: tuple[Document, ...], shipped: Schemas) -> tuple[Schemas, Found]:
        key = ("schemas", id(shipped), *map(id, documents))
        return self.memory.get(key, (documents, shipped), lambda: super(Remembering, self).schemas(documents, shipped))

    def libraries(self, documents: tuple[Document, ...], schemas: Schemas) -> tuple[Mapping[str, Library], Found]:
        # Libraries do not see each other, so that each can be remembered alone.
        by_name: dict[str, list[Document]] = {}
        for document in documents:
            by_name.setdefault(document.name, []).append(document)
        libraries: dict[str, Library] = {}
        findings: list[Diagnostic] = []
        for name in sorted(by_name):
            made, found = self._library(tuple(by_name[name]), schemas)
            libraries.update(made)
            findings.extend(found)
        self.known_libraries = libraries
        return libraries, tuple(findings)

    def _library(self, documents: tuple[Document, ...], schemas: Schemas) -> tuple[Mapping[str, Library], Found]:
        key = ("library", id(schemas), *map(id, documents))
        return self.memory.get(
            key, (documents, schemas), lambda: super(Remembering, self).libraries(documents, schemas)
        )

    def link(self, mapping: MappingRules, around: Surroundings) -> tuple[LinkedMapping, Found]:
        self.around[mapping.name] = around
        named = self.memory.get(
            ("references", id(mapping)), mapping, lambda: frozenset(one.mapping.text for one in references(mapping))
        )
        targets = tuple((name, around.mappings[name].to.text) for name in sorted(named & around.mappings.keys()))
        used = [around.libraries.get(node.text) for node in mapping.use]
        preferences = around.preferences
        key = (
            "link",
            id(mapping),
            id(around.schemas),
            tuple(map(id, used)),
            targets,
            # An unknown name is compared with all that are known, for did-you-mean.
            tuple(around.mappings) if len(targets) < len(named) else (),
            tuple(around.libraries) if None in used else (),
            None if around.applied is None else tuple(sorted(named & around.applied)),
            tuple(preferences.types.items()),
            repr(sorted(preferences.values.items())),
            preferences.uncertain,
        )
        held = (mapping, around.schemas, used)
        return self.memory.get(key, held, lambda: super(Remembering, self).link(mapping, around))

    def lint(self, linked: LinkedMapping) -> Found:
        return self.memory.get(("lint", id(linked)), linked, lambda: super(Remembering, self).lint(linked))

    def secrets(self, document: Document) -> Found:
        return self.memory.get(("secrets", id(document)), document, lambda: super(Remembering, self).secrets(document))

    def allow(self, files: Sequence[SourceFile], found: list[Diagnostic]) -> list[Diagnostic]:
        # A comment is about findings of its own file only.
        by_path: dict[str, list[Diagnostic]] = {}
        for finding in found:
            by_path.setdefault(finding.span.file.path, []).append(finding)
        kept: list[Diagnostic] = []
        for file in files:
            own = by_path.pop(file.path, [])
            key = ("allow", file.path, file.text, tuple(own))
            kept.extend(self.memory.get(key, None, lambda file=file, own=own: Steps.allow(self, (file,), own)))  # type: ignore[misc]
        for own in by_path.values():
            kept.extend(own)
        return kept


def references(mapping: MappingRules) -> list[Reference]:
    """Every reference to another mapping's records."""
    rules: list[FieldRule] = [*mapping.fields, *mapping.custom_fields]
    children: tuple[ChildRule, ...] = mapping.children
    rules += [rule for child in children for rule in child.fields]
    values = [rule.value for rule in rules] + [part.value for parts in mapping.keys for part in parts]
    return [value for value in values if isinstance(value, Reference)]

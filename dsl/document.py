"""What a mapping file holds once read: documents made of nodes, each of which knows its place in the file.

The reader makes nodes; structure checks them against the schema of their kind; overlays build new trees out of the
nodes of several files, so every node carries its own file. Nothing here knows what a mapping means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from fieldwright.dsl.scalars import Style, value_offsets
from fieldwright.dsl.source import SourceFile, Span


class DocumentKind(StrEnum):
    """What a document is, told by the one discriminating key that it has."""

    PROJECT = "project"
    MAPPING = "mapping"
    OVERLAY = "overlay"
    FUNCTIONS = "functions"
    TABLES = "tables"
    RULESET = "ruleset"
    MACHINE = "machine"
    TEST = "test"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf. `text` is the decoded text; `value` what it stands for: only an unquoted `null`, `true`, `false`, integer
    or decimal is anything but the text itself. `start` and `end` are file offsets and include quotes and headers."""

    file: SourceFile
    start: int
    end: int
    text: str
    style: Style
    value: str | int | Decimal | bool | None

    @property
    def span(self) -> Span:
        """The place of the whole scalar."""
        return Span(self.file, self.start, self.end)

    def part(self, start: int, end: int) -> Span:
        """The place in the file of `text[start:end]`, whatever the style; an empty part is a place between two
        characters. Falls back to the whole scalar where the text cannot be retraced."""
        places = value_offsets(self.file.text, self.start, self.end, self.style, self.text)
        if places is None:
            return self.span
        start = max(0, min(start, len(self.text)))
        end = max(start, min(end, len(self.text)))
        first = places[start][0]
        if end == start:
            return Span(self.file, first, first)
        return Span(self.file, first, places[end - 1][1])


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    file: SourceFile
    start: int
    end: int
    items: tuple[Node, ...]

    @property
    def span(self) -> Span:
        """The place of the whole list."""
        return Span(self.file, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a table."""

    key: Scalar
    value: Node

    @property
    def name(self) -> str:
        """The key's text."""
        return self.key.text


@dataclass(frozen=True, slots=True)
class Table:
    """Entries in file order; keys are unique."""

    file: SourceFile
    start: int
    end: int
    entries: tuple[Entry, ...]

    @property
    def span(self) -> Span:
        """The place of the whole table."""
        return Span(self.file, self.start, self.end)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def find(self, name: str) -> Entry | None:
        """The entry with this key, or None."""
        for entry in self.entries:
            if entry.key.text == name:
                return entry
        return None

    def get(self, name: str) -> Node | None:
        """The value under this key, or None."""
        entry = self.find(name)
        return None if entry is None else entry.value

    def table(self, name: str) -> Table | None:
        """The value under this key where it is a table."""
        found = self.get(name)
        return found if isinstance(found, Table) else None

    def text(self, name: str) -> str | None:
        """The text under this key where it is a string."""
        found = self.get(name)
        return found.value if isinstance(found, Scalar) and isinstance(found.value, str) else None


Node = Scalar | Sequence | Table


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, of a known kind. `name` is the text under its discriminating key."""

    kind: DocumentKind
    name: str
    name_at: Span
    root: Table
    file: SourceFile


def plain(node: Node) -> object:
    """The node as plain Python values (dict, list, str, int, Decimal, bool, None)."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Table():
            return {entry.name: plain(entry.value) for entry in node.entries}

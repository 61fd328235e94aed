"""What the features answer, in offsets of files; `server` turns it into the protocol's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fieldwright.dsl.source import Span


class ItemKind(StrEnum):
    """What a proposal is, for the editor's icon."""

    KEY = "key"
    FIELD = "field"
    VARIABLE = "variable"
    FUNCTION = "function"
    VALUE = "value"
    OBJECT = "object"
    TYPE = "type"
    WORD = "word"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Item:
    """One proposal. `text` replaces what is typed; `rank` sorts (lower first), then the label does."""

    label: str
    kind: ItemKind
    text: str
    detail: str = ""
    doc: str = ""
    rank: int = 5


@dataclass(frozen=True, slots=True)
class Proposals:
    """Proposals with the stretch of the file that each replaces."""

    span: Span
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about a stretch of the file."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """A change offered for a finding. `preferred` ones are safe: they do not change what a right file means."""

    title: str
    code: str
    edits: Mapping[str, tuple[tuple[Span, str], ...]]
    preferred: bool
    at: Span

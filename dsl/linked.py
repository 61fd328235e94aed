"""A mapping with every name resolved: what the target checks look at and programs are compiled from.

Everything keeps its rule, so that a finding can name the place. Where an expression has findings, its `value` is None
and later passes say nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.mapping import ChildRule, FieldRule, KeyPart, Mapping
from fieldwright.dsl.programspec import ProgramSpec
from fieldwright.dsl.schema import FieldSchema, ObjectSchema
from fieldwright.dsl.source import Span
from fieldwright.dsl.types import Type


@dataclass(frozen=True, slots=True)
class LinkedTable:
    """A value table with its rows as values. `complete` says that other values are provided for (by `else:`) or that
    leaving them an error was asked for."""

    rows: tuple[tuple[object, object, Span, Span], ...]
    otherwise: Checked | None
    otherwise_at: Span | None
    complete: bool
    span: Span


@dataclass(frozen=True, slots=True)
class LinkedField:
    """One field. `target` is None when the object has no such field, `written` the type of what is written (after a
    value table), None where unknown; `child` is the set it belongs to. `place` is where its value stands."""

    rule: FieldRule
    object: ObjectSchema
    target: FieldSchema | None
    value: Checked | None
    table: LinkedTable | None
    written: Type | None
    place: Span
    child: ChildRule | None = None


@dataclass(frozen=True, slots=True)
class LinkedKey:
    """One field of a key alternative."""

    part: KeyPart
    target: FieldSchema | None
    value: Checked | None
    place: Span


@dataclass(frozen=True, slots=True)
class LinkedChild:
    """One child list."""

    rule: ChildRule
    object: ObjectSchema | None
    fields: tuple[LinkedField, ...]


@dataclass(frozen=True, slots=True)
class LinkedMapping:
    """One mapping. `spec` is None when something in it could not be resolved. `used` holds every name (let, read,
    param) and `settings` every setting that some expression uses."""

    mapping: Mapping
    source: ObjectSchema | None
    target: ObjectSchema | None
    fields: tuple[LinkedField, ...]
    keys: tuple[tuple[LinkedKey, ...], ...]
    children: tuple[LinkedChild, ...]
    used: frozenset[str]
    settings: frozenset[str]
    spec: ProgramSpec | None
    sums: tuple[tuple[str, str, Checked, str], ...] = ()

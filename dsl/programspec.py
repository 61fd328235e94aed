"""A linked mapping in checked form, without YAML: what `fieldwright.dsl.link` builds and the compiler reads.

All names are resolved, overlays applied, types checked. Expressions appear as `Checked` values; a constant of the
mapping file is one too (see `fieldwright.dsl.expressions.check.constant`). `at` values are `path:line` places for
people and do not count as meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import FieldInfo
from fieldwright.dsl.schema import FieldSchema


class OnNull(StrEnum):
    """What a null value does to the written field."""

    SKIP = "skip"
    CLEAR = "clear"
    ERROR = "error"


class OnError(StrEnum):
    """What a value that could not be computed does."""

    FAIL_RECORD = "fail_record"
    SKIP_FIELD = "skip_field"
    NULL = "null"


class OnTooLong(StrEnum):
    """What a text longer than the target field does."""

    ERROR = "error"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class ValueTable:
    """`map:` or `table:`: rows from a source value to a target value, in file order. Null passes by. A value without a
    row takes `otherwise`; without that it is an error of the record."""

    rows: tuple[tuple[Any, Any], ...]
    otherwise: Checked | None = None


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One written field. `value` computes the language value, or the source key when `info.ref` is set.

    `target` is the field's schema; it decides the wire form together with `system` of the spec.
    `max_length` says what happens beyond `target.length`; `round` is a number of digits after the point.
    """

    info: FieldInfo
    value: Checked
    target: FieldSchema
    table: ValueTable | None = None
    on_null: OnNull = OnNull.SKIP
    on_error: OnError = OnError.FAIL_RECORD
    max_length: OnTooLong = OnTooLong.ERROR
    round: int | None = None


@dataclass(frozen=True, slots=True)
class KeyFieldSpec:
    """One field of a key alternative; with `ref` the value is the source key of that mapping's record."""

    field: str
    value: Checked
    target: FieldSchema
    at: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class LetSpec:
    """A named value. Lets see those above them. `slot` is the name under which `Scope.let` bound it."""

    slot: str
    value: Checked
    at: str


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """A declared read; the fields are those of `ReadInfo`, with the key still as an expression."""

    name: str
    kind: str
    object: str
    key: Checked
    at: str
    key_root_field: str | None = None
    where_field: str | None = None
    by: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class MembershipSpec:
    """One list that the contact belongs to; a null list name leaves it out."""

    list: Checked
    status: str
    at: str


@dataclass(frozen=True, slots=True)
class RowsSpec:
    """One child list: a row for each element of `each` (bound to `item`) that `filter` lets through. `checks` must hold
    for each row."""

    each: Checked
    item: str
    filter: Checked | None
    lets: tuple[LetSpec, ...]
    fields: tuple[FieldSpec, ...]
    at: str
    checks: tuple[CheckSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A set of target rows under the record; the rows of all `lists` follow one another. `name` is the set's."""

    name: str
    object: str
    parent: str
    key: tuple[str, ...]
    lists: tuple[RowsSpec, ...]
    at: str


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A condition on the source that must hold for the record to be written; null counts as not holding."""

    name: str
    value: Checked
    at: str


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """Everything the compiler needs for one mapping. `system` is the target system (`salesforce`)."""

    mapping: str
    title: str
    at: str
    system: str
    source_object: str
    root: str
    target_object: str
    fields: tuple[FieldSpec, ...]
    keys: tuple[tuple[KeyFieldSpec, ...], ...] = ()
    lets: tuple[LetSpec, ...] = ()
    reads: tuple[ReadSpec, ...] = ()
    filter: Checked | None = None
    filter_at: str = ""
    children: tuple[ChildSpec, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    memberships: tuple[MembershipSpec, ...] = ()
    memberships_info: FieldInfo | None = None
    after: tuple[str, ...] = ()
    driven_by: str | None = None
    params: tuple[str, ...] = ()
    on_ambiguous: str = "error"
    on_none: str = "create"
    on_source_delete: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

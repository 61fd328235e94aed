"""What a mapping says, as values that keep their places.

Every value position is an `Expression`, a `Constant` or a `Reference`; policies are filled in from `defaults:` and the
language's own defaults, so that later passes need not know where they were written. `mappingdocument` makes these of a
document; names are not resolved and no expression is parsed before `link`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.document import Document, Node, Scalar
from fieldwright.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Expression:
    """Text of the expression language, not yet parsed."""

    source: Scalar


@dataclass(frozen=True, slots=True)
class Constant:
    """A value given in YAML: an unquoted boolean or number, or `{const: ...}`."""

    source: Scalar


@dataclass(frozen=True, slots=True)
class Reference:
    """The target record that `mapping` writes for the source key `key`."""

    mapping: Scalar
    key: Expression | Constant


Value = Expression | Constant
AnyValue = Expression | Constant | Reference


@dataclass(frozen=True, slots=True)
class ValueTable:
    """What source values become: own `rows`, or those of the shared table `name`. `fallback` is what all other values
    become; None means that they are an error, which `asks_for_error` says was written out."""

    rows: tuple[tuple[Scalar, Scalar], ...]
    name: Scalar | None
    fallback: Value | None
    asks_for_error: bool
    span: Span


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What is written to one target field. `span` is the place of its name."""

    name: str
    span: Span
    value: AnyValue
    table: ValueTable | None
    write: str
    on_null: str
    on_error: str
    on_missing: str
    max_length: str
    round: int | None
    final: bool
    pii: bool
    doc: str


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One field of a key alternative."""

    field: str
    span: Span
    value: AnyValue


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A declared read: `kind` is get, many, newest or all (see `fieldwright.dsl.program.ReadInfo`)."""

    name: str
    span: Span
    kind: str
    object: Scalar
    key: Value
    where: Scalar | None
    by: Scalar | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class LetRule:
    """A named value."""

    name: str
    span: Span
    value: Value


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A claim about each record, or (with `sum_of`) that a target field equals a sum over the rows of a set."""

    name: str
    span: Span
    value: Value
    sum_of: Scalar | None


@dataclass(frozen=True, slots=True)
class SettingRule:
    """A typed setting; `default` is None where the document gives none."""

    name: str
    span: Span
    type: Scalar
    default: Scalar | None
    only_if: Value | None
    required: bool
    id: str
    doc: str


@dataclass(frozen=True, slots=True)
class ParamRule:
    """A value that the driving ruleset supplies."""

    name: str
    span: Span
    type: Scalar


@dataclass(frozen=True, slots=True)
class MembershipRule:
    """One list that the mapped contact belongs to; `status` is subscribed or unsubscribed."""

    list: Value
    status: str
    condition: Value | None
    span: Span


@dataclass(frozen=True, slots=True)
class ChildRule:
    """One list of child rows; lists that name the same `set` form one set together."""

    name: str
    span: Span
    set: str
    to: Scalar
    parent: Scalar
    key: tuple[Scalar, ...]
    of: Value
    item: Scalar
    filter: Value | None
    lets: tuple[LetRule, ...]
    fields: tuple[FieldRule, ...]
    checks: tuple[CheckRule, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Everything a mapping document says. `document` is the base document; `extended_by` names its overlays."""

    document: Document
    name: str
    span: Span
    version: int
    title: str
    object: Scalar
    root: Scalar
    to: Scalar
    use: tuple[Scalar, ...]
    after: tuple[Scalar, ...]
    driven_by: Scalar | None
    keys: tuple[tuple[KeyPart, ...], ...]
    on_ambiguous: str
    on_none: str
    on_source_delete: Node | None
    on_duplicate: str
    direction: str
    echo: str
    params: tuple[ParamRule, ...]
    settings: tuple[SettingRule, ...]
    reads: tuple[ReadRule, ...]
    lets: tuple[LetRule, ...]
    filter: Value | None
    fields: tuple[FieldRule, ...]
    custom_fields: tuple[FieldRule, ...]
    lists: tuple[MembershipRule, ...]
    lists_span: Span | None
    resubscribe: bool
    children: tuple[ChildRule, ...]
    checks: tuple[CheckRule, ...]
    extended_by: tuple[str, ...] = ()

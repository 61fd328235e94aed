"""What a checked mapping becomes: a `Program` that turns source records into target values.

`fieldwright.dsl.link` makes a `Program` from an effective mapping (base plus overlays); the runtime runs it and knows
nothing of YAML. A program carries two ways of mapping one record: generated Python source for the common case, and the
reference evaluator, which is slower, handles records of which a part was not read, and words every error. The
generated code is the happy path only: whatever it cannot do it raises, and the reference evaluator gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from fieldwright.dsl.decoding import record_of
from fieldwright.dsl.types import Type


class Write(StrEnum):
    """When a field is written."""

    ALWAYS = "always"
    CREATE_ONLY = "create_only"
    UPDATE_ONLY = "update_only"
    IF_EMPTY = "if_empty"


class Ref(NamedTuple):
    """A reference to the record that `mapping` writes for the source key `key`; the runtime puts the target id."""

    mapping: str
    key: str


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What the runtime must know of one written field; `at` is the place in the mapping file (`path:line`).

    `name` is the target field. At ActiveCampaign custom fields are `custom_fields.PERSTAG`, and the lists a contact
    belongs to are the one field `memberships.lists`, valued like
    `[{"list": "Customers", "status": "subscribed"}]`.
    """

    name: str
    type: Type
    write: Write
    at: str
    ref: str | None = None
    optional_ref: bool = False
    pii: bool = False
    email: bool = False


@dataclass(frozen=True, slots=True)
class KeyAlternative:
    """Fields that together identify a target record; `fields` in the order of the mapping file."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadInfo:
    """A declared read (`with:`): `kind` is get (one by id), many (several by ids), newest or all (by `where`).

    `object` is the qualified source object. For get and many `key` computes the id or ids from the roots known so far
    (the driving record and earlier reads). For newest and all, `where_field` of the read object must equal what
    `key` computes; `by` is the timestamp that decides what newest means; `limit` bounds all.
    """

    name: str
    kind: str
    object: str
    key: Callable[[Mapping[str, Any]], Any]
    key_root_field: str | None = None
    where_field: str | None = None
    by: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """A set of target rows under the mapped record, replaced as a whole. `key` are the fields that tell rows of one
    parent apart, `parent` the lookup field that the runtime fills with the parent's target id."""

    name: str
    object: str
    parent: str
    key: tuple[str, ...]
    fields: tuple[FieldInfo, ...]
    at: str


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field (or key, filter, check) of one record that could not be computed."""

    where: str
    code: str
    reason: str
    fix: str
    at: str


@dataclass(slots=True)
class MappedRecord:
    """The outcome of mapping one record.

    `included` is False when the mapping's filter leaves the record out. `fields` holds only what is to be written:
    a null under `on_null: skip` is absent, under `on_null: clear` it is None. Values are wire-ready for the target
    (str, int, Decimal, bool, list, None) or a `Ref`. `keys` is parallel to the program's key alternatives; None where
    one of its values is null. `children` maps a set's name to its rows in order, each with its fields. `checks` holds
    the values that target fields must show after the write (asserted, never written). A record with `problems` must
    not be written.
    """

    included: bool = True
    fields: dict[str, Any] = field(default_factory=dict)
    keys: tuple[dict[str, Any] | None, ...] = ()
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    problems: tuple[FieldProblem, ...] = ()
    checks: dict[str, Any] = field(default_factory=dict)


class ReferenceMapping(Protocol):
    """The slow way of mapping one record. `partial` says that absent fields were not read, which differs from null."""

    def __call__(self, roots: Mapping[str, Any], *, partial: bool = False) -> MappedRecord: ...


FromBytes = Callable[[bytes, Mapping[str, Any]], MappedRecord]
"""Maps the JSON text of the driving record; the other roots are given as usual."""


def _nothing() -> FromBytes | None:
    """No way of mapping from JSON text."""
    return None


@dataclass(frozen=True, slots=True)
class Program:
    """A mapping that is ready to run.

    `digest` changes exactly when the meaning changes (used to re-map everything after an edit). `used` lists, per
    qualified source object, the top-level fields read, so that a source can project. `compiled(roots)` is the fast
    path, `reference(roots)` the slow one; `map_record` picks. `source_text` is the generated Python, for people.
    `decoding()` makes, once, the fastest path of all: it maps the JSON text of the driving record, of which it decodes
    only what is read; None when the mapping needs the whole record. `params` names the values a ruleset must supply.
    `title` and `at` serve reports.
    """

    mapping: str
    title: str
    at: str
    digest: str
    source_object: str
    root: str
    target_object: str
    after: tuple[str, ...]
    driven_by: str | None
    params: tuple[str, ...]
    reads: tuple[ReadInfo, ...]
    used: Mapping[str, frozenset[str]]
    keys: tuple[KeyAlternative, ...]
    on_ambiguous: str
    on_none: str
    on_source_delete: Mapping[str, Any]
    fields: tuple[FieldInfo, ...]
    children: tuple[ChildInfo, ...]
    compiled: Callable[[Mapping[str, Any]], MappedRecord]
    reference: ReferenceMapping
    source_text: str = ""
    decoding: Callable[[], FromBytes | None] = _nothing
    options: Mapping[str, Any] = field(default_factory=dict)

    def map_record(self, roots: Mapping[str, Any], *, partial: bool = False) -> MappedRecord:
        """Map one record. `roots` holds the driving record under `self.root`, every declared read by name,
        `settings`, `run` and, for driven mappings, `params`. `partial` says that fields may be missing (not read):
        the generated code takes an absent key for null, so such records go to the reference evaluator."""
        if partial:
            return self.reference(roots, partial=True)
        try:
            return self.compiled(roots)
        except Exception:  # noqa: BLE001 - the reference evaluator words every failure, ours included
            return self.reference(roots)

    def map_bytes(self, data: bytes, roots: Mapping[str, Any]) -> MappedRecord:
        """The same for a driving record in JSON text as its system delivers it, whole. `roots` holds the others. Text
        that is no JSON object raises ValueError."""
        function = self.decoding()
        if function is not None:
            # Whatever the decoder or the code refuses is mapped from a dictionary.
            with suppress(Exception):
                return function(data, roots)
        return self.map_record({**roots, self.root: record_of(data)})

    def refs(self) -> Sequence[str]:
        """Names of the mappings this one refers to, parents before their order is decided."""
        own = [f.ref for f in self.fields if f.ref]
        rows = [f.ref for child in self.children for f in child.fields if f.ref]
        return list(dict.fromkeys([*own, *rows]))

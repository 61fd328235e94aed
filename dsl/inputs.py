"""The inputs every expression can see beside its record: `run`, and with their own types `settings` and `params`.

`run.started_at` is the only clock an expression has. `run.source` and `run.target` say what the two sides are; the
runtime fills them before the first record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldwright.dsl.expressions.scope import PLAIN_SYSTEM, Scope, plain_object
from fieldwright.dsl.schema import ObjectSchema, Schemas
from fieldwright.dsl.types import BOOL, ERROR, STRING, TIMESTAMP, Kind, Type, enum, record

INITIATED_BY: Final = enum(
    "chargebee", "opportunity", "salesforce_without_opportunity", "change_subscription_action", "account", "contact"
)
"""Who started what a rule looks at (`sync.initiated_by`)."""

_RUN: Final = plain_object(
    "run",
    {
        "started_at": TIMESTAMP,
        "source": record(f"{PLAIN_SYSTEM}.run_source"),
        "target": record(f"{PLAIN_SYSTEM}.run_target"),
    },
)
_RUN_SOURCE: Final = plain_object(
    "run_source",
    {"domain": STRING, "name": STRING.optional(), "time_zone": STRING.optional(), "currency": STRING.optional()},
)
_RUN_TARGET: Final = plain_object(
    "run_target",
    {"account": STRING.optional(), "name": STRING.optional(), "standard_pricebook_id": STRING},
)
_SYNC: Final = plain_object("sync", {"first": BOOL, "initiated_by": INITIATED_BY})

RESERVED: Final = frozenset(["run", "settings", "params", "sync", "previous", "linked"])
"""Names that a mapping cannot give to a read or a value of its own."""


def base_scope(
    schemas: Schemas, settings: Mapping[str, Type] | None, params: Mapping[str, Type] | None = None
) -> Scope:
    """A scope with `run`, `settings` (None: not known, anything goes) and, for driven mappings, `params`."""
    scope = Scope(schemas)
    for made in (_RUN, _RUN_SOURCE, _RUN_TARGET):
        scope = scope.synthetic(made)
    scope = scope.bind("run", record(_RUN.name))
    scope = scope.bind("settings", ERROR) if settings is None else _plain(scope, "settings", settings)
    return scope if params is None else _plain(scope, "params", params)


def rule_scope(scope: Scope, root: str, object_name: str | None) -> Scope:
    """The scope of a ruleset: the record that arrived, what it was when last synced, and how it got here."""
    type_ = ERROR if object_name is None else record(object_name)
    scope = scope.bind(root, type_).bind("previous", type_.optional()).bind("linked", BOOL)
    return scope.synthetic(_SYNC).bind("sync", record(_SYNC.name))


def read_type(kind: str, found: ObjectSchema | None) -> Type:
    """The type of a declared read: one record (null when there is none) or a list."""
    if found is None:
        return ERROR
    one = record(found.name)
    return Type(Kind.LIST, item=one) if kind in ("many", "all") else one.optional()


def _plain(scope: Scope, name: str, types: Mapping[str, Type]) -> Scope:
    made = plain_object(name, types)
    return scope.synthetic(made).bind(name, record(made.name))

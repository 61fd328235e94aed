"""Values that flow through a run: source changes, operations, outcomes.

Everything that crosses a seam comes in batches (tuples of these), so that a connector can send many records in one
call. Operations are decided by the planner from state and mapped records alone; only the executor hands them to a
target. An outcome answers exactly one operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One source record as read: `version` orders versions of the same record (Chargebee's resource_version,
    Salesforce's SystemModstamp in ms), `deleted` needs evidence (a tombstone), never absence from a list."""

    object: str
    id: str
    version: int
    record: Mapping[str, Any]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A page of changes. `partial` says that the records lack fields that were not read."""

    changes: tuple[Change, ...]
    partial: bool = False


class Op(StrEnum):
    """What an operation does at the target."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an operation: the value before (None when unknown or empty), after, and `path:line`."""

    old: Any
    new: Any
    at: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One write of one target record.

    `fields` are wire values by target field, references already resolved to target ids. `target_id` is None for a
    create (or when the target finds the record by `key`). `key` holds the values of the first usable key alternative.
    `before`/`at` explain the change per field. `aggregate` groups operations that must succeed or fail together
    (rows of one parent). `intent` is the id of the committed intent that covers this write.
    """

    op: Op
    mapping: str
    object: str
    source_id: str
    fields: Mapping[str, Any]
    target_id: str | None = None
    key: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, FieldChange] = field(default_factory=dict)
    rule: str | None = None
    aggregate: str | None = None
    child_key: str | None = None
    intent: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Result(StrEnum):
    """Outcome classes, by what has to happen next."""

    DONE = "done"
    RETRY = "retry"  # not applied; may be sent again now
    AMBIGUOUS = "ambiguous"  # may have been applied; look before sending again
    REJECTED = "rejected"  # permanent until source, mapping or target schema changes
    WAITS = "waits"  # a parent is not there yet
    CONFIG = "config"  # this object cannot be written at all: stop it, not the record


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation; same order and number as the operations given to `Target.apply`.

    `created` tells an insert from an update where the system says so. `code` is the vendor's own code, `reason` its
    words (redacted), `fix` what the user can do. `rolled_back` marks an operation that failed only because
    another one of its aggregate did; `gone` one whose record may have been deleted at the target (the codes tell it
    from a deleted neighbour badly, so the core looks).
    """

    result: Result
    target_id: str | None = None
    created: bool | None = None
    code: str = ""
    reason: str = ""
    fix: str = ""
    fields: tuple[str, ...] = ()
    rolled_back: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A record as the target holds it: its id and the requested fields, raw."""

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who and where a connection is: `account` names the site, org or account and is part of every link's key; the
    `user` is for reports only and never part of a key."""

    system: str
    account: str
    name: str
    user: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where incremental reading goes on: everything changed at or after `instant` (source clock) is read again."""

    instant: datetime

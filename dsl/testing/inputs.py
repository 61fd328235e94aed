"""What a case gives -> the inputs of a program: raw records as their system delivers them, settings, `run`.

A partial record stands for a whole one: what it does not say is null, unless the case says `partial: true`. Raw values
are written as the system sends them, amounts of Chargebee in minor units; only moments may be written in words
(2020-01-31T12:00:00Z), because nobody reads unix seconds. References at the target are written as in mappings:
{ref: customer-account, key: cb_1}.

What a document leaves out of `run` is a fixed example, so that no outcome depends on the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.document import Entry, Scalar
from fieldwright.dsl.functions.dates import epoch
from fieldwright.dsl.preferences import value_in
from fieldwright.dsl.program import Ref
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.testing.subject import Subject
from fieldwright.dsl.types import Kind, Type

RUN: Final[Mapping[str, Any]] = {
    "started_at": "2020-01-01T00:00:00Z",
    "source": {"domain": "example-test.chargebee.com", "name": "Example", "time_zone": "UTC", "currency_code": "USD"},
    "target": {"standard_pricebook_id": "01s000000000001AAA"},
}
"""What `run` is where a test does not say."""

INPUTS: Final = (
    "event", "fixture", "linked", "not_synced", "params", "partial", "previous", "rows", "sync", "target", "targets"
)  # fmt: skip
"""Names that `given` has beside the record and the reads."""

EVENTS: Final = ("from_chargebee", "deleted")


class Unfit(ValueError):
    """A given value is not what its place takes; the message says why."""


def roots_of(
    subject: Subject, given: Mapping[str, Any], settings: Mapping[str, Any], run: Mapping[str, Any], schemas: Schemas
) -> dict[str, Any]:
    """The inputs of a mapping: the record, every declared read, `settings`, `run`, and `params` where given. Raises
    Unfit."""
    mapping = subject.mapping
    partial = given.get("partial") is True
    roots: dict[str, Any] = {"settings": dict(settings), "run": run_of(run)}
    root = mapping.root.text
    if root in given or not partial:
        roots[root] = record(given.get(root) or {}, mapping.object.text, schemas)
    for read in mapping.reads:
        if read.name in given or not partial:
            empty: Any = [] if read.kind in ("many", "all") else None
            value = given.get(read.name, empty)
            if isinstance(value, list) is not isinstance(empty, list) or not isinstance(value, dict | list | None):
                wanted = "a list of records" if empty == [] else "one record, or null"
                raise Unfit(f"{read.name} must be {wanted}")
            type_ = Type(Kind.RECORD, object=read.object.text)
            roots[read.name] = raw(value, Type(Kind.LIST, item=type_) if empty == [] else type_, schemas)
    if "params" in given:
        roots["params"] = given["params"]
    return roots


def rule_roots(
    subject: Subject, given: Mapping[str, Any], roots: Mapping[str, Any], schemas: Schemas
) -> dict[str, Any]:
    """The inputs of the ruleset: those of the mapping, and what is known of the record's earlier sync."""
    previous = given.get("previous")
    linked = bool(given.get("linked"))
    sync = {"first": not linked, "initiated_by": "chargebee", **(given.get("sync") or {})}
    return {
        **roots,
        "previous": None if previous is None else record(previous, subject.mapping.object.text, schemas),
        "linked": linked,
        "sync": sync,
    }


def settings_of(subject: Subject, in_force: Mapping[str, Any], said: tuple[Entry, ...]) -> dict[str, Any]:
    """The settings of a case: those in force, with what the document and then the case says on top."""
    found = dict(in_force)
    for entry in said:
        if isinstance(entry.value, Scalar):
            found[entry.name] = value_in(entry.value, subject.settings.get(entry.name))
    return found


def run_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """`run`, with a moment instead of its text. Raises Unfit."""
    made = {name: {**RUN[name], **(said.get(name) or {})} for name in ("source", "target")}
    started = _moment(str(said.get("started_at", RUN["started_at"])))
    if started is None:
        raise Unfit("run.started_at must be a moment like 2020-01-31T12:00:00Z")
    return {"started_at": started, **made}


def record(said: Any, object_name: str, schemas: Schemas) -> dict[str, Any]:
    """A record as its system would deliver it. Raises Unfit."""
    if not isinstance(said, dict):
        raise Unfit(f"a record of {object_name} must be a table of fields")
    found = raw(said, Type(Kind.RECORD, object=object_name), schemas)
    assert isinstance(found, dict)
    return found


def raw(value: Any, type_: Type | None, schemas: Schemas) -> Any:
    """A value as the system of its field delivers it; moments of Chargebee become unix seconds. Raises Unfit."""
    if type_ is None or value is None:
        return value
    match type_.kind:
        case Kind.RECORD if isinstance(value, dict) and type_.object is not None:
            found = schemas.find(type_.object)
            fields = found.fields if found is not None else {}
            return {
                name: raw(part, fields[name].type if name in fields else None, schemas)
                if type_.object.partition(".")[0] == "chargebee"
                else part
                for name, part in value.items()
            }
        case Kind.LIST if isinstance(value, list):
            return [raw(item, type_.item, schemas) for item in value]
        case Kind.TIMESTAMP if isinstance(value, str):
            moment = _moment(value)
            if moment is None:
                raise Unfit(f"`{value}` is no moment; write it like 2020-01-31T12:00:00Z")
            return epoch(moment)
        case _:
            return value


def held(said: Any) -> Any:
    """A value of a target record, with references as in mapped records."""
    if isinstance(said, dict) and set(said) == {"ref", "key"}:
        return Ref(str(said["ref"]), str(said["key"]))
    return said


def _moment(text: str) -> datetime | None:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made.astimezone(UTC) if made.tzinfo is not None else None


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)

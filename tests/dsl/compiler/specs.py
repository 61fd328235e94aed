"""Program specifications for tests, written in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worlds import checked, scope

from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.program import FieldInfo, MappedRecord, Program, Write
from fieldwright.dsl.programspec import FieldSpec, KeyFieldSpec, LetSpec, ProgramSpec
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.types import ANY, BOOL, DATE, DECIMAL, INT, STRING, TIMESTAMP, Type

TARGETS: Mapping[str, Type] = {
    "text": STRING,
    "whole": INT,
    "number": DECIMAL,
    "flag": BOOL,
    "day": DATE,
    "moment": TIMESTAMP,
    "anything": ANY,
}


def target(name: str, type_: Type = STRING, **options: Any) -> FieldSchema:
    """The schema of a target field that may be null."""
    return FieldSchema(name, type_.optional(), **options)


def field(
    name: str,
    text: str | Checked,
    *,
    within: Scope | None = None,
    ref: str | None = None,
    schema: FieldSchema | None = None,
    **options: Any,
) -> FieldSpec:
    """A field with an expression; its type follows from the first word of its name (see `TARGETS`)."""
    value = text if isinstance(text, Checked) else checked(text, within)
    assert value.core is not None, (text, value.problems)
    made = schema or target(name, TARGETS[name.partition("_")[0]])
    info = FieldInfo(name, made.type, Write.ALWAYS, f"m.yaml:{len(name)}", ref)
    return FieldSpec(info, value, made, **options)


def key(name: str, text: str, ref: str | None = None) -> KeyFieldSpec:
    """One field of a key."""
    return KeyFieldSpec(name, checked(text), target(name, length=20), "m.yaml:1", ref)


def spec(*fields: FieldSpec, lets: Mapping[str, str] | None = None, **options: Any) -> ProgramSpec:
    """A mapping of orders to Salesforce. `lets` are bound in order; fields see them through `lets_scope`."""
    values = {"mapping": "m", "title": "M", "at": "m.yaml:1", "system": "salesforce"}
    values |= {"source_object": "chargebee.order", "root": "order", "target_object": "salesforce.Account"}
    made: list[LetSpec] = []
    within = scope()
    for name, text in (lets or {}).items():
        value = checked(text, within)
        assert value.core is not None, value.problems
        made.append(LetSpec(name, value, "m.yaml:2"))
        within = within.let(name, value)
    return ProgramSpec(**(values | {"fields": fields, "lets": tuple(made)} | options))


def lets_scope(lets: Mapping[str, str]) -> Scope:
    """The scope with these named values."""
    within = scope()
    for name, text in lets.items():
        within = within.let(name, checked(text, within))
    return within


def both(program: Program, order: Mapping[str, Any], **roots: Any) -> Any:
    """The record, after asserting that both ways agree on it."""
    given = {"order": order, "settings": {"timezone": "UTC"}, **roots}
    slow = program.reference(given)
    try:
        fast = program.compiled(given)
    except Exception:  # noqa: BLE001 - giving up on a record in any way is the contract of generated code
        return slow
    assert shown(fast) == shown(slow)
    return slow


def shown(made: MappedRecord) -> str:
    """Everything of a record, with types and exponents of decimals; the order of fields does not count."""
    children = {name: [sorted(row.items(), key=str) for row in rows] for name, rows in sorted(made.children.items())}
    return repr((made.included, sorted(made.fields.items(), key=str), made.keys, children, made.problems))

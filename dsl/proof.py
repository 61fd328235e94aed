"""What checked expressions say about a mapping: what its filter proves, and which names it uses.

Both look at the checked tree only. A field that the filter wants not to be null is not null wherever the filter has
let the record through: in keys, fields and child rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.mapping import Mapping
from fieldwright.dsl.schema import ObjectSchema


def narrowed(scope: Scope, chosen: Checked | None, mapping: Mapping, source: ObjectSchema | None) -> Scope:
    """What the filter proves about fields and reads: where it says `is not null` or `is not blank`, they are not.
    Types belong to objects, not to values, so nothing is said when the object is read a second time."""
    if chosen is None or chosen.core is None or source is None:
        return scope
    root = mapping.root.text
    proved = set(_not_null(chosen.core))
    alone = all(read.object.text != source.name for read in mapping.reads)
    fields = {name: source.fields[name] for owner, name in proved if owner == root and name in source.fields}
    if fields and alone:
        sure = {name: replace(one, type=one.type.required()) for name, one in fields.items()}
        scope = scope.synthetic(replace(source, fields={**source.fields, **sure}))
    for name in {read.name for read in mapping.reads} & {owner for owner, part in proved if not part}:
        scope = scope.bind(name, scope.names[name].type.required())
    return scope


def usage(checked: Iterable[Checked]) -> tuple[frozenset[str], frozenset[str]]:
    """Names and settings that the expressions use."""
    names: set[str] = set()
    settings: set[str] = set()
    for one in checked:
        settings |= {name for owner, name in one.reads if owner == "plain.settings"}
        if one.core is None:
            continue
        for node in core.walk(one.core):
            match node:
                case core.Root(name=name):
                    names.add(name)
                case core.Local(slot=slot):
                    names.add(slot)
                case core.Field(target=core.Root(name="settings"), key=key):
                    settings.add(key)
                case _:
                    pass
    return frozenset(names), frozenset(settings)


def _not_null(node: core.Core) -> Iterator[tuple[str, str]]:
    """Roots and their fields (root, field; a root itself has no field) that cannot be null where `node` is true."""
    match node:
        case core.Logic(op="and", left=left, right=right):
            yield from _not_null(left)
            yield from _not_null(right)
        case core.Not(operand=core.IsTest(operand=core.Root(name=name), test="null" | "blank")):
            yield name, ""
        case core.Not(
            operand=core.IsTest(operand=core.Field(target=core.Root(name=name), key=key), test="null" | "blank")
        ):
            yield name, key
        case _:
            pass

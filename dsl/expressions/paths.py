"""Paths checked: fields of records, and elements of lists by their number.

A field is looked up in the schema of its object; what is read is noted, how its raw value becomes one of the language
is settled (`reading`), and for money where its currency comes from. A path through something that may be null may be
null. Part of `check`, whose `Checker` holds the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.reading import codec_name, is_absent_list_empty
from fieldwright.dsl.expressions.scope import PLAIN_SYSTEM, Shape
from fieldwright.dsl.expressions.shapes import ERROR_SHAPE, PAIR, named
from fieldwright.dsl.functions.registry import functions
from fieldwright.dsl.nearest import did_you_mean, nearest
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.types import STRING, Kind, Type

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker, Visited


def attribute(checker: Checker, node: tree.Attr) -> Visited:
    made, shape = checker.visit(node.target)
    place = (node.name_start, node.name_start + len(node.name))
    match shape.type.kind:
        case Kind.ERROR:
            return checker.error(node)
        case Kind.RECORD:
            return _field(checker, node, made, shape)
        case Kind.ANY:
            checker.problem(
                "DM216",
                "nothing is known about the inside of this value",
                *place,
                "type any",
                f"write .get('{node.name}') and say what comes out, as text(..)",
            )
        case kind:
            help_ = ""
            if isinstance(node.target, tree.Attr) and node.name in checker.scope.names:
                help_ = "texts are put together with join([a, b], ' ') or f'{a} {b}'"
            elif node.name in functions() or node.name in checker.scope.functions:
                help_ = f"`{node.name}` is a function: write `.{node.name}()`"
            elif kind is Kind.LIST:
                help_ = f"take it from each element: `.map(x -> x.{node.name})`"
            message = f"only records have fields; this is {shape.type}"
            checker.problem("DM209", message, *place, "not a field", help_)
    return checker.error(node)


def _field(checker: Checker, node: tree.Attr, target: core.Core, shape: Shape) -> Visited:
    name, object_name = node.name, shape.type.object or ""
    if object_name == PAIR:
        side = {"left": shape.left, "right": shape.right}.get(name)
        if side is None:
            _unknown_field(checker, node, "a joined pair", ["left", "right"])
            return checker.error(node)
        if shape.type.nullable:
            side = side.optional()
        return core.Field(side.type, *checker.at(node), target, name, "plain.any", None), side
    found = checker.scope.find(object_name)
    if found is None:
        checker.problem("DM209", f"the object {object_name} is not known", node.start, node.end, "no schema")
        return checker.error(node)
    declared = found.fields.get(name)
    if declared is None:
        _unknown_field(checker, node, object_name.removeprefix(f"{PLAIN_SYSTEM}."), found.fields, found.open_prefix)
        return checker.error(node)
    system = object_name.partition(".")[0]
    if system != PLAIN_SYSTEM:
        checker.reads.add((object_name, name))
    return _read(checker, node, target, shape, declared, system)


def _read(
    checker: Checker, node: tree.Attr, target: core.Core, shape: Shape, declared: FieldSchema, system: str
) -> Visited:
    type_ = declared.type
    if type_.kind is Kind.LIST and is_absent_list_empty(system):
        type_ = type_.required()
    if shape.type.nullable:
        type_ = type_.optional()
    owner = shape.owner
    if owner is None and (shape.type.object or "").count(".") == 1:
        owner = target
    currency = None
    if type_.kind is Kind.MONEY or (type_.item is not None and type_.item.kind is Kind.MONEY):
        currency = _currency(checker, node, declared, target, owner, system)
        if currency is None:
            return checker.error(node)
    codec = codec_name(system, type_)
    made = core.Field(type_, *checker.at(node), target, declared.name, codec, currency)
    return made, _nested(type_, owner)


def _currency(
    checker: Checker, node: tree.Attr, declared: FieldSchema, target: core.Core, owner: core.Core | None, system: str
) -> core.Core | None:
    """The expression of the code of the currency a money field is counted in."""
    for record in (owner, target):
        found = checker.scope.find(record.type.object or "") if record is not None else None
        holder = found.fields.get(declared.currency) if found and declared.currency else None
        if record is not None and found is not None and holder is not None:
            checker.reads.add((found.name, holder.name))
            codec = codec_name(system, STRING)
            return core.Field(STRING.optional(), *checker.at(node), record, holder.name, codec, None)
    place = (node.name_start, node.name_start + len(node.name))
    checker.problem(
        "DM210",
        f"the currency of `{declared.name}` is not known here",
        *place,
        "amount without currency",
        "read it from the record that holds the currency, or bring the record along with join()",
    )
    return None


def _unknown_field(
    checker: Checker, node: tree.Attr, owner: str, known: Mapping[str, Any] | list[str], open_prefix: str | None = None
) -> None:
    close = nearest(node.name, known)
    caret = did_you_mean(node.name, known) or "unknown field"
    help_ = ""
    if open_prefix and node.name.startswith(open_prefix):
        help_ = "a custom field is declared in a `schema` document of the project"
    elif node.name in functions() or node.name in checker.scope.functions:
        help_ = f"`{node.name}` is a function: write `.{node.name}()`"
    elif not close and 0 < len(known) <= 8:
        help_ = f"there is: {', '.join(known)}"
    place = (node.name_start, node.name_start + len(node.name))
    checker.problem("DM101", f"`{node.name}` is not a field of {owner}", *place, caret, help_, close)


def index(checker: Checker, node: tree.Index) -> Visited:
    target, shape = checker.visit(node.target)
    position, position_shape = checker.visit(node.index)
    if Kind.ERROR in (shape.type.kind, position_shape.type.kind):
        return checker.error(node)
    if shape.type.kind is not Kind.LIST or position_shape.type.kind is not Kind.INT:
        shown = f"{named(shape.type)}[{named(position_shape.type)}]"
        message = f"`[..]` takes an element of a list by its number; this is {shown}"
        help_ = ""
        if shape.type.kind is Kind.RECORD and isinstance(node.index, tree.Literal):
            help_ = f"a field is named after a point: `.{node.index.value}`"
        elif shape.type.kind in (Kind.STRING, Kind.ENUM):
            help_ = (
                "pieces of a text: truncate(x, n), right(x, n), before(x, mark), after(x, mark), extract(x, pattern)"
            )
        elif shape.type.kind is Kind.ANY:
            help_ = "write .get('key') for an object, elements(x)[0] for a list"
        checker.problem("DM211", message, node.start, node.end, "not a list and a number", help_)
        return checker.error(node)
    item = (shape.item or ERROR_SHAPE).optional()
    return core.At(item.type, *checker.at(node), target, position), item


def _nested(type_: Type, owner: core.Core | None) -> Shape:
    """The shape of a field: records and lists of records inside a record remember their owner."""
    if type_.kind is Kind.LIST and type_.item is not None:
        return Shape(type_, item=_nested(type_.item, owner))
    if type_.kind is Kind.RECORD and (type_.object or "").count(".") > 1:
        return Shape(type_, owner)
    return Shape(type_)

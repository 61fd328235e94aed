"""Calls of functions from mapping files checked: the body stands in place of the call, with the arguments bound.

Record parameters are structural: the body is checked against the record that is really given. Recursion is refused,
and so is growth beyond all bounds (by `check`, which counts). What goes wrong inside is worded at the call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.allowance import TooLarge, is_used_up
from fieldwright.dsl.expressions.scope import Binding, Shape, UserFunction, item_shape
from fieldwright.dsl.expressions.shapes import ERROR_SHAPE, convert, without_slots
from fieldwright.dsl.types import Kind, Type, is_assignable

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker, Visited

MAX_INLINING: Final = 16
"""Functions from mapping files that may call one another in a row."""


def user_call(checker: Checker, node: tree.Call, function: UserFunction) -> Visited:
    """The body of a function from a mapping file in place of its call."""
    given: dict[str, tuple[tree.Node, Visited]] = {}
    names = [name for name, _ in function.params]
    place = (node.name_start, node.name_start + len(node.name))
    for at, (key, part) in enumerate([*((None, each) for each in node.args), *node.named]):
        name = key if key is not None else names[at] if at < len(names) else None
        if isinstance(part, tree.Lambda) or name is None or name not in names or name in given:
            message = f"`{node.name}` takes ({', '.join(names)})"
            checker.problem("DM113", message, part.start, part.end, "not expected")
            return checker.error(node)
        given[name] = (part, checker.visit(part))
    absent = [name for name in names if name not in given]
    if absent:
        checker.problem("DM113", f"`{node.name}` takes ({', '.join(names)})", *place, f"without {', '.join(absent)}")
        return checker.error(node)
    if any(made[1].type.kind is Kind.ERROR for _, made in given.values()):
        return checker.error(node)
    if function.broken:
        return core.Const(function.returns, *checker.at(node), None), Shape(function.returns)
    if function.name in checker.inlining or len(checker.inlining) >= MAX_INLINING:
        circle = " -> ".join((*checker.inlining, function.name))
        checker.problem("DM116", f"functions may not call themselves: {circle}", *place, "calls itself")
        return checker.error(node)
    if is_used_up():
        raise TooLarge("the functions of this project, put in wherever they are called, have too many parts together")
    values: list[tuple[str, str, core.Core, Shape, bool]] = []
    foreign = False
    for name, type_ in function.params:
        part, (made, shape) = given[name]
        bound = _argument(checker, node, part, name, type_, shape)
        if bound is None:
            return checker.error(node)
        foreign = foreign or bound.type.required() != type_.required()
        wanted = Shape(type_, item=item_shape(type_))
        strict = not type_.nullable
        # A simple input needs no name of its own, and nested records keep their owner in sight.
        values.append((name, checker.fresh(name), convert(made, shape, wanted), bound, strict))
    body, shape = _body(checker, node, function, values, foreign)
    nullable = shape.type.nullable
    for _, slot, made, argument, strict in reversed(values):
        nullable = nullable or (strict and argument.type.nullable)
        type_ = shape.type.optional() if nullable else shape.type
        body = core.Let(type_, *checker.at(node), slot, made, body, strict)
    if shape.type.kind is not Kind.ERROR and function.returns.kind is not shape.type.kind:
        body = convert(body, shape, Shape(function.returns))
        shape = Shape(function.returns)
    shape = without_slots(shape, tuple(slot for _, slot, _, _, _ in values))
    return body, shape.optional() if nullable else shape


def _argument(
    checker: Checker, node: tree.Call, part: tree.Node, name: str, wanted: Type, shape: Shape
) -> Shape | None:
    """The shape under which a parameter is bound, or None after a finding."""
    given = shape.type
    structural = _structure(given) == _structure(wanted) and _structure(given) != given.kind.value
    if structural or given.kind is Kind.NULL:
        if given.kind is Kind.NULL:
            return Shape(wanted.optional(), item=item_shape(wanted))
        return shape.required() if not wanted.nullable else shape
    if is_assignable(given.required(), wanted):
        type_ = wanted if given.nullable or not wanted.nullable else wanted.required()
        bound = Shape(type_, item=item_shape(wanted))
        return bound if wanted.nullable and given.nullable else bound.required()
    message = f"`{name}` of `{node.name}` is {wanted}; this is {given}"
    checker.problem("DM205", message, part.start, part.end, str(given))
    return None


def _structure(type_: Type) -> str:
    """`record` or `list of record` for what is compatible by its fields; otherwise the kind."""
    if type_.kind is Kind.RECORD:
        return "a record"
    if type_.kind is Kind.LIST and type_.item is not None and type_.item.kind is Kind.RECORD:
        return "a list of records"
    return type_.kind.value


def _body(
    checker: Checker,
    node: tree.Call,
    function: UserFunction,
    values: list[tuple[str, str, core.Core, Shape, bool]],
    foreign: bool,
) -> Visited:
    """The checked body; its findings are worded at the call, and only when the records given differ from the declared
    ones (others are reported where the function is defined)."""
    before = (checker.names, checker.inlining, checker.place, checker.problems)
    checker.names = {name: Binding(shape, "param", slot) for name, slot, _, shape, _ in values}
    checker.inlining = (*checker.inlining, function.name)
    checker.place = checker.place or node
    checker.problems = []
    try:
        body, shape = checker.visit(function.body)
        found = checker.problems
    finally:
        checker.names, checker.inlining, checker.place, checker.problems = before
    if found:
        place = (node.start, node.end) if checker.place is None else (checker.place.start, checker.place.end)
        what = "does not work with these records" if foreign else "has a mistake"
        message = f"function `{function.name}` {what}: {found[0].message}"
        if found[0].code in ("DM116", "DM119"):
            checker.problem(found[0].code, found[0].message, *place, found[0].caret)
        else:
            checker.problem("DM205", message, *place, f"inside {function.name}", found[0].help)
        return core.Const(ERROR_SHAPE.type, *checker.at(node), None), ERROR_SHAPE
    return body, replace(shape)

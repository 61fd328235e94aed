"""Calls of `lookup` checked: the table that the first argument names stands in its place, and its rows say what comes
out.

A key that is an enum must find a row for each of its values, unless the table or the call says what else; a row that
can never be asked for is the business of whoever wrote the table.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.scope import NamedTable, Shape
from fieldwright.dsl.expressions.shapes import ERROR_SHAPE, common, convert, literal_type
from fieldwright.dsl.functions.registry import functions
from fieldwright.dsl.functions.tables import Rows
from fieldwright.dsl.nearest import did_you_mean, nearest
from fieldwright.dsl.types import ANY, Kind

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker, Visited


LOOKUP: Final = "lookup"


def lookup_call(checker: Checker, node: tree.Call) -> Visited:
    """Check `lookup('table', key)`, with or without `else=`."""
    table = _table(checker, node)
    extra = [name for name, _ in node.named if name != "else"]
    if table is None or len(node.args) != 2 or extra:
        if table is not None or not node.args:
            place = (node.name_start, node.name_start + len(node.name))
            help_ = "write it as lookup('table', key) or lookup('table', key, else=value)"
            checker.problem("DM113", "`lookup` takes the name of a table and a key", *place, "wrong arguments", help_)
        for part in (*node.args[1:], *(value for _, value in node.named)):
            if not isinstance(part, tree.Lambda):
                checker.visit(part)
        return checker.error(node)
    key, shape = checker.visit(node.args[1])
    given = next((value for name, value in node.named if name == "else"), None)
    fallback = None if given is None else (given, checker.visit(given))
    if shape.type.kind is Kind.ERROR:
        return checker.error(node)
    if shape.type.kind not in (Kind.STRING, Kind.ENUM, Kind.BOOL, Kind.INT, Kind.REF, Kind.NULL):
        message = f"a value table is asked by a text, a whole number or true and false; this is {shape.type}"
        checker.problem("DM205", message, node.args[1].start, node.args[1].end, str(shape.type))
        return checker.error(node)
    rows = Rows(
        table.name,
        tuple((_native(text, shape.type.kind), value) for text, value in table.rows),
        table.is_complete,
        table.otherwise,
    )
    if fallback is None:
        _complete(checker, node, table, rows, shape)
    merged = _outcome(table)
    if shape.type.nullable:
        merged = merged.optional()
    otherwise: core.Core | None = None
    if fallback is not None and fallback[1][1].type.kind is not Kind.ERROR:
        both = common(merged, fallback[1][1])
        if both is None:
            message = f"`else=` has the type of the rows, {merged.type}; this is {fallback[1][1].type}"
            checker.problem("DM207", message, fallback[0].start, fallback[0].end, str(fallback[1][1].type))
            return checker.error(node)
        merged, otherwise = both, convert(fallback[1][0], fallback[1][1], both)
    made = core.Const(ANY.required(), *checker.at(node.args[0]), rows)
    return (
        core.Invoke(merged.type, *checker.at(node), functions()[LOOKUP], 0, (made, key), otherwise, (1,)),
        merged,
    )


def _table(checker: Checker, node: tree.Call) -> NamedTable | None:
    if not node.args:
        return None
    named = node.args[0]
    known = checker.scope.tables
    if not isinstance(named, tree.Literal) or not isinstance(named.value, str):
        close = named.name if isinstance(named, tree.Name) and named.name in known else None
        message = "the first argument of `lookup` is the name of a value table, as a text"
        help_ = f"write '{close}'" if close else "write lookup('table', key)"
        right = f"'{close}'" if close else None
        checker.problem("DM113", message, named.start, named.end, "not a text in quotes", help_, right)
        return None
    found = known.get(named.value)
    if found is None:
        close = nearest(named.value, known)
        caret = did_you_mean(named.value, known) or "unknown table"
        help_ = "" if close else "name its library under `use:`"
        message = f"there is no value table `{named.value}`"
        checker.problem("DM407", message, named.start, named.end, caret, help_, None if close is None else f"'{close}'")
    return found


def _complete(checker: Checker, node: tree.Call, table: NamedTable, rows: Rows, shape: Shape) -> None:
    """Say which values of the key have no row, where that can be known."""
    if table.is_complete or table.open_ended:
        return
    place = (node.args[0].start, node.args[0].end)
    possible = shape.type.values if shape.type.kind is Kind.ENUM else ()
    absent = [value for value in possible if (str, value) not in rows.index]
    if absent:
        names = ", ".join(f"`{value}`" for value in absent[:8])
        message = f"the table `{table.name}` says nothing about {names}"
        checker.problem("DM307", message, *place, "incomplete", "add the rows, `else:` in the table, or else= here")
    elif not possible and shape.type.kind is not Kind.NULL:
        message = f"the table `{table.name}` cannot cover every {shape.type.required()}"
        help_ = "give else= here, or `else:` in the table; `else: error` there if that is meant"
        checker.problem("DM307", message, *place, "no `else`", help_, severity=Severity.WARNING)


def _native(text: str, kind: Kind) -> Any:
    """A key as a value of the type that is looked up; what cannot be one stays a text and is never found."""
    if kind is Kind.BOOL and text in ("true", "false"):
        return text == "true"
    if kind is Kind.INT and text.removeprefix("-").isdecimal() and len(text) < 20:
        return int(text)
    return text


def _outcome(table: NamedTable) -> Shape:
    values = [value for _, value in table.rows] + ([table.otherwise] if table.is_complete else [])

    def merge(one: Shape | None, other: Shape | None) -> Shape | None:
        return None if one is None or other is None else common(one, other)

    shapes: list[Shape | None] = [Shape(literal_type(value)) for value in values]
    return reduce(merge, shapes) or ERROR_SHAPE

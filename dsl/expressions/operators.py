"""Operators checked: which types go together, what comes of them, and what an integrator meant who mixed others.

Null is followed: arithmetic and ordering of something that may be null may be null, equality never is. Part of
`check`, whose `Checker` holds the state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.constants import failing, known
from fieldwright.dsl.expressions.operations import arithmetic
from fieldwright.dsl.expressions.scope import Shape
from fieldwright.dsl.expressions.shapes import ORDERED, common, convert, named
from fieldwright.dsl.nearest import nearest
from fieldwright.dsl.types import BOOL, DATE, DECIMAL, DURATION, INT, MONEY, TIMESTAMP, Kind, Type

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker, Visited


def binary(checker: Checker, node: tree.Binary) -> Visited:
    match node.op:
        case "and" | "or":
            left, left_null = checker.condition(node.left, lenient=True)
            right, right_null = checker.condition(node.right, lenient=True)
            type_ = replace(BOOL, nullable=left_null or right_null)
            return core.Logic(type_, *checker.at(node), node.op, left, right), Shape(type_)
        case "??":
            return _coalesce(checker, node)
        case "in" | "not in":
            return _membership(checker, node)
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            return _comparison(checker, node)
        case _:
            return _arithmetic(checker, node)


def _coalesce(checker: Checker, node: tree.Binary) -> Visited:
    left, left_shape = checker.visit(node.left)
    right, right_shape = checker.visit(node.right)
    kind = left_shape.type.kind
    if kind is Kind.ERROR or right_shape.type.kind is Kind.ERROR:
        return checker.error(node)
    if not left_shape.type.nullable:
        message = "the left side is never null, so the right one is never used"
        place = (node.op_start, node.right.end)
        checker.problem("DM215", message, *place, "never used", "remove it", severity=Severity.WARNING)
    merged = common(left_shape.required() if kind is not Kind.NULL else right_shape, right_shape)
    if merged is None:
        message = (
            f"both sides of `??` have the same type; these are {named(left_shape.type)} and {named(right_shape.type)}"
        )
        checker.problem("DM207", message, node.start, node.end, "two types")
        return checker.error(node)
    made = core.Coalesce(
        merged.type, *checker.at(node), convert(left, left_shape, merged), convert(right, right_shape, merged)
    )
    return made, merged


def _membership(checker: Checker, node: tree.Binary) -> Visited:
    left, left_shape = checker.visit(node.left)
    right, right_shape = checker.visit(node.right)
    kind = right_shape.type.kind
    if Kind.ERROR in (kind, left_shape.type.kind):
        return checker.error(node)
    if kind is not Kind.LIST:
        help_ = "write `text.contains(part)`" if kind in (Kind.STRING, Kind.ENUM) else ""
        message = f"the right side of `in` is a list; this is {named(right_shape.type)}"
        checker.problem("DM201", message, node.right.start, node.right.end, named(right_shape.type), help_)
        return checker.error(node)
    if right_shape.item is not None and not _comparable(
        checker, node, node.left, left_shape, node.right, right_shape.item
    ):
        return checker.error(node)
    type_ = replace(BOOL, nullable=right_shape.type.nullable)
    made: core.Core = core.Compare(type_, *checker.at(node), "in", left, right)
    if node.op == "not in":
        made = core.Not(type_, *checker.at(node), made)
    return made, Shape(type_)


def _comparison(checker: Checker, node: tree.Binary) -> Visited:
    left, left_shape = checker.visit(node.left)
    right, right_shape = checker.visit(node.right)
    if Kind.ERROR in (left_shape.type.kind, right_shape.type.kind):
        return checker.error(node)
    if not _comparable(checker, node, node.left, left_shape, node.right, right_shape):
        return checker.error(node)
    type_ = BOOL
    if node.op not in ("==", "!="):
        merged = common(left_shape, right_shape)
        if merged is None or merged.type.kind not in ORDERED:
            message = f"`{node.op}` needs two values that can be ordered; this is {named(left_shape.type)}"
            checker.problem("DM202", message, node.left.start, node.left.end, named(left_shape.type))
            return checker.error(node)
        type_ = replace(BOOL, nullable=left_shape.type.nullable or right_shape.type.nullable)
    return core.Compare(type_, *checker.at(node), node.op, left, right), Shape(type_)


def _comparable(
    checker: Checker, node: tree.Binary, left: tree.Node, left_shape: Shape, right: tree.Node, right_shape: Shape
) -> bool:
    kinds = (left_shape.type.kind, right_shape.type.kind)
    if Kind.NULL in kinds and node.op in ("==", "!="):
        word = "is null" if node.op == "==" else "is not null"
        checker.problem("DM202", f"write `{word}`", node.op_start, node.end, "compared with null", "", word)
        return False
    merged = common(left_shape, right_shape)
    if merged is None or merged.type.kind in (Kind.RECORD, Kind.LIST, Kind.ANY):
        message = f"these cannot be compared: {named(left_shape.type)} and {named(right_shape.type)}"
        help_ = _comparison_remedy(*kinds)
        checker.problem(
            "DM202", message, node.start, node.end, "two types" if merged is None else "not comparable", help_
        )
        return False
    for side, values in ((left, right_shape.type), (right, left_shape.type)):
        _enum_values(checker, side, values)
    return True


def _enum_values(checker: Checker, node: tree.Node, enum_type: Type) -> None:
    """A text that an enum does not have makes a comparison that is never true."""
    if enum_type.kind is not Kind.ENUM or not enum_type.values:
        return
    texts = node.items if isinstance(node, tree.Items) else (node,)
    for text in texts:
        if isinstance(text, tree.Literal) and isinstance(text.value, str) and text.value not in enum_type.values:
            close = nearest(text.value, enum_type.values)
            checker.problem(
                "DM208",
                f"'{text.value}' is not one of the values: {', '.join(enum_type.values[:12])}",
                text.start,
                text.end,
                f"did you mean '{close}'?" if close else "never equal",
                "",
                f"'{close}'" if close else None,
            )


def _arithmetic(checker: Checker, node: tree.Binary) -> Visited:
    left, left_shape = checker.visit(node.left)
    right, right_shape = checker.visit(node.right)
    a, b = left_shape.type.kind, right_shape.type.kind
    if Kind.ERROR in (a, b):
        return checker.error(node)
    found = _ARITHMETIC.get((node.op, a, b))
    if found is None:
        message = f"`{node.op}` does not work on {named(left_shape.type)} and {named(right_shape.type)}"
        help_ = _remedy(node.op, a, b)
        checker.problem("DM201", message, node.op_start, node.op_start + 1, "does not fit", help_)
        return checker.error(node)
    type_, on = found
    if type_.kind is Kind.MONEY and isinstance(right, core.Const) and right.value == 100 and node.op in "*/":
        message = "an amount knows its currency's minor unit already: this makes it a hundred times too large or small"
        help_ = "the number in major units is amount(x), in minor units minor_units(x)"
        place = (node.op_start, node.right.end)
        checker.problem("DM217", message, *place, "cents?", help_, severity=Severity.WARNING)
    type_ = replace(type_, nullable=left_shape.type.nullable or right_shape.type.nullable)
    failing(checker, node, lambda: arithmetic(node.op, on, known(left), known(right)))
    return core.Arithmetic(type_, *checker.at(node), node.op, on, left, right), Shape(type_)


def _comparison_remedy(a: Kind, b: Kind) -> str:
    """What an integrator may have meant who compared these."""
    kinds = {a, b}
    text = bool(kinds & {Kind.STRING, Kind.ENUM})
    if Kind.MONEY in kinds and kinds & _NUMERIC:
        return "compare the number, `amount(x) > 100`, or an amount, `x > money(100, 'EUR')`"
    if kinds == {Kind.DATE, Kind.TIMESTAMP}:
        return "a moment becomes a date in a zone: `.date(settings.timezone)`"
    if text and Kind.DATE in kinds:
        return "write the date as date('2020-01-31')"
    if text and Kind.TIMESTAMP in kinds:
        return "write the moment as timestamp('2020-01-31T12:00:00Z'), or compare days: `.date(settings.timezone)`"
    if text and kinds & _NUMERIC:
        return "a number is written without quotes; a text becomes one with int(x) or decimal(x)"
    if text and Kind.BOOL in kinds:
        return "true and false are written without quotes"
    if Kind.ANY in kinds:
        return "say first what it is: text(x), int(x), decimal(x), bool(x)"
    if Kind.RECORD in kinds:
        return "compare one of its fields, as `.id`"
    if Kind.LIST in kinds:
        return "ask for an element: `x in items`, or `items.any(i -> i == x)`"
    return ""


def _remedy(op: str, a: Kind, b: Kind) -> str:
    """What an integrator may have meant who applied an operator to these."""
    kinds = {a, b}
    if kinds & {Kind.STRING, Kind.ENUM}:
        if op == "+":
            return "texts are put together with f'{a} {b}' or join([a, b], ' ')"
        return "a text is no number: read it with decimal(x) or int(x)"
    if kinds & {Kind.DATE, Kind.TIMESTAMP} and kinds & _NUMERIC:
        return f"say days of what: `{op} days(n)`, `{op} hours(n)`, or add_months(day, n)"
    if Kind.MONEY in kinds and kinds & _NUMERIC:
        return "make it an amount of the same currency, `money(5, 'EUR')`, or take the number with amount(x)"
    if kinds == {Kind.MONEY}:
        return "an amount times an amount is no amount: take the number of one with amount(x)"
    if kinds == {Kind.DATE, Kind.TIMESTAMP}:
        return "a moment becomes a date in a zone: `.date(settings.timezone)`"
    if Kind.BOOL in kinds:
        return "conditions are put together with `and` and `or`"
    if Kind.LIST in kinds:
        return "lists are put together with concat(a, b); numbers in a list are added with .sum()"
    if Kind.ANY in kinds:
        return "say first what it is: decimal(x), int(x), text(x)"
    return ""


_NUMERIC: Final = frozenset([Kind.INT, Kind.DECIMAL])


def negative(checker: Checker, node: tree.Unary) -> Visited:
    made, shape = checker.visit(node.operand)
    if shape.type.kind is Kind.ERROR:
        return checker.error(node)
    if shape.type.kind not in (Kind.INT, Kind.DECIMAL, Kind.MONEY, Kind.DURATION):
        message = f"`-` does not work on {named(shape.type)}"
        checker.problem("DM201", message, node.start, node.end, named(shape.type))
        return checker.error(node)
    return core.Negate(shape.type, *checker.at(node), made), Shape(shape.type)


def test(checker: Checker, node: tree.Test) -> Visited:
    operand, _ = checker.visit(node.operand)
    made: core.Core = core.IsTest(BOOL, *checker.at(node), operand, node.test)
    if node.negated:
        made = core.Not(BOOL, *checker.at(node), made)
    return made, Shape(BOOL)


def _arithmetic_table() -> dict[tuple[str, Kind, Kind], tuple[Type, str]]:
    table: dict[tuple[str, Kind, Kind], tuple[Type, str]] = {}
    for op in "+-*%":
        table[op, Kind.INT, Kind.INT] = (INT, "int")
    for op in "+-*/%":
        for a, b in ((Kind.INT, Kind.DECIMAL), (Kind.DECIMAL, Kind.INT), (Kind.DECIMAL, Kind.DECIMAL)):
            table[op, a, b] = (DECIMAL, "decimal")
    table["/", Kind.INT, Kind.INT] = (DECIMAL, "decimal")
    for op in "+-":
        table[op, Kind.MONEY, Kind.MONEY] = (MONEY, "money")
        table[op, Kind.TIMESTAMP, Kind.DURATION] = (TIMESTAMP, "time")
        table[op, Kind.DATE, Kind.DURATION] = (DATE, "date")
        table[op, Kind.DURATION, Kind.DURATION] = (DURATION, "time")
    table["+", Kind.DURATION, Kind.TIMESTAMP] = (TIMESTAMP, "time")
    table["+", Kind.DURATION, Kind.DATE] = (DATE, "date")
    table["-", Kind.TIMESTAMP, Kind.TIMESTAMP] = table["-", Kind.DATE, Kind.DATE] = (DURATION, "time")
    table["*", Kind.DURATION, Kind.INT] = table["*", Kind.INT, Kind.DURATION] = (DURATION, "scaled")
    table["/", Kind.DURATION, Kind.DURATION] = (DECIMAL, "ratio")
    for number in (Kind.INT, Kind.DECIMAL):
        table["*", Kind.MONEY, number] = table["*", number, Kind.MONEY] = (MONEY, "money")
        table["/", Kind.MONEY, number] = (MONEY, "money")
    table["/", Kind.MONEY, Kind.MONEY] = (DECIMAL, "ratio")
    return table


_ARITHMETIC: Final = _arithmetic_table()

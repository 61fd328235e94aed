"""Reductions of the grammar -> nodes of the syntax tree, by the aliases of `expression.lark`.

lark calls these while it reduces, which is iterative; depth is counted here, before any tree walker could recurse too
far. What the grammar lets through and the language does not (too large numbers, a plus sign, unknown escapes) is
refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.mistakes import prescan
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.quoted import Refused, pieces_of, unescaped

MAX_DEPTH: Final = 64
"""Nested operators, calls and brackets of one expression."""
MAX_INT: Final = 2**63 - 1
_MAX_DIGITS: Final = 34


class Made(NamedTuple):
    """A node while it is being built; `start` and `end` include brackets around it."""

    node: tree.Node
    depth: int
    start: int
    end: int


class _Arguments(NamedTuple):
    values: tuple[Made, ...]
    named: tuple[tuple[str, Made], ...]


class _Named(NamedTuple):
    name: str
    value: Made


REDUCTIONS: Final[dict[str, Callable[[Any, list[Any]], Any]]] = {}


def _reduction(function: Callable[[Any, list[Any]], Any]) -> Callable[[Any, list[Any]], Any]:
    REDUCTIONS[function.__name__.strip("_")] = function
    return function


def _make(
    builder: Any, kind: Callable[..., tree.Node], start: int, end: int, parts: Sequence[Made], *values: Any
) -> Made:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > MAX_DEPTH:
        raise Refused(
            Problem(
                "DM111",
                f"this expression is nested more than {MAX_DEPTH} deep",
                start,
                end,
                "too deep",
                "name parts of it with `let`",
            )
        )
    builder.count += 1
    return Made(kind(start, end, builder.count, *values), depth, start, end)


def _begin(child: Any) -> int:
    return child.start if isinstance(child, Made) else int(child.start_pos)


def _finish(child: Any) -> int:
    return child.end if isinstance(child, Made) else int(child.end_pos)


def _nodes(children: list[Any]) -> list[Made]:
    return [child for child in children if isinstance(child, Made)]


@_reduction
def start(builder: Any, children: list[Any]) -> Any:
    return children[0]


@_reduction
def choice(builder: Any, children: list[Any]) -> Made:
    made = _nodes(children)
    nodes = [each.node for each in made]
    return _make(builder, tree.If, _begin(children[0]), made[-1].end, made, *nodes)


@_reduction
def binary(builder: Any, children: list[Any]) -> Made:
    left, op, right = children
    return _make(
        builder, tree.Binary, left.start, right.end, (left, right), str(op), left.node, right.node, int(op.start_pos)
    )


@_reduction
def not_in(builder: Any, children: list[Any]) -> Made:
    left, op, _, right = children
    place = (left.start, right.end, (left, right))
    return _make(builder, tree.Binary, *place, "not in", left.node, right.node, int(op.start_pos))


@_reduction
def unary(builder: Any, children: list[Any]) -> Made:
    op, operand = children
    if op == "+":
        raise Refused(
            Problem("DM100", "a number is written without a plus sign", _begin(op), _finish(op), "leave it out", "", "")
        )
    begin = _begin(op)
    if op == "-" and isinstance(operand.node, tree.Literal) and operand.start == operand.node.start:
        value = operand.node.value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            # The minus of Decimal rounds to the context of the thread.
            negated = value.copy_negate() if isinstance(value, Decimal) else -value
            return _make(builder, tree.Literal, begin, operand.end, (), negated)
    return _make(builder, tree.Unary, begin, operand.end, (operand,), str(op), operand.node)


@_reduction
def test(builder: Any, children: list[Any]) -> Made:
    operand, word = children[0], children[-1]
    negated = len(children) == 4
    return _make(builder, tree.Test, operand.start, int(word.end_pos), (operand,), operand.node, str(word), negated)


REDUCTIONS["not_test"] = test


@_reduction
def attribute(builder: Any, children: list[Any]) -> Made:
    target, _, name = children
    return _make(
        builder, tree.Attr, target.start, int(name.end_pos), (target,), target.node, str(name), int(name.start_pos)
    )


@_reduction
def method(builder: Any, children: list[Any]) -> Made:
    target, _, name = children[:3]
    arguments_ = _given(children)
    parts = (target, *arguments_.values, *(value for _, value in arguments_.named))
    args = (target.node, *(value.node for value in arguments_.values))
    named_ = tuple((key, value.node) for key, value in arguments_.named)
    place = (target.start, int(children[-1].end_pos), parts)
    return _make(builder, tree.Call, *place, str(name), int(name.start_pos), args, named_, True)


@_reduction
def call(builder: Any, children: list[Any]) -> Made:
    name = children[0]
    arguments_ = _given(children)
    parts = (*arguments_.values, *(value for _, value in arguments_.named))
    args = tuple(value.node for value in arguments_.values)
    named_ = tuple((key, value.node) for key, value in arguments_.named)
    place = (int(name.start_pos), int(children[-1].end_pos), parts)
    return _make(builder, tree.Call, *place, str(name), int(name.start_pos), args, named_, False)


def _given(children: list[Any]) -> _Arguments:
    return next((child for child in children if isinstance(child, _Arguments)), _Arguments((), ()))


@_reduction
def index(builder: Any, children: list[Any]) -> Made:
    target, _, position, close = children
    place = (target.start, int(close.end_pos), (target, position))
    return _make(builder, tree.Index, *place, target.node, position.node)


@_reduction
def items_literal(builder: Any, children: list[Any]) -> Made:
    made = next((child for child in children if isinstance(child, list)), [])
    place = (_begin(children[0]), _finish(children[-1]), made)
    return _make(builder, tree.Items, *place, tuple(each.node for each in made))


@_reduction
def items(builder: Any, children: list[Any]) -> list[Made]:
    return _nodes(children)


@_reduction
def arguments(builder: Any, children: list[Any]) -> _Arguments:
    values = tuple(_nodes(children))
    named_ = tuple((child.name, child.value) for child in children if isinstance(child, _Named))
    first_named = next((i for i, child in enumerate(children) if isinstance(child, _Named)), None)
    if first_named is not None:
        late = next((child for child in children[first_named:] if isinstance(child, Made)), None)
        if late is not None:
            raise Refused(
                Problem("DM113", "arguments without a name come before those with one", late.start, late.end, "move it")
            )
    return _Arguments(values, named_)


@_reduction
def named(builder: Any, children: list[Any]) -> _Named:
    return _Named(str(children[0]), children[2])


@_reduction
def lambda_one(builder: Any, children: list[Any]) -> Made:
    name, _, body = children
    return _make(builder, tree.Lambda, int(name.start_pos), body.end, (body,), (str(name),), body.node)


@_reduction
def lambda_two(builder: Any, children: list[Any]) -> Made:
    begin, first, _, second = children[:4]
    body = children[-1]
    names = (str(first), str(second))
    return _make(builder, tree.Lambda, int(begin.start_pos), body.end, (body,), names, body.node)


@_reduction
def grouped(builder: Any, children: list[Any]) -> Made:
    opened, inner, closed = children
    if inner.depth >= MAX_DEPTH:
        _make(builder, tree.Unary, _begin(opened), _finish(closed), (inner,), "", inner.node)
    return Made(inner.node, inner.depth + 1, _begin(opened), _finish(closed))


@_reduction
def int_literal(builder: Any, children: list[Any]) -> Made:
    (word,) = children
    if len(word) > 19 or int(word) > MAX_INT:
        raise Refused(
            Problem(
                "DM115",
                "a whole number has at most 64 bits",
                _begin(word),
                _finish(word),
                "too large",
                "write a decimal",
            )
        )
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), int(word))


@_reduction
def decimal_literal(builder: Any, children: list[Any]) -> Made:
    (word,) = children
    if len(word) > _MAX_DIGITS + 1:
        raise Refused(
            Problem("DM115", f"a decimal has at most {_MAX_DIGITS} digits", _begin(word), _finish(word), "too long")
        )
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), Decimal(str(word)))


@_reduction
def string_literal(builder: Any, children: list[Any]) -> Made:
    (word,) = children
    value = unescaped(str(word)[1:-1], _begin(word) + 1)
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), value)


@_reduction
def true_literal(builder: Any, children: list[Any]) -> Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), True)


@_reduction
def false_literal(builder: Any, children: list[Any]) -> Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), False)


@_reduction
def null_literal(builder: Any, children: list[Any]) -> Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), None)


@_reduction
def name(builder: Any, children: list[Any]) -> Made:
    (word,) = children
    return _make(builder, tree.Name, _begin(word), _finish(word), (), str(word))


@_reduction
def ftext(builder: Any, children: list[Any]) -> Made:
    (word,) = children
    begin, finish = _begin(word), _finish(word)
    parts: list[str | tree.Node] = []
    made: list[Made] = []
    for piece, at in pieces_of(str(word)[2:-1], begin + 2):
        if at is None:
            parts.append(piece)
            continue
        problem = prescan(piece)
        if problem is None and not piece.strip():
            problem = Problem("DM112", "there is no expression between the braces", -1, len(piece) + 1, "empty")
        if problem is not None:
            raise Refused(_moved(problem, at))
        # Blanks in front keep every offset of the inner expression right without a second pass over its nodes.
        inner = builder.run(" " * at + piece)
        made.append(inner)
        parts.append(inner.node)
    return _make(builder, tree.FText, begin, finish, made, tuple(parts))


def _moved(problem: Problem, by: int) -> Problem:
    edits = tuple((start + by, end + by, text) for start, end, text in problem.edits)
    return replace(problem, start=problem.start + by, end=problem.end + by, edits=edits)

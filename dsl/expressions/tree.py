"""The syntax tree of one expression: frozen nodes with their place in the text.

`fieldwright.dsl.expressions.parser` makes the tree, `fieldwright.dsl.expressions.check` reads it. A node says only what
was written; names are not resolved and `x.f(y)` is a `Call` whose first argument is `x`. Passes that learn something
about a node keep it in a table under the node's number, never in the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Node:
    """What all nodes share: `start` and `end` are offsets in the expression's text (end excluded), `n` a number that
    is unique within the tree."""

    start: int
    end: int
    n: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """An int, a decimal, a text, true, false or null."""

    value: int | Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class FText(Node):
    """`f'..{x}..'`: fixed pieces of text and expressions in the order of the text."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class Items(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare name: a root, a let, a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Attr(Node):
    """`target.name`; `name_start` is where the name itself begins."""

    target: Node
    name: str
    name_start: int


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`target[index]`."""

    target: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(args, key=value)` or `args[0].name(...)` (`method`); `name_start` is where the name begins."""

    name: str
    name_start: int
    args: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]
    method: bool


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """`x -> body` or `(l, r) -> body`, only as an argument."""

    params: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`not x` or `-x`."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Every infix operator: `or and == != < <= > >= in`, `not in`, `?? + - * / %`. `op_start` is where it stands."""

    op: str
    left: Node
    right: Node
    op_start: int


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`operand is [not] null | missing | blank`."""

    __test__ = False
    operand: Node
    test: str
    negated: bool


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if condition then .. else ..`."""

    condition: Node
    then: Node
    otherwise: Node


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node in the order of the text."""
    match node:
        case FText(parts=parts):
            return tuple(part for part in parts if isinstance(part, Node))
        case Items(items=items):
            return items
        case Attr(target=target):
            return (target,)
        case Index(target=target, index=index):
            return (target, index)
        case Call(args=args, named=named):
            return (*args, *(value for _, value in named))
        case Lambda(body=body):
            return (body,)
        case Unary(operand=operand) | Test(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case If(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))

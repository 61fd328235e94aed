"""Checked expressions: what the checker makes of a syntax tree and both evaluators run.

Here every name is resolved, every field access knows how a raw value is read, conversions are written out, and calls
of functions from mapping files are replaced by their bodies (`Let`). Nodes keep the place and number of the syntax
node they came from, so that `explain` can show values at the text; nodes from the body of a mapping-file function
have `n` = -1 and the place of the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fieldwright.dsl.types import Type

if TYPE_CHECKING:
    from fieldwright.dsl.functions.registry import Function


@dataclass(frozen=True, slots=True)
class Core:
    """What all checked nodes share: the static type of the value and the place in the expression's text."""

    type: Type
    start: int
    end: int
    n: int


@dataclass(frozen=True, slots=True)
class Const(Core):
    """A value that is known."""

    value: Any


@dataclass(frozen=True, slots=True)
class Root(Core):
    """An input of the mapping by name: the driving record, a declared read, `settings`, `run`, `params`."""

    name: str


@dataclass(frozen=True, slots=True)
class Local(Core):
    """A let of the mapping, the item of `each`, or a parameter; `slot` is unique where it is visible."""

    slot: str


@dataclass(frozen=True, slots=True)
class Field(Core):
    """A field of a record, read from its raw value by `codec` (see `fieldwright.dsl.expressions.reading`).

    `currency` yields the ISO code for a money field. `key` is the name in the raw record.
    """

    target: Core
    key: str
    codec: str
    currency: Core | None


@dataclass(frozen=True, slots=True)
class Let(Core):
    """`slot` stands for `value` inside `body`. With `strict` a null value makes the whole null (a parameter that may
    not be null)."""

    slot: str
    value: Core
    body: Core
    strict: bool


@dataclass(frozen=True, slots=True)
class Text(Core):
    """F-text: the texts of all parts joined; null if one is null."""

    parts: tuple[Core, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Core):
    """A list literal."""

    items: tuple[Core, ...]


@dataclass(frozen=True, slots=True)
class At(Core):
    """An element by position; null when there is none."""

    target: Core
    index: Core


@dataclass(frozen=True, slots=True)
class Lambda(Core):
    """A function argument; `slots` are its parameters."""

    slots: tuple[str, ...]
    body: Core


@dataclass(frozen=True, slots=True)
class Invoke(Core):
    """A call of a built-in function. `args` are in the order of the signature; `fallback` is the `else=` argument.

    `variant` is the index of the function's signature. `strict` lists positions whose null makes the result null.
    """

    function: Function
    variant: int
    args: tuple[Core, ...]
    fallback: Core | None
    strict: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Not(Core):
    """Kleene negation."""

    operand: Core


@dataclass(frozen=True, slots=True)
class Logic(Core):
    """Kleene `and` / `or`."""

    op: str
    left: Core
    right: Core


@dataclass(frozen=True, slots=True)
class Compare(Core):
    """`== != < <= > >=`, and `in` (the right side is a list)."""

    op: str
    left: Core
    right: Core


@dataclass(frozen=True, slots=True)
class Coalesce(Core):
    """`left ?? right`."""

    left: Core
    right: Core


@dataclass(frozen=True, slots=True)
class Arithmetic(Core):
    """`+ - * / %` on the kind named by `on`: int, decimal, money, time."""

    op: str
    on: str
    left: Core
    right: Core


@dataclass(frozen=True, slots=True)
class Negate(Core):
    """Unary minus."""

    operand: Core


@dataclass(frozen=True, slots=True)
class IsTest(Core):
    """`is null`, `is missing`, `is blank` (the negated forms are wrapped in `Not`)."""

    operand: Core
    test: str


@dataclass(frozen=True, slots=True)
class Choice(Core):
    """`if condition then .. else ..`."""

    condition: Core
    then: Core
    otherwise: Core


@dataclass(frozen=True, slots=True)
class ToDecimal(Core):
    """An int (or a list of ints) where a decimal is expected."""

    operand: Core


_OWN: dict[str, tuple[str, ...]] = {}


def _own(node: Core) -> tuple[str, ...]:
    """The attributes of a node that say what it means, without type and place; remembered by kind of node."""
    kind = type(node).__name__
    found = _OWN.get(kind)
    if found is None:
        names = tuple(each.name for each in fields(node) if each.name not in ("type", "start", "end", "n"))
        found = _OWN.setdefault(kind, names)
    return found


def parts(node: Core) -> list[Core]:
    """The direct parts of a node."""
    found: list[Core] = []
    for name in _own(node):
        value = getattr(node, name)
        if isinstance(value, Core):
            found.append(value)
        elif type(value) is tuple:
            found.extend([item for item in value if isinstance(item, Core)])
    return found


def walk(node: Core) -> Iterator[Core]:
    """The node and everything under it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(parts(current))


def meaning(value: Any) -> Any:
    """A nested tuple that is equal exactly for equal meanings: places and numbers are left out. For digests."""
    if isinstance(value, Core):
        own = [meaning(getattr(value, name)) for name in _own(value)]
        return (type(value).__name__, meaning(value.type), *own)
    if isinstance(value, Type):
        return str(value) if value.kind.value != "enum" else ("enum", value.nullable, value.values)
    if isinstance(value, tuple | list):
        return tuple([meaning(item) for item in value])
    if value is None or isinstance(value, str | int):
        return (type(value).__name__, value)
    name = getattr(value, "name", None)
    return f"{type(value).__name__}:{name}" if name is not None else (type(value).__name__, repr(value))

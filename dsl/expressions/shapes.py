"""Arithmetic on shapes: the common shape of two branches, patterns of signatures against arguments, conversions.

These are pure functions; `fieldwright.dsl.expressions.check` and `calls` use them and word the findings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.scope import Shape
from fieldwright.dsl.functions.registry import (
    FunctionPattern,
    ListPattern,
    PairPattern,
    Pattern,
    Plain,
    Variable,
)
from fieldwright.dsl.types import BOOL, DECIMAL, INT, NULL, Kind, Type, enum, list_of, record

PAIR: Final = "pair"
"""The object name of what a join of two lists yields; its fields are `left` and `right`."""

NUMBERS: Final = frozenset([Kind.INT, Kind.DECIMAL, Kind.MONEY])
ORDERED: Final = NUMBERS | {Kind.STRING, Kind.DATE, Kind.TIMESTAMP, Kind.DURATION}
SCALARS: Final = ORDERED | {Kind.ENUM, Kind.BOOL, Kind.REF}
_CONSTRAINTS: Final = {"N": NUMBERS, "C": ORDERED | {Kind.ENUM}, "S": SCALARS}

ERROR_SHAPE: Final = Shape(Type(Kind.ERROR, nullable=True))


def common(a: Shape, b: Shape) -> Shape | None:
    """The shape both values have, or None when they do not go together."""
    nullable = a.type.nullable or b.type.nullable
    if Kind.ERROR in (a.type.kind, b.type.kind):
        return ERROR_SHAPE
    if a.type.kind is Kind.NULL:
        return b.optional()
    if b.type.kind is Kind.NULL:
        return a.optional()
    made: Shape | None = None
    match a.type.kind, b.type.kind:
        case (Kind.INT, Kind.DECIMAL) | (Kind.DECIMAL, Kind.INT):
            made = Shape(DECIMAL)
        case Kind.ENUM, Kind.ENUM:
            made = Shape(enum(*dict.fromkeys((*a.type.values, *b.type.values))))
        case (Kind.ENUM, Kind.STRING) | (Kind.STRING, Kind.ENUM):
            made = Shape(Type(Kind.STRING))
        case Kind.LIST, Kind.LIST:
            if a.item is None or b.item is None:
                made = a if b.item is None else b
            else:
                item = common(a.item, b.item)
                made = None if item is None else list_shape(item)
        case (Kind.RECORD, Kind.RECORD) | (Kind.REF, Kind.REF) if a.type.object == b.type.object:
            made = a if a == b else replace(a, owner=None)
        case x, y if x is y and x not in (Kind.RECORD, Kind.REF):
            made = a
    if made is None:
        return None
    return replace(made, type=replace(made.type, nullable=nullable))


def list_shape(item: Shape | None) -> Shape:
    """The shape of a list of such items (unknown items for an empty literal)."""
    if item is None:
        return Shape(Type(Kind.LIST))
    return Shape(list_of(item.type), item=item)


def convert(made: core.Core, given: Shape, wanted: Shape) -> core.Core:
    """The value with int turned into decimal where the wanted shape says so."""
    if _converts(given.type, wanted.type):
        type_ = replace(wanted.type, nullable=given.type.nullable)
        return core.ToDecimal(type_, made.start, made.end, made.n, made)
    return made


def _converts(given: Type, wanted: Type) -> bool:
    if given.kind is Kind.LIST and wanted.kind is Kind.LIST and given.item and wanted.item:
        return _converts(given.item, wanted.item)
    return given.kind is Kind.INT and wanted.kind is Kind.DECIMAL


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why an argument does not fit a pattern: `nulls` when only null elements are in the way."""

    wanted: str
    nulls: bool = False


def unify(pattern: Pattern, given: Shape, bound: dict[str, Shape]) -> Misfit | None:
    """Fit an argument's shape (null of the argument itself aside) to a pattern; variables are bound in `bound`."""
    kind = given.type.kind
    if kind is Kind.ERROR:
        return None
    match pattern:
        case Plain(kinds=kinds):
            if kind in kinds or kind is Kind.NULL:
                return None
            if (kind is Kind.ENUM and Kind.STRING in kinds) or (kind is Kind.INT and Kind.DECIMAL in kinds):
                return None
            return Misfit(describe(pattern))
        case Variable(name=name):
            allowed = _CONSTRAINTS.get(name)
            if allowed is not None and kind not in allowed and kind is not Kind.NULL:
                return Misfit(describe(pattern))
            before = bound.get(name)
            merged = given if before is None else common(before, given)
            if merged is None:
                return Misfit(str(before.type) if before else describe(pattern))
            bound[name] = merged
            return None
        case ListPattern(item=item, item_nullable=item_nullable):
            if kind is Kind.NULL:
                return None
            if kind is not Kind.LIST:
                return Misfit(describe(pattern))
            if given.item is None:
                return None
            restricted = not isinstance(item, Variable) or item.name in _CONSTRAINTS
            if given.item.type.nullable and restricted and not item_nullable and given.item.type.kind is not Kind.ERROR:
                return Misfit(describe(pattern), nulls=unify(pattern.item, given.item.required(), dict(bound)) is None)
            misfit = unify(item, given.item.required() if item_nullable else given.item, bound)
            return Misfit(describe(pattern)) if misfit else None
        case PairPattern() | FunctionPattern():
            return Misfit(describe(pattern))


def shape_of(pattern: Pattern, bound: dict[str, Shape]) -> Shape:
    """The shape a pattern stands for once its variables are bound; unbound ones come from empty lists."""
    match pattern:
        case Plain(kinds=kinds):
            return Shape(Type(kinds[0]))
        case Variable(name=name):
            return bound.get(name, Shape(Type(Kind.NULL, nullable=True)))
        case ListPattern(item=item, item_nullable=item_nullable):
            if isinstance(item, Variable) and item.name not in bound:
                return list_shape(None)
            inner = shape_of(item, bound)
            return list_shape(inner.optional() if item_nullable else inner)
        case PairPattern(left=left, right=right):
            return Shape(record(PAIR), left=shape_of(left, bound), right=shape_of(right, bound))
        case FunctionPattern():
            return ERROR_SHAPE


def describe(pattern: Pattern) -> str:
    """A pattern in words of the type notation."""
    match pattern:
        case Plain(kinds=kinds):
            return " or ".join(kind.value for kind in kinds)
        case Variable(name="N"):
            return "a number or money"
        case Variable(name="C"):
            return "something that can be ordered"
        case Variable(name="S"):
            return "a single value"
        case Variable():
            return "any value"
        case ListPattern(item=item):
            inner = describe(item)
            return "a list" if isinstance(item, Variable) and item.name in "TU" else f"a list of {inner}"
        case PairPattern():
            return "a pair"
        case FunctionPattern(params=params):
            return "`x -> ..`" if len(params) == 1 else "`(l, r) -> ..`"


def without_slots(shape: Shape, slots: tuple[str, ...]) -> Shape:
    """The shape seen from outside of a lambda: an owner that only exists inside is no longer known."""
    owner = shape.owner
    if owner is not None and any(isinstance(part, core.Local) and part.slot in slots for part in core.walk(owner)):
        owner = None
    return Shape(
        shape.type,
        owner,
        None if shape.item is None else without_slots(shape.item, slots),
        None if shape.left is None else without_slots(shape.left, slots),
        None if shape.right is None else without_slots(shape.right, slots),
    )


def named(type_: Type) -> str:
    """The type in words of a message. A literal text is an enum of itself to the checker, a string to its author."""
    if type_.kind is Kind.ENUM and len(type_.values) == 1:
        return "string?" if type_.nullable else "string"
    return str(type_)


def literal_type(value: Any) -> Type:
    """The type of a constant. A text is an enum of one value, so that what may be written into a picklist can be proved
    through conditions and `??`; as every enum it is a string where one is needed."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case Decimal():
            return DECIMAL
        case str():
            return enum(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no constant of the language")

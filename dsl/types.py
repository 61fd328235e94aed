"""The types of the mapping language, as values.

A `Type` says what an expression may yield or a field may hold. There is one class for all kinds: a kind, whether
null is possible, and the few parameters that kind needs. Types are compared by value and never by identity.
Sub-typing is small on purpose: `enum -> string`, `int -> decimal`, `T -> T?`. Nothing else converts by itself.
Checking expressions against types is the work of `fieldwright.dsl.expressions.check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The closed set of type kinds; `ERROR` is the type of an expression that already has a finding."""

    NULL = "null"
    BOOL = "bool"
    INT = "int"
    DECIMAL = "decimal"
    STRING = "string"
    ENUM = "enum"
    DATE = "date"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    MONEY = "money"
    LIST = "list"
    RECORD = "record"
    REF = "ref"
    ANY = "any"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `values` belongs to enum, `item` to list, `object` to record (`chargebee.customer.billing_address`)
    and ref (the mapping's name)."""

    kind: Kind
    nullable: bool = False
    item: Type | None = None
    object: str | None = None
    values: tuple[str, ...] = ()

    def optional(self) -> Type:
        """The same type with null allowed."""
        # Not `dataclasses.replace`: checking asks for this more often than for anything else.
        return self if self.nullable else Type(self.kind, True, self.item, self.object, self.values)

    def required(self) -> Type:
        """The same type without null."""
        return Type(self.kind, False, self.item, self.object, self.values) if self.nullable else self

    def __str__(self) -> str:
        match self.kind:
            case Kind.ENUM:
                shown = ", ".join(self.values[:6]) + (", ..." if len(self.values) > 6 else "")
                text = f"enum<{shown}>"
            case Kind.LIST:
                text = f"list<{self.item}>"
            case Kind.RECORD | Kind.REF:
                text = f"{self.kind.value}<{self.object}>"
            case _:
                text = self.kind.value
        return text + ("?" if self.nullable and self.kind is not Kind.NULL else "")


NULL = Type(Kind.NULL, nullable=True)
BOOL = Type(Kind.BOOL)
INT = Type(Kind.INT)
DECIMAL = Type(Kind.DECIMAL)
STRING = Type(Kind.STRING)
DATE = Type(Kind.DATE)
TIMESTAMP = Type(Kind.TIMESTAMP)
DURATION = Type(Kind.DURATION)
MONEY = Type(Kind.MONEY)
ANY = Type(Kind.ANY, nullable=True)
ERROR = Type(Kind.ERROR, nullable=True)


def list_of(item: Type) -> Type:
    """`list<item>`."""
    return Type(Kind.LIST, item=item)


def record(object_name: str) -> Type:
    """`record<object_name>`; the name is the qualified one, `chargebee.customer` or deeper."""
    return Type(Kind.RECORD, object=object_name)


def ref(mapping: str) -> Type:
    """The target id of a record that the named mapping writes."""
    return Type(Kind.REF, object=mapping)


def enum(*values: str) -> Type:
    """An enum of the given values, in their documented order."""
    return Type(Kind.ENUM, values=tuple(values))


def is_assignable(given: Type, wanted: Type) -> bool:
    """Whether a value of type `given` may stand where `wanted` is expected.

    `ERROR` is assignable both ways, so that one mistake is reported once. Null is checked here too: a nullable
    value does not fit where null is not allowed.
    """
    if Kind.ERROR in (given.kind, wanted.kind) or wanted.kind is Kind.ANY:
        return True
    if given.nullable and not wanted.nullable:
        return False
    if given.kind is Kind.NULL:
        return wanted.nullable
    match given.kind, wanted.kind:
        case Kind.ENUM, Kind.ENUM:
            return not wanted.values or set(given.values) <= set(wanted.values)
        case (Kind.ENUM, Kind.STRING) | (Kind.INT, Kind.DECIMAL):
            return True
        case Kind.LIST, Kind.LIST:
            return given.item is None or wanted.item is None or is_assignable(given.item, wanted.item)
        case (Kind.RECORD, Kind.RECORD) | (Kind.REF, Kind.REF):
            return given.object == wanted.object
        case a, b:
            return a is b

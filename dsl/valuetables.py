"""Value tables of fields: which rows can match, and what type their outcomes have together.

A key of a row is text in YAML; it becomes a value of the type that is looked up. The outcomes are constants, so their
texts are known: an enum of them, which lets the target's picklists and lengths be checked.
"""

from __future__ import annotations

from fieldwright.dsl.document import Scalar
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.linked import LinkedTable
from fieldwright.dsl.mapping import FieldRule
from fieldwright.dsl.types import BOOL, DECIMAL, INT, Kind, Type, enum


def written_type(rule: FieldRule, value: Checked | None, table: LinkedTable | None) -> Type | None:
    """The type of what is written: of the value, or of a value table's outcomes."""
    if value is None:
        return None
    if rule.table is None:
        if rule.round is not None and value.type.kind is Kind.MONEY:
            return Type(Kind.DECIMAL, value.type.nullable)
        return value.type
    if table is None:
        return None
    kinds = [const_type(row) for _, row, _, _ in table.rows]
    if table.otherwise is not None:
        kinds.append(table.otherwise.type)
    elif rule.table.fallback is not None:
        return None
    return _joined(kinds, nullable=value.type.nullable)


def const_type(value: object) -> Type:
    """The type of a constant; a text is an enum of itself, so that lengths and picklists can be checked."""
    match value:
        case None:
            return Type(Kind.NULL, nullable=True)
        case bool():
            return BOOL
        case int():
            return INT
        case str():
            return enum(value)
        case _:
            return DECIMAL


def table_key(key: Scalar, type_: Type) -> tuple[bool, object]:
    """Whether a row's key can occur in a value of the type, and the key as such a value."""
    text = key.text
    match type_.kind:
        case Kind.ENUM:
            return not type_.values or text in type_.values, text
        case Kind.BOOL:
            return text in ("true", "false"), text == "true"
        case Kind.INT:
            digits = text.removeprefix("-")
            return digits.isdecimal() and len(digits) < 20, int(text) if digits.isdecimal() else text
        case Kind.STRING | Kind.ERROR:
            return True, text
        case _:
            return False, text


def _joined(kinds: list[Type], *, nullable: bool) -> Type | None:
    """One type for all outcomes of a value table; None when they do not go together."""
    nullable = nullable or any(kind.nullable for kind in kinds)
    real = [kind for kind in kinds if kind.kind is not Kind.NULL]
    if not real:
        return Type(Kind.NULL, nullable=True)
    names = {kind.kind for kind in real}
    if names == {Kind.ENUM}:
        return Type(Kind.ENUM, nullable, values=tuple(dict.fromkeys(v for kind in real for v in kind.values)))
    if names <= {Kind.ENUM, Kind.STRING}:
        return Type(Kind.STRING, nullable)
    if names <= {Kind.INT, Kind.DECIMAL}:
        return Type(Kind.INT if names == {Kind.INT} else Kind.DECIMAL, nullable)
    return Type(real[0].kind, nullable) if len(names) == 1 else Type(Kind.ERROR, nullable=True)

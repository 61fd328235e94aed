"""Types as mapping files write them -> types: `string?`, `enum<a, b>`, `list<record<chargebee.coupon>>`.

`picklist<object.field>` is the enum of that field's values, or a string where the picklist is open or its values are
not known; `enum<object.field>` is the enum of a source field; `timezone` is a string. Used by settings, parameters,
function headers, table keys and schema documents.
"""

from __future__ import annotations

import re
from typing import Final

from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.schema import FieldSchema, Schemas
from fieldwright.dsl.types import ANY, NULL, STRING, Kind, Type, enum, list_of, record, ref

_SIMPLE: Final = {
    kind.value: Type(kind)
    for kind in (
        Kind.BOOL,
        Kind.INT,
        Kind.DECIMAL,
        Kind.STRING,
        Kind.DATE,
        Kind.TIMESTAMP,
        Kind.DURATION,
        Kind.MONEY,
    )
} | {"any": ANY, "null": NULL, "timezone": STRING, "email": STRING}
_GENERIC: Final = ("enum", "picklist", "list", "record", "ref")
_PATH = re.compile(r"[a-z]+(\.[A-Za-z_][A-Za-z0-9_]*){2,}\Z")
_MAX_NESTING = 8


class NotAType(Exception):
    """The text is no type; the message says why."""


def parse_type(text: str, schemas: Schemas) -> Type:
    """The type that `text` names. Raises NotAType."""
    return _parse(text.strip(), schemas, 0)


def _parse(text: str, schemas: Schemas, depth: int) -> Type:
    if depth > _MAX_NESTING:
        raise NotAType("nested too deep")
    if text.endswith("?"):
        return _parse(text[:-1].rstrip(), schemas, depth + 1).optional()
    if text in _SIMPLE:
        return _SIMPLE[text]
    name, opened, rest = text.partition("<")
    name = name.strip()
    if not opened or name not in _GENERIC:
        known = [*_SIMPLE, *(f"{generic}<…>" for generic in _GENERIC)]
        hint = did_you_mean(name, [*_SIMPLE, *_GENERIC]) or "one of: " + ", ".join(known)
        raise NotAType(f"`{text}` is not a type; {hint}")
    if not rest.endswith(">"):
        raise NotAType(f"`{text}` has no closing `>`")
    inner = rest[:-1].strip()
    if not inner:
        raise NotAType(f"`{name}<>` needs something between < and >")
    match name:
        case "list":
            return list_of(_parse(inner, schemas, depth + 1))
        case "record":
            if schemas.find(inner) is None:
                hint = did_you_mean(inner, schemas.object_names())
                raise NotAType(f"`{inner}` is not an object" + (f"; {hint}" if hint else ""))
            return record(inner)
        case "ref":
            return ref(inner)
        case "picklist":
            return _of_field(inner, schemas)
        case _:
            if _PATH.match(inner):
                return _of_field(inner, schemas)
            return enum(*(value.strip() for value in inner.split(",")))


def find_field(path: str, schemas: Schemas) -> FieldSchema | None:
    """The field that `object.field` names, or None."""
    object_name, _, field_name = path.rpartition(".")
    found = schemas.find(object_name)
    return None if found is None else found.fields.get(field_name)


def _of_field(path: str, schemas: Schemas) -> Type:
    object_name, _, field_name = path.rpartition(".")
    found = schemas.find(object_name)
    if found is None:
        hint = did_you_mean(object_name, schemas.object_names())
        raise NotAType(f"`{object_name}` is not an object" + (f"; {hint}" if hint else ""))
    field = found.fields.get(field_name)
    if field is None:
        hint = did_you_mean(field_name, found.fields)
        raise NotAType(f"`{object_name}` has no field `{field_name}`" + (f"; {hint}" if hint else ""))
    return field.type.required() if field.type.kind is Kind.ENUM else STRING

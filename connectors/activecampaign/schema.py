"""Turns the shipped description of ActiveCampaign's objects, and an account's own custom fields, into a `Catalog`.

Contacts have few fields of their own; all others are custom and named `custom_fields.PERSTAG` after their
personalisation tag. `custom_type` is the one table that says what an account's field type holds; its inverse,
`native_type`, chooses the type of a field that must be made for a mapped value.

Left to others: asking the account (`fields`), writing values (`codecs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from fieldwright.dsl import types
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema
from fieldwright.dsl.types import Kind, Type

SYSTEM: Final = "activecampaign"
CONTACT: Final = "activecampaign.contact"
LIST: Final = "activecampaign.list"
TAG: Final = "activecampaign.tag"

CUSTOM: Final = "custom_fields."
"""What the names of custom fields begin with; the personalisation tag follows."""

MEMBERSHIPS: Final = "memberships.lists"
"""The one field of a contact that holds its lists: `[{"list": "Customers", "status": "subscribed"}]`."""

STANDARD: Final = ("email", "firstName", "lastName", "phone")
"""The contact's own writable fields."""

_TYPES: Final[Mapping[str, Type]] = {
    "id": types.STRING,
    "email": types.STRING,
    "text": types.STRING,
    "textarea": types.STRING,
    "hidden": types.STRING,
    "dropdown": types.STRING,
    "radio": types.STRING,
    "number": types.DECIMAL,
    "date": types.DATE,
    "datetime": types.TIMESTAMP,
    "listbox": types.list_of(types.STRING),
    "checkbox": types.list_of(types.STRING),
}


@cache
def catalog() -> Catalog:
    """The shipped catalog; no network."""
    data = files("fieldwright.connectors.activecampaign").joinpath("catalog.json").read_bytes()
    described: dict[str, Any] = msgspec.json.decode(data)["objects"]
    return Catalog(SYSTEM, {f"{SYSTEM}.{name}": _object(f"{SYSTEM}.{name}", spec) for name, spec in described.items()})


def with_custom_fields(fields: Sequence[FieldSchema]) -> Catalog:
    """The shipped catalog with an account's custom fields added to the contact."""
    shipped = catalog()
    contact = shipped.objects[CONTACT]
    own = {**contact.fields, **{field.name: field for field in fields}}
    live = ObjectSchema(
        name=CONTACT,
        fields=own,
        label=contact.label,
        open_prefix=contact.open_prefix,
        updated_field=contact.updated_field,
        status="seen",
    )
    return Catalog(SYSTEM, {**shipped.objects, CONTACT: live})


def custom_type(native: str, options: Sequence[str]) -> Type:
    """What a custom field of the account's type `native` holds. A single choice with known options is an enum,
    because the account itself stores whatever it is sent."""
    if options and native in ("dropdown", "radio"):
        return types.enum(*options)
    return _TYPES.get(native, types.STRING)


def native_type(mapped: Type) -> str:
    """The account's field type for a mapped value. There is no yes/no type: a bool becomes text, `true` or `false`."""
    match mapped.kind:
        case Kind.INT | Kind.DECIMAL | Kind.MONEY:
            return "number"
        case Kind.DATE:
            return "date"
        case Kind.TIMESTAMP:
            return "datetime"
        case Kind.LIST:
            return "listbox"
        case (
            Kind.BOOL
            | Kind.STRING
            | Kind.ENUM
            | Kind.DURATION
            | Kind.NULL
            | Kind.RECORD
            | Kind.REF
            | Kind.ANY
            | Kind.ERROR
        ):
            return "text"


def _object(name: str, spec: Mapping[str, Any]) -> ObjectSchema:
    return ObjectSchema(
        name=name,
        fields={field: _field(field, entry) for field, entry in spec["fields"].items()},
        label=spec["label"],
        open_prefix=CUSTOM if spec.get("custom_fields") else None,
        updated_field=spec.get("updated"),
        writable=spec.get("writable", False),
    )


def _field(name: str, spec: Mapping[str, Any]) -> FieldSchema:
    kind, writable, required = _TYPES[spec["type"]], spec.get("write", False), spec.get("required", False)
    return FieldSchema(
        name=name,
        type=kind if required or spec["type"] == "id" else kind.optional(),
        label=spec["label"],
        native=spec["type"],
        required=required,
        createable=writable,
        updateable=writable,
        unique=spec.get("unique", False),
        id_lookup=spec.get("id_lookup", False),
    )

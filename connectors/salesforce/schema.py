"""Turns Salesforce metadata (the shipped `catalog.json`, or a describe reply) into the language's `Catalog`.

Both speak of fields in describe's terms, so one function reads both. Nullability is what may be written: a field is
nullable when null may be stored in it, and required when a create without it is refused. Restricted picklists are
enums, open ones text. Amounts, percentages and doubles are exact decimals.

Left to others: asking a live org (`target.live_catalog`), checking values (the linter and the output codecs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from fieldwright.dsl import types
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema
from fieldwright.dsl.types import Type

SYSTEM: Final = "salesforce"

_TYPES: Final[Mapping[str, Type]] = {
    "id": types.STRING,
    "reference": types.STRING,
    "string": types.STRING,
    "textarea": types.STRING,
    "picklist": types.STRING,
    "multipicklist": types.STRING,
    "combobox": types.STRING,
    "email": types.STRING,
    "phone": types.STRING,
    "url": types.STRING,
    "encryptedstring": types.STRING,
    "base64": types.STRING,
    "time": types.STRING,
    "boolean": types.BOOL,
    "int": types.INT,
    "long": types.INT,
    "double": types.DECIMAL,
    "percent": types.DECIMAL,
    "currency": types.DECIMAL,
    "date": types.DATE,
    "datetime": types.TIMESTAMP,
}
"""Describe's type names; any other (address, location, anyType) is readable only and typed `any`."""


@cache
def shipped() -> Mapping[str, Any]:
    """The parsed data file: object name -> its description."""
    # importlib.resources would cost more to import than the file to read; the package is never run from an archive.
    data = Path(__file__).with_name("catalog.json").read_bytes()
    document: dict[str, Any] = msgspec.json.decode(data)
    objects: dict[str, Any] = document["objects"]
    return objects


@cache
def catalog() -> Catalog:
    """The shipped catalog; no network, no vendor SDK."""
    return Catalog(SYSTEM, _Objects(shipped()))


def upsert_fields() -> Iterator[str]:
    """Qualified names of the shipped fields by which Salesforce upserts: unique external ids."""
    for name, spec in shipped().items():
        for field, entry in spec["fields"].items():
            if "externalId" in entry and "unique" in entry:
                yield f"{SYSTEM}.{name}.{field}"


def described(reply: Mapping[str, Any]) -> ObjectSchema:
    """The object of one describe reply, custom fields included."""
    fields = {field["name"]: _field(field["name"], _from_describe(field)) for field in reply["fields"]}
    return ObjectSchema(
        name=f"{SYSTEM}.{reply['name']}",
        fields=fields,
        label=reply.get("label", ""),
        updated_field="SystemModstamp" if "SystemModstamp" in fields else None,
        writable=bool(reply.get("createable", True) or reply.get("updateable", True)),
    )


class _Objects(Mapping[str, ObjectSchema]):
    """Objects by qualified name, built at the first look."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._built: dict[str, ObjectSchema] = {}

    def __getitem__(self, name: str) -> ObjectSchema:
        built = self._built.get(name)
        if built is None:
            system, _, bare = name.partition(".")
            if system != SYSTEM:
                raise KeyError(name)
            built = self._built[name] = _object(name, self._data[bare])
        return built

    def __iter__(self) -> Iterator[str]:
        return (f"{SYSTEM}.{bare}" for bare in self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(f"{SYSTEM}.") and name.removeprefix(f"{SYSTEM}.") in self._data


def _object(name: str, spec: Mapping[str, Any]) -> ObjectSchema:
    fields = {field: _field(field, entry) for field, entry in spec["fields"].items()}
    for field, entry in spec.get("personAccountFields", {}).items():
        # Custom person fields (`__pc`) come from whatever org was described: they belong to no other.
        if field not in fields and not field.endswith("__pc"):
            fields[field] = _field(field, entry)
    return ObjectSchema(
        name=name,
        fields=fields,
        label=spec.get("label", ""),
        updated_field="SystemModstamp" if "SystemModstamp" in fields else None,
        status=spec.get("status", "documented"),
        writable=not spec.get("setup", False),
    )


def _field(name: str, spec: Mapping[str, Any]) -> FieldSchema:
    native = spec["type"]
    nillable = "nillable" in spec
    createable = "createable" in spec
    restricted = "restrictedPicklist" in spec
    values = tuple(spec.get("picklistValues", ()))
    kind = types.enum(*values) if native == "picklist" and restricted and values else _TYPES.get(native, types.ANY)
    scale = spec.get("scale")
    if native in ("currency", "percent", "double") and "precision" in spec:
        scale = scale or 0
    precision = spec.get("precision")
    if native == "int":
        precision, scale = spec.get("digits") or precision, 0
    return FieldSchema(
        name=name,
        type=kind.optional() if nillable else kind,
        label=spec.get("label", ""),
        native=native,
        required=createable and not nillable and "defaultedOnCreate" not in spec,
        createable=createable,
        updateable="updateable" in spec,
        length=spec.get("length"),
        precision=precision,
        scale=scale,
        restricted=restricted,
        external_id="externalId" in spec,
        unique="unique" in spec,
        case_sensitive="caseSensitive" in spec,
        id_lookup="idLookup" in spec,
        references=tuple(f"{SYSTEM}.{target}" for target in spec.get("referenceTo", ())),
        relationship=spec.get("relationshipName"),
        deprecated="deprecated" in spec,
        status=spec.get("status", "documented"),
        only_if=spec.get("onlyIf"),
    )


def _from_describe(field: Mapping[str, Any]) -> dict[str, Any]:
    """A describe field in the file's form: false and empty attributes left out, active picklist values as text."""
    spec = {key: value for key, value in field.items() if value not in (None, False, 0, [], "")}
    spec["picklistValues"] = [
        entry["value"] for entry in field.get("picklistValues") or () if entry.get("active", True)
    ]
    if spec.get("type") not in ("picklist", "multipicklist"):
        spec.pop("restrictedPicklist", None)
    return spec

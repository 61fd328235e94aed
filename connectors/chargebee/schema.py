"""Turns the shipped description of Chargebee's resources (`catalog.json`) into the language's `Catalog`.

The file holds plain data: each resource with its fields, the field that holds the currency of its amounts, its list
operation and the filters that operation takes. Object schemas are built one at a time, when first looked at, so that
`interpret lint` pays for the objects of its mappings only. Nested objects are objects of their own under a dotted
name (`chargebee.subscription.addons`). `chargebee.site` is ours: the API has no such resource, the source fills it
from the connection's settings.

Left to others: reading records (`source`), custom fields of a real site (`custom_fields`).
Source of the names and types: typings of Chargebee's public client libraries (see the note in the file).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from fieldwright.dsl import types
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema
from fieldwright.dsl.types import Type

SYSTEM: Final = "chargebee"
CUSTOM_FIELD_PREFIX: Final = "cf_"

_TYPES: Final[Mapping[str, Type]] = {
    "string": types.STRING,
    "email": types.STRING,
    "int": types.INT,
    "money": types.MONEY,
    "timestamp": types.TIMESTAMP,
    "bool": types.BOOL,
    "decimal": types.DECIMAL,
    "decimal_string": types.DECIMAL,
    "json": types.ANY,
    "unknown": types.ANY,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """How a resource is listed: path below the API root, filters the operation knows, and the fields that
    `sort_by` takes (which fields it takes is unverified for credit notes, quotes and coupons)."""

    path: str
    filters: frozenset[str]
    sort: tuple[str, ...]

    @property
    def by_update(self) -> bool:
        """Whether `updated_at[after]` selects the changed ones."""
        return "updated_at" in self.filters

    @property
    def tells_deleted(self) -> bool:
        """Whether `include_deleted` lists tombstones."""
        return "include_deleted" in self.filters

    @property
    def by_id(self) -> bool:
        """Whether `id[in]` selects records."""
        return "id" in self.filters


@cache
def shipped() -> Mapping[str, Any]:
    """The parsed data file: resource name -> its description."""
    # importlib.resources would cost more to import than the file to read; the package is never run from an archive.
    data = Path(__file__).with_name("catalog.json").read_bytes()
    document: dict[str, Any] = msgspec.json.decode(data)
    objects: dict[str, Any] = document["objects"]
    return objects


def listing(resource: str) -> Listing | None:
    """The list operation of a resource (unqualified name), or None when it has none."""
    described = shipped().get(resource)
    if described is None or "list" not in described:
        return None
    return Listing(described["list"], frozenset(described["filters"]), tuple(described.get("sort", ())))


@cache
def catalog() -> Catalog:
    """The shipped catalog; no network, no vendor SDK."""
    return Catalog(SYSTEM, _Objects(_places()))


def _places() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Qualified name -> (resource, its field descriptions), nested objects included."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for resource, described in shipped().items():
        pending = [(f"{SYSTEM}.{resource}", described["fields"])]
        while pending:
            name, fields = pending.pop()
            found[name] = (resource, fields)
            for field, spec in fields.items():
                if type(spec) is dict and "fields" in spec:
                    pending.append((f"{name}.{field}", spec["fields"]))
    return found


class _Objects(Mapping[str, ObjectSchema]):
    """Objects by qualified name, built at the first look."""

    def __init__(self, places: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        self._places = places
        self._built: dict[str, ObjectSchema] = {}

    def __getitem__(self, name: str) -> ObjectSchema:
        built = self._built.get(name)
        if built is None:
            resource, fields = self._places[name]
            built = self._built[name] = _object(name, resource, fields)
        return built

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places


def _object(name: str, resource: str, fields: Mapping[str, Any]) -> ObjectSchema:
    described = shipped()[resource]
    root = name == f"{SYSTEM}.{resource}"
    # Balances and exchange rates carry their own code; everything else is in the root record's currency.
    currency = "currency_code" if "currency_code" in fields else described.get("currency")
    return ObjectSchema(
        name=name,
        fields={field: _field(name, field, spec, currency) for field, spec in fields.items()},
        label=resource.replace("_", " ").capitalize() if root else name.rpartition(".")[2].replace("_", " "),
        open_prefix=CUSTOM_FIELD_PREFIX if root and described.get("custom_fields") else None,
        updated_field="updated_at" if root and "updated_at" in fields else None,
        writable=False,
    )


def _field(owner: str, name: str, spec: str | Mapping[str, Any], currency: str | None) -> FieldSchema:
    if isinstance(spec, str):
        always = spec.endswith("!")
        spec = {"type": spec.removesuffix("!")}
    else:
        always = "always" in spec
    native = spec["type"]
    kind = _type(owner, name, native, spec)
    if "list" in spec:
        kind = types.list_of(kind)
    target = spec.get("ref")
    return FieldSchema(
        name=name,
        type=kind if always else kind.optional(),
        native=native,
        required=always,
        createable=False,
        updateable=False,
        references=(f"{SYSTEM}.{target}",) if target else (),
        currency=spec.get("currency", currency) if native == "money" else None,
        deprecated="deprecated" in spec,
        status=spec.get("status", "documented"),
        only_if=spec.get("only_if"),
    )


def _type(owner: str, name: str, native: str, spec: Mapping[str, Any]) -> Type:
    match native:
        case "enum" if spec.get("status") != "inferred":
            return types.enum(*spec["values"])
        case "enum":
            # Two fields named `type` list a merge of unrelated enums in the SDK: as open text they refuse nothing.
            return types.STRING
        case "object":
            return types.record(f"{owner}.{name}") if "fields" in spec else types.ANY
        case "record":
            return types.record(f"{SYSTEM}.{spec['record']}")
        case _:
            return _TYPES[native]

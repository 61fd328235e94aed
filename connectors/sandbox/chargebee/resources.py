"""The resources of the emulated site as data: their fields, list filters and accepted parameters.

Turns `resources.json` (taken from the typings of the public SDK chargebee 3.29.0 and npm chargebee 3.33.0; product
catalog 1.0) into `Resource` values. What the operations do with them is left to the operations.

Field types in the file: a name (`string`, `integer`, `money`, `timestamp`, `boolean`, `decimal`, `decimal_string`,
`json`), `enum:a|b`, an object for a nested object, a one-element list for a list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

FieldType = str | dict[str, "FieldType"] | list["FieldType"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record. `born` is the public field that says when it came to be, by which lists are sorted."""

    name: str
    plural: str
    fields: Mapping[str, FieldType]
    filters: Mapping[str, str]
    include_deleted: bool
    params: Mapping[str, frozenset[str]]
    born: str | None

    def sorts(self) -> tuple[str, ...]:
        """Fields that `sort_by` accepts."""
        names = (self.born, "updated_at" if "updated_at" in self.fields else None)
        return tuple(name for name in names if name is not None)


_CUSTOM = frozenset({"customer", "subscription", "plan", "addon", "coupon", "invoice", "credit_note", "quote"})


def takes_custom_fields(name: str) -> bool:
    """Whether records of that kind may carry `cf_*` fields."""
    return name in _CUSTOM


@cache
def resources() -> Mapping[str, Resource]:
    """Every resource by its name."""
    raw = msgspec.json.decode((Path(__file__).parent / "resources.json").read_bytes())
    return {
        name: Resource(
            name=name,
            plural=entry["plural"],
            fields=entry["fields"],
            filters=entry["filters"],
            include_deleted=entry["include_deleted"],
            params={operation: frozenset(names) for operation, names in entry["params"].items()},
            born=next((field for field in ("created_at", "date", "occurred_at") if field in entry["fields"]), None),
        )
        for name, entry in raw.items()
    }


@cache
def by_plural() -> Mapping[str, Resource]:
    """Every resource by the word in its path."""
    return {resource.plural: resource for resource in resources().values()}

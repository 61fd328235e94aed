"""What a system's objects look like, as one vendor-free value: catalogs, objects and fields.

Connectors build catalogs from shipped data or from a live system; the language only reads them. A catalog serves
both directions: a source field needs its type, a target field also what may be written into it. Nested objects
(`customer.billing_address`, items of `subscription.addons`) are objects of the same catalog under a dotted name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fieldwright.dsl.types import Type


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field. For targets: `required` means a create without it is refused; `length` counts characters;
    `precision`/`scale` are digits in total and after the point; `restricted` picklists refuse other values.

    `currency` names the field (from the root record of the object) that holds the ISO code of a money field.
    `status` is `documented`, `seen`, `inferred` (a name nobody has seen yet) or `declared` (by the project).
    `native` is the vendor's own type name, for codecs and messages.
    """

    name: str
    type: Type
    label: str = ""
    native: str = ""
    required: bool = False
    createable: bool = True
    updateable: bool = True
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    restricted: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    references: tuple[str, ...] = ()
    relationship: str | None = None
    currency: str | None = None
    deprecated: bool = False
    status: str = "documented"
    only_if: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object of a system; `name` is qualified (`salesforce.Account`). `open_prefix` is the prefix of custom
    fields that the real system may have beyond the catalog (`cf_` at Chargebee), for better messages."""

    name: str
    fields: Mapping[str, FieldSchema]
    label: str = ""
    open_prefix: str | None = None
    updated_field: str | None = None
    status: str = "documented"
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Catalog:
    """All known objects of one system (`chargebee`, `salesforce`, `activecampaign`), by qualified name."""

    system: str
    objects: Mapping[str, ObjectSchema] = field(default_factory=dict)

    def find(self, name: str) -> ObjectSchema | None:
        """The object with this qualified name, or None."""
        return self.objects.get(name)


@dataclass(frozen=True, slots=True)
class Schemas:
    """The catalogs of all systems of a project, looked up by qualified object name."""

    catalogs: Mapping[str, Catalog]

    def find(self, name: str) -> ObjectSchema | None:
        """The object `system.object[.nested]`, or None when system or object is unknown."""
        catalog = self.catalogs.get(name.partition(".")[0])
        return None if catalog is None else catalog.find(name)

    def object_names(self) -> list[str]:
        """Every qualified name, sorted; for did-you-mean and completion."""
        return sorted(name for catalog in self.catalogs.values() for name in catalog.objects)

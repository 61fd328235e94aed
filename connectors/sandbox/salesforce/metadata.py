"""What the org knows about its objects and fields.

Turns the field facts of the shipped catalog (and custom fields added later) into `Field` and `SObject` values that
validation, queries and describe all read. Storing them is for `storage`, wording them as describe is for `describe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "combobox"})
NUMBER_TYPES = frozenset({"double", "currency", "percent", "int"})
ID_TYPES = frozenset({"id", "reference"})
SYSTEM_FIELDS = (
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field; names and meaning of the flags are those of describe. `length` counts characters, `precision` all
    digits of a number and `scale` those after the point."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = False
    createable: bool = False
    updateable: bool = False
    defaulted: bool = False
    default: Any = None
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    auto_number: bool = False
    compound: str | None = None
    restricted: bool = False
    values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    cascade: bool = False
    restricted_delete: bool = False
    only_if: str | None = None

    @property
    def custom(self) -> bool:
        """Whether the field was added to the object, by the org or by a package."""
        return self.name.endswith("__c")

    @property
    def stored(self) -> bool:
        """Whether the field has a column; addresses are put together from their parts."""
        return self.type != "address"

    @property
    def required(self) -> bool:
        """Whether a create without it is refused."""
        return self.createable and not self.nillable and not self.defaulted and self.type != "boolean"

    @property
    def filterable(self) -> bool:
        """Whether a query may filter by it; long text areas may not."""
        return self.stored and not (self.type == "textarea" and self.length > 255)

    @property
    def column_type(self) -> str:
        """The SQLite column; text compares without regard to case unless the field says otherwise."""
        if self.type in ("boolean", "int"):
            return "INTEGER"
        if self.type in NUMBER_TYPES:
            return "REAL"
        if self.type in TEXT_TYPES and not self.case_sensitive:
            return "TEXT COLLATE NOCASE"
        return "TEXT"


_RENAMED = {
    "defaultedOnCreate": "defaulted",
    "defaultValue": "default",
    "externalId": "external_id",
    "caseSensitive": "case_sensitive",
    "idLookup": "id_lookup",
    "nameField": "name_field",
    "autoNumber": "auto_number",
    "compoundFieldName": "compound",
    "restrictedPicklist": "restricted",
    "picklistValues": "values",
    "referenceTo": "references",
    "relationshipName": "relationship",
    "childRelationship": "child_relationship",
    "cascadeDelete": "cascade",
    "restrictedDelete": "restricted_delete",
    "onlyIf": "only_if",
}
_IGNORED = frozenset({"status", "deprecated", "note"})


def field_from(name: str, facts: Mapping[str, Any]) -> Field:
    """A field from the catalog's facts; keys it does not know raise TypeError, so that a typo cannot hide."""
    arguments: dict[str, Any] = {}
    for key, value in facts.items():
        if key not in _IGNORED:
            arguments[_RENAMED.get(key, key)] = tuple(value) if isinstance(value, list) else value
    return Field(name=name, **arguments)


@dataclass(slots=True)
class SObject:
    """One object of the org. `fields` keeps the order of describe; look names up with `find`, which ignores case."""

    name: str
    label: str
    label_plural: str
    prefix: str
    custom: bool = False
    setup: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    relationships: dict[str, Field] = field(default_factory=dict)
    by_lower: dict[str, Field] = field(default_factory=dict)

    def add(self, item: Field) -> None:
        """Adds or replaces a field."""
        self.fields[item.name] = item
        self.by_lower[item.name.lower()] = item
        if item.relationship:
            self.relationships[item.relationship.lower()] = item

    def find(self, name: str) -> Field | None:
        """The field with this name in any case."""
        return self.fields.get(name) or self.by_lower.get(name.lower())

    def find_relationship(self, name: str) -> Field | None:
        """The reference field behind a parent relationship such as `Owner` or `CB_Site__r`."""
        return self.relationships.get(name.lower())

    @property
    def name_field(self) -> Field | None:
        """The field that names a record for people."""
        return next((item for item in self.fields.values() if item.name_field), None)

    def is_upsert_key(self, item: Field) -> bool:
        """Whether records can be found by this field: custom external ids and the standard lookups."""
        return item.external_id or item.id_lookup


@dataclass(frozen=True, slots=True)
class Child:
    """One child relationship: records of `object` point to the parent by `field`."""

    object: SObject
    field: Field


class Schema:
    """All objects of the org by name, by key prefix, and the child relationships between them."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {item.name.lower(): item for item in objects}
        self._prefixes = {item.prefix: item for item in self._objects.values()}
        self._children: dict[str, dict[str, Child]] = {}
        self._referrers: dict[str, list[Child]] = {}
        self.relink()

    def relink(self) -> None:
        """Recomputes the child relationships after a field was added."""
        self._children = {}
        self._referrers = {}
        for item in self._objects.values():
            for reference in item.fields.values():
                for parent in reference.references:
                    child = Child(item, reference)
                    self._referrers.setdefault(parent, []).append(child)
                    if reference.child_relationship:
                        named = self._children.setdefault(parent, {})
                        named[reference.child_relationship.lower()] = child

    def all(self) -> list[SObject]:
        """Every object, in the order of the catalog."""
        return list(self._objects.values())

    def find(self, name: str) -> SObject | None:
        """The object with this name in any case."""
        return self._objects.get(name.lower())

    def get(self, name: str) -> SObject:
        """The object with this name; KeyError if the org has none."""
        return self._objects[name.lower()]

    def of_id(self, record_id: str) -> SObject | None:
        """The object whose key prefix the id carries."""
        return self._prefixes.get(record_id[:3])

    def children(self, parent: str) -> Mapping[str, Child]:
        """Named child relationships of an object, by lower-case relationship name."""
        return self._children.get(parent, {})

    def referrers(self, parent: str) -> list[Child]:
        """Every reference field that may point to records of this object."""
        return self._referrers.get(parent, [])

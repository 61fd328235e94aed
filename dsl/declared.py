"""Schema documents of a project -> schemas that also know the project's custom fields.

The shipped catalogs know the standard fields; a `schema` document declares what an own site or org has beyond them.
Objects are extended when first looked at, so that a catalog that builds its objects lazily stays lazy. A field that
the catalog knows already cannot be declared again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document, Entry, Scalar, Table, plain
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.mappingdocument import entries
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import STRING, Kind


def declare_schemas(documents: tuple[Document, ...], schemas: Schemas) -> tuple[Schemas, tuple[Diagnostic, ...]]:
    """The schemas extended by the declared fields, and what is wrong with the declarations."""
    findings = Findings()
    added: dict[str, dict[str, FieldSchema]] = {}
    for document in documents:
        for entry in entries(document.root, "objects"):
            known = schemas.find(entry.name)
            if known is None:
                hint = did_you_mean(entry.name, schemas.object_names())
                message = f"`{entry.name}` is not a known object"
                own = OWN_OBJECT if entry.name.endswith("__c") else ""
                findings.error("DM301", message, entry.key.span, hint or "unknown object", own)
                continue
            assert isinstance(entry.value, Table), "structure was checked"
            for row in entries(entry.value, "fields"):
                declared = added.setdefault(entry.name, {})
                if row.name in known.fields or row.name in declared:
                    message = f"`{entry.name}` has a field `{row.name}` already"
                    findings.error("DM317", message, row.key.span, "known already", "leave the declaration out")
                    continue
                made = _field(row, entry.name, schemas, findings)
                if made is not None:
                    declared[row.name] = made
    if not added:
        return schemas, tuple(findings.found)
    catalogs = dict(schemas.catalogs)
    for system in {name.partition(".")[0] for name in added}:
        catalog = catalogs[system]
        catalogs[system] = Catalog(system, _Extended(catalog.objects, added))
    return Schemas(catalogs), tuple(findings.found)


def _field(row: Entry, owner: str, schemas: Schemas, findings: Findings) -> FieldSchema | None:
    assert isinstance(row.value, Table), "structure was checked"
    node = row.value.get("type")
    assert isinstance(node, Scalar), "structure was checked"
    said: Any = plain(row.value)
    try:
        type_ = parse_type(node.text, schemas)
    except NotAType as problem:
        findings.error("DM020", str(problem), node.span, "not a type")
        return None
    source = owner.startswith("chargebee.")
    required = bool(said.get("required", False))
    restricted = bool(said.get("restricted", type_.kind is Kind.ENUM))
    if type_.kind is Kind.ENUM and not restricted and not source:
        type_ = STRING
    return FieldSchema(
        name=row.name,
        type=type_ if required else type_.optional(),
        label=str(said.get("label", row.name)),
        native=_NATIVE.get(node.text.rstrip("?"), type_.kind.value),
        required=required,
        createable=bool(said.get("createable", True)),
        updateable=bool(said.get("updateable", True)),
        length=said.get("length"),
        precision=said.get("precision"),
        scale=said.get("scale"),
        restricted=restricted and type_.kind is Kind.ENUM,
        external_id=bool(said.get("external_id", False)),
        unique=bool(said.get("unique", False)),
        case_sensitive=bool(said.get("case_sensitive", False)),
        references=tuple(said.get("references", ())),
        currency=said.get("currency"),
        status="declared",
    )


OWN_OBJECT = "fields of an object in the shipped schemas can be declared, objects of your own cannot yet"
"""What to say of an unknown object whose name is that of an org's own."""

_NATIVE = {
    "bool": "boolean",
    "decimal": "double",
    "money": "currency",
    "timestamp": "datetime",
    "email": "email",
}
"""Vendor type names by which codecs choose a wire form, where they differ from the language's."""


class _Extended(Mapping[str, ObjectSchema]):
    """A catalog's objects, some with further fields; extended at the first look."""

    def __init__(self, base: Mapping[str, ObjectSchema], added: Mapping[str, Mapping[str, FieldSchema]]) -> None:
        self._base = base
        self._added = added
        self._made: dict[str, ObjectSchema] = {}

    def __getitem__(self, name: str) -> ObjectSchema:
        if name not in self._added:
            return self._base[name]
        made = self._made.get(name)
        if made is None:
            base = self._base[name]
            made = self._made[name] = replace(base, fields={**base.fields, **self._added[name]})
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)

    def __contains__(self, name: object) -> bool:
        return name in self._base

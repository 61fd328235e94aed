"""The Tooling API as far as set-up tools need it: adding custom fields, and asking which fields exist.

POST `/tooling/sobjects/CustomField` changes the org's metadata at once; describe, SOQL and saves know the field from
the next call on. Queries answer over CustomField, FieldDefinition and EntityDefinition with equality filters joined by
AND. Unlike a real org the new field is visible to every user straight away.
"""

from __future__ import annotations

from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused, RowRefused, not_found
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.metadata import field_from
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.soql_parser import parse
from fieldwright.connectors.sandbox.salesforce.soql_syntax import Both, Comparison, Condition, Literal, Path

_TYPES: dict[str, Json] = {
    "Text": {"type": "string", "length": 255},
    "TextArea": {"type": "textarea", "length": 255},
    "LongTextArea": {"type": "textarea", "length": 32768},
    "Number": {"type": "double", "precision": 18},
    "Currency": {"type": "currency", "precision": 18, "scale": 2},
    "Percent": {"type": "percent", "precision": 18},
    "Checkbox": {"type": "boolean"},
    "Date": {"type": "date"},
    "DateTime": {"type": "datetime"},
    "Picklist": {"type": "picklist", "length": 255},
    "MultiselectPicklist": {"type": "multipicklist", "length": 4099},
    "Email": {"type": "email", "length": 80},
    "Phone": {"type": "phone", "length": 40},
    "Url": {"type": "url", "length": 255},
    "Lookup": {"type": "reference", "length": 18},
}


def handle(org: Org, rest: tuple[str, ...], request: Request) -> Reply:
    """Everything below /tooling."""
    match request.method, rest:
        case "POST", ("sobjects", "CustomField"):
            body = request.json_object()
            field_id = add_field(org, str(body.get("FullName", "")), body.get("Metadata") or {})
            return Reply(201, {"id": field_id, "success": True, "errors": [], "warnings": [], "infos": []})
        case "GET", ("query",):
            return Reply(200, _query(org, request.query.get("q", "")))
        case _:
            raise not_found()


def add_field(org: Org, full_name: str, metadata: Json) -> str:
    """Adds `Object.Field__c` as the metadata says and returns the id of its definition."""
    object_name, _, name = full_name.partition(".")
    item = org.find_object(object_name)
    if item is None:
        raise RowRefused("INVALID_TYPE", f"Entity Enumeration Or ID: bad value for restricted picklist: {object_name}")
    base = name.removesuffix("__c")
    if not name.endswith("__c") or not base or not base.replace("_", "a").isalnum() or not base[0].isalpha():
        text = f"The Custom Field API Name {name} can only contain alphanumeric characters and must end with __c"
        raise RowRefused("INVALID_FIELD_NAME", text, ("DeveloperName",))
    if item.find(name) is not None:
        text = f"There is already a field named {base} on {item.label}."
        raise RowRefused("DUPLICATE_DEVELOPER_NAME", text, ("DeveloperName",))
    facts = _facts(item.name, name, metadata)
    org.storage.begin()
    added = field_from(name, facts)
    org.storage.add_field(item, added, facts)
    item.add(added)
    org.refresh()
    position = org.storage.one("SELECT MAX(position) FROM _field")[0]
    return ids.numbered("00N", position)


def _facts(object_name: str, name: str, metadata: Json) -> Json:
    kind = metadata.get("type")
    if kind not in _TYPES:
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", f"invalid field type: {kind}", ("Metadata",))
    facts: Json = {
        **_TYPES[kind],
        "label": metadata.get("label") or name.removesuffix("__c").replace("_", " "),
        "createable": True,
        "updateable": True,
        "nillable": not metadata.get("required", False),
    }
    for key in ("length", "precision", "scale", "unique", "externalId", "caseSensitive"):
        if metadata.get(key):
            facts[key] = metadata[key]
    if facts.get("externalId"):
        facts["idLookup"] = True
    if kind == "Text" and metadata.get("length") is None:
        raise RowRefused("REQUIRED_FIELD_MISSING", "Must specify 'length' for a CustomField of type Text", ("length",))
    if kind == "Checkbox":
        checked = str(metadata.get("defaultValue", "false")).lower() == "true"
        facts.update(nillable=False, defaultedOnCreate=True, defaultValue=checked)
    if kind in ("Picklist", "MultiselectPicklist"):
        values = metadata.get("valueSet") or {}
        definition = values.get("valueSetDefinition") or {}
        facts["picklistValues"] = [
            value.get("fullName") or value.get("valueName") or value.get("label")
            for value in definition.get("value", ())
        ]
        facts["restrictedPicklist"] = bool(values.get("restricted", False))
    if kind == "Lookup":
        facts["referenceTo"] = [metadata.get("referenceTo")]
        facts["relationshipName"] = name.removesuffix("__c") + "__r"
        child = metadata.get("relationshipName") or object_name.removesuffix("__c") + "s"
        facts["childRelationship"] = child + "__r"
    return facts


def _query(org: Org, text: str) -> Json:
    tree = parse(text)
    rows = _rows(org, tree.object_name)
    if tree.where is not None:
        rows = [row for row in rows if _holds(tree.where, row)]
    rows = rows[: tree.limit] if tree.limit is not None else rows
    found = []
    for row in rows:
        url = f"/services/data/v59.0/tooling/sobjects/{tree.object_name}/{row.get('Id') or row.get('DurableId')}"
        record: Json = {"attributes": {"type": tree.object_name, "url": url}}
        for selected in tree.select:
            if not isinstance(selected, Path) or selected.text not in row:
                shown = selected.text if isinstance(selected, Path) else "()"
                raise RequestRefused(400, "INVALID_FIELD", f"No such column '{shown}' on entity '{tree.object_name}'.")
            record[selected.text] = row[selected.text]
        found.append(record)
    return {
        "size": len(found),
        "totalSize": len(found),
        "done": True,
        "queryLocator": None,
        "records": found,
        "entityTypeName": tree.object_name,
    }


def _rows(org: Org, name: str) -> list[Json]:
    if name == "EntityDefinition":
        return [
            {
                "Id": item.name,
                "DurableId": item.name,
                "QualifiedApiName": item.name,
                "Label": item.label,
                "KeyPrefix": item.prefix,
            }
            for item in org.schema.all()
        ]
    if name not in ("CustomField", "FieldDefinition"):
        raise RequestRefused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    positions: dict[tuple[str, str], int] = {
        (owner, field): position
        for owner, field, position in org.storage.execute("SELECT object, name, position FROM _field")
    }
    rows: list[Json] = []
    for item in org.schema.all():
        for column in item.fields.values():
            if name == "CustomField" and not column.custom:
                continue
            parts = column.name.removesuffix("__c").split("__")
            position = positions[item.name, column.name]
            rows.append(
                {
                    "Id": ids.numbered("00N", position),
                    "DurableId": f"{item.name}.{column.name}",
                    "QualifiedApiName": column.name,
                    "DeveloperName": parts[-1],
                    "NamespacePrefix": parts[0] if len(parts) > 1 else None,
                    "TableEnumOrId": item.name,
                    "EntityDefinitionId": item.name,
                    "EntityDefinition.QualifiedApiName": item.name,
                    "Label": column.label,
                    "Length": column.length,
                    "DataType": column.type,
                }
            )
    return rows


def _holds(condition: Condition, row: Json) -> bool:
    match condition:
        case Both(every=True, parts=parts):
            return all(_holds(part, row) for part in parts)
        case Comparison(left=Path() as path, operator="=", right=Literal(value=value)):
            return _same(row.get(path.text), value)
        case Comparison(left=Path() as path, operator="IN", right=tuple() as members):
            return any(_same(row.get(path.text), member.value) for member in members)
        case _:
            raise RequestRefused(400, "MALFORMED_QUERY", "only equality filters joined by AND are emulated here")


def _same(left: Any, right: Any) -> bool:
    return str(left).lower() == str(right).lower() if left is not None else right is None

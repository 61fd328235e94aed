"""Metadata as describe words it: the list of objects, and every property of one object and its fields.

Turns `SObject` and `Field` into the JSON of `/sobjects`, `/sobjects/{Object}` and `/sobjects/{Object}/describe`, with
the keys of recorded payloads. Fields that the user may not see are left out, as in a real org.
"""

from __future__ import annotations

from typing import Any

from fieldwright.connectors.sandbox.salesforce.errors import Json
from fieldwright.connectors.sandbox.salesforce.metadata import NUMBER_TYPES, Field, SObject
from fieldwright.connectors.sandbox.salesforce.org import Org

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}


def summary(item: SObject, version: str) -> Json:
    """One object in the global list."""
    base = f"/services/data/{version}/sobjects/{item.name}"
    writable = not item.setup
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": item.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": writable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": item.prefix,
        "label": item.label,
        "labelPlural": item.label_plural,
        "layoutable": writable,
        "mergeable": item.name in ("Account", "Contact", "Lead"),
        "mruEnabled": writable,
        "name": item.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": writable,
        "undeletable": writable,
        "updateable": writable,
        "urls": {"rowTemplate": base + "/{ID}", "describe": base + "/describe", "sobject": base},
    }


def everything(org: Org, version: str) -> Json:
    """GET /sobjects."""
    objects = [item for item in org.schema.all() if org.find_object(item.name)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [summary(item, version) for item in objects]}


def basic(org: Org, item: SObject, version: str) -> Json:
    """GET /sobjects/{Object}."""
    return {"objectDescribe": summary(item, version), "recentItems": []}


def full(org: Org, item: SObject, version: str) -> Json:
    """GET /sobjects/{Object}/describe."""
    children: list[Json] = [
        {
            "cascadeDelete": child.field.cascade,
            "childSObject": child.object.name,
            "deprecatedAndHidden": False,
            "field": child.field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.field.child_relationship,
            "restrictedDelete": child.field.restricted_delete,
        }
        for child in org.schema.referrers(item.name)
        if org.is_visible(child.object, child.field)
    ]
    master = "012000000000000AAA"
    layout = f"/services/data/{version}/sobjects/{item.name}/describe/layouts/{master}"
    return {
        **summary(item, version),
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": not item.setup,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_of(org, column) for column in item.fields.values() if org.is_visible(item, column)],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": master,
                "urls": {"layout": layout},
            }
        ],
        "searchLayoutable": not item.setup,
        "supportedScopes": [{"label": f"All {item.label_plural}", "name": "everything"}],
    }


def field_of(org: Org, column: Field) -> Json:
    """One field of a describe."""
    stored = column.stored
    text_length = column.length * 3 if stored and column.type not in NUMBER_TYPES else 0
    values: tuple[str, ...] = tuple(sorted(org.currencies)) if column.name == "CurrencyIsoCode" else column.values
    return {
        "aggregatable": stored and column.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": column.auto_number,
        "byteLength": text_length,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": column.cascade,
        "caseSensitive": column.case_sensitive,
        "compoundFieldName": column.compound,
        "controllerName": None,
        "createable": column.createable,
        "custom": column.custom,
        "defaultValue": _default(column),
        "defaultValueFormula": None,
        "defaultedOnCreate": column.defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": column.digits,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": column.external_id,
        "extraTypeInfo": None,
        "filterable": column.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": stored and column.type not in NUMBER_TYPES - {"int"} and column.type != "datetime",
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": column.id_lookup,
        "inlineHelpText": None,
        "label": column.label,
        "length": column.length,
        "mask": None,
        "maskType": None,
        "name": column.name,
        "nameField": column.name_field,
        "namePointing": False,
        "nillable": column.nillable,
        "permissionable": column.createable and column.nillable,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
            for value in values
        ],
        "polymorphicForeignKey": len(column.references) > 1,
        "precision": column.precision,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(column.references),
        "relationshipName": column.relationship,
        "relationshipOrder": 0 if column.cascade and column.custom else None,
        "restrictedDelete": column.restricted_delete,
        "restrictedPicklist": column.restricted,
        "scale": column.scale,
        "searchPrefilterable": column.type == "reference",
        "soapType": _SOAP.get(column.type, "xsd:string"),
        "sortable": column.filterable,
        "type": column.type,
        "unique": column.unique,
        "updateable": column.updateable,
        "writeRequiresMasterRead": False,
    }


def _default(column: Field) -> Any:
    return bool(column.default) if column.type == "boolean" else column.default

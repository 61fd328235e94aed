"""Rules that an administrator of the org has added: validation rules, duplicate rules, rows held by someone else.

All three are settings of the sandbox, lists of plain JSON objects:
validation  {"object", "when": [{"field", "op": "= != < > <= >= null not_null", "value"}], "message", "error_field"?}
duplicates  {"object", "name", "match": [fields], "action": "Alert" | "Block", "message"?}
locks       {"object", "field", "value", "times"}: that many saves of the matching record fail, then it heals
Real orgs write them as formulas and matching rules; the shapes here are the sandbox's own.
"""

from __future__ import annotations

import operator
from typing import Any

from fieldwright.connectors.sandbox.salesforce.errors import Json, Problem, RowRefused
from fieldwright.connectors.sandbox.salesforce.metadata import SObject
from fieldwright.connectors.sandbox.salesforce.org import Caller, Org
from fieldwright.connectors.sandbox.salesforce.storage import Row

_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def apply_to(org: Org, item: SObject) -> bool:
    """Whether any rule looks at records of this object, so that stored values are needed."""
    kinds = ("validation_rules", "duplicate_rules", "locks")
    return any(rule["object"] == item.name for kind in kinds for rule in org.settings[kind])


def check(org: Org, item: SObject, record_id: str, merged: Row, caller: Caller) -> None:
    """Raises RowRefused when a rule stops the record; `merged` is the record as it would be stored."""
    check_locks(org, item, merged)
    problems = [
        Problem(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            rule["message"],
            (rule["error_field"],) if rule.get("error_field") else (),
        )
        for rule in org.settings["validation_rules"]
        if rule["object"] == item.name and all(_holds(part, merged) for part in rule["when"])
    ]
    if problems:
        raise RowRefused.of(tuple(problems))
    for rule in org.settings["duplicate_rules"]:
        if rule["object"] == item.name:
            _check_duplicates(org, item, record_id, merged, rule, caller)


def _holds(part: Json, row: Row) -> bool:
    value = row.get(part["field"])
    match part["op"]:
        case "null":
            return value is None
        case "not_null":
            return value is not None
        case name:
            wanted: Any = part["value"]
            return value is not None and bool(_COMPARE[name](value, wanted))


def _check_duplicates(org: Org, item: SObject, record_id: str, row: Row, rule: Json, caller: Caller) -> None:
    fields = rule["match"]
    if any(row.get(name) is None for name in fields):
        return
    where = " AND ".join(f'"{name}" = ?' for name in fields)
    found = org.storage.execute(
        f'SELECT "Id" FROM "{item.name}" WHERE {where} AND "IsDeleted" = 0 AND "Id" <> ? LIMIT 5',
        (*(row[name] for name in fields), record_id),
    ).fetchall()
    may_save = rule["action"] == "Alert" and caller.may_save_duplicates
    if not found or may_save:
        return
    message = rule.get("message", "Use one of these records?")
    refusal = RowRefused("DUPLICATES_DETECTED", message)
    refusal.problems = (
        Problem("DUPLICATES_DETECTED", message, (), {"duplicateResult": _result(item, rule, message, found, caller)}),
    )
    raise refusal


def _result(item: SObject, rule: Json, message: str, found: list[Any], caller: Caller) -> Json:
    # Only single-record calls carry the matches; collections and bulk jobs do not (recorded). Shape unverified.
    base = f"/services/data/{caller.version}/sobjects/{item.name}/"
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": item.name, "url": base + row[0]}, "Id": row[0]},
        }
        for row in found
    ]
    return {
        "allowSave": rule["action"] == "Alert",
        "duplicateRule": rule.get("name", f"Standard_{item.name}_Duplicate_Rule"),
        "duplicateRuleEntityType": item.name,
        "errorMessage": message,
        "matchResults": [
            {
                "entityType": item.name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": matches,
                "rule": rule.get("name", f"Standard_{item.name}_Match_Rule_v1_0"),
                "size": len(matches),
                "success": True,
            }
        ],
    }


def check_locks(org: Org, item: SObject, row: Row) -> None:
    """Refuses a save of a record that another transaction holds, as often as the setting says."""
    for lock in org.settings["locks"]:
        if lock["object"] == item.name and row.get(lock["field"]) == lock["value"] and lock["times"] > 0:
            lock["times"] -= 1
            # The count must outlive the rollback of this call; the caller stores settings after it.
            shown = row.get("Id") or ""
            text = f"unable to obtain exclusive access to this record or 1 records: {shown}"
            raise RowRefused("UNABLE_TO_LOCK_ROW", text)

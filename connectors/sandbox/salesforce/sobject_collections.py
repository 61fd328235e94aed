"""sObject Collections: up to 200 records in one call, each with its own result, or all of them or none.

Turns `/composite/sobjects` requests into writes and lists of results. With allOrNone one bad record undoes the
others, which then answer ALL_OR_NONE_OPERATION_ROLLED_BACK; `created` stays true on would-be inserts (recorded in a
real org), so nobody may read it without `success`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids, records
from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused, RowRefused, not_found
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.metadata import Field, SObject
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.validation import key_value
from fieldwright.connectors.sandbox.salesforce.writes import Save

MOST = 200
MOST_READ = 2000
_ROLLED_BACK = "Record rolled back because not all records were valid and the request was using AllOrNone header"

Step = Callable[[Save], tuple[str, bool | None]]


class _Undo(Exception):
    """Leaves the savepoint of an all-or-none call."""


def handle(org: Org, request: Request) -> Reply:
    """All calls below /composite/sobjects."""
    rest = request.segments[2:]
    match request.method, rest:
        case "POST", ():
            return create(org, request)
        case "PATCH", ():
            return update(org, request)
        case "PATCH", (object_name, key_name):
            return upsert(org, object_name, key_name, request)
        case "DELETE", ():
            return delete(org, request)
        case (("GET" | "POST"), (object_name,)):
            return retrieve(org, object_name, request)
        case _:
            raise not_found()


def create(org: Org, request: Request) -> Reply:
    """POST /composite/sobjects."""
    rows = _rows(request)
    items = [_object_of(org, row) for row in rows]

    def step(item: SObject, row: Json) -> Step:
        def run(save: Save) -> tuple[str, bool | None]:
            if row.get("Id") or row.get("id"):
                raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
            return save.create(item, row), None

        return run

    return _run(org, request, [step(item, row) for item, row in zip(items, rows, strict=True)], would_create=None)


def update(org: Org, request: Request) -> Reply:
    """PATCH /composite/sobjects."""
    rows = _rows(request)
    items = [_object_of(org, row) for row in rows]

    def step(item: SObject, row: Json) -> Step:
        def run(save: Save) -> tuple[str, bool | None]:
            given = row.get("Id", row.get("id"))
            if not given:
                raise RowRefused("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
            record_id = save.record_id(item, given)
            save.update(item, record_id, row)
            return record_id, None

        return run

    return _run(org, request, [step(item, row) for item, row in zip(items, rows, strict=True)], would_create=None)


def upsert(org: Org, object_name: str, key_name: str, request: Request) -> Reply:
    """PATCH /composite/sobjects/{Object}/{ExternalIdField}; `Id` is taken as a key too (recorded)."""
    item = _find(org, object_name)
    key = records.key_field(org, item, key_name)
    rows = _rows(request)
    for row in rows:
        if _object_of(org, row) is not item:
            raise RequestRefused(400, "INVALID_INPUT", f"All records must be of type {item.name}")
    values = [key_value(org, key, _given(row, key)) for row in rows]
    counts = Counter(_folded(key, value) for value in values if value is not None)

    def step(value: Any, row: Json) -> Step:
        def run(save: Save) -> tuple[str, bool | None]:
            if value is not None and counts[_folded(key, value)] > 1:
                # Unverified that every one of the twins fails; documented that they are refused.
                raise RowRefused("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", (key.name,))
            return save.upsert(item, key, value, row)

        return run

    def would_create(index: int) -> bool:
        return not (values[index] and _exists(org, item, key, values[index]))

    steps = [step(value, row) for value, row in zip(values, rows, strict=True)]
    return _run(org, request, steps, would_create=would_create)


def delete(org: Org, request: Request) -> Reply:
    """DELETE /composite/sobjects?ids=..&allOrNone=..; the only collection call that reads the URL parameter."""
    given = [part for part in request.query.get("ids", "").split(",") if part]
    if not given:
        raise RequestRefused(400, "MISSING_ARGUMENT", "ids parameter is required")
    _check_count(len(given), MOST)

    def step(text: str) -> Step:
        def run(save: Save) -> tuple[str, bool | None]:
            canonical = ids.canonical(text)
            item = org.schema.of_id(canonical) if canonical else None
            if canonical is None or item is None:
                raise RowRefused("MALFORMED_ID", f"malformed id {text}", ())
            save.delete(item, canonical)
            return canonical, None

        return run

    return _run(
        org,
        request,
        [step(text) for text in given],
        would_create=None,
        all_or_none=request.query.get("allOrNone", "false").lower() == "true",
    )


def retrieve(org: Org, object_name: str, request: Request) -> Reply:
    """GET /composite/sobjects/{Object}?ids=..&fields=.. or POST of the same as JSON; unknown ids answer null."""
    item = _find(org, object_name)
    if request.method == "POST":
        body = request.json_object()
        given, fields = body.get("ids", []), body.get("fields", [])
    else:
        given = [part for part in request.query.get("ids", "").split(",") if part]
        fields = [part.strip() for part in request.query.get("fields", "").split(",") if part.strip()]
    if not fields:
        raise RequestRefused(400, "MISSING_ARGUMENT", "fields parameter is required")
    _check_count(len(given), MOST_READ)
    found = []
    for text in given:
        canonical = ids.canonical(text)
        alive = canonical is not None and org.storage.is_deleted(item, canonical) is False
        found.append(records.record(org, item, canonical, fields, request.version) if canonical and alive else None)
    return Reply(200, found)


def _run(
    org: Org,
    request: Request,
    steps: list[Step],
    *,
    would_create: Callable[[int], bool] | None,
    all_or_none: bool | None = None,
) -> Reply:
    if all_or_none is None:
        all_or_none = bool(request.json_object().get("allOrNone", False))
    save = Save(org, request.caller)
    results: list[Json] = []
    refused = 0
    try:
        with org.storage.savepoint():
            for index, step in enumerate(steps):
                try:
                    record_id, created = step(save)
                except RowRefused as refusal:
                    refused += 1
                    results.append(_failed([problem.as_row_error() for problem in refusal.problems]))
                    if would_create is not None:
                        results[-1]["created"] = would_create(index)
                    continue
                result: Json = {"id": record_id, "success": True, "errors": []}
                if created is not None:
                    result["created"] = created
                results.append(result)
            save.finish()
            if all_or_none and refused:
                raise _Undo
    except _Undo:
        for index, result in enumerate(results):
            if result["success"]:
                error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": _ROLLED_BACK, "fields": []}
                results[index] = _failed([error])
                if would_create is not None:
                    results[index]["created"] = result["created"]
    return Reply(200, results)


def _failed(errors: list[Json]) -> Json:
    return {"success": False, "errors": errors}


def _rows(request: Request) -> list[Json]:
    rows = request.json_object().get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RequestRefused(400, "JSON_PARSER_ERROR", "The records property is required and must be a list")
    _check_count(len(rows), MOST)
    return rows


def _check_count(count: int, most: int) -> None:
    if count > most:
        text = f"record limit reached. cannot submit more than {most} records in this call"
        raise RequestRefused(400, "EXCEEDED_ID_LIMIT", text, ())


def _object_of(org: Org, row: Json) -> SObject:
    about = row.get("attributes")
    named = about.get("type") if isinstance(about, dict) else None
    if not isinstance(named, str) or not named:
        raise RequestRefused(400, "INVALID_INPUT", "attributes.type is required for every record")
    return _find(org, named)


def _find(org: Org, name: str) -> SObject:
    item = org.find_object(name)
    if item is None:
        text = f"sObject type '{name}' is not supported."
        raise RequestRefused(400, "INVALID_TYPE", text)
    return item


def _given(row: Json, key: Field) -> Any:
    if key.name in row:
        return row[key.name]
    return next((value for name, value in row.items() if name.lower() == key.name.lower()), None)


def _folded(key: Field, value: Any) -> Any:
    if key.name == "Id" and isinstance(value, str):
        return ids.canonical(value) or value
    return value.lower() if isinstance(value, str) and not key.case_sensitive else value


def _exists(org: Org, item: SObject, key: Field, value: Any) -> bool:
    if key.name == "Id":
        return True
    return bool(org.storage.ids_with(item, key.name, value, 1))

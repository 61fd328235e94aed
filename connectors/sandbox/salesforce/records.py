"""Single records over REST: `/sobjects/{Object}` and below.

Create, read, change, delete by id or by external id, with the statuses of real orgs (201, 204, 300 for several
matches, 404 with ENTITY_IS_DELETED), and the lists of records updated or deleted in a span of time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids, query
from fieldwright.connectors.sandbox.salesforce.errors import (
    Json,
    RequestRefused,
    RowRefused,
    entity_deleted,
    not_found,
)
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.metadata import Field, SObject
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.soql_dates import parse_instant, stored_instant
from fieldwright.connectors.sandbox.salesforce.soql_sql import Compiler
from fieldwright.connectors.sandbox.salesforce.soql_syntax import Path, Query
from fieldwright.connectors.sandbox.salesforce.writes import Save


def create(org: Org, item: SObject, request: Request) -> Reply:
    """POST /sobjects/{Object}."""
    payload = request.json_object()
    if any(key.lower() == "id" for key in payload):
        text = "The Id field should not be specified in the sobject data."
        raise RequestRefused(400, "INVALID_FIELD", text)
    save = Save(org, request.caller)
    with org.storage.savepoint():
        record_id = save.create(item, payload)
        save.finish()
    location = f"/services/data/{request.version}/sobjects/{item.name}/{record_id}"
    return Reply(201, {"id": record_id, "success": True, "errors": []}, {"Location": location})


def retrieve(org: Org, item: SObject, record_id: str, request: Request) -> Reply:
    """GET /sobjects/{Object}/{id}, all fields or those of `?fields=`."""
    canonical = _record_id(org, item, record_id)
    deleted = org.storage.is_deleted(item, canonical)
    if deleted is None:
        raise not_found()
    if deleted:
        raise entity_deleted()
    return Reply(200, record(org, item, canonical, _wanted(request), request.version))


def update(org: Org, item: SObject, record_id: str, request: Request) -> Reply:
    """PATCH /sobjects/{Object}/{id}."""
    payload = request.json_object()
    if any(key.lower() == "id" for key in payload):
        text = "The Id field should not be specified in the sobject data."
        raise RequestRefused(400, "INVALID_FIELD", text)
    canonical = _record_id(org, item, record_id)
    if org.storage.is_deleted(item, canonical) is None:
        raise not_found()
    save = Save(org, request.caller)
    with org.storage.savepoint():
        save.update(item, canonical, payload)
        save.finish()
    return Reply(204)


def delete(org: Org, item: SObject, record_id: str, request: Request) -> Reply:
    """DELETE /sobjects/{Object}/{id}."""
    canonical = _record_id(org, item, record_id)
    if org.storage.is_deleted(item, canonical) is None:
        raise not_found()
    save = Save(org, request.caller)
    with org.storage.savepoint():
        save.delete(item, canonical)
        save.finish()
    return Reply(204)


def by_key(org: Org, item: SObject, key: Field, value: str, request: Request) -> Reply:
    """GET, PATCH and DELETE /sobjects/{Object}/{ExternalIdField}/{value}."""
    if key.name == "Id":
        return _by_id(org, item, value, request)
    matches = org.storage.ids_with(item, key.name, value, 10)
    if len(matches) > 1:
        base = f"/services/data/{request.version}/sobjects/{item.name}/"
        return Reply(300, [base + record_id for record_id in matches])
    match request.method:
        case "GET" | "HEAD":
            if not matches:
                raise not_found()
            return Reply(200, record(org, item, matches[0], _wanted(request), request.version))
        case "DELETE":
            if not matches:
                raise not_found()
            return delete(org, item, matches[0], request)
        case _:
            return _upsert(org, item, key, value, request)


def _by_id(org: Org, item: SObject, value: str, request: Request) -> Reply:
    match request.method:
        case "GET" | "HEAD":
            return retrieve(org, item, value, request)
        case "DELETE":
            return delete(org, item, value, request)
        case _:
            return _upsert(org, item, item.fields["Id"], value, request)


def _upsert(org: Org, item: SObject, key: Field, value: str, request: Request) -> Reply:
    payload = request.json_object()
    for name in payload:
        if name.lower() in (key.name.lower(), "id"):
            text = f"The {key.name} field should not be specified in the sobject data."
            raise RequestRefused(400, "INVALID_FIELD", text)
    save = Save(org, request.caller)
    with org.storage.savepoint():
        record_id, created = save.upsert(item, key, value, payload)
        save.finish()
    body = {"id": record_id, "success": True, "errors": [], "created": created}
    if not created and float(request.version[1:]) < 46:
        return Reply(204)
    return Reply(201 if created else 200, body)


def key_field(org: Org, item: SObject, name: str) -> Field:
    """The field a path names as a record's key. Raises NOT_FOUND when records cannot be found by it."""
    found = item.find(name)
    if found is None or not org.is_visible(item, found) or not item.is_upsert_key(found):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return found


def record(org: Org, item: SObject, record_id: str, wanted: list[str] | None, version: str) -> Json:
    """One record as REST shows it. `wanted` are field names in any case; None means all the user may see."""
    names = wanted
    if names is None:
        names = [column.name for column in item.fields.values() if org.is_visible(item, column)]
    for name in names:
        found = item.find(name.split(".")[0])
        if "." not in name and (found is None or not org.is_visible(item, found)):
            raise RequestRefused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {item.name}")
    paths = tuple(Path(tuple(name.split(".")), 0) for name in dict.fromkeys(names))
    compiler = Compiler(org.schema, "", org.clock.now(), deleted=True, visible=org.is_visible)
    statement = compiler.compile(Query(paths, item.name, 0), extra='{t}."Id" = ?', extra_values=(record_id,))
    row = org.storage.one(f"SELECT {', '.join(statement.columns)}{statement.tail}", statement.values)
    answer = query.record_of(statement.node, row, f"/services/data/{version}/sobjects/")
    if wanted is not None and "Id" not in answer:
        answer["Id"] = record_id
    return answer


def changed(org: Org, item: SObject, what: str, request: Request) -> Reply:
    """GET /sobjects/{Object}/updated or /deleted, `?start=..&end=..`."""
    span = []
    for name in ("start", "end"):
        try:
            span.append(parse_instant(request.query[name].replace(" ", "+")))
        except KeyError:
            raise RequestRefused(400, "MISSING_ARGUMENT", f"{name} parameter is required") from None
        except ValueError:
            text = f"{name} is not a valid date: {request.query[name]}"
            raise RequestRefused(400, "INVALID_REPLICATION_DATE", text) from None
    values = (stored_instant(span[0]), stored_instant(span[1]))
    covered = min(span[1], org.clock.now())
    if what == "updated":
        found = org.storage.execute(
            f'SELECT "Id" FROM "{item.name}" WHERE "SystemModstamp" >= ? AND "SystemModstamp" < ? AND "IsDeleted" = 0'
            " ORDER BY rowid",
            values,
        )
        return Reply(200, {"ids": [row[0] for row in found], "latestDateCovered": stored_instant(covered)})
    found = org.storage.execute(
        f'SELECT "Id", "SystemModstamp" FROM "{item.name}" WHERE "SystemModstamp" >= ? AND "SystemModstamp" < ?'
        ' AND "IsDeleted" = 1 ORDER BY rowid',
        values,
    )
    gone = [{"id": row[0], "deletedDate": row[1]} for row in found]
    earliest = stored_instant(datetime(2020, 1, 1, tzinfo=UTC))
    answer = {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": stored_instant(covered)}
    return Reply(200, answer)


def _wanted(request: Request) -> list[str] | None:
    text = request.query.get("fields")
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _record_id(org: Org, item: SObject, text: str) -> str:
    canonical = ids.canonical(text)
    if canonical is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    if canonical[:3] != item.prefix:
        raise not_found()
    return canonical


def single_error(refusal: RowRefused) -> Any:
    """The body of a single-record call that was refused."""
    return [problem.as_error() for problem in refusal.problems]

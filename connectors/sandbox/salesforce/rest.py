"""Which resource answers which path below `/services/data/vXX.0/`.

One function from `Request` to `Reply`, used for calls from outside and for the sub-requests of composites. The work
is done by the modules it names.
"""

from __future__ import annotations

import msgspec

from fieldwright.connectors.sandbox.salesforce import (
    bulk,
    composite,
    describe,
    query,
    records,
    search,
    sobject_collections,
    tooling,
)
from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused, RowRefused, not_found
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.metadata import SObject
from fieldwright.connectors.sandbox.salesforce.org import Org

_DIRECTORY = ("composite", "jobs", "limits", "query", "queryAll", "search", "sobjects", "tooling")


def dispatch(org: Org, request: Request) -> Reply:
    """Answers a call. Raises RequestRefused; refusals of single records are answered here."""
    try:
        return _route(org, request)
    except RowRefused as refusal:
        return Reply(refusal.status, records.single_error(refusal))


def _route(org: Org, request: Request) -> Reply:
    match request.segments:
        case () | ("",):
            base = f"/services/data/{request.version}/"
            identity = f"{request.caller.host}/id/{org.org_id}/{request.caller.user_id}"
            return Reply(200, {**{name: base + name for name in _DIRECTORY}, "identity": identity})
        case ("sobjects",):
            return _described(org, "", request)
        case ("sobjects", object_name, *rest):
            return _object(org, object_name, tuple(rest), request)
        case ("query" | "queryAll" as which,):
            return _query(org, request, deleted=which == "queryAll")
        case ("query" | "queryAll", locator):
            return Reply(200, query.more(org, locator, request.version))
        case ("composite",):
            return composite.composite(org, request, dispatch)
        case ("composite", "sobjects", *_):
            return sobject_collections.handle(org, request)
        case ("composite", "batch"):
            return composite.batch(org, request, dispatch)
        case ("composite", "graph"):
            return composite.graph(org, request, dispatch)
        case ("composite", "tree", object_name):
            return composite.tree(org, object_name, request)
        case ("limits",):
            return Reply(200, limits(org))
        case ("limits", "recordCount"):
            return Reply(200, _record_counts(org, request))
        case ("search" | "parameterizedSearch", *_):
            return search.handle(org, request)
        case ("tooling", *rest):
            return tooling.handle(org, tuple(rest), request)
        case ("jobs", *rest):
            return bulk.handle(org, tuple(rest), request)
        case _:
            raise not_found()


def limits(org: Org) -> Json:
    """GET /limits; the numbers that are not counted here stand at their maximum."""
    daily = org.settings["daily_limit"]
    return {
        "DailyApiRequests": {"Max": daily, "Remaining": max(0, daily - org.calls_today)},
        "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
        "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000},
        "ConcurrentAsyncGetReportInstances": {"Max": 200, "Remaining": 200},
        "DataStorageMB": {"Max": 1024, "Remaining": 1024},
        "FileStorageMB": {"Max": 1024, "Remaining": 1024},
    }


def _record_counts(org: Org, request: Request) -> Json:
    names = [name for name in request.query.get("sObjects", "").split(",") if name]
    items = [org.find_object(name) for name in names] if names else list(org.schema.all())
    counts = [
        {"count": org.storage.one(f'SELECT COUNT(*) FROM "{item.name}" WHERE "IsDeleted" = 0')[0], "name": item.name}
        for item in items
        if item is not None
    ]
    return {"sObjects": counts}


def _query(org: Org, request: Request, *, deleted: bool) -> Reply:
    text = request.query.get("q")
    if text is None:
        raise RequestRefused(400, "MALFORMED_QUERY", "A query string has to be specified")
    batch = query.PAGE
    options = request.caller.headers.get("sforce-query-options", "").replace(" ", "").lower()
    if options.startswith("batchsize="):
        # Unverified: real orgs treat the size as a wish between 200 and 2,000.
        batch = min(query.PAGE, max(200, int(options.removeprefix("batchsize=") or query.PAGE)))
    return Reply(200, query.run(org, text, request.version, deleted=deleted, batch=batch))


def _object(org: Org, object_name: str, rest: tuple[str, ...], request: Request) -> Reply:
    item = org.find_object(object_name)
    if item is None:
        raise not_found()
    match request.method, rest:
        case (("GET" | "HEAD"), ()):
            return Reply(200, describe.basic(org, item, request.version))
        case "POST", ():
            return records.create(org, item, request)
        case (("GET" | "HEAD"), ("describe",)):
            return _described(org, item.name, request)
        case "GET", ("updated" | "deleted" as what,):
            return records.changed(org, item, what, request)
        case (("GET" | "HEAD"), (record_id,)):
            return records.retrieve(org, item, record_id, request)
        case "PATCH", (record_id,):
            return records.update(org, item, record_id, request)
        case "DELETE", (record_id,):
            return records.delete(org, item, record_id, request)
        case (("GET" | "HEAD" | "PATCH" | "DELETE"), (key_name, value)):
            return records.by_key(org, item, records.key_field(org, item, key_name), value, request)
        case "POST", ("Id",):
            return records.create(org, item, request)
        case _:
            allowed = "GET,HEAD,PATCH,DELETE" if rest else "GET,HEAD,POST"
            text = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
            raise RequestRefused(405, "METHOD_NOT_ALLOWED", text)


def _described(org: Org, object_name: str, request: Request) -> Reply:
    # A describe is half a megabyte of JSON that changes with the metadata only.
    key = (object_name, request.version)
    found = org.described.get(key)
    if found is None:
        item: SObject | None = org.find_object(object_name) if object_name else None
        body = describe.everything(org, request.version) if item is None else describe.full(org, item, request.version)
        found = org.described[key] = msgspec.json.encode(body)
    return Reply(200, found)

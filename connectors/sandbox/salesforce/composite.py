"""Composite resources: several REST calls in one, with references between them.

Turns /composite, /composite/batch, /composite/graph and /composite/tree into sub-requests for `rest.dispatch`, each
counted as part of one API call. References `@{name.id}` and `@{name[0].id}` are replaced by values of earlier
answers; one that points to a failed sub-request halts its dependents only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused, RowRefused
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request, split_target
from fieldwright.connectors.sandbox.salesforce.org import Caller, Org
from fieldwright.connectors.sandbox.salesforce.writes import Save

Dispatch = Callable[[Org, Request], Reply]
MOST = 25
MOST_COLLECTIONS = 5
MOST_GRAPH_NODES = 500
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\[\d+\]|\.[A-Za-z0-9_]+)*)\}")
_STEP = re.compile(r"\[(\d+)\]|\.([A-Za-z0-9_]+)")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."


class _Undo(Exception):
    """Leaves the savepoint of an all-or-none composite."""


class _Unresolved(Exception):
    """A reference points to nothing."""


def composite(org: Org, request: Request, dispatch: Dispatch) -> Reply:
    """POST /composite: up to 25 sub-requests, at most 5 of them collections or queries."""
    body = request.json_object()
    parts = _parts(body.get("compositeRequest"), MOST)
    heavy = sum(1 for part in parts if _is_heavy(part["url"]))
    if heavy > MOST_COLLECTIONS:
        text = f"The maximum number of query and sObject Collections operations is {MOST_COLLECTIONS}"
        raise RequestRefused(400, "LIMIT_EXCEEDED", text)
    _check_names(parts)
    answers = _run_all(org, request, parts, dispatch, all_or_none=bool(body.get("allOrNone", False)))
    return Reply(200, {"compositeResponse": answers})


def graph(org: Org, request: Request, dispatch: Dispatch) -> Reply:
    """POST /composite/graph: each graph is a transaction of its own, 500 nodes in the whole call."""
    graphs = request.json_object().get("graphs")
    if not isinstance(graphs, list) or not graphs:
        raise RequestRefused(400, "JSON_PARSER_ERROR", "graphs is required")
    nodes = sum(len(part.get("compositeRequest", ())) for part in graphs)
    if nodes > MOST_GRAPH_NODES:
        text = f"The maximum number of nodes in a graph request is {MOST_GRAPH_NODES}"
        raise RequestRefused(400, "LIMIT_EXCEEDED", text)
    answers = []
    for part in graphs:
        parts = _parts(part.get("compositeRequest"), MOST_GRAPH_NODES)
        for node in parts:
            if "/sobjects/" not in node["url"] or "/composite/" in node["url"]:
                raise RequestRefused(400, "INVALID_INPUT", f"The url is not supported in a graph: {node['url']}")
        _check_names(parts)
        responses = _run_all(org, request, parts, dispatch, all_or_none=True)
        good = all(answer["httpStatusCode"] < 300 for answer in responses)
        graph_answer = {"compositeResponse": responses}
        answers.append({"graphId": part.get("graphId"), "graphResponse": graph_answer, "isSuccessful": good})
    return Reply(200, {"graphs": answers})


def batch(org: Org, request: Request, dispatch: Dispatch) -> Reply:
    """POST /composite/batch: up to 25 independent sub-requests, no rollback."""
    body = request.json_object()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or len(parts) > MOST:
        raise RequestRefused(400, "LIMIT_EXCEEDED", f"The maximum number of batch requests is {MOST}")
    results: list[Json] = []
    failed = False
    for part in parts:
        if failed and body.get("haltOnError"):
            error = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
            results.append({"statusCode": 412, "result": error})
            continue
        if (
            not isinstance(part, dict)
            or not isinstance(part.get("url"), str)
            or not isinstance(part.get("method"), str)
        ):
            raise RequestRefused(400, "JSON_PARSER_ERROR", "A batch request needs method and url")
        url = part["url"] if part["url"].startswith("/") else f"/services/data/{part['url']}"
        reply = _answer(org, _sub_request(request, part["method"], url, part.get("richInput"), {}), dispatch)
        failed = failed or reply.status >= 400
        results.append({"statusCode": reply.status, "result": _as_json(reply.body)})
    return Reply(200, {"hasErrors": failed, "results": results})


def tree(org: Org, object_name: str, request: Request) -> Reply:
    """POST /composite/tree/{Object}: records with nested children, 200 in all, all or nothing."""
    rows = request.json_object().get("records")
    if not isinstance(rows, list):
        raise RequestRefused(400, "JSON_PARSER_ERROR", "records is required")
    flat = _flatten(org, object_name, rows, None, None)
    if len(flat) > 200:
        text = "record limit reached. cannot submit more than 200 records in this call"
        raise RequestRefused(400, "EXCEEDED_ID_LIMIT", text, ())
    made: dict[str, str] = {}
    errors: list[Json] = []
    save = Save(org, request.caller)
    try:
        with org.storage.savepoint():
            for name, reference, values, parent_field, parent in flat:
                item = org.find_object(name)
                if item is None:
                    raise RequestRefused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
                if parent_field is not None and parent is not None:
                    values = {**values, parent_field: made.get(parent)}
                try:
                    made[reference] = save.create(item, values)
                except RowRefused as refusal:
                    problems = [problem.as_row_error() for problem in refusal.problems]
                    errors.append({"referenceId": reference, "errors": problems})
                    raise _Undo from None
            save.finish()
    except _Undo:
        return Reply(400, {"hasErrors": True, "results": errors})
    results = [{"referenceId": reference, "id": record_id} for reference, record_id in made.items()]
    return Reply(201, {"hasErrors": False, "results": results})


_Flat = tuple[str, str, Json, str | None, str | None]


def _flatten(org: Org, object_name: str, rows: list[Json], field: str | None, parent: str | None) -> list[_Flat]:
    found: list[_Flat] = []
    item = org.find_object(object_name)
    children = org.schema.children(item.name) if item is not None else {}
    for row in rows:
        about = row.get("attributes") if isinstance(row, dict) else None
        about = about if isinstance(about, dict) else {}
        reference = about.get("referenceId")
        if not reference:
            raise RequestRefused(400, "INVALID_INPUT", "Include a reference ID for each record in the request.")
        values: Json = {}
        below: list[_Flat] = []
        for key, value in row.items():
            child = children.get(key.lower())
            if child is not None and isinstance(value, dict) and "records" in value:
                below += _flatten(org, child.object.name, value["records"], child.field.name, reference)
            else:
                values[key] = value
        found.append((about.get("type", object_name), reference, values, field, parent))
        found += below
    return found


def _parts(given: Any, most: int) -> list[Json]:
    if not isinstance(given, list) or not given:
        raise RequestRefused(400, "JSON_PARSER_ERROR", "compositeRequest is required")
    if len(given) > most:
        text = f"The maximum number of subrequests is {most}"
        raise RequestRefused(400, "LIMIT_EXCEEDED", text)
    for part in given:
        named = isinstance(part, dict) and all(
            isinstance(part.get(key), str) for key in ("method", "url", "referenceId")
        )
        if not named:
            raise RequestRefused(400, "JSON_PARSER_ERROR", "A subrequest needs method, url and referenceId")
    return given


def _check_names(parts: list[Json]) -> None:
    names = [part["referenceId"] for part in parts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RequestRefused(400, "INVALID_INPUT", f"Duplicate reference id: {twice}")


def _is_heavy(url: str) -> bool:
    return "/composite/sobjects" in url or "/query" in url


def _run_all(org: Org, request: Request, parts: list[Json], dispatch: Dispatch, *, all_or_none: bool) -> list[Json]:
    answers: dict[str, Json] = {}
    bodies: dict[str, Any] = {}
    failed_at: int | None = None
    try:
        with org.storage.savepoint():
            for index, part in enumerate(parts):
                name = part["referenceId"]
                try:
                    url = _resolved(part["url"], bodies, in_url=True)
                    body = _resolved(part.get("body"), bodies)
                except _Unresolved as error:
                    reply = Reply(400, [{"errorCode": "PROCESSING_HALTED", "message": str(error)}])
                else:
                    sub = _sub_request(request, part["method"], url, body, part.get("httpHeaders") or {})
                    reply = _answer(org, sub, dispatch)
                answers[name] = _composed(part, reply)
                if reply.status < 300:
                    bodies[name] = answers[name]["body"]
                rows_failed = isinstance(reply.body, list) and any(
                    isinstance(row, dict) and row.get("success") is False for row in reply.body
                )
                if all_or_none and (reply.status >= 400 or rows_failed):
                    failed_at = index
                    raise _Undo
    except _Undo:
        halted = Reply(400, [{"errorCode": "PROCESSING_HALTED", "message": _HALTED}])
        for index, part in enumerate(parts):
            if index != failed_at:
                answers[part["referenceId"]] = _composed(part, halted)
    return [answers[part["referenceId"]] for part in parts]


def _composed(part: Json, reply: Reply) -> Json:
    return {
        "body": _as_json(reply.body),
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part["referenceId"],
    }


def _as_json(body: Any) -> Any:
    return msgspec.json.decode(body) if isinstance(body, bytes) and body else (None if body == b"" else body)


def _answer(org: Org, request: Request, dispatch: Dispatch) -> Reply:
    try:
        return dispatch(org, request)
    except RequestRefused as refusal:
        return Reply(refusal.status, refusal.body(msgspec.json.encode(request.body)))


def _sub_request(request: Request, method: str, url: str, body: Any, headers: dict[str, str]) -> Request:
    _, segments, query = split_target(url)
    if segments[:2] != ("services", "data") or len(segments) < 3:
        raise RequestRefused(400, "INVALID_INPUT", f"The url is not a REST resource: {url}")
    merged = {**request.caller.headers, **{name.lower(): value for name, value in headers.items()}}
    caller = Caller(request.caller.user_id, segments[2], request.caller.host, merged)
    return Request(method.upper(), segments[3:], query, caller, body, request.raw)


def _resolved(value: Any, bodies: dict[str, Any], *, in_url: bool = False) -> Any:
    match value:
        case str() if "@{" in value:
            whole = _REFERENCE.fullmatch(value)
            if whole is not None and not in_url:
                return _lookup(whole, bodies)
            return _REFERENCE.sub(lambda match: _quoted(str(_lookup(match, bodies)), in_url), value)
        case dict():
            return {key: _resolved(item, bodies) for key, item in value.items()}
        case list():
            return [_resolved(item, bodies) for item in value]
        case _:
            return value


def _quoted(text: str, in_url: bool) -> str:
    return quote(text, safe="/") if in_url else text


def _lookup(match: re.Match[str], bodies: dict[str, Any]) -> Any:
    name, steps = match.groups()
    if name not in bodies:
        raise _Unresolved(f"Invalid reference specified. No value for {match.group()[2:-1]} found in {name}")
    value = bodies[name]
    for index, key in _STEP.findall(steps):
        try:
            value = value[int(index)] if index else value[key]
        except (KeyError, IndexError, TypeError):
            shown = match.group()[2:-1]
            raise _Unresolved(f"Invalid reference specified. No value for {shown} found in {name}") from None
    return value

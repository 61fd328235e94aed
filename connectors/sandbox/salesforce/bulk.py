"""Bulk API 2.0: jobs that load a CSV file, and jobs that answer a query as CSV.

Turns uploads into the same saves as the REST API, one record at a time without rollback, and keeps the results as
CSV files in the org. A job is worked off when it is closed for upload, so the first poll already finds it complete.
An empty cell leaves a field alone, `#N/A` clears it; parents are named by a column `Relationship.ExternalId__c`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids, query
from fieldwright.connectors.sandbox.salesforce.errors import (
    BadJsonValue,
    Json,
    RequestRefused,
    RowRefused,
    not_found,
)
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.metadata import SObject
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.writes import Save

_DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_CSV = "text/csv"


def handle(org: Org, rest: tuple[str, ...], request: Request) -> Reply:
    """Everything below /jobs."""
    match request.method, rest:
        case "POST", ("ingest",):
            return _create_ingest(org, request)
        case "POST", ("query",):
            return _create_query(org, request)
        case "GET", ("ingest" | "query" as kind,):
            return Reply(200, {"done": True, "nextRecordsUrl": None, "records": _all(org, kind)})
        case "GET", ("ingest" | "query" as kind, job_id):
            return Reply(200, _job(org, kind, job_id))
        case "PUT", ("ingest", job_id, "batches"):
            return _upload(org, job_id, request)
        case "PATCH", ("ingest" | "query" as kind, job_id):
            return _change_state(org, kind, job_id, request)
        case "DELETE", ("ingest" | "query" as kind, job_id):
            _job(org, kind, job_id)
            org.storage.execute("DELETE FROM _job WHERE id = ?", (job_id,))
            return Reply(204)
        case "GET", ("ingest", job_id, results):
            return _ingest_results(org, job_id, results)
        case "GET", ("query", job_id, "results"):
            return _query_results(org, job_id, request)
        case _:
            raise not_found()


def _create_ingest(org: Org, request: Request) -> Reply:
    body = request.json_object()
    operation = body.get("operation")
    item = org.find_object(str(body.get("object", "")))
    if operation not in _OPERATIONS:
        raise RequestRefused(400, "INVALIDJOB", f"InvalidJob : Unknown operation: {operation}")
    if item is None:
        raise RequestRefused(400, "INVALIDJOB", f"InvalidJob : Unknown object: {body.get('object')}")
    key_name = body.get("externalIdFieldName")
    if operation == "upsert":
        key = item.find(str(key_name))
        if key is None or not item.is_upsert_key(key):
            raise RequestRefused(
                400,
                "INVALIDJOB",
                f"InvalidJob : Field name provided, {key_name} is not an External ID field for {item.name}",
            )
    facts = _new_job(org, request, "ingest", operation, body)
    facts.update(object=item.name, contentType="CSV", jobType="V2Ingest")
    if key_name:
        facts["externalIdFieldName"] = key_name
    facts["state"] = "Open"
    facts["contentUrl"] = f"services/data/{request.version}/jobs/ingest/{facts['id']}/batches"
    _store(org, "ingest", facts)
    return Reply(200, facts)


def _create_query(org: Org, request: Request) -> Reply:
    body = request.json_object()
    operation = body.get("operation")
    if operation not in ("query", "queryAll") or not isinstance(body.get("query"), str):
        raise RequestRefused(400, "API_ERROR", "Job Creation failed. A query job needs operation and query")
    text = body["query"]
    # Bad queries are refused at once, in the words of the query resource.
    answer = query.run(org, f"{text}", request.version, deleted=operation == "queryAll", batch=query.PAGE)
    facts = _new_job(org, request, "query", operation, body)
    facts.update(query=text, jobType="V2Query", object="", state="JobComplete")
    rows = list(_flat_rows(org, answer, request.version))
    facts["numberRecordsProcessed"] = len(rows)
    _store(org, "query", facts)
    delimiter = _DELIMITERS[facts["columnDelimiter"]]
    output = io.StringIO()
    if rows:
        writer = csv.writer(output, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    _file(org, facts["id"], "successful", output.getvalue())
    return Reply(200, {key: value for key, value in facts.items() if key != "query"} | {"state": "UploadComplete"})


def _flat_rows(org: Org, answer: Json, version: str) -> Iterator[Json]:
    while True:
        for record in answer["records"]:
            yield dict(_flat(record, ""))
        if answer["done"]:
            return
        answer = query.more(org, answer["nextRecordsUrl"].rsplit("/", 1)[1], version)


def _flat(record: Json, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if key == "attributes":
            continue
        if isinstance(value, dict) and "attributes" in value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _upload(org: Org, job_id: str, request: Request) -> Reply:
    facts = _job(org, "ingest", job_id)
    if facts["state"] != "Open":
        raise RequestRefused(
            400,
            "INVALIDJOBSTATE",
            f"Found multiple contents for job: <{job_id}>, please 'Close' the job and create a new one",
        )
    org.storage.begin()
    org.storage.execute("UPDATE _job SET upload = ? WHERE id = ?", (request.raw, job_id))
    return Reply(201)


def _change_state(org: Org, kind: str, job_id: str, request: Request) -> Reply:
    facts = _job(org, kind, job_id)
    wanted = request.json_object().get("state")
    if wanted == "Aborted" and facts["state"] not in ("JobComplete", "Failed"):
        facts["state"] = "Aborted"
        _save_facts(org, facts)
        return Reply(200, facts)
    if kind != "ingest" or wanted != "UploadComplete" or facts["state"] != "Open":
        raise RequestRefused(400, "INVALIDJOBSTATE", f"Job state {facts['state']} cannot change to {wanted}")
    accepted = {**facts, "state": "UploadComplete"}
    _work_off(org, facts, request)
    return Reply(200, accepted)


def _work_off(org: Org, facts: Json, request: Request) -> None:
    item = org.schema.get(facts["object"])
    raw = org.storage.one("SELECT upload FROM _job WHERE id = ?", (facts["id"],))[0] or b""
    text = raw.decode("utf-8-sig", "replace")
    delimiter = _DELIMITERS[facts["columnDelimiter"]]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(reader, [])
    bad = _bad_column(org, item, header)
    good_rows: list[list[str]] = []
    failed_rows: list[list[str]] = []
    if not header or bad is not None:
        facts["state"] = "Failed"
        facts["errorMessage"] = f"InvalidBatch : Field name not found : {bad}" if bad else "InvalidBatch : No header"
        lines = [line for line in reader if line]
        _file(org, facts["id"], "unprocessed", _csv(header, lines, delimiter))
        _save_facts(org, facts)
        return
    save = Save(org, request.caller)
    with org.storage.savepoint():
        for line in reader:
            if not line:
                continue
            try:
                record_id, created = _save_line(org, save, facts, item, _payload(item, header, line))
                good_rows.append([record_id, "true" if created else "false", *line])
            except RowRefused as refusal:
                problem = refusal.problems[0]
                shown = f"{problem.code}:{problem.message}:{','.join(problem.fields)} --"
                failed_rows.append(["", shown, *line])
            except BadJsonValue as refusal:
                failed_rows.append(
                    ["", f"INVALID_TYPE_ON_FIELD_IN_RECORD:{refusal.message}:{refusal.field_name} --", *line]
                )
        save.finish()
    facts["state"] = "JobComplete"
    facts["numberRecordsProcessed"] = len(good_rows) + len(failed_rows)
    facts["numberRecordsFailed"] = len(failed_rows)
    _file(org, facts["id"], "successful", _csv(["sf__Id", "sf__Created", *header], good_rows, delimiter))
    _file(org, facts["id"], "failed", _csv(["sf__Id", "sf__Error", *header], failed_rows, delimiter))
    _file(org, facts["id"], "unprocessed", _csv(header, [], delimiter))
    _save_facts(org, facts)


def _save_line(org: Org, save: Save, facts: Json, item: SObject, payload: Json) -> tuple[str, bool]:
    given = next((value for key, value in payload.items() if key.lower() == "id"), None)
    match facts["operation"]:
        case "insert":
            return save.create(item, payload), True
        case "upsert":
            key = item.find(facts["externalIdFieldName"])
            assert key is not None
            value = next((value for name, value in payload.items() if name.lower() == key.name.lower()), None)
            return save.upsert(item, key, value, payload)
        case "update":
            if not given:
                raise RowRefused("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
            record_id = save.record_id(item, given)
            save.update(item, record_id, payload)
            return record_id, False
        case _:
            record_id = save.record_id(item, given)
            save.delete(item, record_id)
            return record_id, False


def _bad_column(org: Org, item: SObject, header: list[str]) -> str | None:
    for name in header:
        first, _, rest = name.partition(".")
        found = item.find(first)
        if rest:
            if item.find_relationship(first) is None:
                return name
        elif found is None or not org.is_visible(item, found):
            return name
    return None


def _payload(item: SObject, header: list[str], line: list[str]) -> Json:
    payload: Json = {}
    for name, text in zip(header, line, strict=False):
        if text == "":
            continue
        value: Any = None if text == "#N/A" else text
        first, _, rest = name.partition(".")
        if rest:
            payload[first] = None if value is None else {rest: value}
            continue
        found = item.find(name)
        if found is not None and found.type == "boolean" and value in ("0", "1"):
            value = value == "1"
        payload[name] = value
    return payload


def _ingest_results(org: Org, job_id: str, results: str) -> Reply:
    # simple-salesforce asks for unprocessedRecords, other clients for unprocessedrecords.
    column = {
        "successfulresults": "successful",
        "failedresults": "failed",
        "unprocessedrecords": "unprocessed",
    }.get(results.lower())
    if column is None:
        raise not_found()
    _job(org, "ingest", job_id)
    found = org.storage.one(f"SELECT {column} FROM _job WHERE id = ?", (job_id,))[0]
    return Reply(200, found or b"", media_type=_CSV)


def _query_results(org: Org, job_id: str, request: Request) -> Reply:
    _job(org, "query", job_id)
    text = (org.storage.one("SELECT successful FROM _job WHERE id = ?", (job_id,))[0] or b"").decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    start = int(request.query.get("locator") or 0)
    most = int(request.query.get("maxRecords") or 50_000)
    rows = lines[1:]
    page = rows[start : start + most]
    end = start + len(page)
    headers = {"Sforce-Locator": str(end) if end < len(rows) else "null", "Sforce-NumberOfRecords": str(len(page))}
    body = _csv(lines[0], page, ",") if lines else ""
    return Reply(200, body.encode(), headers, media_type=_CSV)


def _csv(header: list[str], rows: list[list[str]], delimiter: str) -> str:
    output = io.StringIO()
    writer = csv.writer(output, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return output.getvalue()


def _new_job(org: Org, request: Request, kind: str, operation: str, body: Json) -> Json:
    number = org.storage.one("SELECT COUNT(*) FROM _job")[0] + 1
    while org.storage.one("SELECT 1 FROM _job WHERE id = ?", (ids.numbered("750", number),)):
        number += 1
    delimiter = body.get("columnDelimiter", "COMMA")
    if delimiter not in _DELIMITERS:
        raise RequestRefused(400, "INVALIDJOB", f"InvalidJob : Unknown delimiter: {delimiter}")
    return {
        "id": ids.numbered("750", number),
        "operation": operation,
        "createdById": request.caller.user_id,
        "createdDate": org.now(),
        "systemModstamp": org.now(),
        "concurrencyMode": "Parallel",
        "apiVersion": float(request.version[1:]),
        "lineEnding": body.get("lineEnding", "LF"),
        "columnDelimiter": delimiter,
        "numberRecordsProcessed": 0,
        "numberRecordsFailed": 0,
        "retries": 0,
        "totalProcessingTime": 1,
    }


def _store(org: Org, kind: str, facts: Json) -> None:
    org.storage.begin()
    org.storage.execute("INSERT INTO _job (id, kind, facts) VALUES (?, ?, ?)", (facts["id"], kind, json.dumps(facts)))


def _save_facts(org: Org, facts: Json) -> None:
    org.storage.begin()
    org.storage.execute("UPDATE _job SET facts = ? WHERE id = ?", (json.dumps(facts), facts["id"]))


def _file(org: Org, job_id: str, column: str, text: str) -> None:
    org.storage.begin()
    org.storage.execute(f"UPDATE _job SET {column} = ? WHERE id = ?", (text.encode(), job_id))


def _job(org: Org, kind: str, job_id: str) -> Json:
    found = org.storage.one("SELECT facts FROM _job WHERE id = ? AND kind = ?", (job_id, kind))
    if found is None:
        raise not_found()
    facts: Json = json.loads(found[0])
    return facts


def _all(org: Org, kind: str) -> list[Json]:
    return [json.loads(row[0]) for row in org.storage.execute("SELECT facts FROM _job WHERE kind = ?", (kind,))]

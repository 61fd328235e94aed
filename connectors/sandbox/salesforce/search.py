"""SOSL in its simplest form: `FIND {text} IN ALL FIELDS RETURNING Account(Id, Name), Contact`.

Enough for clients that look a record up by a word: whole-field and word-prefix matches over names, e-mails, phones
and external ids. Ranking, wildcards inside words, snippets and synonyms of real orgs are not emulated.
"""

from __future__ import annotations

import re

from fieldwright.connectors.sandbox.salesforce import query
from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused
from fieldwright.connectors.sandbox.salesforce.gateway import Reply, Request
from fieldwright.connectors.sandbox.salesforce.org import Org

_FIND = re.compile(r"\s*FIND\s*\{(?P<text>[^}]*)\}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_RETURNING = re.compile(r"\bRETURNING\b(?P<list>.*?)(?:\bLIMIT\s+(?P<limit>\d+)\s*)?$", re.IGNORECASE | re.DOTALL)
_OBJECT = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<fields>[^)]*)\))?\s*,?")
_SEARCHED = ("email", "phone")


def handle(org: Org, request: Request) -> Reply:
    """GET /search?q=FIND... and GET or POST /parameterizedSearch."""
    if request.segments[0] == "parameterizedSearch":
        given: Json = request.body if isinstance(request.body, dict) else dict(request.query)
        objects: list[Json] = given.get("sobjects") or [
            {"name": name} for name in str(given.get("sobject", "")).split(",") if name
        ]
        wanted = [(item["name"], ", ".join(item.get("fields", ["Id"]))) for item in objects]
        return Reply(200, {"searchRecords": _search(org, str(given.get("q", "")), wanted, 200, request.version)})
    match = _FIND.fullmatch(request.query.get("q", ""))
    if match is None:
        raise RequestRefused(
            400, "MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces."
        )
    returning = _RETURNING.search(match.group("rest"))
    if returning is None:
        wanted = [(item.name, "Id") for item in org.schema.all() if not item.setup]
    else:
        found = _OBJECT.finditer(returning.group("list"))
        wanted = [(item.group("name"), item.group("fields") or "Id") for item in found]
    limit = int(returning.group("limit") or 200) if returning else 200
    text = match.group("text").replace("\\", "")
    return Reply(200, {"searchRecords": _search(org, text, wanted, limit, request.version)})


def _search(org: Org, text: str, wanted: list[tuple[str, str]], limit: int, version: str) -> list[Json]:
    word = text.strip().strip('"').rstrip("*")
    if len(word) < 2:
        raise RequestRefused(400, "MALFORMED_SEARCH", "Search term must be longer than one character: " + word)
    literal = word.replace("\\", "\\\\").replace("'", "\\'").replace("%", "\\%").replace("_", "\\_")
    found: list[Json] = []
    for name, fields in wanted:
        item = org.find_object(name)
        if item is None:
            raise RequestRefused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        columns = [
            column.name
            for column in item.fields.values()
            if (column.name_field or column.external_id or column.type in _SEARCHED) and org.is_visible(item, column)
        ]
        conditions = " OR ".join(f"{column} LIKE '{literal}%' OR {column} LIKE '% {literal}%'" for column in columns)
        if conditions:
            answer = query.run(org, f"SELECT {fields} FROM {item.name} WHERE {conditions} LIMIT {limit}", version)
            found += answer["records"]
    return found[:limit]

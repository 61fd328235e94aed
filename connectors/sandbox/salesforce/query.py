"""Runs compiled queries: pages of records with parents and children nested as REST answers them.

Turns a SOQL text into `{totalSize, done, records, nextRecordsUrl}`. A result longer than a page keeps its row
numbers as a cursor on disk, so that later pages neither shift nor repeat when records change in between, and survive
a restart. Compiling is done by `soql_sql`.
"""

from __future__ import annotations

import array
import json
from typing import Any

from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.soql_lexer import malformed
from fieldwright.connectors.sandbox.salesforce.soql_parser import parse
from fieldwright.connectors.sandbox.salesforce.soql_sql import Compiler, Node, Statement
from fieldwright.connectors.sandbox.salesforce.soql_syntax import Query

PAGE = 2000
CURSOR_LIFE = 2 * 24 * 3600
ParsedRow = tuple[Any, ...]


def run(org: Org, text: str, version: str, *, deleted: bool = False, batch: int = PAGE) -> Json:
    """The first page of a query; `deleted` also reads the recycle bin."""
    tree = parse(text)
    compiler = _compiler(org, text, deleted)
    statement = compiler.compile(tree)
    storage = org.storage
    if statement.counts_only:
        count = storage.one(f"SELECT COUNT(*){statement.tail}", statement.values)[0]
        return {"totalSize": _within(statement, count), "done": True, "records": []}
    columns = ", ".join(statement.columns)
    if statement.aggregate is not None:
        found = storage.execute(f"SELECT {columns}{statement.tail}{statement.bounded()}", statement.values)
        records = [_aggregate(statement, row) for row in found]
        return {"totalSize": len(records), "done": True, "records": records}
    wanted = f"SELECT {columns}, {statement.node.alias}.rowid{statement.tail}"
    peek = batch + 1 if statement.limit is None else min(statement.limit, batch + 1)
    rows = storage.execute(f"{wanted} LIMIT {peek} OFFSET {statement.offset or 0}", statement.values).fetchall()
    if len(rows) <= batch:
        return {"totalSize": len(rows), "done": True, "records": _records(org, compiler, statement, rows, version)}
    numbers = array.array(
        "q",
        [
            row[0]
            for row in storage.execute(
                f"SELECT {statement.node.alias}.rowid{statement.tail}{statement.bounded()}", statement.values
            )
        ],
    )
    locator = _save_cursor(org, text, deleted, batch, numbers)
    return {
        "totalSize": len(numbers),
        "done": False,
        "nextRecordsUrl": f"/services/data/{version}/query/{locator}-{batch}",
        "records": _records(org, compiler, statement, rows[:batch], version),
    }


def more(org: Org, locator: str, version: str) -> Json:
    """A later page, by the last part of `nextRecordsUrl`. Raises INVALID_QUERY_LOCATOR when it is unknown or old."""
    cursor_id, _, start_text = locator.rpartition("-")
    found = org.storage.one("SELECT query, deleted, batch, created, rows FROM _cursor WHERE id = ?", (cursor_id,))
    if found is None or not start_text.isdigit() or org.clock.timestamp() - found[3] > CURSOR_LIFE:
        raise RequestRefused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    text, deleted, batch, _, packed = found
    numbers = array.array("q", packed)
    start = int(start_text)
    page = numbers[start : start + batch]
    compiler = _compiler(org, text, bool(deleted))
    statement = compiler.compile(parse(text))
    alias = statement.node.alias
    before_where = statement.tail.split(" WHERE ", 1)[0].split(" ORDER BY ", 1)[0]
    sql = f"SELECT {', '.join(statement.columns)}, {alias}.rowid{before_where} WHERE {alias}.rowid IN"
    rows = org.storage.execute(f"{sql} (SELECT value FROM json_each(?))", (json.dumps(page.tolist()),)).fetchall()
    place = {number: index for index, number in enumerate(page)}
    rows.sort(key=lambda row: place[row[-1]])
    end = start + batch
    answer: Json = {"totalSize": len(numbers), "done": end >= len(numbers)}
    if end < len(numbers):
        answer["nextRecordsUrl"] = f"/services/data/{version}/query/{cursor_id}-{end}"
    answer["records"] = _records(org, compiler, statement, rows, version)
    return answer


def _compiler(org: Org, text: str, deleted: bool) -> Compiler:
    return Compiler(org.schema, text, org.clock.now(), deleted=deleted, visible=org.is_visible)


def _within(statement: Statement, count: int) -> int:
    left = max(0, count - (statement.offset or 0))
    return left if statement.limit is None else min(left, statement.limit)


def _save_cursor(org: Org, text: str, deleted: bool, batch: int, numbers: array.array[int]) -> str:
    now = org.clock.timestamp()
    org.storage.begin()
    org.storage.execute("DELETE FROM _cursor WHERE created < ?", (now - CURSOR_LIFE,))
    serial = org.storage.one("SELECT COUNT(*) FROM _cursor")[0] + 1
    cursor_id = f"01g5g00000{serial:05d}{int(now * 1000) % 1000:03d}"
    while org.storage.one("SELECT 1 FROM _cursor WHERE id = ?", (cursor_id,)):
        serial += 1
        cursor_id = f"01g5g00000{serial:05d}{int(now * 1000) % 1000:03d}"
    org.storage.execute(
        "INSERT INTO _cursor (id, query, deleted, batch, created, rows) VALUES (?, ?, ?, ?, ?, ?)",
        (cursor_id, text, int(deleted), batch, now, numbers.tobytes()),
    )
    return cursor_id


def _aggregate(statement: Statement, row: ParsedRow) -> Json:
    record: Json = {"attributes": {"type": "AggregateResult"}}
    for name, value in zip(statement.aggregate or (), row, strict=True):
        record[name] = bool(value) if name in statement.booleans and value is not None else value
    return record


def _records(org: Org, compiler: Compiler, statement: Statement, rows: list[ParsedRow], version: str) -> list[Json]:
    node = statement.node
    base = f"/services/data/{version}/sobjects/"
    records = [record_of(node, row, base) for row in rows]
    for name, query, child, reference in statement.children:
        _attach(org, compiler, statement, records, rows, (name, query, child.name, reference.name), version)
    return records


def record_of(node: Node, row: ParsedRow, base: str) -> Json:
    """One record of a page, its parents nested; a parent that is not there is null."""
    name = node.object.name
    record: Json = {"attributes": {"type": name, "url": f"{base}{name}/{row[node.id_index]}"}}
    for key, index in node.columns:
        record[key] = row[index]
    for key in node.booleans:
        record[key] = bool(record[key])
    for key, places in node.addresses:
        parts = {part: row[index] for part, index in places.items()}
        record[key] = parts if any(value is not None for value in parts.values()) else None
    for key, parent in node.parents.items():
        record[key] = None if row[parent.id_index] is None else record_of(parent, row, base)
    return record


def _attach(
    org: Org,
    compiler: Compiler,
    statement: Statement,
    records: list[Json],
    rows: list[ParsedRow],
    child: tuple[str, Query, str, str],
    version: str,
) -> None:
    """Runs a child query for all records of a page at once and hangs the results below their parents."""
    name, query, child_object, reference = child
    parents = [row[statement.node.id_index] for row in rows]
    inner = Query(
        query.select,
        child_object,
        query.position,
        query.alias,
        query.where,
        (),
        None,
        query.order_by,
        query.limit,
        query.offset,
    )
    if query.group_by or query.having:
        raise malformed(compiler.context.text, query.position, "aggregate is not supported in child queries")
    compiled = _compiler(org, compiler.context.text, compiler.context.deleted).compile(
        inner,
        extra=f'{{t}}."{reference}" IN (SELECT value FROM json_each(?))',
        extra_values=(json.dumps(parents),),
    )
    alias = compiled.node.alias
    sql = f'SELECT {", ".join(compiled.columns)}, {alias}."{reference}"{compiled.tail}'
    base = f"/services/data/{version}/sobjects/"
    grouped: dict[str, list[Json]] = {}
    skip, most = query.offset or 0, query.limit
    for row in org.storage.execute(sql, compiled.values):
        grouped.setdefault(row[-1], []).append(record_of(compiled.node, row, base))
    for record, parent in zip(records, parents, strict=True):
        found = grouped.get(parent, [])[skip:]
        found = found if most is None else found[:most]
        record[name] = {"totalSize": len(found), "done": True, "records": found} if found else None

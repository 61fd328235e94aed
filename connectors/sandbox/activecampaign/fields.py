"""Custom fields of contacts: definitions, options, and relations to lists.

Turns `/fields`, `/fieldOption(s)/bulk` and `/fieldRels` into rows. Titles are unique, tags are made when none is given,
and a new field is related to no list, which hides it in the product. Values are the matter of `values`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fieldwright.connectors.sandbox.activecampaign.call import (
    Call,
    Reply,
    Route,
    as_id,
    as_text,
    fault,
    nothing_found,
    page,
    text_fault,
)

TYPES: Final = frozenset(
    ["text", "textarea", "date", "datetime", "dropdown", "listbox", "radio", "checkbox", "hidden", "number"]
)
"""Types a contact field may have. Source: the vendor's field reference; `number` appears in its examples only."""

PAGE_OF_FIELDS: Final = 100


def _derived_tag(title: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", title.upper()).strip("_") or "FIELD"


def _given_tag(text: str) -> str:
    # "Personalized Tag" is known to become PERSONALIZEDTAG: what is given loses its blanks, a title's become "_".
    return re.sub(r"[^A-Z0-9_]", "", text.upper())


def _shown_field(call: Call, row: sqlite3.Row, options: Iterable[int], relations: Iterable[int]) -> dict[str, Any]:
    return {
        "title": row["title"],
        "descript": row["descript"],
        "type": row["type"],
        "isrequired": "0",
        "perstag": row["perstag"],
        "defval": row["defval"],
        "show_in_list": "0",
        "rows": "0",
        "cols": "0",
        "visible": str(row["visible"]),
        "service": "",
        "ordernum": str(row["ordernum"]),
        "cdate": call.shown(row["cdate"]),
        "udate": call.shown(row["udate"]),
        "options": [str(number) for number in options],
        "relations": [str(number) for number in relations],
        "links": {
            "options": f"{call.base}/fields/{row['id']}/options",
            "relations": f"{call.base}/fields/{row['id']}/relations",
        },
        "id": str(row["id"]),
    }


def _shown_option(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "field": str(row["field"]),
        "orderid": str(row["orderid"]),
        "value": row["value"],
        "label": row["label"],
        "isdefault": str(row["isdefault"]),
        "cdate": row["cdate"],
        "udate": None,
        "links": {},
        "id": str(row["id"]),
    }


def _shown_relation(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "field": str(row["field"]),
        "relid": str(row["relid"]),
        "dorder": "0",
        "cdate": None,
        "links": [],
        "id": str(row["id"]),
    }


def _bundle(call: Call, rows: list[sqlite3.Row]) -> dict[str, Any]:
    numbers = [row["id"] for row in rows]
    marks = ",".join("?" * len(numbers))
    options = call.storage.rows(f"SELECT * FROM field_options WHERE field IN ({marks}) ORDER BY orderid, id", numbers)
    relations = call.storage.rows(f"SELECT * FROM field_rels WHERE field IN ({marks}) ORDER BY id", numbers)
    return {
        "fieldOptions": [_shown_option(row) for row in options],
        "fieldRels": [_shown_relation(row) for row in relations],
        "fields": [
            _shown_field(
                call,
                row,
                [option["id"] for option in options if option["field"] == row["id"]],
                [relation["id"] for relation in relations if relation["field"] == row["id"]],
            )
            for row in rows
        ],
    }


def _one(call: Call, number: int, status: int = 200) -> Reply:
    row = call.storage.row("SELECT * FROM fields WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("Field", call.path.get("id", number))
    bundle = _bundle(call, [row])
    return Reply(
        status, {"fieldOptions": bundle["fieldOptions"], "fieldRels": bundle["fieldRels"], "field": bundle["fields"][0]}
    )


def list_fields(call: Call) -> Reply:
    """`GET /fields`: 100 a page unless told otherwise, with options and relations beside them."""
    rows, meta = page(call, "fields", (), (), default=PAGE_OF_FIELDS)
    return Reply(200, {**_bundle(call, rows), "meta": meta})


def _checked_title(call: Call, title: str, own: int = -1) -> None:
    if call.storage.row("SELECT 1 FROM fields WHERE title_key = ? AND id <> ?", (title.lower(), own)):
        raise fault(
            422,
            "There is already a field with this title",
            "duplicate",
            "/data/attributes/title",
            f"There is already a field named '{title}' -- choose another name",
        )


def create_field(call: Call) -> Reply:
    """`POST /fields`. The personalisation tag is made from the title when none is given."""
    given = call.part("field")
    title, kind = as_text(given.get("title")).strip(), as_text(given.get("type"))
    if not title:
        raise fault(422, "The field title was not provided.", "field_missing", "/data/attributes/title")
    if kind not in TYPES:
        raise fault(422, "The field type is not valid.", "field_invalid", "/data/attributes/type")
    _checked_title(call, title)
    tag = _given_tag(as_text(given.get("perstag")))
    if tag:
        if call.storage.row("SELECT 1 FROM fields WHERE perstag = ?", (tag,)):
            raise fault(
                422,
                "There is already a field with this personalization tag",
                "duplicate",
                "/data/attributes/perstag",
            )
    else:
        tag = wanted = _derived_tag(title)
        turn = 1
        while call.storage.row("SELECT 1 FROM fields WHERE perstag = ?", (tag,)):
            turn += 1
            tag = f"{wanted}_{turn}"
    return _one(call, insert_field(call, title, tag, kind, given), 201)


def insert_field(call: Call, title: str, tag: str, kind: str, given: Mapping[str, Any]) -> int:
    """Store a definition that has been checked; its id."""
    stamp = call.stamp()
    return call.storage.insert(
        "INSERT INTO fields (title, title_key, perstag, type, descript, defval, visible, ordernum, cdate, udate)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT COUNT(*) + 1 FROM fields), ?, ?)",
        (
            title,
            title.lower(),
            tag,
            kind,
            as_text(given.get("descript")),
            as_text(given.get("defval")),
            0 if given.get("visible", 1) in (0, "0", False) else 1,
            stamp,
            stamp,
        ),
    )


def read_field(call: Call) -> Reply:
    """`GET /fields/{id}`."""
    return _one(call, call.number("id"))


def update_field(call: Call) -> Reply:
    """`PUT /fields/{id}`: title, description, default and tag; the type of a field stays what it is."""
    number, given = call.number("id"), call.part("field")
    row = call.storage.row("SELECT * FROM fields WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("Field", call.path["id"])
    title = as_text(given.get("title", row["title"])).strip() or row["title"]
    _checked_title(call, title, number)
    call.storage.write(
        "UPDATE fields SET title = ?, title_key = ?, perstag = ?, descript = ?, defval = ?, udate = ? WHERE id = ?",
        (
            title,
            title.lower(),
            _given_tag(as_text(given.get("perstag"))) or row["perstag"],
            as_text(given.get("descript", row["descript"])),
            as_text(given.get("defval", row["defval"])),
            call.stamp(),
            number,
        ),
    )
    return _one(call, number)


def delete_field(call: Call) -> Reply:
    """`DELETE /fields/{id}`: the values of all contacts go with it."""
    if not call.storage.write("DELETE FROM fields WHERE id = ?", (call.number("id"),)):
        raise nothing_found("Field", call.path["id"])
    return Reply(200, {})


def create_options(call: Call) -> Reply:
    """`POST /fieldOption/bulk`, also reached as `/fieldOptions/bulk`: documentation and the vendor's own client
    disagree about the name. Refusals here carry one string."""
    given = call.body.get("fieldOptions") if isinstance(call.body, dict) else None
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise text_fault(422, "No field options were provided.")
    numbers = []
    for place, item in enumerate(given, 1):
        if call.storage.row("SELECT 1 FROM fields WHERE id = ?", (as_id(item.get("field")),)) is None:
            raise text_fault(422, f"Field {as_text(item.get('field'))} does not exist.")
        numbers.append(
            call.storage.insert(
                "INSERT INTO field_options (field, orderid, value, label, isdefault, cdate) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    as_id(item["field"]),
                    as_id(item.get("orderid", place)),
                    as_text(item.get("value")),
                    as_text(item.get("label") or item.get("value")),
                    1 if item.get("isdefault") in (True, 1, "1") else 0,
                    call.stamp(),
                ),
            )
        )
    marks = ",".join("?" * len(numbers))
    rows = call.storage.rows(f"SELECT * FROM field_options WHERE id IN ({marks}) ORDER BY id", numbers)
    return Reply(201, {"fieldOptions": [_shown_option(row) for row in rows]})


def list_relations(call: Call) -> Reply:
    """`GET /fieldRels`."""
    rows, meta = page(call, "field_rels", (), ())
    return Reply(200, {"fieldRels": [_shown_relation(row) for row in rows], "meta": meta})


def create_relation(call: Call) -> Reply:
    """`POST /fieldRels`: shows the field on one list, or on all with relid 0. The numbers come back as they came."""
    given = call.part("fieldRel")
    number, relid = as_id(given.get("field")), as_id(given.get("relid", 0))
    if call.storage.row("SELECT 1 FROM fields WHERE id = ?", (number,)) is None:
        raise nothing_found("Field", as_text(given.get("field")))
    call.storage.write(
        "INSERT OR IGNORE INTO field_rels (field, relid, cdate) VALUES (?, ?, ?)", (number, relid, call.stamp())
    )
    row = call.storage.row("SELECT * FROM field_rels WHERE field = ? AND relid = ?", (number, relid))
    assert row is not None
    return Reply(201, {"fieldRel": {**_shown_relation(row), "field": given["field"], "relid": given.get("relid", 0)}})


def delete_relation(call: Call) -> Reply:
    """`DELETE /fieldRels/{id}`."""
    if not call.storage.write("DELETE FROM field_rels WHERE id = ?", (call.number("id"),)):
        raise nothing_found("FieldRel", call.path["id"])
    return Reply(200, {})


ROUTES: Final = (
    Route("GET", "/fields", list_fields),
    Route("POST", "/fields", create_field),
    Route("GET", "/fields/{id}", read_field),
    Route("PUT", "/fields/{id}", update_field),
    Route("DELETE", "/fields/{id}", delete_field),
    Route("POST", "/fieldOption/bulk", create_options),
    Route("POST", "/fieldOptions/bulk", create_options),
    Route("GET", "/fieldRels", list_relations),
    Route("POST", "/fieldRels", create_relation),
    Route("DELETE", "/fieldRels/{id}", delete_relation),
)

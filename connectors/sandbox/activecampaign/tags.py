"""Tags and their association with contacts.

Turns `/tags` and `/contactTags` into rows. Two habits of the real system matter: searching tags finds names that
contain the text, and an association that exists already is answered with 200 instead of 201. Removing goes by the
association's id, never by the tag's.
"""

from __future__ import annotations

import sqlite3
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
    status_fault,
)

_OPERATORS: Final = {
    "eq": "tag_key = lower(?)",
    "neq": "tag_key <> lower(?)",
    "lt": "tag_key < lower(?)",
    "lte": "tag_key <= lower(?)",
    "gt": "tag_key > lower(?)",
    "gte": "tag_key >= lower(?)",
    "contains": "instr(tag_key, lower(?)) > 0",
    "starts_with": "instr(tag_key, lower(?)) = 1",
}


def tag_id(call: Call, name: str, *, kind: str = "contact") -> int:
    """The id of the tag of this name, without regard to case; made when there is none (the importer does so)."""
    row = call.storage.row("SELECT id FROM tags WHERE tag_key = ? AND kind = ?", (name.lower(), kind))
    if row is not None:
        return int(row["id"])
    return call.storage.insert(
        "INSERT INTO tags (tag, tag_key, kind, cdate) VALUES (?, ?, ?, ?)", (name, name.lower(), kind, call.stamp())
    )


def add_tag(call: Call, contact: int, tag: int) -> bool:
    """Associate; whether that is new."""
    return (
        call.storage.write(
            "INSERT OR IGNORE INTO contact_tags (contact, tag, cdate) VALUES (?, ?, ?)", (contact, tag, call.stamp())
        )
        == 1
    )


def _shown_tag(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    count = call.storage.number("SELECT COUNT(*) FROM contact_tags WHERE tag = ?", (row["id"],))
    return {
        "tagType": row["kind"],
        "tag": row["tag"],
        "description": row["description"],
        "cdate": call.shown(row["cdate"]),
        "subscriber_count": str(count),
        "links": {"contactGoalTags": f"{call.base}/tags/{row['id']}/contactGoalTags"},
        "id": str(row["id"]),
    }


def shown_association(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """A contact's tag as replies show it."""
    return {
        "contact": str(row["contact"]),
        "tag": str(row["tag"]),
        "cdate": call.shown(row["cdate"]),
        "created_timestamp": row["cdate"][:19].replace("T", " "),
        "links": {
            "tag": f"{call.base}/contactTags/{row['id']}/tag",
            "contact": f"{call.base}/contactTags/{row['id']}/contact",
        },
        "id": str(row["id"]),
    }


def list_tags(call: Call) -> Reply:
    """`GET /tags`: `search` is "contains"; `filters[search][operator]` is what it says."""
    where, values = [], []
    found = call.parameter("search")
    if found is not None:
        where.append(_OPERATORS["contains"])
        values.append(found)
    for name, condition in _OPERATORS.items():
        wanted = call.parameter(f"filters[search][{name}]")
        if wanted is not None:
            where.append(condition)
            values.append(wanted)
    rows, meta = page(call, "tags", where, values)
    return Reply(200, {"tags": [_shown_tag(call, row) for row in rows], "meta": meta})


def create_tag(call: Call) -> Reply:
    """`POST /tags`."""
    given = call.part("tag")
    name, kind = as_text(given.get("tag")).strip(), as_text(given.get("tagType")) or "contact"
    if not name:
        raise status_fault(422, "Missing attribute", pointer="/data/attributes/tag")
    if call.storage.row("SELECT 1 FROM tags WHERE tag_key = ? AND kind = ?", (name.lower(), kind)):
        raise fault(422, "The tag already exists in the system", "duplicate", "/data/attributes/tag")
    number = tag_id(call, name, kind=kind)
    call.storage.write("UPDATE tags SET description = ? WHERE id = ?", (as_text(given.get("description")), number))
    return Reply(201, {"tag": _shown_tag(call, _tag(call, number))})


def _tag(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM tags WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("Tag", call.path.get("id", number))
    return row


def read_tag(call: Call) -> Reply:
    """`GET /tags/{id}`."""
    return Reply(200, {"tag": _shown_tag(call, _tag(call, call.number("id")))})


def delete_tag(call: Call) -> Reply:
    """`DELETE /tags/{id}`: taken from all contacts."""
    row = _tag(call, call.number("id"))
    call.storage.write("DELETE FROM tags WHERE id = ?", (row["id"],))
    return Reply(200, {})


def list_associations(call: Call) -> Reply:
    """`GET /contactTags`."""
    rows, meta = page(call, "contact_tags", (), ())
    return Reply(200, {"contactTags": [shown_association(call, row) for row in rows], "meta": meta})


def create_association(call: Call) -> Reply:
    """`POST /contactTags`: 201 when new, 200 when it was there."""
    given = call.part("contactTag")
    for name in ("contact", "tag"):
        if given.get(name) in (None, ""):
            raise status_fault(422, "Missing attribute", pointer=f"/data/attributes/{name}")
    contact, tag = as_id(given["contact"]), as_id(given["tag"])
    if call.storage.row("SELECT 1 FROM contacts WHERE id = ?", (contact,)) is None:
        raise status_fault(404, "Not Found", "Contact not found")
    if call.storage.row("SELECT 1 FROM tags WHERE id = ?", (tag,)) is None:
        raise status_fault(404, "Not Found", "Tag not found")
    new = add_tag(call, contact, tag)
    row = call.storage.row("SELECT * FROM contact_tags WHERE contact = ? AND tag = ?", (contact, tag))
    assert row is not None
    shown = {**shown_association(call, row), "contact": given["contact"], "tag": given["tag"]}
    return Reply(201 if new else 200, {"contactTag": shown})


def delete_association(call: Call) -> Reply:
    """`DELETE /contactTags/{association}`."""
    if not call.storage.write("DELETE FROM contact_tags WHERE id = ?", (call.number("id"),)):
        raise nothing_found("SubscriberTag", call.path["id"])
    return Reply(200, {})


ROUTES: Final = (
    Route("GET", "/tags", list_tags),
    Route("POST", "/tags", create_tag),
    Route("GET", "/tags/{id}", read_tag),
    Route("DELETE", "/tags/{id}", delete_tag),
    Route("GET", "/contactTags", list_associations),
    Route("POST", "/contactTags", create_association),
    Route("DELETE", "/contactTags/{id}", delete_association),
)

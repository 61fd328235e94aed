"""Lists, who may see them, and the subscription of a contact to a list.

Turns `/lists`, `/listGroups`, `/groups` and `/contactLists` into rows. A subscription is a state: 0 unconfirmed,
1 active, 2 unsubscribed, 3 bounced. `POST /contactLists` sets it without asking, so moving 2 to 1 takes back a
person's opt-out, as the vendor warns; only the bulk importer (`imports`) protects it.
"""

from __future__ import annotations

import re
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
)

OWN_GROUP: Final = 3
"""The group of the user whose key is used; id 3 is the administrators'."""

ACTIVE: Final = 1
UNSUBSCRIBED: Final = 2
_SETTABLE: Final = (ACTIVE, UNSUBSCRIBED)


def _shown_list(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "stringid": row["stringid"],
        "userid": "1",
        "name": row["name"],
        "cdate": call.shown(row["cdate"]),
        "udate": call.shown(row["udate"]),
        "sender_url": row["sender_url"],
        "sender_reminder": row["sender_reminder"],
        "private": "0",
        "user": "1",
        "links": {"contactGoalLists": f"{call.base}/lists/{row['id']}/contactGoalLists"},
        "id": str(row["id"]),
    }


def shown_membership(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """A subscription as GET shows it: every number is text."""
    return {
        "contact": str(row["contact"]),
        "list": str(row["list"]),
        "form": None,
        "seriesid": "0",
        "sdate": call.shown(row["sdate"]),
        "udate": call.shown(row["udate"]),
        "status": str(row["status"]),
        "responder": "1",
        "sync": "0",
        "unsubreason": "",
        "campaign": None,
        "message": None,
        "sourceid": str(row["sourceid"]),
        "autosyncLog": None,
        "ip4Sub": "0",
        "links": {
            "list": f"{call.base}/contactLists/{row['id']}/list",
            "contact": f"{call.base}/contactLists/{row['id']}/contact",
        },
        "id": str(row["id"]),
        "automation": None,
    }


def set_membership(call: Call, contact: int, number: int, status: int, source: int) -> None:
    """Put the subscription of a contact to a list into a state, whatever it was."""
    stamp = call.stamp()
    left = stamp if status != ACTIVE else None
    call.storage.write(
        "INSERT INTO contact_lists (contact, list, status, sourceid, sdate, udate, cdate) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (contact, list) DO UPDATE SET status = excluded.status, sourceid = excluded.sourceid,"
        " sdate = COALESCE(excluded.sdate, sdate), udate = excluded.udate",
        (contact, number, status, source, stamp if status == ACTIVE else None, left, stamp),
    )


def list_lists(call: Call) -> Reply:
    """`GET /lists`: those the user's group has been given; a new list is not among them at first."""
    where, values = ["id IN (SELECT list FROM list_groups WHERE grp = ?)"], [str(OWN_GROUP)]
    name = call.parameter("filters[name]")
    if name is not None:
        where.append("name LIKE '%' || ? || '%'")
        values.append(name)
    rows, meta = page(call, "lists", where, values)
    return Reply(200, {"lists": [_shown_list(call, row) for row in rows], "meta": meta})


def create_list(call: Call) -> Reply:
    """`POST /lists`."""
    given = call.part("list")
    for name in ("name", "stringid", "sender_url", "sender_reminder"):
        if not as_text(given.get(name)).strip():
            raise fault(422, f"The {name} is required.", "field_missing", f"/data/attributes/{name}")
    handle = re.sub(r"[^a-z0-9]+", "-", as_text(given["stringid"]).lower()).strip("-")
    if call.storage.row("SELECT 1 FROM lists WHERE stringid = ?", (handle,)):
        raise fault(422, "There is already a list with this stringid", "duplicate", "/data/attributes/stringid")
    stamp = call.stamp()
    number = call.storage.insert(
        "INSERT INTO lists (name, stringid, sender_url, sender_reminder, cdate, udate) VALUES (?, ?, ?, ?, ?, ?)",
        (as_text(given["name"]), handle, as_text(given["sender_url"]), as_text(given["sender_reminder"]), stamp, stamp),
    )
    return Reply(201, {"list": _shown_list(call, _list(call, number))})


def _list(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM lists WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("List", call.path.get("id", number), status=403)
    return row


def read_list(call: Call) -> Reply:
    """`GET /lists/{id}`; an unknown id is a 403 here."""
    return Reply(200, {"list": _shown_list(call, _list(call, call.number("id")))})


def delete_list(call: Call) -> Reply:
    """`DELETE /lists/{id}`: subscriptions go with it, contacts stay."""
    row = _list(call, call.number("id"))
    call.storage.write("DELETE FROM lists WHERE id = ?", (row["id"],))
    return Reply(200, {})


def create_list_group(call: Call) -> Reply:
    """`POST /listGroups`: lets a group see a list."""
    given = call.part("listGroup")
    row = _list(call, as_id(given.get("listid")))
    group = as_id(given.get("groupid"))
    if group != OWN_GROUP:
        raise nothing_found("Group", as_text(given.get("groupid")), status=403)
    call.storage.write("INSERT OR IGNORE INTO list_groups (list, grp) VALUES (?, ?)", (row["id"], group))
    made = call.storage.number("SELECT id FROM list_groups WHERE list = ? AND grp = ?", (row["id"], group))
    return Reply(
        201, {"listGroup": {"listid": given["listid"], "groupid": given["groupid"], "links": {}, "id": str(made)}}
    )


def list_groups(call: Call) -> Reply:
    """`GET /groups`: one group, the administrators."""
    return Reply(200, {"groups": [{"title": "Admin", "id": str(OWN_GROUP)}], "meta": {"total": "1"}})


def list_memberships(call: Call) -> Reply:
    """`GET /contactLists`."""
    rows, meta = page(call, "contact_lists", (), ())
    return Reply(200, {"contactLists": [shown_membership(call, row) for row in rows], "meta": meta})


def write_membership(call: Call) -> Reply:
    """`POST /contactLists`: 200 whether new or not; numbers are echoed in the kind they came in."""
    given = call.part("contactList")
    contact, number, status = (as_id(given.get(name)) for name in ("contact", "list", "status"))
    person = call.storage.row("SELECT * FROM contacts WHERE id = ?", (contact,))
    if person is None:
        raise nothing_found("Subscriber", as_text(given.get("contact")))
    _list(call, number)
    if status not in _SETTABLE:
        raise fault(422, "The status is not valid.", "field_invalid", "/data/attributes/status")
    set_membership(call, contact, number, status, as_id(given.get("sourceid", 3)))
    row = call.storage.row("SELECT * FROM contact_lists WHERE contact = ? AND list = ?", (contact, number))
    assert row is not None
    shown = {
        **shown_membership(call, row),
        "contact": given["contact"],
        "list": given["list"],
        "status": status,
        "sourceid": given.get("sourceid", "3"),
    }
    return Reply(200, {"contacts": [{"id": str(contact), "email": person["email"]}], "contactList": shown})


ROUTES: Final = (
    Route("GET", "/lists", list_lists),
    Route("POST", "/lists", create_list),
    Route("GET", "/lists/{id}", read_list),
    Route("DELETE", "/lists/{id}", delete_list),
    Route("POST", "/listGroups", create_list_group),
    Route("GET", "/groups", list_groups),
    Route("GET", "/contactLists", list_memberships),
    Route("POST", "/contactLists", write_membership),
)

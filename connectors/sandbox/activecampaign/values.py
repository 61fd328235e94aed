"""Custom values of contacts.

Turns `/fieldValues`, and the `fieldValues` of contacts and imports, into rows. As the real system does, it checks no
value: an option that does not exist is stored as it came. Only date-times are rewritten, into the account's time zone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from fieldwright.connectors.sandbox.activecampaign.call import Call, Reply, Route, as_id, as_text, nothing_found, page


def stored_value(kind: str, value: Any, zone: ZoneInfo) -> str:
    """The text kept for a value of a field of type `kind`: date-times move to the account's zone, the rest stays."""
    text = as_text(value)
    if kind != "datetime" or not text:
        return text
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    # Without an offset the account's own zone is meant (unverified).
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(zone).isoformat(timespec="seconds")


def field_types(call: Call) -> dict[int, str]:
    """The type of each custom field by id."""
    return {row["id"]: row["type"] for row in call.storage.rows("SELECT id, type FROM fields")}


def keep_values(call: Call, contact: int, values: Iterable[tuple[int, Any]], kinds: Mapping[int, str]) -> None:
    """Write custom values of one contact; ids of fields that do not exist are passed over (unverified), as the real
    reply to one has not been seen."""
    stamp = call.stamp()
    call.storage.write_many(
        "INSERT INTO field_values (contact, field, value, cdate, udate) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contact, field) DO UPDATE SET value = excluded.value, udate = excluded.udate",
        [
            (contact, number, stored_value(kinds[number], value, call.zone), stamp, stamp)
            for number, value in values
            if number in kinds
        ],
    )


def shown_value(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """A field value as replies show it."""
    return {
        "contact": str(row["contact"]),
        "field": str(row["field"]),
        "value": row["value"],
        "cdate": call.shown(row["cdate"]),
        "udate": call.shown(row["udate"]),
        "created_by": "0",
        "updated_by": "0",
        "links": {
            "owner": f"{call.base}/fieldValues/{row['id']}/owner",
            "field": f"{call.base}/fieldValues/{row['id']}/field",
        },
        "id": str(row["id"]),
        "owner": str(row["contact"]),
    }


def values_of(call: Call, contacts: Iterable[int]) -> list[sqlite3.Row]:
    """All values of some contacts, in order of their ids."""
    numbers = list(contacts)
    marks = ",".join("?" * len(numbers))
    return call.storage.rows(f"SELECT * FROM field_values WHERE contact IN ({marks}) ORDER BY id", numbers)


def list_values(call: Call) -> Reply:
    """`GET /fieldValues`, by `filters[fieldid]` and `filters[val]`."""
    where, values = [], []
    for name, column in (("filters[fieldid]", "field"), ("filters[val]", "value")):
        wanted = call.parameter(name)
        if wanted is not None:
            where.append(f"{column} = ?")
            values.append(wanted)
    rows, meta = page(call, "field_values", where, values)
    return Reply(200, {"fieldValues": [shown_value(call, row) for row in rows], "meta": meta})


def _value(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM field_values WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("FieldValue", call.path.get("id", number), status=403)
    return row


def read_value(call: Call) -> Reply:
    """`GET /fieldValues/{id}`."""
    return Reply(200, {"fieldValue": shown_value(call, _value(call, call.number("id")))})


def write_value(call: Call) -> Reply:
    """`POST /fieldValues` (sets the one value of that contact and field) and `PUT /fieldValues/{id}`."""
    given = call.part("fieldValue")
    if "id" in call.path:
        own = _value(call, call.number("id"))
        contact, number = own["contact"], own["field"]
    else:
        contact, number = as_id(given.get("contact")), as_id(given.get("field"))
    kinds = field_types(call)
    if call.storage.row("SELECT 1 FROM contacts WHERE id = ?", (contact,)) is None:
        raise nothing_found("Subscriber", as_text(given.get("contact")))
    if number not in kinds:
        raise nothing_found("Field", as_text(given.get("field")))
    keep_values(call, contact, [(number, given.get("value"))], kinds)
    call.storage.write("UPDATE contacts SET udate = ? WHERE id = ?", (call.stamp(), contact))
    row = call.storage.row("SELECT * FROM field_values WHERE contact = ? AND field = ?", (contact, number))
    assert row is not None
    shown = shown_value(call, row)
    for name in ("contact", "field"):
        shown[name] = given.get(name, shown[name])
    return Reply(200, {"contacts": [{"id": str(contact)}], "fieldValue": shown})


def delete_value(call: Call) -> Reply:
    """`DELETE /fieldValues/{id}`."""
    row = _value(call, call.number("id"))
    call.storage.write("DELETE FROM field_values WHERE id = ?", (row["id"],))
    return Reply(200, {})


ROUTES: Final = (
    Route("GET", "/fieldValues", list_values),
    Route("POST", "/fieldValues", write_value),
    Route("GET", "/fieldValues/{id}", read_value),
    Route("PUT", "/fieldValues/{id}", write_value),
    Route("DELETE", "/fieldValues/{id}", delete_value),
)

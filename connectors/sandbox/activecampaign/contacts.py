"""Contacts: create, upsert, read, update, delete, search, and what hangs below one contact.

Turns `/contacts`, `/contact/sync` and `/contacts/{id}/...` into rows. The e-mail is the identity, without regard to
case. Omitted attributes keep their values; an empty custom value clears. `POST /contacts/sync` (with the plural) is a
plain create, a trap that the real system sets too. Deleting is for good: the same e-mail gets a new id afterwards and
its opt-outs are forgotten.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from fieldwright.connectors.sandbox.activecampaign.accounts import shown_account_contact
from fieldwright.connectors.sandbox.activecampaign.call import (
    Call,
    Reply,
    Route,
    as_id,
    as_text,
    fault,
    message_fault,
    nothing_found,
    page,
)
from fieldwright.connectors.sandbox.activecampaign.deals import shown_deal
from fieldwright.connectors.sandbox.activecampaign.lists import shown_membership
from fieldwright.connectors.sandbox.activecampaign.tags import shown_association
from fieldwright.connectors.sandbox.activecampaign.values import field_types, keep_values, shown_value, values_of

_EMAIL: Final = re.compile(r"[^@\s,;<>\"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_COLUMNS: Final = {"firstName": "first_name", "lastName": "last_name", "phone": "phone"}
_ORDERS: Final = {
    "id": "id",
    "email": "email_key",
    "first_name": "first_name",
    "last_name": "last_name",
    "cdate": "cdate",
    "udate": "udate",
    "name": "first_name || last_name",
}
_EMAIL_POINTER: Final = "/data/attributes/email"


def is_email(text: str) -> bool:
    """Whether the account takes this as an address of a contact."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    number = row["id"]
    return {
        "cdate": call.shown(row["cdate"]),
        "email": row["email"],
        "phone": row["phone"],
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "orgid": "0",
        "orgname": "",
        "segmentio_id": "",
        "bounced_hard": "0",
        "bounced_soft": "0",
        "bounced_date": None,
        "ip": "0",
        "ua": None,
        "hash": "",
        "socialdata_lastcheck": None,
        "email_local": "",
        "email_domain": row["email_key"].partition("@")[2],
        "sentcnt": "0",
        "rating_tstamp": None,
        "gravatar": "0",
        "deleted": "0",
        "anonymized": "0",
        "udate": call.shown(row["udate"]),
        "deleted_at": "0000-00-00 00:00:00",
        "created_timestamp": row["cdate"][:19].replace("T", " "),
        "updated_timestamp": row["udate"][:19].replace("T", " "),
        "links": {
            name: f"{call.base}/contacts/{number}/{name}"
            for name in ("contactLists", "contactTags", "fieldValues", "accountContacts", "deals")
        },
        "id": str(number),
        "organization": None,
    }


def _contact(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM contacts WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("Subscriber", call.path.get("id", number))
    return row


def _related(call: Call, table: str, numbers: Sequence[int]) -> list[sqlite3.Row]:
    marks = ",".join("?" * len(numbers))
    return call.storage.rows(f"SELECT * FROM {table} WHERE contact IN ({marks}) ORDER BY id", numbers)


def _checked_email(value: Any) -> str:
    text = as_text(value).strip()
    if not text:
        raise fault(422, "The contact email is required.", "field_missing", _EMAIL_POINTER)
    if not is_email(text):
        raise fault(422, "Contact Email Address is not valid.", "email_invalid", _EMAIL_POINTER)
    return text


def _custom_values(call: Call, given: Mapping[str, Any]) -> list[tuple[int, Any]]:
    listed = given.get("fieldValues")
    if not isinstance(listed, list):
        return []
    return [(as_id(item.get("field")), item.get("value")) for item in listed if isinstance(item, dict)]


def _written(call: Call, number: int, given: Mapping[str, Any], status: int) -> Reply:
    values = _custom_values(call, given)
    if values:
        keep_values(call, number, values, field_types(call))
    kept = values_of(call, [number])
    contact = {**_shown(call, _contact(call, number)), "fieldValues": [str(row["id"]) for row in kept]}
    return Reply(status, {"fieldValues": [shown_value(call, row) for row in kept], "contact": contact})


def _insert(call: Call, email: str, given: Mapping[str, Any]) -> int:
    stamp = call.stamp()
    return call.storage.insert(
        "INSERT INTO contacts (email, email_key, first_name, last_name, phone, cdate, udate) VALUES (?,?,?,?,?,?,?)",
        (email, email.lower(), *(as_text(given.get(name)) for name in _COLUMNS), stamp, stamp),
    )


def _update(call: Call, number: int, given: Mapping[str, Any]) -> None:
    columns = {column: as_text(given[name]) for name, column in _COLUMNS.items() if name in given}
    if "email" in given:
        columns["email"] = _checked_email(given["email"])
        columns["email_key"] = columns["email"].lower()
    columns["udate"] = call.stamp()
    assignments = ", ".join(f"{column} = ?" for column in columns)
    call.storage.write(f"UPDATE contacts SET {assignments} WHERE id = ?", [*columns.values(), number])


def _owner(call: Call, email: str) -> int | None:
    row = call.storage.row("SELECT id FROM contacts WHERE email_key = ?", (email.lower(),))
    return None if row is None else int(row["id"])


def _taken() -> Exception:
    return fault(422, "Email address already exists in the system", "duplicate", _EMAIL_POINTER)


def create_contact(call: Call) -> Reply:
    """`POST /contacts`, and what `POST /contacts/sync` really does."""
    given = call.part("contact")
    email = _checked_email(given.get("email"))
    if _owner(call, email) is not None:
        raise _taken()
    return _written(call, _insert(call, email, given), given, 201)


def sync_contact(call: Call) -> Reply:
    """`POST /contact/sync`: create or update by e-mail. 201 for new ones; documentation says 201 for both, live
    accounts were seen to answer 200 for an update."""
    given = call.part("contact")
    email = _checked_email(given.get("email"))
    number = _owner(call, email)
    if number is None:
        return _written(call, _insert(call, email, given), given, 201)
    _update(call, number, given)
    return _written(call, number, given, 200)


def read_contact(call: Call) -> Reply:
    """`GET /contacts/{id}`: everything about one contact, as siblings of it."""
    row = _contact(call, call.number("id"))
    lists, values, account, deals = (
        _related(call, table, [row["id"]]) for table in ("contact_lists", "field_values", "account_contacts", "deals")
    )
    contact = {
        **_shown(call, row),
        "contactLists": [str(item["id"]) for item in lists],
        "fieldValues": [str(item["id"]) for item in values],
        "accountContacts": [str(item["id"]) for item in account],
        "deals": [str(item["id"]) for item in deals],
    }
    return Reply(
        200,
        {
            "contactAutomations": [],
            "contactLists": [shown_membership(call, item) for item in lists],
            "deals": [shown_deal(call, item) for item in deals],
            "fieldValues": [shown_value(call, item) for item in values],
            "geoIps": [],
            "accountContacts": [shown_account_contact(call, item) for item in account],
            "contact": contact,
        },
    )


def update_contact(call: Call) -> Reply:
    """`PUT /contacts/{id}`, the only way to change an e-mail; refused when it belongs to another contact."""
    number, given = call.number("id"), call.part("contact")
    _contact(call, number)
    if "email" in given and _owner(call, _checked_email(given["email"])) not in (None, number):
        raise _taken()
    _update(call, number, given)
    return _written(call, number, given, 200)


def delete_contact(call: Call) -> Reply:
    """`DELETE /contacts/{id}`; its 404 has other words than the one of reading."""
    if not call.storage.write("DELETE FROM contacts WHERE id = ?", (call.number("id"),)):
        raise message_fault(404, f"No result found for contact with id {call.path['id']}")
    return Reply(200, {})


def _conditions(call: Call) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []

    def ask(condition: str, *wanted: Any) -> None:
        where.append(condition)
        values.extend(wanted)

    for name in ("email", "filters[email]"):
        wanted = call.parameter(name)
        if wanted is not None:
            ask("email_key = ?", wanted.strip().lower())
    if (wanted := call.parameter("email_like")) is not None:
        ask("instr(email_key, ?) > 0", wanted.lower())
    if (wanted := call.parameter("search")) is not None:
        text = wanted.lower()
        ask(
            "(instr(email_key, ?) OR instr(lower(first_name), ?) OR instr(lower(last_name), ?) OR instr(phone, ?)"
            " OR instr(lower(first_name || ' ' || last_name), ?))",
            *[text] * 5,
        )
    if numbers := call.parameters("ids"):
        ask(f"id IN ({','.join('?' * len(numbers))})", *(as_id(number) for number in numbers))
    if (wanted := call.parameter("id_greater")) is not None:
        ask("id > ?", as_id(wanted))
    if (wanted := call.parameter("id_less")) is not None:
        ask("id < ?", as_id(wanted))
    if (wanted := call.parameter("tagid")) is not None:
        ask("id IN (SELECT contact FROM contact_tags WHERE tag = ?)", as_id(wanted))
    _ask_subscription(call, ask)
    for name, condition in (
        ("created_before", "cdate < ?"),
        ("created_after", "cdate > ?"),
        ("updated_before", "udate < ?"),
        ("updated_after", "udate > ?"),
    ):
        if (wanted := call.parameter(f"filters[{name}]")) is not None:
            ask(condition, _instant(call, wanted))
    return where, values


def _ask_subscription(call: Call, ask: Any) -> None:
    listed, status = call.parameter("listid"), call.parameter("status")
    if listed is None and status in (None, "-1"):
        return
    condition, wanted = "SELECT contact FROM contact_lists WHERE 1", []
    if listed is not None:
        condition += " AND list = ?"
        wanted.append(as_id(listed))
    if status is not None and status != "-1":
        condition += " AND status = ?"
        wanted.append(as_id(status))
    ask(f"id IN ({condition})", *wanted)


def _instant(call: Call, text: str) -> str:
    try:
        # A "+" that a client did not escape arrives as a blank.
        found = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    except ValueError:
        raise fault(400, "The date is not valid.", "field_invalid") from None
    aware = found if found.tzinfo else found.replace(tzinfo=call.zone)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def _order(call: Call) -> str:
    wanted = []
    for key, value in call.query:
        name = key.removeprefix("orders[").removesuffix("]")
        if key.startswith("orders[") and name in _ORDERS:
            wanted.append(f"{_ORDERS[name]} {'DESC' if value.upper() == 'DESC' else 'ASC'}")
    return ", ".join([*wanted, "id"])


def list_contacts(call: Call) -> Reply:
    """`GET /contacts` with its filters, orders and side-loads (`include=contactLists,fieldValues,contactTags`)."""
    where, values = _conditions(call)
    rows, meta = page(call, "contacts", where, values, order=_order(call))
    numbers = [row["id"] for row in rows]
    contacts = [_shown(call, row) for row in rows]
    reply: dict[str, Any] = {"scoreValues": []}
    for name in call.parameters("include"):
        if name not in _SIDE_LOADS or name in reply:
            continue
        table, show = _SIDE_LOADS[name]
        related = _related(call, table, numbers)
        reply[name] = [show(call, item) for item in related]
        own: dict[int, list[str]] = {number: [] for number in numbers}
        for item in related:
            own[item["contact"]].append(str(item["id"]))
        for number, contact in zip(numbers, contacts, strict=True):
            contact[name] = own[number]
    return Reply(200, {**reply, "contacts": contacts, "meta": meta})


_SIDE_LOADS: Final = {
    "contactLists": ("contact_lists", shown_membership),
    "fieldValues": ("field_values", shown_value),
    "contactTags": ("contact_tags", shown_association),
    "accountContacts": ("account_contacts", shown_account_contact),
    "deals": ("deals", shown_deal),
}
"""Of these only contactLists is documented; the others follow the same pattern (unverified)."""


def list_below(call: Call) -> Reply:
    """`GET /contacts/{id}/{contactLists|fieldValues|contactTags|accountContacts|deals|contactAutomations}`."""
    row, name = _contact(call, call.number("id")), call.path["below"]
    if name == "contactAutomations":
        return Reply(200, {name: []})
    if name not in _SIDE_LOADS:
        raise message_fault(404, "No route found")
    table, show = _SIDE_LOADS[name]
    return Reply(200, {name: [show(call, item) for item in _related(call, table, [row["id"]])]})


ROUTES: Final = (
    Route("GET", "/contacts", list_contacts),
    Route("POST", "/contacts", create_contact),
    Route("POST", "/contacts/sync", create_contact),
    Route("POST", "/contact/sync", sync_contact),
    Route("GET", "/contacts/{id}", read_contact),
    Route("PUT", "/contacts/{id}", update_contact),
    Route("DELETE", "/contacts/{id}", delete_contact),
    Route("GET", "/contacts/{id}/{below}", list_below),
)

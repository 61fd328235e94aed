"""Accounts (companies) and the one account a contact may belong to.

Turns `/accounts` and `/accountContacts` into rows: names are unique, and a second account for a contact is refused
with the words that integrations meet on every re-sync.
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
)


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    count = call.storage.number("SELECT COUNT(*) FROM account_contacts WHERE account = ?", (row["id"],))
    return {
        "name": row["name"],
        "accountUrl": row["account_url"],
        "owner": row["owner"],
        "createdTimestamp": call.shown(row["cdate"]),
        "updatedTimestamp": call.shown(row["udate"]),
        "contactCount": str(count),
        "dealCount": "0",
        "links": {"accountContacts": f"{call.base}/accounts/{row['id']}/accountContacts"},
        "id": str(row["id"]),
    }


def shown_account_contact(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """The association of a contact with its account as replies show it."""
    return {
        "account": str(row["account"]),
        "contact": str(row["contact"]),
        "jobTitle": row["job_title"],
        "createdTimestamp": call.shown(row["cdate"]),
        "updatedTimestamp": call.shown(row["cdate"]),
        "links": {
            "account": f"{call.base}/accountContacts/{row['id']}/account",
            "contact": f"{call.base}/accountContacts/{row['id']}/contact",
        },
        "id": str(row["id"]),
    }


def _account(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM accounts WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("CustomerAccount", call.path.get("id", number))
    return row


def _checked_name(call: Call, name: str, own: int = -1) -> None:
    if not name:
        raise fault(422, "The account name was not provided.", "field_missing", "/data/attributes/name")
    if call.storage.row("SELECT 1 FROM accounts WHERE name_key = ? AND id <> ?", (name.lower(), own)):
        title = f'An account named "{name}" already exists. Please choose a new name.'
        raise fault(422, title, "duplicate", "/data/attributes/name")


def list_accounts(call: Call) -> Reply:
    """`GET /accounts`, by `search` (contains) or `filters[name]` (equals)."""
    where, values = [], []
    for name, condition in (("search", "instr(name_key, lower(?)) > 0"), ("filters[name]", "name_key = lower(?)")):
        wanted = call.parameter(name)
        if wanted is not None:
            where.append(condition)
            values.append(wanted)
    rows, meta = page(call, "accounts", where, values)
    return Reply(200, {"accounts": [_shown(call, row) for row in rows], "meta": meta})


def create_account(call: Call) -> Reply:
    """`POST /accounts`."""
    given = call.part("account")
    name, stamp = as_text(given.get("name")).strip(), call.stamp()
    _checked_name(call, name)
    number = call.storage.insert(
        "INSERT INTO accounts (name, name_key, account_url, owner, cdate, udate) VALUES (?, ?, ?, ?, ?, ?)",
        (name, name.lower(), as_text(given.get("accountUrl")), as_text(given.get("owner")) or "1", stamp, stamp),
    )
    return Reply(201, {"account": _shown(call, _account(call, number))})


def read_account(call: Call) -> Reply:
    """`GET /accounts/{id}`."""
    return Reply(200, {"account": _shown(call, _account(call, call.number("id")))})


def update_account(call: Call) -> Reply:
    """`PUT /accounts/{id}`."""
    row, given = _account(call, call.number("id")), call.part("account")
    name = as_text(given.get("name", row["name"])).strip()
    _checked_name(call, name, row["id"])
    call.storage.write(
        "UPDATE accounts SET name = ?, name_key = ?, account_url = ?, udate = ? WHERE id = ?",
        (name, name.lower(), as_text(given.get("accountUrl", row["account_url"])), call.stamp(), row["id"]),
    )
    return Reply(200, {"account": _shown(call, _account(call, row["id"]))})


def delete_account(call: Call) -> Reply:
    """`DELETE /accounts/{id}`; contacts stay."""
    row = _account(call, call.number("id"))
    call.storage.write("DELETE FROM accounts WHERE id = ?", (row["id"],))
    return Reply(200, {})


def list_account_contacts(call: Call) -> Reply:
    """`GET /accountContacts`, by `filters[contact]` and `filters[account]`."""
    where, values = [], []
    for name in ("contact", "account"):
        wanted = call.parameter(f"filters[{name}]")
        if wanted is not None:
            where.append(f"{name} = ?")
            values.append(as_id(wanted))
    rows, meta = page(call, "account_contacts", where, values)
    return Reply(200, {"accountContacts": [shown_account_contact(call, row) for row in rows], "meta": meta})


def create_account_contact(call: Call) -> Reply:
    """`POST /accountContacts`: one account a contact."""
    given = call.part("accountContact")
    contact, account = as_id(given.get("contact")), as_id(given.get("account"))
    for name, number, table in (("contact", contact, "contacts"), ("account", account, "accounts")):
        if call.storage.row(f"SELECT 1 FROM {table} WHERE id = ?", (number,)) is None:
            raise fault(422, f"The {name} does not exist.", "related_missing", f"/data/attributes/{name}")
    if call.storage.row("SELECT 1 FROM account_contacts WHERE contact = ?", (contact,)):
        raise fault(
            422,
            "This contact is already associated with an account."
            " We currently do not support contacts on multiple accounts.",
            "field_invalid",
            "/data/attributes/account,contact",
        )
    number = call.storage.insert(
        "INSERT INTO account_contacts (contact, account, job_title, cdate) VALUES (?, ?, ?, ?)",
        (contact, account, as_text(given.get("jobTitle")), call.stamp()),
    )
    row = call.storage.row("SELECT * FROM account_contacts WHERE id = ?", (number,))
    assert row is not None
    shown = {**shown_account_contact(call, row), "contact": given["contact"], "account": given["account"]}
    return Reply(201, {"accountContact": shown})


def delete_account_contact(call: Call) -> Reply:
    """`DELETE /accountContacts/{id}`."""
    if not call.storage.write("DELETE FROM account_contacts WHERE id = ?", (call.number("id"),)):
        raise nothing_found("CustomerAccountContact", call.path["id"])
    return Reply(200, {})


ROUTES: Final = (
    Route("GET", "/accounts", list_accounts),
    Route("POST", "/accounts", create_account),
    Route("GET", "/accounts/{id}", read_account),
    Route("PUT", "/accounts/{id}", update_account),
    Route("DELETE", "/accounts/{id}", delete_account),
    Route("GET", "/accountContacts", list_account_contacts),
    Route("POST", "/accountContacts", create_account_contact),
    Route("DELETE", "/accountContacts/{id}", delete_account_contact),
)

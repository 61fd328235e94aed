"""The bulk importer: up to 250 contacts in one request, checked as a whole, applied later.

Turns `/import/bulk_import` into a stored batch and a due batch into contacts, values, tags and subscriptions. The
check is all or nothing and looks at the form only; an address that looks like one but has no real domain is accepted
and fails when the batch is applied, and is then told by `/import/info`. Unlike `lists`, the importer never brings
back a person who left a list or whose mail bounced. It makes absent tags and never removes one.

`apply_due` is called by `app` before each request: a batch is due `import_delay` seconds of the sandbox's clock after
it came. `callback` is accepted and not called.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from fieldwright.connectors.sandbox.activecampaign.call import (
    Call,
    Reply,
    Route,
    as_id,
    as_text,
    import_fault,
    nothing_found,
)
from fieldwright.connectors.sandbox.activecampaign.contacts import is_email
from fieldwright.connectors.sandbox.activecampaign.lists import ACTIVE, UNSUBSCRIBED
from fieldwright.connectors.sandbox.activecampaign.tags import tag_id
from fieldwright.connectors.sandbox.activecampaign.values import field_types, stored_value

MAX_CONTACTS: Final = 250
MAX_BYTES: Final = 399_999
_PER_MINUTE_ONE: Final = 20
_PER_MINUTE_MANY: Final = 100
_REFUSED: Final = "JSON payload did not pass validation. No contacts were imported."
_LOOKS_LIKE_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_IMPORT_SOURCE: Final = 5


class ImportLimiter:
    """Imports a minute: 20 of a single contact, 100 of several. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[bool, deque[float]] = {True: deque(), False: deque()}

    def admit(self, contacts: int) -> None:
        """Count one import; refuses with status 400, not 429, when there were too many."""
        single = contacts == 1
        seen, now = self._seen[single], self._monotonic()
        while seen and seen[0] <= now - 60:
            seen.popleft()
        allowed = _PER_MINUTE_ONE if single else _PER_MINUTE_MANY
        if len(seen) >= allowed:
            kind = "with a single contact" if single else "with multiple contacts"
            raise import_fault("Rate limit exceeded.", [f"Up to {allowed} imports may be requested per minute {kind}."])
        seen.append(now)


def bulk_import(limiter: ImportLimiter | None, delay: timedelta) -> Callable[[Call], Reply]:
    """The handler of `POST /import/bulk_import` for these settings."""

    def accept(call: Call) -> Reply:
        contacts = call.body.get("contacts") if isinstance(call.body, dict) else None
        if not isinstance(contacts, list) or not contacts:
            raise import_fault(_REFUSED, ["contacts is required"])
        if limiter is not None:
            limiter.admit(len(contacts))
        if call.size > MAX_BYTES:
            raise import_fault(_REFUSED, [f"Payload may not exceed {MAX_BYTES} bytes"])
        if len(contacts) > MAX_CONTACTS:
            raise import_fault(_REFUSED, [f"No more than {MAX_CONTACTS} contacts may be imported at once"])
        reasons = [
            {"contact": place, "failureReason": reason}
            for place, contact in enumerate(contacts)
            for reason in _problems(contact)
        ]
        if reasons:
            raise import_fault(_REFUSED, reasons)
        batch = str(uuid.uuid4())
        now = call.clock.now().astimezone(UTC)
        call.storage.write(
            "INSERT INTO imports (batch, received, due, status, size, payload) VALUES (?, ?, ?, 'waiting', ?, ?)",
            (batch, now.isoformat(), (now + delay).isoformat(), len(contacts), msgspec.json.encode(contacts)),
        )
        message = "Contact import queued" if len(contacts) == 1 else "Contacts import queued"
        return Reply(200, {"Success": 1, "queued_contacts": len(contacts), "batchId": batch, "message": message})

    return accept


def _problems(contact: Any) -> list[str]:
    if not isinstance(contact, dict):
        return ["Contact is not an object"]
    found = []
    email = contact.get("email")
    if email in (None, ""):
        found.append("Field email is required")
    elif not isinstance(email, str) or not _LOOKS_LIKE_EMAIL.fullmatch(email.strip()):
        found.append("Field email incorrect format")
    for name in ("first_name", "last_name", "phone", "customer_acct_name"):
        if not isinstance(contact.get(name, ""), str):
            found.append(f"Field {name} incorrect format")
    for name, key in (("fields", "id"), ("subscribe", "listid"), ("unsubscribe", "listid")):
        items = contact.get(name, [])
        if not isinstance(items, list) or not all(
            isinstance(item, dict) and as_id(item.get(key)) > 0 for item in items
        ):
            found.append(f"Field {name} incorrect format")
    tags = contact.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        found.append("Field tags incorrect format")
    return found


def apply_due(call: Call) -> None:
    """Apply every batch whose time has come."""
    now = call.clock.now().astimezone(UTC).isoformat()
    due = call.storage.rows("SELECT * FROM imports WHERE status = 'waiting' AND due <= ? ORDER BY received", (now,))
    if not due:
        return
    kinds = field_types(call)
    lists = {row["id"] for row in call.storage.rows("SELECT id FROM lists")}
    for batch in due:
        success, failure = _apply(call, msgspec.json.decode(batch["payload"]), kinds, lists)
        call.storage.write(
            "UPDATE imports SET status = 'completed', payload = '', success = ?, failure = ? WHERE batch = ?",
            (json.dumps(success), json.dumps(failure), batch["batch"]),
        )


def _apply(
    call: Call, contacts: list[dict[str, Any]], kinds: Mapping[int, str], lists: set[int]
) -> tuple[list[str], list[str]]:
    success: list[str] = []
    failure: list[str] = []
    values: list[tuple[Any, ...]] = []
    memberships: list[tuple[Any, ...]] = []
    tags: list[tuple[Any, ...]] = []
    tag_ids: dict[str, int] = {}
    stamp = call.stamp()
    for contact in contacts:
        email = contact["email"].strip()
        if not is_email(email):
            failure.append(email)
            continue
        number = _upsert(call, email, contact, stamp)
        success.append(str(number))
        for item in contact.get("fields", ()):
            field = as_id(item["id"])
            if field in kinds:
                values.append((number, field, stored_value(kinds[field], item.get("value"), call.zone), stamp, stamp))
        for item in contact.get("subscribe", ()):
            memberships.append((number, as_id(item["listid"]), ACTIVE, stamp, None))
        for item in contact.get("unsubscribe", ()):
            memberships.append((number, as_id(item["listid"]), UNSUBSCRIBED, None, stamp))
        for name in contact.get("tags", ()):
            if name not in tag_ids:
                tag_ids[name] = tag_id(call, name)
            tags.append((number, tag_ids[name], stamp))
    call.storage.write_many(
        "INSERT INTO field_values (contact, field, value, cdate, udate) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contact, field) DO UPDATE SET value = excluded.value, udate = excluded.udate",
        values,
    )
    # An import cannot subscribe who has left the list (2) or bounced (3); it may still unsubscribe anybody.
    call.storage.write_many(
        f"INSERT INTO contact_lists (contact, list, status, sourceid, sdate, udate, cdate)"
        f" VALUES (?, ?, ?, {_IMPORT_SOURCE}, ?, ?, ?) ON CONFLICT (contact, list) DO UPDATE SET"
        f" status = excluded.status, sdate = COALESCE(excluded.sdate, sdate), udate = excluded.udate"
        f" WHERE excluded.status = {UNSUBSCRIBED} OR contact_lists.status NOT IN (2, 3)",
        [(*row, stamp) for row in memberships if row[1] in lists],
    )
    call.storage.write_many("INSERT OR IGNORE INTO contact_tags (contact, tag, cdate) VALUES (?, ?, ?)", tags)
    return success, failure


def _upsert(call: Call, email: str, contact: Mapping[str, Any], stamp: str) -> int:
    given = [as_text(contact[name]) if name in contact else None for name in ("first_name", "last_name", "phone")]
    row = call.storage.row(
        "INSERT INTO contacts (email, email_key, first_name, last_name, phone, cdate, udate)"
        " VALUES (?1, ?2, COALESCE(?3, ''), COALESCE(?4, ''), COALESCE(?5, ''), ?6, ?6)"
        " ON CONFLICT (email_key) DO UPDATE SET first_name = COALESCE(?3, first_name),"
        " last_name = COALESCE(?4, last_name), phone = COALESCE(?5, phone), udate = ?6 RETURNING id",
        (email, email.lower(), *given, stamp),
    )
    assert row is not None
    return int(row["id"])


def import_info(call: Call) -> Reply:
    """`GET /import/info?batchId=`: how far one batch is; ids of contacts that went in, e-mails of those that did not.
    The names of states before `completed` are unverified."""
    batch = call.parameter("batchId") or ""
    row = call.storage.row("SELECT * FROM imports WHERE batch = ?", (batch,))
    if row is None:
        raise nothing_found("Batch", batch)
    return Reply(
        200, {"status": row["status"], "success": json.loads(row["success"]), "failure": json.loads(row["failure"])}
    )


def import_overview(call: Call) -> Reply:
    """`GET /import/bulk_import`: batches and contacts still waiting, by day, and the latest that are done."""
    waiting = call.storage.rows(
        "SELECT substr(received, 1, 10) AS day, COUNT(*) AS batches, SUM(size) AS contacts FROM imports"
        " WHERE status = 'waiting' GROUP BY day ORDER BY day"
    )
    done = call.storage.rows("SELECT * FROM imports WHERE status = 'completed' ORDER BY received DESC LIMIT 20")
    return Reply(
        200,
        {
            "outstanding": [
                {"forDate": row["day"], "batches": str(row["batches"]), "contacts": str(row["contacts"])}
                for row in waiting
            ],
            "recentlyCompleted": [
                {
                    "batchId": row["batch"],
                    "contacts": str(row["size"]),
                    "completedTimestamp": datetime.fromisoformat(row["due"]).strftime("%Y-%m-%d %H:%M:%S"),
                }
                for row in done
            ],
        },
    )


def routes(limiter: ImportLimiter | None, delay: timedelta) -> tuple[Route, ...]:
    """The endpoints of the importer for these settings."""
    return (
        Route("POST", "/import/bulk_import", bulk_import(limiter, delay)),
        Route("GET", "/import/bulk_import", import_overview),
        Route("GET", "/import/info", import_info),
    )

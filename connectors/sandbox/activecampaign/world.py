"""The account as it stands before the first contact comes: a user, two lists, a pipeline, and the
fields a Chargebee sync uses.

`seed` turns an empty file into that account; it is the same for any number of customers, because contacts come from
the sync. `mark` puts a person into a state that no API call can produce (a bounce), for scenarios and tests.
"""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Final

from fieldwright.connectors.sandbox.activecampaign.app import DEFAULT_ZONE
from fieldwright.connectors.sandbox.activecampaign.lists import OWN_GROUP
from fieldwright.connectors.sandbox.activecampaign.storage import Storage
from fieldwright.connectors.sandbox.clock import Clock

LISTS: Final = ("Customers", "Newsletter")
"""The account's lists, in the order of their ids 1, 2."""

PIPELINE: Final = "Sales"
STAGES: Final = ("To Contact", "In Contact", "Follow Up")
"""The one pipeline of a new account and its stages (names unverified)."""

CHARGEBEE_FIELDS: Final = (
    ("CB_CUSTOMER_ID", "text", "Chargebee Customer Id"),
    ("CB_COMPANY", "text", "Chargebee Company"),
    ("CB_COUNTRY", "text", "Chargebee Country"),
    ("CB_MRR", "number", "Chargebee MRR"),
    ("CB_SUBSCRIPTION_ID", "text", "Chargebee Subscription Id"),
    ("CB_PLAN_ID", "text", "Chargebee Plan Id"),
    ("CB_PLAN_NAME", "text", "Chargebee Plan Name"),
    ("CB_STATUS", "text", "Chargebee Status"),
    ("CB_CREATED", "date", "Chargebee Created"),
    ("CB_TRIAL_END", "date", "Chargebee Trial End"),
    ("CB_NEXT_BILLING", "date", "Chargebee Next Billing"),
    ("CB_CANCELLED", "date", "Chargebee Cancelled"),
    ("CB_CANCEL_REASON", "text", "Chargebee Cancel Reason"),
    ("CB_CURRENCY", "text", "Chargebee Currency"),
)
"""Personalisation tag, type and title of the custom fields that a connected account has."""


def seed(database: Path, clock: Clock, *, customers: int = 0, seed: int = 1, chargebee_fields: bool = True) -> None:
    """Fill an empty account; a filled one is left alone. `customers` and `seed` do not matter here.

    Without `chargebee_fields` the account has no custom field, as one that was never connected."""
    storage = Storage(database)
    stamp = clock.now().astimezone(UTC).isoformat(timespec="seconds")
    try:
        with storage.transaction():
            if storage.setting("account") is not None:
                return
            storage.keep_setting("account", "Sandbox")
            storage.keep_setting("user_email", "sandbox@example.com")
            storage.keep_setting("timezone", DEFAULT_ZONE)
            for name in LISTS:
                number = storage.insert(
                    "INSERT INTO lists (name, stringid, sender_url, sender_reminder, cdate, udate)"
                    " VALUES (?, ?, 'https://example.com', 'You are a customer of ours.', ?, ?)",
                    (name, name.lower(), stamp, stamp),
                )
                storage.insert("INSERT INTO list_groups (list, grp) VALUES (?, ?)", (number, OWN_GROUP))
            pipeline = storage.insert(
                "INSERT INTO deal_groups (title, currency, cdate) VALUES (?, 'usd', ?)", (PIPELINE, stamp)
            )
            storage.write_many(
                "INSERT INTO deal_stages (title, pipeline, place, cdate) VALUES (?, ?, ?, ?)",
                [(title, pipeline, place, stamp) for place, title in enumerate(STAGES, 1)],
            )
            for order, (tag, kind, title) in enumerate(CHARGEBEE_FIELDS if chargebee_fields else (), 1):
                number = storage.insert(
                    "INSERT INTO fields (title, title_key, perstag, type, ordernum, cdate, udate)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (title, title.lower(), tag, kind, order, stamp, stamp),
                )
                storage.insert("INSERT INTO field_rels (field, relid, cdate) VALUES (?, 0, ?)", (number, stamp))
    finally:
        storage.close()


def mark(database: Path, email: str, list_name: str, status: int) -> None:
    """Set the subscription of a contact to any state, for example 3 (bounced), which mail servers cause and the API
    does not. Raises LookupError when there is no such contact or list."""
    storage = Storage(database)
    try:
        with storage.transaction():
            changed = storage.write(
                "INSERT INTO contact_lists (contact, list, status, sourceid, cdate)"
                " SELECT contacts.id, lists.id, ?, 0, contacts.cdate FROM contacts, lists"
                " WHERE contacts.email_key = ? AND lists.name = ?"
                " ON CONFLICT (contact, list) DO UPDATE SET status = excluded.status",
                (status, email.lower(), list_name),
            )
        if not changed:
            raise LookupError(f"no contact {email} or no list {list_name}")
    finally:
        storage.close()

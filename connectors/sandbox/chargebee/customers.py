"""Operations on customers and their contacts."""

from typing import Any

from fieldwright.connectors.sandbox.chargebee.errors import bad_request, missing, not_found
from fieldwright.connectors.sandbox.chargebee.forms import typed
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.resources import resources
from fieldwright.connectors.sandbox.chargebee.site import (
    Reply,
    Request,
    Site,
    group,
    keep_filled,
    merge,
    reply,
    required,
)
from fieldwright.connectors.sandbox.database import encode

_DEFAULTS: Document = {
    "auto_collection": "on",
    "net_term_days": 0,
    "allow_direct_debit": False,
    "taxability": "taxable",
    "pii_cleared": "active",
    "channel": "web",
    "card_status": "no_card",
    "promotional_credits": 0,
    "refundable_credits": 0,
    "excess_payments": 0,
    "unbilled_charges": 0,
    "deleted": False,
}


def new_customer(values: Document, key: str, at: int) -> Document:
    """A customer document with the site's defaults beneath the given values."""
    document = {"id": key, **_DEFAULTS, "created_at": at}
    merge(document, {name: value for name, value in values.items() if value is not None})
    if "billing_address" in document:
        document["billing_address"].setdefault("validation_status", "not_validated")
    document.setdefault("preferred_currency_code", "USD")
    return document


def create(site: Site, request: Request) -> Reply:
    """POST /customers"""
    return reply(customer=create_document(site, request.params))


def create_document(site: Site, params: Any) -> Document:
    """Store a customer made of parameters; also used where a subscription creates its customer."""
    values = site.values("customer", "create", params)
    values.pop("id", None)
    key = typed(params.get("id", ""), "string", "id") or site.new_id()
    document = site.store.insert("customer", new_customer(values, key, site.now))
    site.emit("customer_created", customer=document)
    return document


def update(site: Site, request: Request) -> Reply:
    """POST /customers/{id}"""
    return _change(site, request, site.values("customer", "update", request.params))


def update_billing_info(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/update_billing_info"""
    values = site.values("customer", "update_billing_info", request.params)
    if "billing_address" in values and values["billing_address"] is not None:
        before = site.store.get("customer", request.key).get("billing_address", {})
        address = {**before, **values["billing_address"]}
        values["billing_address"] = {name: value for name, value in address.items() if value is not None}
        values["billing_address"].setdefault("validation_status", "not_validated")
    return _change(site, request, values)


def _change(site: Site, request: Request, values: Document) -> Reply:
    keep_filled(values, _DEFAULTS)
    document = site.store.get("customer", request.key)
    if merge(document, values):
        site.store.save("customer", document)
        site.emit("customer_changed", customer=document)
    return reply(customer=document)


def delete(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/delete: the customer stays as a tombstone, its subscriptions too."""
    document = site.store.get("customer", request.key)
    document["deleted"] = True
    for subscription in site.store.matching("subscription", "customer_id", request.key):
        subscription["deleted"] = True
        site.store.save("subscription", subscription)
        site.emit("subscription_deleted", subscription=subscription)
    site.store.save("customer", document)
    site.emit("customer_deleted", customer=document)
    return reply(customer=document)


def contacts(site: Site, request: Request) -> Reply:
    """GET /customers/{id}/contacts"""
    document = site.store.get("customer", request.key)
    entries = ",".join('{"contact":' + encode(contact) + "}" for contact in document.get("contacts", ()))
    return Reply((("list", f"[{entries}]"),))


def add_contact(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/add_contact"""
    document = site.store.get("customer", request.key)
    contact = _contact(request)
    if contact.get("email") is None:
        raise missing("contact[email]")
    contact = {
        "id": site.new_id("contact_"),
        "enabled": True,
        "send_account_email": False,
        "send_billing_email": False,
        **contact,
    }
    existing = document.get("contacts", [])
    if any(other["id"] == contact["id"] for other in existing):
        raise bad_request(f"contact {contact['id']} is already present")
    document["contacts"] = [*existing, contact]
    site.store.save("customer", document)
    site.emit("customer_changed", customer=document)
    return reply(customer=document, contact=contact)


def update_contact(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/update_contact"""
    document, contact = _named_contact(site, request)
    if merge(contact, _contact(request)):
        site.store.save("customer", document)
        site.emit("customer_changed", customer=document)
    return reply(customer=document, contact=contact)


def delete_contact(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/delete_contact"""
    document, contact = _named_contact(site, request)
    document["contacts"].remove(contact)
    site.store.save("customer", document)
    site.emit("customer_changed", customer=document)
    return reply(customer=document, contact=contact)


def _contact(request: Request) -> Document:
    given = request.params.get("contact")
    if not isinstance(given, dict):
        raise missing("contact[id]")
    contact: Document = typed(given, resources()["customer"].fields["contacts"][0], "contact")  # type: ignore[index]
    return {name: value for name, value in contact.items() if value is not None or name != "id"}


def _named_contact(site: Site, request: Request) -> tuple[Document, Document]:
    document = site.store.get("customer", request.key)
    wanted = required(group(request.params, "contact"), "id")
    for contact in document.get("contacts", ()):
        if contact["id"] == wanted:
            return document, contact
    raise not_found("contact", wanted)

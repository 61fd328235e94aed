"""Operations on invoices and credit notes."""

from fieldwright.connectors.sandbox.chargebee import billing, settlement
from fieldwright.connectors.sandbox.chargebee.errors import bad_request, missing, wrong_state, wrong_value
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.site import (
    Reply,
    Request,
    Site,
    choice,
    group,
    reply,
    required,
    rows,
    texts,
    whole,
)
from fieldwright.connectors.sandbox.chargebee.subscriptions import keep_dues, store_invoice


def create(site: Site, request: Request) -> Reply:
    """POST /invoices: one-time addons and ad-hoc charges for a customer, at once."""
    customer = site.store.get("customer", required(request.params, "customer_id"))
    currency = choice(request.params, "currency_code") or customer.get("preferred_currency_code", billing.BASE_CURRENCY)
    number = str(site.store.next_number("invoice"))
    lines = _lines(site, request, customer, number)
    if not lines:
        raise missing("charges")
    invoice = billing.draft_invoice(
        number, None, customer, lines, _coupons(site, request), site.now, first=False, currency=currency
    )
    store_invoice(site, invoice, customer)
    return reply(invoice=invoice)


def _coupons(site: Site, request: Request) -> list[Document]:
    return [site.store.get("coupon", key) for key in texts(request.params, "coupon_ids")]


def _lines(site: Site, request: Request, customer: Document, number: str) -> list[Document]:
    lines: list[Document] = []
    common = {"date_from": site.now, "date_to": site.now, "customer_id": customer["id"]}
    for item in rows(request.params, "addons"):
        addon = site.store.get("addon", required(item, "id"))
        if addon["charge_type"] != "non_recurring":
            raise wrong_value("addons", f"{addon['id']} is recurring and cannot be charged once")
        entry = billing.subscription_addon(addon, whole(item, "quantity"), whole(item, "unit_price"))
        lines.append(
            {
                **common,
                "id": f"li_{number}_{len(lines) + 1}",
                "quantity": entry["quantity"],
                "unit_amount": entry.get("unit_price", entry["amount"]),
                "amount": entry["amount"],
                "pricing_model": addon["pricing_model"],
                "description": addon["name"],
                "entity_type": "addon",
                "entity_id": addon["id"],
            }
        )
    for item in rows(request.params, "charges"):
        amount = whole(item, "amount")
        if amount is None:
            raise missing("charges[amount]")
        lines.append(
            {
                **common,
                "id": f"li_{number}_{len(lines) + 1}",
                "quantity": 1,
                "unit_amount": amount,
                "amount": amount,
                "pricing_model": "flat_fee",
                "description": required(item, "description"),
                "entity_type": "adhoc",
            }
        )
    return lines


def record_payment(site: Site, request: Request) -> Reply:
    """POST /invoices/{id}/record_payment"""
    given = group(request.params, "transaction")
    return _pay(site, request.key, whole(given, "amount"), choice(given, "payment_method") or "bank_transfer")


def collect_payment(site: Site, request: Request) -> Reply:
    """POST /invoices/{id}/collect_payment"""
    return _pay(site, request.key, whole(request.params, "amount"), "card")


def _pay(site: Site, key: str, amount: int | None, method: str) -> Reply:
    invoice = site.store.get("invoice", key)
    if invoice["status"] in ("paid", "voided", "pending"):
        raise wrong_state(f"invoice {key} is {invoice['status']}")
    amount = invoice["amount_due"] if amount is None else amount
    if not 0 < amount <= invoice["amount_due"]:
        raise wrong_value("transaction[amount]", f"should be between 1 and {invoice['amount_due']}")
    transaction = settlement.pay(invoice, amount, site.now, site.new_id("txn_"), method=method)
    site.store.insert("transaction", transaction)
    _save(site, invoice)
    site.emit("payment_succeeded", transaction=transaction, invoice=invoice)
    return reply(invoice=invoice, transaction=transaction)


def void(site: Site, request: Request) -> Reply:
    """POST /invoices/{id}/void: only while nothing was paid on it."""
    invoice = site.store.get("invoice", request.key)
    if invoice["status"] == "voided" or invoice["amount_paid"] or invoice["credits_applied"]:
        raise wrong_state(f"invoice {request.key} has payments or is voided already")
    void_invoice(invoice, site.now, choice(request.params, "void_reason_code"))
    _save(site, invoice)
    site.emit("invoice_updated", invoice=invoice)
    return reply(invoice=invoice)


def void_invoice(invoice: Document, at: int, reason: str | None = None) -> None:
    """Make an unpaid invoice void."""
    invoice |= {"status": "voided", "voided_at": at, "amount_due": 0, "amount_to_collect": 0}
    if reason:
        invoice["void_reason_code"] = reason


def write_off(site: Site, request: Request) -> Reply:
    """POST /invoices/{id}/write_off: the rest is given up by an adjustment credit note."""
    invoice = site.store.get("invoice", request.key)
    if not invoice["amount_due"]:
        raise wrong_state(f"nothing is due on invoice {request.key}")
    note = _credit(site, invoice, invoice["amount_due"], "adjustment", "write_off")
    return reply(invoice=invoice, credit_note=note)


def delete(site: Site, request: Request) -> Reply:
    """POST /invoices/{id}/delete"""
    invoice = site.store.get("invoice", request.key)
    invoice["deleted"] = True
    _save(site, invoice)
    site.emit("invoice_deleted", invoice=invoice)
    return reply(invoice=invoice)


def create_credit_note(site: Site, request: Request) -> Reply:
    """POST /credit_notes"""
    invoice = site.store.get("invoice", required(request.params, "reference_invoice_id"))
    kind = required(request.params, "type")
    if kind not in ("adjustment", "refundable"):
        raise wrong_value("type", "should be adjustment or refundable")
    room = invoice["amount_due"] if kind == "adjustment" else invoice["amount_paid"] - _issued(invoice)
    amount = whole(request.params, "total")
    amount = room if amount is None else amount
    if not 0 < amount <= room:
        raise bad_request(f"invoice {invoice['id']} can be credited with at most {room}")
    note = _credit(site, invoice, amount, kind, choice(request.params, "reason_code") or "other")
    return reply(credit_note=note, invoice=invoice)


def _issued(invoice: Document) -> int:
    return sum(link["cn_total"] for link in invoice.get("issued_credit_notes", ()))


def _credit(site: Site, invoice: Document, amount: int, kind: str, reason: str) -> Document:
    number = f"CN-{site.store.next_number('credit_note')}"
    note = settlement.draft_credit_note(number, invoice, amount, site.now, kind=kind, reason=reason)
    site.store.insert("credit_note", note)
    _save(site, invoice)
    site.emit("credit_note_created", credit_note=note)
    site.emit("invoice_updated", invoice=invoice)
    return note


def void_credit_note(site: Site, request: Request) -> Reply:
    """POST /credit_notes/{id}/void: only a refundable one that was not used."""
    note = site.store.get("credit_note", request.key)
    if note["status"] != "refund_due" or note["amount_available"] != note["total"]:
        raise wrong_state(f"credit note {request.key} is {note['status']}")
    note |= {"status": "voided", "voided_at": site.now, "amount_available": 0}
    site.store.save("credit_note", note)
    site.emit("credit_note_updated", credit_note=note)
    return reply(credit_note=note)


def delete_credit_note(site: Site, request: Request) -> Reply:
    """POST /credit_notes/{id}/delete"""
    note = site.store.get("credit_note", request.key)
    note["deleted"] = True
    site.store.save("credit_note", note)
    site.emit("credit_note_deleted", credit_note=note)
    return reply(credit_note=note)


def _save(site: Site, invoice: Document) -> None:
    site.store.save("invoice", invoice)
    if "subscription_id" in invoice:
        subscription = site.store.find("subscription", invoice["subscription_id"])
        if subscription is not None:
            before = subscription.get("total_dues"), subscription.get("due_invoices_count")
            keep_dues(site, subscription)
            if before != (subscription.get("total_dues"), subscription.get("due_invoices_count")):
                site.store.save("subscription", subscription)

"""Operations on subscriptions: create, change, schedule, delete, and charging a term (see `subscription_status`).

A change is charged at the next renewal, never prorated (deviation: the real site prorates by its settings). A customer
without a card can subscribe; its invoice then stays `payment_due` (deviation: the real site refuses by default).
"""

from collections.abc import Mapping
from typing import Any

from fieldwright.connectors.sandbox.chargebee import billing, customers, settlement
from fieldwright.connectors.sandbox.chargebee.errors import ApiError, wrong_state, wrong_value
from fieldwright.connectors.sandbox.chargebee.forms import typed
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.site import (
    Reply,
    Request,
    Site,
    choice,
    flag,
    group,
    merge,
    moment,
    reply,
    required,
    rows,
    texts,
    whole,
)

# Set by this module from parameters of the same name; the rest is copied.
_DERIVED = frozenset({"addons", "coupon", "coupons", "trial_end", "start_date", "id", "event_based_addons"})


def create(site: Site, request: Request) -> Reply:
    """POST /subscriptions: with its customer, which is created in the same step."""
    params = {**group(request.params, "customer")}
    if "billing_address" in request.params:
        params["billing_address"] = request.params["billing_address"]
    return _create(site, request, customers.create_document(site, params))


def create_for_customer(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/subscriptions"""
    return _create(site, request, site.store.get("customer", request.key))


def _create(site: Site, request: Request, customer: Document) -> Reply:
    params = request.params
    plan = _product(site, "plan", required(params, "plan_id"), "plan_id")
    key = typed(params.get("id", ""), "string", "id") or site.new_id()
    subscription = billing.new_subscription(key, customer["id"], plan, site.now)
    operation = "create_for_customer" if request.keys else "create"
    _copy(site, subscription, operation, params)
    cycles = whole(params, "billing_cycles")
    if cycles is None:
        cycles = plan.get("billing_cycles")
    if cycles is not None:
        subscription["remaining_billing_cycles"] = cycles
    _set_addons(site, subscription, params, replace=True)
    start = moment(params, "start_date") or site.now
    _set_coupons(site, subscription, params, start, replace=True)
    billing.schedule(subscription, plan, start, site.now, moment(params, "trial_end"))
    billing.price_subscription(subscription, plan)
    site.store.insert("subscription", subscription)
    invoice = None
    if subscription["status"] in ("active", "non_renewing") and flag(params, "invoice_immediately", True):
        invoice = charge_term(site, subscription, customer, first=True)
    content = {"subscription": subscription, "customer": customer}
    site.emit("subscription_created", **content, **({"invoice": invoice} if invoice else {}))
    return answer(site, subscription, customer, invoice)


def update(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}: plan, quantity, addons, coupons, dates; `end_of_term` schedules it."""
    subscription = site.store.get("subscription", request.key)
    params = request.params
    if subscription["status"] == "cancelled" and not flag(params, "reactivate"):
        raise wrong_state(f"subscription {request.key} is cancelled")
    if flag(params, "end_of_term") or params.get("change_option") == "end_of_term":
        return _schedule_change(site, subscription, params)
    before = {**subscription}
    change(site, subscription, params)
    customer = site.store.get("customer", subscription["customer_id"])
    if subscription != before:
        site.store.save("subscription", subscription)
        site.emit("subscription_changed", subscription=subscription, customer=customer)
    return answer(site, subscription, customer)


def change(site: Site, subscription: Document, params: Mapping[str, Any]) -> None:
    """Apply the parameters of an update to a subscription document; storing it is the caller's."""
    wanted = choice(params, "plan_id")
    if wanted is not None:
        plan = _product(site, "plan", wanted, "plan_id")
        if plan["id"] != subscription["plan_id"]:
            if plan["currency_code"] != subscription["currency_code"]:
                raise wrong_value("plan_id", f"currency {plan['currency_code']} differs from the subscription's")
            subscription["plan_id"] = plan["id"]
            for name in ("plan_unit_price", "setup_fee"):
                subscription.pop(name, None)
            if "billing_cycles" in plan:
                subscription["remaining_billing_cycles"] = plan["billing_cycles"]
    plan = site.store.get("plan", subscription["plan_id"])
    _copy(site, subscription, "update", params)
    cycles = whole(params, "billing_cycles")
    if cycles is not None:
        subscription["remaining_billing_cycles"] = cycles
    if "addons" in params or flag(params, "replace_addon_list"):
        _set_addons(site, subscription, params, replace=flag(params, "replace_addon_list"))
    if "coupon_ids" in params or "coupon" in params or flag(params, "replace_coupon_list"):
        _set_coupons(site, subscription, params, site.now, replace=flag(params, "replace_coupon_list"))
    if subscription["status"] == "future" and params.get("start_date"):
        billing.schedule(subscription, plan, moment(params, "start_date") or site.now, site.now, None)
    if "trial_end" in params and subscription["status"] in (
        "in_trial",
        "active",
        "non_renewing",
        "cancelled",
        "future",
    ):
        _change_trial(site, subscription, plan, moment(params, "trial_end") or 0)
    billing.price_subscription(subscription, plan)


def _change_trial(site: Site, subscription: Document, plan: Document, trial_end: int) -> None:
    if trial_end > site.now:
        subscription |= {
            "status": "in_trial",
            "trial_end": trial_end,
            "current_term_end": trial_end,
            "next_billing_at": trial_end,
        }
        subscription.setdefault("trial_start", site.now)
        subscription.setdefault("current_term_start", site.now)
    elif subscription["status"] == "in_trial":
        subscription["trial_end"] = site.now
        billing.activate(subscription, plan, site.now)
        billing.price_subscription(subscription, plan)
        charge_term(site, subscription, site.store.get("customer", subscription["customer_id"]), first=True)


def _schedule_change(site: Site, subscription: Document, params: Mapping[str, Any]) -> Reply:
    change(site, {**subscription}, params)
    site.store.database.set_fact(f"scheduled:{subscription['id']}", dict(params))
    subscription |= {
        "has_scheduled_changes": True,
        "changes_scheduled_at": subscription.get("current_term_end", site.now),
    }
    site.store.save("subscription", subscription)
    customer = site.store.get("customer", subscription["customer_id"])
    site.emit("subscription_changes_scheduled", subscription=subscription, customer=customer)
    return answer(site, subscription, customer)


def remove_scheduled_changes(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/remove_scheduled_changes"""
    subscription = site.store.get("subscription", request.key)
    if not subscription["has_scheduled_changes"]:
        raise wrong_state(f"subscription {request.key} has no scheduled changes")
    subscription["has_scheduled_changes"] = False
    subscription.pop("changes_scheduled_at", None)
    site.store.database.set_fact(f"scheduled:{request.key}", None)
    site.store.save("subscription", subscription)
    site.emit("subscription_scheduled_changes_removed", subscription=subscription)
    return answer(site, subscription)


def retrieve_with_scheduled_changes(site: Site, request: Request) -> Reply:
    """GET /subscriptions/{id}/retrieve_with_scheduled_changes"""
    subscription = site.store.get("subscription", request.key)
    if not subscription["has_scheduled_changes"]:
        raise wrong_state(f"subscription {request.key} has no scheduled changes")
    change(site, subscription, site.store.database.fact(f"scheduled:{request.key}") or {})
    return answer(site, subscription)


def change_term_end(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/change_term_end"""
    subscription = site.store.get("subscription", request.key)
    ends = moment(request.params, "term_ends_at")
    if ends is None or ends <= site.now:
        raise wrong_value("term_ends_at", "should be in the future")
    if subscription["status"] not in ("active", "non_renewing", "in_trial"):
        raise wrong_state(f"subscription {request.key} is {subscription['status']}")
    subscription["current_term_end"] = ends
    if subscription["status"] == "non_renewing":
        subscription["cancelled_at"] = ends
    else:
        subscription["next_billing_at"] = ends
    site.store.save("subscription", subscription)
    site.emit("subscription_changed", subscription=subscription)
    return answer(site, subscription)


def remove_coupons(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/remove_coupons: all, or those of `coupon_ids`."""
    subscription = site.store.get("subscription", request.key)
    named = texts(request.params, "coupon_ids") or None
    kept = (
        [] if named is None else [entry for entry in subscription.get("coupons", ()) if entry["coupon_id"] not in named]
    )
    merge(subscription, {"coupons": kept, "coupon": kept[0]["coupon_id"] if kept else None})
    site.store.save("subscription", subscription)
    site.emit("subscription_changed", subscription=subscription)
    return answer(site, subscription)


def delete(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/delete"""
    subscription = site.store.get("subscription", request.key)
    subscription["deleted"] = True
    site.store.save("subscription", subscription)
    site.emit("subscription_deleted", subscription=subscription)
    return answer(site, subscription)


def charge_term(site: Site, subscription: Document, customer: Document, *, first: bool) -> Document:
    """Invoice the current term, take the payment if the customer has a card, and keep the dues of the subscription."""
    plan = site.store.get("plan", subscription["plan_id"])
    addons = {entry["id"]: site.store.get("addon", entry["id"]) for entry in subscription.get("addons", ())}
    coupons = {
        entry["coupon_id"]: site.store.get("coupon", entry["coupon_id"]) for entry in subscription.get("coupons", ())
    }
    number = str(site.store.next_number("invoice"))
    at = subscription["current_term_start"]
    lines = billing.charge_lines(subscription, plan, addons, number, first=first)
    running = billing.running_coupons(subscription, coupons, at, first=first)
    invoice = billing.draft_invoice(
        number,
        subscription,
        customer,
        lines,
        running,
        at,
        first=first,
        currency=subscription["currency_code"],
    )
    for entry in subscription.get("coupons", ()):
        if any(coupon["id"] == entry["coupon_id"] for coupon in running):
            entry["applied_count"] += 1
    store_invoice(site, invoice, customer)
    keep_dues(site, subscription)
    site.store.save("subscription", subscription)
    return invoice


def store_invoice(site: Site, invoice: Document, customer: Document) -> None:
    """Store a new invoice, paid from the customer's card if there is one and it is to be used."""
    transaction = None
    if invoice["amount_due"] and customer["auto_collection"] == "on" and customer.get("card_status") == "valid":
        transaction = settlement.pay(invoice, invoice["amount_due"], invoice["date"], site.new_id("txn_"))
    site.store.insert("invoice", invoice)
    site.emit("invoice_generated", invoice=invoice)
    if transaction is not None:
        site.store.insert("transaction", transaction)
        site.emit("payment_succeeded", transaction=transaction, invoice=invoice)


def keep_dues(site: Site, subscription: Document) -> None:
    """Set the count, total and age of the unpaid invoices of a subscription."""
    unpaid = [
        invoice
        for invoice in site.store.matching("invoice", "subscription_id", subscription["id"])
        if invoice["amount_due"] and invoice["status"] in ("payment_due", "not_paid", "posted")
    ]
    subscription["due_invoices_count"] = len(unpaid)
    for name in ("due_since", "total_dues"):
        subscription.pop(name, None)
    if unpaid:
        subscription |= {
            "due_since": min(invoice["date"] for invoice in unpaid),
            "total_dues": sum(invoice["amount_due"] for invoice in unpaid),
        }


def _copy(site: Site, subscription: Document, operation: str, params: Mapping[str, Any]) -> None:
    values = site.values("subscription", operation, params)
    merge(subscription, {name: value for name, value in values.items() if name not in _DERIVED})
    if subscription.get("plan_quantity", 1) < 1:
        raise wrong_value("plan_quantity", "should be at least 1")


def _product(site: Site, kind: str, key: str, param: str) -> Document:
    product = site.store.find(kind, key)
    if product is None:
        raise ApiError(404, "resource_not_found", f"{kind} {key} not found", param=param)
    if product["status"] != "active":
        raise wrong_value(param, f"{kind} {key} is {product['status']}")
    return product


def _set_addons(site: Site, subscription: Document, params: Mapping[str, Any], *, replace: bool) -> None:
    entries = {} if replace else {entry["id"]: entry for entry in subscription.get("addons", ())}
    for index, item in enumerate(rows(params, "addons")):
        key = required(item, "id")
        addon = _product(site, "addon", key, f"addons[id][{index}]")
        if addon["currency_code"] != subscription["currency_code"]:
            raise wrong_value(f"addons[id][{index}]", "currency differs from the subscription's")
        quantity = whole(item, "quantity")
        if quantity is not None and quantity < 1:
            raise wrong_value(f"addons[quantity][{index}]", "should be at least 1")
        entry = billing.subscription_addon(addon, quantity, whole(item, "unit_price"))
        if item.get("trial_end"):
            entry["trial_end"] = moment(item, "trial_end")
        if item.get("billing_cycles"):
            entry["remaining_billing_cycles"] = whole(item, "billing_cycles")
        entries[key] = entry
    merge(subscription, {"addons": list(entries.values()) or None})


def _set_coupons(site: Site, subscription: Document, params: Mapping[str, Any], start: int, *, replace: bool) -> None:
    single = choice(params, "coupon")
    named = texts(params, "coupon_ids") or ([] if single is None else [single])
    entries = {} if replace else {entry["coupon_id"]: entry for entry in subscription.get("coupons", ())}
    for index, key in enumerate(named):
        if key not in entries:
            entries[key] = billing.subscription_coupon(_product(site, "coupon", key, f"coupon_ids[{index}]"), start)
    merge(subscription, {"coupons": list(entries.values()) or None, "coupon": next(iter(entries), None)})


def answer(
    site: Site, subscription: Document, customer: Document | None = None, invoice: Document | None = None
) -> Reply:
    """The reply that most operations give: the subscription with its customer, and the invoice if one was made."""
    if customer is None:
        customer = site.store.get("customer", subscription["customer_id"])
    return reply(subscription=subscription, customer=customer, invoice=invoice)

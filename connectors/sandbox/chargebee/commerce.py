"""Operations on hosted pages, gifts and quotes: what leads to a subscription."""

from typing import Any

from fieldwright.connectors.sandbox.chargebee import billing, subscription_status, subscriptions
from fieldwright.connectors.sandbox.chargebee.errors import missing, wrong_state, wrong_value
from fieldwright.connectors.sandbox.chargebee.pricing import Document, total_up
from fieldwright.connectors.sandbox.chargebee.site import (
    Reply,
    Request,
    Site,
    choice,
    flag,
    group,
    moment,
    reply,
    required,
    rows,
    texts,
    whole,
)
from fieldwright.connectors.sandbox.database import decode

# Life of a link in seconds after its creation.
_LIFE = {"collect_now": 5 * 86_400, "manage_payment_sources": 5 * 86_400}
_CHECKOUT_LIFE = 3 * 3600
_QUOTE_MOVES = {
    "open": ("accepted", "declined", "closed"),
    "accepted": ("declined", "closed", "invoiced"),
    "declined": ("closed", "accepted"),
}


def hosted_page(kind: str) -> Any:
    """POST /hosted_pages/checkout_new and so on."""

    def create(site: Site, request: Request) -> Reply:
        params = request.params
        if kind == "checkout_new":
            plan = required(group(params, "subscription"), "plan_id")
            site.store.get("plan", plan)
        if kind == "checkout_existing":
            site.store.get("subscription", required(group(params, "subscription"), "id"))
        page = new_hosted_page(
            kind,
            site.new_id(),
            site.config.site,
            site.now,
            pass_thru_content=choice(params, "pass_thru_content"),
            embed=flag(params, "embed"),
        )
        site.store.insert("hosted_page", page)
        site.store.database.set_fact(f"checkout:{page['id']}", dict(params))
        return reply(hosted_page=page)

    return create


def new_hosted_page(
    kind: str, key: str, site_name: str, at: int, *, pass_thru_content: str | None, embed: bool = False
) -> Document:
    """A fresh checkout link."""
    return {
        "id": key,
        "type": kind,
        "url": f"https://{site_name}.chargebee.com/pages/v3/{key}/",
        "state": "created",
        "pass_thru_content": pass_thru_content,
        "embed": embed,
        "layout": "in_app" if embed else "full_page",
        "created_at": at,
        "expires_at": at + _LIFE.get(kind, _CHECKOUT_LIFE),
        "content": {},
    }


def complete_checkout(site: Site, key: str) -> Document:
    """What a buyer does on the page: the subscription is made (or changed) and the page has succeeded. Raises ApiError
    when the link has expired or was used."""
    page = site.store.get("hosted_page", key)
    if page["state"] not in ("created", "requested"):
        raise wrong_state(f"hosted page {key} is {page['state']}")
    if page["expires_at"] <= site.now:
        raise wrong_state(f"hosted page {key} has expired")
    params = site.store.database.fact(f"checkout:{key}") or {}
    wanted = {
        **params.get("subscription", {}),
        **{name: params[name] for name in ("addons",) if name in params},
    }
    site.source = "hosted_page"
    if page["type"] == "checkout_existing":
        made = subscriptions.update(site, Request((wanted.pop("id"),), wanted))
    elif page["type"] == "checkout_new":
        customer = params.get("customer", {})
        if customer.get("id") and site.store.find("customer", customer["id"]) is not None:
            made = subscriptions.create_for_customer(site, Request((customer["id"],), wanted))
        else:
            made = subscriptions.create(site, Request((), {**wanted, "customer": customer}))
    else:
        raise wrong_value("hosted_page", f"a {page['type']} page cannot be completed here")
    page["content"] = {name: decode(text) for name, text in made.parts}
    page["state"] = "succeeded"
    site.store.save("hosted_page", page)
    return page


def acknowledge(site: Site, request: Request) -> Reply:
    """POST /hosted_pages/{id}/acknowledge"""
    page = site.store.get("hosted_page", request.key)
    if page["state"] != "succeeded":
        raise wrong_state(f"hosted page {request.key} is {page['state']}")
    page["state"] = "acknowledged"
    site.store.save("hosted_page", page)
    return reply(hosted_page=page)


def create_gift(site: Site, request: Request) -> Reply:
    """POST /gifts: a subscription for the receiver, paid by the gifter."""
    params = request.params
    gifter, receiver = group(params, "gifter"), group(params, "gift_receiver")
    giver = site.store.get("customer", required(gifter, "customer_id"))
    taker = site.store.get("customer", required(receiver, "customer_id"))
    wanted = group(params, "subscription")
    plan = site.store.get("plan", required(wanted, "plan_id"))
    if not plan["giftable"]:
        raise wrong_value("subscription[plan_id]", f"plan {plan['id']} cannot be given")
    made = dict(
        subscriptions.create_for_customer(
            site, Request((taker["id"],), {**wanted, "invoice_immediately": "false"})
        ).parts
    )
    subscription = decode(made["subscription"])
    scheduled = moment(params, "scheduled_at")
    gift = new_gift(
        site.new_id(),
        giver,
        taker,
        subscription["id"],
        scheduled or site.now,
        waiting=bool(scheduled and scheduled > site.now),
        note=choice(gifter, "note"),
    )
    site.store.insert("gift", gift)
    subscription["gift_id"] = gift["id"]
    site.store.save("subscription", subscription)
    site.emit("gift_scheduled" if gift["status"] == "scheduled" else "gift_unclaimed", gift=gift)
    return reply(gift=gift, subscription=subscription)


def new_gift(
    key: str, giver: Document, taker: Document, subscription: str, at: int, *, waiting: bool, note: str | None
) -> Document:
    """A gift that is waiting for its date, or for its receiver."""
    status = "scheduled" if waiting else "unclaimed"
    return {
        "id": key,
        "status": status,
        "scheduled_at": at,
        "auto_claim": False,
        "no_expiry": True,
        "gifter": {"customer_id": giver["id"], "note": note, "signature": giver.get("first_name")},
        "gift_receiver": {
            "customer_id": taker["id"],
            "subscription_id": subscription,
            "first_name": taker.get("first_name"),
            "last_name": taker.get("last_name"),
            "email": taker.get("email"),
        },
        "gift_timelines": [{"status": status, "occurred_at": at}],
    }


def gift_step(status: str) -> Any:
    """POST /gifts/{id}/claim and /cancel"""

    def step(site: Site, request: Request) -> Reply:
        gift = site.store.get("gift", request.key)
        if gift["status"] not in ("scheduled", "unclaimed"):
            raise wrong_state(f"gift {request.key} is {gift['status']}")
        gift["status"] = status
        gift["gift_timelines"].append({"status": status, "occurred_at": site.now})
        site.store.save("gift", gift)
        subscription = site.store.get("subscription", gift["gift_receiver"]["subscription_id"])
        if status == "cancelled":
            subscription_status.end(subscription, site.now)
            site.store.save("subscription", subscription)
        site.emit(f"gift_{status}", gift=gift)
        return reply(gift=gift, subscription=subscription)

    return step


def create_quote(site: Site, request: Request) -> Reply:
    """POST /customers/{id}/create_subscription_quote"""
    customer = site.store.get("customer", request.key)
    wanted = group(request.params, "subscription")
    plan = site.store.get("plan", required(wanted, "plan_id"))
    number = str(site.store.next_number("quote"))
    addons = {required(item, "id"): site.store.get("addon", item["id"]) for item in rows(request.params, "addons")}
    entries = [
        billing.subscription_addon(addons[item["id"]], whole(item, "quantity"), whole(item, "unit_price"))
        for item in rows(request.params, "addons")
    ]
    coupons = [site.store.get("coupon", key) for key in texts(request.params, "coupon_ids")]
    quote = new_quote(
        number,
        customer,
        plan,
        whole(wanted, "plan_quantity") or 1,
        entries,
        addons,
        coupons,
        site.now,
        name=choice(request.params, "name"),
        valid_till=moment(request.params, "expires_at"),
    )
    site.store.insert("quote", quote)
    site.store.database.set_fact(f"quote:{number}", dict(request.params))
    site.emit("quote_created", quote=quote)
    return reply(quote=quote)


def new_quote(
    number: str,
    customer: Document,
    plan: Document,
    quantity: int,
    entries: list[Document],
    addons: dict[str, Document],
    coupons: list[Document],
    at: int,
    *,
    name: str | None,
    valid_till: int | None,
) -> Document:
    """An open quote for a new subscription."""
    draft: Document = {
        "id": f"quote-{number}",
        "customer_id": customer["id"],
        "plan_quantity": quantity,
        "addons": entries,
        "status": "active",
    }
    billing.open_term(draft, plan, at)
    billing.price_subscription(draft, plan)
    lines = billing.charge_lines(draft, plan, addons, f"q{number}", first=True)
    for line in lines:
        del line["subscription_id"]
    currency = plan["currency_code"]
    totals = total_up(
        lines,
        coupons,
        country=customer.get("billing_address", {}).get("country"),
        taxable=customer.get("taxability", "taxable") == "taxable",
        currency=currency,
    )
    fields = {key: value for key, value in totals.fields.items() if key != "tax"}
    return {
        "id": number,
        "name": name,
        "customer_id": customer["id"],
        "status": "open",
        "operation_type": "create_subscription_for_customer",
        "price_type": "tax_exclusive",
        "date": at,
        "valid_till": valid_till or at + 30 * 86_400,
        "version": 1,
        "currency_code": currency,
        **fields,
        "total_discount": totals.discount,
        "total_payable": totals.total,
        "charge_on_acceptance": totals.total,
        "credits_applied": 0,
        "amount_paid": 0,
        "amount_due": totals.total,
        "line_items": lines,
        "billing_address": {k: v for k, v in customer.get("billing_address", {}).items() if k != "object"},
        "deleted": False,
    }


def update_quote_status(site: Site, request: Request) -> Reply:
    """POST /quotes/{id}/update_status"""
    quote = site.store.get("quote", request.key)
    status = required(request.params, "status")
    if status not in _QUOTE_MOVES.get(quote["status"], ()):
        raise wrong_state(f"quote {request.key} is {quote['status']} and cannot become {status}")
    quote["status"] = status
    site.store.save("quote", quote)
    site.emit("quote_updated", quote=quote)
    return reply(quote=quote)


def convert_quote(site: Site, request: Request) -> Reply:
    """POST /quotes/{id}/convert: the subscription and invoice that it promised."""
    quote = site.store.get("quote", request.key)
    if quote["status"] not in ("open", "accepted"):
        raise wrong_state(f"quote {request.key} is {quote['status']}")
    params = site.store.database.fact(f"quote:{request.key}")
    if params is None:
        raise missing("quote")
    wanted = {
        **params.get("subscription", {}),
        **{k: params[k] for k in ("addons", "coupon_ids") if k in params},
    }
    made = dict(subscriptions.create_for_customer(site, Request((quote["customer_id"],), wanted)).parts)
    quote |= {"status": "invoiced", "subscription_id": decode(made["subscription"])["id"]}
    if "invoice" in made:
        quote["invoice_id"] = decode(made["invoice"])["id"]
    site.store.save("quote", quote)
    site.emit("quote_updated", quote=quote)
    parts = {name: decode(text) for name, text in made.items()}
    return reply(quote=quote, **parts)


def delete_quote(site: Site, request: Request) -> Reply:
    """POST /quotes/{id}/delete"""
    quote = site.store.get("quote", request.key)
    quote["deleted"] = True
    site.store.save("quote", quote)
    site.emit("quote_deleted", quote=quote)
    return reply(quote=quote)

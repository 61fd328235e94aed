"""What the customers of the seeded world buy: subscriptions in every status with their invoices and credit notes.

Turns a customer and the catalog into finished documents, with the same arithmetic as the API's own operations. All
instants lie before `epoch`, the present of the world. Storage is left to `world`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from fieldwright.connectors.sandbox.chargebee import billing, settlement
from fieldwright.connectors.sandbox.chargebee.commerce import new_gift, new_hosted_page, new_quote
from fieldwright.connectors.sandbox.chargebee.invoices import void_invoice
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.subscription_status import end, halt

DAY = 86_400
# In this order, again and again; the first ten subscriptions of a world show every status.
_STATUSES = (
    "active",
    "active",
    "in_trial",
    "non_renewing",
    "active",
    "cancelled",
    "paused",
    "active",
    "future",
    "active",
)
_PLANS: Mapping[str, tuple[str, ...]] = {
    "USD": ("starter", "team", "growth", "scale", "archive", "enterprise-annual", "quarterly-review", "bootcamp"),
    "JPY": ("starter-jpy", "team-jpy"),
    "KWD": ("starter-kwd", "growth-kwd"),
}
_ADDONS: Mapping[str, tuple[str, ...]] = {
    "USD": ("extra-user", "priority-support", "onboarding", "api-calls", "extra-data", "reports", "data-import"),
    "JPY": ("extra-user-jpy",),
    "KWD": ("support-kwd",),
}
_COUPONS: Mapping[str, tuple[str, ...]] = {
    "USD": ("WELCOME10", "SPRING25", "LAUNCH50", "PARTNER5", "PLANS15"),
    "JPY": ("WELCOME10", "SPRING25"),
    "KWD": ("WELCOME10", "PLANS15"),
}
# How the bills of customers with a card end, in turn: mostly well.
_ENDINGS = ("paid", "paid", "payment_due", "paid", "paid", "not_paid", "paid", "voided", "paid", "paid")


@dataclass(slots=True)
class Sales:
    """The shop: catalog and running numbers, one for a whole world."""

    epoch: int
    plans: Mapping[str, Document]
    addons: Mapping[str, Document]
    coupons: Mapping[str, Document]
    site: str
    subscriptions: int = 0
    invoices: int = 0
    credit_notes: int = 0
    quotes: int = 0
    redemptions: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Purchase:
    """One subscription with all that came of it."""

    subscription: Document
    invoices: list[Document] = field(default_factory=list)
    transactions: list[Document] = field(default_factory=list)
    credit_notes: list[Document] = field(default_factory=list)


def sell(
    sales: Sales, customer: Document, currency: str, rng: random.Random, *, plan_id: str | None = None
) -> Purchase:
    """The customer's next subscription; its status, plan, addons and coupons follow from the running number."""
    number = sales.subscriptions
    sales.subscriptions += 1
    status = _STATUSES[number % len(_STATUSES)]
    choices = _PLANS[currency]
    # Shifted after each round of statuses, so that every plan meets every status in time.
    plan = sales.plans[plan_id or choices[(number + number // len(_STATUSES)) % len(choices)]]
    if status == "in_trial" and plan_id is None and currency == "USD":
        plan = sales.plans["team"]
    created = _created(sales.epoch, customer["created_at"], status, plan, rng)
    subscription = billing.new_subscription(f"sub_{number + 1:06d}", customer["id"], plan, created)
    if plan["pricing_model"] != "flat_fee":
        subscription["plan_quantity"] = rng.choice((1, 3, 7, 12, 60, 120))
    if number % 4 == 1:
        subscription["po_number"] = f"PO-{rng.randrange(10_000, 99_999)}"
    if number % 3 != 2:
        _add_addons(sales, subscription, currency, rng, many=number % 6 == 1)
    if number % 3 == 1:
        _add_coupon(sales, subscription, currency, number, created)
    if status == "non_renewing" and number % 2 == 0:
        subscription["remaining_billing_cycles"] = 1
    elif "billing_cycles" in plan:
        subscription["remaining_billing_cycles"] = plan["billing_cycles"]
    purchase = Purchase(subscription)
    _live(sales, purchase, plan, customer, status, rng)
    subscription["updated_at"] = min(max(_latest(subscription), created), sales.epoch)
    return purchase


def _created(epoch: int, customer_since: int, status: str, plan: Document, rng: random.Random) -> int:
    """A start that suits the status: trials and future ones are young, so is what ends after a few cycles."""
    oldest = customer_since + 600
    if status in ("in_trial", "future"):
        oldest = max(oldest, epoch - 12 * DAY)
    elif "billing_cycles" in plan or status == "non_renewing":
        oldest = max(oldest, billing.add_period(epoch, -plan["period"], plan["period_unit"]) + DAY)
    newest = max(epoch - (DAY if status in ("in_trial", "future") else 2 * DAY), oldest + 60)
    return min(rng.randrange(oldest, newest + 1), epoch - 3600)


def _add_addons(sales: Sales, subscription: Document, currency: str, rng: random.Random, *, many: bool) -> None:
    choices = _ADDONS[currency]
    first = sales.subscriptions % len(choices)
    names = {choices[first], choices[(first + 2) % len(choices)]} if many else {choices[first]}
    entries = []
    for name in sorted(names):
        addon = sales.addons[name]
        quantity = 1 if addon["pricing_model"] == "flat_fee" else rng.choice((1, 2, 5, 20))
        entries.append(billing.subscription_addon(addon, quantity))
    subscription["addons"] = entries


def _add_coupon(sales: Sales, subscription: Document, currency: str, number: int, at: int) -> None:
    names = _COUPONS[currency]
    chosen = [names[number // 3 % len(names)]]
    if number % 9 == 4 and "WELCOME10" not in chosen:
        chosen.append("WELCOME10")
    subscription["coupons"] = [billing.subscription_coupon(sales.coupons[name], at) for name in chosen]
    subscription["coupon"] = chosen[0]
    for name in chosen:
        sales.redemptions[name] = sales.redemptions.get(name, 0) + 1


def _live(
    sales: Sales, purchase: Purchase, plan: Document, customer: Document, status: str, rng: random.Random
) -> None:
    """Let a subscription live until the epoch, with its first and its latest invoice."""
    subscription = purchase.subscription
    created, epoch = subscription["created_at"], sales.epoch
    if status == "future":
        billing.schedule(subscription, plan, epoch + rng.randrange(3, 60) * DAY, epoch, 0)
        billing.price_subscription(subscription, plan)
        return
    if status == "in_trial":
        billing.schedule(subscription, plan, created, epoch, created + 14 * DAY)
        billing.price_subscription(subscription, plan)
        return
    billing.schedule(subscription, plan, created, created, 0)
    billing.price_subscription(subscription, plan)
    _bill(sales, purchase, plan, customer, rng, first=True)
    rolled = False
    while subscription["status"] == "active" and subscription["current_term_end"] <= epoch:
        billing.open_term(subscription, plan, subscription["current_term_end"])
        rolled = True
    if rolled:
        billing.price_subscription(subscription, plan)
        _bill(sales, purchase, plan, customer, rng, first=False)
    began = subscription["current_term_start"]
    if status == "non_renewing" and subscription["status"] == "active":
        ends = subscription["current_term_end"]
        subscription |= {
            "status": status,
            "cancelled_at": ends,
            "cancel_schedule_created_at": _between(began, epoch, rng),
        }
        subscription.pop("next_billing_at", None)
    elif status == "cancelled":
        end(subscription, _between(began, epoch, rng))
        reason = rng.choice(("not_paid", "no_card", None))
        if reason is not None:
            subscription["cancel_reason"] = reason
    elif status == "paused":
        halt(subscription, _between(began, epoch, rng))
        if rng.random() < 0.5:
            subscription["resume_date"] = epoch + rng.randrange(5, 90) * DAY
    unpaid = [invoice for invoice in purchase.invoices if invoice["amount_due"]]
    if unpaid:
        subscription |= {
            "due_invoices_count": len(unpaid),
            "due_since": min(invoice["date"] for invoice in unpaid),
            "total_dues": sum(invoice["amount_due"] for invoice in unpaid),
        }


def _bill(
    sales: Sales, purchase: Purchase, plan: Document, customer: Document, rng: random.Random, *, first: bool
) -> None:
    subscription = purchase.subscription
    sales.invoices += 1
    number = str(sales.invoices)
    at = subscription["current_term_start"]
    lines = billing.charge_lines(subscription, plan, sales.addons, number, first=first)
    running = billing.running_coupons(subscription, sales.coupons, at, first=first)
    currency = subscription["currency_code"]
    invoice = billing.draft_invoice(number, subscription, customer, lines, running, at, first=first, currency=currency)
    for entry in subscription.get("coupons", ()):
        if any(coupon["id"] == entry["coupon_id"] for coupon in running):
            entry["applied_count"] += 1
    purchase.invoices.append(invoice)
    if invoice["amount_due"]:
        _settle(sales, purchase, invoice, customer, first=first)
    invoice["updated_at"] = min(max(at, invoice.get("paid_at", at), invoice.get("voided_at", at)), sales.epoch)
    if invoice["status"] == "paid" and invoice["amount_paid"] and sales.invoices % 9 == 0:
        _give_back(
            sales, purchase, invoice, max(invoice["amount_paid"] // 5, 1), "refundable", "service_unsatisfactory"
        )
    elif invoice["status"] == "payment_due" and sales.invoices % 2:
        _give_back(sales, purchase, invoice, max(invoice["amount_due"] // 10, 1), "adjustment", "other")


def _settle(sales: Sales, purchase: Purchase, invoice: Document, customer: Document, *, first: bool) -> None:
    at = invoice["date"]
    key = f"txn_{int(invoice['id']):08d}"
    if customer["net_term_days"]:
        paid = at + 20 * DAY
        if paid < sales.epoch:
            payment = settlement.pay(invoice, invoice["amount_due"], paid, key, method="bank_transfer")
            purchase.transactions.append(payment | {"updated_at": paid})
        return
    match "paid" if first else _ENDINGS[sales.invoices % len(_ENDINGS)]:
        case "paid":
            purchase.transactions.append(settlement.pay(invoice, invoice["amount_due"], at, key) | {"updated_at": at})
        case "payment_due":
            invoice |= {
                "status": "payment_due",
                "dunning_status": "in_progress",
                "next_retry_at": sales.epoch + 2 * DAY,
            }
        case "not_paid":
            invoice |= {"status": "not_paid", "dunning_status": "exhausted"}
        case _:
            void_invoice(invoice, min(at + 3600, sales.epoch), "other")


def _give_back(sales: Sales, purchase: Purchase, invoice: Document, amount: int, kind: str, reason: str) -> None:
    sales.credit_notes += 1
    at = min(invoice["updated_at"] + 2 * 3600, sales.epoch)
    number = f"CN-{sales.credit_notes}"
    note = settlement.draft_credit_note(number, invoice, amount, at, kind=kind, reason=reason)
    purchase.credit_notes.append(note | {"updated_at": at})
    invoice["updated_at"] = at


def _between(start: int, stop: int, rng: random.Random) -> int:
    return rng.randrange(start, max(stop, start + 1))


def _latest(subscription: Document) -> int:
    """The last instant before the present at which something happened to it."""
    names = ("current_term_start", "activated_at", "pause_date", "cancel_schedule_created_at", "started_at")
    moments = [subscription[name] for name in names if name in subscription]
    if subscription["status"] == "cancelled":
        moments.append(subscription["cancelled_at"])
    return max(moments, default=0)


def give(sales: Sales, giver: Document, taker: Document, number: int, rng: random.Random) -> tuple[Document, Purchase]:
    """A gift box from one customer to another: claimed, unclaimed or still scheduled, in turn."""
    sales.subscriptions += 1
    at = sales.epoch - rng.randrange(2, 20) * DAY
    plan = sales.plans["gift-box"]
    key = f"sub_{sales.subscriptions:06d}"
    subscription = billing.new_subscription(key, taker["id"], plan, at)
    billing.schedule(subscription, plan, at, at, 0)
    billing.price_subscription(subscription, plan)
    gift = new_gift(f"gift_{number:06d}", giver, taker, key, at, waiting=number % 3 == 2, note="Enjoy!")
    if number % 3 == 0:
        gift["status"] = "claimed"
        gift["gift_timelines"].append({"status": "claimed", "occurred_at": at + DAY})
    gift["updated_at"] = subscription["updated_at"] = at + DAY
    subscription["gift_id"] = gift["id"]
    return gift, Purchase(subscription)


def offer(sales: Sales, customer: Document, rng: random.Random) -> Document:
    """A quote for the enterprise plan: open, accepted or declined, in turn."""
    sales.quotes += 1
    at = sales.epoch - rng.randrange(1, 25) * DAY
    addons = {name: sales.addons[name] for name in ("onboarding", "priority-support")}
    entries = [billing.subscription_addon(addon, 1) for addon in addons.values()]
    quote = new_quote(
        str(sales.quotes),
        customer,
        sales.plans["enterprise-annual"],
        1,
        entries,
        addons,
        [sales.coupons["WELCOME10"]],
        at,
        name=f"Enterprise for {customer.get('company', customer['last_name'])}",
        valid_till=None,
    )
    return quote | {"status": ("open", "accepted", "declined")[sales.quotes % 3], "updated_at": at}


def checkout_link(
    sales: Sales, customer: Document, subscription: Document | None, number: int, rng: random.Random
) -> Document:
    """A checkout link: used by a buyer when a subscription is given, else left to expire."""
    at = sales.epoch - rng.randrange(1, 30) * DAY
    page = new_hosted_page("checkout_new", f"hp_{number:06d}", sales.site, at, pass_thru_content=None)
    if subscription is not None:
        page |= {"state": "succeeded", "content": {"subscription": subscription, "customer": customer}}
    return page | {"updated_at": at}

"""How a plan becomes a subscription and a term becomes an invoice. Pure functions over documents.

Used by the operations of the API and by the seeded world alike, so that both have the same arithmetic. They give
unfinished documents: ids of invoices, versions, `updated_at` and storage are left to the caller.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fieldwright.connectors.sandbox.chargebee.pricing import Document, price_of, round_half_up, total_up

BASE_CURRENCY = "USD"
_RATES = {"USD": 1.0, "JPY": 0.0067, "KWD": 3.25, "EUR": 1.08, "GBP": 1.27}
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def add_period(at: int, count: int, unit: str) -> int:
    """An instant that many days, weeks, months or years later (UTC); the day is cut to the length of the month."""
    if unit in _DAYS:
        return at + count * _DAYS[unit] * 86_400
    start = datetime.fromtimestamp(at, UTC)
    months = start.year * 12 + start.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    moved = start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))
    return int(moved.timestamp())


def exchange_rate(currency: str) -> float:
    """One unit of a currency in the site's base currency; unknown currencies count one to one."""
    return _RATES.get(currency, 1.0)


def new_subscription(key: str, customer_id: str, plan: Document, at: int) -> Document:
    """A subscription to one unit of a plan; `schedule` and `price_subscription` complete it."""
    subscription: Document = {
        "id": key,
        "customer_id": customer_id,
        "currency_code": plan["currency_code"],
        "plan_id": plan["id"],
        "plan_quantity": 1,
        "status": "active",
        "created_at": at,
        "has_scheduled_changes": False,
        "has_scheduled_advance_invoices": False,
        "exchange_rate": exchange_rate(plan["currency_code"]),
        "base_currency_code": BASE_CURRENCY,
        "channel": "web",
        "due_invoices_count": 0,
        "deleted": False,
    }
    if "setup_cost" in plan:
        subscription["setup_fee"] = plan["setup_cost"]
    return subscription


def subscription_addon(addon: Document, quantity: int | None, unit_price: int | None = None) -> Document:
    """An addon as it stands on a subscription."""
    count = quantity or 1
    entry: Document = {"id": addon["id"], "quantity": count}
    if addon["pricing_model"] in ("flat_fee", "per_unit"):
        entry["unit_price"] = addon.get("price", 0) if unit_price is None else unit_price
    entry["amount"] = price_of(addon, count, unit_price)
    return entry


def subscription_coupon(coupon: Document, start: int) -> Document:
    """A coupon as it stands on a subscription that begins then."""
    entry: Document = {"coupon_id": coupon["id"], "applied_count": 0}
    if coupon["duration_type"] == "limited_period":
        count = coupon["period"] if "period" in coupon else coupon["duration_month"]
        entry["apply_till"] = add_period(start, count, coupon.get("period_unit", "month"))
    return entry


def price_subscription(subscription: Document, plan: Document) -> None:
    """Set what follows from plan, quantity and addons: amounts and the monthly recurring revenue."""
    quantity = subscription.get("plan_quantity", 1)
    if plan["pricing_model"] in ("flat_fee", "per_unit"):
        subscription.setdefault("plan_unit_price", plan.get("price", 0))
    else:
        subscription.pop("plan_unit_price", None)
    subscription["plan_free_quantity"] = plan.get("free_quantity", 0)
    subscription["plan_amount"] = price_of(plan, quantity, subscription.get("plan_unit_price"))
    subscription["billing_period"] = plan["period"]
    subscription["billing_period_unit"] = plan["period_unit"]
    subscription["mrr"] = monthly(subscription) if subscription["status"] in ("active", "non_renewing") else 0


def monthly(subscription: Mapping[str, Any]) -> int:
    """Plan and addons brought to one month. The real site computes it up to a minute late; here it is there at once."""
    amount = subscription["plan_amount"] + sum(addon["amount"] for addon in subscription.get("addons", ()))
    period, unit = subscription["billing_period"], subscription["billing_period_unit"]
    if unit in _MONTHS:
        return round_half_up(amount, period * _MONTHS[unit])
    return round_half_up(amount * 365, period * _DAYS[unit] * 12)


def schedule(subscription: Document, plan: Document, start: int, now: int, trial_end: int | None) -> None:
    """Set status and term dates of a new subscription that starts at `start`. `trial_end` in the past or 0 means none;
    None takes the plan's trial."""
    if trial_end is None and plan.get("trial_period"):
        trial_end = add_period(start, plan["trial_period"], plan.get("trial_period_unit", "day"))
    if start > now:
        subscription |= {"status": "future", "start_date": start, "next_billing_at": start}
        if trial_end and trial_end > start:
            subscription |= {"trial_end": trial_end}
        return
    subscription["started_at"] = start
    if trial_end and trial_end > now:
        subscription |= {
            "status": "in_trial",
            "trial_start": start,
            "trial_end": trial_end,
            "current_term_start": start,
            "current_term_end": trial_end,
            "next_billing_at": trial_end,
        }
        return
    if trial_end and trial_end > start:
        subscription |= {"trial_start": start, "trial_end": trial_end}
        start = trial_end
    activate(subscription, plan, start)


def activate(subscription: Document, plan: Document, at: int) -> None:
    """Begin the first paid term."""
    subscription["activated_at"] = at
    open_term(subscription, plan, at)


def open_term(subscription: Document, plan: Document, at: int) -> None:
    """Begin a paid term; the last one of a limited number makes the subscription non-renewing."""
    end = add_period(at, plan["period"], plan["period_unit"])
    subscription |= {
        "status": "active",
        "current_term_start": at,
        "current_term_end": end,
        "next_billing_at": end,
    }
    if "remaining_billing_cycles" in subscription:
        subscription["remaining_billing_cycles"] = max(subscription["remaining_billing_cycles"] - 1, 0)
        if subscription["remaining_billing_cycles"] == 0:
            subscription |= {"status": "non_renewing", "cancelled_at": end}
            subscription.pop("next_billing_at", None)


def charge_lines(
    subscription: Document, plan: Document, addons: Mapping[str, Document], number: str, *, first: bool
) -> list[Document]:
    """The lines of the invoice for the current term; setup fee and non-recurring addons only on the first one."""
    lines: list[Document] = []

    def line(entity_type: str, product: Document, quantity: int, unit: int, amount: int, what: str) -> None:
        lines.append(
            {
                "id": f"li_{number}_{len(lines) + 1}",
                "date_from": subscription["current_term_start"],
                "date_to": subscription["current_term_end"],
                "unit_amount": unit,
                "quantity": quantity,
                "amount": amount,
                "pricing_model": product["pricing_model"],
                "subscription_id": subscription["id"],
                "customer_id": subscription["customer_id"],
                "description": what,
                "entity_type": entity_type,
                "entity_id": product["id"],
            }
        )

    quantity = subscription.get("plan_quantity", 1)
    amount = subscription["plan_amount"]
    line(
        "plan",
        plan,
        quantity,
        subscription.get("plan_unit_price", amount // max(quantity, 1)),
        amount,
        str(plan.get("invoice_name", plan["name"])),
    )
    setup = subscription.get("setup_fee", plan.get("setup_cost", 0))
    if first and setup:
        line(
            "plan_setup",
            {**plan, "pricing_model": "flat_fee"},
            1,
            setup,
            setup,
            f"{plan['name']} Setup Charges",
        )
    for entry in subscription.get("addons", ()):
        addon = addons[entry["id"]]
        if first or addon["charge_type"] == "recurring":
            count = entry.get("quantity", 1)
            line(
                "addon",
                addon,
                count,
                entry.get("unit_price", entry["amount"] // max(count, 1)),
                entry["amount"],
                str(addon.get("invoice_name", addon["name"])),
            )
    return lines


def running_coupons(subscription: Document, coupons: Mapping[str, Document], at: int, *, first: bool) -> list[Document]:
    """The coupons of a subscription that still take something off an invoice of that instant."""
    running = []
    for entry in subscription.get("coupons", ()):
        coupon = coupons[entry["coupon_id"]]
        if coupon["duration_type"] == "one_time" and not first:
            continue
        if at >= entry.get("apply_till", at + 1):
            continue
        running.append(coupon)
    return running


def draft_invoice(
    number: str,
    subscription: Document | None,
    customer: Document,
    lines: Sequence[Document],
    coupons: Iterable[Document],
    at: int,
    *,
    first: bool,
    currency: str,
) -> Document:
    """An unpaid invoice of those lines. Nothing due makes it paid at once."""
    address = customer.get("billing_address", {})
    taxable = customer.get("taxability", "taxable") == "taxable"
    totals = total_up(lines, list(coupons), country=address.get("country"), taxable=taxable, currency=currency)
    net_days = customer.get("net_term_days", 0)
    invoice: Document = {
        "id": number,
        "customer_id": customer["id"],
        "recurring": subscription is not None,
        "status": "payment_due",
        "price_type": "tax_exclusive",
        "date": at,
        "due_date": at + net_days * 86_400,
        "net_term_days": net_days,
        "exchange_rate": exchange_rate(currency),
        "currency_code": currency,
        **totals.fields,
        "amount_paid": 0,
        "amount_adjusted": 0,
        "write_off_amount": 0,
        "credits_applied": 0,
        "amount_due": totals.total,
        "amount_to_collect": totals.total,
        "round_off_amount": 0,
        "first_invoice": first,
        "new_sales_amount": totals.total if first else 0,
        "has_advance_charges": False,
        "term_finalized": True,
        "is_gifted": False,
        "generated_at": at,
        "line_items": list(lines),
        "channel": "web",
        "deleted": False,
    }
    if subscription is not None:
        invoice["subscription_id"] = subscription["id"]
        if "po_number" in subscription:
            invoice["po_number"] = subscription["po_number"]
    if "vat_number" in customer:
        invoice["vat_number"] = customer["vat_number"]
    if address:
        invoice["billing_address"] = {key: value for key, value in address.items() if key != "object"}
    if totals.total == 0:
        invoice |= {"status": "paid", "paid_at": at}
    elif net_days:
        invoice["status"] = "posted"
    return invoice

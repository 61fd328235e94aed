"""What time alone does to subscriptions: trials end, terms renew, pauses and cancellations fall due.

Runs when the sandbox's clock is moved, as the Time Machine of a test site does, and never by itself: a sandbox left
alone shows the same records tomorrow. A subscription that is many terms behind is brought to the present term in one
step and invoiced for that one only (deviation: the real site would have invoiced each).
"""

from fieldwright.connectors.sandbox.chargebee import billing, subscription_status, subscriptions
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.site import Site
from fieldwright.connectors.sandbox.database import decode


def catch_up(site: Site) -> int:
    """Apply everything that is due by now; gives the number of subscriptions touched."""
    touched = 0
    site.source = "scheduled_job"
    with site.store.transaction():
        while True:
            rows = site.store.database.all(
                "SELECT document FROM subscriptions WHERE due_at <= ? AND deleted = 0 ORDER BY due_at, seq LIMIT 200",
                (site.now,),
            )
            if not rows:
                return touched
            for row in rows:
                _step(site, decode(row[0]))
                touched += 1


def _step(site: Site, subscription: Document) -> None:
    plan = site.store.get("plan", subscription["plan_id"])
    customer = site.store.get("customer", subscription["customer_id"])
    now = site.now
    event, charged, first = "subscription_renewed", False, False
    match subscription["status"]:
        case "future":
            billing.schedule(subscription, plan, subscription["start_date"], now, subscription.get("trial_end"))
            event, charged, first = "subscription_started", subscription["status"] != "in_trial", True
        case "in_trial" if "cancelled_at" in subscription or _cancels_after_trial(subscription, plan):
            subscription_status.end(subscription, subscription["trial_end"])
            event = "subscription_cancelled"
        case "in_trial":
            billing.activate(subscription, plan, subscription["trial_end"])
            event, charged, first = "subscription_activated", True, True
        case "active" | "non_renewing" if subscription.get("pause_date", now + 1) <= now:
            subscription_status.halt(subscription, subscription["pause_date"])
            event = "subscription_paused"
        case "active":
            if subscription["has_scheduled_changes"]:
                _apply_scheduled(site, subscription)
                plan = site.store.get("plan", subscription["plan_id"])
            billing.open_term(subscription, plan, subscription["current_term_end"])
            charged = True
        case "non_renewing":
            subscription_status.end(subscription, subscription["current_term_end"])
            event = "subscription_cancelled"
        case _:
            subscription_status.go_on(site, subscription, customer)
            event = "subscription_resumed"
    while subscription["status"] == "active" and subscription["current_term_end"] <= now:
        billing.open_term(subscription, plan, subscription["current_term_end"])
    if charged:
        billing.price_subscription(subscription, plan)
        subscriptions.charge_term(site, subscription, customer, first=first)
    site.store.save("subscription", subscription)
    site.emit(event, subscription=subscription, customer=customer)


def _cancels_after_trial(subscription: Document, plan: Document) -> bool:
    action = subscription.get("trial_end_action", "plan_default")
    if action in ("plan_default", "site_default"):
        action = plan.get("trial_end_action", "site_default")
    return bool(action == "cancel_subscription")


def _apply_scheduled(site: Site, subscription: Document) -> None:
    params = site.store.database.fact(f"scheduled:{subscription['id']}") or {}
    subscription["has_scheduled_changes"] = False
    subscription.pop("changes_scheduled_at", None)
    site.store.database.set_fact(f"scheduled:{subscription['id']}", None)
    subscriptions.change(site, subscription, params)
    site.emit("subscription_changed", subscription=subscription)

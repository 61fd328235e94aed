"""Operations that move a subscription between its statuses: cancel, reactivate, pause, resume.

What a subscription consists of is left to `subscriptions`, what time alone does to it to `lifecycle`.
"""

from fieldwright.connectors.sandbox.chargebee import billing
from fieldwright.connectors.sandbox.chargebee.errors import wrong_state
from fieldwright.connectors.sandbox.chargebee.forms import typed
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.site import (
    Reply,
    Request,
    Site,
    choice,
    flag,
    merge,
    moment,
    required,
    whole,
)
from fieldwright.connectors.sandbox.chargebee.subscriptions import answer, charge_term


def cancel(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/cancel: at once, or with `end_of_term` at the end of the term."""
    subscription = site.store.get("subscription", request.key)
    if subscription["status"] == "cancelled":
        raise wrong_state(f"subscription {request.key} is already cancelled")
    at_end = flag(request.params, "end_of_term") or request.params.get("cancel_option") in (
        "end_of_term",
        "end_of_billing_term",
    )
    if "cancel_reason_code" in request.params:
        merge(
            subscription,
            {"cancel_reason_code": typed(request.params["cancel_reason_code"], "string", "cancel_reason_code")},
        )
    if at_end and subscription["status"] in ("active", "non_renewing", "in_trial"):
        if subscription["status"] == "active":
            subscription["status"] = "non_renewing"
        subscription |= {
            "cancelled_at": subscription["current_term_end"],
            "cancel_schedule_created_at": site.now,
        }
        subscription.pop("next_billing_at", None)
        event = "subscription_cancellation_scheduled"
    else:
        end(subscription, site.now)
        event = "subscription_cancelled"
    site.store.save("subscription", subscription)
    customer = site.store.get("customer", subscription["customer_id"])
    site.emit(event, subscription=subscription, customer=customer)
    return answer(site, subscription, customer)


def end(subscription: Document, at: int) -> None:
    """Make a subscription cancelled from an instant on."""
    subscription |= {"status": "cancelled", "cancelled_at": at, "mrr": 0}
    if "current_term_end" in subscription:
        subscription["current_term_end"] = min(subscription["current_term_end"], at)
    for name in ("next_billing_at", "remaining_billing_cycles", "pause_date", "resume_date"):
        subscription.pop(name, None)


def remove_scheduled_cancellation(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/remove_scheduled_cancellation"""
    subscription = site.store.get("subscription", request.key)
    if subscription["status"] not in ("non_renewing", "in_trial") or "cancelled_at" not in subscription:
        raise wrong_state(f"subscription {request.key} has no scheduled cancellation")
    subscription |= {"next_billing_at": subscription["current_term_end"]}
    if subscription["status"] == "non_renewing":
        subscription["status"] = "active"
    for name in (
        "cancelled_at",
        "cancel_schedule_created_at",
        "cancel_reason_code",
        "remaining_billing_cycles",
    ):
        subscription.pop(name, None)
    cycles = whole(request.params, "billing_cycles")
    if cycles is not None:
        subscription["remaining_billing_cycles"] = cycles
    site.store.save("subscription", subscription)
    site.emit("subscription_scheduled_cancellation_removed", subscription=subscription)
    return answer(site, subscription)


def reactivate(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/reactivate: a new first term begins, or a trial with `trial_end`."""
    subscription = site.store.get("subscription", request.key)
    if subscription["status"] != "cancelled":
        raise wrong_state(f"subscription {request.key} is not cancelled")
    plan = site.store.get("plan", subscription["plan_id"])
    customer = site.store.get("customer", subscription["customer_id"])
    for name in ("cancelled_at", "cancel_reason", "cancel_reason_code", "cancel_schedule_created_at"):
        subscription.pop(name, None)
    cycles = whole(request.params, "billing_cycles")
    if cycles is not None or "billing_cycles" in plan:
        subscription["remaining_billing_cycles"] = cycles if cycles is not None else plan["billing_cycles"]
    trial_end = moment(request.params, "trial_end") or 0
    invoice = None
    billing.schedule(subscription, plan, site.now, site.now, trial_end)
    billing.price_subscription(subscription, plan)
    if subscription["status"] != "in_trial":
        invoice = charge_term(site, subscription, customer, first=False)
    site.store.save("subscription", subscription)
    site.emit("subscription_reactivated", subscription=subscription, customer=customer)
    return answer(site, subscription, customer, invoice)


def pause(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/pause: at once, at the end of the term or at a date."""
    subscription = site.store.get("subscription", request.key)
    if subscription["status"] not in ("active", "non_renewing"):
        raise wrong_state(f"subscription {request.key} is {subscription['status']} and cannot be paused")
    option = choice(request.params, "pause_option", "immediately")
    resume = moment(request.params, "resume_date")
    if resume is not None:
        subscription["resume_date"] = resume
    if option == "immediately":
        halt(subscription, site.now)
        event = "subscription_paused"
    else:
        subscription["pause_date"] = (
            subscription["current_term_end"]
            if option == "end_of_term"
            else typed(required(request.params, "pause_date"), "timestamp", "pause_date")
        )
        event = "subscription_pause_scheduled"
    site.store.save("subscription", subscription)
    customer = site.store.get("customer", subscription["customer_id"])
    site.emit(event, subscription=subscription, customer=customer)
    return answer(site, subscription, customer)


def halt(subscription: Document, at: int) -> None:
    """Make a subscription paused from an instant on."""
    subscription |= {"status": "paused", "pause_date": at, "mrr": 0}
    subscription.pop("next_billing_at", None)


def resume(site: Site, request: Request) -> Reply:
    """POST /subscriptions/{id}/resume: the term goes on if it has not ended, else a new one begins."""
    subscription = site.store.get("subscription", request.key)
    if subscription["status"] != "paused":
        raise wrong_state(f"subscription {request.key} is not paused")
    customer = site.store.get("customer", subscription["customer_id"])
    invoice = go_on(site, subscription, customer)
    site.store.save("subscription", subscription)
    site.emit("subscription_resumed", subscription=subscription, customer=customer)
    return answer(site, subscription, customer, invoice)


def go_on(site: Site, subscription: Document, customer: Document) -> Document | None:
    """End a pause now; gives the invoice if a new term had to begin."""
    plan = site.store.get("plan", subscription["plan_id"])
    for name in ("pause_date", "resume_date"):
        subscription.pop(name, None)
    invoice = None
    if subscription["current_term_end"] > site.now:
        subscription |= {"status": "active", "next_billing_at": subscription["current_term_end"]}
        billing.price_subscription(subscription, plan)
    else:
        billing.open_term(subscription, plan, site.now)
        billing.price_subscription(subscription, plan)
        invoice = charge_term(site, subscription, customer, first=False)
    return invoice

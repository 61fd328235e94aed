"""The official SDK, unchanged, against the emulated site."""

import json
from typing import Any

import httpx
import pytest
from chargebee import APIError, Chargebee, InvalidRequestError

from fieldwright.connectors.sandbox.server import Sandbox


def raw(result: Any) -> dict[str, Any]:
    data: dict[str, Any] = result.raw_data
    return data


def test_a_created_customer_is_listed_by_its_email_with_its_custom_fields(cb: Chargebee) -> None:
    made = cb.Customer.create(
        {
            "id": "acme",
            "first_name": "Ada",
            "email": "ada@acme.example",
            "billing_address": {"city": "Zürich", "country": "CH"},
            "meta_data": json.dumps({"Tier": 1}),
            "cf_segment": "ent",
        }
    ).customer
    found = cb.Customer.list({"email": {"is": "ada@acme.example"}}).list
    assert [raw(entry.customer) for entry in found] == [raw(made)]
    assert raw(made)["cf_segment"] == "ent"
    assert made.billing_address.city == "Zürich"
    assert raw(made)["meta_data"] == {"Tier": 1}


def test_none_clears_a_field_and_empty_attributes_are_left_out(cb: Chargebee) -> None:
    cb.Customer.create({"id": "clear", "company": "Clear", "phone": "+1 1"})
    changed = raw(cb.Customer.update("clear", {"company": None}).customer)
    assert "company" not in changed
    assert changed["phone"] == "+1 1"


def test_each_write_raises_the_version_and_an_unchanging_one_does_not(cb: Chargebee, sandbox: Sandbox) -> None:
    sandbox.clock.freeze()
    try:
        versions = [cb.Customer.create({"id": "version"}).customer.resource_version]
        versions += [cb.Customer.update("version", {"company": name}).customer.resource_version for name in "abc"]
        assert versions == sorted(set(versions))
        assert cb.Customer.update("version", {"company": "c"}).customer.resource_version == versions[-1]
    finally:
        sandbox.clock.resume()


def test_the_address_changes_only_through_billing_info(cb: Chargebee) -> None:
    cb.Customer.create({"id": "moved", "billing_address": {"line1": "Old 1", "city": "Bern"}})
    assert cb.Customer.update("moved", {"billing_address": {"city": "Basel"}}).customer.billing_address.city == "Bern"
    address = cb.Customer.update_billing_info("moved", {"billing_address": {"city": "Basel"}}).customer.billing_address
    assert (address.line1, address.city) == ("Old 1", "Basel")


def test_an_existing_id_is_refused_as_duplicate(cb: Chargebee) -> None:
    cb.Customer.create({"id": "twice"})
    with pytest.raises(InvalidRequestError) as caught:
        cb.Customer.create({"id": "twice"})
    assert (caught.value.http_status_code, caught.value.api_error_code, caught.value.param) == (
        400,
        "duplicate_entry",
        "id",
    )


def test_an_unknown_id_is_not_found(cb: Chargebee) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        cb.Subscription.retrieve("nowhere")
    assert (caught.value.http_status_code, caught.value.api_error_code) == (404, "resource_not_found")


def test_a_wrong_key_is_refused(sandbox: Sandbox) -> None:
    stranger = Chargebee(api_key="wrong", site="x")
    stranger.env.protocol = "http"
    stranger.env.api_endpoint = sandbox.endpoints.chargebee.url + "/api/v2"
    with pytest.raises(APIError) as caught:
        stranger.Customer.list()
    assert (caught.value.http_status_code, caught.value.api_error_code) == (401, "api_authentication_failed")


def test_a_new_subscription_comes_with_its_invoice(cb: Chargebee) -> None:
    cb.Customer.create({"id": "buyer", "billing_address": {"country": "DE"}})
    made = cb.Subscription.create_for_customer(
        "buyer",
        {
            "id": "sub-1",
            "plan_id": "team",
            "plan_quantity": 12,
            "trial_end": 0,
            "addons": [{"id": "extra-user", "quantity": 3}, {"id": "onboarding"}],
            "coupon_ids": ["WELCOME10"],
        },
    )
    subscription, invoice = made.subscription, made.invoice
    assert (subscription.status, subscription.plan_amount, subscription.mrr) == ("active", 10 * 1200, 38500)
    assert [(line.entity_type, line.entity_id, line.quantity, line.amount) for line in invoice.line_items] == [
        ("plan", "team", 12, 12000),
        ("addon", "extra-user", 3, 1500),
        ("addon", "onboarding", 1, 25000),
    ]
    # 38500 less 10 percent is 34650, with 19 percent of tax on top, rounded line by line.
    assert (invoice.sub_total, invoice.discounts[0].amount, invoice.tax, invoice.total) == (38500, 3850, 6584, 41234)
    assert (invoice.status, invoice.amount_due) == ("payment_due", 41234)


def test_a_plan_with_a_trial_starts_in_trial_without_an_invoice(cb: Chargebee) -> None:
    cb.Customer.create({"id": "trier"})
    made = cb.Subscription.create_for_customer("trier", {"plan_id": "team"})
    assert made.subscription.status == "in_trial"
    assert made.subscription.trial_end - made.subscription.trial_start == 14 * 86_400
    assert cb.Invoice.list({"customer_id": {"is": "trier"}}).list == []


def test_a_start_in_the_future_makes_a_future_subscription(cb: Chargebee, sandbox: Sandbox) -> None:
    start = sandbox.clock.seconds() + 86_400
    cb.Customer.create({"id": "later"})
    made = cb.Subscription.create_for_customer("later", {"plan_id": "starter", "start_date": start}).subscription
    assert (made.status, made.start_date, made.next_billing_at) == ("future", start, start)


def test_a_subscription_goes_through_its_life(cb: Chargebee) -> None:
    cb.Customer.create({"id": "living"})
    cb.Subscription.create_for_customer("living", {"id": "life", "plan_id": "starter"})
    states = [
        cb.Subscription.update("life", {"plan_id": "growth", "plan_quantity": 20}).subscription.plan_amount,
        cb.Subscription.pause("life", {"pause_option": "immediately"}).subscription.status,
        cb.Subscription.resume("life", {"resume_option": "immediately"}).subscription.status,
        cb.Subscription.cancel("life", {"end_of_term": True}).subscription.status,
        cb.Subscription.remove_scheduled_cancellation("life").subscription.status,
        cb.Subscription.cancel("life").subscription.status,
        cb.Subscription.reactivate("life").subscription.status,
    ]
    # Twenty units of tiers at 10.00 up to 10 and 8.00 beyond.
    assert states == [18000, "paused", "active", "non_renewing", "active", "cancelled", "active"]
    with pytest.raises(APIError) as caught:
        cb.Subscription.resume("life", {})
    assert (caught.value.http_status_code, caught.value.api_error_code) == (409, "invalid_state_for_request")


def test_addons_are_added_unless_the_list_is_replaced(cb: Chargebee) -> None:
    cb.Customer.create({"id": "adder"})
    cb.Subscription.create_for_customer("adder", {"id": "adds", "plan_id": "starter", "addons": [{"id": "extra-user"}]})
    more = cb.Subscription.update("adds", {"addons": [{"id": "priority-support"}]}).subscription
    assert [addon.id for addon in more.addons] == ["extra-user", "priority-support"]
    only = cb.Subscription.update("adds", {"addons": [{"id": "extra-user"}], "replace_addon_list": True}).subscription
    assert [addon.id for addon in only.addons] == ["extra-user"]


def test_events_tell_what_happened_with_whole_resources(cb: Chargebee) -> None:
    cb.Customer.create({"id": "eventful"})
    cb.Customer.update("eventful", {"company": "Eventful"})
    cb.Customer.delete("eventful")
    events = [entry.event for entry in cb.Event.list({"limit": 100}).list]
    mine = [event for event in events if event.content.get("customer", {}).get("id") == "eventful"]
    assert [event.event_type for event in mine] == ["customer_created", "customer_changed", "customer_deleted"]
    assert [event.content["customer"].get("company") for event in mine] == [None, "Eventful", "Eventful"]


def test_a_deleted_customer_is_listed_only_on_request(cb: Chargebee) -> None:
    cb.Customer.create({"id": "gone"})
    cb.Customer.delete("gone")
    assert cb.Customer.list({"id": {"is": "gone"}}).list == []
    found = cb.Customer.list({"id": {"is": "gone"}, "include_deleted": True}).list
    assert [(entry.customer.id, entry.customer.deleted) for entry in found] == [("gone", True)]
    with pytest.raises(APIError) as caught:
        cb.Customer.update("gone", {"company": "x"})
    assert caught.value.http_status_code == 404


def test_contacts_are_part_of_the_customer(cb: Chargebee) -> None:
    cb.Customer.create({"id": "host"})
    cb.Customer.add_contact("host", {"contact": {"id": "guest", "email": "g@h.example", "first_name": "Gil"}})
    cb.Customer.update_contact("host", {"contact": {"id": "guest", "label": "Billing"}})
    listed = [entry.contact for entry in cb.Customer.contacts_for_customer("host", {}).list]
    assert [(contact.id, contact.first_name, contact.label) for contact in listed] == [("guest", "Gil", "Billing")]
    assert cb.Customer.delete_contact("host", {"contact": {"id": "guest"}}).customer.contacts is None


def test_an_invoice_is_paid_credited_and_voided(cb: Chargebee) -> None:
    cb.Customer.create({"id": "payer"})
    invoice = cb.Invoice.create({"customer_id": "payer", "charges": [{"amount": 1000, "description": "Work"}]}).invoice
    paid = cb.Invoice.record_payment(invoice.id, {"transaction": {"amount": 400, "payment_method": "cash"}}).invoice
    assert (paid.status, paid.amount_paid, paid.amount_due) == ("payment_due", 400, 600)
    credited = cb.CreditNote.create(
        {"reference_invoice_id": invoice.id, "type": "adjustment", "total": 100, "reason_code": "other"}
    )
    assert (credited.credit_note.total, credited.invoice.amount_due) == (100, 500)
    with pytest.raises(APIError) as caught:
        cb.Invoice.void_invoice(invoice.id, {})
    assert caught.value.http_status_code == 409
    other = cb.Invoice.create({"customer_id": "payer", "charges": [{"amount": 5, "description": "Work"}]}).invoice
    assert cb.Invoice.void_invoice(other.id, {}).invoice.status == "voided"


def test_a_quote_becomes_the_subscription_it_promised(cb: Chargebee) -> None:
    cb.Customer.create({"id": "quoted"})
    quote = cb.Quote.create_sub_for_customer_quote(
        "quoted", {"subscription": {"plan_id": "starter"}, "addons": [{"id": "priority-support"}]}
    ).quote
    assert (quote.status, quote.total, quote.operation_type) == ("open", 7800, "create_subscription_for_customer")
    done = cb.Quote.convert(quote.id, {})
    assert done.quote.status == "invoiced"
    assert done.subscription.plan_id == "starter"
    assert done.invoice.total == quote.total


def test_a_gift_is_claimed_by_its_receiver(cb: Chargebee) -> None:
    for key in ("giver", "taker"):
        cb.Customer.create({"id": key, "first_name": key})
    gift = cb.Gift.create(
        {
            "gifter": {"customer_id": "giver", "payment_src_id": "x", "signature": "g"},
            "gift_receiver": {"customer_id": "taker", "first_name": "t", "last_name": "t", "email": "t@t.example"},
            "subscription": {"plan_id": "gift-box"},
        }
    ).gift
    assert (gift.status, gift.gift_receiver.customer_id) == ("unclaimed", "taker")
    assert cb.Gift.claim(gift.id).gift.status == "claimed"


def test_a_completed_checkout_makes_a_subscription_and_an_expired_one_does_not(cb: Chargebee, sandbox: Sandbox) -> None:
    admin = sandbox.endpoints.admin.url
    wanted = {"subscription": {"plan_id": "starter"}, "customer": {"id": "walk-in"}, "pass_thru_content": "opp-1"}
    page, stale = (cb.HostedPage.checkout_new(wanted).hosted_page for _ in range(2))
    assert (page.state, page.expires_at - page.created_at) == ("created", 3 * 3600)
    done = httpx.post(f"{admin}/checkout", json={"hosted_page": page.id}).json()["hosted_page"]
    assert (done["state"], done["pass_thru_content"]) == ("succeeded", "opp-1")
    assert done["content"]["subscription"]["customer_id"] == "walk-in"
    assert cb.HostedPage.acknowledge(page.id).hosted_page.state == "acknowledged"
    httpx.post(f"{admin}/clock", json={"advance": 4 * 3600})
    late = httpx.post(f"{admin}/checkout", json={"hosted_page": stale.id})
    assert (late.status_code, late.json()["message"]) == (400, f"hosted page {stale.id} has expired")


def test_products_are_created_and_a_used_one_is_archived_instead_of_deleted(cb: Chargebee) -> None:
    cb.Plan.create({"id": "p", "name": "P", "pricing_model": "volume", "tiers": [{"starting_unit": 1, "price": 5}]})
    cb.Addon.create({"id": "a", "name": "A", "charge_type": "non_recurring", "price": 7})
    cb.Customer.create({"id": "user"})
    cb.Subscription.create_for_customer("user", {"plan_id": "p", "plan_quantity": 3})
    assert cb.Plan.delete("p").plan.status == "archived"
    assert cb.Addon.delete("a").addon.status == "deleted"
    with pytest.raises(InvalidRequestError):
        cb.Plan.create(
            {"id": "gap", "name": "G", "pricing_model": "tiered", "tiers": [{"starting_unit": 2, "price": 5}]}
        )

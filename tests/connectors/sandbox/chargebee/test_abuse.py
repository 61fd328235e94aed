"""Requests that no client should send: each is answered with a reason, none breaks the site."""

import random
from urllib.parse import urlencode

import httpx
import pytest

from fieldwright.connectors.sandbox.chargebee import app
from fieldwright.connectors.sandbox.server import Sandbox

NAMES = (
    "id", "plan_id", "plan_quantity", "addons", "addons[id]", "addons[id][0]", "addons[quantity][0]", "coupon_ids",
    "coupon_ids[0]", "subscription", "subscription[plan_id]", "subscription[id]", "customer", "customer[id]",
    "customer_id", "contact", "contact[id]", "contact[email]", "billing_address", "billing_address[city]", "meta_data",
    "charges[amount][0]", "charges[description][0]", "charges", "transaction", "transaction[amount]", "status", "tiers",
    "tiers[price][0]", "tiers[starting_unit][0]", "name", "price", "discount_type", "discount_amount", "type", "total",
    "reference_invoice_id", "trial_end", "start_date", "end_of_term", "pause_option", "pause_date", "resume_date",
    "gifter[customer_id]", "gift_receiver[customer_id]", "gifter", "cf_x", "cf_x[a]", "limit", "offset", "sort_by",
    "sort_by[asc]", "email[is]", "updated_at[between]", "id[in]", "include_deleted", "entity_type", "term_ends_at",
    "period_unit", "duration_type", "pricing_model", "currency_code", "billing_cycles", "coupon", "change_option",
    "pass_thru_content", "plan_unit_price", "void_reason_code", "name[is]", "created_at[on]", "gifter[customer_id][is]",
)  # fmt: skip
VALUES = (
    "", "a", "-1", "0", "1", "9" * 30, "true", "null", "[]", "['a', 1]", "[", "{}", "starter", "team", "growth", "cus",
    "sub", "immediately", "specific_date", "end_of_term", "tiered", "percentage", "fixed_amount", "adjustment", "1.5",
    "NaN", "1e999", "\x00", "é", "https://x", "2026-01-01", "day", "limited_period", "extra-user", "WELCOME10", "USD",
)  # fmt: skip
# What some requests need to get past the first check.
VALID = {
    ("customers", "{id}", "subscriptions"): [("plan_id", "growth")],
    ("customers", "{id}", "create_subscription_quote"): [("subscription[plan_id]", "team")],
    ("customers", "{id}", "add_contact"): [("contact[email]", "a@b.example")],
    ("subscriptions",): [("plan_id", "bootcamp")],
    ("subscriptions", "{id}", "reactivate"): [],
    ("plans",): [("id", "made"), ("name", "Made"), ("price", "5")],
    ("addons",): [("id", "made"), ("name", "Made"), ("price", "5")],
    ("coupons",): [("id", "made"), ("name", "Made"), ("discount_percentage", "5")],
    ("invoices",): [("customer_id", "cus"), ("charges[amount][0]", "5"), ("charges[description][0]", "x")],
    ("credit_notes",): [("reference_invoice_id", "1"), ("type", "adjustment")],
    ("gifts",): [
        ("gifter[customer_id]", "cus"),
        ("gift_receiver[customer_id]", "cus"),
        ("subscription[plan_id]", "gift-box"),
    ],
    ("hosted_pages", "checkout_new"): [("subscription[plan_id]", "team")],
}


def form_for(rng: random.Random, steps: tuple[str, ...]) -> str:
    noise = [(rng.choice(NAMES), rng.choice(VALUES)) for _ in range(rng.randrange(8))]
    base = VALID.get(steps, []) if rng.random() < 0.7 else []
    return urlencode([pair for pair in noise if pair[0] not in dict(base)] + base)


@pytest.mark.parametrize("start", range(4))
def test_no_request_breaks_the_site(http: httpx.Client, sandbox: Sandbox, start: int) -> None:
    http.post("/customers", data={"id": "cus"})
    http.post("/customers/cus/subscriptions", data={"id": "sub", "plan_id": "starter"})
    rng = random.Random(start)
    routes = sorted(app._routes())
    for method, *steps in routes:
        for _ in range(4):
            owner = {"customers": "cus", "subscriptions": "sub", "plans": "starter", "invoices": "1"}.get(steps[0], "x")
            path = "/" + "/".join(owner if step == "{id}" else step for step in steps)
            if path.endswith("/delete"):
                continue
            form = form_for(rng, tuple(steps))
            reply = http.request(
                method,
                path + (f"?{form}" if method == "GET" else ""),
                content=form if method == "POST" else None,
                headers={"content-type": "application/x-www-form-urlencoded"},
            )
            assert reply.status_code < 500, (method, path, form, reply.text)
            assert isinstance(reply.json(), dict)


@pytest.mark.parametrize(
    "form",
    [
        {"plan_id": "starter", "start_date": "9" * 30},
        {"plan_id": "starter", "trial_end": "1795324447000"},
        {"plan_id": "growth", "plan_quantity": "9" * 30},
        {"plan_id": "growth", "plan_quantity": "-1"},
        {"plan_id": "growth", "addons[id][0]": "extra-user", "addons[quantity][0]": "9" * 30},
    ],
)
def test_a_number_beyond_all_bounds_is_refused_and_nothing_is_kept(
    http: httpx.Client, sandbox: Sandbox, form: dict[str, str]
) -> None:
    http.post("/customers", data={"id": "bounds"})
    reply = http.post("/customers/bounds/subscriptions", data=form)
    assert (reply.status_code, reply.json()["api_error_code"]) == (400, "param_wrong_value")
    assert http.get("/customers/bounds/subscriptions").json()["list"] == []


@pytest.mark.parametrize("field", ["auto_collection", "net_term_days"])
def test_a_field_that_must_have_a_value_cannot_be_cleared(http: httpx.Client, field: str) -> None:
    http.post("/customers", data={"id": "filled"})
    reply = http.post("/customers/filled", data={field: ""})
    assert (reply.status_code, reply.json()["param"]) == (400, field)

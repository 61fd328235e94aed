"""Records as Chargebee delivers them, made up for the benchmarks: the same every time, parts left out as in life."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

RUN = {"started_at": datetime(2020, 1, 6, tzinfo=UTC), "source": {"domain": "acme.chargebee.com", "name": "acme"}}
"""What a run adds to every record."""

_COUPONS: list[dict[str, Any]] = [
    {"id": "TEN", "discount_type": "percentage", "discount_percentage": 10, "apply_on": "invoice_amount"},
    {
        "id": "FIVE",
        "discount_type": "fixed_amount",
        "discount_amount": 500,
        "currency_code": "USD",
        "apply_on": "invoice_amount",
    },
    {
        "id": "PLAN",
        "discount_type": "percentage",
        "discount_percentage": 20,
        "apply_on": "each_specified_item",
        "plan_constraint": "specific",
        "plan_ids": ["plan_1", "plan_2"],
        "addon_constraint": "none",
    },
    {
        "id": "ADDON",
        "discount_type": "fixed_amount",
        "discount_amount": 250,
        "currency_code": "USD",
        "apply_on": "each_specified_item",
        "plan_constraint": "none",
        "addon_constraint": "all",
    },
]
_DURATIONS = ["forever", "forever", "one_time"]


def account_inputs(count: int) -> list[dict[str, Any]]:
    """Everything the mapping of customers reads."""
    return [{"customer": customer, "run": RUN} for customer in customers(count)]


def customers(count: int) -> list[dict[str, Any]]:
    """Customers as Chargebee delivers them, with parts left out as in real data."""
    rnd = random.Random(20_200_106)
    made = []
    for number in range(count):
        customer: dict[str, Any] = {
            "id": f"cust_{number}",
            "email": f"person{number}@example.com",
            "first_name": "Ada",
            "last_name": f"Lovelace {number}",
            "auto_collection": rnd.choice(["on", "off"]),
            "net_term_days": rnd.choice([0, 0, 15, 30]),
            "created_at": 1_577_836_800 + number,
            "updated_at": 1_577_836_800 + number,
            "resource_version": 1_577_836_800_000 + number,
            "taxability": "taxable",
            "preferred_currency_code": "USD",
            "allow_direct_debit": False,
            "card_status": "no_card",
            "excess_payments": 0,
            "pii_cleared": "active",
            "promotional_credits": 0,
            "refundable_credits": 0,
            "unbilled_charges": 0,
            "object": "customer",
            "deleted": False,
        }
        if number % 3:
            customer["company"] = f"Company {number}"
        if number % 4:
            customer["phone"] = "+49 30 1234567"
        if number % 5:
            customer["billing_address"] = {
                "first_name": "Ada",
                "last_name": f"Lovelace {number}",
                "line1": "Hauptstr. 1",
                "city": "Berlin",
                "zip": "10115",
                "country": "DE",
                "validation_status": "not_validated",
                "object": "billing_address",
            }
            if number % 2:
                customer["billing_address"]["line2"] = "Hof 2"
        if number % 2:
            customer["payment_method"] = {
                "type": "card",
                "status": "valid",
                "reference_id": "x",
                "gateway": "stripe",
                "object": "payment_method",
            }
        if number % 7 == 0:
            customer["vat_number"] = "DE123456789"
            customer["locale"] = "de-DE"
        made.append(customer)
    return made


def opportunity_inputs(count: int) -> list[dict[str, Any]]:
    """Everything the mapping of subscriptions reads: none to three addons, none to two coupons."""
    rnd = random.Random(20_200_107)
    made = []
    for number, customer in enumerate(customers(count)):
        addons = [f"addon_{one}" for one in rnd.sample(range(6), rnd.choice([0, 1, 1, 2, 3]))]
        coupons = rnd.sample(_COUPONS, rnd.choice([0, 0, 1, 2]))
        plan = f"plan_{number % 5}"
        subscription: dict[str, Any] = {
            "id": f"sub_{number}",
            "customer_id": customer["id"],
            "plan_id": plan,
            "plan_quantity": rnd.choice([1, 1, 5, 12]),
            "plan_unit_price": rnd.choice([999, 2_500, 4_900, 12_000]),
            "currency_code": "USD",
            "status": "active",
            "created_at": 1_577_836_800 + number,
            "current_term_end": 1_609_459_200 + number,
            "addons": [
                {
                    "id": one,
                    "quantity": rnd.choice([1, 2, 3]),
                    "unit_price": rnd.choice([250, 1_000]),
                    "object": "addon",
                }
                for one in addons
            ],
            "coupons": [{"coupon_id": one["id"], "object": "coupon"} for one in coupons],
            "object": "subscription",
            "deleted": False,
        }
        if number % 3:
            subscription["activated_at"] = 1_577_836_800 + number * 3_600 % 10_000_000
        if number % 4 == 0:
            subscription["remaining_billing_cycles"] = 3
        made.append(
            {
                "subscription": subscription,
                "customer": customer,
                "plan": {"id": plan, "free_quantity": number % 3, "object": "plan"},
                "coupons": [one | {"duration_type": rnd.choice(_DURATIONS), "object": "coupon"} for one in coupons],
                "addons": [
                    {
                        "id": one,
                        "charge_type": rnd.choice(["recurring", "recurring", "non_recurring"]),
                        "object": "addon",
                    }
                    for one in addons
                ],
                "settings": {"timezone": "UTC", "count_limited_coupons": number % 2 == 0},
                "params": {"stage": "Closed Won", "opportunity_type": "New subscription"},
                "run": RUN,
            }
        )
    return made

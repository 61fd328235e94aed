"""What the seeded site sells: plans with every pricing model, addons recurring and not, coupons of every kind.

Plain data in the API's own terms (money in minor units; JPY in yen, KWD in hundredths although it has three
decimals), given the site's defaults by the emulator's `catalog`.
"""

from fieldwright.connectors.sandbox.chargebee.catalog import new_product
from fieldwright.connectors.sandbox.chargebee.pricing import Document


def _tiers(*steps: tuple[int, int | None, int]) -> list[Document]:
    return [
        {"starting_unit": first, "price": price, **({} if last is None else {"ending_unit": last})}
        for first, last, price in steps
    ]


_PLANS: dict[str, Document] = {
    "starter": {"name": "Starter", "price": 2900, "description": "For one person"},
    "team": {
        "name": "Team",
        "price": 1200,
        "pricing_model": "per_unit",
        "free_quantity": 2,
        "trial_period": 14,
        "trial_period_unit": "day",
        "invoice_name": "Team seats",
        "sku": "TEAM-1",
    },
    "growth": {
        "name": "Growth",
        "pricing_model": "tiered",
        "tiers": _tiers((1, 10, 1000), (11, 50, 800), (51, None, 600)),
    },
    "scale": {"name": "Scale", "pricing_model": "volume", "tiers": _tiers((1, 100, 500), (101, None, 350))},
    "archive": {
        "name": "Archive Storage",
        "pricing_model": "stairstep",
        "tiers": _tiers((1, 100, 9900), (101, 500, 39900), (501, None, 99900)),
    },
    "enterprise-annual": {
        "name": "Enterprise Annual",
        "price": 1_200_000,
        "period": 1,
        "period_unit": "year",
        "setup_cost": 150_000,
        "accounting_code": "4000-ENT",
    },
    "quarterly-review": {"name": "Quarterly Review", "price": 45000, "period": 3, "period_unit": "month"},
    "bootcamp": {"name": "Bootcamp", "price": 9900, "billing_cycles": 3},
    "gift-box": {"name": "Gift Box", "price": 4900, "giftable": True, "is_shippable": True},
    "classic": {"name": "Classic", "price": 1900, "status": "archived", "archived_at": 0},
    "starter-jpy": {"name": "Starter (Japan)", "price": 3200, "currency_code": "JPY"},
    "team-jpy": {"name": "Team (Japan)", "price": 1500, "pricing_model": "per_unit", "currency_code": "JPY"},
    "starter-kwd": {"name": "Starter (Kuwait)", "price": 950, "currency_code": "KWD"},
    "growth-kwd": {
        "name": "Growth (Kuwait)",
        "pricing_model": "tiered",
        "currency_code": "KWD",
        "tiers": _tiers((1, 10, 325), (11, None, 275)),
    },
}
_ADDONS: dict[str, Document] = {
    "extra-user": {"name": "Extra user", "price": 500, "pricing_model": "per_unit", "unit": "user"},
    "priority-support": {"name": "Priority support", "price": 4900},
    "api-calls": {
        "name": "API calls",
        "pricing_model": "tiered",
        "unit": "thousand",
        "tiers": _tiers((1, 100, 50), (101, None, 30)),
    },
    "extra-data": {"name": "Extra data", "pricing_model": "volume", "tiers": _tiers((1, 10, 900), (11, None, 700))},
    "reports": {"name": "Reports", "pricing_model": "stairstep", "tiers": _tiers((1, 5, 1500), (6, None, 4000))},
    "onboarding": {"name": "Onboarding session", "price": 25000, "charge_type": "non_recurring"},
    "data-import": {
        "name": "Data import",
        "price": 7500,
        "pricing_model": "per_unit",
        "charge_type": "non_recurring",
    },
    "extra-user-jpy": {"name": "Extra user (Japan)", "price": 600, "pricing_model": "per_unit", "currency_code": "JPY"},
    "support-kwd": {"name": "Support (Kuwait)", "price": 1250, "currency_code": "KWD"},
}
_COUPONS: dict[str, Document] = {
    "WELCOME10": {"name": "Welcome", "discount_type": "percentage", "discount_percentage": 10.0},
    "SPRING25": {
        "name": "Spring",
        "discount_type": "percentage",
        "discount_percentage": 25.0,
        "duration_type": "limited_period",
        "duration_month": 3,
        "period": 3,
        "period_unit": "month",
    },
    "LAUNCH50": {
        "name": "Launch",
        "discount_type": "fixed_amount",
        "discount_amount": 5000,
        "currency_code": "USD",
        "duration_type": "one_time",
    },
    "PARTNER5": {"name": "Partner", "discount_type": "fixed_amount", "discount_amount": 500, "currency_code": "USD"},
    "PLANS15": {
        "name": "Plans only",
        "discount_type": "percentage",
        "discount_percentage": 15.0,
        "apply_on": "each_specified_item",
        "plan_constraint": "all",
        "addon_constraint": "none",
    },
    "BLACKFRIDAY": {
        "name": "Black Friday",
        "discount_type": "percentage",
        "discount_percentage": 40.0,
        "duration_type": "one_time",
        "status": "expired",
    },
}
# A currency that no org has: the ISO code kept for tests.
_FAULTY_PLAN: Document = {"name": "Starter (test money)", "price": 1000, "currency_code": "XTS"}


def products(kind: str, at: int, *, faulty: bool = False) -> dict[str, Document]:
    """Plans, addons or coupons by id, made at an instant."""
    source = {"plan": _PLANS, "addon": _ADDONS, "coupon": _COUPONS}[kind]
    if kind == "plan" and faulty:
        source = {**source, "starter-xts": _FAULTY_PLAN}
    made = {key: new_product(kind, {**values}, key, at) for key, values in source.items()}
    for document in made.values():
        if "archived_at" in document:
            document["archived_at"] = at
        if document["status"] == "expired":
            document["valid_till"] = at
    return made

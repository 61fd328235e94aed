"""What things cost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldwright.connectors.sandbox.chargebee.billing import add_period, draft_invoice
from fieldwright.connectors.sandbox.chargebee.pricing import price_of, total_up
from fieldwright.connectors.sandbox.chargebee.settlement import draft_credit_note, pay

TIERS = [
    {"starting_unit": 1, "ending_unit": 10, "price": 100},
    {"starting_unit": 11, "ending_unit": 20, "price": 80},
    {"starting_unit": 21, "price": 50},
]


@pytest.mark.parametrize(
    ("model", "quantity", "amount"),
    [
        ("flat_fee", 7, 900),
        ("per_unit", 7, 6300),
        ("tiered", 10, 1000),
        ("tiered", 11, 1080),
        ("tiered", 25, 1000 + 800 + 250),
        ("volume", 10, 1000),
        ("volume", 11, 880),
        ("volume", 25, 1250),
        ("stairstep", 10, 100),
        ("stairstep", 11, 80),
        ("stairstep", 99, 50),
    ],
)
def test_each_pricing_model_has_its_arithmetic(model: str, quantity: int, amount: int) -> None:
    assert price_of({"id": "p", "pricing_model": model, "price": 900, "tiers": TIERS}, quantity) == amount


def test_free_units_are_not_charged() -> None:
    product = {"id": "p", "pricing_model": "per_unit", "price": 900, "free_quantity": 2}
    assert [price_of(product, quantity) for quantity in (1, 2, 3)] == [0, 0, 900]
    assert price_of({**product, "pricing_model": "stairstep", "tiers": TIERS}, 2) == 0


@pytest.mark.parametrize(
    ("start", "count", "unit", "expected"),
    [
        ("2024-01-31", 1, "month", "2024-02-29"),
        ("2023-01-31", 1, "month", "2023-02-28"),
        ("2024-02-29", 1, "year", "2025-02-28"),
        ("2024-12-15", 1, "month", "2025-01-15"),
        ("2024-03-31", -1, "month", "2024-02-29"),
        ("2024-12-31", 2, "week", "2025-01-14"),
        ("2024-12-31", 1, "day", "2025-01-01"),
    ],
)
def test_terms_end_on_days_that_exist(start: str, count: int, unit: str, expected: str) -> None:
    from datetime import UTC, datetime

    def second(day: str) -> int:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())

    assert add_period(second(start), count, unit) == second(expected)


def lines() -> st.SearchStrategy[list[dict[str, Any]]]:
    line = st.fixed_dictionaries(
        {
            "amount": st.integers(0, 10**9),
            "entity_type": st.sampled_from(["plan", "plan_setup", "addon", "adhoc"]),
            "entity_id": st.sampled_from(["a", "b"]),
        }
    )
    return st.lists(line, min_size=1, max_size=6).map(
        lambda found: [{**line, "id": f"li_{index}"} for index, line in enumerate(found)]
    )


def coupons() -> st.SearchStrategy[list[dict[str, Any]]]:
    percentage = st.fixed_dictionaries(
        {"discount_type": st.just("percentage"), "discount_percentage": st.integers(1, 10_000).map(lambda p: p / 100)}
    )
    fixed = st.fixed_dictionaries({"discount_type": st.just("fixed_amount"), "discount_amount": st.integers(1, 10**9)})
    scope = st.sampled_from(
        [
            {"apply_on": "invoice_amount"},
            {"apply_on": "each_specified_item", "plan_constraint": "all", "addon_constraint": "none"},
            {
                "apply_on": "each_specified_item",
                "plan_constraint": "none",
                "addon_constraint": "specific",
                "addon_ids": ["a"],
            },
        ]
    )
    both = st.tuples(percentage | fixed, scope).map(lambda pair: {**pair[0], **pair[1]})
    return st.lists(both, max_size=3).map(
        lambda found: [{**coupon, "id": f"c{index}", "name": f"C{index}"} for index, coupon in enumerate(found)]
    )


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(lines=lines(), coupons=coupons(), country=st.sampled_from(["US", "DE", "CH", None]))
def test_totals_add_up_whatever_is_bought(
    lines: list[dict[str, Any]], coupons: list[dict[str, Any]], country: str | None
) -> None:
    totals = total_up(lines, coupons, country=country, taxable=True, currency="USD")
    assert totals.sub_total == sum(line["amount"] for line in lines)
    assert totals.discount == sum(line["discount_amount"] for line in lines)
    assert totals.discount == sum(entry["discount_amount"] for entry in totals.fields["line_item_discounts"])
    assert totals.tax == sum(line["tax_amount"] for line in lines)
    assert totals.total == totals.sub_total - totals.discount + totals.tax
    assert all(0 <= line["discount_amount"] <= line["amount"] for line in lines)


def test_the_shares_of_a_discount_make_up_the_whole_of_it() -> None:
    lines = [{"id": f"l{n}", "amount": 333, "entity_type": "plan", "entity_id": "p"} for n in range(3)]
    coupon = {
        "id": "c",
        "name": "C",
        "discount_type": "fixed_amount",
        "discount_amount": 100,
        "apply_on": "invoice_amount",
    }
    assert total_up(lines, [coupon], country=None, taxable=True, currency="USD").discount == 100
    assert [line["discount_amount"] for line in lines] == [33, 33, 34]
    percent = {**coupon, "discount_type": "percentage", "discount_percentage": 12.5}
    # 999 x 12.5 % = 124.875
    assert total_up(lines, [percent], country=None, taxable=True, currency="USD").discount == 125


def test_a_fixed_discount_of_another_currency_takes_nothing_off() -> None:
    line = {"id": "l", "amount": 500, "entity_type": "plan", "entity_id": "p"}
    coupon = {"id": "c", "name": "C", "discount_type": "fixed_amount", "discount_amount": 100, "currency_code": "USD",
              "apply_on": "invoice_amount"}  # fmt: skip
    assert total_up([line], [coupon], country=None, taxable=True, currency="JPY").discount == 0
    assert total_up([line], [coupon], country=None, taxable=True, currency="USD").discount == 100


def test_payments_and_credits_settle_an_invoice() -> None:
    line = {"id": "l", "amount": 1000, "entity_type": "adhoc", "entity_id": "x"}
    customer = {"id": "c", "billing_address": {"country": "DE"}}
    invoice = draft_invoice("1", None, customer, [line], [], 100, first=True, currency="USD")
    assert (invoice["total"], invoice["amount_due"]) == (1190, 1190)
    pay(invoice, 1000, 200, "t")
    assert (invoice["status"], invoice["amount_due"]) == ("payment_due", 190)
    note = draft_credit_note("CN", invoice, 190, 300, kind="adjustment", reason="other")
    assert (invoice["status"], invoice["amount_due"], invoice["paid_at"]) == ("paid", 0, 300)
    assert (note["sub_total"], note["taxes"][0]["amount"], note["total"]) == (160, 30, 190)

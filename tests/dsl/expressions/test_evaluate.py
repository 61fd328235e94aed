"""null, missing and error, operator by operator, as the language reference has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from worlds import checked, value

from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.values import MISSING, EvaluationError, Money

ABSENT = {"order": {}}


@pytest.mark.parametrize(
    ("text", "null", "missing"),
    [
        ("order.name", None, MISSING),
        ("order.address.city", None, MISSING),
        ("order.count + 1", None, MISSING),
        ("1 + order.count", None, MISSING),
        ("-order.count", None, MISSING),
        ("order.count < 1", None, MISSING),
        ("order.name == 'a'", False, MISSING),
        ("order.name != 'a'", True, MISSING),
        ("order.name == order.address.city", True, MISSING),
        ("order.name in ['a']", False, MISSING),
        ("order.name ?? 'x'", "x", MISSING),
        ("order.name is null", True, MISSING),
        ("order.name is not null", False, MISSING),
        ("order.name is blank", True, MISSING),
        ("order.name is missing", False, True),
        ("upper(order.name)", None, MISSING),
        ("f'a{order.name}'", None, MISSING),
        ("join([order.name, 'b'], '-')", "b", MISSING),
        ("order.tags", [], MISSING),
        ("order.tags.count()", 0, MISSING),
        ("order.tags[0]", None, MISSING),
        ("order.ok and true", None, MISSING),
        ("order.ok and false", False, False),
        ("false and order.ok", False, False),
        ("order.ok or true", True, True),
        ("order.ok or false", None, MISSING),
        ("not order.ok", None, MISSING),
        ("if order.name is null then 1 else 2", 1, MISSING),
        ("[1].map(x -> order.name)", [None], MISSING),
        ("amount(order.total)", None, MISSING),
    ],
)
def test_null_and_missing(text: str, null: Any, missing: Any) -> None:
    assert value(text, {}) == null
    assert value(text, {}, partial=True) is missing if missing in (MISSING, True, False) else missing


def test_a_raw_value_may_be_missing_in_a_whole_record() -> None:
    assert value("order.name ?? 'x'", {"name": MISSING}) is MISSING


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("order.count / 0", "RT102"),
        ("order.count / 0 ?? 1", "RT102"),
        ("order.count / 0 == 1", "RT102"),
        ("if order.ok then 1 else 2", "RT107"),
        ("[1].filter(x -> order.ok)", "RT107"),
        ("order.total", "RT116"),
        ("order.name", "RT101"),
        ("order.paid_at", "RT101"),
        ("order.paid_at.date('Mars/Base')", "RT111"),
    ],
)
def test_errors_stay_errors(text: str, code: str) -> None:
    order = {"count": 1, "total": 5, "name": 5, "paid_at": "2020"}
    text = text.replace("'Mars/Base'", "settings.timezone")
    if code == "RT111":
        order["paid_at"] = 0
    with pytest.raises(EvaluationError) as caught:
        value(text, order, settings={"timezone": "Mars/Base"})
    assert caught.value.code == code


def test_and_or_stop_before_an_error_on_the_right() -> None:
    assert value("false and 1 / 0 == 1") is False
    assert value("true or 1 / 0 == 1") is True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order.tax", Money(1234, "JPY")),
        ("amount(order.tax)", Decimal("1234")),
        ("amount(order.lines[0].price)", Decimal("5")),
        ("order.lines.map(l -> l.price).compact().sum()", Money(12, "JPY")),
        ("order.paid_at", datetime(2020, 1, 31, 23, 30, tzinfo=UTC)),
        ("order.paid_at.date('Europe/Berlin')", date(2020, 2, 1)),
        ("order.rate * 3", Decimal("0.3")),
        ("1 / 3", Decimal("0.3333333333333333333333333333333333")),
        ("7 % -3", 1),
        ("-7 % 3", -1),
        ("order.lines.join(coupons, (l, r) -> l.id == r.id).map(p -> f'{p.left.id}{p.right.id}')", ["bb"]),
        ("other.name", None),
        ("order.lines.map(l -> l.quantity ?? 0).max()", 3),
        ("[order.count, 1.5]", [Decimal(2), Decimal("1.5")]),
    ],
)
def test_values(text: str, found: Any) -> None:
    order = {
        "tax": 1234,
        "currency_code": "JPY",
        "count": 2,
        "rate": "0.1",
        "paid_at": 1580513400,
        "lines": [{"id": "a", "price": 5}, {"id": "b", "price": 7, "quantity": 3}],
    }
    made = value(text, order, coupons=[{"id": "b", "off": 1, "currency_code": "EUR"}], other=None)
    assert (made, type(made)) == (found, type(found))


def test_salesforce_empty_text_is_null_and_iso_moments_are_moments() -> None:
    account = {"Name": "", "Since": "2020-01-31T12:00:00.000+0000"}
    assert value("account.Name ?? 'none'", account=account) == "none"
    assert value("account.Since", account=account) == datetime(2020, 1, 31, 12, tzinfo=UTC)


def test_true_is_no_number_and_a_float_is_no_decimal() -> None:
    for order in ({"count": True}, {"count": 2**70}):
        with pytest.raises(EvaluationError):
            value("order.count", order)
    with pytest.raises(EvaluationError):
        value("order.rate", {"rate": 0.1})


def test_steps_are_counted_and_limited() -> None:
    order = {"lines": [{"id": str(number)} for number in range(200)]}
    with pytest.raises(EvaluationError) as caught:
        value("order.lines.join(order.lines, (l, r) -> l.id == r.id).count()", order)
    assert caught.value.code == "RT108"


def test_else_does_not_hide_the_step_limit() -> None:
    order = {"tags": ["x"] * 9000}
    with pytest.raises(EvaluationError) as caught:
        value("int(order.tags.map(t -> f'{t}{t}').first(), else=0)", order)
    assert caught.value.code == "RT108"


def test_texts_cannot_grow_without_bound() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("f'{order.name}{order.name}'", {"name": "x" * 100_000})
    assert caught.value.code == "RT110"


def test_every_value_can_be_watched() -> None:
    seen: list[tuple[str, Any]] = []
    made = checked("order.name ?? order.id")
    evaluate(
        made,
        {"order": {"id": "a"}},
        on_value=lambda node, found: seen.append((made.text[node.start : node.end], found)),
    )
    assert seen == [
        ("order", {"id": "a"}),
        ("order.name", None),
        ("order", {"id": "a"}),
        ("order.id", "a"),
        ("order.name ?? order.id", "a"),
    ]

"""What operators make of money, dates and durations, in both evaluators."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from worlds import checked

from fieldwright.dsl.emitter import Emitter
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.values import Money


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("money(10, 'EUR') + money(0.5, 'EUR')", "money", Money(1050, "EUR")),
        ("money(10, 'EUR') * 3", "money", Money(3000, "EUR")),
        ("0.125 * money(1, 'EUR')", "money", Money(12, "EUR")),
        ("money(1, 'EUR') * 0.135", "money", Money(14, "EUR")),
        ("money(1, 'EUR') / 8", "money", Money(12, "EUR")),
        ("money(5, 'JPY') / 2.0", "money", Money(2, "JPY")),
        ("money(7, 'JPY') / 2", "money", Money(4, "JPY")),
        ("money(1, 'EUR') / money(4, 'EUR')", "decimal", Decimal("0.25")),
        ("-money(1, 'EUR')", "money", Money(-100, "EUR")),
        ("money(1, 'EUR') < money(1.01, 'EUR')", "bool", True),
        ("money(1, 'EUR') == money(1, 'USD')", "bool", False),
        ("date('2020-02-28') + days(2)", "date", date(2020, 3, 1)),
        ("days(2) + date('2020-02-28')", "date", date(2020, 3, 1)),
        ("date('2020-03-01') - weeks(1)", "date", date(2020, 2, 23)),
        ("date('2020-03-01') - date('2020-02-28')", "duration", timedelta(days=2)),
        ("timestamp(0) + hours(36)", "timestamp", datetime(1970, 1, 2, 12, tzinfo=UTC)),
        ("timestamp(90) - timestamp(0)", "duration", timedelta(seconds=90)),
        ("duration('P1D') - hours(6) * 2", "duration", timedelta(hours=12)),
        ("days(1) / hours(8)", "decimal", Decimal(3)),
        ("-hours(1) < minutes(1)", "bool", True),
        ("days(1) == hours(24)", "bool", True),
        ("text(-duration('PT1M0.25S'))", "string", "-PT1M0.25S"),
        ("max(days(1), hours(25))", "duration", timedelta(hours=25)),
        ("[money(3, 'EUR'), money(2, 'EUR')].sort().first()", "money?", Money(200, "EUR")),
    ],
)
def test_operators(text: str, type_: str, value: Any) -> None:
    made = checked(text)
    assert (made.problems, str(made.type)) == ((), type_)
    assert made.core is not None
    found = evaluate(made, {})
    assert (found, type(found)) == (value, type(value))
    out = Emitter(1000)
    result = out.emit(made.core).text
    namespace: dict[str, Any] = out.names
    exec("\n".join(["def run(roots):", *out.lines, f"    return {result}"]), namespace)
    assert namespace["run"]({}) == value


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("order.tax + 1", "make it an amount"),
        ("order.tax * order.tax", "take the number of one with amount(x)"),
        ("order.due + 1", "`+ days(n)`"),
        ("order.paid_at - 7", "`- days(n)`"),
        ("order.paid_at - order.due", "`.date(settings.timezone)`"),
        ("order.name + order.id", "join([a, b], ' ')"),
        ("order.name * 2", "decimal(x)"),
        ("order.lines + order.lines", "concat(a, b)"),
        ("order.extra + 1", "say first what it is"),
        ("order.ok + order.ok", "`and` and `or`"),
    ],
)
def test_an_operator_that_does_not_fit_comes_with_what_was_meant(text: str, help_: str) -> None:
    (problem,) = checked(text).problems
    assert problem.code == "DM201"
    assert help_ in problem.help

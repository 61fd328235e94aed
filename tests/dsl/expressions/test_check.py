"""Types, names and findings of checked expressions."""

from __future__ import annotations

import pytest
from worlds import checked, scope

from fieldwright.dsl.expressions.check import check_function
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import UserFunction
from fieldwright.dsl.types import BOOL, DECIMAL, STRING, enum, list_of, record


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("order.name", "string?"),
        ("order.name ?? order.id", "string"),
        ("order.address.city", "string?"),
        ("other.id", "string?"),
        ("order.lines", "list<record<chargebee.order.lines>>"),
        ("order.lines.map(l -> l.id)", "list<string>"),
        ("order.lines.first().id", "string?"),
        ("order.lines.map(l -> amount(l.price) ?? 0).sum()", "decimal"),
        ("order.lines.join(coupons, (l, r) -> l.id == r.id).map(p -> p.right.off)", "list<money>"),
        ("order.count + 1", "int?"),
        ("order.count / 2", "decimal?"),
        ("amount(order.tax) * 2", "decimal"),
        ("order.tax + order.tax", "money"),
        ("order.paid_at.date('Europe/Berlin')", "date?"),
        ("run.started_at - days(1)", "timestamp"),
        ("order.count is null or order.count > 1", "bool?"),
        ("if order.name is blank then 1 else 1.5", "decimal"),
        ("if order.name is blank then 'Hot' else 'Cold'", "enum<Hot, Cold>"),
        ("int(order.name, else=0)", "int?"),
        ("min(order.count ?? 0, 3)", "int"),
        ("max(2, 1.5)", "decimal"),
        ("[1, null]", "list<int?>"),
        ("order.tags[0]", "string?"),
        ("f'{order.id}-{order.name}'", "string?"),
        ("settings.flag ?? false", "bool"),
        ("join([order.name, order.id], ' ')", "string?"),
        ("account.Net", "decimal?"),
    ],
)
def test_types_follow_null_through_the_expression(text: str, type_: str) -> None:
    made = checked(text)
    assert (made.problems, str(made.type)) == ((), type_)


@pytest.mark.parametrize(
    ("text", "code", "place", "caret"),
    [
        ("order.adress.city", "DM101", "adress", "did you mean `address`?"),
        ("order.__class__", "DM101", "__class__", "unknown field"),
        ("order.cf_segment", "DM101", "cf_segment", "unknown field"),
        ("PLAN", "DM102", "PLAN", "unknown name"),
        ("ordr.id", "DM102", "ordr", "unknown name"),
        ("lowre('a')", "DM104", "lowre", "did you mean `lower`?"),
        ("order.name + 'a'", "DM201", "+", "does not fit"),
        ("order.total + 1", "DM201", "+", "does not fit"),
        ("order.name in 'abc'", "DM201", "'abc'", "string"),
        ("order.name == 1", "DM202", "order.name == 1", "two types"),
        ("order.name == null", "DM202", "== null", "compared with null"),
        ("order.address == order.address", "DM202", "order.address == order.address", "not comparable"),
        ("if order.name then 1 else 2", "DM203", "order.name", "string?"),
        ("if order.ok then 1 else 2", "DM204", "order.ok", "may be null"),
        ("round(order.name)", "DM205", "order.name", "string?"),
        ("[1].map(2)", "DM205", "2", "int"),
        ("order.name ?? 1", "DM207", "order.name ?? 1", "two types"),
        ("['a', 1]", "DM207", "1", "int"),
        ("order.status == 'payd'", "DM208", "'payd'", "did you mean 'paid'?"),
        ("order.status in ['open', 'closed']", "DM208", "'closed'", "never equal"),
        ("order.name.length", "DM209", "length", "not a field"),
        ("order.lines.id", "DM209", "id", "not a field"),
        ("order.lines.map(l -> l).map(l -> [l]).map(x -> x.first().price)", "", "", ""),
        ("order.tags['a']", "DM211", "order.tags['a']", "not a list and a number"),
        ("order.lines.map(l -> l.quantity).sum()", "DM212", "order.lines.map(l -> l.quantity)", "elements may be null"),
        ("order.paid_at.date()", "DM213", "date", "which zone?"),
        ("f'{order.total}'", "DM214", "order.total", "money?"),
        ("order.id ?? 'x'", "DM215", "?? 'x'", "never used"),
        ("order.extra.x", "DM216", "x", "type any"),
        ("order.paid_at.date('Europe/Berln')", "DM218", "'Europe/Berln'", "no such zone"),
        ("truncate('a')", "DM113", "truncate", "1 given"),
        ("int('x', default=1)", "DM113", "1", "unknown argument"),
        ("lower('x', else=null)", "DM113", "null", "never used"),
        ("[1].map(order -> 1)", "DM118", "order", "taken"),
    ],
)
def test_findings(text: str, code: str, place: str, caret: str) -> None:
    found = [(problem.code, text[problem.start : problem.end], problem.caret) for problem in checked(text).problems]
    assert found == ([(code, place, caret)] if code else [])


def test_a_mistake_is_not_reported_again_by_what_uses_it() -> None:
    made = checked("upper(order.nmae) == f'{order.adress.city}'.trim()")
    assert [problem.code for problem in made.problems] == ["DM101", "DM101"]
    assert made.core is None


def test_all_mistakes_are_found_in_one_go() -> None:
    made = checked("if order.name then order.nmae else order.count + 'a'")
    assert [problem.code for problem in made.problems] == ["DM203", "DM101", "DM201"]


def test_an_expected_type_is_enforced() -> None:
    assert [p.code for p in checked("order.name", expected=STRING).problems] == ["DM206"]
    assert [p.code for p in checked("order.ok", expected=BOOL).problems] == ["DM204"]
    assert checked("1", expected=DECIMAL).problems == ()
    assert checked("if order.ok ?? true then 'a' else 'b'", expected=enum("a", "b", "c")).problems == ()
    assert [p.code for p in checked("'d'", expected=enum("a", "b")).problems] == ["DM206"]


def test_reads_name_every_field_that_is_used() -> None:
    made = checked("order.address.city ?? f'{amount(order.lines.first().price)}'")
    assert made.reads == {
        ("chargebee.order", "address"),
        ("chargebee.order.address", "city"),
        ("chargebee.order", "lines"),
        ("chargebee.order.lines", "price"),
        ("chargebee.order", "currency_code"),
    }


def test_money_of_nested_records_takes_the_currency_of_their_owner() -> None:
    scoped = scope()
    lines = checked("order.lines.filter(l -> l.kind == 'addon')")
    scoped = scoped.let("extras", lines).item("line", lines)
    for text in ("extras.map(l -> amount(l.price) ?? 0).sum()", "amount(line.price)", "extras[0].price"):
        assert checked(text, scoped).problems == ()


def test_money_without_its_owner_is_refused() -> None:
    made = checked("[order].map(o -> o.lines).map(ls -> ls.map(l -> l.price).first())")
    assert [problem.code for problem in made.problems] == ["DM210"]


def _function(name: str, text: str, returns: str = "string", **params: str) -> UserFunction:
    types = {"string": STRING, "string?": STRING.optional(), "decimal": DECIMAL, "order": record("chargebee.order")}
    types["lines"] = list_of(record("chargebee.order.lines"))
    types["address"] = record("chargebee.order.address").optional()
    body = parse(text).tree
    assert body is not None
    return UserFunction(name, tuple((key, types[type_]) for key, type_ in params.items()), types[returns], body)


def test_functions_from_files_are_structural_in_records() -> None:
    place = _function("place", "join([a.zip, a.city], ' ')", "string?", a="address")
    assert check_function(place, scope()).problems == ()
    assert checked("place(order.address)", scope(place=place)).type == STRING.optional()
    (problem,) = checked("place(order)", scope(place=place)).problems
    assert (problem.code, problem.message) == (
        "DM205",
        "function `place` does not work with these records: `zip` is not a field of chargebee.order",
    )


def test_functions_may_not_call_themselves() -> None:
    ping = _function("ping", "pong(x)", x="string")
    pong = _function("pong", "ping(x)", x="string")
    within = scope(ping=ping, pong=pong)
    assert [problem.code for problem in checked("ping('a')", within).problems] == ["DM116"]


def test_functions_that_multiply_are_bounded() -> None:
    functions = {"f0": _function("f0", "x + x + x + x", "decimal", x="decimal")}
    for level in range(1, 12):
        name = f"f{level}"
        functions[name] = _function(name, " + ".join([f"f{level - 1}(x)"] * 8), "decimal", x="decimal")
    assert [problem.code for problem in checked("f11(1.0)", scope(**functions)).problems] == ["DM119"]

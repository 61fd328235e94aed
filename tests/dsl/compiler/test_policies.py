"""What a mapping does with the values of its fields, in the generated code and in the reference alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from specs import both, field, key, lets_scope, spec, target
from worlds import checked, scope

from fieldwright.dsl.compiler import compile_program
from fieldwright.dsl.expressions.check import constant
from fieldwright.dsl.program import FieldInfo, FieldProblem, MappedRecord, Ref, Write
from fieldwright.dsl.programspec import (
    CheckSpec,
    ChildSpec,
    FieldSpec,
    MembershipSpec,
    OnError,
    OnNull,
    OnTooLong,
    ProgramSpec,
    ReadSpec,
    RowsSpec,
    ValueTable,
)
from fieldwright.dsl.types import STRING

ORDER = {
    "id": "o1",
    "name": "Ada",
    "status": "paid",
    "count": 3,
    "rate": Decimal("0.10"),
    "ok": True,
    "paid_at": 1577836800,
    "total": 1234,
    "tax": 0,
    "currency_code": "USD",
    "tags": ["a", "b"],
    "lines": [{"id": "l1", "price": 500, "quantity": 2}, {"id": "l2", "price": 7}],
    "address": {"city": "Berlin"},
}


def mapped(*fields: FieldSpec, order: Any = ORDER, **options: Any) -> MappedRecord:
    """The record, mapped both ways."""
    return both(compile_program(spec(*fields, **options)), order)


def codes(made: MappedRecord) -> list[tuple[str, str]]:
    """Place and code of every problem."""
    return [(problem.where, problem.code) for problem in made.problems]


def test_an_ordinary_record_never_needs_the_reference() -> None:
    lets = {
        "extras": "order.lines.filter(l -> (l.quantity ?? 1) > 0)",
        "sum": "extras.map(l -> amount(l.price) ?? 0).sum()",
    }
    within = lets_scope(lets)
    made = spec(
        field("text", "order.name ?? 'none'"),
        field("text_2", "join([order.address.city, order.id], ', ')"),
        field("number", "order.total"),
        field("number_2", "round(sum / 3, 2)", within=within),
        field("number_3", "order.count"),
        field("flag", "order.ok ?? false"),
        field("day", "order.paid_at.date(settings.timezone)"),
        field("moment", "order.paid_at"),
        field("text_3", "order.id", ref="customer"),
        lets=lets,
    )
    record_ = compile_program(made).compiled({"order": ORDER, "settings": {"timezone": "UTC"}})
    assert record_ == MappedRecord(
        fields={
            "text": "Ada",
            "text_2": "Berlin, o1",
            "number": Decimal("12.34"),
            "number_2": Decimal("1.69"),
            "number_3": Decimal(3),
            "flag": True,
            "day": "2020-01-01",
            "moment": "2020-01-01T00:00:00.000+0000",
            "text_3": Ref("customer", "o1"),
        }
    )


def test_null_is_skipped_cleared_or_refused() -> None:
    made = mapped(
        field("text_skip", "order.name"),
        field("text_clear", "order.name", on_null=OnNull.CLEAR),
        field("number_clear", "order.total", on_null=OnNull.CLEAR),
        order={},
    )
    assert made.fields == {"text_clear": None, "number_clear": None}
    refused = mapped(field("text", "order.name", on_null=OnNull.ERROR), order={})
    assert codes(refused) == [("text", "RT113")]


def test_an_empty_text_is_null_for_the_target() -> None:
    assert mapped(field("text", "order.name", on_null=OnNull.CLEAR), order={"name": ""}).fields == {"text": None}


def test_missing_is_never_written() -> None:
    program = compile_program(spec(field("text", "order.name", on_null=OnNull.CLEAR), field("text_2", "order.id")))
    made = program.map_record({"order": {"id": "a"}}, partial=True)
    assert (made.fields, made.problems) == ({"text_2": "a"}, ())


def test_an_error_fails_the_record_skips_the_field_or_counts_as_null() -> None:
    failing = "order.count / 0"
    made = mapped(
        field("number_fail", failing),
        field("number_skip", failing, on_error=OnError.SKIP_FIELD, on_null=OnNull.CLEAR),
        field("number_null", failing, on_error=OnError.NULL, on_null=OnNull.CLEAR),
        field("text", "order.id"),
    )
    assert made.fields == {"number_null": None, "text": "o1"}
    fix = "test the divisor first, or use max(.., 1)"
    assert made.problems == (FieldProblem("number_fail", "RT102", "division by zero", fix, "m.yaml:11"),)


def test_a_text_too_long_is_an_error_unless_it_is_to_be_cut() -> None:
    short = target("text", length=2)
    assert codes(mapped(field("text", "order.name", schema=short))) == [("text", "RT112")]
    assert mapped(field("text", "order.name", schema=short, max_length=OnTooLong.TRUNCATE)).fields == {"text": "Ad"}
    computed = field("text", "upper(order.name)", schema=short, max_length=OnTooLong.TRUNCATE)
    assert mapped(computed).fields == {"text": "AD"}


def test_a_number_must_have_room_in_the_field() -> None:
    narrow = target("number", field("number", "1").target.type, precision=4, scale=2)
    assert codes(mapped(field("number", "order.count * 100", schema=narrow))) == [("number", "RT103")]
    assert mapped(field("number", "order.count", schema=narrow)).fields == {"number": Decimal(3)}
    rounded = field("number", "order.count / 7", schema=narrow, round=3)
    assert mapped(rounded).fields == {"number": Decimal("0.429")}


def test_value_tables_have_rows_an_else_and_pass_null() -> None:
    table = ValueTable((("paid", "Paid"), ("open", None)))
    assert mapped(field("text", "order.status", table=table)).fields == {"text": "Paid"}
    assert mapped(field("text", "order.status", table=table), order={"status": "open"}).fields == {}
    assert codes(mapped(field("text", "order.status", table=table), order={"status": "new"})) == [("text", "RT106")]
    assert mapped(field("text", "order.status", table=table), order={}).fields == {}
    with_else = ValueTable((("paid", "Paid"),), constant("Other"))
    assert mapped(field("text", "order.status", table=with_else), order={"status": "new"}).fields == {"text": "Other"}
    flags = ValueTable(((True, "Yes"), (False, "No")))
    assert mapped(field("text", "order.ok", table=flags), order={"ok": False}).fields == {"text": "No"}
    numbers = ValueTable(((1, "One"), (True, "True")))
    assert mapped(field("text", "order.count", table=numbers), order={"count": 1}).fields == {"text": "One"}


def test_constants_are_put_into_wire_form_and_checked() -> None:
    assert mapped(field("flag", constant(True)), field("number", constant(5))).fields == {
        "flag": True,
        "number": Decimal(5),
    }
    long_ = field("text", constant("Hello"), schema=target("text", length=2))
    assert codes(mapped(long_)) == [("text", "RT112")]


def test_a_key_with_a_null_part_is_no_key() -> None:
    keys = ((key("Id", "order.id"),), (key("Name", "order.name"), key("Site", "order.id", ref="site")))
    assert mapped(keys=keys).keys == ({"Id": "o1"}, {"Name": "Ada", "Site": Ref("site", "o1")})
    assert mapped(keys=keys, order={"id": "o1"}).keys == ({"Id": "o1"}, None)
    assert codes(mapped(keys=keys, order={"id": 5})) == [("key", "RT101"), ("key", "RT101")]


def test_the_filter_decides_and_a_filter_without_an_answer_is_a_problem() -> None:
    chosen = checked("order.count > 2")
    assert mapped(filter=chosen).included
    assert not mapped(filter=chosen, order={"count": 1}).included
    assert codes(mapped(filter=chosen, order={})) == [("filter", "RT107")]
    partial = compile_program(spec(filter=chosen)).map_record({"order": {}}, partial=True)
    assert codes(partial) == [("filter", "RT114")]


def test_a_let_that_fails_fails_only_what_uses_it() -> None:
    lets = {"broken": "order.count / 0", "fine": "order.count + 1"}
    within = lets_scope(lets)
    made = mapped(field("number", "fine", within=within), lets=lets)
    assert (made.fields, made.problems) == ({"number": Decimal(4)}, ())
    used = mapped(field("number", "broken", within=within), field("number_2", "fine", within=within), lets=lets)
    assert (codes(used), used.fields) == ([("number", "RT102")], {"number_2": Decimal(4)})


def test_checks_are_asserted() -> None:
    check = CheckSpec("positive", checked("order.count > 0"), "m.yaml:9")
    assert mapped(checks=(check,)).problems == ()
    assert codes(mapped(checks=(check,), order={"count": 0})) == [("checks.positive", "RT115")]
    assert codes(mapped(checks=(check,), order={})) == [("checks.positive", "RT115")]


def children(text: str, *rows: FieldSpec, **options: Any) -> ChildSpec:
    """A set with one list of rows."""
    lists = (RowsSpec(checked(text), "line", options.get("filter"), (), rows, "m.yaml:7"),)
    return ChildSpec("lines", "salesforce.Line", "ParentId", ("text",), lists, "m.yaml:6")


def test_children_are_rows_in_order_and_problems_name_the_row() -> None:
    within = scope().item("line", checked("order.lines"))
    name = field("text", "line.id", within=within)
    price = field("number", "line.price", within=within)
    chosen = checked("(line.quantity ?? 1) > 1", within)
    whole = mapped(children=(children("order.lines", name, price),))
    assert whole.children == {
        "lines": [{"text": "l1", "number": Decimal("5.00")}, {"text": "l2", "number": Decimal("0.07")}]
    }
    some = mapped(children=(children("order.lines", name, filter=chosen),))
    assert some.children == {"lines": [{"text": "l1"}]}
    broken = mapped(children=(children("order.lines", name),), order={"lines": [{"id": "a"}, {"id": 5}]})
    assert codes(broken) == [("lines[1].text", "RT101")]
    assert mapped(children=(children("order.lines", name),), order={}).children == {"lines": []}


def test_several_child_lists_form_one_set() -> None:
    within = scope().item("line", checked("order.lines"))
    first = children("order.lines", field("text", "line.id", within=within))
    head = checked("list(order)")
    own = RowsSpec(head, "one", None, (), (field("text", "one.id", within=scope().item("one", head)),), "m.yaml:8")
    both_lists = ChildSpec("lines", first.object, first.parent, first.key, (own, *first.lists), first.at)
    assert mapped(children=(both_lists,)).children == {"lines": [{"text": "o1"}, {"text": "l1"}, {"text": "l2"}]}


def test_memberships_leave_out_a_list_without_a_name() -> None:
    info = FieldInfo("memberships.lists", STRING, Write.ALWAYS, "m.yaml:1")
    lists = (MembershipSpec(checked("order.name"), "subscribed", "m.yaml:1"),)
    made = mapped(memberships=lists, memberships_info=info)
    assert made.fields == {"memberships.lists": [{"list": "Ada", "status": "subscribed"}]}
    assert mapped(memberships=lists, memberships_info=info, order={}).fields == {}


def test_the_status_of_a_membership_is_part_of_the_digest() -> None:
    info = FieldInfo("memberships.lists", STRING, Write.ALWAYS, "m.yaml:1")
    subscribed, unsubscribed = (
        compile_program(
            spec(memberships=(MembershipSpec(checked("order.name"), status, "m.yaml:1"),), memberships_info=info)
        ).digest
        for status in ("subscribed", "unsubscribed")
    )
    assert subscribed != unsubscribed


def test_lists_beyond_the_bound_of_the_generated_code_get_the_same_result() -> None:
    count = field("number", "order.lines.join(order.tags, (l, t) -> l.id == t).count()")
    program = compile_program(spec(count))
    for size in (1, 20, 60):
        order = {"lines": [{"id": str(n)} for n in range(size)], "tags": [str(n) for n in range(size)]}
        assert program.map_record({"order": order}).fields == {"number": Decimal(size)}
    order = {"lines": [{"id": str(n)} for n in range(300)], "tags": [str(n) for n in range(300)]}
    made = program.map_record({"order": order})
    assert (codes(made), made.fields) == ([("record", "RT108")], {})


@pytest.mark.parametrize("name", ["a']; raise SystemExit #", "x\nimport os", '"""', "{0}", "\\", "é\u2028"])
def test_names_from_files_enter_the_source_only_as_literals(name: str) -> None:
    made = spec(field(name, "f'{order.id}' ?? 'x'", schema=target(name)), mapping=name)
    assert both(compile_program(made), ORDER).fields == {name: "o1"}
    text = field("text", constant(name))
    assert mapped(text).fields == {"text": name}


def test_the_digest_follows_the_meaning_and_not_the_place() -> None:
    def digest(text: str = "order.name", at: str = "a.yaml:1", **options: Any) -> str:
        made = spec(field("text", text, **options), at=at, title=at)
        return compile_program(made).digest

    assert digest() == digest(at="b.yaml:9") == digest("  order . name")
    changed = {digest(), digest("order.id"), digest(on_null=OnNull.CLEAR), digest(schema=target("text", length=5))}
    assert len(changed) == 4


def test_used_fields_are_listed_for_the_source() -> None:
    read = ReadSpec(
        "coupon", "newest", "chargebee.coupon", checked("order.id"), "m.yaml:1", None, "order_id", "made_at"
    )
    made: ProgramSpec = spec(
        field("text", "order.address.city"), field("number", "order.lines[0].price"), reads=(read,)
    )
    program = compile_program(made)
    assert program.used == {
        "chargebee.order": frozenset(["id", "address", "lines", "currency_code"]),
        "chargebee.coupon": frozenset(["order_id", "made_at"]),
    }
    assert program.reads[0].key({"order": {"id": "o9"}}) == "o9"


def test_currencies_without_decimals_stay_whole() -> None:
    for code, amount in (("USD", "12.34"), ("JPY", "1234"), ("KWD", "12.34")):
        made = mapped(field("number", "order.total"), order={"total": 1234, "currency_code": code})
        assert made.fields == {"number": Decimal(amount)}


def test_deep_nesting_is_mapped_all_the_same() -> None:
    text = "order.count"
    for level in range(24):
        text = f"[{text}].map(x{level} -> x{level} ?? 1)[0]" if level < 14 else f"if order.ok then {text} else 0"
    made = mapped(field("number", text))
    assert made.fields == {"number": Decimal(3)}

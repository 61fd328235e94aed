"""A try-out decides like a run: keys in order, links before keys, rows as a set, waiting for parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fieldwright.dsl.program import ChildInfo, FieldInfo, KeyAlternative, MappedRecord, Program, Ref, Write
from fieldwright.dsl.types import STRING
from fieldwright.runtime.tryout import Attempt, Circumstances, try_delete, try_record


def _field(name: str, write: Write = Write.ALWAYS, **more: Any) -> FieldInfo:
    return FieldInfo(name, STRING, write, f"m.yaml:{len(name)}", **more)


def _unused(*_: Any, **__: Any) -> MappedRecord:
    raise AssertionError("a try-out maps nothing")


PROGRAM = Program(
    mapping="account",
    title="",
    at="m.yaml:1",
    digest="",
    source_object="chargebee.customer",
    root="customer",
    target_object="salesforce.Account",
    after=(),
    driven_by=None,
    params=(),
    reads=(),
    used={},
    keys=(KeyAlternative(("Id__c",)), KeyAlternative(("Email",))),
    on_ambiguous="error",
    on_none="create",
    on_source_delete={"action": "keep"},
    fields=(
        _field("Name"),
        _field("Email"),
        _field("Id__c", Write.CREATE_ONLY),
        _field("Phone", Write.IF_EMPTY),
        _field("Site", ref="site"),
        _field("Owner", ref="user", optional_ref=True),
    ),
    children=(
        ChildInfo("lines", "salesforce.Line", "Account", ("Code",), (_field("Code"), _field("Price")), "m.yaml:20"),
    ),
    compiled=_unused,
    reference=_unused,
)
FIELDS = {
    "Name": "Acme",
    "Email": "a@b.c",
    "Id__c": "cb_1",
    "Phone": "1",
    "Site": Ref("site", "x"),
    "Owner": Ref("user", "u"),
}
KEYS = ({"Id__c": "cb_1"}, {"Email": "a@b.c"})


def _same(object_name: str, name: str, ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs)


def _try(program: Program = PROGRAM, lines: list[dict[str, Any]] | None = None, **around: Any) -> Attempt:
    mapped = MappedRecord(fields=dict(FIELDS), keys=KEYS, children={"lines": lines or []})
    return try_record(program, mapped, "cb_1", Circumstances(**around), _same)


def test_without_a_record_at_the_target_everything_is_created() -> None:
    made = _try()

    assert (made.op, made.fields) == ("create", FIELDS)


@pytest.mark.parametrize(
    ("held", "written"),
    [
        ({"Id__c": "cb_1", "Name": "Old", "Email": "a@b.c", "Phone": "9"}, {"Name", "Site", "Owner"}),
        ({"Id__c": "other", "Email": "a@b.c", "Name": "Acme"}, {"Phone", "Site", "Owner"}),
        (
            {"Name": "Old", "Email": "a@b.c", "Site": Ref("site", "x"), "Owner": Ref("user", "other")},
            {"Name", "Phone", "Owner"},
        ),
    ],
)
def test_a_record_found_by_a_key_is_updated_where_it_differs(held: Mapping[str, Any], written: set[str]) -> None:
    made = _try(held=(held,))

    assert (made.op, set(made.fields)) == ("update", written)


def test_a_record_that_no_key_finds_is_another() -> None:
    assert _try(held=({"Id__c": "other", "Email": "other"},)).op == "create"


def test_several_records_of_one_key_are_an_error_and_one_of_an_earlier_key_is_not() -> None:
    twice = _try(held=({"Id": "1"}, {"Id": "2"}))
    earlier = _try(held=({"Id": "1", "Id__c": "cb_1"}, {"Id": "2", "Id__c": "x"}))

    assert twice.problem is not None
    assert (twice.problem.code, twice.problem.where) == ("RT202", "key")
    assert (earlier.problem, earlier.op) == (None, "update")


def test_a_mapping_that_creates_none_says_so() -> None:
    made = _try(replace(PROGRAM, on_none="skip"))

    assert made.problem is not None
    assert made.problem.code == "RT204"


def test_a_linked_record_is_compared_with_what_was_written_last() -> None:
    assert _try(linked=FIELDS).op == "nothing"
    made = _try(linked={**FIELDS, "Name": "Old"}, held=({"Id__c": "other"},))
    assert (made.op, dict(made.fields)) == ("update", {"Name": "Acme"})


def test_a_field_to_be_filled_if_empty_looks_at_the_record_not_at_the_last_write() -> None:
    last = {name: value for name, value in FIELDS.items() if name != "Phone"}

    assert set(_try(linked=last, held=({"Phone": "9"},)).fields) == set()
    assert set(_try(linked=last, held=({"Phone": ""},)).fields) == {"Phone"}


def test_a_record_waits_for_its_parent_unless_it_may_go_without() -> None:
    waiting = _try(not_synced=frozenset(["site"]))
    without = _try(not_synced=frozenset(["user"]))

    assert waiting.problem is not None
    assert (waiting.problem.code, waiting.problem.where, waiting.problem.at) == ("RT201", "Site", "m.yaml:4")
    assert (without.op, "Owner" in without.fields) == ("create", False)


def test_rows_are_replaced_as_a_set() -> None:
    rows = [{"Code": "a", "Price": "1"}, {"Code": "b", "Price": "2"}, {"Code": "d", "Price": "4"}]
    held = [{"Code": "a", "Price": "1"}, {"Code": "b", "Price": "9"}, {"Code": "c", "Price": "3"}]

    made = _try(lines=rows, linked=FIELDS, rows={"lines": held})

    assert (made.op, made.rows) == ("nothing", {"lines": {"created": 1, "updated": 1, "deleted": 1}})
    assert made.children == {"lines": rows}


@pytest.mark.parametrize(
    ("policy", "settings", "linked", "op", "action"),
    [
        ({"action": "keep"}, {}, True, "nothing", "keep"),
        ({"action": "delete"}, {}, True, "delete", "delete"),
        ({"action": "delete"}, {}, False, "nothing", "delete"),
        ({"by_setting": "gone"}, {"gone": "tag"}, True, "delete", "tag"),
        ({"action": "set", "set": {"Name": "gone"}}, {}, True, "update", "set"),
    ],
)
def test_a_record_that_is_gone(
    policy: Mapping[str, Any], settings: Mapping[str, Any], linked: bool, op: str, action: str
) -> None:
    made, done = try_delete(replace(PROGRAM, on_source_delete=policy), settings, linked=linked)

    assert (made.op, done) == (op, action)
    assert made.fields == ({"Name": "gone"} if op == "update" else {})

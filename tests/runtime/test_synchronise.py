"""What a run does, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldwright.dsl.program import ReadInfo
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.records import Op, Operation, Outcome, Result
from fieldwright.runtime.rehearsal import Rehearsal
from fieldwright.runtime.sync import Mode

from .programs import CUSTOMERS, ORDERS, World, program


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def counts(report: Any, mapping: str) -> tuple[int, int, int, int, int]:
    row = next(row for row in report.objects if row.mapping == mapping)
    return row.created, row.updated, row.unchanged, row.deleted, row.rejected


def test_first_run_creates_everything_with_parents_and_rows(world: World) -> None:
    report = world.run()
    assert report.status == "completed"
    assert counts(report, "customers") == (3, 0, 0, 0, 0)
    assert counts(report, "orders") == (3, 0, 0, 0, 0)
    assert counts(report, "orders/lines") == (6, 0, 0, 0, 0)
    accounts = {record["Ext"]: key for key, record in world.target.records["salesforce.Account"].items()}
    assert [order["AccountId"] for order in world.held("Order")] == [accounts["c0"], accounts["c1"], accounts["c2"]]


def test_second_run_writes_nothing_and_vouches_for_all(world: World) -> None:
    world.run()
    before = world.target.writes
    report = world.run()
    assert world.target.writes == before
    assert counts(report, "customers") == (0, 0, 3, 0, 0)
    assert counts(report, "orders/lines") == (0, 0, 6, 0, 0)
    assert report.exit_code == 0


def test_only_the_changed_field_is_written(world: World) -> None:
    world.run()
    world.source.put("chargebee.customer", {"id": "c1", "name": "Renamed"})
    world.target.sent.clear()
    report = world.run()
    assert [(op.op, dict(op.fields)) for op in world.target.sent] == [(Op.UPDATE, {"Name": "Renamed"})]
    assert counts(report, "customers") == (0, 1, 2, 0, 0)


def test_rows_are_replaced_as_a_set(world: World) -> None:
    world.run()
    world.source.put("chargebee.order", {"id": "o1", "name": "Order 1", "parent": "c1", "lines": {"b": 5, "c": 7}})
    report = world.run()
    order = next(key for key, row in world.target.records["salesforce.Order"].items() if row["Ext"] == "o1")
    rows = {row["Line"]: row["Amount"] for row in world.held("OrderLine") if row["ParentId"] == order}
    assert rows == {"b": 5, "c": 7}
    assert counts(report, "orders/lines") == (1, 1, 4, 1, 0)


def test_rows_of_one_parent_fail_together_and_delay_no_other(world: World) -> None:
    def refuse(operation: Operation) -> Outcome | None:
        if operation.fields.get("Line") == "b" and operation.source_id == "o1":
            return Outcome(Result.REJECTED, code="BAD", reason="no b here", fields=("Line",))
        return None

    world.target.refuse = refuse
    report = world.run()
    order = next(key for key, row in world.target.records["salesforce.Order"].items() if row["Ext"] == "o1")
    assert [row for row in world.held("OrderLine") if row["ParentId"] == order] == []
    assert len(world.held("OrderLine")) == 4
    assert [(error.source_id, error.code, error.message) for error in report.errors] == [("o1", "BAD", "no b here")]
    assert report.exit_code == 1
    world.target.refuse = lambda _operation: None
    assert world.run(Mode.RETRY).errors == []
    assert len(world.held("OrderLine")) == 6


def test_rejected_record_delays_no_other_and_is_tried_again_when_it_changes(world: World) -> None:
    world.target.refuse = lambda op: (
        Outcome(Result.REJECTED, code="STRING_TOO_LONG", reason="too long", fields=("Name",))
        if op.fields.get("Name") == "Customer 1"
        else None
    )
    report = world.run()
    assert counts(report, "customers") == (2, 0, 0, 0, 1)
    (too_long, waiting) = report.errors
    assert (too_long.source_id, too_long.code, too_long.field, too_long.at) == (
        "c1",
        "STRING_TOO_LONG",
        "Name",
        "customers.yaml:2",
    )
    assert (waiting.source_id, waiting.kind) == ("o1", "waiting")
    assert "customer c1" in waiting.message
    assert "STRING_TOO_LONG" in waiting.message
    quiet = world.run()
    assert [error.tries for error in quiet.errors] == [1, 2]
    world.source.put("chargebee.customer", {"id": "c1", "name": "Short"})
    healed = world.run()
    assert healed.errors == []
    assert len(world.held("Order")) == 3


def test_record_whose_expression_fails_is_rejected_with_its_place(tmp_path: Path) -> None:
    def failing(roots: Any) -> str:
        if roots["r"]["id"] == "c1":
            raise EvaluationError("RT101", "division by zero", "check the quantity")
        return str(roots["r"]["name"])

    world = World(
        tmp_path,
        program("customers", "chargebee.customer", "salesforce.Account", {"Ext": lambda x: x["r"]["id"], "N": failing}),
    )
    report = world.run()
    assert [(e.code, e.kind, e.field, e.fix) for e in report.errors] == [
        ("RT101", "mapping", "N", "check the quantity")
    ]
    assert len(world.held("Account")) == 2


def test_existing_record_is_adopted_by_its_key_and_its_own_fields_are_kept(world: World) -> None:
    world.target.records["salesforce.Account"] = {
        "Acc77777": {"Ext": "c1", "Name": "Old", "Phone": "by hand"},
        "Acc88888": {"Ext": "other", "Name": "Stranger"},
    }
    world.source.put("chargebee.customer", {"id": "c1", "name": "Customer 1", "phone": "+1"})
    report = world.run()
    assert counts(report, "customers") == (2, 1, 0, 0, 0)
    assert world.target.records["salesforce.Account"]["Acc77777"] == {
        "Ext": "c1",
        "Name": "Customer 1",
        "Phone": "by hand",
    }
    assert world.target.records["salesforce.Account"]["Acc88888"] == {"Ext": "other", "Name": "Stranger"}


def test_two_matches_are_an_error_and_never_a_guess(world: World) -> None:
    world.target.records["salesforce.Account"] = {"A1": {"Ext": "c1"}, "A2": {"Ext": "c1"}}
    report = world.run()
    assert [(e.source_id, e.code) for e in report.errors] == [("c1", "RT202"), ("o1", "RT201")]
    assert world.target.records["salesforce.Account"]["A1"] == {"Ext": "c1"}


def test_two_source_records_with_one_key_do_not_share_a_target(tmp_path: Path) -> None:
    by_email = program(
        "contacts",
        "chargebee.customer",
        "salesforce.Contact",
        {"email": lambda x: x["r"].get("email"), "Name": lambda x: x["r"].get("name")},
        key=("email",),
    )
    world = World(tmp_path, by_email)
    for number in range(3):
        world.source.put("chargebee.customer", {"id": f"c{number}", "email": "same@x.org" if number else "a@x.org"})
    report = world.run()
    assert [(e.source_id, e.code) for e in report.errors] == [("c2", "RT205")]
    assert sorted(record["email"] for record in world.held("Contact")) == ["a@x.org", "same@x.org"]


def test_plan_writes_nothing_and_leaves_no_trace_in_the_state(world: World) -> None:
    report = world.run(plan=True)
    assert world.target.writes == 0
    assert [(op.op, op.object, op.source_id) for op in report.operations if op.child_key is None] == [
        (Op.CREATE, "salesforce.Account", "c0"),
        (Op.CREATE, "salesforce.Account", "c1"),
        (Op.CREATE, "salesforce.Account", "c2"),
        (Op.CREATE, "salesforce.Order", "o0"),
        (Op.CREATE, "salesforce.Order", "o1"),
        (Op.CREATE, "salesforce.Order", "o2"),
    ]
    assert report.operations[3 + 0].fields["AccountId"] == "(known after apply: customers c0)"
    assert counts(world.run(), "customers") == (3, 0, 0, 0, 0)


def test_plan_names_exactly_what_the_run_then_does(world: World) -> None:
    world.run()
    world.source.put("chargebee.customer", {"id": "c2", "name": "New name"})
    world.source.put("chargebee.order", {"id": "o0", "name": "Order 0", "parent": "c0", "lines": {"a": 9}})
    planned = world.run(plan=True)
    world.target.sent.clear()
    world.run()
    shape = [(op.op, op.object, op.target_id, dict(op.fields)) for op in planned.operations]
    assert shape == [(op.op, op.object, op.target_id, dict(op.fields)) for op in world.target.sent]
    change = planned.operations[0].changes["Name"]
    assert (change.old, change.new, change.at) == ("Customer 2", "New name", "customers.yaml:2")


def test_no_write_method_is_reachable_from_a_plans_target(world: World) -> None:
    rehearsal = Rehearsal(world.target)
    reachable = {name for name in vars(rehearsal) if getattr(rehearsal, name) == world.target.apply}
    assert reachable == set()
    assert not any(value is world.target for value in vars(rehearsal).values())


def test_edited_mapping_is_applied_to_records_that_did_not_change(world: World) -> None:
    world.run()
    shouting = program(
        "customers",
        "chargebee.customer",
        "salesforce.Account",
        {"Ext": lambda x: x["r"]["id"], "Name": lambda x: x["r"]["name"].upper()},
        digest="2",
    )
    world.programs = (shouting, ORDERS)
    report = world.run()
    assert counts(report, "customers") == (0, 3, 0, 0, 0)
    assert {record["Name"] for record in world.held("Account")} == {"CUSTOMER 0", "CUSTOMER 1", "CUSTOMER 2"}


def test_change_of_a_declared_read_reaches_the_record_that_reads_it(tmp_path: Path) -> None:
    newest = ReadInfo("order", "newest", "chargebee.order", lambda x: x["r"]["id"], "id", "parent", by="created_at")
    contacts = program(
        "contacts",
        "chargebee.customer",
        "salesforce.Contact",
        {"Ext": lambda x: x["r"]["id"], "Last": lambda x: x["order"]["name"] if x["order"] else None},
        reads=(newest,),
    )
    world = World(tmp_path, contacts)
    world.run()
    world.source.tick()
    world.source.put("chargebee.order", {"id": "o9", "name": "Newer", "parent": "c1", "created_at": 99})
    world.target.sent.clear()
    world.run()
    assert [(op.source_id, dict(op.fields)) for op in world.target.sent] == [("c1", {"Last": "Newer"})]


def test_initial_run_takes_the_latest_and_their_parents(world: World) -> None:
    world.source.tick()
    world.source.put("chargebee.order", {"id": "o1", "name": "Order 1", "parent": "c1", "lines": {}})
    world.programs = (CUSTOMERS, ORDERS)
    report = world.run(Mode.INITIAL, initial_limit=1)
    assert {record["Ext"] for record in world.held("Order")} == {"o1"}
    assert {record["Ext"] for record in world.held("Account")} == {"c1", "c2"}
    assert report.errors == []
    assert counts(world.run(), "customers") == (1, 0, 2, 0, 0)


def test_deleted_source_record_is_handled_as_the_mapping_says(tmp_path: Path) -> None:
    deleting = program(
        "customers",
        "chargebee.customer",
        "salesforce.Account",
        {"Ext": lambda x: x["r"]["id"]},
        on_source_delete={"action": "delete"},
    )
    world = World(tmp_path, deleting)
    world.run()
    world.source.remove("chargebee.customer", "c1")
    report = world.run()
    assert counts(report, "customers") == (0, 0, 2, 1, 0)
    assert {record["Ext"] for record in world.held("Account")} == {"c0", "c2"}
    assert world.run().changes == 0


def test_changing_the_user_changes_no_record(world: World) -> None:
    world.run()
    world.target.user = "second user"
    writes = world.target.writes
    assert world.run(Mode.ALL).changes == 0
    assert world.target.writes == writes


def test_older_version_never_replaces_a_newer_one(world: World) -> None:
    from dataclasses import replace

    world.run()
    stale = world.source._records["chargebee.customer"]["c1"]
    world.source.put("chargebee.customer", {"id": "c1", "name": "Newer"})
    world.run()
    world.source._records["chargebee.customer"]["c1"] = replace(stale)
    world.run(Mode.ALL)
    assert {record["Name"] for record in world.held("Account")} == {"Customer 0", "Newer", "Customer 2"}


def test_mass_deletion_stops_before_the_first_write_and_asks(tmp_path: Path) -> None:
    deleting = program(
        "customers",
        "chargebee.customer",
        "salesforce.Account",
        {"Ext": lambda x: x["r"]["id"], "Name": lambda x: x["r"].get("name")},
        on_source_delete={"action": "delete"},
    )
    world = World(tmp_path, deleting)
    for number in range(100):
        world.source.put("chargebee.customer", {"id": f"m{number}", "name": "x"})
    world.run()
    for number in range(12):
        world.source.remove("chargebee.customer", f"m{number}")
    world.source.put("chargebee.customer", {"id": "c1", "name": "changed"})
    writes = world.target.writes
    report = world.run()
    assert (report.status, report.exit_code) == ("aborted", 1)
    assert "12 of 103" in report.stopped
    assert world.target.writes == writes
    assert counts(world.run(allow_deletes=True), "customers") == (0, 1, 90, 12, 0)

"""What the runtime does when a system refuses, runs dry or changes behind its back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldwright.dsl.program import ReadInfo
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.errors import ObjectRefused, RunError, TryAgainLater
from fieldwright.runtime.records import Batch, Cursor, Op, Operation, Outcome, Result
from fieldwright.runtime.state.tables import intents, leases
from fieldwright.runtime.sync import Mode

from .programs import CUSTOMERS, ORDERS, World, program
from .test_interruptions import killed_run


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def row_of(report: Any, mapping: str) -> Any:
    return next(row for row in report.objects if row.mapping == mapping)


def account(world: World, ext: str) -> dict[str, Any]:
    return next(record for record in world.held("Account") if record["Ext"] == ext)


def test_value_written_by_a_killed_run_is_taken_back_when_the_source_takes_it_back(world: World) -> None:
    world.run()
    world.source.put("chargebee.customer", {"id": "c1", "name": "A slip"})
    assert killed_run(world, 1, after_write=True)
    assert account(world, "c1")["Name"] == "A slip"
    world.source.put("chargebee.customer", {"id": "c1", "name": "Customer 1"})
    report = world.run()
    assert account(world, "c1")["Name"] == "Customer 1"
    assert report.errors == []
    assert world.run().changes == 0


class Meter:
    """Lets a target take `left` operations and then raise what a system raises that has had enough: the rest of the
    call comes back unsent, the next call is refused as a whole."""

    def __init__(self, world: World, left: int, error: RunError) -> None:
        self.left = left
        self._apply = world.target.apply
        self._error = error
        world.target.apply = self.apply  # type: ignore[method-assign]

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        if self.left <= 0:
            raise self._error
        taken = list(operations[: self.left])
        rest = operations[len(taken) :]
        while rest and taken and taken[-1].aggregate and taken[-1].aggregate == rest[0].aggregate:
            taken.pop()
            rest = operations[len(taken) :]
        self.left -= len(operations)
        if not taken:
            raise self._error
        unsent = Outcome(Result.RETRY, code="NOT_SENT", reason=str(self._error))
        return [*self._apply(taken), *[unsent] * (len(operations) - len(taken))]


@pytest.mark.parametrize("left", range(1, 12))
def test_what_was_written_before_a_quota_ran_out_is_recorded_and_the_next_run_goes_on(world: World, left: int) -> None:
    meter = Meter(world, left, TryAgainLater("the daily limit is used up", "run again tomorrow"))
    report = world.run()
    written = len(world.held("Account")) + len(world.held("Order")) + len(world.held("OrderLine"))
    assert report.exit_code == 75
    assert (report.status, report.stopped_fix) == ("aborted", "run again tomorrow")
    assert report.total("created") == written
    meter.left = 1000
    sent = len(world.target.sent)
    second = world.run()
    assert (second.errors, second.exit_code) == ([], 0)
    assert (len(world.held("Account")), len(world.held("Order")), len(world.held("OrderLine"))) == (3, 3, 6)
    assert len(world.target.sent) - sent == 12 - written


def test_object_that_cannot_be_written_is_stopped_after_one_call_and_others_go_on(tmp_path: Path) -> None:
    products = program(
        "products", "chargebee.item", "salesforce.Product2", {"Ext": lambda x: x["r"]["id"]}, digest="products"
    )
    world = World(tmp_path, CUSTOMERS, products)
    world.target.capabilities = replace(world.target.capabilities, write_batch=2)
    for number in range(5):
        world.source.put("chargebee.item", {"id": f"i{number}"})
    asked: list[str] = []

    def refuse(operation: Operation) -> Outcome | None:
        if operation.object == "salesforce.Account":
            asked.append(operation.source_id)
            return Outcome(Result.CONFIG, code="INVALID_FIELD", reason="No such column 'Ext'", fix="grant the field")
        return None

    world.target.refuse = refuse
    report = world.run()
    assert asked == ["c0", "c1"]
    assert len(world.held("Product2")) == 5
    assert [(error.source_id, error.code) for error in report.errors] == [
        ("c0", "INVALID_FIELD"),
        ("c1", "INVALID_FIELD"),
    ]
    assert (report.status, report.exit_code) == ("completed_with_errors", 1)
    assert any("customers: stopped" in note and "No such column 'Ext'" in note for note in report.notes)
    world.target.refuse = lambda _operation: None
    healed = world.run()
    assert (healed.errors, len(world.held("Account"))) == ([], 3)


def test_one_record_with_a_field_that_cannot_be_written_does_not_stop_its_object(world: World) -> None:
    world.target.refuse = lambda op: (
        Outcome(Result.CONFIG, code="INVALID_FIELD", reason="no Phone") if "Phone" in op.fields else None
    )
    world.source.put("chargebee.customer", {"id": "c1", "name": "Customer 1", "phone": "+1"})
    report = world.run()
    assert len(world.held("Account")) == 2
    assert [(error.source_id, error.code) for error in report.errors if error.kind != "waiting"] == [
        ("c1", "INVALID_FIELD")
    ]


def test_object_refused_by_the_target_as_a_whole_ends_with_errors(world: World) -> None:
    apply = world.target.apply

    def refusing(operations: Sequence[Operation]) -> Sequence[Outcome]:
        if operations[0].object == "salesforce.Order":
            raise ObjectRefused("no object Order", "ask the administrator")
        return apply(operations)

    world.target.apply = refusing  # type: ignore[method-assign]
    report = world.run()
    assert (report.status, report.exit_code) == ("completed_with_errors", 1)
    world.target.apply = apply  # type: ignore[method-assign]
    assert (world.run().errors, len(world.held("Order"))) == ([], 3)


def test_source_object_that_cannot_be_read_stops_only_its_own_mappings(world: World) -> None:
    changes = world.source.changes

    def refusing(
        object_name: str, after: Cursor | None, *, fields: frozenset[str], limit: int | None = None
    ) -> Iterator[Batch]:
        if object_name == "chargebee.order":
            raise ObjectRefused("orders are switched off on this site", "switch them on")
        yield from changes(object_name, after, fields=fields, limit=limit)

    world.source.changes = refusing  # type: ignore[method-assign]
    report = world.run()
    assert len(world.held("Account")) == 3
    assert (report.status, report.exit_code) == ("completed_with_errors", 1)
    assert [note for note in report.notes if "orders" in note] == [
        "orders: stopped: orders are switched off on this site (switch them on)"
    ]
    world.source.changes = changes  # type: ignore[method-assign]
    assert world.run().exit_code == 0
    assert len(world.held("Order")) == 3


def test_initial_run_rejects_a_record_whose_read_has_no_key_and_goes_on(tmp_path: Path) -> None:
    def key(roots: Any) -> str:
        if roots["r"]["id"] == "c1":
            raise EvaluationError("RT101", "no key here", "give it one")
        return str(roots["r"]["id"])

    read = ReadInfo("order", "get", "chargebee.order", key)
    reading = program(
        "customers", "chargebee.customer", "salesforce.Account", {"Ext": lambda x: x["r"]["id"]}, reads=(read,)
    )
    world = World(tmp_path, reading)
    report = world.run(Mode.INITIAL)
    assert [(error.source_id, error.code) for error in report.errors] == [("c1", "RT101")]
    assert len(world.held("Account")) == 2


def gone(world: World, ext: str) -> None:
    accounts = world.target.records["salesforce.Account"]
    del accounts[next(key for key, record in accounts.items() if record["Ext"] == ext)]


def test_record_deleted_by_hand_is_told_and_made_anew_only_on_request(world: World) -> None:
    world.run()
    gone(world, "c1")
    world.source.put("chargebee.customer", {"id": "c1", "name": "Renamed"})
    report = world.run()
    (error,) = report.errors
    assert (error.source_id, error.code) == ("c1", "ENTITY_IS_DELETED")
    assert "--retry" in error.fix
    assert "interpret errors ignore" in error.fix
    assert len(world.held("Account")) == 2
    assert world.run().changes == 0
    healed = world.run(Mode.RETRY)
    assert (healed.errors, row_of(healed, "customers").created) == ([], 1)
    assert account(world, "c1")["Name"] == "Renamed"
    assert world.run().changes == 0


def test_record_merged_by_hand_is_found_again_by_its_key(world: World) -> None:
    world.run()
    gone(world, "c1")
    world.target.records["salesforce.Account"]["Survivor"] = {"Ext": "c1", "Name": "Merged"}
    world.source.put("chargebee.customer", {"id": "c1", "name": "Renamed"})
    world.run()
    assert world.run(Mode.RETRY).errors == []
    assert world.target.records["salesforce.Account"]["Survivor"]["Name"] == "Renamed"
    assert len(world.held("Account")) == 3


def test_outcomes_are_recorded_even_when_nobody_can_look_for_a_missing_record(world: World) -> None:
    world.run()
    gone(world, "c1")
    for number in (0, 1):
        world.source.put("chargebee.customer", {"id": f"c{number}", "name": f"Renamed {number}"})
    read = world.target.read

    def refused(*_given: Any) -> Iterator[Any]:
        raise TryAgainLater("the daily limit is used up")

    world.target.read = refused  # type: ignore[method-assign]
    report = world.run()
    assert (row_of(report, "customers").updated, [error.source_id for error in report.errors]) == (1, ["c1"])
    world.target.read = read  # type: ignore[method-assign]
    world.run(Mode.RETRY)
    assert world.run(Mode.RETRY).errors == []
    assert account(world, "c1")["Name"] == "Renamed 1"


def test_refusal_that_blames_a_deleted_neighbour_keeps_the_link(world: World) -> None:
    world.run()
    world.target.refuse = lambda op: (
        Outcome(Result.REJECTED, code="ENTITY_IS_DELETED", reason="entity is deleted", gone=True)
        if op.source_id == "o1"
        else None
    )
    world.source.put("chargebee.order", {"id": "o1", "name": "New", "parent": "c1", "lines": {"a": 1, "b": 2}})
    world.run()
    world.target.refuse = lambda _operation: None
    assert row_of(world.run(Mode.RETRY), "orders").updated == 1
    assert len(world.held("Order")) == 3


@pytest.mark.parametrize("policy", ["keep", "delete"])
def test_error_of_a_record_ends_when_the_record_is_deleted_at_the_source(tmp_path: Path, policy: str) -> None:
    world = World(
        tmp_path,
        program(
            "customers",
            "chargebee.customer",
            "salesforce.Account",
            {"Ext": lambda x: x["r"]["id"]},
            on_source_delete={"action": policy},
        ),
    )
    world.target.refuse = lambda op: Outcome(Result.REJECTED, code="BAD") if op.source_id == "c1" else None
    assert len(world.run().errors) == 1
    world.source.remove("chargebee.customer", "c1")
    assert world.run().errors == []


def test_record_deleted_and_made_again_at_the_source_is_made_again_at_the_target(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        program(
            "customers",
            "chargebee.customer",
            "salesforce.Account",
            {"Ext": lambda x: x["r"]["id"], "Name": lambda x: x["r"].get("name")},
            on_source_delete={"action": "delete"},
        ),
    )
    world.run()
    world.source.remove("chargebee.customer", "c1")
    world.run()
    assert len(world.held("Account")) == 2
    world.source.put("chargebee.customer", {"id": "c1", "name": "Back"})
    assert world.run().errors == []
    assert account(world, "c1")["Name"] == "Back"
    assert world.run().changes == 0


def test_selected_mapping_waits_for_parents_that_never_ran_and_says_what_to_run(world: World) -> None:
    report = world.run(select=frozenset({"orders"}))
    assert {(error.kind, error.source_id) for error in report.errors} == {
        ("waiting", "o0"),
        ("waiting", "o1"),
        ("waiting", "o2"),
    }
    assert all("customers" in error.fix for error in report.errors)
    assert world.held("Order") == []
    whole = world.run()
    assert (whole.errors, len(world.held("Order"))) == ([], 3)


def test_changed_key_follows_the_record_and_makes_no_second_one(tmp_path: Path) -> None:
    by_email = program(
        "contacts",
        "chargebee.customer",
        "salesforce.Contact",
        {"email": lambda x: x["r"].get("email"), "Name": lambda x: x["r"].get("name")},
        key=("email",),
    )
    world = World(tmp_path, by_email)
    for number in range(3):
        world.source.put("chargebee.customer", {"id": f"c{number}", "email": f"{number}@x.org"})
    world.run()
    world.source.put("chargebee.customer", {"id": "c1", "email": "new@x.org"})
    assert row_of(world.run(), "contacts").updated == 1
    assert sorted(record["email"] for record in world.held("Contact")) == ["0@x.org", "2@x.org", "new@x.org"]
    world.source.put("chargebee.customer", {"id": "c9", "email": "1@x.org"})
    assert world.run().errors == []
    assert len(world.held("Contact")) == 4


def test_emptied_set_of_rows_is_emptied_at_the_target(world: World) -> None:
    world.run()
    world.source.put("chargebee.order", {"id": "o1", "name": "Order 1", "parent": "c1", "lines": {}})
    assert row_of(world.run(), "orders/lines").deleted == 2
    assert len(world.held("OrderLine")) == 4
    assert world.run().changes == 0


def test_long_read_keeps_its_hold_on_the_state(world: World) -> None:
    seen: list[str] = []
    changes = world.source.changes

    def watching(*given: Any, **named: Any) -> Iterator[Batch]:
        for batch in changes(*given, **named):
            other = world.database()
            seen.append(str(other.execute(sa.select(leases.c.expires_at)).scalar_one()))
            other.close()
            yield batch

    world.source.changes = watching  # type: ignore[method-assign]
    for number in range(250):
        world.source.put("chargebee.customer", {"id": f"many{number:03}", "name": "x"})
    world.run()
    customers = seen[:3]
    assert customers == sorted(set(customers))


def test_late_result_of_a_run_that_lost_its_hold_is_not_recorded(world: World) -> None:
    apply = world.target.apply

    def slow(operations: Sequence[Operation]) -> Sequence[Outcome]:
        outcomes = apply(operations)
        thief = world.database()
        thief.execute(leases.update().values(epoch=99, owner="elsewhere:1:1:1"))
        thief.commit()
        thief.close()
        return outcomes

    world.target.apply = slow  # type: ignore[method-assign]
    report = world.run()
    assert "another run took over" in report.stopped
    database = world.database()
    left = database.execute(sa.select(sa.func.count()).select_from(intents)).scalar_one()
    database.close()
    assert left == 3


def test_plan_does_not_stand_in_the_way_of_a_run(world: World) -> None:
    world.run()
    world.source.put("chargebee.customer", {"id": "c1", "name": "Renamed"})
    reports: list[Any] = []
    changes = world.source.changes

    def interrupting(*given: Any, **named: Any) -> Iterator[Batch]:
        if not reports:
            world.source.changes = changes  # type: ignore[method-assign]
            reports.append(world.run())
        yield from changes(*given, **named)

    world.source.changes = interrupting  # type: ignore[method-assign]
    plan = world.run(plan=True)
    assert reports[0].status == "completed"
    assert plan.status == "completed"
    assert account(world, "c1")["Name"] == "Renamed"


def shapes(operations: Iterable[Operation]) -> list[tuple[Op, str, str]]:
    return [(operation.op, operation.object, operation.source_id) for operation in operations]


def test_plan_of_a_delete_is_what_the_run_then_does(tmp_path: Path) -> None:
    deleting = program(
        "customers",
        "chargebee.customer",
        "salesforce.Account",
        {"Ext": lambda x: x["r"]["id"]},
        on_source_delete={"action": "delete"},
    )
    world = World(tmp_path, deleting, ORDERS)
    world.run()
    world.source.remove("chargebee.customer", "c2")
    planned = world.run(plan=True)
    world.target.sent.clear()
    world.run()
    assert shapes(planned.operations) == shapes(world.target.sent) == [(Op.DELETE, "salesforce.Account", "c2")]

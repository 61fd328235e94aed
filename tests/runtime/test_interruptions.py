"""A run that dies at any moment, and the run after it: same end state as if nothing had happened, no duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldwright.runtime import sync
from fieldwright.runtime.errors import StateUnusable
from fieldwright.runtime.records import Operation, Outcome
from fieldwright.runtime.state.database import open_file
from fieldwright.runtime.state.tables import intents, leases

from .programs import World


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may run after it."""


def killed_run(world: World, at_call: int, *, after_write: bool) -> bool:
    """A run that dies at the n-th write call, before or after the target has applied it; True when it got that far."""
    calls = 0
    apply = world.target.apply

    def dying(operations: list[Operation]) -> list[Outcome]:
        nonlocal calls
        calls += 1
        if calls == at_call and not after_write:
            raise Killed
        outcomes = apply(operations)
        if calls == at_call:
            raise Killed
        return list(outcomes)

    world.target.apply = dying  # type: ignore[method-assign]
    finish = sync._Run._finish
    sync._Run._finish = lambda self, report, status: None  # type: ignore[method-assign]
    try:
        world.run()
    except Killed:
        return True
    finally:
        world.target.apply = apply  # type: ignore[method-assign]
        sync._Run._finish = finish  # type: ignore[method-assign]
        database = world.database()
        database.execute(leases.delete())
        database.commit()
        database.close()
    return False


def picture(world: World) -> dict[str, list[tuple[tuple[str, Any], ...]]]:
    """What the target holds, with ids replaced by what they stand for."""
    names = {
        key: str(row.get("Ext", row.get("Line"))) for rows in world.target.records.values() for key, row in rows.items()
    }

    def shown(row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        return tuple(sorted((name, names.get(value, value)) for name, value in row.items()))

    return {name: sorted(map(shown, rows.values()), key=str) for name, rows in world.target.records.items()}


@pytest.mark.parametrize("after_write", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("at_call", range(1, 4))
def test_killed_run_is_completed_by_the_next(tmp_path: Path, at_call: int, after_write: bool) -> None:
    undisturbed = World(tmp_path / "a")
    undisturbed.run()
    world = World(tmp_path / "b")
    assert killed_run(world, at_call, after_write=after_write)
    report = world.run()
    assert report.errors == []
    assert picture(world) == picture(undisturbed)
    writes = world.target.writes
    assert world.run().changes == 0
    assert world.target.writes == writes


@given(
    deaths=st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=4),
    edits=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["x", "y", "z"]),
            st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
        ),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_series_of_edits_and_deaths_ends_as_if_undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
    deaths: list[tuple[int, bool]],
    edits: list[tuple[int, str, dict[str, int]]],
) -> None:
    disturbed = World(tmp_path_factory.mktemp("disturbed"))
    calm = World(tmp_path_factory.mktemp("calm"))
    for number, (one, name, lines) in enumerate(edits):
        for world in (disturbed, calm):
            world.source.put("chargebee.customer", {"id": f"c{one}", "name": f"{name}{number}"})
            world.source.put("chargebee.order", {"id": f"o{one}", "name": name, "parent": f"c{one}", "lines": lines})
            world.source.tick()
        if number < len(deaths):
            killed_run(disturbed, deaths[number][0], after_write=deaths[number][1])
    calm.run()
    assert disturbed.run().errors == []
    assert picture(disturbed) == picture(calm)
    assert disturbed.run().changes == 0


@pytest.mark.parametrize("lost", [5, 8, 12, 20])
def test_lost_answer_makes_no_duplicate(tmp_path: Path, lost: int) -> None:
    world = World(tmp_path)
    world.target.lose_next = lost
    report = world.run()
    assert report.errors == []
    assert len(world.held("Account")) == 3
    assert len(world.held("Order")) == 3
    assert len(world.held("OrderLine")) == 6


def test_no_write_leaves_before_its_intent_is_committed(tmp_path: Path) -> None:
    world = World(tmp_path)
    seen: list[int] = []

    def look() -> None:
        other = open_file(tmp_path / "state.db")
        seen.append(int(other.execute(sa.select(sa.func.count()).select_from(intents)).scalar_one()))
        other.close()

    world.target.before_write = look
    world.run()
    assert seen == [3, 3, 6]
    database = world.database()
    assert database.execute(sa.select(sa.func.count()).select_from(intents)).scalar_one() == 0
    database.close()


def test_state_that_cannot_be_written_stops_the_run_before_any_write(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run()
    world.source.put("chargebee.customer", {"id": "c1", "name": "Later"})
    writes = world.target.writes
    database = world.database()
    database.execute(sa.text("PRAGMA query_only = ON"))
    with pytest.raises(StateUnusable) as refused:
        sync.synchronise(
            sync.Job(world.programs, {}, {}, world.source, {"salesforce": world.target}, "memory"), database
        )
    database.close()
    assert "nothing was written" in refused.value.fix
    assert world.target.writes == writes


def test_second_run_at_the_same_time_is_refused_and_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run()
    first = world.database()
    first.acquire()
    with pytest.raises(StateUnusable, match="another run is using this state"):
        world.run()
    first.release()
    first.close()
    assert world.run().status == "completed"


def test_run_that_lost_its_lease_writes_nothing_more(tmp_path: Path) -> None:
    world = World(tmp_path)

    def steal() -> None:
        world.target.before_write = lambda: None
        thief = open_file(tmp_path / "state.db")
        thief.execute(leases.update().values(epoch=99, owner="elsewhere:1:1:1"))
        thief.commit()
        thief.close()

    world.target.before_write = steal
    report = world.run()
    assert report.status == "aborted"
    assert "another run took over" in report.stopped
    assert len(world.target.sent) == 3


def test_rows_written_without_a_recorded_outcome_are_not_written_twice(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run()
    world.source.put("chargebee.order", {"id": "o1", "name": "Order 1", "parent": "c1", "lines": {"a": 1, "n": 4}})
    assert killed_run(world, 1, after_write=True)
    assert world.run().errors == []
    order = next(key for key, row in world.target.records["salesforce.Order"].items() if row["Ext"] == "o1")
    assert sorted(row["Line"] for row in world.held("OrderLine") if row["ParentId"] == order) == ["a", "n"]

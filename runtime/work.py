"""One record on its way through a batch, with everything the steps have learnt about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.program import MappedRecord
from fieldwright.dsl.ruleprogram import Decision
from fieldwright.runtime.planner import Desired, RecordPlan
from fieldwright.runtime.records import Change
from fieldwright.runtime.state.ledger import ChildLink, Decided, Link


@dataclass(slots=True)
class Work:
    """A source record, what it maps to, what it is linked to, and what is planned for it. `failed` takes it out of all
    later steps; `rows_due` says that its child rows were written in this batch."""

    change: Change
    roots: dict[str, Any]
    mapped: MappedRecord | None = None
    decision: Decision | None = None
    desired: Desired | None = None
    link: Link | None = None
    plan: RecordPlan | None = None
    target_id: str | None = None
    rows: list[ChildLink] = field(default_factory=list)
    rows_due: bool = False
    failed: bool = False

    @property
    def id(self) -> str:
        """The source id."""
        return self.change.id

    def new_link(self, *, whole: bool) -> Link:
        """The link to remember once the planned write is done."""
        assert self.plan is not None
        assert self.desired is not None
        return Link(self.id, self.target_id, key_text(self.desired.key), self.plan.base, self.change.version, whole)

    def decided(self) -> Decided | None:
        """The decision to remember, if a ruleset made one."""
        if self.decision is None:
            return None
        made = self.decision
        return Decided(made.rule, made.rule_id, made.action, self.change.version, made.at)


def key_text(key: Mapping[str, Any]) -> str | None:
    """A single-field key as text, for finding its owner; None for other keys."""
    if len(key) != 1:
        return None
    value = next(iter(key.values()))
    return None if value is None else str(value)

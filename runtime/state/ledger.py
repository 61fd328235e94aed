"""The ledger: links between source and target records, what was last written, and writes on their way.

A link is found by pair of accounts, mapping and source id. `base` holds the wire values last written (what the target
is believed to hold of ours); the planner writes only what differs from it. An intent is committed before a write
leaves and removed with its outcome; what a crash leaves behind marks records whose target must be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from fieldwright.runtime.records import Operation
from fieldwright.runtime.state.database import Database, chunks
from fieldwright.runtime.state.tables import child_links, decisions, intents, links, pairs, sources

_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `whole` is False while the record's child rows may be incomplete."""

    source_id: str
    target_id: str | None
    target_key: str | None
    base: Mapping[str, Any]
    version: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ChildLink:
    """One row of a child set as last written."""

    child_set: str
    child_key: str
    target_id: str
    base: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision of a ruleset for one record."""

    rule: str
    rule_id: str
    action: str
    version: int
    at: str


def account_id(database: Database, system: str, account: str) -> int:
    """The number of a system's account (site, org), registered when new."""
    found = database.execute(
        sa.select(sources.c.id).where(sources.c.system == system, sources.c.account == account)
    ).scalar()
    if found is None:
        found = database.next_number("sources")
        database.execute(sources.insert().values(id=found, system=system, account=account))
    return int(found)


def pair_id(database: Database, source: int, target: int) -> int:
    """The number of a pair of accounts, registered when new."""
    found = database.execute(
        sa.select(pairs.c.id).where(pairs.c.source_id == source, pairs.c.target_id == target)
    ).scalar()
    if found is None:
        found = database.next_number("pairs")
        database.execute(pairs.insert().values(id=found, source_id=source, target_id=target))
    return int(found)


class Ledger:
    """Links, children, intents and decisions of one pair of accounts."""

    def __init__(self, database: Database, pair: int, run_id: int) -> None:
        self._db = database
        self.pair = pair
        self._run = run_id

    def links(self, mapping: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """Links by source id, those that exist."""
        found: dict[str, Link] = {}
        for chunk in chunks(source_ids):
            rows = self._db.execute(
                sa.select(
                    links.c.source_id,
                    links.c.target_id,
                    links.c.target_key,
                    links.c.base,
                    links.c.version,
                    links.c.whole,
                ).where(links.c.pair_id == self.pair, links.c.mapping == mapping, links.c.source_id.in_(chunk))
            )
            for row in rows:
                found[row.source_id] = Link(
                    row.source_id, row.target_id, row.target_key, _decode(row.base), row.version, bool(row.whole)
                )
        return found

    def target_ids(self, mapping: str, source_ids: Sequence[str]) -> dict[str, str]:
        """Only the target ids, for resolving references."""
        found: dict[str, str] = {}
        for chunk in chunks(source_ids):
            rows = self._db.execute(
                sa.select(links.c.source_id, links.c.target_id).where(
                    links.c.pair_id == self.pair, links.c.mapping == mapping, links.c.source_id.in_(chunk)
                )
            )
            found.update((row.source_id, row.target_id) for row in rows if row.target_id)
        return found

    def owners(self, mapping: str, column: str, values: Sequence[str]) -> dict[str, str]:
        """Which source record already owns a target: by `target_id` or `target_key`."""
        found: dict[str, str] = {}
        for chunk in chunks(values):
            rows = self._db.execute(
                sa.select(links.c[column], links.c.source_id).where(
                    links.c.pair_id == self.pair, links.c.mapping == mapping, links.c[column].in_(chunk)
                )
            )
            found.update((str(target), str(source)) for target, source in cast("Iterable[tuple[str, str]]", rows.all()))
        return found

    def count(self, mapping: str) -> int:
        """How many records a mapping has linked."""
        return int(
            self._db.execute(
                sa.select(sa.func.count()).where(links.c.pair_id == self.pair, links.c.mapping == mapping)
            ).scalar_one()
        )

    def child_count(self, mapping: str, child_set: str) -> int:
        """How many child rows a mapping has in a set."""
        return int(
            self._db.execute(
                sa.select(sa.func.count()).where(
                    child_links.c.pair_id == self.pair,
                    child_links.c.mapping == mapping,
                    child_links.c.child_set == child_set,
                )
            ).scalar_one()
        )

    def save_links(self, mapping: str, new: Iterable[Link]) -> None:
        """Insert or replace links."""
        rows: list[dict[str, Any]] = [
            {
                "pair_id": self.pair,
                "mapping": mapping,
                "source_id": link.source_id,
                "target_id": link.target_id,
                "target_key": link.target_key,
                "base": _encode(link.base),
                "version": link.version,
                "whole": link.whole,
                "run_id": self._run,
            }
            for link in new
        ]
        if rows:
            self.drop_links(mapping, [row["source_id"] for row in rows], with_children=False)
            self._db.execute(links.insert(), rows)

    def drop_links(self, mapping: str, source_ids: Sequence[str], *, with_children: bool = True) -> None:
        """Forget links (the target records are gone)."""
        for chunk in chunks(source_ids):
            self._db.execute(
                links.delete().where(
                    links.c.pair_id == self.pair, links.c.mapping == mapping, links.c.source_id.in_(chunk)
                )
            )
            if with_children:
                self._db.execute(
                    child_links.delete().where(
                        child_links.c.pair_id == self.pair,
                        child_links.c.mapping == mapping,
                        child_links.c.source_id.in_(chunk),
                    )
                )

    def children(self, mapping: str, source_ids: Sequence[str]) -> dict[str, list[ChildLink]]:
        """Child rows by parent's source id."""
        found: dict[str, list[ChildLink]] = {}
        for chunk in chunks(source_ids):
            rows = self._db.execute(
                sa.select(child_links).where(
                    child_links.c.pair_id == self.pair,
                    child_links.c.mapping == mapping,
                    child_links.c.source_id.in_(chunk),
                )
            )
            for row in rows:
                found.setdefault(row.source_id, []).append(
                    ChildLink(row.child_set, row.child_key, row.target_id, _decode(row.base))
                )
        return found

    def replace_children(self, mapping: str, rows: Mapping[str, Sequence[ChildLink]]) -> None:
        """Set the child rows of the given parents to exactly these."""
        for chunk in chunks(list(rows)):
            self._db.execute(
                child_links.delete().where(
                    child_links.c.pair_id == self.pair,
                    child_links.c.mapping == mapping,
                    child_links.c.source_id.in_(chunk),
                )
            )
        values = [
            {
                "pair_id": self.pair,
                "mapping": mapping,
                "source_id": source_id,
                "child_set": child.child_set,
                "child_key": child.child_key,
                "target_id": child.target_id,
                "base": _encode(child.base),
            }
            for source_id, children in rows.items()
            for child in children
        ]
        if values:
            self._db.execute(child_links.insert(), values)

    # --- intents ------------------------------------------------------------------------------------------------

    def intend(self, operations: Sequence[Operation]) -> list[int]:
        """Record that these writes are about to leave and commit; returns the intents' numbers in order."""
        first = self._db.next_number("intents", len(operations))
        self._db.execute(
            intents.insert(),
            [
                {
                    "id": first + number,
                    "pair_id": self.pair,
                    "mapping": operation.mapping,
                    "source_id": operation.source_id,
                    "op": operation.op.value,
                    "run_id": self._run,
                    "epoch": self._db.epoch,
                }
                for number, operation in enumerate(operations)
            ],
        )
        self._db.renew()
        self._db.commit()
        return list(range(first, first + len(operations)))

    def settle(self, numbers: Sequence[int]) -> None:
        """The outcomes of these intents are recorded in the current transaction. Raises StateUnusable, with nothing
        recorded, when another run took over meanwhile: it has looked at the target itself."""
        self._db.renew()
        for chunk in chunks(numbers):
            self._db.execute(intents.delete().where(intents.c.id.in_(chunk)))

    def uncertain(self, mapping: str) -> set[str]:
        """Source ids with writes whose outcome was never recorded: their targets must be looked up first."""
        return set(
            self._db.execute(
                sa.select(intents.c.source_id).where(intents.c.pair_id == self.pair, intents.c.mapping == mapping)
            ).scalars()
        )

    def settle_records(self, mapping: str, source_ids: Sequence[str]) -> None:
        """Remove leftovers of earlier runs for records that have now been dealt with."""
        for chunk in chunks(source_ids):
            self._db.execute(
                intents.delete().where(
                    intents.c.pair_id == self.pair, intents.c.mapping == mapping, intents.c.source_id.in_(chunk)
                )
            )

    # --- decisions ----------------------------------------------------------------------------------------------

    def decisions(self, mapping: str, source_ids: Sequence[str]) -> dict[str, Decided]:
        """The stored decision of each record, where there is one."""
        found: dict[str, Decided] = {}
        for chunk in chunks(source_ids):
            rows = self._db.execute(
                sa.select(decisions).where(
                    decisions.c.pair_id == self.pair,
                    decisions.c.mapping == mapping,
                    decisions.c.source_id.in_(chunk),
                )
            )
            for row in rows:
                found[row.source_id] = Decided(row.rule, row.rule_id, row.action, row.version, row.at)
        return found

    def save_decisions(self, mapping: str, new: Mapping[str, Decided]) -> None:
        """Insert or replace decisions."""
        for chunk in chunks(list(new)):
            self._db.execute(
                decisions.delete().where(
                    decisions.c.pair_id == self.pair,
                    decisions.c.mapping == mapping,
                    decisions.c.source_id.in_(chunk),
                )
            )
        if new:
            self._db.execute(
                decisions.insert(),
                [
                    {
                        "pair_id": self.pair,
                        "mapping": mapping,
                        "source_id": source_id,
                        "rule": decided.rule,
                        "rule_id": decided.rule_id,
                        "action": decided.action,
                        "version": decided.version,
                        "at": decided.at,
                        "run_id": self._run,
                    }
                    for source_id, decided in new.items()
                ],
            )

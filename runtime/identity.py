"""Which target record a source record is: link first, then the mapping's keys, then create.

Records with a link need no look-up. For the others the keys are tried in order; the first alternative that finds
exactly one record wins, more than one is an error and never a guess. Look-ups are batched, and left out altogether
where the target holds no record of the object at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldwright.dsl.program import Program, Write
from fieldwright.runtime.connector import FindRequest, Target
from fieldwright.runtime.records import TargetRecord
from fieldwright.runtime.state.ledger import Ledger
from fieldwright.runtime.work import Work, key_text

Fail = Callable[..., None]


class Identifier:
    """Finds the target records of one mapping's batches. `empty` says that the target held no record of the object
    when the run began; `found` and `adopted` tell the later steps what a look-up brought."""

    def __init__(self, target: Target, ledger: Ledger, *, empty: bool, uncertain: set[str]) -> None:
        self._target = target
        self._ledger = ledger
        self._empty = empty and not uncertain
        self.uncertain = uncertain
        self.found: dict[str, TargetRecord] = {}
        self.adopted: set[str] = set()

    def identify(self, program: Program, works: list[Work], fail: Fail) -> list[Work]:
        """Split off the records that cannot be identified; look up those without a link where needed."""
        self.found = {}
        self.adopted = set()
        works = self._one_owner_each(program, works, fail)
        self._reread(program, works)
        if self._empty:
            return works
        seeking = [work for work in works if work.link is None or self._must_look(work)]
        if not seeking or not lookup_pays(program, self._target):
            return works
        return self._look_up(program, works, seeking, fail)

    def _reread(self, program: Program, works: Sequence[Work]) -> None:
        """What the target holds of linked records with a write whose outcome nobody recorded: the base may be older
        than that."""
        linked = {
            work.link.target_id: work.id
            for work in works
            if work.id in self.uncertain and work.link is not None and work.link.target_id
        }
        if linked:
            fields = [info.name for info in program.fields]
            for record in self._target.read(program.target_object, list(linked), fields):
                self.found[linked[record.id]] = record

    def _must_look(self, work: Work) -> bool:
        return work.id in self.uncertain and (work.link is None or not work.link.target_id)

    def _look_up(self, program: Program, works: list[Work], seeking: Sequence[Work], fail: Fail) -> list[Work]:
        fields = [info.name for info in program.fields]
        open_works = {work.id: work for work in seeking}
        failed: set[str] = set()
        for number in range(len(program.keys)):
            asked = [
                (work, work.desired.keys[number])
                for work in open_works.values()
                if work.desired is not None and number < len(work.desired.keys)
            ]
            if not asked:
                continue
            hits: dict[str, list[TargetRecord]] = {}
            request = FindRequest(program.target_object, [key for _, key in asked], fields)
            for position, record in self._target.find(request):
                hits.setdefault(asked[position][0].id, []).append(record)
            for source_id, records in hits.items():
                work = open_works.pop(source_id)
                unique = {record.id: record for record in records}
                if len(unique) > 1:
                    failed.add(source_id)
                    fail(
                        work,
                        "RT202",
                        "permanent",
                        f"{len(unique)} records of {program.target_object} match {_shown(work, number)}: "
                        + ", ".join(sorted(unique)[:5]),
                        "merge or correct them at the target; nothing is guessed",
                    )
                    continue
                self.found[source_id] = next(iter(unique.values()))
                self.adopted.add(source_id)
        matched = {source_id: record for source_id, record in self.found.items() if source_id in self.adopted}
        owners = self._ledger.owners(program.mapping, "target_id", [record.id for record in matched.values()])
        claimed: dict[str, str] = {}
        for source_id, record in matched.items():
            owner = owners.get(record.id, claimed.get(record.id))
            if owner is not None and owner != source_id:
                failed.add(source_id)
                del self.found[source_id]
                fail(
                    next(work for work in seeking if work.id == source_id),
                    "RT203",
                    "permanent",
                    f"the matching record {record.id} already belongs to {program.root} {owner}",
                    "two source records may not share one target record: correct the key of one of them",
                )
            claimed[record.id] = source_id
        if program.on_none == "skip":
            for source_id, work in open_works.items():
                failed.add(source_id)
                fail(work, "RT204", "permanent", "no record of the target matches and the mapping creates none")
        return [work for work in works if work.id not in failed]

    def _one_owner_each(self, program: Program, works: list[Work], fail: Fail) -> list[Work]:
        """Two source records with one single-field key: the one that was linked (or came) first keeps it."""
        if not all(len(alternative.fields) == 1 for alternative in program.keys[:1]) or not program.keys:
            return works
        keyed = [(work, None if work.desired is None else key_text(work.desired.key)) for work in works]
        owners = self._ledger.owners(program.mapping, "target_key", [text for _, text in keyed if text is not None])
        kept: list[Work] = []
        for work, text in keyed:
            owner = None if text is None else owners.get(text)
            if owner is not None and owner != work.id:
                name = program.keys[0].fields[0]
                fail(
                    work,
                    "RT205",
                    "permanent",
                    f"{name} {text} already belongs to {program.root} {owner}: one target record cannot be both",
                    f"give {program.root} {work.id} another {name}, or merge the two at the source",
                    "",
                    name,
                )
                continue
            if text is not None:
                owners[text] = work.id
            kept.append(work)
        return kept


def lookup_pays(program: Program, target: Target) -> bool:
    """Whether unlinked records must be looked up: a target that upserts by the key itself needs none, unless a field
    depends on what is there."""
    natural = all(
        len(alternative.fields) == 1
        and f"{program.target_object}.{alternative.fields[0]}" in target.capabilities.upserts_by
        for alternative in program.keys
    )
    depends = any(info.write is not Write.ALWAYS for info in program.fields)
    return depends or not natural


def _shown(work: Work, number: int) -> str:
    key: Mapping[str, Any] = work.desired.keys[number] if work.desired is not None else {}
    return " and ".join(f"{name} = {value}" for name, value in key.items())

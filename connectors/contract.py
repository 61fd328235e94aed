"""The acceptance kit that every connector passes: what the runtime relies on, as checks against a live connection.

A connector's tests give a connection to an empty (or scratch) system and a case that says which records to write; each
check raises `ContractBroken` with the claim that failed. Nothing here depends on a test framework, so the kit can also
be run against a real test account.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fieldwright.runtime.connector import FindRequest, Source, Target
from fieldwright.runtime.errors import RunError
from fieldwright.runtime.records import Change, Op, Operation, Result

if TYPE_CHECKING:
    from fieldwright.connectors.activecampaign.target import ActiveCampaignTarget
    from fieldwright.connectors.chargebee.source import ChargebeeSource
    from fieldwright.connectors.salesforce.target import SalesforceTarget

    def _conform(
        source: ChargebeeSource, salesforce: SalesforceTarget, activecampaign: ActiveCampaignTarget
    ) -> tuple[Source, Target, Target]:
        """The type checker's share of the contract."""
        return source, salesforce, activecampaign


class ContractBroken(AssertionError):
    """A connector does not do what the runtime relies on."""


@dataclass(frozen=True, slots=True)
class TargetCase:
    """What to write. `good` are creates that succeed and whose `key` names one record each; `bad` is one that the
    target refuses; `changed` is a field and the value an update gives it; `absent_id` has the form of an id."""

    object: str
    good: Sequence[Operation]
    bad: Operation
    changed: tuple[str, Any]
    absent_id: str
    compared: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class SourceCase:
    """What to read: an object with at least two records, and an id that no record has."""

    object: str
    absent_id: str


def accept_target(target: Target, case: TargetCase) -> None:
    """All checks of a target, in one order. Raises ContractBroken. Leaves the target closed."""
    before = target.calls()
    identity = target.check()
    _claim(identity.system == target.system, "the identity names the connection's system")
    _claim(bool(identity.account), "the identity names the account")
    _claim(target.calls() > before, "the first call is counted")
    _claim(_outcomes(target, []) == [], "nothing to do is done without an outcome")
    ids = outcomes_answer_in_order(target, case)
    count_find_and_read_agree(target, case, ids)
    updates_are_seen(target, case, ids)
    unknown_records_are_absent(target, case)
    target.close()
    target.close()


def outcomes_answer_in_order(target: Target, case: TargetCase) -> list[str]:
    """A refused record between good ones: every outcome stands at its operation's place. Gives the good ids."""
    middle = len(case.good) // 2
    operations = [*case.good[:middle], case.bad, *case.good[middle:]]
    outcomes = target.apply(operations)
    _claim(len(outcomes) == len(operations), "one outcome for each operation")
    refused = outcomes[middle]
    _claim(refused.result in (Result.REJECTED, Result.CONFIG, Result.WAITS), "the bad record is refused")
    _claim(bool(refused.code or refused.reason), "a refusal has a code or a reason")
    good = [*outcomes[:middle], *outcomes[middle + 1 :]]
    _claim(all(outcome.result is Result.DONE for outcome in good), "one bad record delays no other")
    found = _ids_by_key(target, case)
    ids = [outcome.target_id or found[place] for place, outcome in enumerate(good)]
    _claim(ids == [found[place] for place in range(len(case.good))], "each outcome names the record of its operation")
    return ids


def count_find_and_read_agree(target: Target, case: TargetCase, ids: Sequence[str]) -> None:
    """What was written is counted, found by key and read by id, with the same values."""
    count = target.count([case.object])[case.object]
    _claim(count is None or count >= len(ids), "the count covers the records written")
    read = {record.id: record.fields for record in target.read(case.object, ids, case.compared)}
    _claim(set(read) == set(ids), "each record written can be read by its id")
    for operation, target_id in zip(case.good, ids, strict=True):
        for name in case.compared:
            theirs = read[target_id].get(name)
            ours = operation.fields.get(name)
            _claim(target.same(case.object, name, ours, theirs), f"{name} reads as it was written")


def updates_are_seen(target: Target, case: TargetCase, ids: Sequence[str]) -> None:
    """An update by id changes that record; repeating it changes nothing."""
    name, value = case.changed
    update = replace(case.good[0], op=Op.UPDATE, target_id=ids[0], fields={name: value})
    for _ in range(2):
        (outcome,) = target.apply([update])
        _claim(outcome.result is Result.DONE, "an update by id is done, and done again")
    (record,) = target.read(case.object, ids[:1], [name])
    _claim(target.same(case.object, name, value, record.fields.get(name)), "the updated value is read back")


def unknown_records_are_absent(target: Target, case: TargetCase) -> None:
    """Ids and keys that do not exist are left out, not reported as errors."""
    _claim(list(target.read(case.object, [case.absent_id], case.compared)) == [], "an unknown id reads as nothing")
    unknown = {name: f"absent-{value}" for name, value in case.good[0].key.items()}
    request = FindRequest(case.object, [unknown], case.compared)
    _claim(list(target.find(request)) == [], "an unknown key finds nothing")


def accept_source(source: Source, case: SourceCase) -> None:
    """All checks of a source, in one order. Raises ContractBroken. Leaves the source closed."""
    before = source.calls()
    _claim(source.check().system == source.system, "the identity names the connection's system")
    _claim(source.calls() > before, "the first call is counted")
    _claim(source.now().utcoffset() is not None, "the source's clock is aware")
    everything = _changes(source.changes(case.object, None, fields=frozenset()))
    _claim(len(everything) >= 2, "the object has records")
    _claim(len({change.id for change in everything}) == len(everything), "no record comes twice in one reading")
    alive = [change for change in everything if not change.deleted]
    latest = _changes(source.changes(case.object, None, fields=frozenset(), limit=1))
    _claim([change.id for change in latest] == [max(alive, key=_version).id], "the latest record is the newest")
    wanted = [alive[0].id, case.absent_id, alive[1].id]
    fetched = _changes(source.fetch(case.object, wanted, fields=frozenset()))
    _claim({change.id for change in fetched} == {alive[0].id, alive[1].id}, "fetch gives known ids and no others")
    known = {change.id: change for change in everything}
    _claim(all(known[change.id].record == change.record for change in fetched), "fetch and list give one record alike")
    source.close()
    source.close()


def secrets_stay_hidden(actions: Sequence[Callable[[], object]], canaries: Sequence[str]) -> None:
    """Run actions that fail: no canary (a key, a password, personal data) in the error, its advice or its traceback."""
    for action in actions:
        try:
            action()
        except RunError as error:
            told = "".join([str(error), repr(error), error.fix, *traceback.format_exception_only(error)])
            chained = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
            told += "" if chained is None else str(chained)
            for canary in canaries:
                _claim(canary not in told, f"no secret in {type(error).__name__}")
        else:
            raise ContractBroken("the action was expected to fail")


def _outcomes(target: Target, operations: Sequence[Operation]) -> list[object]:
    return list(target.apply(operations))


def _ids_by_key(target: Target, case: TargetCase) -> Mapping[int, str]:
    keys = [operation.key for operation in case.good]
    found: dict[int, str] = {}
    for place, record in target.find(FindRequest(case.object, keys, case.compared)):
        _claim(found.setdefault(place, record.id) == record.id, "each key finds one record")
    _claim(len(found) == len(keys), "each record written is found by its key")
    return found


def _changes(batches: Any) -> list[Change]:
    return [change for batch in batches for change in batch.changes]


def _version(change: Change) -> int:
    return change.version


def _claim(holds: bool, claim: str) -> None:
    if not holds:
        raise ContractBroken(f"does not hold: {claim}")

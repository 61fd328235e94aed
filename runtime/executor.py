"""Operations -> outcomes: the only place that writes to a target.

Intents are committed first; then the target gets the operations in batches. Operations that were not applied are sent
again a bounded number of times; after an ambiguous loss the executor looks at the target before it sends anything
again. The caller records the outcomes and settles the intents in one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fieldwright.runtime.connector import FindRequest, Target
from fieldwright.runtime.errors import RunError
from fieldwright.runtime.records import Op, Operation, Outcome, Result
from fieldwright.runtime.state.ledger import Ledger

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Executed:
    """Outcomes in the order of the operations, and the intents to settle with them: those of writes that may or may
    not have been applied stay, so that a later run looks at the target first. `stopped` is what ended the work after
    part of it stood (a quota, an outage): the caller records the outcomes, then raises it."""

    outcomes: list[Outcome]
    intents: list[int]
    stopped: RunError | None = None


class Executor:
    """Applies operations to one target. `pause` waits between attempts (seconds) and is injected for tests."""

    def __init__(self, target: Target, ledger: Ledger, pause: Callable[[float], None] = time.sleep) -> None:
        self._target = target
        self._ledger = ledger
        self._pause = pause

    @property
    def size(self) -> int:
        """How many operations one call to the target takes."""
        return self._target.capabilities.write_batch

    def execute(self, operations: Sequence[Operation]) -> Executed:
        """Write some operations. The caller records the outcomes before it sends more, so that an error in a later
        call loses little. Raises what the target raises when nothing was applied."""
        numbers = self._ledger.intend(operations)
        outcomes = list(self._target.apply(operations))
        stopped: RunError | None = None
        try:
            self._repeat(operations, outcomes)
        except RunError as error:
            # What stands must be recorded, whatever became of the rest.
            stopped = error
        known = [number for number, out in zip(numbers, outcomes, strict=True) if out.result is not Result.AMBIGUOUS]
        return Executed(outcomes, known, stopped)

    def _repeat(self, operations: Sequence[Operation], outcomes: list[Outcome]) -> None:
        """Send again what was not applied, a bounded number of times; `outcomes` are updated in place."""
        for attempt in range(1, ATTEMPTS):
            again = _to_repeat(operations, outcomes)
            if not again:
                return
            self._pause(min(0.2 * 2**attempt, 5.0))
            settled = self._look([(i, operations[i]) for i in again if outcomes[i].result is Result.AMBIGUOUS])
            for index, outcome in settled.items():
                outcomes[index] = outcome
            resend = [i for i in again if i not in settled]
            if resend:
                for index, outcome in zip(resend, self._target.apply([operations[i] for i in resend]), strict=True):
                    outcomes[index] = outcome

    def _look(self, lost: Sequence[tuple[int, Operation]]) -> dict[int, Outcome]:
        """What became of creates whose answer was lost: found by their key, they were applied. Updates and deletes
        are simply repeated, which changes nothing if they were."""
        settled: dict[int, Outcome] = {}
        creates = [(i, op) for i, op in lost if op.op is Op.CREATE and op.key]
        for object_name in {op.object for _, op in creates}:
            of_object = [(i, op) for i, op in creates if op.object == object_name]
            request = FindRequest(object_name, [op.key for _, op in of_object], [])
            for position, record in self._target.find(request):
                settled[of_object[position][0]] = Outcome(Result.DONE, target_id=record.id, created=True)
        return settled


def _to_repeat(operations: Sequence[Operation], outcomes: Sequence[Outcome]) -> list[int]:
    """Which operations are sent again. Those of an aggregate go together or not at all; a create that may have been
    applied and has no key to find it by stays as it is, and so does its aggregate: only its owner can look."""
    lost = {
        operation.aggregate
        for operation, outcome in zip(operations, outcomes, strict=True)
        if operation.aggregate and outcome.result is Result.AMBIGUOUS
    }
    busy = {
        operation.aggregate
        for operation, outcome in zip(operations, outcomes, strict=True)
        if operation.aggregate and outcome.result is Result.RETRY
    }
    return [
        index
        for index, (operation, outcome) in enumerate(zip(operations, outcomes, strict=True))
        if (
            operation.aggregate in busy - lost
            if operation.aggregate
            else outcome.result is Result.RETRY
            or (outcome.result is Result.AMBIGUOUS and (operation.op is not Op.CREATE or operation.key))
        )
    ]

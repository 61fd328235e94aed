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
from fieldwright.runtime.records import Op, Operation, Outcome, Result
from fieldwright.runtime.state.ledger import Ledger

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Executed:
    """Outcomes in the order of the operations, and the intents to settle with them."""

    outcomes: list[Outcome]
    intents: list[int]


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
        """Write at most `size` operations. The caller records the outcomes before it sends more, so that an error in
        a later call loses nothing. Raises what the target raises when nothing was applied."""
        numbers = self._ledger.intend(operations)
        return Executed(self._apply(operations), numbers)

    def _apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        outcomes = list(self._target.apply(operations))
        for attempt in range(1, ATTEMPTS):
            again = [i for i, o in enumerate(outcomes) if o.result in (Result.RETRY, Result.AMBIGUOUS)]
            if not again:
                break
            self._pause(min(0.2 * 2**attempt, 5.0))
            settled = self._look([(i, operations[i]) for i in again if outcomes[i].result is Result.AMBIGUOUS])
            for index, outcome in settled.items():
                outcomes[index] = outcome
            resend = [i for i in again if i not in settled]
            if resend:
                for index, outcome in zip(resend, self._target.apply([operations[i] for i in resend]), strict=True):
                    outcomes[index] = outcome
        return outcomes

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

"""Turns operations into few write calls and their replies into one outcome for each operation, in order.

Rows travel in sObject Collections of 200, five of them in one composite call. Rows that stand alone fail alone. Rows of
one aggregate travel together: aggregates of one kind of write share collections that are applied whole or not at all,
aggregates that mix deletes, updates and creates share a composite call that is. When such a group fails, the aggregates
of the culprits are taken out and the innocent are sent again.

A create whose key is a unique external id is sent as an upsert, so that sending it twice makes one record. What may be
repeated is marked so; a reply that never came is `RETRY` for those and `AMBIGUOUS` for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.salesforce import failures
from fieldwright.connectors.salesforce.client import (
    DUPLICATES_ALLOWED,
    ROOT,
    SUBREQUESTS,
    Reply,
    SalesforceClient,
    composite_replies,
)
from fieldwright.connectors.salesforce.packing import (
    ROWS,
    Collection,
    Kind,
    Row,
    agreeing,
    as_collections,
    by_kind,
    calls,
    flat,
    mixed_packs,
    packed,
)
from fieldwright.dsl.schema import FieldSchema
from fieldwright.runtime.errors import Ambiguous, RunError
from fieldwright.runtime.records import Op, Operation, Outcome, Result

_ROUNDS: Final = 6
"""Times that what is left of a failed group is sent again before it is given back for the next run."""

_SPLITS: Final = 40
"""Calls that one apply may spend on finding rows that make a whole request unreadable."""

FieldOf = Callable[[str, str], FieldSchema | None]


@dataclass(slots=True)
class Writer:
    """One `apply`: sends and collects outcomes by place."""

    client: SalesforceClient
    field_of: FieldOf
    redact: Redactor
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    splits: int = 0
    answered: bool = False

    def apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Outcomes in order. Raises RunErrors only when nothing was applied."""
        rows = [row for place, operation in enumerate(operations) if (row := self._row(place, operation)) is not None]
        alone = [row for row in rows if row.aggregate is None]
        try:
            self._send_alone(as_collections(alone, whole=False))
            self._send_aggregates(rows)
        except RunError as error:
            if not self.answered:
                raise
            # Part of the batch stands: what is left was not sent, or was refused.
            unsent = Outcome(Result.RETRY, code="NOT_SENT", reason=self.redact(str(error)), fix=error.fix)
            for row in rows:
                self.outcomes.setdefault(row.place, unsent)
        return [self.outcomes[place] for place in range(len(operations))]

    def _row(self, place: int, operation: Operation) -> Row | None:
        sobject = operation.object.removeprefix("salesforce.")
        allowed = operation.options.get("on_duplicate") == "allow"
        key = self._upsert_key(operation)
        if operation.op is not Op.CREATE and not operation.target_id:
            if operation.op is Op.DELETE or not key:
                self.outcomes[place] = Outcome(Result.REJECTED, code="MISSING_ARGUMENT", reason="no target id is known")
                return None
        elif operation.op is not Op.CREATE:
            key = ""
        kind = Kind(sobject, Op.CREATE if key else operation.op, key, allowed and operation.op is not Op.DELETE)
        if operation.op is Op.DELETE:
            body: dict[str, Any] = {"id": operation.target_id}
        else:
            body = {"attributes": {"type": sobject}}
            if operation.op is Op.UPDATE and not key:
                body["id"] = operation.target_id
            body.update(operation.fields)
            if key:
                body.setdefault(key, operation.key[key])
        return Row(place, kind, operation.aggregate, body)

    def _upsert_key(self, operation: Operation) -> str:
        """The external id by which this write may be an upsert, or empty."""
        if operation.op is Op.DELETE or len(operation.key) != 1:
            return ""
        ((name, value),) = operation.key.items()
        known = self.field_of(operation.object, name)
        if known is None or not known.external_id or not known.unique or value in (None, ""):
            return ""
        return name

    def _send_alone(self, collections: Sequence[Collection]) -> None:
        for part in calls(collections):
            replies = self._call(part, whole=False)
            for collection, reply in zip(part, replies, strict=True):
                self._settle(collection, reply)

    def _settle(self, collection: Collection, reply: Reply) -> None:
        """Outcomes of rows that stand alone."""
        found = self._row_outcomes(collection, reply)
        if found is not None:
            self.outcomes.update(found)
            return
        code, message = failures.first_error(reply.body)
        failed = self._whole_outcome(reply, code, message, collection.kind.idempotent)
        # One row may be to blame for all: a value of the wrong JSON type makes the whole request unreadable.
        perhaps_one = failed.result in (Result.REJECTED, Result.WAITS)
        if perhaps_one and len(collection.rows) > 1 and self.splits < _SPLITS:
            self.splits += 1
            middle = len(collection.rows) // 2
            halves = (collection.rows[:middle], collection.rows[middle:])
            self._send_alone([Collection(collection.kind, half, collection.whole) for half in halves])
            return
        self.outcomes.update({row.place: failed for row in collection.rows})

    def _send_aggregates(self, rows: Sequence[Row]) -> None:
        groups: dict[str, list[Row]] = {}
        for row in rows:
            if row.aggregate is not None:
                groups.setdefault(row.aggregate, []).append(row)
        plain: list[list[Row]] = []
        mixed: list[list[Row]] = []
        for group in groups.values():
            (plain if len({row.kind for row in group}) == 1 and len(group) <= ROWS else mixed).append(group)
        for _ in range(_ROUNDS):
            if not plain and not mixed:
                return
            plain, mixed = self._round_plain(plain), self._round_mixed(mixed)
        late = Outcome(
            Result.RETRY,
            code="ALL_OR_NONE_OPERATION_ROLLED_BACK",
            reason="others of its call kept failing",
            rolled_back=True,
        )
        self.outcomes.update({row.place: late for group in (*plain, *mixed) for row in group})

    def _round_plain(self, groups: Sequence[list[Row]]) -> list[list[Row]]:
        """Send aggregates of one kind each, packed into whole collections; gives back those to send again."""
        again: list[list[Row]] = []
        packs = [(kind, pack) for kind, same in by_kind(groups).items() for pack in packed(same)]
        for start in range(0, len(packs), SUBREQUESTS):
            part = packs[start : start + SUBREQUESTS]
            # One header serves the whole call, so calls are made of collections that agree on it.
            for agreed in agreeing(part):
                collections = [Collection(kind, flat(pack), whole=True) for kind, pack in agreed]
                replies = self._call(collections, whole=False)
                for (_, pack), collection, reply in zip(agreed, collections, replies, strict=True):
                    again += self._judge(pack, [collection], [reply])
        return again

    def _round_mixed(self, groups: Sequence[list[Row]]) -> list[list[Row]]:
        """Send aggregates of several kinds, packed into whole composite calls; gives back those to send again."""
        again: list[list[Row]] = []
        for pack in mixed_packs(groups):
            collections = as_collections(flat(pack), whole=True)
            if len(collections) > SUBREQUESTS:
                many = Outcome(
                    Result.REJECTED,
                    code="AGGREGATE_TOO_LARGE",
                    reason=f"{sum(map(len, pack))} rows that belong together do not fit into one call",
                    fix=f"At most {SUBREQUESTS} kinds of rows, {ROWS} of each, can be written as one.",
                )
                self.outcomes.update({row.place: many for row in flat(pack)})
                continue
            again += self._judge(pack, collections, self._call(collections, whole=True))
        return again

    def _judge(
        self, pack: Sequence[list[Row]], collections: Sequence[Collection], replies: Sequence[Reply]
    ) -> list[list[Row]]:
        """Outcomes of aggregates that shared a fate; gives back the innocent ones."""
        found: dict[int, Outcome] = {}
        idempotent = all(collection.kind.idempotent for collection in collections)
        unreadable: list[Outcome] = []
        for collection, reply in zip(collections, replies, strict=True):
            some = self._row_outcomes(collection, reply)
            if some is None:
                code, message = failures.first_error(reply.body)
                failed = self._whole_outcome(reply, code, message, idempotent)
                if not failures.innocent(failed):
                    unreadable.append(failed)
                some = {row.place: failed for row in collection.rows}
            found.update(some)
        done = all(one.result is Result.DONE for one in found.values())
        if done or (unreadable and (len(pack) == 1 or unreadable[0].result is not Result.REJECTED)):
            self.outcomes.update(found)
            if unreadable:
                self.outcomes.update({row.place: unreadable[0] for row in flat(pack)})
            return []
        if unreadable:
            # One row made the call unreadable and nothing says which: each aggregate goes alone.
            if self.splits >= _SPLITS:
                self.outcomes.update(found)
                return []
            self.splits += 1
            middle = len(pack) // 2
            return [row for half in (pack[:middle], pack[middle:]) for row in self._again(half)]
        again: list[list[Row]] = []
        for group in pack:
            culprits = [
                found[row.place]
                for row in group
                if found[row.place].result is not Result.DONE and not failures.innocent(found[row.place])
            ]
            if culprits:
                for row in group:
                    own = found[row.place]
                    # A row that fails with its neighbour waits for what the neighbour waits for.
                    shared = own if own in culprits or own.result is Result.DONE else _shared(culprits[0], own)
                    self.outcomes[row.place] = shared
            elif all(found[row.place].result is Result.DONE for row in group):
                self.outcomes.update({row.place: found[row.place] for row in group})
            else:
                again.append(group)
        return again

    def _again(self, half: Sequence[list[Row]]) -> list[list[Row]]:
        """Send half of a pack that was unreadable as a whole."""
        groups = list(half)
        if not groups:
            return []
        plain = len({row.kind for row in flat(groups)}) == 1
        return self._round_plain(groups) if plain else self._round_mixed(groups)

    def _call(self, collections: Sequence[Collection], *, whole: bool) -> list[Reply]:
        """One composite call; a lost reply becomes a reply with status 0."""
        if not collections:
            return []
        idempotent = all(collection.kind.idempotent for collection in collections)
        body: dict[str, Any] = {
            "allOrNone": whole,
            "compositeRequest": [collection.request(f"r{i}") for i, collection in enumerate(collections)],
        }
        if whole:
            # Deletes before creates: the new row may need the unique value of the old one.
            body["collateSubrequests"] = False
        headers = {}
        if collections[0].kind.duplicates_allowed:
            headers[DUPLICATES_ALLOWED] = "allowSave=true"
            for request in body["compositeRequest"]:
                request["httpHeaders"] = dict(headers)
        try:
            reply = self.client.send("POST", f"{ROOT}/composite", body, headers=headers, idempotent=idempotent)
        except Ambiguous:
            self.answered = True
            return [Reply(0, None, readable=False)] * len(collections)
        if reply.status in (429, 503):
            raise failures.request_error(reply.status, reply.body, f"{ROOT}/composite", self.redact, readable=True)
        self.answered = True
        if reply.ok:
            return composite_replies(reply.body, len(collections))
        return [reply] * len(collections)

    def _row_outcomes(self, collection: Collection, reply: Reply) -> dict[int, Outcome] | None:
        """Outcomes by place when the reply speaks of rows, else None."""
        body = reply.body
        if not reply.ok or not isinstance(body, list) or len(body) != len(collection.rows):
            return None
        found: dict[int, Outcome] = {}
        for row, result in zip(collection.rows, body, strict=True):
            if result.get("success") is True:
                # `created` is true on failed inserts as well, so it is read here only.
                told = result.get("created")
                created = collection.kind.op is Op.CREATE and (not collection.kind.key if told is None else bool(told))
                known = result.get("id") or row.body.get("id")
                found[row.place] = Outcome(Result.DONE, target_id=known, created=created)
                continue
            failed = failures.outcome(result.get("errors") or (), self.redact)
            if collection.kind.op is Op.DELETE and failures.already_gone(failed):
                failed = Outcome(Result.DONE, target_id=str(row.body["id"]), created=False)
            elif failed.code == "DUPLICATE_VALUE" and collection.kind.key and collection.kind.key in failed.reason:
                failed = Outcome(
                    Result.RETRY, code=failed.code, reason=failed.reason, fix="It was made at this moment."
                )
            found[row.place] = failed
        return found

    def _whole_outcome(self, reply: Reply, code: str, message: str, idempotent: bool) -> Outcome:
        """The outcome of every row of a request that failed as a whole."""
        if not reply.readable or reply.status >= 500 or reply.status in (0, 408) or reply.ok:
            lost = Result.RETRY if idempotent else Result.AMBIGUOUS
            reason = "the reply was lost or could not be read" if reply.status in (0, 200) else "the server failed"
            return Outcome(lost, code=code or "NO_REPLY", reason=reason, fix="The target is looked at before a repeat.")
        result, fix = failures.judge(code, message)
        return Outcome(result, code=code, reason=failures.shown(message, self.redact), fix=fix)


def _shared(culprit: Outcome, own: Outcome) -> Outcome:
    """The outcome of a row that was rolled back with a failed row of its own aggregate."""
    reason = f"rolled back with its group: {culprit.reason}"
    return Outcome(culprit.result, code=own.code, reason=reason, fix=culprit.fix, rolled_back=True)

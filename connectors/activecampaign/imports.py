"""Writes many contacts by the bulk importer: packed by number and bytes, then watched until each batch is done.

Turns drafts into outcomes. The importer takes a batch whole or not at all, so rows it complains about are taken out
and the rest is sent again. All batches are sent before the first is asked about. Contacts that went in have no id
here: the importer tells ids without saying whose, and asking would cost calls that mostly nobody needs.

The importer never re-subscribes who left a list, so rows need no look at the present state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from fieldwright.connectors.activecampaign.client import Client
from fieldwright.connectors.activecampaign.errors import Down, Fault, Invalid, Limited, Refusal, outcome
from fieldwright.connectors.activecampaign.writes import Draft
from fieldwright.runtime.errors import Ambiguous, RunError, Unavailable
from fieldwright.runtime.records import Outcome, Result

MAX_CONTACTS: Final = 250
MAX_BYTES: Final = 399_999
"""Limits of one request. Source: the vendor's page on bulk import."""

_OPEN: Final = b'{"contacts":['
_CLOSE: Final = b"]}"
_NAMES: Final = {"firstName": "first_name", "lastName": "last_name", "phone": "phone"}
_FIELD: Final = re.compile(r"Field (\w+) ")
_DONE: Final = "completed"
_FAILED: Final = frozenset({"failed", "interrupted"})
"""Ends of a batch that is not complete (names unverified)."""

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 15.0
_PATIENCE: Final = 600.0
"""Seconds after which a batch is left to finish on its own."""

_RATE_WAIT: Final = 20.0
_RATE_TRIES: Final = 4
"""The importer's limit is counted by the minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contact of a batch: its place among the drafts, its e-mail and its encoded JSON."""

    place: int
    email: str
    data: bytes


def pack(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Batches of rows in order, each within both limits. A row that is too large alone is not given here."""
    batch: list[Row] = []
    size = len(_OPEN) + len(_CLOSE)
    for row in rows:
        more = len(row.data) + (1 if batch else 0)
        if batch and (len(batch) == MAX_CONTACTS or size + more > MAX_BYTES):
            yield batch
            batch, size, more = [], len(_OPEN) + len(_CLOSE), len(row.data)
        batch.append(row)
        size += more
    if batch:
        yield batch


class Imports:
    """The bulk importer of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def write(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Import all drafts; one outcome each, same order. Raises RunErrors when nothing was accepted."""
        outcomes: dict[int, Outcome] = {}
        rows: list[Row] = []
        for place, draft in enumerate(drafts):
            data = msgspec.json.encode(row_of(draft))
            if len(_OPEN) + len(data) + len(_CLOSE) > MAX_BYTES:
                outcomes[place] = _too_large()
            else:
                rows.append(Row(place, draft.new_email, data))
        queued: list[tuple[str, list[Row]]] = []
        batches = list(pack(rows))
        for number, batch in enumerate(batches):
            try:
                accepted = self._send(batch, outcomes)
            except RunError as error:
                if not queued and not outcomes:
                    raise
                _lose(batch, outcomes, error)
                for rest in batches[number + 1 :]:
                    _set(rest, outcomes, Outcome(Result.RETRY, code="not_sent", reason=str(error), fix="Run again."))
                break
            if accepted is not None:
                queued.append(accepted)
        for batch_id, batch in queued:
            self._watch(batch_id, batch, outcomes)
        return [outcomes[place] for place in range(len(drafts))]

    def _send(self, batch: list[Row], outcomes: dict[int, Outcome]) -> tuple[str, list[Row]] | None:
        """Send one batch; the id and the rows that were accepted, or None when none was."""
        tries = 0
        while batch:
            body = _OPEN + b",".join(row.data for row in batch) + _CLOSE
            try:
                reply = self._client.post("/import/bulk_import", body, idempotent=True)[1]
            except Limited as refused:
                tries += 1
                if tries > _RATE_TRIES:
                    _set(batch, outcomes, outcome(refused))
                    return None
                self._client.sleep(_RATE_WAIT)
                continue
            except Refusal as refused:
                bad = _complaints(refused, len(batch))
                if not bad:
                    _set(batch, outcomes, outcome(refused))
                    return None
                for index, text in bad.items():
                    fault = Fault(text, "import_invalid", _pointer(text))
                    outcomes[batch[index].place] = outcome(Invalid(400, (fault,)))
                batch = [row for index, row in enumerate(batch) if index not in bad]
                continue
            return str(reply["batchId"]), batch
        return None

    def _watch(self, batch_id: str, batch: list[Row], outcomes: dict[int, Outcome]) -> None:
        """Ask until the batch is done, then give each row its outcome."""
        wait, start = _FIRST_WAIT, self._client.monotonic()
        while True:
            try:
                info = self._client.get("/import/info", [("batchId", batch_id)])
            except (Refusal, Unavailable, Ambiguous) as error:
                _set(batch, outcomes, _unknown(f"the result of the import could not be read: {error}"))
                return
            status = str(info.get("status", "")).lower()
            if status == _DONE or status in _FAILED:
                break
            if self._client.monotonic() - start > _PATIENCE:
                _set(batch, outcomes, _unknown(f"the import is still {status or 'unfinished'}"))
                return
            self._client.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        failed = {str(email).strip().lower() for email in info.get("failure") or ()}
        for row in batch:
            if row.email.lower() in failed:
                reason = Fault("ActiveCampaign could not import the contact", "import_failed", "/email")
                outcomes[row.place] = outcome(Invalid(400, (reason,)))
            elif status in _FAILED:
                outcomes[row.place] = _unknown(f"the import ended as {status}")
            else:
                outcomes[row.place] = Outcome(Result.DONE)


def row_of(draft: Draft) -> dict[str, Any]:
    """A draft in the importer's own shape, which is not the contact's."""
    row: dict[str, Any] = {"email": draft.new_email}
    for name, column in _NAMES.items():
        if name in draft.standard:
            row[column] = draft.standard[name]
    if draft.custom:
        row["fields"] = [{"id": int(number), "value": text} for number, text in draft.custom]
    for name, subscribed in (("subscribe", True), ("unsubscribe", False)):
        lists = [{"listid": int(wish.list_id)} for wish in draft.wishes if wish.subscribed is subscribed]
        if lists:
            row[name] = lists
    return row


def _complaints(refused: Refusal, size: int) -> dict[int, str]:
    """Index within the batch -> what is wrong with that row; empty when the reply blames no row."""
    reasons = refused.body.get("failureReasons") if isinstance(refused.body, Mapping) else None
    found: dict[int, str] = {}
    for reason in reasons if isinstance(reasons, list) else ():
        index = reason.get("contact") if isinstance(reason, Mapping) else None
        if isinstance(index, int) and 0 <= index < size:
            found[index] = str(reason.get("failureReason", "the importer refused the contact"))
    return found


def _pointer(text: str) -> str:
    """The field that a complaint such as `Field first_name incorrect format` is about, in the contact's own names."""
    named = _FIELD.match(text)
    if named is None:
        return ""
    own = {column: name for name, column in _NAMES.items()}
    return f"/{own.get(named[1], named[1])}"


def _set(batch: Sequence[Row], outcomes: dict[int, Outcome], result: Outcome) -> None:
    for row in batch:
        outcomes.setdefault(row.place, result)


def _lose(batch: Sequence[Row], outcomes: dict[int, Outcome], error: RunError) -> None:
    _set(batch, outcomes, outcome(Down(503, (Fault(str(error), "lost"),))))


def _unknown(reason: str) -> Outcome:
    return Outcome(Result.AMBIGUOUS, code="import_unknown", reason=reason, fix="Run again; nothing is written twice.")


def _too_large() -> Outcome:
    return Outcome(
        Result.REJECTED,
        code="too_large",
        reason=f"The contact is larger than {MAX_BYTES} bytes.",
        fix="Shorten its longest text field in the mapping.",
    )

"""Writes contacts one by one: upsert, update by id, list states, and what happens when a customer is deleted.

Turns one draft into one outcome. An existing contact is updated by its id, so that a changed e-mail never makes a
second contact; only a contact whose id is not known goes by e-mail. Subscriptions are looked at before they are
touched. Every call here ends in the same state when sent twice.

Raises Refusal from nowhere: a refusal is the record's outcome. The transport's errors pass through.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from fieldwright.connectors.activecampaign.audience import ACTIVE, LEFT, UNSUBSCRIBED, Audience, wanted_status
from fieldwright.connectors.activecampaign.client import Client
from fieldwright.connectors.activecampaign.contacts import Contacts
from fieldwright.connectors.activecampaign.errors import Absent, Refusal, outcome
from fieldwright.connectors.activecampaign.writes import Draft
from fieldwright.runtime.records import Operation, Outcome, Result

DELETED_TAG: Final = "chargebee-deleted"
"""The tag of the delete policy `tag` when the operation names none."""


class DeletePolicy(StrEnum):
    """What becomes of a contact whose customer was deleted; `options["on_delete"]`. Default: unsubscribe."""

    KEEP = "keep"
    UNSUBSCRIBE = "unsubscribe"
    TAG = "tag"
    DELETE = "delete"


class Singles:
    """Single writes to one account."""

    def __init__(self, client: Client, contacts: Contacts, audience: Audience) -> None:
        self._client = client
        self._contacts = contacts
        self._audience = audience

    def write(self, draft: Draft) -> Outcome:
        """Create or update one contact."""
        number = draft.operation.target_id
        try:
            if number is None and draft.moves:
                number = self._resolve(draft.email)
            created = None
            if number is None:
                number, created = self._upsert(draft)
            else:
                self._update(number, draft)
            self._subscribe(number, draft, new=created is True)
        except Refusal as refused:
            return outcome(refused, number)
        return Outcome(Result.DONE, number, created=bool(created))

    def delete(self, operation: Operation) -> Outcome:
        """Apply the delete policy to one contact; a contact that is gone already is done."""
        try:
            policy = DeletePolicy(str(operation.options.get("on_delete", DeletePolicy.UNSUBSCRIBE)))
        except ValueError:
            return Outcome(
                Result.CONFIG,
                operation.target_id,
                code="unknown_policy",
                reason=f"There is no delete policy {operation.options['on_delete']!r}.",
                fix=f"Use one of: {', '.join(DeletePolicy)}.",
            )
        if policy is DeletePolicy.KEEP:
            return Outcome(Result.DONE, operation.target_id, created=False)
        number = operation.target_id
        try:
            number = number or self._resolve(_old_email(operation))
            if number is not None:
                self._end(number, policy, operation)
        except Absent:
            pass
        except Refusal as refused:
            return outcome(refused, number)
        return Outcome(Result.DONE, number, created=False)

    def _end(self, number: str, policy: DeletePolicy, operation: Operation) -> None:
        match policy:
            case DeletePolicy.DELETE:
                self._client.delete(f"/contacts/{number}")
            case DeletePolicy.TAG:
                self._audience.add_tag(number, str(operation.options.get("tag") or DELETED_TAG))
            case DeletePolicy.UNSUBSCRIBE:
                self._unsubscribe(number, self._scope(operation))
            case DeletePolicy.KEEP:
                pass

    def _scope(self, operation: Operation) -> set[str] | None:
        """The lists a deleted customer leaves: those named, else the one of the mapping's setting `list`, else all
        (None). Other lists are other consents and not this mapping's to end."""
        names = operation.options.get("lists")
        setting = operation.options.get("settings", {}).get("list")
        if names is None and setting:
            names = [setting]
        return None if names is None else {self._audience.list_id(str(name)) for name in names}

    def _unsubscribe(self, number: str, only: set[str] | None) -> None:
        for list_id, status in self._audience.present(number).items():
            if status not in LEFT and (only is None or list_id in only):
                self._audience.set_status(number, list_id, UNSUBSCRIBED)

    def _upsert(self, draft: Draft) -> tuple[str, bool]:
        status, reply = self._client.post(
            "/contact/sync", {"contact": {**_body(draft), "email": draft.new_email}}, idempotent=True
        )
        contact = reply["contact"]
        # Documented as 201 for both; accounts answer 200 for an update, and equal dates tell a new contact.
        return str(contact["id"]), status == 201 and contact.get("cdate") == contact.get("udate")

    def _update(self, number: str, draft: Draft) -> None:
        body = _body(draft)
        if body:
            self._client.put(f"/contacts/{number}", {"contact": body})

    def _subscribe(self, number: str, draft: Draft, *, new: bool) -> None:
        if not draft.wishes:
            return
        present = {} if new else self._audience.present(number)
        for wish in draft.wishes:
            before = present.get(wish.list_id)
            status = wanted_status(wish, before)
            if status is not None:
                again = status == ACTIVE and before in LEFT
                self._audience.set_status(number, wish.list_id, status, again=again)

    def _resolve(self, email: str) -> str | None:
        found = self._contacts.by_email(email, ()) if email else []
        return found[0].id if found else None


def _body(draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = dict(draft.standard)
    if draft.custom:
        body["fieldValues"] = [{"field": number, "value": text} for number, text in draft.custom]
    return body


def _old_email(operation: Operation) -> str:
    change = operation.changes.get("email")
    if change is not None and change.old:
        return str(change.old)
    return str(operation.key.get("email") or operation.fields.get("email") or "")

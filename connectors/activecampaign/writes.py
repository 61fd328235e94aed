"""Turns an operation into what the API is sent: checked, encoded, with lists and fields as ids.

`prepare` gives a `Draft`, or the outcome of an operation that cannot be sent at all (a value no field can hold, a list
nobody can see). Both ways of sending (`singles`, `imports`) take drafts, so that a record is refused for the same
reasons whichever way it would have gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fieldwright.connectors.activecampaign import codecs, schema
from fieldwright.connectors.activecampaign.audience import Audience, UnknownList, Wish
from fieldwright.connectors.activecampaign.fields import CustomFields
from fieldwright.runtime.records import Op, Operation, Outcome, Result

_SHOWN_LISTS: Final = 8

_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
"""Only what is certainly no address is refused here: one such row makes the importer refuse the whole batch."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A create or update ready to be sent. `email` identifies the contact now; `new_email` is what it becomes.
    `standard` holds the contact's own fields, `custom` pairs of field id and text, `wishes` the lists."""

    operation: Operation
    email: str
    new_email: str
    standard: Mapping[str, str]
    custom: tuple[tuple[str, str], ...]
    wishes: tuple[Wish, ...]

    @property
    def moves(self) -> bool:
        """Whether the e-mail of an existing contact changes (more than its case)."""
        return bool(self.email) and self.email.lower() != self.new_email.lower()


def prepare(operation: Operation, custom: CustomFields, audience: Audience) -> Draft | Outcome:
    """The draft of a create or update. Raises Refusal when fields or lists cannot be read."""
    standard: dict[str, str] = {}
    values: list[tuple[str, str]] = []
    wishes: tuple[Wish, ...] = ()
    for name, value in operation.fields.items():
        if name in schema.STANDARD:
            standard[name] = codecs.plain(value).strip()
        elif name.startswith(schema.CUSTOM):
            definition = custom.find(name)
            if definition is None:
                return _no_field(name)
            try:
                values.append((definition.id, codecs.encode(definition.native, value, definition.options)))
            except codecs.CodecError as error:
                return _bad_value(name, str(error))
        elif name == schema.MEMBERSHIPS:
            try:
                again = bool(operation.options.get("resubscribe", False))
                wishes = tuple(audience.wishes(value or (), resubscribe=again))
            except UnknownList as error:
                return _no_list(error)
        else:
            return _no_field(name)
    email, new_email = _emails(operation, standard)
    if not new_email and operation.target_id is None:
        return Outcome(
            Result.REJECTED,
            code="field_missing",
            reason="A contact needs an e-mail.",
            fix="Give the customer an e-mail in Chargebee, or leave such customers out by the mapping's filter.",
            fields=("email",),
        )
    if new_email and not _ADDRESS.fullmatch(new_email):
        return Outcome(
            Result.REJECTED,
            operation.target_id,
            code="email_invalid",
            reason=f"{new_email!r} is not an e-mail address.",
            fix="Correct the customer's e-mail in Chargebee.",
            fields=("email",),
        )
    if "email" in standard and not standard["email"]:
        # An e-mail cannot be cleared: the rest of the update is written, the address stays.
        del standard["email"]
    return Draft(
        operation=operation,
        email=email,
        new_email=new_email,
        standard=standard,
        custom=tuple(values),
        wishes=wishes,
    )


def _emails(operation: Operation, standard: Mapping[str, str]) -> tuple[str, str]:
    """The e-mail the contact has now, as far as it is known, and the one it is to have."""
    key = codecs.plain(operation.key.get("email")).strip()
    new = standard.get("email") or key
    change = operation.changes.get("email")
    if operation.op is Op.UPDATE and change is not None and change.old:
        return codecs.plain(change.old).strip(), new
    return ("" if operation.op is Op.CREATE else new), new


def _no_field(name: str) -> Outcome:
    return Outcome(
        Result.CONFIG,
        code="unknown_field",
        reason=f"ActiveCampaign contacts have no field {name}.",
        fix="Check the name in the mapping; custom fields are written as custom_fields.PERSTAG.",
        fields=(name,),
    )


def _no_list(error: UnknownList) -> Outcome:
    shown = ", ".join(error.known[:_SHOWN_LISTS]) or "none"
    return Outcome(
        Result.CONFIG,
        code="unknown_list",
        reason=f"ActiveCampaign: {error}.",
        fix=f"Use one of: {shown}. A new list must be given to the group of the key's user first.",
        fields=(schema.MEMBERSHIPS,),
    )


def _bad_value(name: str, text: str) -> Outcome:
    return Outcome(
        Result.REJECTED,
        code="field_invalid",
        reason=f"{name}: {text}",
        fix="Change the value or its conversion in the mapping, or the type or options of the field.",
        fields=(name,),
    )

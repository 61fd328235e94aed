"""Reads contacts: by e-mail, by id, by any field; with custom values and list states in the names mappings use.

Turns replies into `TargetRecord`s. The API finds one e-mail a call, but lists a hundred contacts a call, so a look-up
of many is a walk over all contacts when that is cheaper. Custom values come beside the contacts (`include`); that
side-load is documented for list states only, so a reply without it is completed contact by contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fieldwright.connectors.activecampaign import schema
from fieldwright.connectors.activecampaign.audience import Audience
from fieldwright.connectors.activecampaign.client import PAGE, Client
from fieldwright.connectors.activecampaign.errors import Absent
from fieldwright.connectors.activecampaign.fields import CustomFields
from fieldwright.runtime.records import TargetRecord

_FEW: Final = 2
"""Up to this many look-ups the number of contacts is not even asked for."""


class Contacts:
    """The contacts of one account."""

    def __init__(self, client: Client, custom: CustomFields, audience: Audience) -> None:
        self._client = client
        self._custom = custom
        self._audience = audience

    def count(self) -> int:
        """How many contacts the account has, in one call. Raises Refusal."""
        return int(self._client.get("/contacts", [("limit", "1")])["meta"]["total"])

    def find(self, keys: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[tuple[int, TargetRecord]]:
        """Contacts that have all values of a key, with the key's index. Raises Refusal."""
        by_email = all(set(key) == {"email"} for key in keys)
        # A walk costs a call for every hundred contacts; to know how many there are costs one.
        if by_email and (len(keys) <= _FEW or len(keys) < -(-self.count() // PAGE)):
            for index, key in enumerate(keys):
                for contact in self.by_email(str(key["email"] or ""), fields):
                    yield index, contact
            return
        wanted = list(dict.fromkeys([*fields, *(name for key in keys for name in key)]))
        if by_email:
            places: dict[str, list[int]] = {}
            for index, key in enumerate(keys):
                places.setdefault(_email(key["email"]), []).append(index)
            for record in self.walk(wanted):
                for index in places.get(_email(record.fields["email"]), ()):
                    yield index, record
            return
        for record in self.walk(wanted):
            for index, key in enumerate(keys):
                if all(_matches(name, value, record.fields.get(name)) for name, value in key.items()):
                    yield index, record

    def by_email(self, email: str, fields: Sequence[str]) -> list[TargetRecord]:
        """The contact with this e-mail, without case. Raises Refusal."""
        if not email.strip():
            return []
        include = _include(fields)
        # One of the two spellings was seen to find nothing on live accounts, the other may be ignored and then gives
        # all contacts: what came is compared here, and the second one is tried only if the first was ignored.
        for name in ("filters[email]", "email"):
            reply = self._client.get("/contacts", [(name, email.strip()), *include])
            found = [item for item in reply["contacts"] if _email(item.get("email")) == _email(email)]
            if found or not reply["contacts"]:
                return list(self._records({**reply, "contacts": found}, fields))
        return []

    def walk(self, fields: Sequence[str]) -> Iterator[TargetRecord]:
        """All contacts, in order of their ids. Raises Refusal."""
        for reply in self._client.pages("/contacts", "contacts", _include(fields), after_id=True):
            yield from self._records(reply, fields)

    def by_id(self, ids: Iterable[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """Contacts by id, a hundred a call; those gone are not among them. Raises Refusal."""
        numbers = list(dict.fromkeys(ids))
        for start in range(0, len(numbers), PAGE):
            chunk = numbers[start : start + PAGE]
            query = [*(("ids[]", number) for number in chunk), ("limit", str(PAGE)), *_include(fields)]
            reply = self._client.get("/contacts", query)
            wanted = [item for item in reply["contacts"] if str(item["id"]) in chunk]
            yield from self._records({**reply, "contacts": wanted}, fields)

    def _records(self, reply: Mapping[str, Any], fields: Sequence[str]) -> Iterator[TargetRecord]:
        needed = _needed(fields)
        custom = [name for name in fields if name.startswith(schema.CUSTOM)]
        own = {name: self._custom.find(name) for name in custom}
        sides: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for name in needed:
            if name in reply:
                grouped = sides[name] = {}
                for item in reply[name]:
                    grouped.setdefault(str(item["contact"]), []).append(item)
        for contact in reply["contacts"]:
            number = str(contact["id"])
            related: dict[str, Sequence[Mapping[str, Any]]] = {
                name: grouped.get(number, ()) for name, grouped in sides.items()
            }
            if len(sides) < len(needed):
                try:
                    whole = self._client.get(f"/contacts/{number}")
                except Absent:
                    continue
                related = {name: whole.get(name) or () for name in needed}
            values = {str(item["field"]): item["value"] for item in related.get("fieldValues", ())}
            record: dict[str, Any] = {}
            for name in fields:
                if name == schema.MEMBERSHIPS:
                    record[name] = self._audience.shown(related.get("contactLists", ()))
                elif name in own:
                    definition = own[name]
                    record[name] = None if definition is None else (values.get(definition.id) or None)
                else:
                    record[name] = contact.get(name) or None
            yield TargetRecord(number, record)


def _needed(fields: Sequence[str]) -> list[str]:
    found = ["fieldValues"] if any(name.startswith(schema.CUSTOM) for name in fields) else []
    return [*found, "contactLists"] if schema.MEMBERSHIPS in fields else found


def _include(fields: Sequence[str]) -> list[tuple[str, str]]:
    needed = _needed(fields)
    return [("include", ",".join(needed))] if needed else []


def _email(value: Any) -> str:
    return str(value or "").strip().lower()


def _matches(name: str, ours: Any, theirs: Any) -> bool:
    if name == "email":
        return _email(ours) == _email(theirs)
    return str(ours).strip() == str("" if theirs is None else theirs).strip()

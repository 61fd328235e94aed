"""ActiveCampaign as a target of the runtime: start here.

Ties the parts together behind the `Target` protocol: settings to client, look-ups to `contacts`, writes to `singles`
or `imports`, custom fields to `fields`. It also chooses the way: up to ten contacts go one by one, more by the bulk
importer, except those the importer cannot express (a changed e-mail, a re-subscription, a repeated e-mail).

Only `activecampaign.contact` can be written. Operations understand these `options`: `resubscribe` (bool), and for
deletes `on_delete` (see `singles.DeletePolicy`), `lists` (names; else the setting `list`; else all) and `tag`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from fieldwright.connectors.activecampaign import codecs, schema
from fieldwright.connectors.activecampaign.audience import Audience, UnknownList, same_memberships
from fieldwright.connectors.activecampaign.client import Client, base_url
from fieldwright.connectors.activecampaign.contacts import Contacts
from fieldwright.connectors.activecampaign.errors import Refusal, run_error
from fieldwright.connectors.activecampaign.fields import CustomFields
from fieldwright.connectors.activecampaign.imports import Imports
from fieldwright.connectors.activecampaign.singles import Singles
from fieldwright.connectors.activecampaign.window import window_for
from fieldwright.connectors.activecampaign.writes import Draft, prepare
from fieldwright.connectors.hosts import HostRule
from fieldwright.connectors.ratelimit import Clock, TokenBucket
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.transport import Policy
from fieldwright.dsl.schema import Catalog
from fieldwright.runtime.connector import Capabilities, CustomField, FindRequest
from fieldwright.runtime.errors import Ambiguous, ObjectRefused, RunError
from fieldwright.runtime.records import Identity, Op, Operation, Outcome, Result, TargetRecord

SINGLES: Final = 10
"""Up to this many contacts are written one by one. Source: the vendor's advice on bulk import."""


class ActiveCampaignTarget:
    """One ActiveCampaign account. `settings` are `url` and `api_key`; `sandbox` allows loopback addresses only.
    `bucket` replaces the account's rate limit and `clock` real time, for tests."""

    system = schema.SYSTEM
    capabilities = Capabilities(write_batch=2500, find_batch=10_000, upserts_by=frozenset({f"{schema.CONTACT}.email"}))

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        sandbox: bool = False,
        bucket: TokenBucket | None = None,
        clock: Clock | None = None,
    ) -> None:
        base = base_url(settings["url"])
        host = urlsplit(base)
        # The sandbox gets a new port at each start, and the account is part of every link's key.
        self._account = "sandbox" if sandbox else str(host.hostname)
        policy = Policy(
            HostRule(schema.SYSTEM, settings["url"] if sandbox else None),
            redact=Redactor([settings["api_key"]]),
            bucket=bucket or window_for(host.netloc),
            clock=clock,
        )
        self._client = Client(base, settings["api_key"], policy)
        self._custom = CustomFields(self._client)
        self._audience = Audience(self._client)
        self._contacts = Contacts(self._client, self._custom, self._audience)
        self._singles = Singles(self._client, self._contacts, self._audience)
        self._imports = Imports(self._client)

    def check(self) -> Identity:
        """Ask whose key this is."""
        try:
            user = self._client.get("/users/me").get("user") or {}
        except Refusal as refused:
            raise run_error(refused, "to log in") from refused
        return Identity(
            system=schema.SYSTEM,
            account=self._account,
            name=self._account,
            user=str(user.get("email") or user.get("username") or ""),
        )

    def catalog(self) -> Catalog:
        """The shipped schema: a contact's own fields, lists and tags."""
        return schema.catalog()

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """The schema with the account's custom fields."""
        if schema.CONTACT not in set(objects):
            return schema.catalog()
        try:
            return schema.with_custom_fields(self._custom.schemas())
        except Refusal as refused:
            raise run_error(refused, "to list custom fields") from refused

    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._client.calls

    def close(self) -> None:
        """Release sockets."""
        self._client.close()

    def count(self, objects: Sequence[str]) -> Mapping[str, int | None]:
        """Contacts are counted in one call; other objects are not counted."""
        try:
            return {name: self._contacts.count() if name == schema.CONTACT else None for name in objects}
        except Refusal as refused:
            raise run_error(refused, "to count contacts") from refused

    def find(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        """Contacts by e-mail or any other field; lists and tags by name."""
        try:
            if request.object == schema.CONTACT:
                yield from self._contacts.find(request.keys, request.fields)
            else:
                yield from self._find_named(request)
        except Refusal as refused:
            raise run_error(refused, f"to look up {request.object}") from refused

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """Contacts by id."""
        _contacts_only(object_name)
        try:
            yield from self._contacts.by_id(ids, fields)
        except Refusal as refused:
            raise run_error(refused, "to read contacts") from refused

    def children(
        self, object_name: str, parent_field: str, parent_ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[tuple[str, TargetRecord]]:
        """Contacts have no child rows."""
        return iter(())

    def ensure_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Make the custom fields that the account lacks, and make those visible that are not."""
        try:
            return self._custom.ensure(fields)
        except Refusal as refused:
            raise run_error(refused, "to list custom fields") from refused

    def missing_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Those that the account lacks."""
        try:
            return self._custom.missing(fields)
        except Refusal as refused:
            raise run_error(refused, "to list custom fields") from refused

    def same(self, object_name: str, field: str, ours: Any, theirs: Any) -> bool:
        """Compare by meaning: e-mails without case, instants whatever their zone, '' as null, text trimmed."""
        if field == schema.MEMBERSHIPS:
            return same_memberships(ours or (), theirs or ())
        if field.startswith(schema.CUSTOM):
            return codecs.same(self._custom.native(field), ours, theirs)
        first, second = codecs.plain(ours).strip(), codecs.plain(theirs).strip()
        # An address differs by case only: the account keeps what it got first, and both are one contact.
        return first.lower() == second.lower() if field == "email" else first == second

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        """Write contacts; one outcome each, same order. Contacts written by import have no target id."""
        for operation in operations:
            _contacts_only(operation.object)
        outcomes: dict[int, Outcome] = {}
        drafts: dict[int, Draft] = {}
        try:
            for place, operation in enumerate(operations):
                if operation.op is not Op.DELETE:
                    prepared = prepare(operation, self._custom, self._audience)
                    if isinstance(prepared, Draft):
                        drafts[place] = prepared
                    else:
                        outcomes[place] = prepared
            bulk = self._bulk_places(drafts)
        except Refusal as refused:
            raise run_error(refused, "to read fields, lists or contacts") from refused
        # Deletes first: a new customer may have the e-mail of a deleted one, and must outlive it.
        deletes = [place for place, operation in enumerate(operations) if operation.op is Op.DELETE]
        others = [place for place in drafts if place not in set(bulk)]
        lost = self._write_each(operations, drafts, deletes, outcomes, acknowledged=False)
        if bulk and lost is None:
            try:
                results = self._imports.write([drafts[place] for place in bulk])
                outcomes.update(zip(bulk, results, strict=True))
            except RunError as error:
                if not deletes:
                    raise
                lost = error
        if lost is None:
            lost = self._write_each(operations, drafts, others, outcomes, acknowledged=bool(bulk or deletes))
        for place, operation in enumerate(operations):
            if lost is not None and place not in outcomes:
                outcomes[place] = Outcome(
                    Result.RETRY, operation.target_id, code="not_sent", reason=str(lost), fix=lost.fix
                )
        return [outcomes[place] for place in range(len(operations))]

    def _write_each(
        self,
        operations: Sequence[Operation],
        drafts: Mapping[int, Draft],
        places: Sequence[int],
        outcomes: dict[int, Outcome],
        *,
        acknowledged: bool,
    ) -> RunError | None:
        """Write one by one until the connection is lost; the error that ended it, if one did. It is raised only when
        nothing of the whole batch can have been applied (`acknowledged` tells of the part before)."""
        for place in places:
            try:
                outcomes[place] = self._write(operations[place], drafts.get(place))
                acknowledged = True
            except RunError as error:
                if not acknowledged and not isinstance(error, Ambiguous):
                    raise
                outcomes[place] = Outcome(
                    Result.AMBIGUOUS, operations[place].target_id, code="lost", reason=str(error), fix=error.fix
                )
                return error
        return None

    def _write(self, operation: Operation, draft: Draft | None) -> Outcome:
        if draft is not None:
            return self._singles.write(draft)
        try:
            return self._singles.delete(operation)
        except UnknownList as error:
            return Outcome(
                Result.CONFIG,
                operation.target_id,
                code="unknown_list",
                reason=f"ActiveCampaign: {error}.",
                fix=f"Use one of: {', '.join(error.known) or 'none'}.",
            )

    def _bulk_places(self, drafts: Mapping[int, Draft]) -> list[int]:
        """Which drafts go by import: none when there are few; never two with one e-mail, as the order of rows in an
        import is not promised."""
        seen: set[str] = set()
        places: list[int] = []
        for place, draft in drafts.items():
            email = draft.new_email.lower()
            fits = email and email not in seen and not draft.moves
            if fits and not any(wish.subscribed and wish.resubscribe for wish in draft.wishes):
                places.append(place)
            seen.add(email)
        if len(places) <= SINGLES:
            return []
        return self._still_theirs(places, drafts)

    def _still_theirs(self, places: Sequence[int], drafts: Mapping[int, Draft]) -> list[int]:
        """Without contacts whose e-mail was changed in ActiveCampaign: an import goes by e-mail and would make a
        second contact. A hundred are checked in one call."""
        known = {drafts[place].operation.target_id for place in places} - {None}
        emails = {
            record.id: str(record.fields["email"]).lower()
            for record in self._contacts.by_id([number for number in known if number], ("email",))
        }
        return [
            place
            for place in places
            if (number := drafts[place].operation.target_id) is None
            or emails.get(number) == drafts[place].new_email.lower()
        ]

    def _find_named(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        if request.object != schema.LIST:
            raise ObjectRefused(f"ActiveCampaign: {request.object} cannot be looked up", system=schema.SYSTEM)
        for index, key in enumerate(request.keys):
            try:
                number = self._audience.list_id(str(key.get("name") or key.get("id") or ""))
            except UnknownList:
                continue
            record = {"id": number, "name": self._audience.lists()[number]}
            yield index, TargetRecord(number, {name: record.get(name) for name in request.fields})


def _contacts_only(object_name: str) -> None:
    if object_name != schema.CONTACT:
        raise ObjectRefused(
            f"ActiveCampaign: {object_name} cannot be written or read as records",
            f"Map to {schema.CONTACT}.",
            system=schema.SYSTEM,
        )

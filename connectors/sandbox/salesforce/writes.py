"""Creating, changing, upserting and deleting records, one at a time, within one call.

Puts the checks in the order of a save: readable values, writable fields, parents, defaults, business rules, required
fields, unique fields, the administrator's rules, then the row itself. Raises RowRefused for a record and RequestRefused
for a call; which answer and which rollback follow is for `records`, `collections` and `composite`.
"""

from __future__ import annotations

from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids, org_rules, rules, totals
from fieldwright.connectors.sandbox.salesforce.errors import (
    Json,
    RowRefused,
    entity_deleted,
    unknown_record,
)
from fieldwright.connectors.sandbox.salesforce.metadata import Field, SObject
from fieldwright.connectors.sandbox.salesforce.org import Caller, Org
from fieldwright.connectors.sandbox.salesforce.storage import Row
from fieldwright.connectors.sandbox.salesforce.validation import Draft, read, rounded_money

_ID = frozenset({"id"})


class Save:
    """The writes of one call. `finish` must follow the last of them, inside the same transaction."""

    def __init__(self, org: Org, caller: Caller) -> None:
        self.org = org
        self.caller = caller
        self.effects = rules.Effects()
        self.now = org.now()
        self._parents: set[str] = set()
        self._plans: dict[str, _ObjectPlan] = {}

    def create(self, item: SObject, payload: Json, *, known_unique: str = "") -> str:
        """Stores a new record and returns its id. `known_unique` is a field already known to be unique."""
        draft = read(self.org, item, payload, skip=_ID)
        if item.setup:
            text = f"entity type cannot be inserted: {item.label}"
            raise RowRefused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
        self._refuse_readonly(draft.not_createable)
        self._refuse_problems(draft)
        self._check_parents(draft)
        plan = self._plan(item)
        record_id = self.org.storage.next_id(item)
        row: Row = {"Id": record_id, **plan.defaults, **draft.values}
        row["CreatedDate"] = row["LastModifiedDate"] = row["SystemModstamp"] = self.now
        row["CreatedById"] = row["LastModifiedById"] = self.caller.user_id
        if plan.named_by_id and not row.get("Name"):
            row["Name"] = record_id
        for column in plan.money:
            if row.get(column.name) is not None:
                row[column.name] = rounded_money(self.org, column, row[column.name], row.get("CurrencyIsoCode"))
        rules.apply(self.org, item.name, record_id, None, row, self.effects)
        missing = tuple(name for name in plan.required if row.get(name) is None)
        if missing:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            raise RowRefused("REQUIRED_FIELD_MISSING", text, missing)
        self._check_unique(item, plan, record_id, row, known_unique)
        if plan.has_org_rules:
            org_rules.check(self.org, item, record_id, row, self.caller)
        self.org.storage.insert(item, row)
        return record_id

    def update(self, item: SObject, record_id: str, payload: Json, *, skip: frozenset[str] = _ID) -> None:
        """Changes a record."""
        draft = read(self.org, item, payload, skip=skip | _ID)
        deleted = self.org.storage.is_deleted(item, record_id)
        if deleted is None:
            raise unknown_record()
        if deleted:
            raise entity_deleted()
        self._refuse_readonly(draft.not_updateable)
        self._refuse_problems(draft)
        self._check_parents(draft)
        plan = self._plan(item)
        changes = draft.values
        cleared = tuple(name for name in plan.required if name in changes and changes[name] is None)
        if cleared:
            text = f"Required fields are missing: [{', '.join(cleared)}]"
            raise RowRefused("REQUIRED_FIELD_MISSING", text, cleared)
        self._round(item, plan, record_id, changes)
        old = None
        if plan.needs_old:
            old = self.org.storage.fetch(item, record_id)
            rules.apply(self.org, item.name, record_id, old, changes, self.effects)
        self._check_unique(item, plan, record_id, changes, "")
        if plan.has_org_rules:
            org_rules.check(self.org, item, record_id, {**(old or {}), **changes}, self.caller)
        changes["LastModifiedDate"] = changes["SystemModstamp"] = self.now
        changes["LastModifiedById"] = self.caller.user_id
        self.org.storage.update(item, record_id, changes)

    def upsert(self, item: SObject, key: Field, value: Any, payload: Json) -> tuple[str, bool]:
        """Creates or changes the record whose `key` holds `value`: its id and whether it is new."""
        skip = frozenset({key.name.lower()})
        if key.name == "Id":
            if value is None or value == "":
                return self.create(item, payload), True
            record_id = self.record_id(item, value)
            self.update(item, record_id, payload)
            return record_id, False
        if value is None or value == "":
            raise RowRefused("MISSING_ARGUMENT", f"{key.name} not specified", (key.name,))
        matches = self.org.storage.ids_with(item, key.name, value)
        if len(matches) > 1:
            raise self.ambiguous(key, matches)
        if matches:
            self.update(item, matches[0], payload, skip=skip)
            return matches[0], False
        own = {name: given for name, given in payload.items() if name.lower() != key.name.lower()}
        return self.create(item, {**own, key.name: value}, known_unique=key.name), True

    def ambiguous(self, key: Field, matches: list[str]) -> RowRefused:
        """Several records share the external id."""
        text = f"{key.name}: more than one record found for external id field: [{', '.join(matches)}]"
        return RowRefused("DUPLICATE_EXTERNAL_ID", text, (key.name,))

    def record_id(self, item: SObject, text: Any) -> str:
        """The canonical id a client sent for a record of this object. Raises MALFORMED_ID."""
        canonical = ids.canonical(text) if isinstance(text, str) else None
        if canonical is None or canonical[:3] != item.prefix:
            label = item.fields["Id"].label
            raise RowRefused("MALFORMED_ID", f"{label}: id value of incorrect type: {text}", ("Id",))
        return canonical

    def delete(self, item: SObject, record_id: str) -> None:
        """Moves a record and what depends on it to the recycle bin."""
        deleted = self.org.storage.is_deleted(item, record_id)
        if deleted is None:
            raise unknown_record()
        if deleted:
            raise entity_deleted()
        if self.org.settings["locks"]:
            org_rules.check_locks(self.org, item, self.org.storage.fetch(item, record_id) or {})
        doomed: dict[str, list[str]] = {item.name: [record_id]}
        self._gather(item, [record_id], doomed)
        self._refuse_restricted(doomed)
        for name, records in doomed.items():
            self._bin(self.org.schema.get(name), records)

    def finish(self) -> None:
        """Applies the effects on other records."""
        totals.settle(self.org, self.effects, self.caller.user_id)
        self.effects = rules.Effects()

    # Checks

    def _plan(self, item: SObject) -> _ObjectPlan:
        plan = self._plans.get(item.name)
        if plan is None:
            plan = self._plans[item.name] = _ObjectPlan(self.org, item, self.caller)
        return plan

    def _refuse_readonly(self, names: list[str]) -> None:
        if names:
            text = (
                f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field"
                " and verify that it is read/write for your profile or permission set."
            )
            raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(names))

    def _refuse_problems(self, draft: Draft) -> None:
        if draft.problems:
            raise RowRefused.of(tuple(draft.problems))

    def _check_parents(self, draft: Draft) -> None:
        for column, value in draft.references:
            if value in self._parents:
                continue
            parent = self.org.schema.of_id(value)
            deleted = None if parent is None else self.org.storage.is_deleted(parent, value)
            if deleted is None:
                raise RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (column.name,))
            if deleted:
                text = f"insufficient access rights on cross-reference id: {value[:15]}"
                raise RowRefused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text)
            self._parents.add(value)

    def _check_unique(self, item: SObject, plan: _ObjectPlan, record_id: str, row: Row, known: str) -> None:
        for name in plan.unique:
            value = row.get(name)
            if value is None or name == known:
                continue
            for other in self.org.storage.ids_with(item, name, value, 2):
                if other != record_id:
                    text = f"duplicate value found: {name} duplicates value on record with id: {other[:15]}"
                    raise RowRefused("DUPLICATE_VALUE", text)

    def _round(self, item: SObject, plan: _ObjectPlan, record_id: str, changes: Row) -> None:
        touched = [column for column in plan.money if changes.get(column.name) is not None]
        if not touched:
            return
        currency = changes.get("CurrencyIsoCode")
        if currency is None and "CurrencyIsoCode" in item.fields:
            found = self.org.storage.one(f'SELECT "CurrencyIsoCode" FROM "{item.name}" WHERE "Id" = ?', (record_id,))
            currency = found[0]
        for column in touched:
            changes[column.name] = rounded_money(self.org, column, changes[column.name], currency)

    # Deleting

    def _gather(self, item: SObject, records: list[str], doomed: dict[str, list[str]]) -> None:
        for child in self.org.schema.referrers(item.name):
            if not child.field.cascade:
                continue
            for record_id in records:
                found = self._referring(child.object, child.field, record_id)
                fresh = [other for other in found if other not in doomed.get(child.object.name, ())]
                if fresh:
                    doomed.setdefault(child.object.name, []).extend(fresh)
                    self._gather(child.object, fresh, doomed)

    def _referring(self, item: SObject, column: Field, record_id: str) -> list[str]:
        found = self.org.storage.execute(
            f'SELECT "Id" FROM "{item.name}" WHERE "{column.name}" = ? AND "IsDeleted" = 0', (record_id,)
        )
        return [row[0] for row in found]

    def _refuse_restricted(self, doomed: dict[str, list[str]]) -> None:
        for name, records in doomed.items():
            for child in self.org.schema.referrers(name):
                if not child.field.restricted_delete:
                    continue
                for record_id in records:
                    others = self._referring(child.object, child.field, record_id)
                    left = [other for other in others if other not in doomed.get(child.object.name, ())]
                    if left:
                        text = (
                            f"Your attempt to delete {record_id[:15]} could not be completed because it is associated"
                            f" with the following {child.object.label_plural}: {', '.join(left)}"
                        )
                        raise RowRefused("DELETE_FAILED", text)

    def _bin(self, item: SObject, records: list[str]) -> None:
        storage = self.org.storage
        for record_id in records:
            if item.name in ("OpportunityLineItem", "QuoteLineItem"):
                parent = "OpportunityId" if item.name == "OpportunityLineItem" else "QuoteId"
                found = storage.one(f'SELECT "{parent}" FROM "{item.name}" WHERE "Id" = ?', (record_id,))
                touched = self.effects.opportunities if parent == "OpportunityId" else self.effects.quotes
                touched.add(found[0])
            changes: Row = {"IsDeleted": 1, "LastModifiedDate": self.now, "SystemModstamp": self.now}
            if "LastModifiedById" in item.fields:
                changes["LastModifiedById"] = self.caller.user_id
            storage.update(item, record_id, changes)
            for child in self.org.schema.referrers(item.name):
                if child.field.stored and not child.field.cascade and child.field.nillable:
                    storage.execute(
                        f'UPDATE "{child.object.name}" SET "{child.field.name}" = NULL WHERE "{child.field.name}" = ?',
                        (record_id,),
                    )


class _ObjectPlan:
    """What saving records of one object needs to know, worked out once per call."""

    def __init__(self, org: Org, item: SObject, caller: Caller) -> None:
        fields = item.fields.values()
        self.required = tuple(column.name for column in fields if column.required and org.is_visible(item, column))
        self.unique = tuple(column.name for column in fields if column.unique)
        self.money = tuple(column for column in fields if column.type == "currency" and column.createable)
        self.named_by_id = item.custom and "Name" in item.fields
        self.has_org_rules = org_rules.apply_to(org, item)
        self.needs_old = rules.has_rule(item.name) or self.has_org_rules
        self.defaults: Row = {"IsDeleted": 0}
        for column in fields:
            if column.type == "boolean":
                self.defaults[column.name] = int(bool(column.default))
            elif column.name == "OwnerId":
                self.defaults["OwnerId"] = caller.user_id
            elif column.name == "CurrencyIsoCode":
                self.defaults["CurrencyIsoCode"] = org.corporate_currency
            elif column.default is not None:
                self.defaults[column.name] = column.default
            elif column.type == "picklist" and column.defaulted and column.values and not column.nillable:
                self.defaults[column.name] = column.values[0]

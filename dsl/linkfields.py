"""Fields and keys of a mapping: what is written where, through which value table, as a reference to which record.

A field is linked even where it does not exist at the target, so that its expression is checked all the same; whether
value and target fit is asked by the rules in `lint`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fieldwright.dsl.checking import Checking, Surroundings
from fieldwright.dsl.document import Scalar
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.library import SharedTable
from fieldwright.dsl.linked import LinkedField, LinkedKey, LinkedTable
from fieldwright.dsl.mapping import AnyValue, ChildRule, FieldRule, KeyPart, Reference
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.program import FieldInfo, Write
from fieldwright.dsl.programspec import FieldSpec, KeyFieldSpec, OnError, OnNull, OnTooLong, ValueTable
from fieldwright.dsl.schema import FieldSchema, ObjectSchema
from fieldwright.dsl.source import Span
from fieldwright.dsl.types import ERROR, STRING, Kind
from fieldwright.dsl.valuetables import table_key, written_type

CUSTOM_PREFIX = "custom_fields."
"""What the names of ActiveCampaign custom fields start with in a program."""


@dataclass(slots=True, kw_only=True)
class FieldLinking(Checking):
    """The part of the work on one mapping that is about its fields and keys."""

    mapping: MappingRules

    def _any(self, value: AnyValue, scope: Scope) -> tuple[Checked | None, Span]:
        if isinstance(value, Reference):
            return self._reference(value, scope), value.key.source.span
        return self._check(value, scope), value.source.span

    def _reference(self, value: Reference, scope: Scope) -> Checked | None:
        known = self.around.mappings
        name = value.mapping.text
        if name not in known:
            hint = did_you_mean(name, known)
            self.findings.error("DM403", f"There is no mapping `{name}`", value.mapping.span, hint or "unknown mapping")
        elif self.around.applied is not None and name not in self.around.applied:
            message = f"The mapping `{name}` is not applied by the project, so its records have no target"
            self.findings.error("DM404", message, value.mapping.span, "not applied", f"add `{name}` to `apply:`")
        checked = self._check(value.key, scope)
        if checked is not None and checked.type.kind not in (Kind.STRING, Kind.ENUM, Kind.ERROR):
            message = f"The key of a reference is the id of a source record, a text; this is {checked.type}"
            self.findings.error("DM318", message, value.key.source.span, f"this is {checked.type}")
        return checked

    def _field(
        self, rule: FieldRule, owner: ObjectSchema | None, scope: Scope, child: ChildRule | None = None
    ) -> LinkedField:
        value, place = self._any(rule.value, scope)
        table = self._table(rule, value, scope)
        written = written_type(rule, value, table)
        target = field_at(rule.name, owner, self.around) if owner is not None else None
        if owner is None:
            owner = ObjectSchema("", {})
        if isinstance(rule.value, Reference) and target is not None and target.references:
            self._reference_fits(rule.value, target, owner)
        return LinkedField(rule, owner, target, value, table, written, place, child)

    def _reference_fits(self, value: Reference, target: FieldSchema, owner: ObjectSchema) -> None:
        mapping = self.around.mappings.get(value.mapping.text)
        if mapping is None or mapping.to.text in target.references:
            return
        message = f"`{target.name}` of {owner.name} refers to {' or '.join(target.references)}"
        caret = f"`{mapping.name}` writes {mapping.to.text}"
        self.findings.error("DM314", message, value.mapping.span, caret)

    def _custom_fields(self, target: ObjectSchema | None, scope: Scope) -> tuple[LinkedField, ...]:
        """Fields that the target lets us make: their schema follows from the value."""
        made: list[LinkedField] = []
        for rule in self.mapping.custom_fields:
            linked = self._field(rule, None, scope)
            type_ = (linked.written or ERROR).optional()
            if type_.kind is Kind.ENUM:
                type_ = STRING.optional()
            schema = FieldSchema(CUSTOM_PREFIX + rule.name, type_, native="custom", status="declared")
            owner = target if target is not None else linked.object
            made.append(
                LinkedField(rule, owner, schema, linked.value, linked.table, linked.written, linked.place, None)
            )
        if made and target is not None and not target.name.startswith("activecampaign."):
            span = self.mapping.custom_fields[0].span
            message = f"`custom_fields` are made at ActiveCampaign; for {target.name} write them under `fields`"
            self.findings.error("DM319", message, span, "not at this target")
        return tuple(made)

    def _table(self, rule: FieldRule, value: Checked | None, scope: Scope) -> LinkedTable | None:
        said = rule.table
        if said is None:
            return None
        rows, fallback, complete = said.rows, said.fallback, said.asks_for_error
        if said.name is not None:
            shared = self._shared(said.name)
            if shared is None:
                return None
            rows = shared.rows
            if fallback is None and not complete:
                fallback, complete = shared.fallback, shared.open_ended
        converted: list[tuple[object, object, Span, Span]] = []
        for key, row in rows:
            if value is not None:
                known, native = table_key(key, value.type)
                if not known:
                    hint = did_you_mean(key.text, value.type.values) if value.type.kind is Kind.ENUM else ""
                    message = f"`{key.text}` is no value of {value.type.required()}"
                    self.findings.error("DM312", message, key.span, hint or "never matches")
                    continue
            else:
                native = key.text
            converted.append((native, row.value, key.span, row.span))
        otherwise = self._check(fallback, scope) if fallback is not None else None
        at = fallback.source.span if fallback is not None else None
        done = complete or otherwise is not None
        return LinkedTable(tuple(converted), otherwise, at, done, said.span)

    def _shared(self, name: Scalar) -> SharedTable | None:
        tables: dict[str, SharedTable] = {}
        for used in self.mapping.use:
            library = self.around.libraries.get(used.text)
            tables.update(library.tables if library else {})
        if name.text not in tables:
            hint = did_you_mean(name.text, tables) or "name its library under `use:`"
            self.findings.error("DM407", f"There is no value table `{name.text}`", name.span, "unknown table", hint)
            return None
        return tables[name.text]

    def _key(self, part: KeyPart, owner: ObjectSchema | None, scope: Scope) -> LinkedKey:
        value, place = self._any(part.value, scope)
        target = owner.fields.get(part.field) if owner is not None else None
        if owner is not None and target is None:
            hint = did_you_mean(part.field, owner.fields)
            message = f"`{part.field}` is not a field of {owner.name}"
            self.findings.error("DM302", message, part.span, hint or "unknown field")
        return LinkedKey(part, target, value, place)

    def _field_spec(self, linked: LinkedField) -> FieldSpec:
        rule = linked.rule
        target = linked.target or FieldSchema(rule.name, ERROR)
        ref = rule.value.mapping.text if isinstance(rule.value, Reference) else None
        info = FieldInfo(
            name=target.name,
            type=linked.written or ERROR,
            write=Write(rule.write),
            at=rule.span.line,
            ref=ref,
            optional_ref=ref is not None and rule.on_missing == "skip",
            pii=rule.pii,
            email=target.native == "email",
        )
        table = None
        if linked.table is not None:
            table = ValueTable(tuple((key, row) for key, row, _, _ in linked.table.rows), linked.table.otherwise)
        assert linked.value is not None, "a field without a value has a finding"
        return FieldSpec(
            info=info,
            value=linked.value,
            target=target,
            table=table,
            on_null=OnNull(rule.on_null),
            on_error=OnError(rule.on_error),
            max_length=OnTooLong(rule.max_length),
            round=rule.round,
        )


def key_spec(linked: LinkedKey) -> KeyFieldSpec:
    value = linked.part.value
    ref = value.mapping.text if isinstance(value, Reference) else None
    assert linked.value is not None, "a key without a value has a finding"
    assert linked.target is not None, "a key of no field has a finding"
    return KeyFieldSpec(linked.part.field, linked.value, linked.target, linked.part.span.line, ref)


def field_at(path: str, owner: ObjectSchema, around: Surroundings) -> FieldSchema | None:
    """The field that `a.b` names, through nested objects, or None."""
    current: ObjectSchema | None = owner
    *before, last = path.split(".")
    for name in before:
        found = current.fields.get(name) if current else None
        current = around.schemas.find(found.type.object) if found and found.type.object else None
    found = current.fields.get(last) if current is not None else None
    return replace(found, name=path) if found is not None and before else found

"""Rules about the target: the field is there, may be written, gets a value where one is needed, and is written once."""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from fieldwright.dsl.linked import LinkedField, LinkedMapping
from fieldwright.dsl.lint.registry import field_check, mapping_check
from fieldwright.dsl.nearest import nearest
from fieldwright.dsl.schema import FieldSchema, ObjectSchema
from fieldwright.dsl.source import Span


@field_check
def field_exists(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM302."""
    if field.target is not None or not field.object.name:
        return
    rule = field.rule
    meant = nearest(rule.name, field.object.fields)
    hint = ""
    if rule.name.endswith("__c") or (field.object.open_prefix and rule.name.startswith(field.object.open_prefix)):
        hint = f"a custom field of your own is declared in a `schema` document, under `{field.object.name}`"
    fix = Fix(f"rename to `{meant}`", (Edit(rule.span, meant),), safe=False) if meant else None
    message = f"`{rule.name}` is not a field of {field.object.name}"
    caret = f"did you mean `{meant}`?" if meant else "unknown field"
    yield Diagnostic("DM302", Severity.ERROR, message, rule.span, caret, hint, (), fix)


@field_check
def field_is_writable(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM303: a field that is computed, or can be set in one of create and update only."""
    target = field.target
    if target is None:
        return
    rule = field.rule
    who = f"`{rule.name}` of {field.object.name}"
    if not target.createable and not target.updateable:
        message = f"{who} is read only"
        yield Diagnostic("DM303", Severity.ERROR, message, rule.span, "read only", "to assert its value, use `checks:`")
    elif not target.updateable and rule.write not in ("create_only",):
        hint = "write `write: create_only`"
        yield Diagnostic("DM303", Severity.ERROR, f"{who} can only be set on create", rule.span, "not updateable", hint)
    elif not target.createable and rule.write != "update_only":
        hint = "write `write: update_only`"
        yield Diagnostic("DM303", Severity.ERROR, f"{who} cannot be set on create", rule.span, "not createable", hint)


@field_check
def name_is_current(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM313, a note: deprecated fields, and names that no one has seen in a real org yet."""
    target = field.target
    if target is None:
        return
    if target.deprecated:
        message = f"`{field.rule.name}` of {field.object.name} is deprecated"
        yield Diagnostic("DM313", Severity.NOTE, message, field.rule.span, "deprecated")
    elif target.status == "inferred":
        message = f"The name `{field.rule.name}` of {field.object.name} is inferred: nobody has seen it"
        yield Diagnostic("DM313", Severity.NOTE, message, field.rule.span, "inferred", "compare with your org's schema")


@mapping_check
def written_once(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM310: names that differ in case only are one field at the target."""
    groups = [linked.fields, *(child.fields for child in linked.children)]
    for fields in groups:
        first: dict[str, Span] = {}
        for field in fields:
            if field.target is None:
                continue  # reported as unknown
            name = field.target.name.lower()
            if name in first:
                message = f"`{field.rule.name}` is written twice"
                label = (Label(first[name], "first here"),)
                yield Diagnostic("DM310", Severity.ERROR, message, field.rule.span, "second time", "", label)
            first.setdefault(name, field.rule.span)


@mapping_check
def required_fields_written(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM311: a create would be refused for want of a field."""
    mapping = linked.mapping
    if linked.target is not None and mapping.on_none == "create" and mapping.fields:
        have = {field.rule.name for field in linked.fields if field.rule.write != "update_only"}
        yield from _absent(linked.target, have, mapping.to.span)
    for child in linked.children:
        if child.object is not None:
            have = {field.rule.name for field in child.fields if field.rule.write != "update_only"}
            yield from _absent(child.object, have | {child.rule.parent.text}, child.rule.to.span)


def _absent(target: ObjectSchema, have: set[str], span: Span) -> Iterator[Diagnostic]:
    absent = [field.name for field in target.fields.values() if _needed(field) and field.name not in have]
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        message = f"{target.name} cannot be created without {names}"
        yield Diagnostic("DM311", Severity.ERROR, message, span, f"{names} not written", "add it under `fields:`")


def _needed(field: FieldSchema) -> bool:
    return field.required and field.createable and not field.deprecated and field.only_if is None

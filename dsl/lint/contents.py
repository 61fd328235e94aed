"""Rules about contents: value tables are complete, constants fit the field's length and picklist."""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.linked import LinkedField, LinkedMapping
from fieldwright.dsl.lint.registry import field_check
from fieldwright.dsl.mapping import Constant
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.source import Span
from fieldwright.dsl.types import Kind


@field_check
def table_is_complete(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM307: a value table without `else` covers every value that may come."""
    table, value = field.table, field.value
    if table is None or value is None or table.complete:
        return
    type_ = value.type
    rows = {row[0] for row in table.rows}
    if type_.kind is Kind.ENUM and type_.values:
        absent = [one for one in type_.values if one not in rows]
    elif type_.kind is Kind.BOOL:
        absent = [str(one).lower() for one in (True, False) if one not in rows]
    elif type_.kind is Kind.ERROR:
        return
    else:
        message = f"The table cannot cover every {type_.required()}: other values fail the record"
        hint = "add `else:` with a value, or `else: error` if that is meant"
        yield Diagnostic("DM307", Severity.WARNING, message, table.span, "no `else`", hint)
        return
    if absent:
        names = ", ".join(f"`{one}`" for one in absent[:8]) + (" and others" if len(absent) > 8 else "")
        message = f"The table says nothing about {names}"
        yield Diagnostic("DM307", Severity.ERROR, message, table.span, "incomplete", "add the rows, or `else:`")


@field_check
def values_in_picklist(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM306: a restricted picklist refuses what it does not list."""
    target = field.target
    if target is None or target.type.kind is not Kind.ENUM or not target.restricted or not target.type.values:
        return
    allowed = target.type.values
    for text, place in _texts(field):
        if text not in allowed:
            hint = did_you_mean(text, allowed) or f"it takes: {', '.join(allowed[:12])}"
            message = f"`{text}` is not in the picklist `{field.rule.name}` of {field.object.name}"
            yield Diagnostic("DM306", Severity.ERROR, message, place, "not in the picklist", hint)


@field_check
def any_text_into_picklist(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM315: a text of which nothing is known, for a picklist that refuses what it does not list."""
    target, given = field.target, field.written
    if target is None or given is None or target.type.kind is not Kind.ENUM or not target.restricted:
        return
    if given.kind is Kind.STRING and target.type.values and field.rule.table is None:
        message = f"`{field.rule.name}` takes {len(target.type.values)} values only, and this may be any text"
        hint = "say what each text becomes with `map:` and `else:`"
        yield Diagnostic("DM315", Severity.WARNING, message, field.place, "any text", hint)


@field_check
def text_fits_length(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM305: a constant, table row or enum value longer than the field."""
    target = field.target
    if target is None or target.length is None or field.rule.max_length == "truncate":
        return
    for text, place in _texts(field):
        if len(text) > target.length:
            message = f"`{text[:40]}` has {len(text)} characters, `{field.rule.name}` holds {target.length}"
            hint = "shorten it, or say `max_length: truncate`"
            yield Diagnostic("DM305", Severity.ERROR, message, place, "too long", hint)


def _texts(field: LinkedField) -> Iterator[tuple[str, Span]]:
    """Every text that the field is known to get, each with the place that says so."""
    if field.rule.table is not None:
        if field.table is None:
            return
        for _, row, _, place in field.table.rows:
            if isinstance(row, str):
                yield row, place
        otherwise = field.table.otherwise
        if otherwise is not None and otherwise.type.kind is Kind.ENUM and field.table.otherwise_at is not None:
            for text in otherwise.type.values:
                yield text, field.table.otherwise_at
    elif isinstance(field.rule.value, Constant):
        if isinstance(field.rule.value.source.value, str):
            yield field.rule.value.source.value, field.place
    elif field.written is not None and field.written.kind is Kind.ENUM:
        for text in field.written.values:
            yield text, field.place

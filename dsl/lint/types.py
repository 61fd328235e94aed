"""Rules about types: what a field gets fits what it holds, null included."""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.linked import LinkedField, LinkedMapping
from fieldwright.dsl.lint.registry import field_check
from fieldwright.dsl.mapping import Reference
from fieldwright.dsl.types import Kind, Type, is_assignable

_NUMBERS = (Kind.INT, Kind.DECIMAL, Kind.MONEY)
_TEXTS = (Kind.STRING, Kind.ENUM)


@field_check
def reference_fits(field: LinkedField, linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM314: a reference goes into a look-up field."""
    value = field.rule.value
    if not isinstance(value, Reference) or field.target is None or not linked.target:
        return
    if not field.target.references and field.target.native in ("reference", "custom", ""):
        return
    if not field.target.references:
        message = f"`{field.rule.name}` holds {field.target.type.required()}, not a reference to a record"
        yield Diagnostic("DM314", Severity.ERROR, message, field.rule.span, "not a look-up field")


@field_check
def rows_agree(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM308: the rows of a value table are of one type."""
    if field.table is not None and field.written is not None and field.written.kind is Kind.ERROR:
        message = "The rows of this table are of several types"
        yield Diagnostic("DM308", Severity.ERROR, message, field.table.span, "texts and numbers mixed", "use one type")


@field_check
def type_fits(field: LinkedField, _linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM308, DM309."""
    given, target = field.written, field.target
    if given is None or target is None or isinstance(field.rule.value, Reference):
        return
    if field.target is not None and field.target.native == "custom":
        if given.kind in (Kind.LIST, Kind.RECORD):
            message = f"A custom field cannot hold {given}"
            yield Diagnostic("DM308", Severity.ERROR, message, field.place, f"this is {given}")
        return
    wanted = target.type
    if _fits(given, wanted, target.native):
        return
    shown = wanted.required()
    if given.kind is Kind.TIMESTAMP and wanted.kind is Kind.DATE:
        message = f"`{field.rule.name}` is a date, this is an instant: which day it is depends on the zone"
        hint = "say the zone: `.date(settings.timezone)`"
        yield Diagnostic("DM309", Severity.ERROR, message, field.place, f"this is {given.required()}", hint)
        return
    message = f"`{field.rule.name}` holds {_long(shown)}, this is {_long(given.required())}"
    hint = _remedy(given.kind, wanted.kind)
    yield Diagnostic("DM308", Severity.ERROR, message, field.place, f"this is {given.required()}", hint)


@field_check
def null_fits(field: LinkedField, linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM304: a value that may be null, for a field that may not."""
    given, target, rule = field.written, field.target, field.rule
    if given is None or target is None or not given.nullable or rule.on_null == "error" or given.kind is Kind.ERROR:
        return
    creates = linked.mapping.on_none == "create" and rule.write != "update_only"
    if target.required and (creates or field.child is not None):
        message = f"`{rule.name}` is required by {field.object.name}, and this may be null"
        hint = "end it with something that is never null (`?? ...`), or say `on_null: error`"
        yield Diagnostic("DM304", Severity.ERROR, message, field.place, f"this is {given}", hint)
    elif rule.on_null == "clear" and not target.type.nullable:
        message = f"`{rule.name}` of {field.object.name} cannot be cleared"
        yield Diagnostic("DM304", Severity.ERROR, message, rule.span, "not nullable", "use `on_null: skip` or `error`")


def _fits(given: Type, wanted: Type, native: str) -> bool:
    given, wanted = given.required(), wanted.required()
    if Kind.ERROR in (given.kind, wanted.kind) or given.kind is Kind.NULL:
        return True
    if wanted.kind is Kind.ANY:
        return given.kind is not Kind.ANY
    if given.kind is Kind.ANY:
        return False
    if given.kind in _TEXTS and wanted.kind in _TEXTS:
        return True  # which values a picklist takes is another rule
    if given.kind in _NUMBERS and wanted.kind in (Kind.DECIMAL, Kind.MONEY):
        return given.kind is not Kind.MONEY or native in ("currency", "double", "", "decimal", "money")
    return is_assignable(given, wanted)


def _long(type_: Type) -> str:
    return f"a {type_}" if str(type_)[0] not in "aeio" else f"an {type_}"


def _remedy(given: Kind, wanted: Kind) -> str:
    match given, wanted:
        case (_, Kind.STRING | Kind.ENUM) if given in (Kind.INT, Kind.DECIMAL, Kind.BOOL, Kind.DATE, Kind.TIMESTAMP):
            return "make it a text: `text(x)`"
        case Kind.MONEY, _:
            return "take the number out of the money: `amount(x)`"
        case ((Kind.STRING | Kind.ENUM), Kind.INT):
            return "read the number: `int(x)`"
        case ((Kind.STRING | Kind.ENUM), Kind.DECIMAL):
            return "read the number: `decimal(x)`"
        case ((Kind.STRING | Kind.ENUM), Kind.DATE):
            return "read the date: `date(x)`"
        case ((Kind.STRING | Kind.ENUM), Kind.BOOL):
            return "compare it: `x == 'yes'`, or use a value table"
        case Kind.DECIMAL, Kind.INT:
            return "make it whole: `int(round(x))`"
        case Kind.LIST, _:
            return "join or pick one of its items"
        case Kind.ANY, _:
            return "say what it is: `text(x)`, `int(x)`, `decimal(x)`"
        case _:
            return ""

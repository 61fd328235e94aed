"""Settings that mappings and rulesets declare, and the values a project gives them -> one value a setting a document.

A value comes from the project (under the document's name, else by id for every document that declares it), else from
the default, which an overlay may have replaced. Values are checked against the declared type here, so that
expressions can rely on it. A required setting without a value is a finding of the project, not of the mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldwright.dsl.document import Entry, Scalar, Table
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.mapping import SettingRule
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import Span
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import STRING, Kind, Type

TIMEZONE: Final = "timezone"
"""The one setting that every document has without declaring it: the zone in which an instant becomes a date."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The settings one document sees: their types, and the values in force. `uncertain` says that some could not be
    read (their ruleset has findings of its own), so that an unknown one proves nothing."""

    types: Mapping[str, Type]
    values: Mapping[str, Any]
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """A document's settings with their types (None where the type itself has a finding)."""

    name: str
    rules: tuple[tuple[SettingRule, Type | None], ...]


def declare(name: str, rules: tuple[SettingRule, ...], schemas: Schemas, findings: Findings) -> Declared:
    """Types of the settings that a document declares; defaults are checked against them."""
    declared: list[tuple[SettingRule, Type | None]] = []
    for rule in rules:
        type_: Type | None = None
        try:
            type_ = parse_type(rule.type.text, schemas)
        except NotAType as problem:
            findings.error("DM020", str(problem), rule.type.span, "not a type")
        if type_ is not None and rule.default is not None:
            refused = refusal(rule.default, type_)
            if refused:
                findings.error("DM508", f"The default of `{rule.name}` {refused}", rule.default.span, f"not {type_}")
        declared.append((rule, type_))
    return Declared(name, tuple(declared))


def settle(
    declared: Declared, given: tuple[Entry, ...], overrides: Mapping[str, Any], at: Span | None, findings: Findings
) -> Preferences:
    """The values in force for one document. `given` is the project's `settings:`, `overrides` come from outside the
    files (environment, command line); `at` is where the project says that the document is applied."""
    own: Table | None = None
    for entry in given:
        if entry.name == declared.name and isinstance(entry.value, Table):
            own = entry.value
    types: dict[str, Type] = {}
    values: dict[str, Any] = {}
    for rule, type_ in declared.rules:
        types[rule.name] = _seen(rule, type_)
        node: Scalar | None = rule.default
        for entry in given:
            if entry.name == rule.name and isinstance(entry.value, Scalar):
                node = _checked(entry.value, rule.name, type_, node, findings)
        found = own.find(rule.name) if own is not None else None
        if found is not None and isinstance(found.value, Scalar):
            node = _checked(found.value, rule.name, type_, node, findings)
        if rule.name in overrides:
            values[rule.name] = overrides[rule.name]
            continue
        values[rule.name] = None if node is None else value_in(node, type_)
        refused = found is not None and isinstance(found.value, Scalar) and node is not found.value
        if values[rule.name] is None and rule.required and not refused:
            message = f"The setting `{rule.name}` of `{declared.name}` has no value"
            hint = f"write `settings: {{{declared.name}: {{{rule.name}: ...}}}}` in the project"
            findings.error("DM507", message, at or rule.span, "needs a value", hint)
    if TIMEZONE not in types:
        types[TIMEZONE] = STRING
        zone = next((one.value for one in reversed(given) if one.name == TIMEZONE), None)
        inner = own.get(TIMEZONE) if own is not None else None
        node = inner if isinstance(inner, Scalar) else zone if isinstance(zone, Scalar) else None
        values[TIMEZONE] = overrides.get(TIMEZONE, node.text if node is not None else "UTC")
    return Preferences(types, values)


def check_zones(given: tuple[Entry, ...], findings: Findings) -> None:
    """Zones of the project that do not exist."""
    for entry in given:
        rows = entry.value.entries if isinstance(entry.value, Table) else (entry,)
        for row in rows:
            if row.name == TIMEZONE and isinstance(row.value, Scalar) and not _is_zone(row.value.text):
                message = f"`{row.value.text}` is no time zone"
                findings.error("DM508", message, row.value.span, "unknown zone", "as `Europe/Berlin`")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def check_given(given: tuple[Entry, ...], all_declared: tuple[Declared, ...], findings: Findings) -> None:
    """Settings of the project that no document knows."""
    names = {declared.name: {TIMEZONE, *(rule.name for rule, _ in declared.rules)} for declared in all_declared}
    every = {name for known in names.values() for name in known}
    for entry in given:
        if isinstance(entry.value, Table):
            known = names.get(entry.name)
            if known is None:
                hint = did_you_mean(entry.name, names)
                message = f"No mapping or ruleset `{entry.name}` is known"
                findings.error("DM509", message, entry.key.span, hint or "unknown")
                continue
            for row in entry.value:
                if row.name not in known:
                    hint = did_you_mean(row.name, known)
                    message = f"`{entry.name}` has no setting `{row.name}`"
                    findings.error("DM509", message, row.key.span, hint or "unknown setting")
        elif entry.name not in every:
            hint = did_you_mean(entry.name, every)
            message = f"No mapping or ruleset has a setting `{entry.name}`"
            findings.error("DM509", message, entry.key.span, hint or "unknown setting")


def refusal(node: Scalar, type_: Type) -> str:
    """Why a YAML scalar is not a value of the type; empty when it is one."""
    value = node.value
    if value is None:
        return "" if type_.nullable else "must not be null"
    match type_.kind:
        case Kind.BOOL:
            fits = isinstance(value, bool)
        case Kind.INT:
            fits = isinstance(value, int) and not isinstance(value, bool)
        case Kind.DECIMAL:
            fits = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        case Kind.ENUM:
            if isinstance(value, str) and value in type_.values:
                return ""
            hint = did_you_mean(node.text, type_.values)
            return f"cannot be `{node.text}`" + (f"; {hint}" if hint else f"; one of: {', '.join(type_.values)}")
        case Kind.STRING | Kind.REF:
            fits = isinstance(value, str)
        case _:
            return f"cannot be given in a file: {type_}"
    return "" if fits else f"must be {type_}, not `{node.text}`"


def value_in(node: Scalar, type_: Type | None) -> Any:
    """The language value of a YAML scalar; an integer becomes a decimal where one is wanted."""
    if type_ is not None and type_.kind is Kind.DECIMAL and isinstance(node.value, int):
        return Decimal(node.value)
    return node.value


def _seen(rule: SettingRule, type_: Type | None) -> Type:
    """The type that expressions see: a setting that may be left without a value may be null. One that only counts
    under a condition has a value whenever that condition holds, or else the rules that use it are not reached."""
    if type_ is None:
        return Type(Kind.ERROR, nullable=True)
    has_value = rule.required or rule.default is not None
    return type_ if has_value else type_.optional()


def _checked(node: Scalar, name: str, type_: Type | None, before: Scalar | None, findings: Findings) -> Scalar | None:
    refused = refusal(node, type_) if type_ is not None else ""
    if refused:
        findings.error("DM508", f"The setting `{name}` {refused}", node.span, f"not {type_}")
        return before
    return node

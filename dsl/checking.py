"""Checks expressions in their scope and keeps what is found: the common part of linking mappings and rulesets.

What `use:` brings is taken from the libraries; a call of a function that is broken itself is not reported again. Each
checked expression is remembered, so that it can be told afterwards what is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fieldwright.dsl.declared import OWN_OBJECT
from fieldwright.dsl.document import Scalar
from fieldwright.dsl.expressions.check import Checked, check, constant
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import NamedTable, Scope, UserFunction
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.library import Library
from fieldwright.dsl.mapping import Constant, LetRule, Value
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.preferences import Preferences
from fieldwright.dsl.programspec import LetSpec
from fieldwright.dsl.schema import ObjectSchema, Schemas
from fieldwright.dsl.types import ERROR, Kind, Type
from fieldwright.dsl.valuetables import const_type


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a mapping is linked against. `mappings` are all known ones by name, `preferences` the settings it sees."""

    schemas: Schemas
    libraries: Mapping[str, Library]
    mappings: Mapping[str, MappingRules]
    preferences: Preferences
    applied: frozenset[str] | None = None


@dataclass(slots=True, kw_only=True)
class Checking:
    """The work on one document. `complete` turns False when something cannot be judged because of a finding elsewhere;
    `broken` are functions with findings of their own."""

    around: Surroundings
    findings: Findings = field(default_factory=Findings)
    checked: list[Checked] = field(default_factory=list)
    complete: bool = True
    broken: set[str] = field(default_factory=set)

    def _object(self, node: Scalar) -> ObjectSchema | None:
        found = self.around.schemas.find(node.text)
        if found is None:
            hint = did_you_mean(node.text, self.around.schemas.object_names())
            message = f"`{node.text}` is not a known object"
            own = OWN_OBJECT if node.text.endswith("__c") else ""
            self.findings.error("DM301", message, node.span, hint or "unknown object", own)
        return found

    def _settings(self) -> Mapping[str, Type] | None:
        preferences = self.around.preferences
        self.complete = self.complete and not preferences.uncertain
        return None if preferences.uncertain else preferences.types

    def _use(self, names: Iterable[Scalar], scope: Scope) -> Scope:
        functions: dict[str, UserFunction] = {}
        tables: dict[str, NamedTable] = {}
        for name in names:
            library = self.around.libraries.get(name.text)
            if library is None:
                hint = did_you_mean(name.text, self.around.libraries)
                message = f"There is no library `{name.text}` of functions or tables"
                self.findings.error("DM406", message, name.span, hint or "unknown library")
                continue
            functions.update(library.functions)
            tables.update(library.named_tables())
            self.broken |= library.broken
        return replace(scope, functions=functions, tables=tables)

    def _check(self, value: Value, scope: Scope, expected: Type | None = None) -> Checked | None:
        """The checked value, or None with findings."""
        node = value.source
        if isinstance(value, Constant):
            made = constant(node.value, const_type(node.value))
            self.checked.append(made)
            return made
        parsed = parse(node.text)
        for problem in parsed.problems:
            self.findings.problem(node, problem)
        if parsed.tree is None:
            return None
        result = check(parsed.tree, scope, expected, text=node.text)
        for problem in result.problems:
            if problem.code == "DM104" and node.text[problem.start : problem.end] in self.broken:
                self.complete = False
            else:
                self.findings.problem(node, problem)
        if result.core is None:
            if not result.problems:
                self.complete = False  # what it uses has a finding of its own
            return None
        self.checked.append(result)
        return result

    def _condition(self, value: Value | None, scope: Scope) -> Checked | None:
        if value is None:
            return None
        checked = self._check(value, scope)
        if checked is None or checked.type.kind is Kind.ERROR:
            return checked
        if checked.type.kind is not Kind.BOOL:
            message = f"A condition must be true or false, this is {checked.type}"
            self.findings.error(
                "DM203",
                message,
                value.source.span,
                f"this is {checked.type}",
                "to ask whether it is there: `is not blank`",
            )
        elif checked.type.nullable:
            hint = "say what null means: add `?? false`, or test `is not null` first"
            self.findings.warning("DM204", "This condition may be null", value.source.span, "may be null", hint)
        return checked

    def _lets(self, rules: tuple[LetRule, ...], scope: Scope) -> tuple[tuple[LetSpec, ...], Scope]:
        lets: list[LetSpec] = []
        for rule in rules:
            checked = self._check(rule.value, scope)
            if checked is None:
                scope = scope.bind(rule.name, ERROR, "let")
            else:
                scope = scope.let(rule.name, checked)
                lets.append(LetSpec(rule.name, checked, rule.span.line))
        return tuple(lets), scope

    def _no_field(self, code: str, name: Scalar, owner: ObjectSchema) -> None:
        hint = did_you_mean(name.text, owner.fields)
        self.findings.error(code, f"`{name.text}` is not a field of {owner.name}", name.span, hint or "unknown field")

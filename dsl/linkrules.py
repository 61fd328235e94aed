"""A ruleset whose names are not resolved -> a `RulesetProgram` that decides, and findings.

Conditions and parameters see the record of the mapping that the ruleset drives (under that mapping's own name for it),
what it was when last synced (`previous`), whether it has a target already (`linked`), how it got here (`sync`), the
settings, and the named values above. The first rule that holds decides. A condition that is null or was not read
decides nothing: the record is reported, never guessed about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.checking import Checking, Surroundings
from fieldwright.dsl.diagnostics import Diagnostic, Label
from fieldwright.dsl.document import Scalar
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.inputs import base_scope, rule_scope
from fieldwright.dsl.mapping import Constant, LetRule, Value
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.program import FieldProblem
from fieldwright.dsl.proof import usage
from fieldwright.dsl.ruleprogram import Decision, RuleInfo, RulesetProgram
from fieldwright.dsl.ruleset import Rule, Ruleset
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import ERROR, Kind, is_assignable
from fieldwright.dsl.values import MISSING, EvaluationError


def link_ruleset(
    ruleset: Ruleset, around: Surroundings
) -> tuple[RulesetProgram | None, frozenset[str], tuple[Diagnostic, ...]]:
    """The program of a ruleset (None when something in it is wrong), the settings it uses, and its findings."""
    linking = _Linking(ruleset=ruleset, around=around)
    program = linking.link()
    return program, usage(linking.checked)[1], tuple(linking.findings.found)


@dataclass(frozen=True, slots=True)
class _Step:
    """One rule, ready to decide: its `condition` as written, and `when`, the same with the named values it uses."""

    rule: Rule
    condition: Checked | None
    when: Checked | None
    mapping: str | None
    params: tuple[tuple[str, Checked, str], ...]


@dataclass(slots=True, kw_only=True)
class _Linking(Checking):
    """The work on one ruleset."""

    ruleset: Ruleset
    lets: dict[str, Checked] = field(default_factory=dict)

    def link(self) -> RulesetProgram | None:
        ruleset = self.ruleset
        driven = self._driven()
        main = driven[0] if driven else None
        scope = base_scope(self.around.schemas, self.around.preferences.types)
        known = main is not None and self.around.schemas.find(main.object.text) is not None
        scope = rule_scope(
            scope, main.root.text if main else "subscription", main.object.text if main and known else None
        )
        scope = self._use(ruleset.use, scope)
        for let in ruleset.lets:
            checked = self._check(let.value, scope)
            if checked is None:
                scope = scope.bind(let.name, ERROR, "let")
            else:
                scope = scope.let(let.name, checked)
                self.lets[let.name] = checked
        for setting in ruleset.settings:
            if setting.only_if is not None:
                self._check(setting.only_if, scope)
        names: dict[str, Rule] = {}
        steps: list[_Step] = []
        for rule in ruleset.rules:
            if rule.name in names:
                label = (Label(names[rule.name].span, "first here"),)
                self.findings.error("DM016", f"The rule `{rule.name}` is there twice", rule.span, "again", "", label)
            names[rule.name] = rule
            steps.append(self._step(rule, main, driven, scope))
        self._reachable(ruleset.rules)
        if self.findings.has_errors() or not self.complete or main is None:
            return None
        return RulesetProgram(
            name=ruleset.name,
            title=ruleset.title,
            digest=_digest(steps, self.around.preferences.values),
            settings=dict(self.around.preferences.values),
            decide=_decider(ruleset.name, tuple(steps), ruleset.span.line),
            rules=tuple(
                RuleInfo(step.rule.name, step.rule.id, step.rule.span.line, step.rule.then.kind, step.condition)
                for step in steps
            ),
            lets=tuple((let.name, self.lets[let.name], let.span.line) for let in ruleset.lets),
            reads=self._reads(steps),
        )

    def _reads(self, steps: list[_Step]) -> frozenset[tuple[str, str]]:
        checked = [*self.lets.values(), *(value for step in steps for _, value, _ in step.params)]
        checked += [step.when for step in steps if step.when is not None]
        return frozenset(read for one in checked for read in one.reads)

    def _driven(self) -> list[MappingRules]:
        ruleset = self.ruleset
        every = self.around.mappings
        driven = [one for one in every.values() if one.driven_by is not None and one.driven_by.text == ruleset.name]
        if ruleset.drives is not None:
            named = every.get(ruleset.drives.text)
            if named is None:
                hint = did_you_mean(ruleset.drives.text, every)
                message = f"There is no mapping `{ruleset.drives.text}`"
                self.findings.error("DM403", message, ruleset.drives.span, hint or "unknown mapping")
            else:
                driven = [named, *(one for one in driven if one is not named)]
        if not driven:
            hint = f"write `driven_by: {ruleset.name}` in the mapping it decides about"
            self.findings.warning("DM501", f"No mapping is driven by `{ruleset.name}`", ruleset.span, "unused", hint)
            self.complete = False
        return driven

    def _step(self, rule: Rule, main: MappingRules | None, driven: list[MappingRules], scope: Scope) -> _Step:
        when = None
        if rule.when is not None:
            when = self._condition(rule.when, scope)
        action = rule.then
        mapping = main
        if action.mapping is not None:
            mapping = self._target(action.mapping, driven)
        params: list[tuple[str, Checked, str]] = []
        for given in action.params:
            checked = self._check(given.value, scope)
            if checked is not None:
                self._param(given, checked, mapping)
                params.append((given.name, self._with_lets(checked), given.span.line))
        if action.kind != "nothing" and mapping is not None:
            absent = [one.name for one in mapping.params if one.name not in {given.name for given in action.params}]
            if absent:
                message = f"`{mapping.name}` needs {_listed(absent)} from the rule"
                self.findings.error("DM506", message, action.span, "missing under `with:`")
        alone = None if when is None else self._with_lets(when)
        return _Step(rule, when, alone, mapping.name if mapping and action.kind != "nothing" else None, tuple(params))

    def _target(self, name: Scalar, driven: list[MappingRules]) -> MappingRules | None:
        found = self.around.mappings.get(name.text)
        if found is None:
            hint = did_you_mean(name.text, self.around.mappings)
            self.findings.error("DM403", f"There is no mapping `{name.text}`", name.span, hint or "unknown mapping")
            return None
        if found not in driven:
            message = f"`{name.text}` is not driven by `{self.ruleset.name}`, so a rule cannot run it"
            hint = f"write `driven_by: {self.ruleset.name}` there"
            self.findings.error("DM505", message, name.span, "not driven", hint)
        return found

    def _param(self, given: LetRule, checked: Checked, mapping: MappingRules | None) -> None:
        if mapping is None:
            return
        wanted = next((one for one in mapping.params if one.name == given.name), None)
        if wanted is None:
            hint = did_you_mean(given.name, [one.name for one in mapping.params])
            message = f"`{mapping.name}` has no parameter `{given.name}`"
            self.findings.error("DM506", message, given.span, hint or "unknown parameter")
            return
        try:
            type_ = parse_type(wanted.type.text, self.around.schemas)
        except NotAType:
            return  # reported where the parameter is declared
        if not is_assignable(checked.type, type_):
            message = f"`{given.name}` must be {type_}, this is {_said(given.value, checked)}"
            hint = did_you_mean(given.value.source.text, type_.values) if type_.kind is Kind.ENUM else ""
            self.findings.error("DM506", message, given.value.source.span, hint or f"expected {type_}")

    def _with_lets(self, checked: Checked) -> Checked:
        """The expression with the named values that it uses put around it, so that it stands alone."""
        if checked.core is None:
            return checked
        body = checked.core
        for name in reversed(self.lets):
            value = self.lets[name].core
            if value is not None and any(isinstance(n, core.Local) and n.slot == name for n in core.walk(body)):
                body = core.Let(body.type, body.start, body.end, -1, name, value, body, False)
        return Checked(body, checked.shape, checked.problems, checked.types, checked.reads, checked.tree, checked.text)

    def _reachable(self, rules: tuple[Rule, ...]) -> None:
        decided: Rule | None = None
        seen: dict[str, Rule] = {}
        for rule in rules:
            if decided is not None:
                label = (Label(decided.span, "always holds"),)
                message = f"The rule `{rule.name}` is never reached: `{decided.name}` before it always holds"
                self.findings.error("DM502", message, rule.span, "never reached", "", label)
                continue
            text = "true" if rule.when is None else " ".join(rule.when.source.text.split())
            if text in seen:
                label = (Label(seen[text].span, "same condition"),)
                message = f"The rule `{rule.name}` is never reached: `{seen[text].name}` has the same condition"
                self.findings.error("DM502", message, rule.span, "never reached", "", label)
            seen[text] = rule
            if text == "true":
                decided = rule
        if decided is None and rules:
            last = rules[-1]
            hint = "end with a rule without `when:`"
            message = f"A record for which no rule of `{self.ruleset.name}` holds is an error"
            self.findings.warning("DM504", message, last.span, "the last rule has a condition", hint)


def _decider(name: str, steps: tuple[_Step, ...], at: str) -> Callable[[Mapping[str, Any]], Decision]:
    def decide(roots: Mapping[str, Any]) -> Decision:
        for step in steps:
            rule = step.rule
            try:
                holds = True if step.when is None else evaluate(step.when, roots)
            except EvaluationError as error:
                where = f"rule {rule.name}"
                return _undecided(rule, FieldProblem(where, error.code, error.reason, error.fix, rule.span.line))
            if holds is None or holds is MISSING:
                said = "is null" if holds is None else "needs something that was not read"
                code = "RT151" if holds is None else "RT153"
                fix = "say in the condition what null means" if holds is None else "read the whole record"
                reason = f"the condition of rule `{rule.name}` {said}"
                return _undecided(rule, FieldProblem(f"rule {rule.name}", code, reason, fix, rule.span.line))
            if not holds:
                continue
            params: dict[str, Any] = {}
            for key, value, place in step.params:
                try:
                    params[key] = evaluate(value, roots)
                except EvaluationError as error:
                    where = f"rule {rule.name}: {key}"
                    return _undecided(rule, FieldProblem(where, error.code, error.reason, error.fix, place))
            reason = "always" if rule.when is None else " ".join(rule.when.source.text.split())
            return Decision(
                rule.name, rule.id, rule.then.kind, rule.span.line, mapping=step.mapping, params=params, reason=reason
            )
        problem = FieldProblem("rules", "RT152", f"no rule of `{name}` holds", "end with a rule without `when:`", at)
        return Decision("", "", "nothing", at, problem=problem)

    return decide


def _undecided(rule: Rule, problem: FieldProblem) -> Decision:
    return Decision(rule.name, rule.id, "nothing", rule.span.line, problem=problem)


def _digest(steps: list[_Step], settings: Mapping[str, Any]) -> str:
    meaning = [
        (
            step.rule.name,
            step.rule.then.kind,
            step.mapping,
            None if step.when is None else core.meaning(step.when.core),
            [(name, core.meaning(value.core)) for name, value, _ in step.params],
        )
        for step in steps
    ]
    text = repr((meaning, sorted((name, repr(value)) for name, value in settings.items())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _said(value: Value, checked: Checked) -> str:
    return f"`{value.source.text}`" if isinstance(value, Constant) else str(checked.type)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

"""A project as found -> the project as checked: programs in order, settings in force, findings; or a refusal.

The one place where the command line meets `fieldwright.dsl.pipeline`. Adds what comes from outside the files: the
target's name and the settings given on the command line, which are held against the types that mappings declare.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fieldwright import output
from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.document import DocumentKind, Entry, Scalar
from fieldwright.dsl.mapping import SettingRule
from fieldwright.dsl.mappingdocument import build_settings
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.pipeline import Loaded, Result, check_project, load
from fieldwright.dsl.preferences import refusal, value_in
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.failures import ProjectInvalid, WrongUse
from fieldwright.project import Project, Target
from fieldwright.runtime.errors import ConfigError

if TYPE_CHECKING:
    from fieldwright.dsl.program import Program
    from fieldwright.dsl.ruleprogram import RulesetProgram


@dataclass(frozen=True, slots=True)
class CheckedProject:
    """A project with what the pipeline made of it. `diagnostics` are the findings of its files, and errors of the
    shipped ones."""

    project: Project
    result: Result
    diagnostics: tuple[Diagnostic, ...]

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs in the order of application."""
        return tuple(self.result.programs.values())

    @property
    def rulesets(self) -> Mapping[str, RulesetProgram]:
        """Rulesets by name."""
        return self.result.rulesets

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """Settings in force, by mapping or ruleset."""
        return self.result.settings

    def require(self) -> None:
        """Raise ProjectInvalid where anything is wrong enough to refuse a run."""
        errors = [found for found in self.diagnostics if found.severity is Severity.ERROR]
        if errors:
            from fieldwright.dsl.render.machine import as_json
            from fieldwright.dsl.render.text import render_text

            count = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
            raise ProjectInvalid(
                f"the project has {count}; nothing was sent to any system",
                "`interpret lint` shows them too, `interpret rule CODE` explains one",
                text=render_text(errors, colour=output.paint_for(sys.stderr).on),
                diagnostics=as_json(errors, len(self.project.files))["diagnostics"],
            )
        if not self.result.programs:
            raise ConfigError("the project applies no mapping", "name mappings under `apply:` in interpret.yaml")

    def selection(self, names: Sequence[str]) -> frozenset[str]:
        """The mappings of `--select`; raises WrongUse for a name that the project does not apply."""
        for name in names:
            if name in self.result.programs:
                continue
            hint = did_you_mean(name, self.result.programs)
            if name in self.result.mappings:
                raise WrongUse(
                    f"the project does not apply the mapping `{name}`", "add it to `apply:` in interpret.yaml"
                )
            raise WrongUse(
                f"there is no mapping `{name}`" + (f", {hint}" if hint else ""),
                f"this project applies {', '.join(self.result.programs)}",
            )
        return frozenset(names)

    def systems(self, select: frozenset[str]) -> tuple[str, tuple[str, ...]]:
        """The source system, and the target systems, of the selected mappings (all, for none selected). Raises
        ConfigError where mappings read from more than one system: a run has one source."""
        chosen = [program for program in self.programs if not select or program.mapping in select]
        sources = dict.fromkeys(program.source_object.partition(".")[0] for program in chosen)
        targets = dict.fromkeys(program.target_object.partition(".")[0] for program in chosen)
        if len(sources) != 1:
            raise ConfigError(
                f"these mappings read from {' and '.join(sources)}; a run has one source",
                "select mappings of one source with --select",
            )
        return next(iter(sources)), tuple(targets)


def check(
    project: Project, target: Target | None, given_settings: Sequence[str] = (), *, compiled: bool = True
) -> CheckedProject:
    """Check everything in the project. `given_settings` are `[NAME.]SETTING=VALUE`; raises WrongUse for one that no
    document declares or that is not of its type. Without `compiled` there are findings but no programs."""
    loaded = load(project.files)
    schemas = shipped_schemas()
    overrides = _overrides(loaded, schemas, given_settings)
    result = check_project(
        loaded,
        schemas,
        project=project.document.name if project.document else None,
        target=target.name if target else None,
        settings=overrides,
        compiled=compiled,
    )
    return CheckedProject(project, result, tuple(_concerning(project, result.diagnostics)))


def _concerning(project: Project, found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    yield from project.findings
    for diagnostic in found:
        # What is not an error in a shipped mapping is our business, not that of whoever uses it.
        if project.shipped or diagnostic.severity is Severity.ERROR or diagnostic.span.file.path in project.own:
            yield diagnostic


def _overrides(loaded: Loaded, schemas: Any, given: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    declared = list(_declared(loaded)) if given else []
    for text in given:
        place, equals, value = text.partition("=")
        owner, _, name = place.rpartition(".")
        if not equals or not name:
            raise WrongUse(f"`{text}` is no setting", "write it as opportunity-sync.stage='Closed Won'")
        matching = [(document, rule) for document, rule in declared if rule.name == name and owner in ("", document)]
        if not matching:
            known = {rule.name for document, rule in declared if owner in ("", document)}
            hint = did_you_mean(name, known)
            whose = f"`{owner}` has no setting" if owner else "no mapping or ruleset has a setting"
            raise WrongUse(f"{whose} `{name}`" + (f", {hint}" if hint else ""), "`interpret show NAME` lists them")
        for document, rule in matching:
            found.setdefault(document, {})[name] = _value(value, rule, schemas)
    return found


def _value(text: str, rule: SettingRule, schemas: Any) -> Any:
    """The value of a setting, read as it would be in a file: a text that would be a number there must be quoted."""
    roots, wrong = read(SourceFile("--set", f"value: {text}\n"))
    entry: Entry | None = roots[0].find("value") if roots and not wrong else None
    if entry is None or not isinstance(entry.value, Scalar):
        raise WrongUse(f"`{text}` is no value for the setting `{rule.name}`", "quote it, as in a mapping file")
    try:
        type_ = parse_type(rule.type.text, schemas)
    except NotAType:
        return entry.value.value
    refused = refusal(entry.value, type_)
    if refused:
        raise WrongUse(f"the setting `{rule.name}` {refused}")
    return value_in(entry.value, type_)


def _declared(loaded: Loaded) -> Iterator[tuple[str, SettingRule]]:
    for document in loaded.documents:
        if document.kind in (DocumentKind.MAPPING, DocumentKind.RULESET):
            for rule in build_settings(document.root):
                yield document.name, rule
        added = document.root.table("add") if document.kind is DocumentKind.OVERLAY else None
        if added is not None:
            base = (document.root.text("extends") or "").partition("@")[0]
            for rule in build_settings(added):
                yield base, rule

"""Start here: the text of mapping files -> programs that run, and everything that is wrong, in one go.

`load` reads files into documents of checked structure; `check_project` resolves, links, lints, orders and compiles
them. Both are pure: files and schemas come in as values. `PASSES` lists what `check_project` does, in order; each pass
reads what earlier ones left in the `Workspace` and adds its findings. A document with a finding of its own is missing
to later passes, and what would only follow from that is not shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from fieldwright.dsl.checking import Surroundings
from fieldwright.dsl.compiler import compile_expression, compile_program
from fieldwright.dsl.diagnostics import Diagnostic, Severity, in_file_order
from fieldwright.dsl.document import Document, DocumentKind, Entry, Table
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.allowance import inlining_allowance
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.fixes import with_suggestion, without_collisions
from fieldwright.dsl.library import Library
from fieldwright.dsl.linked import LinkedMapping
from fieldwright.dsl.linkrules import link_ruleset
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.mappingdocument import entries
from fieldwright.dsl.nearest import did_you_mean, suggestions
from fieldwright.dsl.order import order
from fieldwright.dsl.preferences import Declared, Preferences, check_given, check_zones, declare, settle
from fieldwright.dsl.program import FieldProblem, FromBytes, MappedRecord, Program
from fieldwright.dsl.programspec import ProgramSpec
from fieldwright.dsl.project import Project
from fieldwright.dsl.reader import read
from fieldwright.dsl.resolve import Resolved, resolve
from fieldwright.dsl.ruleprogram import RulesetProgram
from fieldwright.dsl.ruleset import Ruleset
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.steps import Steps
from fieldwright.dsl.structure import check_structure
from fieldwright.dsl.testing.cases import build_tests
from fieldwright.dsl.testing.findings import check_tests
from fieldwright.dsl.testing.subject import find_subject
from fieldwright.dsl.types import Type
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError


@dataclass(frozen=True, slots=True)
class Loaded:
    """Documents whose structure is right. `broken` are names that documents with findings would have had;
    `incomplete` says that some file could not be read to its end."""

    files: tuple[SourceFile, ...]
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    broken: frozenset[str] = frozenset()
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a project is. `programs` are those applied, in the order of application; mappings and rulesets with errors
    are missing. `mappings` are the effective mappings, `settings` the values in force by mapping or ruleset. `digest`
    identifies the meaning of all programs and rulesets together."""

    project: Project | None
    programs: Mapping[str, Program]
    rulesets: Mapping[str, RulesetProgram]
    mappings: Mapping[str, MappingRules]
    linked: Mapping[str, LinkedMapping]
    settings: Mapping[str, Mapping[str, Any]]
    schemas: Schemas
    tests: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    order: tuple[str, ...] = ()
    setting_types: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    rules: Mapping[str, Ruleset] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong enough to refuse a run."""
        return not any(finding.severity is Severity.ERROR for finding in self.diagnostics)

    @property
    def digest(self) -> str:
        """Changes when any program or ruleset changes its meaning."""
        parts = [*(one.digest for one in self.programs.values()), *(one.digest for one in self.rulesets.values())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def load(files: Sequence[SourceFile]) -> Loaded:
    """Read files into documents of checked structure."""
    documents: list[Document] = []
    findings: list[Diagnostic] = []
    broken: set[str] = set()
    incomplete = False
    kinds = [kind.value for kind in DocumentKind]
    for file in files:
        roots, found = read(file)
        findings.extend(found)
        incomplete = incomplete or any(finding.code in _UNREADABLE for finding in found)
        for root in roots:
            with suggestions(_STRUCTURE_BUDGET):
                document, wrong = check_structure(root)
            findings.extend(wrong)
            if document is not None:
                documents.append(document)
            else:
                broken.update(name for kind in kinds if (name := root.text(kind)) is not None)
    return Loaded(tuple(files), tuple(documents), tuple(findings), frozenset(broken), incomplete)


def check_project(
    loaded: Loaded,
    schemas: Schemas,
    *,
    project: str | None = None,
    target: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    steps: Steps | None = None,
    compiled: bool = True,
) -> Result:
    """Everything after reading. `project` names the project document that counts, `target` one of its targets (whose
    settings come over the project's). `settings` are values from outside the files, by mapping or ruleset name.
    `steps` may remember outcomes of earlier checks; without `compiled` there are findings but no programs."""
    space = Workspace(loaded, schemas, project, target, settings or {}, steps or Steps())
    with suggestions(), inlining_allowance():
        for one in PASSES:
            if compiled or one is not compile_programs:
                one(space)
    resolved = space.resolved
    diagnostics = [*loaded.diagnostics, *space.findings.found]
    allowed = space.steps.allow(loaded.files, _causes(diagnostics, loaded))
    return Result(
        project=resolved.project,
        programs=space.programs,
        rulesets=space.rulesets,
        mappings=resolved.mappings,
        linked=space.linked,
        settings={name: preferences.values for name, preferences in space.preferences.items()},
        schemas=space.schemas,
        tests=resolved.documents[DocumentKind.TEST],
        diagnostics=tuple(without_collisions(map(with_suggestion, in_file_order(allowed)), loaded.documents)),
        order=space.order,
        setting_types=space.setting_types(),
        rules=resolved.rulesets,
    )


@dataclass(slots=True)
class Workspace:
    """What the passes of one `check_project` hand on to each other."""

    loaded: Loaded
    schemas: Schemas
    project: str | None
    target: str | None
    overrides: Mapping[str, Mapping[str, Any]]
    steps: Steps = field(default_factory=Steps)
    findings: Findings = field(default_factory=Findings)
    resolved: Resolved = field(default_factory=lambda: Resolved(None, {}, {}, (), {}))
    libraries: Mapping[str, Library] = field(default_factory=dict)
    preferences: dict[str, Preferences] = field(default_factory=dict)
    linked: dict[str, LinkedMapping] = field(default_factory=dict)
    rulesets: dict[str, RulesetProgram] = field(default_factory=dict)
    rule_settings: dict[str, frozenset[str]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    programs: dict[str, Program] = field(default_factory=dict)

    def add(self, found: Iterable[Diagnostic]) -> None:
        """Take in the findings of a pass."""
        self.findings.found.extend(found)

    def setting_types(self) -> dict[str, Mapping[str, Type]]:
        """The settings that each document sees, with their types."""
        return {name: preferences.types for name, preferences in self.preferences.items()}


def resolve_documents(space: Workspace) -> None:
    """Names to documents; overlays merged; what the project applies."""
    space.resolved, found = resolve(space.loaded.documents, space.project, space.steps.effective)
    space.add(found)


def extend_schemas(space: Workspace) -> None:
    """Custom fields that schema documents declare."""
    space.schemas, found = space.steps.schemas(space.resolved.documents[DocumentKind.SCHEMA], space.schemas)
    space.add(found)


def collect_libraries(space: Workspace) -> None:
    """Functions and value tables."""
    documents = space.resolved.documents
    both = (*documents[DocumentKind.FUNCTIONS], *documents[DocumentKind.TABLES])
    space.libraries, found = space.steps.libraries(both, space.schemas)
    space.add(found)


def settle_settings(space: Workspace) -> None:
    """Settings of each document, and their values."""
    resolved = space.resolved
    declared: dict[str, Declared] = {}
    for name, mapping in resolved.mappings.items():
        declared[name] = declare(name, mapping.settings, space.schemas, space.findings)
    for name, ruleset in resolved.rulesets.items():
        declared[name] = declare(name, ruleset.settings, space.schemas, space.findings)
    given = _given(space)
    places = {}
    if resolved.project is not None:
        check_given(given, tuple(declared.values()), space.findings)
        check_zones(given, space.findings)
        places = {node.text: node.span for node in resolved.project.apply or ()}
    for name, one in declared.items():
        used = _is_used(name, resolved)
        # Whether a required setting has a value matters for what is applied only.
        findings = space.findings if used else Findings()
        overrides = space.overrides.get(name, {})
        space.preferences[name] = settle(one, given, overrides, places.get(name), findings)


def link_mappings(space: Workspace) -> None:
    """Every known mapping, applied or not."""
    resolved = space.resolved
    applied = frozenset(resolved.applied)
    for name, mapping in resolved.mappings.items():
        own = space.preferences[name]
        rules = mapping.driven_by
        if rules is not None:
            theirs = space.preferences.get(rules.text)
            if rules.text not in resolved.rulesets:
                message = f"There is no ruleset `{rules.text}`"
                space.findings.error("DM501", message, rules.span, "unknown ruleset")
                broken = space.loaded.incomplete or rules.text in space.loaded.broken
                own = Preferences(own.types, own.values, uncertain=broken)
            elif theirs is not None:
                own = Preferences({**theirs.types, **own.types}, {**theirs.values, **own.values})
                space.preferences[name] = own
        around = Surroundings(
            space.schemas, space.libraries, resolved.mappings, own, applied if name in applied else None
        )
        space.linked[name], found = space.steps.link(mapping, around)
        space.add(found)


def link_rulesets(space: Workspace) -> None:
    """Rulesets, against the mappings they drive."""
    for name, ruleset in space.resolved.rulesets.items():
        around = Surroundings(space.schemas, space.libraries, space.resolved.mappings, space.preferences[name])
        program, used, found = link_ruleset(ruleset, around)
        space.add(found)
        space.rule_settings[name] = used
        if program is not None:
            space.rulesets[name] = program


def lint_targets(space: Workspace) -> None:
    """The registered rules, for each mapping; secrets, for each document."""
    for linked in space.linked.values():
        space.add(space.steps.lint(linked))
    for document in space.loaded.documents:
        space.add(space.steps.secrets(document))


def find_unused_settings(space: Workspace) -> None:
    """Settings that change nothing."""
    for name, ruleset in space.resolved.rulesets.items():
        driven = [one for one in space.linked.values() if one.mapping.driven_by and one.mapping.driven_by.text == name]
        if name not in space.rulesets or any(one.spec is None for one in driven):
            continue
        used = space.rule_settings[name].union(*(one.settings for one in driven))
        _unused(space, ruleset.settings, used)
    for linked in space.linked.values():
        if linked.spec is not None:
            delete = linked.spec.on_source_delete.get("by_setting")
            _unused(space, linked.mapping.settings, linked.settings | {str(delete)})


def find_order(space: Workspace) -> None:
    """The order in which mappings are applied."""
    space.order = order(space.resolved.mappings, space.resolved.applied, space.findings)


def find_untested(space: Workspace) -> None:
    """Mappings that no test document speaks of (notes only), and tests of what is not there."""
    documents = space.resolved.documents
    tested = {document.name for document in documents[DocumentKind.TEST]}
    known = {*space.resolved.mappings, *space.resolved.rulesets}
    known |= {document.name for document in documents[DocumentKind.OVERLAY]}
    for document in documents[DocumentKind.TEST]:
        if document.name not in known:
            hint = did_you_mean(document.name, known)
            message = f"There is no mapping, overlay or ruleset `{document.name}` to test"
            space.findings.error("DM803", message, document.name_at, hint or "unknown")
    for name, mapping in space.resolved.mappings.items():
        if name not in tested and not tested & set(mapping.extended_by):
            hint = f"write a document `test: {name}`"
            space.findings.found.append(
                Diagnostic("DM801", Severity.NOTE, f"No test speaks of `{name}`", mapping.span, "not tested", hint)
            )


def check_test_documents(space: Workspace) -> None:
    """Names and values in test documents, against what they test."""
    resolved = space.resolved
    types = space.setting_types()
    for document in resolved.documents[DocumentKind.TEST]:
        subject = find_subject(document.name, resolved.mappings, frozenset(resolved.rulesets), types)
        if subject is not None:
            driving = resolved.rulesets.get(subject.ruleset or "")
            space.add(check_tests(build_tests(document), subject, driving.rules if driving else (), space.schemas))


def compile_programs(space: Workspace) -> None:
    """Programs of the applied mappings in whose files nothing is wrong."""
    findings = [*space.loaded.diagnostics, *space.findings.found]
    wrong = {finding.span.file.path for finding in findings if finding.severity is Severity.ERROR}
    for name in space.order:
        linked = space.linked[name]
        files = {linked.mapping.span.file.path, *(field.rule.span.file.path for field in linked.fields)}
        if linked.spec is None or files & wrong:
            continue
        program = program_of(linked.spec, linked)
        rules = space.rulesets.get(program.driven_by or "")
        space.programs[name] = program if rules is None else replace(program, used=_with_rules(program, rules))


def program_of(spec: ProgramSpec, linked: LinkedMapping) -> Program:
    """The program of a linked mapping, `spec` being its own."""
    return _with_sums(compile_program(spec), linked)


PASSES: Final[tuple[Callable[[Workspace], None], ...]] = (
    resolve_documents,
    extend_schemas,
    collect_libraries,
    settle_settings,
    link_mappings,
    link_rulesets,
    lint_targets,
    find_unused_settings,
    find_order,
    find_untested,
    check_test_documents,
    compile_programs,
)

_STRUCTURE_BUDGET = 5_000
"""Comparisons for did-you-mean in the structure of one document."""

_UNREADABLE = frozenset(["DM001", "DM002", "DM003"])
_UNKNOWN_NAMES = frozenset(["DM403", "DM404", "DM406", "DM410", "DM501", "DM509", "DM601", "DM609", "DM803"])
"""Findings that say that a name is not known: they may follow from a document that could not be read."""


def _causes(findings: list[Diagnostic], loaded: Loaded) -> list[Diagnostic]:
    """Findings without those that follow from a broken document, and without repetitions."""
    kept: dict[Diagnostic, None] = {}
    for finding in findings:
        if finding.code in _UNKNOWN_NAMES:
            span = finding.span
            name = span.file.text[span.start : span.end].partition("@")[0]
            if loaded.incomplete or name in loaded.broken:
                continue
        kept[finding] = None
    return list(kept)


def _with_rules(program: Program, rules: RulesetProgram) -> Mapping[str, frozenset[str]]:
    """What must be read for a mapping whose records rules decide about: the rules look at fields of their own."""
    used = {name: set(fields) for name, fields in program.used.items()}
    for name, part in rules.reads:
        if name in used:
            used[name].add(part)
    return {name: frozenset(fields) for name, fields in used.items()}


def _given(space: Workspace) -> tuple[Entry, ...]:
    project = space.resolved.project
    if project is None:
        return ()
    given = list(project.settings)
    for section in ("environments", "targets"):
        found = project.document.root.table(section)
        one = found.table(space.target) if found is not None and space.target is not None else None
        if isinstance(one, Table):
            given.extend(entries(one, "settings"))
    return tuple(given)


def _is_used(name: str, resolved: Resolved) -> bool:
    if name in resolved.mappings:
        return resolved.project is not None and name in resolved.applied
    driving = [resolved.mappings[one].driven_by for one in resolved.applied]
    return resolved.project is not None and any(one is not None and one.text == name for one in driving)


def _unused(space: Workspace, rules: Iterable[Any], used: frozenset[str]) -> None:
    for rule in rules:
        if rule.name not in used:
            message = f"Nothing asks for the setting `{rule.name}`"
            space.findings.warning("DM503", message, rule.span, "unused", "delete it")


def _with_sums(program: Program, linked: LinkedMapping) -> Program:
    """The program that also works out what `checks:` with `sum_of` expect of the target."""
    if not linked.sums:
        return program
    sums = [(target, of, compile_expression(value), at) for target, of, value, at in linked.sums]
    blank = {child.rule.set: dict.fromkeys([one.rule.name for one in child.fields]) for child in linked.children}

    def expect(mapped: MappedRecord) -> MappedRecord:
        if not mapped.included or mapped.problems:
            return mapped
        for target, of, value, at in sums:
            total: Any = 0
            try:
                for row in mapped.children.get(of, ()):
                    part = value({**blank[of], **row})
                    total = None if part is None or total is None else DECIMAL_CONTEXT.add(total, part)
            except EvaluationError as error:
                problem = FieldProblem(f"checks.{target}", error.code, error.reason, error.fix, at)
                return MappedRecord(problems=(*mapped.problems, problem))
            if total is not None:
                mapped.checks[target] = total
        return mapped

    def around(run: Callable[..., MappedRecord]) -> Callable[..., MappedRecord]:
        return lambda *roots, **how: expect(run(*roots, **how))

    @cache
    def decoding() -> FromBytes | None:
        function = program.decoding()
        return None if function is None else around(function)

    meaning = repr([(target, of, core.meaning(value.core)) for target, of, value, _ in linked.sums])
    digest = hashlib.sha256((program.digest + meaning).encode()).hexdigest()[: len(program.digest)]
    compiled, slow = around(program.compiled), around(program.reference)
    return replace(program, compiled=compiled, reference=slow, decoding=decoding, digest=digest)

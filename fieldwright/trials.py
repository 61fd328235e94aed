"""Test documents of a checked project -> results and coverage: reads fixtures and golden files, runs every case.

The settings of a case are those in force in the project, then those of its document, then its own. Two values of a
target field are compared as that system's connector does. Files named by a test lie below the folder of the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any, Final

from fieldwright.checked import CheckedProject
from fieldwright.dsl.document import Table, plain
from fieldwright.dsl.mapping import SettingRule
from fieldwright.dsl.pipeline import program_of
from fieldwright.dsl.program import FieldProblem, MappedRecord, Program
from fieldwright.dsl.programspec import ProgramSpec
from fieldwright.dsl.reader import MAX_CHARACTERS, read
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.testing import coverage as reaching
from fieldwright.dsl.testing.cases import Case, TestDocument
from fieldwright.dsl.testing.compare import compare, compare_golden
from fieldwright.dsl.testing.coverage import Coverage
from fieldwright.dsl.testing.golden import golden_text
from fieldwright.dsl.testing.inputs import Unfit, settings_of
from fieldwright.dsl.testing.outcome import CaseResult, Mismatch, Outcome
from fieldwright.dsl.testing.running import Given, Ran, Tested, run_case
from fieldwright.dsl.testing.subject import CUSTOM, MEMBERSHIPS, Subject, find_subject
from fieldwright.dsl.types import Kind
from fieldwright.runtime.errors import ConfigError
from fieldwright.runtime.planner import Same
from fieldwright.runtime.tryout import Circumstances, try_delete, try_record

_PACKS: Final = "fieldwright/mappings/"


@dataclass(slots=True)
class Trial:
    """What came of the test documents. `updated` are the golden files that were written."""

    results: list[CaseResult] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    updated: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(not result.passed for result in self.results)


class Trials:
    """Runs the test documents of one project, which must be free of errors."""

    def __init__(self, checked: CheckedProject) -> None:
        self._result = checked.result
        self._schemas = checked.result.schemas
        self._own = checked.project.own
        self._programs: dict[str, Program] = dict(checked.result.programs)

    def subject(self, name: str) -> Subject | None:
        """What a test document of that name tests."""
        result = self._result
        return find_subject(name, result.mappings, frozenset(result.rulesets), result.setting_types)

    def run(self, tests: Sequence[TestDocument], text: str = "", *, update_golden: bool = False) -> Trial:
        """Run the cases whose name (with that of their subject) contains `text`. Raises ConfigError for a test file
        that cannot be read."""
        trial = Trial()
        for test in tests:
            subject = self.subject(test.subject)
            if subject is None:
                raise ConfigError(
                    f"{test.span.line}: nothing that is applied is called {test.subject}", "apply it in interpret.yaml"
                )
            tested = self._tested(subject)
            chosen = [case for case in test.cases if text.lower() in f"{test.subject}: {case.name}".lower()]
            for case in chosen:
                trial.results.append(self._case(test, tested, case, trial, update_golden))
        return trial

    def outcome(self, test: TestDocument) -> Outcome:
        """What comes of the first case of a document, whatever it expects."""
        return self.run([test]).results[0].outcome

    def expect(self, coverage: Coverage, names: Iterable[str]) -> None:
        """Note what there is to reach in these mappings, overlays and rulesets."""
        for name in names:
            subject = self.subject(name)
            if subject is None:
                continue
            if not subject.is_ruleset:
                coverage.expect(reaching.mapping_items(subject, self._spec(subject)))
                if subject.overlay is None:
                    declared = _places(subject.mapping.settings)
                    coverage.expect(reaching.setting_items(subject, subject.name, declared))
            else:
                coverage.expect(reaching.rule_items(name, self._result.rulesets[name].rules))
                declared = _places(self._result.rules[name].settings)
                coverage.expect(reaching.setting_items(subject, name, declared))

    def _spec(self, subject: Subject) -> ProgramSpec:
        spec = self._result.linked[subject.mapping.name].spec
        assert spec is not None, "the project has no errors"
        return spec

    def _tested(self, subject: Subject) -> Tested:
        rules = self._result.rulesets.get(subject.ruleset or "")
        if subject.is_ruleset:
            return Tested(subject, None, rules)
        name = subject.mapping.name
        if name not in self._programs:
            # A mapping that the project does not apply can be tested all the same.
            self._programs[name] = program_of(self._spec(subject), self._result.linked[name])
        return Tested(subject, self._programs[name], rules)

    def _case(self, test: TestDocument, tested: Tested, case: Case, trial: Trial, update_golden: bool) -> CaseResult:
        subject = tested.subject
        said = self._result.settings
        in_force = {**said.get(subject.ruleset or "", {}), **said.get(subject.name, {})}
        settings = settings_of(subject, in_force, case.settings)
        folder = self._folder(test.path)
        fixture = case.given.text("fixture")
        try:
            given: dict[str, Any] = _fixture(folder, fixture) if fixture is not None else {}
            given |= {entry.name: plain(entry.value) for entry in case.given}
            run = plain(test.run) if test.run is not None else {}
            assert isinstance(run, dict)
            ran = run_case(tested, given, settings, run, self._schemas, _Attempts(self._schemas))
        except Unfit as wrong:
            outcome = Outcome("error", problems=(FieldProblem("given", "DM805", str(wrong), "", case.span.line),))
            return CaseResult(test.subject, case.name, case.span.line, outcome, compare(case, outcome, {}))
        places = self._places(tested)
        mismatches = compare(case, ran.outcome, places)
        golden = None
        if (named := case.expect.text("golden")) is not None:
            golden, differences = self._golden(test, case, folder, named, ran.outcome, trial, update_golden, places)
            mismatches = (*mismatches, *differences)
        if not mismatches:
            self._reach(tested, case, ran, golden, settings, trial.coverage, partial=given.get("partial") is True)
        return CaseResult(test.subject, case.name, case.span.line, ran.outcome, mismatches)

    def _golden(
        self,
        test: TestDocument,
        case: Case,
        folder: Path,
        named: str,
        outcome: Outcome,
        trial: Trial,
        update: bool,
        places: Mapping[str, str],
    ) -> tuple[Table | None, tuple[Mismatch, ...]]:
        path = _below(folder, named)
        shown = f"{test.path.rpartition('/')[0]}/{named}".lstrip("/")
        if update:
            text = golden_text(outcome)
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                trial.updated.append(shown)
        if not path.is_file():
            hint = "no such file; --update-golden writes it"
            return None, (Mismatch("golden", named, hint, case.span.line),)
        table = _table(SourceFile(shown, _text(path)))
        return table, compare_golden(table, outcome, places)

    def _reach(
        self,
        tested: Tested,
        case: Case,
        ran: Ran,
        golden: Table | None,
        settings: Mapping[str, Any],
        coverage: Coverage,
        *,
        partial: bool,
    ) -> None:
        """Note what a case that passed has reached, for its mapping and for the rules that decided."""
        subject = tested.subject
        if subject.ruleset is not None:
            coverage.reach("rules", subject.ruleset, reaching.rules_judged(case, ran.outcome, golden))
            coverage.reach("settings", subject.ruleset, reaching.settings_reached(case, settings))
        if subject.is_ruleset:
            return
        coverage.reach("settings", subject.name, reaching.settings_reached(case, settings))
        judged = reaching.judged(case, ran.outcome, golden)
        coverage.reach("fields", subject.name, judged)
        if ran.roots is not None:
            taken = reaching.rows_taken(self._spec(subject), ran.roots, partial=partial)
            coverage.reach("table_rows", subject.name, (f"{name}: {row}" for name, row in taken if name in judged))

    def _places(self, tested: Tested) -> dict[str, str]:
        program = tested.program
        if program is None:
            return {}
        own = {info.name: info.at for info in program.fields}
        return own | {f"{child.name}.{info.name}": info.at for child in program.children for info in child.fields}

    def _folder(self, path: str) -> Path:
        if path not in self._own and path.startswith(_PACKS):
            return (Path(str(resource_files("fieldwright.mappings"))) / path.removeprefix(_PACKS)).parent
        return Path(path).parent


class _Attempts:
    """What a run would do, by the runtime's own planner."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def __call__(self, program: Program, mapped: MappedRecord, given: Given, rule: str | None) -> Outcome:
        around = Circumstances(given.targets, given.linked, given.rows, given.not_synced)
        made = try_record(program, mapped, given.source_id, around, self._same(program), rule)
        if made.problem is not None:
            return Outcome("error", problems=(made.problem,))
        # A create leaves nulls out: the record is new and has nothing to clear.
        emptied = mapped.fields if made.op == "create" else made.fields
        cleared = frozenset(name for name, value in emptied.items() if value is None)
        return Outcome(made.op, made.fields, cleared, made.children, made.rows, mapped.checks)

    def delete(self, program: Program, given: Given, settings: Mapping[str, Any]) -> Outcome:
        linked = given.linked is not None or bool(given.targets)
        made, action = try_delete(program, settings, linked=linked)
        return Outcome(made.op, made.fields, actions=(action,))

    def _same(self, program: Program) -> Same:
        found = self._schemas.find(program.target_object)
        kinds = {info.name: info.type.kind for info in program.fields}
        match program.target_object.partition(".")[0]:
            case "salesforce":
                from fieldwright.connectors.salesforce import compare as salesforce

                def same(object_name: str, name: str, ours: Any, theirs: Any) -> bool:
                    there = found if object_name == program.target_object else self._schemas.find(object_name)
                    return salesforce.same(there.fields.get(name) if there else None, ours, theirs)

            case "activecampaign":
                from fieldwright.connectors.activecampaign import audience, codecs

                def same(object_name: str, name: str, ours: Any, theirs: Any) -> bool:
                    if name == MEMBERSHIPS:
                        return audience.same_memberships(ours or (), theirs or ())
                    if name.startswith(CUSTOM):
                        return codecs.same(_NATIVE.get(kinds.get(name, Kind.STRING), "text"), ours, theirs)
                    first, second = codecs.plain(ours).strip(), codecs.plain(theirs).strip()
                    return first.lower() == second.lower() if name == "email" else first == second

            case _:

                def same(object_name: str, name: str, ours: Any, theirs: Any) -> bool:
                    return bool((None if ours == "" else ours) == (None if theirs == "" else theirs))

        return same


_NATIVE: Final = {
    Kind.DATE: "date",
    Kind.TIMESTAMP: "datetime",
    Kind.DECIMAL: "number",
    Kind.INT: "number",
    Kind.MONEY: "number",
}
"""Types of ActiveCampaign's custom fields as they are created for mapped values."""


def _places(rules: Iterable[SettingRule]) -> dict[str, str]:
    return {rule.name: rule.span.line for rule in rules}


def _below(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{name} leads out of the folder of its test", "keep fixtures and golden files beside tests")
    return path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_CHARACTERS:
            raise ConfigError(f"{path.name} is larger than {MAX_CHARACTERS // 1024} KiB", "cut the record down")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} is not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}", "write it, or correct its name") from None


def _fixture(folder: Path, name: str) -> dict[str, Any]:
    """The parts of `given` that a file holds: a table in YAML or JSON, numbers exact."""
    path = _below(folder, name)
    text = _text(path)
    if path.suffix != ".json":
        made = plain(_table(SourceFile(name, text)))
    else:
        try:
            made = json.loads(text, parse_float=Decimal)
        except ValueError as error:
            raise ConfigError(f"{name} is not JSON: {error}", "correct the file") from None
    if not isinstance(made, dict):
        raise Unfit(f"{name} must hold a table: the record under its name, reads under theirs")
    return made


def _table(file: SourceFile) -> Table:
    roots, wrong = read(file)
    if wrong or len(roots) != 1:
        said = f": {wrong[0].message}" if wrong else ""
        raise ConfigError(f"{file.path} is not one YAML document{said}", "correct the file, or --update-golden")
    return roots[0]


def selected(
    tests: Iterable[TestDocument], paths: frozenset[str], subjects: Mapping[str, Subject]
) -> Iterator[TestDocument]:
    """The test documents that stand in one of the files, or that test what is declared in one of them."""
    for test in tests:
        subject = subjects.get(test.subject)
        declared = subject.mapping.span.file.path if subject is not None and not subject.is_ruleset else ""
        if test.path in paths or declared in paths:
            yield test

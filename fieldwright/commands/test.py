"""`interpret test`: the test documents of a project, run without any system: given records, expected outcomes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import Project, find_project, read_files, shown_path, yaml_files
from fieldwright.runtime.reporters.printable import printable

if TYPE_CHECKING:
    from fieldwright.checked import CheckedProject
    from fieldwright.dsl.testing.cases import TestDocument
    from fieldwright.trials import Trial, Trials


@click.command(
    "test",
    short_help="Run the test documents beside the mappings.",
    epilog="""\b
Examples:
  interpret test                        every test of the project
  interpret test tests/acme.test.yaml   those of one file, or of one mapping's file
  interpret test -k trial               cases with this in their name
  interpret test --coverage             also what no case reached
  interpret test --update-golden        accept what comes out as golden files
  interpret test --record cus_000001 --mapping customer-account
                                        a new case from a record that was read, masked""",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("-k", "text", default="", metavar="TEXT", help="Only cases whose name, or whose mapping's, has this.")
@click.option("--update-golden", is_flag=True, help="Write golden files anew from what comes out.")
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also as JUnit XML."
)
@click.option("--coverage", is_flag=True, help="List what no case reached.")
@click.option("--record", metavar="ID", help="Write a case from this source record, personal data replaced.")
@click.option("--mapping", metavar="MAPPING", help="With --record: the mapping to test.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --record: where to. [default: tests/MAPPING.test.yaml]",
)
@options.settings_option()
@options.target_option()
@options.project_option()
@options.output_option()
@options.state_option()
def command(
    paths: tuple[Path, ...],
    text: str,
    update_golden: bool,
    junit_file: Path | None,
    coverage: bool,
    record: str | None,
    mapping: str | None,
    to: Path | None,
    given_settings: tuple[str, ...],
    target: str | None,
    folder: Path | None,
    output_format: str,
    state: Path | None,
) -> int:
    """Run the test documents beside the mappings.

    Nothing is asked of any system. Exit code 0 when every case passes, 1 when one fails.
    """
    from fieldwright.checked import check
    from fieldwright.dsl.testing import report
    from fieldwright.trials import Trials

    chosen = _files(paths)
    project = _with_files(find_project(folder), chosen)
    checked = check(project, project.target(target), given_settings)
    checked.require()
    if record is not None or mapping is not None:
        path = state or project.state_file(project.target(target))
        return _record(checked, record, mapping, to, path)
    trials = Trials(checked)
    tests = _tests(checked, trials, frozenset(shown_path(path) for path in chosen), everything=not paths)
    trial = trials.run(tests, text, update_golden=update_golden)
    trials.expect(trial.coverage, _scope(checked, tests, everything=not paths and not text))
    if not trial.results and (text or paths):
        raise failures.WrongUse("no test case there", "`interpret test` runs all of them")
    if junit_file is not None:
        _save(junit_file, report.junit(trial.results))
    if output_format == output.Format.JSON:
        output.write_json(report.document(trial.results, trial.coverage, trial.updated))
    else:
        _print(trial, listing=coverage)
    return failures.FINDINGS if trial.failed else failures.OK


def _record(checked: CheckedProject, record: str | None, mapping: str | None, to: Path | None, state: Path) -> int:
    from fieldwright.recording import recorded_case, save_case

    if record is None or mapping is None:
        raise failures.WrongUse("--record and --mapping go together", "--record cus_000001 --mapping customer-account")
    text = recorded_case(checked, mapping, record, state)
    path = to or checked.project.folder / "tests" / f"{mapping}.test.yaml"
    save_case(path, text)
    output.say(f"Wrote a case to {shown_path(path)}. Read it before you share it: masking goes by the kind of field.")
    return failures.OK


def _print(trial: Trial, *, listing: bool) -> None:
    from fieldwright.dsl.testing import report

    paint = output.paint_for(sys.stdout)
    for result in trial.results:
        if not result.passed:
            for number, line in enumerate(report.failure_lines(result)):
                output.write((paint.strong(printable(line)) if number == 0 else printable(line)) + "\n")
            output.write("\n")
    for name in trial.updated:
        output.say(f"Wrote {name}.")
    if not trial.results:
        output.say("No test case found. Test documents stand in `tests/`: `test: NAME`, with `cases:`.")
        return
    output.say(report.summary(trial.results))
    output.say(report.reach_line(trial.coverage))
    if listing:
        for line in report.missing_lines(trial.coverage):
            output.say(line)


def _files(paths: Sequence[Path]) -> tuple[Path, ...]:
    def files() -> Iterator[Path]:
        for path in paths:
            if path.is_dir():
                yield from yaml_files(path)
            else:
                yield path

    return tuple({path.resolve(): path for path in files()}.values())


def _with_files(project: Project, chosen: Sequence[Path]) -> Project:
    """The project with files that it would not have read itself."""
    known = {file.path for file in project.files}
    others = [path for path in chosen if shown_path(path) not in known]
    if not others:
        return project
    files, findings = read_files(iter(others), None)
    own = project.own | {file.path for file in files}
    return Project(
        project.folder,
        project.shipped,
        (*project.files, *files),
        own,
        (*project.findings, *findings),
        project.document,
    )


def _tests(
    checked: CheckedProject, trials: Trials, paths: frozenset[str], *, everything: bool
) -> tuple[TestDocument, ...]:
    """The test documents to run: those in the named files, or of mappings in them; without names the project's own,
    which without a project are the shipped ones."""
    from fieldwright.dsl.testing.cases import build_tests
    from fieldwright.trials import selected

    tests = tuple(build_tests(document) for document in checked.result.tests)
    if everything:
        return tuple(test for test in tests if checked.project.shipped or test.path in checked.project.own)
    subjects = {test.subject: found for test in tests if (found := trials.subject(test.subject)) is not None}
    return tuple(selected(tests, paths, subjects))


def _scope(checked: CheckedProject, tests: Sequence[TestDocument], *, everything: bool) -> Iterator[str]:
    """Whose coverage counts: what is tested and, when all tests run, every mapping and ruleset of the project."""
    result = checked.result
    if everything:
        for name, mapping in result.mappings.items():
            if checked.project.shipped or mapping.span.file.path in checked.project.own:
                yield name
        for name, rules in result.rules.items():
            if checked.project.shipped or rules.span.file.path in checked.project.own:
                yield name
    for test in tests:
        yield test.subject


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise failures.WrongUse(
            f"{shown_path(path)} cannot be written: {error.strerror}", "name another file"
        ) from None

"""What `run` and `plan` have in common: the same options, the same job, the same report; they differ in one flag.

Order of things: the project is checked as a whole before anything opens, the state is opened before any system is
asked, and the report is printed once, at the end, whatever happened.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import Project, Target, find_project

if TYPE_CHECKING:
    from fieldwright.checked import CheckedProject
    from fieldwright.runtime.report import RunReport
    from fieldwright.runtime.sync import Listener, Mode


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, as given."""

    folder: Path | None
    target: str | None
    select: tuple[str, ...]
    initial: bool
    everything: bool
    retry: bool
    plan: bool
    output_format: str
    state: Path | None
    given_settings: tuple[str, ...]
    assume_yes: bool = False
    allow_deletes: bool = False


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both commands, in the order of their help."""
    for add in reversed(
        (
            options.target_option(),
            click.option(
                "--select",
                multiple=True,
                metavar="MAPPING",
                help="Only this mapping; may be repeated.",
            ),
            click.option("--initial", is_flag=True, help="Only the 10 latest records of each object."),
            click.option("--all", "everything", is_flag=True, help="Every record, not only the changed ones."),
            click.option(
                "--retry", is_flag=True, help="Only records that failed; with --initial: of the initial sync."
            ),
            options.settings_option(),
            options.output_option(),
            options.project_option(),
            options.state_option(),
        )
    ):
        function = add(function)
    return function


def carry_out(request: Request) -> RunReport:
    """Run or plan, print the report, return it."""
    from fieldwright.checked import check

    mode = _mode(request)
    project = find_project(request.folder, with_tests=False)
    target = project.target(request.target)
    checked = check(project, target, request.given_settings)
    checked.require()
    select = checked.selection(request.select)
    _confirm(request, target)
    report = _synchronise(request, project, target, checked, mode, select)
    _print(request, report)
    return report


def _synchronise(
    request: Request, project: Project, target: Target, checked: CheckedProject, mode: Mode, select: frozenset[str]
) -> RunReport:
    from fieldwright.connections import connected
    from fieldwright.runtime.connector import Source
    from fieldwright.runtime.connector import Target as TargetConnection
    from fieldwright.runtime.reporters.progress import ProgressLine
    from fieldwright.runtime.state.database import open_file
    from fieldwright.runtime.sync import Job, synchronise

    if request.state is None:
        project.prepare_private()
    database = open_file(request.state or project.state_file(target), rehearse=request.plan)
    live = output.is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
    progress = ProgressLine(sys.stderr, live=live)
    try:
        source, targets = checked.systems(select)
        with connected(project, target, [source, *targets]) as connections:
            job = Job(
                programs=checked.programs,
                rulesets=checked.rulesets,
                settings=checked.settings,
                source=cast(Source, connections[source]),
                targets={system: cast(TargetConnection, connections[system]) for system in targets},
                target_name=target.name,
                mode=mode,
                retry_initial=request.retry and request.initial,
                plan=request.plan,
                select=select,
                allow_deletes=request.allow_deletes,
                **_limits(target.limits),
            )
            return synchronise(job, database, cast("Listener", progress))
    finally:
        progress.clear()
        database.close()


def _mode(request: Request) -> Mode:
    from fieldwright.runtime.sync import Mode

    if request.everything and (request.initial or request.retry):
        other = "--initial" if request.initial else "--retry"
        raise failures.WrongUse(f"--all and {other} do not go together", "give one of them")
    if request.retry:
        return Mode.RETRY
    if request.initial:
        return Mode.INITIAL
    return Mode.ALL if request.everything else Mode.INCREMENTAL


def _confirm(request: Request, target: Target) -> None:
    if request.plan or request.assume_yes or not target.confirm:
        return
    if not output.is_terminal(sys.stdin):
        raise failures.WrongUse(
            f"target {target.name} is to be confirmed, and there is no terminal to ask",
            "look at `interpret plan` with the same options, then give --yes",
        )
    if not click.confirm(f"Write to target {target.name}?", err=True):
        raise failures.Declined(f"not confirmed: nothing was written to target {target.name}")


def _limits(limits: Mapping[str, int]) -> dict[str, Any]:
    return {
        name: limits[key] for key, name in (("records", "initial_limit"), ("deletes", "delete_limit")) if key in limits
    }


def _print(request: Request, report: RunReport) -> None:
    if request.output_format == output.Format.JSON:
        from fieldwright.runtime.reporters.json import run_document

        output.write_json(run_document(report))
        return
    paint = output.paint_for(sys.stdout)
    if request.plan:
        from fieldwright.runtime.reporters.plan import render_plan

        output.write(render_plan(report, paint))
    else:
        from fieldwright.runtime.reporters.text import render_run

        output.write(render_run(report, paint))

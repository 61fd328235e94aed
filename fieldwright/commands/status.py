"""`interpret status`: the last run of a target, what is still open, and where its state lives. Asks no system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import find_project, shown_path


@click.command(
    "status",
    short_help="Show the last run, open errors and where the state lives.",
    epilog="""\b
Examples:
  interpret status
  interpret status --target staging --output json""",
)
@options.place_options
def command(target: str | None, folder: Path | None, state: Path | None, output_format: str) -> int:
    """Show the last run, open errors and where the state lives."""
    project = find_project(folder)
    wanted = project.target(target)
    path = state or project.state_file(wanted)
    document: dict[str, Any] = {
        "version": 1,
        "project": None if project.shipped else str(project.folder),
        "target": wanted.name,
        "state": str(path),
        "last_run": None,
        "open_errors": 0,
        "ignored_errors": 0,
    }
    if path.exists():
        document.update(_recorded(path))
    if output_format == output.Format.JSON:
        output.write_json(document)
        return failures.OK
    paint = output.paint_for(sys.stdout)
    where = "the shipped mappings (no interpret.yaml here)" if project.shipped else shown_path(project.folder)
    output.say(f"Project      {where}")
    output.say(f"Target       {wanted.name}")
    output.say(f"State        {shown_path(path)}" + ("" if path.exists() else " (not there yet)"))
    run = document["last_run"]
    goes_on = ": the next run goes on from there" if run and run["status"] == "interrupted" else ""
    if run is None:
        output.say("Last run     none yet: `interpret run` starts one")
    else:
        output.say(
            f"Last run     {run['id']}, {run['mode']}, {run['status'].replace('_', ' ')}, {run['started_at']}{goes_on}"
        )
    count = document["open_errors"]
    aside = f" ({document['ignored_errors']} set aside)" if document["ignored_errors"] else ""
    text = f"Open errors  {count}{aside}" + (": `interpret errors` lists them" if count else "")
    output.write((paint.changed(text) if count else text) + "\n")
    return failures.OK


def _recorded(path: Path) -> dict[str, Any]:
    from fieldwright.runtime.state.database import open_file, writer
    from fieldwright.runtime.state.journal import Journal

    database = open_file(path)
    try:
        journal = Journal(database)
        run = journal.last_run()
        errors = journal.errors()
    finally:
        database.close()
    ignored = sum(error.ignored for error in errors)
    # A run that was killed could not write down its end.
    if run is not None and run["status"] == "running" and not writer(path):
        run = {**run, "status": "interrupted"}
    shown = ("id", "mode", "target", "status", "started_at", "finished_at")
    return {
        "last_run": {name: run[name] for name in shown} if run else None,
        "open_errors": len(errors) - ignored,
        "ignored_errors": ignored,
    }

"""`interpret run`: sync. Without a project it syncs the built-in sandbox by the shipped mappings."""

from __future__ import annotations

from pathlib import Path

import click

from fieldwright import failures
from fieldwright.commands.syncing import Request, carry_out, selection_options


@click.command(
    "run",
    short_help="Sync: write to the targets what has changed at the source.",
    epilog="""\b
Examples:
  interpret run                                    the sandbox, or the project's default target
  interpret run --target staging --initial         the 10 latest records of each object
  interpret run --select customer-account --all    every customer, one mapping
  interpret run --retry                            what failed before""",
)
@selection_options
@click.option("--dry-run", is_flag=True, help="Write nothing and show the plan, as `interpret plan` does.")
@click.option("--yes", "assume_yes", is_flag=True, help="Do not ask before writing to a target that wants it.")
@click.option("--allow-deletes", is_flag=True, help="Go on where a run would delete unusually many records.")
def command(
    target: str | None,
    select: tuple[str, ...],
    initial: bool,
    everything: bool,
    retry: bool,
    given_settings: tuple[str, ...],
    output_format: str,
    folder: Path | None,
    state: Path | None,
    dry_run: bool,
    assume_yes: bool,
    allow_deletes: bool,
) -> int:
    """Sync: write to the targets what has changed at the source.

    Only differences are written, so running again is always safe. Records that fail are listed with reason and fix and
    delay no other. Exit code 0, or 1 where records were rejected.
    """
    request = Request(
        folder=folder,
        target=target,
        select=select,
        initial=initial,
        everything=everything,
        retry=retry,
        plan=dry_run,
        output_format=output_format,
        state=state,
        given_settings=given_settings,
        assume_yes=assume_yes,
        allow_deletes=allow_deletes,
    )
    report = carry_out(request)
    return report.exit_code or failures.OK

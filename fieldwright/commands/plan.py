"""`interpret plan`: what a run would write, field by field, with the reason for each; nothing is written anywhere."""

from __future__ import annotations

from pathlib import Path

import click

from fieldwright import failures
from fieldwright.commands.syncing import Request, carry_out, selection_options


@click.command(
    "plan",
    short_help="Show what a run would write, field by field; write nothing.",
    epilog="""\b
Examples:
  interpret plan                                    what `interpret run` would do now
  interpret plan --select customer-account --all    one mapping, every record
  interpret plan --detailed-exitcode                2 where there is something to write""",
)
@selection_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to write.")
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
    detailed_exitcode: bool,
) -> int:
    """Show what a run would write, field by field; write nothing.

    `+` is created, `~` updated, `-` deleted; each field shows old and new value and the line of the mapping that asks
    for it. Ids that only the target can give are shown as (known after apply).
    """
    request = Request(
        folder=folder,
        target=target,
        select=select,
        initial=initial,
        everything=everything,
        retry=retry,
        plan=True,
        output_format=output_format,
        state=state,
        given_settings=given_settings,
    )
    report = carry_out(request)
    if detailed_exitcode and not report.exit_code and report.changes:
        return failures.CHANGES
    return report.exit_code or failures.OK

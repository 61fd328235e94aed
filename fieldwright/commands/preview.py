"""`interpret preview`: one record through one mapping: what a run would write, and what it would leave, and why."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fieldwright import failures, output
from fieldwright.commands.looking import Request, answer, record_options


@click.command(
    "preview",
    short_help="Show what would become of one record; write nothing.",
    epilog="""\b
Examples:
  interpret preview customer-account --record cus_000001          as last read
  interpret preview customer-account --record cus_000001 --live   as it is now, on both sides
  interpret preview customer-account --file customer.json         a record of your own
  interpret preview subscription-opportunity --record sub_000001 --set stage='Closed Won'""",
)
@click.argument("mapping")
@record_options
def command(
    mapping: str,
    record: str | None,
    file: str | None,
    live: bool,
    partial: bool,
    mask: bool,
    given_settings: tuple[str, ...],
    target: str | None,
    output_format: str,
    folder: Path | None,
    state: Path | None,
) -> int:
    """Show what would become of one record; write nothing.

    Every field with its value, and why it would or would not be written. Without --live no system is asked: the record
    is the one that the last run read, compared with what was last written. Exit code 1 where it would be rejected.
    """
    request = Request(mapping, record, file, live, partial, mask, target, folder, state, given_settings)
    found = answer(request)
    program, looked = found.program, found.looked
    if output_format == output.Format.JSON:
        from fieldwright.runtime.reporters.lookingjson import preview_document

        output.write_json(preview_document(looked, program.mapping, program.target_object, found.origin))
    else:
        from fieldwright.runtime.reporters.looking import render_preview

        paint = output.paint_for(sys.stdout)
        output.write(render_preview(looked, program, found.origin, paint))
    return failures.FINDINGS if looked.action == "rejected" else failures.OK

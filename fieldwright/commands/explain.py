"""`interpret explain`: how a field of one record comes to its value, part by part, and why it is written or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fieldwright import failures, output
from fieldwright.commands.looking import Request, answer, record_options

if TYPE_CHECKING:
    from fieldwright.commands.looking import Answer


@click.command(
    "explain",
    short_help="Show how one field of one record comes to its value.",
    epilog="""\b
Examples:
  interpret explain customer-account --record cus_000001 --field Name
  interpret explain subscription-opportunity --record sub_000001             rules, fields, rows, keys
  interpret explain subscription-opportunity --record sub_000001 --field products.Discount""",
)
@click.argument("mapping")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="FIELD",
    help="Only this field (SET.FIELD for one of a row, key for the keys); may be repeated.",
)
@record_options
def command(
    mapping: str,
    fields: tuple[str, ...],
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
    """Show how one field of one record comes to its value.

    Each part of the expression with what it came to, the row of the value table, the value as the target gets it, and
    whether it would be written and why. Nothing is written. Exit code 1 where a field shown cannot be computed.
    """
    request = Request(mapping, record, file, live, partial, mask, target, folder, state, given_settings)
    found = answer(request)
    program, looked = found.program, found.looked
    _check_fields(found, fields)
    if output_format == output.Format.JSON:
        from fieldwright.runtime.reporters.lookingjson import explain_document

        output.write_json(explain_document(looked, program.mapping, program.target_object, found.origin, fields))
    else:
        from fieldwright.runtime.reporters.looking import render_explanation

        paint = output.paint_for(sys.stdout)
        output.write(render_explanation(looked, program, found.origin, fields, paint))
    failed = looked.action == "rejected" and not fields
    if looked.explained is not None:
        failed = failed or any(
            one.problem is not None and (not fields or _names(one.info.name, one.row) & set(fields))
            for one in looked.explained.fields
        )
    return failures.FINDINGS if failed else failures.OK


def _names(name: str, row: tuple[str, int] | None) -> set[str]:
    return {name} if row is None else {name, f"{row[0]}.{name}"}


def _check_fields(found: Answer, fields: tuple[str, ...]) -> None:
    """Refuse names that the mapping does not write."""
    program = found.program
    known = {info.name for info in program.fields} | {"key"}
    known |= {name for key in program.keys for name in key.fields}
    if found.looked.explained is not None:
        known |= {check.name for check in found.looked.explained.checks}
    for child in program.children:
        for info in child.fields:
            known |= {info.name, f"{child.name}.{info.name}"}
    for name in fields:
        if name not in known:
            from fieldwright.dsl.nearest import did_you_mean

            hint = did_you_mean(name, known)
            raise failures.WrongUse(
                f"{program.mapping} writes no field `{name}`" + (f", {hint}" if hint else ""),
                f"`interpret show {program.mapping}` lists the fields",
            )

"""`interpret rule`: the page of a code that lint or a run prints: why it is wrong and how it is put right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from fieldwright import failures, output
from fieldwright.commands import options

if TYPE_CHECKING:
    from fieldwright.dsl.codeinfo import CodeInfo


@click.command(
    "rule",
    short_help="Explain a code that lint or a run prints.",
    epilog="""\b
Examples:
  interpret rule            all codes
  interpret rule DM001      one, with an example of wrong and right""",
)
@click.argument("code", required=False)
@options.output_option()
def command(code: str | None, output_format: str) -> int:
    """Explain a code that lint or a run prints. Without one all codes are listed."""
    codes = all_codes()
    if code is None:
        return _list(codes, output_format)
    info = codes.get(code.upper())
    if info is None:
        from fieldwright.dsl.nearest import did_you_mean

        hint = did_you_mean(code.upper(), codes)
        raise failures.WrongUse(
            f"there is no code `{code}`" + (f", {hint}" if hint else ""),
            "`interpret rule` lists all codes; others (STRING_TOO_LONG) are those of the target that refused a record",
        )
    if output_format == output.Format.JSON:
        output.write_json({"version": 1, "rule": _document(info)})
        return failures.OK
    output.say(f"{info.code} ({info.severity.value}): {info.title}\n")
    output.say(textwrap.fill(info.explanation, 96))
    for title, example in (("Not like this:", info.example_bad), ("But:", info.example_good)):
        if example:
            output.say(f"\n{title}\n{textwrap.indent(example, '    ')}")
    return failures.OK


def all_codes() -> Mapping[str, CodeInfo]:
    """Every code with a page: of findings, of expressions, of runs."""
    from fieldwright.dsl.codes import registry
    from fieldwright.runtime.codes import CODES

    return dict(sorted({**registry(), **{info.code: info for info in CODES}}.items()))


def _list(codes: Mapping[str, CodeInfo], output_format: str) -> int:
    if output_format == output.Format.JSON:
        output.write_json({"version": 1, "rules": [_document(info) for info in codes.values()]})
        return failures.OK
    for info in codes.values():
        output.say(f"{info.code}  {info.severity.value:<8} {info.title}")
    return failures.OK


def _document(info: CodeInfo) -> dict[str, Any]:
    return {
        "code": info.code,
        "severity": info.severity.value,
        "title": info.title,
        "explanation": info.explanation,
        "bad": info.example_bad,
        "good": info.example_good,
    }

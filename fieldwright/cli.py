"""The console script `interpret`: which commands there are, and how each of them ends.

A command is a module under `fieldwright.commands` with a click command named `command`; it is imported only when it
is called, because connectors, the state database and the language each cost more than a help page may take. Commands
return their exit code or raise; `fieldwright.failures` words what they raise.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from fieldwright import __version__, failures
from fieldwright.runtime.reporters.printable import printable

COMMANDS: Final[dict[str, str]] = {
    "run": "Sync: write to the targets what has changed at the source.",
    "plan": "Show what a run would write, field by field; write nothing.",
    "preview": "Show what would become of one record; write nothing.",
    "explain": "Show how one field of one record comes to its value.",
    "eval": "Try an expression: its type, what it reads, its value.",
    "lint": "Check mapping files and show every mistake at its place.",
    "test": "Run the test documents beside the mappings.",
    "fmt": "Write mapping files the one way; their meaning stays.",
    "migrate": "Bring mapping files to the newest format.",
    "errors": "List the records that failed, with reason and fix.",
    "status": "Show the last run, open errors and where the state lives.",
    "show": "Print a mapping as it is in effect, overlays included.",
    "init": "Make a project of your own in a folder.",
    "sandbox": "Serve the built-in Chargebee, Salesforce and ActiveCampaign.",
    "rule": "Explain a code that lint or a run prints.",
    "docs": "Write the reference pages; list what is covered and what is open.",
    "schema": "Print the JSON Schema of mapping files, for editors.",
    "lsp": "Serve editors: findings as you type, completion, hover, rename.",
}
"""Name -> one line for the list of commands. A test holds each line against the command's own help."""

EPILOG: Final = """\b
Examples:
  interpret run                     sync the built-in sandbox: no account needed
  interpret plan --target staging   what would be written, and why
  interpret init my-project         start a project of your own

\b
Exit codes: 0 fine, 1 findings or rejected records, 2 changes (plan --detailed-exitcode),
64 wrong use, 69 unavailable, 70 a bug of ours, 75 try again later, 77 not permitted,
78 invalid project, 130 interrupted."""


class Interpret(click.Group):
    """The group of all commands: lists them without importing them and ends every one of them the documented way."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"fieldwright.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from fieldwright.dsl.nearest import did_you_mean

            hint = did_you_mean(args[0], COMMANDS)
            message = f"there is no command `{printable(args[0])}`" + (f", {hint}" if hint else "")
            raise failures.WrongUse(message, "`interpret --help` lists the commands")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and leave the process with its exit code."""
        given = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            result = super().main(given, prog_name or "interpret", **extra)
            sys.stdout.flush()
            code = result if isinstance(result, int) else failures.OK
        except click.exceptions.NoArgsIsHelpError as shown:
            click.echo(shown.format_message())
            code = failures.OK
        except BrokenPipeError:
            code = _reader_has_gone()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where all errors end
            code = _tell(error, as_json=_wants_json(given))
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        # click ends a process whose reader went away with 1; for us `interpret errors | head` is no failure.
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return _reader_has_gone()
        return result


@click.group(
    cls=Interpret, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="interpret")
def cli() -> None:
    """Keep Chargebee in step with Salesforce and ActiveCampaign, from mappings written in YAML."""


def main() -> None:
    """Entry point of the console script."""
    cli.main()


def _tell(error: BaseException, *, as_json: bool) -> int:
    try:
        return failures.report(failures.failure_of(error), as_json=as_json)
    except BrokenPipeError:
        return _reader_has_gone()


def _reader_has_gone() -> int:
    """Whoever read our output has seen enough. The stream is pointed elsewhere, so that Python's own flush at the end
    does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    return failures.OK


def _wants_json(args: Sequence[str]) -> bool:
    """Whether the caller asked for JSON, told from the words themselves: click may have refused the rest of them."""
    wanted = os.environ.get("INTERPRET_OUTPUT", "")
    for number, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name in ("--output", "--format"):
            wanted = value if equals else next(iter(args[number + 1 : number + 2]), "")
    return wanted == "json"

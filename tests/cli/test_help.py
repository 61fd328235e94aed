"""Help pages: there for every command, with an example, and cheap."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest

from fieldwright.cli import COMMANDS
from tests.cli.conftest import Run

HEAVY = {
    "lark", "jsonschema", "jinja2", "httpx", "requests", "sqlalchemy", "alembic", "starlette", "uvicorn", "rich",
    "chargebee", "simple_salesforce",
}  # fmt: skip


def _loaded_after(*arguments: str) -> set[str]:
    code = (
        "import sys\n"
        "from fieldwright.cli import cli\n"
        f"try:\n    cli.main({list(arguments)!r})\n"
        "except SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "print('\\n'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("sandbox", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert _loaded_after(*arguments) & HEAVY == set()


def test_lint_imports_no_client_and_no_server() -> None:
    loaded = _loaded_after("lint")

    assert (
        loaded & {"sqlalchemy", "httpx", "requests", "starlette", "uvicorn", "chargebee", "simple_salesforce"} == set()
    )
    assert "yaml" in loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(interpret: Run, name: str) -> None:
    result = interpret(name, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"interpret {name}" in result.stdout.partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands_says_what_the_command_says(name: str) -> None:
    command = import_module(f"fieldwright.commands.{name}").command

    assert command.name == name
    assert command.short_help == COMMANDS[name]
    assert isinstance(command, click.Command)


def _subcommands() -> list[tuple[str, str]]:
    groups = [(name, import_module(f"fieldwright.commands.{name}").command) for name in COMMANDS]
    return [(name, sub) for name, group in groups if isinstance(group, click.Group) for sub in group.commands]


@pytest.mark.parametrize(("name", "sub"), _subcommands())
def test_every_subcommand_has_help_with_an_example(interpret: Run, name: str, sub: str) -> None:
    result = interpret(name, sub, "--help")

    assert result.exit_code == 0
    assert f"interpret {name} {sub}" in result.stdout.partition("Example")[2]


def test_no_command_prints_help(interpret: Run) -> None:
    result = interpret()

    assert (result.exit_code, result.stderr) == (0, "")
    assert "Exit codes" in result.stdout

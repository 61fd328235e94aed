"""Somebody who does what a page says, in a folder of their own.

`interpret` is called in this process (a new one would spend a second on imports for each command), everything else by
the shell, which finds the same `interpret` on its path. No variable of the developer's reaches either.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from click.testing import CliRunner

from fieldwright.cli import cli
from fieldwright.connectors.sandbox.server import Sandbox
from tests.docs.pages import Command, FileStep, ServeStep, Step, differences

_FOREIGN = ("INTERPRET_", "CHARGEBEE", "SALESFORCE", "ACTIVECAMPAIGN", "PRODUCTION_")
_SHELL = set("|&;<>$`*?=")


class Reader:
    """Follows steps; `folder` is where the page starts. A step that does not do what the page says fails the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def follow(self, step: Step) -> None:
        """Do one step and compare."""
        match step:
            case FileStep():
                path = self.folder / step.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text, encoding="utf-8")
            case ServeStep():
                self._open.enter_context(Sandbox.start(self.folder / ".interpret" / "sandbox", customers=25, seed=1))
            case Command():
                output, exit_code = self.run(step.text)
                assert "Traceback" not in output, output
                assert exit_code == step.exit_code, f"line {step.line}: `{step.text}` ended with {exit_code}\n{output}"
                wrong = differences(step.expected, output)
                assert not wrong, f"line {step.line}: `{step.text}`\n{wrong}"

    def run(self, text: str) -> tuple[str, int]:
        """What a command prints (both streams) and its exit code."""
        words = shlex.split(text, comments=True)
        if words[:1] == ["cd"]:
            self.folder = (self.folder / words[1]).resolve()
            return "", 0
        if words[:1] == ["interpret"] and not _SHELL & set(text.partition("#")[0]):
            empty = {name: None for name in os.environ if name.startswith(_FOREIGN)}
            with contextlib.chdir(self.folder):
                result = CliRunner().invoke(cli, words[1:], prog_name="interpret", env=empty)
            return result.output, result.exit_code
        done = subprocess.run(
            ["sh", "-c", text],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout, done.returncode

    @staticmethod
    def _environment() -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}

"""A command line that runs in an empty folder, in this process, without the environment of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldwright.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test."""
    for name in list(os.environ):
        if name.startswith(("INTERPRET_", "CHARGEBEE", "SALESFORCE", "ACTIVECAMPAIGN")):
            monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def interpret(folder: Path) -> Run:
    """Runs `interpret ARGUMENTS`; the result has exit_code, stdout and stderr."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, list(arguments), prog_name="interpret")
        assert "Traceback" not in result.output
        return result

    return run

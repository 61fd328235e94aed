"""The README shows what really happens: its commands run, its output is the output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_lint import WRONG

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def _without_measures(text: str) -> str:
    """Times and calls differ from machine to machine, as does the width of nothing else."""
    return re.sub(r"API calls: .*", "API calls", text).strip()


def test_output_of_the_first_run_is_as_shown(interpret: Run) -> None:
    assert _without_measures(interpret("run").stdout) == _without_measures(_blocks("text")[0])


def test_frame_of_the_mistake_is_as_shown(interpret: Run, folder: Path) -> None:
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\napply: [acme-account]\n")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "acme.map.yaml").write_text(WRONG)

    assert interpret("lint").stdout.startswith(_blocks("text")[1])


def test_commands_of_the_project_work_in_their_order(
    interpret: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in _blocks("console")[1].splitlines():
        command, _, after = line.partition(" && ")
        result = interpret(*command.split()[1:])
        assert result.exit_code == 0, result.output
        if after:
            monkeypatch.chdir(folder / after.removeprefix("cd "))


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    named = re.findall(r"make (\w+)", README)
    assert set(named) >= {"demo", "test"}
    assert [name for name in named if name != "are" and not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)] == []


def test_example_fields_are_those_of_the_shipped_mapping() -> None:
    shipped = (ROOT / "mappings" / "chargebee-salesforce" / "customer-account.map.yaml").read_text(encoding="utf-8")

    assert [line for line in _blocks("yaml")[0].splitlines() if line not in shipped.splitlines()] == []

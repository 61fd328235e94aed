"""`interpret init`: what it writes is right as it is, and right when its example is switched on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run


def _switch_on(folder: Path) -> None:
    """What the printed `sed` line does."""
    for name in ("overlays/customer-segment.overlay.yaml", "schema/custom-fields.yaml"):
        path = folder / name
        path.write_text(re.sub(r"^# ", "", path.read_text(), flags=re.MULTILINE))


def test_new_project_has_no_mistakes(interpret: Run, folder: Path) -> None:
    made = interpret("init")

    assert made.exit_code == 0
    assert interpret("lint", "--strict").exit_code == 0
    assert yaml.safe_load((folder / "interpret.yaml").read_text())["project"] == "work"


def test_example_is_right_when_it_is_switched_on(interpret: Run, folder: Path) -> None:
    interpret("init")
    before = interpret("lint", "--format", "json").stdout
    _switch_on(folder)

    assert json.loads(interpret("lint", "--strict", "--format", "json").stdout) == json.loads(before)
    document = json.loads(interpret("show", "customer-account", "--output", "json").stdout)
    (segment,) = [field for field in document["fields"] if field["field"] == "Segment__c"]
    assert document["overlays"] == ["customer-segment"]
    assert segment["at"].startswith("overlays/customer-segment.overlay.yaml:")


def test_example_is_held_against_the_declared_fields(interpret: Run, folder: Path) -> None:
    interpret("init")
    _switch_on(folder)
    (folder / "schema" / "custom-fields.yaml").write_text("")

    result = interpret("lint", "--format", "concise")

    assert result.exit_code == 1
    assert "cf_segment" in result.stdout


def test_printed_commands_exist(interpret: Run, folder: Path) -> None:
    printed = interpret("init", "new project").stdout

    commands = re.findall(r"^  interpret (\w+)", printed, flags=re.MULTILINE)
    assert commands == ["run", "lint", "plan", "run"]
    assert "cd 'new project'" in printed
    assert re.search(r"sed -i\S* 's/\^# //' (\S+) (\S+)", printed)


@pytest.mark.parametrize(
    ("folder_name", "name"), [("Acme Billing", "acme-billing"), ("42", "my-project"), ("a_b", "a-b")]
)
def test_project_is_named_after_its_folder(interpret: Run, folder_name: str, name: str) -> None:
    assert json.loads(interpret("init", folder_name, "--output", "json").stdout)["project"] == name


def test_nothing_is_overwritten(interpret: Run, folder: Path) -> None:
    (folder / "schema").mkdir()
    (folder / "schema" / "custom-fields.yaml").write_text("mine")

    result = interpret("init")

    assert result.exit_code == 64
    assert "schema/custom-fields.yaml is there already" in result.stderr
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["custom-fields.yaml"]


def test_rules_of_version_control_are_kept(interpret: Run, folder: Path) -> None:
    (folder / ".gitignore").write_text("mine")

    interpret("init")

    assert (folder / ".gitignore").read_text() == "mine\n.interpret/\n.env\n"


def test_folder_that_cannot_be_written_ends_with_69(interpret: Run, folder: Path) -> None:
    (folder / "file").write_text("")

    assert interpret("init", "file/below").exit_code == 69

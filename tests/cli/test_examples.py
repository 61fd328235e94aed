"""The examples are right and do what they are there to show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def acme(folder: Path) -> Path:
    """A copy of the example, so that running it leaves nothing in the repository."""
    shutil.copytree(EXAMPLES / "acme", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".interpret"))
    return folder


def test_example_has_no_mistakes(interpret: Run, acme: Path) -> None:
    assert interpret("lint", "--strict").exit_code == 0


def test_overlay_adds_changes_and_removes(interpret: Run, acme: Path) -> None:
    fields = {
        field["field"]: field
        for field in json.loads(interpret("show", "customer-account", "--output", "json").stdout)["fields"]
    }

    assert fields["Segment__c"]["at"] == "overlays/account.overlay.yaml:7"
    assert fields["Phone"]["write"] == "if_empty"
    assert "chargebeeapps__Locale__c" not in fields


def test_values_arrive_and_the_second_run_is_quiet(interpret: Run, acme: Path) -> None:
    first = json.loads(interpret("run", "--output", "json").stdout)
    second = json.loads(interpret("run", "--output", "json").stdout)

    assert first["run"]["status"] == "completed"
    assert any("CB_SEGMENT" in note for note in first["notes"])
    assert sum(row["created"] + row["updated"] + row["deleted"] for row in second["objects"]) == 0

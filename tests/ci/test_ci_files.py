"""What CI systems run of us, run here: the action's steps, GitLab's job, the hooks' commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldwright.cli import COMMANDS
from fieldwright.project import FOLDERS

ROOT = Path(__file__).parents[2]
INTERPRET = Path(sys.executable).parent / "interpret"
PROJECT = "interpret: 1\nproject: acme\napply: [m]\n"
MAPPING = """\
interpret: 1
mapping: m
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]}
fields:
  Name: customer.company ?? customer.id
  chargebeeapps__CB_Id__c: customer.id
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    (folder / "mappings").mkdir(parents=True)
    (folder / "interpret.yaml").write_text(PROJECT)
    (folder / "mappings" / "m.map.yaml").write_text(MAPPING)
    return folder


def break_it(project: Path) -> None:
    path = project / "mappings" / "m.map.yaml"
    path.write_text(MAPPING.replace("customer.company", "customer.compani"))


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    tools = tmp_path / "runner" / "interpret" / "bin"
    if not tools.exists():
        tools.mkdir(parents=True)
        (tools / "interpret").symlink_to(INTERPRET)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, "RUNNER_TEMP": str(tmp_path / "runner"), "INTERPRET_CACHE": str(tmp_path.parent / "cache"), **more}


def action_step(name: str) -> dict[str, Any]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = (step for step in action["runs"]["steps"] if step.get("name") == name)
    return dict(step)


def run_action(tmp_path: Path, project: Path, **inputs: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and the step's outputs."""
    step = action_step("lint")
    said = tmp_path / "said"
    said.write_text("")
    given = {"PROJECT": str(project), "STRICT": "false", "AGAINST": "", "SARIF": "", **inputs}
    assert set(step["env"]) == set(given)
    # As GitHub runs `shell: bash`.
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env=environment(tmp_path, GITHUB_OUTPUT=str(said), **given),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, said.read_text()


def test_the_action_passes_what_is_right(tmp_path: Path, project: Path) -> None:
    assert run_action(tmp_path, project) == (0, "", "exit-code=0\n")


def test_the_action_annotates_what_is_wrong_and_writes_sarif(tmp_path: Path, project: Path) -> None:
    break_it(project)
    code, shown, said = run_action(tmp_path, project, SARIF="found.sarif")
    assert (code, said) == (1, "exit-code=1\n")
    assert re.search(r"^::error file=.*m\.map\.yaml,line=7,", shown, re.MULTILINE)
    assert json.loads((tmp_path / "found.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "DM101"


def test_the_action_leaves_no_half_report_where_lint_cannot_run(tmp_path: Path, project: Path) -> None:
    code, _, said = run_action(tmp_path, tmp_path / "nowhere", SARIF="found.sarif")
    assert (code, said) == (64, "exit-code=64\n")
    assert not (tmp_path / "found.sarif").exists()


@pytest.mark.parametrize("name", ["AGAINST", "PROJECT", "SARIF"])
def test_inputs_of_the_action_are_never_run(name: str, tmp_path: Path, project: Path) -> None:
    run_action(tmp_path, project, **{name: "$(touch planted); touch planted; `touch planted` --output=planted"})
    assert not (tmp_path / "planted").exists()


def test_scripts_of_the_action_hold_no_expressions() -> None:
    for name in ("install", "lint"):
        assert "${{" not in action_step(name)["run"]


@pytest.mark.parametrize("broken", [False, True])
def test_the_gitlab_job_leaves_a_report(broken: bool, tmp_path: Path, project: Path) -> None:
    if broken:
        break_it(project)
    job = yaml.safe_load((ROOT / "ci" / "gitlab-template.yml").read_text())["interpret-lint"]
    variables = {name: value for name, value in job["variables"].items() if name != "INTERPRET_PACKAGE"}
    where = environment(tmp_path, **variables)
    where["PATH"] = f"{tmp_path}/runner/interpret/bin:{where['PATH']}"
    script = "\n".join(["set -eo pipefail", *job["script"]])
    done = subprocess.run(["bash", "-c", script], cwd=project, env=where, capture_output=True, text=True, check=False)
    assert done.returncode == int(broken)
    report = json.loads((project / job["artifacts"]["reports"]["codequality"]).read_text())
    assert [issue["location"]["path"] for issue in report] == ["mappings/m.map.yaml"] * broken


def hooks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return found


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_hooks_run_commands_that_exist_on_files_of_projects(hook: dict[str, Any]) -> None:
    program, command = hook["entry"].split()[:2]
    assert (program, command in COMMANDS) == ("interpret", True)
    wanted = re.compile(hook["files"])
    for folder in FOLDERS:
        assert wanted.search(f"{folder}/deep/a.map.yaml")
        assert wanted.search(f"some/where/{folder}/a.yml")
    assert wanted.search("interpret.yaml")
    assert not wanted.search("docker-compose.yaml")
    assert not wanted.search(".github/workflows/ci.yaml")

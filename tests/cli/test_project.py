"""Which files make a project, which targets it has, where its state lies; and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fieldwright.connections import connected
from fieldwright.project import find_project
from fieldwright.runtime.errors import ConfigError, StateUnusable
from tests.cli.conftest import Run

PROJECT = """\
interpret: 1
project: acme
apply: [site]
connections:
  chargebee: {env: CHARGEBEE}
  salesforce: {env: SALESFORCE}
targets:
  staging: {}
  production:
    connections: {salesforce: {env: LIVE_SALESFORCE}}
  half: {connections: {chargebee: {sandbox: true}}}
"""


@pytest.fixture
def project(folder: Path) -> Path:
    """A folder with a project file."""
    (folder / "interpret.yaml").write_text(PROJECT)
    return folder


def test_folder_without_project_file_has_the_shipped_mappings_and_the_sandbox(folder: Path) -> None:
    found = find_project()

    assert found.shipped
    assert found.target(None).sandbox
    assert found.state_file(found.target(None)) == folder / ".interpret" / "state" / "sandbox.db"
    assert any(file.path.endswith("customer-account.map.yaml") for file in found.files)


def test_project_is_found_from_a_folder_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "mappings" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert find_project().folder == project


def test_files_of_all_folders_are_read_and_hidden_ones_are_not(project: Path) -> None:
    for name in ("mappings/a.map.yaml", "overlays/deep/b.yaml", "schema/c.yml", "tests/d.yaml"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    for name in ("mappings/.hidden.yaml", "mappings/README.md", "elsewhere.yaml"):
        (project / name).write_text("")

    assert find_project().own == {
        "interpret.yaml", "mappings/a.map.yaml", "overlays/deep/b.yaml", "schema/c.yml", "tests/d.yaml",
    }  # fmt: skip


def test_packs_can_be_chosen(project: Path) -> None:
    (project / "interpret.yaml").write_text(PROJECT + "packs: [chargebee-activecampaign]\n")

    shipped = {file.path for file in find_project().files} - find_project().own

    assert [Path(path).parent.name for path in shipped] == ["chargebee-activecampaign"]


def test_link_out_of_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: x")
    (project / "mappings").mkdir()
    (project / "mappings" / "a.yaml").symlink_to(tmp_path / "secret.yaml")

    with pytest.raises(ConfigError, match=r"mappings/a\.yaml leads out of the project"):
        find_project()


def test_pipe_is_refused_and_does_not_hang(project: Path) -> None:
    (project / "mappings").mkdir()
    os.mkfifo(project / "mappings" / "a.yaml")

    with pytest.raises(ConfigError, match="not a regular file"):
        find_project()


def test_file_over_256_kib_is_a_finding(project: Path, interpret: Run) -> None:
    (project / "mappings").mkdir()
    (project / "mappings" / "a.yaml").write_text("#" * (256 * 1024 + 1))

    result = interpret("lint", "--format", "concise")

    assert result.exit_code == 1
    assert "mappings/a.yaml:1:1: DM002" in result.stdout


def test_production_is_to_be_confirmed_and_staging_is_not(project: Path) -> None:
    found = find_project()

    assert found.target("production").confirm
    assert not found.target("staging").confirm


def test_connections_of_a_target_come_over_those_of_the_project(project: Path) -> None:
    connections = find_project().target("production").connections

    assert connections == {"chargebee": {"env": "CHARGEBEE"}, "salesforce": {"env": "LIVE_SALESFORCE"}}


def test_one_system_of_a_target_can_be_emulated(project: Path) -> None:
    target = find_project().target("half")

    assert target.is_emulated("chargebee")
    assert not target.is_emulated("salesforce")


def test_missing_variables_are_named(project: Path) -> None:
    found = find_project()

    with (
        pytest.raises(ConfigError, match="CHARGEBEE_SITE, CHARGEBEE_API_KEY"),
        connected(found, found.target("staging"), ["chargebee"], {}),
    ):
        pass


def test_system_without_connection_is_explained(project: Path) -> None:
    found = find_project()

    with (
        pytest.raises(ConfigError, match="no connection to activecampaign") as raised,
        connected(found, found.target("staging"), ["activecampaign"], {}),
    ):
        pass
    assert "ACTIVECAMPAIGN_URL, ACTIVECAMPAIGN_API_KEY" in raised.value.fix


def test_private_folder_is_never_committed(folder: Path) -> None:
    find_project().prepare_private()

    assert (folder / ".interpret" / ".gitignore").read_text() == "*\n"
    assert (folder / ".interpret").stat().st_mode & 0o777 == 0o700


def test_private_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / ".interpret").write_text("in the way")

    with pytest.raises(StateUnusable, match=r"\.interpret cannot be written"):
        find_project().prepare_private()


def test_broken_project_ends_a_run_with_78_and_shows_the_place(project: Path, interpret: Run) -> None:
    (project / "interpret.yaml").write_text(PROJECT.replace("apply: [site]", "aply: [site]"))

    result = interpret("run")

    assert result.exit_code == 78
    assert "interpret.yaml:3:1" in result.stderr
    assert "did you mean `apply`?" in result.stderr
    assert not (project / ".interpret").exists()


def test_setting_of_the_wrong_type_is_one_mistake_and_not_also_a_missing_one(project: Path, interpret: Run) -> None:
    (project / "interpret.yaml").write_text(
        "interpret: 1\nproject: acme\nsettings: {opportunity-sync: {stage: 7}}\ntargets: {staging: {}}\n"
    )

    wrong = interpret("lint", "--target", "staging", "--format", "concise").stdout
    (project / "interpret.yaml").write_text("interpret: 1\nproject: acme\ntargets: {staging: {}}\n")
    missing = interpret("lint", "--target", "staging", "--format", "concise").stdout

    assert ("DM508" in wrong, "DM507" in wrong) == (True, False)
    assert "DM507" in missing


def test_missing_credentials_end_a_run_with_78(project: Path, interpret: Run) -> None:
    result = interpret("run", "--target", "staging")

    assert result.exit_code == 78
    assert "CHARGEBEE_SITE" in result.stderr


def test_target_to_be_confirmed_needs_yes_without_a_terminal(project: Path, interpret: Run) -> None:
    result = interpret("run", "--target", "production")

    assert result.exit_code == 64
    assert "--yes" in result.stderr


def test_unreachable_system_ends_a_run_with_69(project: Path, interpret: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 9 of this machine: refused at once, no network.
    (project / "interpret.yaml").write_text(
        PROJECT + "  gone: {connections: {salesforce: {sandbox: true}, chargebee: {sandbox: true}}}\n"
    )
    endpoints = {
        "chargebee": {"url": "http://127.0.0.1:9", "site": "acme-test", "api_key": "key"},
        "salesforce": {"url": "http://127.0.0.1:9", "access_token": "token"},
    }

    from contextlib import nullcontext

    monkeypatch.setattr("fieldwright.connections.sandbox_endpoints", lambda _folder: nullcontext(endpoints))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    result = interpret("run", "--target", "gone", "--output", "json")

    assert result.exit_code == 69
    assert '"status": "aborted"' in result.stdout

"""`interpret lint --fix`, `--diff`, `--select` and their like; `--against` with a real repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fieldwright import remembered
from tests.cli.conftest import Run

PROJECT = "interpret: 1\nproject: acme\napply: [acme-account]\n"
MAPPING = """\
interpret: 1
mapping: acme-account
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key:
  match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]
let:
  spare: customer.id
  town: customer.billing_adress.city   # where they live
fields:
  Name: customer.company ?? customer.id
  BillingCity: town
  Phone: if customer.auto_collection = 'on' && true then customer.phone else null
  chargebeeapps__CB_Id__c: customer.id
"""


@pytest.fixture
def wrong(folder: Path) -> Path:
    """A project with an unknown field, operators of another language and, once these are right, an unused value."""
    (folder / "interpret.yaml").write_text(PROJECT)
    (folder / "mappings").mkdir()
    path = folder / "mappings" / "acme.map.yaml"
    path.write_text(MAPPING)
    return path


def codes(interpret: Run, *arguments: str) -> list[str]:
    printed = interpret("lint", "--format", "json", *arguments).stdout
    return [finding["code"] for finding in json.loads(printed)["diagnostics"]]


def test_fix_makes_what_is_safe_and_shows_what_is_left(interpret: Run, wrong: Path) -> None:
    result = interpret("lint", "--fix", "--format", "concise")

    assert wrong.read_text() == MAPPING.replace("&&", "and").replace(" = 'on'", " == 'on'")
    assert "2 fixes made in 1 file" in result.stderr
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["DM101"]


def test_unsafe_fixes_are_made_on_request_until_nothing_is_left(interpret: Run, wrong: Path) -> None:
    result = interpret("lint", "--fix", "--unsafe")

    assert (result.exit_code, result.stdout.startswith("No mistakes")) == (0, True)
    assert "spare" not in wrong.read_text()
    assert "customer.billing_address.city   # where they live" in wrong.read_text()
    assert interpret("lint", "--strict").exit_code == 0


def test_diff_shows_the_same_and_writes_nothing(interpret: Run, wrong: Path) -> None:
    result = interpret("lint", "--diff", "--unsafe")

    assert (result.exit_code, wrong.read_text()) == (1, MAPPING)
    applied = subprocess.run(["patch", "-p1", "--quiet"], input=result.stdout, text=True, check=False)
    assert applied.returncode == 0
    assert interpret("lint", "--strict").exit_code == 0
    assert interpret("lint", "--diff", "--unsafe").stdout == ""


def test_fixed_files_keep_their_rights_and_line_ends(interpret: Run, wrong: Path) -> None:
    wrong.write_bytes(MAPPING.replace("\n", "\r\n").encode())
    wrong.chmod(0o640)
    interpret("lint", "--fix", "--unsafe")

    assert wrong.read_bytes().count(b"\r\n") == MAPPING.count("\n") - 1 == wrong.read_bytes().count(b"\n")
    assert wrong.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in wrong.parent.iterdir()] == [wrong.name]


def test_only_named_files_are_fixed(interpret: Run, wrong: Path) -> None:
    other = wrong.parent / "other.map.yaml"
    other.write_text(MAPPING.replace("acme-account", "other-account"))
    interpret("lint", "--fix", "mappings/other.map.yaml")

    assert wrong.read_text() == MAPPING
    assert "&&" not in other.read_text()


def test_unsafe_alone_is_wrong_use(interpret: Run, wrong: Path) -> None:
    assert interpret("lint", "--unsafe").exit_code == 64


def test_codes_are_selected_and_ignored_by_their_beginning(interpret: Run, wrong: Path) -> None:
    assert codes(interpret) == ["DM101", "DM105"]
    assert codes(interpret, "--select", "DM101") == ["DM101"]
    assert codes(interpret, "--select", "dm1", "--ignore", "DM105,DM3") == ["DM101"]
    assert codes(interpret, "--ignore", "DM10") == []
    assert interpret("lint", "--ignore", "DM10").exit_code == 0
    assert interpret("lint", "--select", "XX1").exit_code == 64


def test_only_selected_codes_are_fixed(interpret: Run, wrong: Path) -> None:
    interpret("lint", "--fix", "--unsafe", "--select", "DM101")

    assert wrong.read_text() == MAPPING.replace("adress", "address")


def test_severity_is_the_least_that_is_shown(interpret: Run, wrong: Path) -> None:
    wrong.write_text(MAPPING.replace("adress", "address").replace(" = 'on' && true", " == 'on'"))

    assert codes(interpret) == ["DM701"]
    assert codes(interpret, "--severity", "error") == []
    assert "DM801" in codes(interpret, "--severity", "note")
    assert interpret("lint", "--strict").exit_code == 1
    assert interpret("lint", "--strict", "--severity", "error").exit_code == 0


@pytest.mark.parametrize("name", ["sarif", "gitlab", "junit", "github", "concise"])
def test_every_format_names_the_file(name: str, interpret: Run, wrong: Path) -> None:
    result = interpret("lint", "--format", name)

    assert (result.exit_code, "mappings/acme.map.yaml" in result.stdout) == (1, True)


def test_findings_are_remembered_until_anything_changes(
    interpret: Run, wrong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERPRET_CACHE", str(tmp_path / "cache"))
    first = interpret("lint", "--format", "json").stdout
    worked: list[int] = []
    work_out = remembered._work_out
    monkeypatch.setattr(remembered, "_work_out", lambda *given: worked.append(1) or work_out(*given))

    assert interpret("lint", "--format", "json").stdout == first
    assert worked == []
    assert interpret("lint", "--format", "json", "--no-cache").stdout == first
    assert worked == [1]
    wrong.write_text(MAPPING.replace("adress", "address"))
    assert codes(interpret) == ["DM105"]
    assert worked == [1, 1]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(folder: Path, wrong: Path) -> Path:
    """The project without mistakes in a repository, one folder down."""
    wrong.write_text(MAPPING.replace("adress", "address").replace(" = 'on' && true", " == 'on'"))
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return wrong


def test_against_a_revision_shows_what_breaks(interpret: Run, committed: Path) -> None:
    assert codes(interpret, "--against", "HEAD", "--severity", "error") == []
    text = committed.read_text()
    committed.write_text(text.replace("  BillingCity: town\n", ""))

    assert codes(interpret, "--against", "HEAD", "--severity", "error") == ["DM651"]
    assert interpret("lint", "--against", "HEAD").exit_code == 1
    committed.write_text(text.replace("  BillingCity: town\n", "").replace("account\n", "account\nversion: 2\n", 1))
    assert codes(interpret, "--against", "HEAD", "--severity", "error") == []


def test_against_works_from_a_folder_of_the_repository(
    interpret: Run, committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed.rename(committed.with_name("renamed.map.yaml"))
    monkeypatch.chdir(committed.parent)
    assert codes(interpret, "--against", "main", "--severity", "error") == []
    committed.with_name("renamed.map.yaml").unlink()
    assert "DM650" in codes(interpret, "--against", "main", "--severity", "error")


@pytest.mark.parametrize("revision", ["nowhere", "--output=planted", "HEAD:interpret.yaml", ""])
def test_a_revision_that_is_none_is_wrong_use(revision: str, interpret: Run, committed: Path, folder: Path) -> None:
    assert interpret("lint", f"--against={revision}").exit_code == 64
    assert not (folder / "planted").exists()


def test_against_without_a_repository_is_wrong_use(interpret: Run, wrong: Path) -> None:
    assert interpret("lint", "--against", "HEAD").exit_code == 64


def test_no_filter_of_the_repository_runs(interpret: Run, committed: Path, folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.yaml filter=evil diff=evil\n")
    for name in ("filter.evil.smudge", "diff.evil.textconv", "core.fsmonitor"):
        git(folder, "config", name, f"touch {folder}/planted; cat")

    assert interpret("lint", "--against", "HEAD", "--severity", "error").exit_code == 0
    assert not (folder / "planted").exists()

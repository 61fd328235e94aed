"""`interpret fmt` and `interpret migrate`: which files are written, how, and how the commands end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fieldwright.dsl.migrations import codemods
from fieldwright.dsl.migrations.codemods import Codemod, renamed_key
from fieldwright.dsl.source import SourceFile
from fieldwright.rewriting import Rewritten
from fieldwright.runtime.errors import ConfigError
from tests.cli.conftest import Run

UNTIDY = "mapping: acme\ninterpret: 1 # format\nfields: {A:   a??b}\n"
TIDY = "interpret: 1  # format\nmapping: acme\nfields: {A: 'a ?? b'}\n"
BROKEN = "interpret: 1\nfields: {A: [\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with an untidy file."""
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\n")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "acme.map.yaml").write_text(UNTIDY)
    return folder / "mappings" / "acme.map.yaml"


def test_files_of_the_project_are_rewritten_and_named(interpret: Run, project: Path) -> None:
    first = interpret("fmt")
    second = interpret("fmt")

    assert (first.exit_code, first.stdout) == (0, "mappings/acme.map.yaml\n")
    assert first.stderr == "1 file rewritten, 1 file as it should be.\n"
    assert project.read_text() == TIDY
    assert (second.exit_code, second.stdout, second.stderr) == (0, "", "2 files as they should be.\n")


def test_check_names_files_and_writes_nothing(interpret: Run, project: Path) -> None:
    result = interpret("fmt", "--check")

    assert (result.exit_code, result.stdout, project.read_text()) == (1, "mappings/acme.map.yaml\n", UNTIDY)
    project.write_text(TIDY)
    assert interpret("fmt", "--check").exit_code == 0


def test_diff_shows_the_change_and_writes_nothing(interpret: Run, project: Path) -> None:
    result = interpret("fmt", "--diff", str(project))

    assert (result.exit_code, project.read_text()) == (1, UNTIDY)
    assert result.stdout.splitlines()[:2] == ["--- a/mappings/acme.map.yaml", "+++ b/mappings/acme.map.yaml"]
    assert "+interpret: 1  # format" in result.stdout


def test_a_file_that_is_no_yaml_is_left_alone_and_the_others_are_not(interpret: Run, project: Path) -> None:
    broken = project.parent / "broken.yaml"
    broken.write_text(BROKEN)

    result = interpret("fmt")

    assert result.exit_code == 1
    assert "error[DM001]" in result.stderr
    assert "mappings/broken.yaml:" in result.stderr
    assert result.stderr.endswith("1 file rewritten, 1 file as it should be, 1 file left alone.\n")
    assert (broken.read_text(), project.read_text()) == (BROKEN, TIDY)


def test_the_rights_of_a_file_stay_and_nothing_is_left_behind(interpret: Run, project: Path) -> None:
    project.chmod(0o640)

    interpret("fmt")

    assert project.stat().st_mode & 0o777 == 0o640
    assert os.listdir(project.parent) == ["acme.map.yaml"]


def test_links_are_not_followed(interpret: Run, project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(UNTIDY)
    link = project.parent / "link.yaml"
    link.symlink_to(outside)

    in_folder = interpret("fmt", str(project.parent))
    by_name = interpret("fmt", str(link))

    assert (in_folder.exit_code, by_name.exit_code) == (0, 64)
    assert (outside.read_text(), link.is_symlink()) == (UNTIDY, True)
    assert "is a link" in by_name.stderr


def test_bytes_that_are_no_text_are_left_alone(interpret: Run, project: Path) -> None:
    project.write_bytes(b"title: \xff\n")

    result = interpret("fmt", str(project))

    assert (result.exit_code, project.read_bytes()) == (1, b"title: \xff\n")
    assert "DM007" in result.stderr


def test_without_a_project_files_are_named(interpret: Run, folder: Path) -> None:
    result = interpret("fmt")

    assert result.exit_code == 64
    assert "there is no project here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "given", "code", "printed"),
    [
        ((), UNTIDY, 0, TIDY),
        ((), TIDY.replace("\n", "\r\n"), 0, TIDY.replace("\n", "\r\n")),
        ((), BROKEN, 1, BROKEN),
        (("--check",), UNTIDY, 1, ""),
        (("--check",), TIDY, 0, ""),
    ],
)
def test_the_standard_input_is_for_editors(
    folder: Path, arguments: tuple[str, ...], given: str, code: int, printed: str
) -> None:
    command = [sys.executable, "-m", "fieldwright", "fmt", "-", *arguments]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)

    assert (done.returncode, done.stdout.decode()) == (code, printed)
    assert ("DM001" in done.stderr.decode()) == (given == BROKEN)


def test_what_is_shipped_and_what_init_writes_is_written_the_one_way(interpret: Run, folder: Path) -> None:
    interpret("init", "mine")
    root = Path(__file__).parents[2]

    result = interpret("fmt", "--check", "mine", str(root / "mappings"), str(root / "examples"))

    assert (result.exit_code, result.stdout) == (0, "")


def test_a_file_that_was_changed_meanwhile_is_left_alone(folder: Path) -> None:
    path = folder / "a.yaml"
    path.write_text(UNTIDY)
    read = Rewritten(path, SourceFile("a.yaml", UNTIDY), TIDY, ())
    path.write_text("interpret: 1\n")

    with pytest.raises(ConfigError, match=r"a\.yaml was changed meanwhile"):
        read.write()

    assert path.read_text() == "interpret: 1\n"


@pytest.mark.parametrize("name", ["fmt", "migrate"])
def test_json_follows_its_schema(interpret: Run, project: Path, name: str) -> None:
    (project.parent / "broken.yaml").write_text(BROKEN)
    schema = json.loads((files("fieldwright.documents") / "fmt.schema.json").read_text(encoding="utf-8"))

    document = json.loads(interpret(name, "--check", "--output", "json").stdout)

    Draft202012Validator(schema).validate(document)
    assert [one["code"] for one in document["diagnostics"]] == ["DM001"]
    assert {one["file"]: (one["changed"], one["read"]) for one in document["files"]} == {
        "interpret.yaml": (False, True),
        "mappings/acme.map.yaml": (name == "fmt", True),
        "mappings/broken.yaml": (False, False),
    }


def test_there_is_nothing_to_migrate_in_the_newest_format(interpret: Run, project: Path) -> None:
    result = interpret("migrate")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "2 files as they should be.\n")


def test_an_unknown_format_is_not_migrated(interpret: Run, project: Path) -> None:
    project.write_text("interpret: 7\nmapping: acme\n")

    result = interpret("migrate")

    assert result.exit_code == 1
    assert "error[DM015]" in result.stderr
    assert "mappings/acme.map.yaml:1:12" in result.stderr


def test_an_older_format_is_migrated(interpret: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Codemod(1, "fields is called writes", lambda root: renamed_key(root, "fields", "writes"))
    monkeypatch.setattr(codemods, "CODEMODS", (step,))

    checked = interpret("migrate", "--check", str(project))
    done = interpret("migrate", str(project))

    assert (checked.exit_code, done.exit_code) == (1, 0)
    assert project.read_text() == "mapping: acme\ninterpret: 2 # format\nwrites: {A:   a??b}\n"

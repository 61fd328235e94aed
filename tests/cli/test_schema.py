"""`interpret schema`: the schema that lint uses, and the modelines that lead an editor to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry

from fieldwright.dsl.structure import schema
from tests.cli.conftest import Run


def test_schema_is_the_one_that_lint_uses(interpret: Run) -> None:
    printed = json.loads(interpret("schema").stdout)

    assert printed == schema()
    Draft202012Validator.check_schema(printed)


def test_schema_is_written_into_the_project(interpret: Run, folder: Path) -> None:
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: p\n")

    assert interpret("schema", "--write").exit_code == 0
    assert json.loads((folder / "schema" / "mapping.schema.json").read_text()) == schema()


def test_schema_is_written_where_asked(interpret: Run, folder: Path) -> None:
    result = interpret("schema", "--write", "there/it.json", "--output", "json")

    assert json.loads(result.stdout) == {"version": 1, "file": "there/it.json"}
    assert json.loads((folder / "there" / "it.json").read_text()) == schema()


def test_a_file_without_write_is_wrong_use(interpret: Run, folder: Path) -> None:
    assert interpret("schema", "it.json").exit_code == 64
    assert not (folder / "it.json").exists()


def test_without_a_project_a_file_must_be_named(interpret: Run) -> None:
    assert interpret("schema", "--write").exit_code == 64


def test_every_modeline_of_a_new_project_leads_to_the_schema(interpret: Run, folder: Path) -> None:
    interpret("init")
    for path in (folder / "overlays" / "customer-segment.overlay.yaml", folder / "schema" / "custom-fields.yaml"):
        path.write_text(re.sub(r"^# ", "", path.read_text(), flags=re.MULTILINE))
    modelines = {
        path: re.findall(r"^# yaml-language-server: \$schema=(\S+)$", path.read_text(), flags=re.MULTILINE)
        for path in folder.rglob("*.yaml")
    }

    assert len(modelines) == 3
    for path, found in modelines.items():
        assert [json.loads((path.parent / one).read_text()) for one in found] == [schema()]
    assert interpret("lint", "--strict").exit_code == 0


def test_schema_of_the_project_accepts_its_files_and_refuses_a_wrong_key(interpret: Run, folder: Path) -> None:
    import yaml

    interpret("init")
    document = yaml.safe_load((folder / "interpret.yaml").read_text())
    text = (folder / "schema" / "mapping.schema.json").read_text()
    validator = Draft202012Validator(json.loads(text), registry=Registry())

    assert list(validator.iter_errors(document)) == []
    assert list(validator.iter_errors({**document, "targts": {}})) != []

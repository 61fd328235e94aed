"""`interpret show --effective` and `--unmapped`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.format.effective import effective_text
from fieldwright.dsl.format.formatter import format_file
from fieldwright.dsl.pipeline import Result, check_project, load
from fieldwright.dsl.source import SourceFile
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]

BASE = """\
interpret: 1
mapping: account
version: 1
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]}
fields:
  Name: customer.company ?? customer.id
  Phone: {value: customer.phone, on_null: clear}
  Fax: customer.phone
  chargebeeapps__CB_Id__c: customer.id
"""
OVERLAY = """\
interpret: 1
overlay: ours
extends: account@1
change:
  fields: {Phone: {write: if_empty}}
add:
  fields:
    Website: >-
      customer.email
remove: {fields: [Fax]}
"""


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with a mapping and an overlay."""
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\npacks: []\n")
    for name, text in (("mappings/a.yaml", BASE), ("overlays/ours.yaml", OVERLAY)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_effective_is_the_merged_file_with_the_place_of_each_line(interpret: Run, project: Path) -> None:
    result = interpret("show", "account", "--effective")

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
interpret: 1  # mappings/a.yaml:1
mapping: account  # mappings/a.yaml:2
version: 1  # mappings/a.yaml:3
from: {object: chargebee.customer, as: customer}  # mappings/a.yaml:4
to: salesforce.Account  # mappings/a.yaml:5
key: {match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]}  # mappings/a.yaml:6
fields:
  Name: customer.company ?? customer.id  # mappings/a.yaml:8
  Phone: {value: customer.phone, on_null: clear, write: if_empty}  # overlays/ours.yaml:5
  chargebeeapps__CB_Id__c: customer.id  # mappings/a.yaml:11
  Website: customer.email  # overlays/ours.yaml:8
""".replace("on_null: clear, write: if_empty", "write: if_empty, on_null: clear")
    )


def test_the_merged_file_means_what_mapping_and_overlays_mean_together() -> None:
    folders = ("mappings", "examples")
    files = [
        SourceFile(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.yaml"))
        if "default.project" not in path.name and path.name != "interpret.yaml"
    ]
    before = _check(files)
    merged = [SourceFile(f"{name}.yaml", effective_text(one.document)) for name, one in before.mappings.items()]
    rest = [file for file in files if not any(word in file.text for word in ("\nmapping:", "\noverlay:"))]

    after = _check([*merged, *rest])

    assert len(before.programs) > 10
    assert {name: (one.source_text, one.keys, one.used) for name, one in after.programs.items()} == {
        name: (one.source_text, one.keys, one.used) for name, one in before.programs.items()
    }
    assert all(format_file(file).text == file.text for file in merged)


def _check(files: list[SourceFile]) -> Result:
    project = SourceFile(
        "interpret.yaml", "interpret: 1\nproject: x\nsettings: {opportunity-sync: {stage: Closed Won}}\n"
    )
    return check_project(load([project, *files]), shipped_schemas())


def test_unmapped_lists_both_directions(interpret: Run, project: Path) -> None:
    document: dict[str, Any] = json.loads(interpret("show", "account", "--unmapped", "--output", "json").stdout)

    (target,) = document["targets"]
    (source,) = document["sources"]
    targets = {one["field"]: one for one in target["fields"]}
    sources = {one["field"]: one for one in source["fields"]}
    assert (target["object"], source["object"]) == ("salesforce.Account", "chargebee.customer")
    assert {"Fax", "Industry"} <= targets.keys()
    assert targets.keys() & {"Name", "Phone", "Website", "chargebeeapps__CB_Id__c"} == set()
    # Nobody can write these.
    assert targets.keys() & {"Id", "CreatedDate", "IsDeleted"} == set()
    assert {"first_name", "vat_number"} <= sources.keys()
    assert sources.keys() & {"company", "id", "phone", "email"} == set()


def test_unmapped_says_who_else_takes_a_field(interpret: Run, project: Path) -> None:
    other = BASE.replace("mapping: account", "mapping: other").replace("Fax: customer.phone", "Rating: customer.locale")
    (project / "mappings" / "other.yaml").write_text(other)

    lines = interpret("show", "account", "--unmapped").stdout.splitlines()

    assert [line.split(", ")[-1] for line in lines if line.startswith("  Rating ")] == ["written by other"]
    assert [line.split(", ")[-1] for line in lines if line.startswith("  locale ")] == ["read by other"]
    assert not any("Industry" in line and "by other" in line for line in lines)


def test_child_rows_count_with_their_parent(interpret: Run, folder: Path) -> None:
    document = json.loads(interpret("show", "invoice", "--unmapped", "--output", "json").stdout)

    rows = {one["object"]: {each["field"] for each in one["fields"]} for one in document["targets"]}
    assert rows.keys() == {
        "salesforce.chargebeeapps__CB_Invoice__c",
        "salesforce.chargebeeapps__CB_Invoice_Line_Item__c",
    }
    assert "chargebeeapps__CB_Invoice__c" not in rows["salesforce.chargebeeapps__CB_Invoice_Line_Item__c"]


def test_a_mapping_with_mistakes_is_refused_rather_than_called_unread(interpret: Run, project: Path) -> None:
    (project / "mappings" / "a.yaml").write_text(BASE.replace("customer.company ??", "customer.compny ??"))

    result = interpret("show", "account", "--unmapped")

    assert result.exit_code == 78
    assert "compny" in result.stderr


@pytest.mark.parametrize("arguments", [("--effective",), ("account", "--effective", "--unmapped")])
def test_prints_that_do_not_go_together_are_refused(interpret: Run, project: Path, arguments: tuple[str, ...]) -> None:
    assert interpret("show", *arguments).exit_code == 64

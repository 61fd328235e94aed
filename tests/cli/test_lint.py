"""`interpret lint`: what is checked, how it is printed, how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run

WRONG = """\
interpret: 1
mapping: acme-account
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key:
  match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]
fields:
  Name: customer.company ?? customer.id
  BillingCity: customer.billing_adress.city
  chargebeeapps__CB_Id__c: customer.id
"""


@pytest.fixture
def wrong(folder: Path) -> Path:
    """A project with one mistake."""
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\napply: [acme-account]\n")
    (folder / "mappings").mkdir()
    path = folder / "mappings" / "acme.map.yaml"
    path.write_text(WRONG)
    return path


def test_shipped_mappings_have_no_mistakes(interpret: Run) -> None:
    result = interpret("lint")

    assert (result.exit_code, result.stdout.startswith("No mistakes in ")) == (0, True)


def test_text_shows_the_place_with_a_caret(interpret: Run, wrong: Path) -> None:
    result = interpret("lint")

    assert result.exit_code == 1
    assert "mappings/acme.map.yaml:9:25" in result.stdout
    assert "^^^^^^^^^^^^^^ did you mean `billing_address`?" in result.stdout
    assert "1 error in " in result.stdout


def test_concise_is_one_line_a_finding(interpret: Run, wrong: Path) -> None:
    lines = interpret("lint", "--format", "concise").stdout.splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("mappings/acme.map.yaml:9:25: DM")


def test_github_is_one_annotation_a_finding(interpret: Run, wrong: Path) -> None:
    lines = interpret("lint", "--format", "github").stdout.splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("::error file=mappings/acme.map.yaml,line=9,col=25,")


def test_json_is_the_same_by_format_and_output(interpret: Run, wrong: Path) -> None:
    one = interpret("lint", "--format", "json")
    other = interpret("lint", "--output", "json")

    assert one.stdout == other.stdout
    document = json.loads(one.stdout)
    (finding,) = document["diagnostics"]
    assert (document["version"], finding["line"], finding["column"], finding["end_column"]) == (1, 9, 25, 39)
    assert finding["severity"] == "error"


def test_file_of_a_project_is_checked_within_it(interpret: Run, wrong: Path) -> None:
    (wrong.parent / "other.map.yaml").write_text(WRONG.replace("acme-account", "other-account"))

    document = json.loads(interpret("lint", "mappings/acme.map.yaml", "--format", "json").stdout)

    assert document["files"] == 1
    assert [found["file"] for found in document["diagnostics"]] == ["mappings/acme.map.yaml"]


def test_file_of_another_project_is_checked_within_that(
    interpret: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpret("init", "acme")
    (folder / "acme" / "tables").mkdir()
    (folder / "acme" / "tables" / "t.yaml").write_text(
        "interpret: 1\ntables: acme-tables\ndefine: {colour: {key: string, value: string, rows: {r: Red}}}\n"
    )
    overlay = folder / "acme" / "overlays" / "o.yaml"
    overlay.write_text(
        "interpret: 1\noverlay: o\nextends: customer-account@1\nuse: [acme-tables]\n"
        "add: {fields: {Fax: {value: customer.phone, table: colour, else: null}}}\n"
    )
    within = interpret("lint", "acme/overlays/o.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    from_afar = interpret("lint", str(overlay))

    assert (within.exit_code, within.stdout) == (0, "No mistakes in 1 file.\n")
    assert (from_afar.exit_code, from_afar.stdout) == (0, "No mistakes in 1 file.\n")


def test_file_outside_any_project_is_checked_against_the_shipped_schemas(interpret: Run, folder: Path) -> None:
    (folder / "alone.yaml").write_text(WRONG)

    result = interpret("lint", "alone.yaml", "--format", "concise")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("alone.yaml:9:25: DM")
    assert len(result.stdout.splitlines()) == 1


def test_right_file_outside_any_project_ends_with_0(interpret: Run, folder: Path) -> None:
    (folder / "alone.yaml").write_text(WRONG.replace("adress", "address"))

    assert interpret("lint", "alone.yaml").exit_code == 0


def test_folder_stands_for_all_yaml_files_below(interpret: Run, wrong: Path) -> None:
    assert json.loads(interpret("lint", "mappings", "--format", "json").stdout)["files"] == 1
    (wrong.parent / "empty").mkdir()
    assert interpret("lint", "mappings/empty").exit_code == 64


def test_yaml_that_cannot_be_read_is_a_finding(interpret: Run, folder: Path) -> None:
    (folder / "bad.yaml").write_bytes(b"a: \xff\n")
    (folder / "deep.yaml").write_text("[" * 100_000)

    result = interpret("lint", "bad.yaml", "deep.yaml", "--format", "concise")

    assert result.exit_code == 1
    assert {line.split(":")[0] for line in result.stdout.splitlines()} == {"bad.yaml", "deep.yaml"}


def test_rule_page_explains_every_code_that_lint_prints(interpret: Run, wrong: Path) -> None:
    (finding,) = json.loads(interpret("lint", "--format", "json").stdout)["diagnostics"]

    page = interpret("rule", finding["code"].lower())

    assert page.exit_code == 0
    assert page.stdout.startswith(finding["code"])
    assert finding["code"] in interpret("rule").stdout


def test_every_code_of_the_sources_has_a_page_and_no_page_is_without_code() -> None:
    from fieldwright.commands.rule import all_codes

    root = Path(__file__).parents[2]
    sources = [path for ring in ("dsl", "runtime") for path in (root / ring).rglob("*.py") if "codes" not in path.stem]
    used = {code for path in sources for code in re.findall(r'"((?:DM|RT)\d{3})"', path.read_text(encoding="utf-8"))}

    assert used - all_codes().keys() == set()
    assert {code for code in all_codes() if code.startswith("RT2")} <= used


def test_code_of_a_run_has_a_page_and_that_of_a_vendor_is_told_apart(interpret: Run) -> None:
    assert interpret("rule", "RT201").stdout.startswith("RT201 (error): Waits for another record")
    assert "those of the target" in interpret("rule", "STRING_TOO_LONG").stderr


def test_show_prints_fields_with_their_origin(interpret: Run, folder: Path) -> None:
    text = interpret("show", "customer-account", "--effective").stdout
    document = json.loads(interpret("show", "customer-account", "--output", "json").stdout)

    assert "BillingCity" in text
    assert "customer-account.map.yaml:" in text
    fields = {field["field"]: field for field in document["fields"]}
    assert fields["BillingCity"]["value"] == "customer.billing_address.city"
    assert fields["chargebeeapps__CB_Id__c"]["write"] == "create_only"


def test_show_without_name_lists_the_mappings(interpret: Run) -> None:
    listed = json.loads(interpret("show", "--output", "json").stdout)["mappings"]

    assert {row["mapping"] for row in listed} >= {"customer-account", "invoice", "activecampaign-contact"}
    assert all(row["applied"] for row in listed)

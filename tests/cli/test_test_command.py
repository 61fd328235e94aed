"""`interpret test`: the shipped mappings pass their tests, and a wrong mapping or a wrong test is told apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import Run

PROJECT = """\
interpret: 1
project: acme
apply: [acme-account]
packs: [chargebee-activecampaign]
"""

MAPPING = """\
interpret: 1
mapping: acme-account
version: 1
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]}
settings:
  loud: {type: bool, default: false, doc: Shout}
fields:
  Name: if settings.loud then upper(customer.company ?? customer.id) else customer.company ?? customer.id
  Phone: {value: customer.phone, on_null: clear}
  chargebeeapps__Auto_Collection__c: {value: customer.auto_collection, map: {on: 'On', off: 'Off'}}
  chargebeeapps__CB_Id__c: customer.id
"""

TEST = """\
interpret: 1
test: acme-account
cases:
  - case: the company is the name
    given: {customer: {id: cb_1, company: Acme, phone: '1', auto_collection: 'on'}}
    expect:
      op: create
      fields:
        Name: Acme
        Phone: '1'
        chargebeeapps__Auto_Collection__c: 'On'
        chargebeeapps__CB_Id__c: cb_1
"""


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with one mapping and one test that passes."""
    for name, text in {
        "interpret.yaml": PROJECT,
        "mappings/acme.map.yaml": MAPPING,
        "tests/acme.test.yaml": TEST,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _case(project: Path, given: str, expect: str, *, settings: str = "{}") -> None:
    """Replace the test by one case in flow style."""
    _cases(project, [(given, expect)], settings)


def _cases(project: Path, cases: Sequence[tuple[str, str]], settings: str = "{}") -> None:
    """Replace the test by cases in flow style, four lines each from line 4 on."""
    lines = ["interpret: 1", "test: acme-account", "cases:"]
    for number, (given, expect) in enumerate(cases):
        lines += [f"  - case: probe {number}", f"    settings: {settings}", f"    given: {given}"]
        lines += [f"    expect: {expect}"]
    (project / "tests" / "acme.test.yaml").write_text("\n".join(lines) + "\n")


def test_shipped_mappings_pass_and_every_field_row_rule_and_setting_is_reached(interpret: Run) -> None:
    result = interpret("test", "--output", "json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["failed"]) == (0, 0)
    assert document["passed"] > 90
    assert [item for part in document["coverage"].values() for item in part["missing"]] == []
    assert list(document["coverage"]) == ["fields", "table_rows", "rules", "settings"]
    assert all(part["total"] for part in document["coverage"].values())


def test_no_shipped_mapping_is_noted_as_untested(interpret: Run) -> None:
    assert "DM801" not in interpret("lint", "--notes").stdout


def test_a_project_runs_its_own_tests_and_no_shipped_ones(interpret: Run, project: Path) -> None:
    document = json.loads(interpret("test", "--output", "json").stdout)

    assert [case["test"] for case in document["cases"]] == ["acme-account"]


DIFFERENCES = [
    ("{customer: {id: a, company: B}}", "{fields: {Name: C}}", "Name", "'C'", "'B'"),
    ("{customer: {id: a}}", "{fields: {Phone: '1'}}", "Phone", "'1'", "(not written)"),
    ("{customer: {id: a, phone: '1'}}", "{absent: [Phone]}", "Phone", "(not written)", "'1'"),
    ("{customer: {id: a, phone: '1'}}", "{cleared: [Phone]}", "Phone", "null", "'1'"),
    ("{customer: {id: a}}", "{writes: [Name]}", "chargebeeapps__CB_Id__c", "(not written)", "'a'"),
    ("{customer: {id: a}}", "{op: update}", "op", "'update'", "'create'"),
    ("{customer: {id: a}, target: {Name: a}}", "{op: create}", "op", "'create'", "'nothing'"),
    ("{customer: {id: a}}", "{error: RT106}", "error", "RT106", "no error, but create"),
    ("{customer: {id: a}}", "{included: false}", "included", "false", "true"),
    ("{customer: {id: a}}", "{golden: golden/x.yaml}", "golden", "golden/x.yaml", "no such file"),
]


def test_a_difference_is_shown_field_by_field(interpret: Run, project: Path) -> None:
    _cases(project, [(given, expect) for given, expect, *_ in DIFFERENCES])

    result = interpret("test", "--output", "json")
    cases = json.loads(result.stdout)["cases"]

    assert result.exit_code == 1
    for number, (_, _, field, expected, actual) in enumerate(DIFFERENCES):
        found = {one["field"]: one for one in cases[number]["differences"]}[field]
        assert (found["expected"], found["actual"][: len(actual)]) == (expected, actual)
        assert found["at"] in (f"tests/acme.test.yaml:{7 + 4 * number}", f"tests/acme.test.yaml:{4 + 4 * number}")


def test_a_failure_names_the_line_that_expected_and_the_line_that_made_the_value(interpret: Run, project: Path) -> None:
    test = project / "tests" / "acme.test.yaml"
    test.write_text(TEST.replace("Name: Acme\n", "Name: Acme GmbH\n"))

    result = interpret("test")

    assert result.exit_code == 1
    assert "FAIL  acme-account: the company is the name\n  --> tests/acme.test.yaml:4\n" in result.stdout
    expected, got = (line for line in result.stdout.splitlines() if line.startswith(("     - ", "     + ")))
    assert ("- expected  'Acme GmbH'" in expected, expected.endswith("# tests/acme.test.yaml:9")) == (True, True)
    assert ("+ got       'Acme'" in got, got.endswith("# mappings/acme.map.yaml:10")) == (True, True)
    assert "0 cases passed, 1 failed." in result.stdout


def test_an_error_that_nobody_expected_fails_with_its_reason(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a, auto_collection: sometimes}}", "{op: create}")

    result = interpret("test")

    assert result.exit_code == 1
    assert "RT106 at chargebeeapps__Auto_Collection__c" in result.stdout
    assert "mappings/acme.map.yaml:12" in result.stdout


SLIPS = [
    ("{custmer: {id: a}}", "{op: create}", "DM804", "did you mean `customer`?"),
    ("{customer: {id: a, compny: B}}", "{op: create}", "DM804", "did you mean `company`?"),
    ("{customer: {id: a}}", "{fields: {Nmae: B}}", "DM804", "did you mean `Name`?"),
    ("{customer: {id: a}}", "{absent: [Phon]}", "DM804", "did you mean `Phone`?"),
    ("{customer: {id: a}}", "{cleared: [Phon]}", "DM804", "did you mean `Phone`?"),
    ("{customer: {id: a}}", "{children: {lines: 1}}", "DM804", "has no set"),
    ("{customer: {id: a}}", "{rule: first}", "DM804", "There is no rule"),
    ("{customer: {id: a}, target: {Nam: B}}", "{op: create}", "DM804", "did you mean `Name`?"),
    ("{customer: {id: a, created_at: yesterday}}", "{op: create}", "DM805", "no moment"),
    ("{customer: [a]}", "{op: create}", "DM805", "expected one record"),
]


def test_slips_in_a_test_are_findings_at_their_places(interpret: Run, project: Path) -> None:
    _cases(project, [(given, expect) for given, expect, *_ in SLIPS])

    linted, tested = interpret("lint", "--output", "json"), interpret("test")
    found = json.loads(linted.stdout)["diagnostics"]

    assert (linted.exit_code, tested.exit_code) == (1, 78)
    assert len(found) == len(SLIPS)
    for number, (given, _, code, word) in enumerate(SLIPS):
        line = (6 if given != "{customer: {id: a}}" else 7) + 4 * number
        one = next(one for one in found if one["line"] == line)
        assert one["code"] == code
        assert word in json.dumps(one, ensure_ascii=False)


def test_settings_of_a_case_are_checked_and_used(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a, company: Acme}}", "{fields: {Name: ACME}}", settings="{loud: true}")
    assert interpret("test").exit_code == 0

    _case(project, "{customer: {id: a}}", "{op: create}", settings="{loud: very}")
    assert "error[DM805]" in interpret("lint").stdout

    _case(project, "{customer: {id: a}}", "{op: create}", settings="{lowd: true}")
    assert "did you mean `loud`?" in interpret("lint").stdout


def test_a_slip_in_a_test_does_not_stop_a_run(interpret: Run, project: Path) -> None:
    _case(project, "{custmer: {id: a}}", "{op: create}")

    assert interpret("plan").exit_code == 0


def test_two_cases_with_one_name_are_a_finding(interpret: Run, project: Path) -> None:
    cases = "\n".join(TEST.splitlines()[3:])
    (project / "tests" / "acme.test.yaml").write_text(TEST + cases + "\n")

    assert "error[DM806]" in interpret("lint").stdout


def test_what_no_case_reached_is_listed(interpret: Run, project: Path) -> None:
    result = interpret("test", "--coverage")

    assert "Reached: 4 of 4 fields, 1 of 2 table rows, 1 of 2 settings values." in result.stdout
    assert "acme-account  chargebeeapps__Auto_Collection__c: 'off'  # mappings/acme.map.yaml:12" in result.stdout
    assert "acme-account  loud: true  # mappings/acme.map.yaml:8" in result.stdout


def test_a_field_that_is_computed_but_not_judged_is_not_reached(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a, auto_collection: 'on'}}", "{op: create}")

    coverage = json.loads(interpret("test", "--output", "json").stdout)["coverage"]

    assert (coverage["fields"]["reached"], coverage["table_rows"]["reached"]) == (0, 0)


def test_a_golden_file_is_written_then_held_against_everything_that_comes_out(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a, company: 'A: #1', auto_collection: 'on'}}", "{golden: golden/a.yaml}")

    written = interpret("test", "--update-golden")
    again = interpret("test")
    mapping = project / "mappings" / "acme.map.yaml"
    mapping.write_text(MAPPING + "  BillingCity: customer.company\n")
    more = interpret("test")

    assert (written.exit_code, again.exit_code, more.exit_code) == (0, 0, 1)
    assert "Wrote tests/golden/a.yaml." in written.stdout
    assert "fields.BillingCity" in more.stdout
    assert "tests/golden/a.yaml" in more.stdout


def test_golden_files_are_no_documents(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a}}", "{golden: golden/a.yaml}")
    interpret("test", "--update-golden")

    assert interpret("lint").exit_code == 0


@pytest.mark.parametrize("named", ["../interpret.yaml", "golden/../../x.yaml"])
def test_golden_files_and_fixtures_stay_below_their_test(interpret: Run, project: Path, named: str) -> None:
    before = (project / "interpret.yaml").read_text()
    _case(project, "{customer: {id: a}}", f"{{golden: {named}}}")
    golden = interpret("test", "--update-golden")
    _case(project, f"{{fixture: {named}}}", "{op: create}")
    fixture = interpret("test")

    assert (golden.exit_code, fixture.exit_code) == (78, 78)
    assert "leads out of the folder of its test" in golden.stderr
    assert (project / "interpret.yaml").read_text() == before
    assert not (project / "x.yaml").exists()


def test_a_fixture_is_a_record_in_a_file_and_the_case_may_change_parts_of_it(interpret: Run, project: Path) -> None:
    fixtures = project / "tests" / "fixtures"
    fixtures.mkdir()
    (fixtures / "a.json").write_text('{"customer": {"id": "a", "company": "Acme"}, "target": {"Name": "Acme"}}')
    _case(project, "{fixture: fixtures/a.json, target: null}", "{op: create, fields: {Name: Acme}}")

    assert interpret("test").exit_code == 0


def test_cases_are_picked_by_name_by_file_and_by_the_file_of_their_mapping(interpret: Run, project: Path) -> None:
    (project / "tests" / "acme.test.yaml").write_text(
        TEST + "  - case: another\n    given: {customer: {id: b}}\n    expect: {op: create}\n"
    )

    assert "1 case passed." in interpret("test", "-k", "ANOTHER").stdout
    assert "2 cases passed." in interpret("test", "-k", "acme-account").stdout
    assert "2 cases passed." in interpret("test", "tests/acme.test.yaml").stdout
    assert "2 cases passed." in interpret("test", "mappings/acme.map.yaml").stdout
    assert interpret("test", "-k", "nothing like it").exit_code == 64


def test_an_overlay_is_tested_with_its_base(interpret: Run, project: Path) -> None:
    (project / "overlays").mkdir()
    (project / "overlays" / "loud.overlay.yaml").write_text(
        "interpret: 1\noverlay: loud\nextends: acme-account@1\nadd: {fields: {BillingCity: customer.company}}\n"
    )
    test = TEST.replace("test: acme-account", "test: loud").replace("Phone: '1'\n", "BillingCity: Acme\n")
    (project / "tests" / "loud.test.yaml").write_text(test)

    document = json.loads(interpret("test", "tests/loud.test.yaml", "--output", "json").stdout)

    assert document["passed"] == 1
    assert (document["coverage"]["fields"]["reached"], document["coverage"]["fields"]["total"]) == (1, 1)


def test_a_mapping_that_is_not_applied_can_be_tested(interpret: Run, project: Path) -> None:
    (project / "interpret.yaml").write_text(PROJECT.replace("acme-account", "activecampaign-contact"))

    assert "1 case passed." in interpret("test").stdout


def test_junit_has_a_suite_for_each_mapping_and_the_difference_of_each_failure(interpret: Run, project: Path) -> None:
    test = project / "tests" / "acme.test.yaml"
    test.write_text(TEST + "  - case: wrong\n    given: {customer: {id: b}}\n    expect: {fields: {Name: c}}\n")

    result = interpret("test", "--junit", "out.xml")
    suite = ElementTree.parse(project / "out.xml").getroot().find("testsuite")

    assert result.exit_code == 1
    assert suite is not None
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("acme-account", "2", "1")
    failures = [(case.get("name"), case.get("line"), case.find("failure")) for case in suite]
    assert [(name, line, failure is not None) for name, line, failure in failures] == [
        ("the company is the name", "4", False),
        ("wrong", "13", True),
    ]
    assert failures[1][2] is not None
    assert "Name: expected 'c', got 'b'" in (failures[1][2].get("message") or "")


def test_the_json_document_follows_its_schema(interpret: Run, project: Path) -> None:
    _case(project, "{customer: {id: a}}", "{fields: {Name: b}}")
    schema: dict[str, Any] = json.loads((files("fieldwright.documents") / "test.schema.json").read_text("utf-8"))

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(interpret("test", "--output", "json").stdout))


def test_a_project_without_tests_says_how_to_write_one(interpret: Run, project: Path) -> None:
    shutil.rmtree(project / "tests")

    result = interpret("test")

    assert (result.exit_code, "No test case found" in result.stdout) == (0, True)

"""Every output format, held by golden files made from `report.yaml`. To renew them: `python -m pytest ... --renew`
does not exist on purpose; delete a golden file, run once, and read what was written before committing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.render.formats import RENDERERS
from fieldwright.dsl.render.machine import render_github, render_json
from fieldwright.dsl.render.records import records, visible
from fieldwright.dsl.render.reports import render_gitlab, render_junit
from fieldwright.dsl.render.sarif import render_sarif
from fieldwright.dsl.render.text import render_concise, render_text
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.dsl.types import STRING, Type, record

HERE = Path(__file__).parent


def _object(name: str, /, **fields: Type) -> ObjectSchema:
    return ObjectSchema(name, {field: FieldSchema(field, type_) for field, type_ in fields.items()})


TEXT = STRING.optional()
SCHEMAS = Schemas(
    {
        "chargebee": Catalog(
            "chargebee",
            {
                "chargebee.customer": _object(
                    "chargebee.customer",
                    id=STRING,
                    phone=TEXT,
                    email=TEXT,
                    billing_address=record("chargebee.customer.billing_address").optional(),
                ),
                "chargebee.customer.billing_address": _object("chargebee.customer.billing_address", city=TEXT),
                "chargebee.site": _object("chargebee.site", name=STRING, domain=STRING),
            },
        ),
        "salesforce": Catalog(
            "salesforce",
            {
                "salesforce.Account": _object(
                    "salesforce.Account", Name=STRING, External__c=TEXT, BillingCity=TEXT, Phone=TEXT
                ),
                "salesforce.Site": _object("salesforce.Site", Name=STRING, Domain__c=TEXT),
            },
        ),
    }
)


def report(text: str | None = None) -> list[Diagnostic]:
    file = SourceFile("mappings/report.yaml", text or (HERE / "report.yaml").read_text("utf-8"))
    found = check_project(load([file]), SCHEMAS).diagnostics
    return [finding for finding in found if finding.severity is not Severity.NOTE]


def sarif_results(found: list[Diagnostic]) -> str:
    """Without the rules' pages, which are no business of this report."""
    return json.dumps(json.loads(render_sarif(found))["runs"][0]["results"], indent=1) + "\n"


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("report.txt", render_text),
        ("report.concise", render_concise),
        ("report.github", render_github),
        ("report.json", lambda found: render_json(found, 1)),
        ("report.sarif", sarif_results),
        ("report.gitlab", render_gitlab),
        ("report.junit", lambda found: render_junit(found, ["mappings/report.yaml", "mappings/clean.yaml"])),
    ],
)
def test_the_report_is_as_agreed(name: str, render: Callable[[list[Diagnostic]], str]) -> None:
    golden = HERE / name
    shown = render(report())
    if not golden.exists():
        golden.write_text(shown, "utf-8")
        pytest.fail(f"{name} was written: read it")
    assert shown == golden.read_text("utf-8")


def hostile() -> Diagnostic:
    file = SourceFile("a\x1b[2J\n::error::x,y.yaml", "key: \x1b[31mred\u202e\n")
    span = Span(file, 5, 13)
    label = Label(Span(file, 0, 3), "here\r\n::stop-commands::x")
    return Diagnostic(
        "DM001",
        Severity.ERROR,
        "bad\n::set-output name=x::1 100%",
        span,
        "\x07",
        "",
        (label,),
        Fix("t", (Edit(span, ""),)),
    )


def test_control_characters_never_reach_the_terminal() -> None:
    for shown in (render_text([hostile()]), render_concise([hostile()])):
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "\u202e" not in shown
        assert "\r" not in shown
        assert not any(line.startswith("::") for line in shown.splitlines())
    assert "\\x1b[31mred\\u{202e}" in render_text([hostile()])


def test_text_from_files_cannot_start_a_workflow_command() -> None:
    shown = render_github([hostile()])
    assert shown.count("\n") == 1
    assert shown == (
        "::error file=a\\x1b[2J%0A%3A%3Aerror%3A%3Ax%2Cy.yaml,line=1,col=6,endLine=1,endColumn=14,title=DM001"
        "::bad%0A::set-output name=x::1 100%25%0A\\x07\n"
    )


def test_json_can_be_read_back_and_names_its_version() -> None:
    read = json.loads(render_json([hostile()], 3))
    assert (read["version"], read["files"], len(read["diagnostics"])) == (1, 3, 1)
    assert read["diagnostics"][0]["message"] == "bad\n::set-output name=x::1 100%"


def test_colour_is_only_added_when_asked_for() -> None:
    assert "\x1b[1;31merror[DM001]\x1b[0m" in render_text([hostile()], colour=True)


def test_a_long_line_is_cut_to_the_part_around_the_place() -> None:
    file = SourceFile("f.yaml", "a: " + "x" * 500 + " here " + "y" * 500)
    shown = render_text([Diagnostic("DM001", Severity.ERROR, "m", Span(file, 504, 508))])
    lines = shown.splitlines()
    at = lines[3].index("here")
    assert lines[4][at : at + 4] == "^^^^"
    assert len(lines[3]) < 180


def test_letters_of_all_scripts_stay_readable() -> None:
    assert visible("Ünïcode 東京 é") == "Ünïcode 東京 é"


def test_nothing_found_gives_nothing() -> None:
    assert (render_text([]), render_concise([]), render_github([])) == ("", "", "")


def sarif_schema() -> Draft202012Validator:
    schema = json.loads((HERE / "sarif.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("found", [[], report(), [hostile()]], ids=["nothing", "report", "hostile"])
def test_sarif_follows_its_schema(found: list[Diagnostic]) -> None:
    log = json.loads(render_sarif(found))
    sarif_schema().validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(found)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_names_files_by_uri() -> None:
    (result,) = json.loads(render_sarif([hostile()]))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%1B%5B2J%0A%3A%3Aerror%3A%3Ax%2Cy.yaml"
    assert result["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"] == place["region"]


def fingerprints(text: str) -> list[str]:
    return [record.fingerprint for record in records(report(text))]


def test_fingerprints_stay_when_lines_are_added_above() -> None:
    text = (HERE / "report.yaml").read_text("utf-8")
    assert fingerprints("# a comment\n\n" + text) == fingerprints(text)
    assert fingerprints(text.replace("customer.emial", "customer.emayl")) != fingerprints(text)


def test_no_two_findings_share_a_fingerprint() -> None:
    found = fingerprints((HERE / "report.yaml").read_text("utf-8"))
    assert len(set(found)) == len(found)


def test_reports_for_ci_survive_texts_of_files() -> None:
    found = hostile()
    (issue,) = json.loads(render_gitlab([found]))
    assert (issue["severity"], issue["location"]["lines"]) == ("major", {"begin": 1, "end": 1})
    assert "\\x07" in issue["description"]
    suite = ElementTree.fromstring(render_junit([found], ["a<b.yaml"]).encode())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("classname") for case in suite] == ["a\\x1b[2J\\x0a::error::x,y.yaml", "a<b.yaml"]


def test_notes_are_no_failures_of_a_suite() -> None:
    note = replace(hostile(), severity=Severity.NOTE)
    suite = ElementTree.fromstring(render_junit([note], []).encode())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_every_format_renders_nothing_and_something() -> None:
    for render in RENDERERS.values():
        assert render([hostile()], ["f.yaml"])
        render([], [])

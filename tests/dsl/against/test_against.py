"""What a change to a mapping breaks is found by comparing it with how it was; what breaks nothing is not mentioned."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fieldwright.dsl.against import compare
from fieldwright.dsl.codes import registry
from fieldwright.dsl.pipeline import Result, check_project, load
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile

SPEC = importlib.util.spec_from_file_location(
    "worlds_of_documents", Path(__file__).parents[1] / "documents/conftest.py"
)
assert SPEC is not None
assert SPEC.loader is not None
WORLD = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(WORLD)
SCHEMAS: Schemas = WORLD.SCHEMAS

BASE = """\
interpret: 1
mapping: m
version: 3
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: External__c, with: customer.id}], on_ambiguous: error}
on_source_delete: keep
fields:
  Name: {value: customer.company, on_null: error, max_length: truncate}
  External__c: customer.id
  Phone: {value: customer.phone, write: if_empty}
children:
  lines:
    to: salesforce.Line
    parent: AccountId
    key: [Key__c]
    each: {of: '[customer]', as: one}
    fields: {Key__c: one.id}
---
interpret: 1
project: p
apply: [m]
"""


def checked(text: str) -> Result:
    return check_project(load([SourceFile("a.yaml", text)]), SCHEMAS, compiled=False)


def changes(new: str, old: str = BASE) -> list[tuple[str, str, str]]:
    after = checked(new)
    return [(one.code, one.severity.value, one.span.at) for one in compare(checked(old), after)]


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("  Phone: {value: customer.phone, write: if_empty}\n", "", "DM651", 2),
        ("    fields: {Key__c: one.id}\n", "    fields: {Key__c: one.id, Quantity: 1}\n", "", 0),
        ("with: customer.id}]", "with: customer.email}]", "DM652", 6),
        ("key: [Key__c]", "key: [Quantity]", "DM652", 13),
        ("to: salesforce.Account", "to: salesforce.Site", "DM653", 5),
        ("version: 3\n", "version: 3\ndirection: both\n", "DM653", 4),
        ("write: if_empty", "write: always", "DM654", 11),
        ("write: if_empty", "write: create_only", "", 0),
        ("write: if_empty", "write: if_empty, on_null: clear", "DM654", 11),
        ("on_ambiguous: error", "on_ambiguous: newest", "DM654", 6),
        ("on_source_delete: keep", "on_source_delete: delete", "DM655", 7),
        ("on_source_delete: keep\n", "", "", 0),
        ("mapping: m\n", "mapping: other\n", "DM650", 21),
        ("apply: [m]", "apply: []", "DM650", 21),
        ("  Phone: {value: customer.phone,", "  Phone: {value: upper(customer.phone),", "", 0),
        ("with: customer.id}]", "with: 'customer.id'}]", "", 0),
    ],
)
def test_a_change_is_found_where_it_stands(before: str, after: str, code: str, line: int) -> None:
    assert before in BASE
    found = changes(BASE.replace(before, after, 1))
    assert found[:1] == ([(code, "error", found[0][2])] if code else [])
    if code:
        assert found[0][2].split(":")[1] == str(line)
        assert len(found) == 1


def test_the_other_way_round_is_one_finding() -> None:
    swapped = BASE.replace("chargebee.customer,", "salesforce.Account,").replace(
        "to: salesforce.Account", "to: chargebee.customer"
    )
    assert [code for code, _, _ in changes(swapped)] == ["DM653"]


def test_rows_that_are_dropped_are_found() -> None:
    start = BASE.index("children:")
    assert [code for code, _, _ in changes(BASE[:start] + BASE[BASE.index("---") :])] == ["DM651"]


def test_nothing_has_changed_in_what_is_formatted_anew() -> None:
    assert changes(BASE) == []
    assert changes("# moved\n" + BASE.replace("{value: customer.phone,", "{value:   'customer.phone',")) == []


def test_a_raised_version_makes_notes_of_all_changes() -> None:
    raised = BASE.replace("version: 3", "version: 4").replace("on_source_delete: keep", "on_source_delete: delete")
    assert [(code, severity) for code, severity, _ in changes(raised)] == [("DM655", "note")]


def test_a_field_that_an_overlay_removes_is_dropped_too() -> None:
    overlay = "---\ninterpret: 1\noverlay: o\nextends: m@3\nremove: {fields: [Phone]}\n"
    new = BASE.replace("apply: [m]", "apply: [m]\noverlays: [o]") + overlay
    assert [code for code, _, _ in changes(new)] == ["DM651"]


def test_a_mapping_that_cannot_be_read_is_not_called_removed() -> None:
    before, after = checked(BASE), checked(BASE.replace("fields:\n  Name", "fiels:\n  Name", 1))
    assert "m" not in after.mappings
    assert compare(before, after, leave_out={"m"}) == ()
    assert [one.code for one in compare(before, after)] == ["DM650"]


def test_each_finding_shows_how_it_was() -> None:
    (finding,) = compare(checked(BASE), checked(BASE.replace("write: if_empty", "write: always")))
    assert [(label.text, label.span.at) for label in finding.labels] == [("before", "a.yaml:11:3")]


def test_every_code_has_a_page() -> None:
    assert {f"DM65{number}" for number in range(6)} <= registry().keys()

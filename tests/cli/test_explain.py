"""`interpret explain`: trees with values, named values, tables, rules, and the words for what is not written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

MAPPING = """\
interpret: 1
mapping: people
version: 1
title: Customers
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
let:
  label: customer.company ?? customer.last_name ?? customer.email
key:
  match:
    - {field: chargebeeapps__CB_Id__c, with: customer.id}
filter: customer.id != 'no'
fields:
  Name: label ?? 'nobody'
  Phone: {value: customer.phone, on_null: clear}
  BillingCity: customer.billing_address.city
  Site: if customer.net_term_days > 10 then 'long' else f'{10 / customer.net_term_days}'
  chargebeeapps__Auto_Collection__c: {value: customer.auto_collection, map: {on: 'On', off: 'Off'}}
  AccountNumber: {value: "f'{int(customer.first_name)}'", on_error: skip_field}
  Description: join(['a', 'b', customer.last_name].map(x -> x.upper()), ' ')
  chargebeeapps__CB_Id__c: customer.id
"""


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\napply: [people]\n")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "people.yaml").write_text(MAPPING)
    return folder


def _explain(interpret: Run, project: Path, record: dict[str, Any], *arguments: str) -> tuple[int, str]:
    (project / "r.json").write_text(json.dumps(record))
    result = interpret("explain", "people", "--file", "r.json", *arguments)
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, result.stdout


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_each_part_stands_on_a_line_with_its_value(interpret: Run, project: Path) -> None:
    code, text = _explain(
        interpret, project, {"id": "c", "email": "a@b.example", "net_term_days": 4}, "--field", "Site"
    )

    assert code == 0
    lines = _lines(text)
    assert "├─ customer.net_term_days > 10 false" in lines
    assert "│ └─ customer.net_term_days 4" in lines
    assert "└─ 10 / customer.net_term_days 2.5" in "\n".join(lines)
    assert 'Site takes string: "2.5"' in lines
    assert "written: new record" in lines


def test_named_values_are_explained_where_they_are_used(interpret: Run, project: Path) -> None:
    _code, text = _explain(interpret, project, {"id": "c", "email": "a@b.example"}, "--field", "Name")

    lines = _lines(text)
    assert "label ?? 'nobody' \"a@b.example\"" in lines
    assert any(line.startswith("where label is # line 8") for line in lines)
    assert "├─ customer.company null" in lines
    assert "├─ customer.last_name null" in lines
    assert not any(line.startswith("└─ customer.last_name ??") for line in lines)
    assert '└─ customer.email "a@b.example"' in lines


def test_the_part_that_fails_carries_the_error(interpret: Run, project: Path) -> None:
    code, text = _explain(interpret, project, {"id": "c", "net_term_days": 0}, "--field", "Site")

    assert code == 1
    lines = _lines(text)
    assert any(line.endswith("error (below)") for line in lines)
    assert any("10 / customer.net_term_days error[RT102]: division by zero" in line for line in lines)
    assert "not written: error[RT102]: division by zero" in lines


def test_a_path_shows_where_it_ends(interpret: Run, project: Path) -> None:
    _code, text = _explain(interpret, project, {"id": "c"}, "--field", "BillingCity")

    lines = _lines(text)
    assert "customer.billing_address.city null" in lines
    assert "└─ customer.billing_address null" in lines
    assert "not written: null, and on_null: skip leaves the field alone" in lines


def test_null_missing_and_policies_have_words_of_their_own(interpret: Run, project: Path) -> None:
    record = {"id": "c", "first_name": "x", "net_term_days": 1}
    _code, text = _explain(interpret, project, record, "--field", "Phone", "--field", "AccountNumber", "--partial")
    assert "customer.phone missing (not read)" in _lines(text)
    assert "not written: not read, so it is never written" in _lines(text)
    assert any(line.startswith("not written: on_error: skip_field, because ") for line in _lines(text))

    _code, text = _explain(interpret, project, record, "--field", "Phone")
    assert "not written: null: a new record has nothing to clear" in _lines(text)


def test_the_row_of_a_value_table_is_named(interpret: Run, project: Path) -> None:
    record = {"id": "c", "auto_collection": "off"}
    _code, text = _explain(interpret, project, record, "--field", "chargebeeapps__Auto_Collection__c")

    assert 'table: row "off" gives "Off"' in _lines(text)


def test_what_is_evaluated_for_every_element_shows_all_values(interpret: Run, project: Path) -> None:
    _code, text = _explain(interpret, project, {"id": "c", "last_name": "z"}, "--field", "Description")

    assert any('x -> x.upper() each: "A", "B", "Z"' in line for line in _lines(text))


def test_filter_and_keys_are_explained_too(interpret: Run, project: Path) -> None:
    code, text = _explain(interpret, project, {"id": "no"})

    assert code == 0
    assert "left out: the filter of the mapping is false for it" in text
    assert "customer.id != 'no' false" in _lines(text)
    assert "key chargebeeapps__CB_Id__c" not in text
    code, text = _explain(interpret, project, {"id": "yes"}, "--field", "key")
    assert 'customer.id "yes"' in _lines(text)


def test_json_has_the_same_tree(interpret: Run, project: Path) -> None:
    _code, text = _explain(interpret, project, {"id": "c", "net_term_days": 0}, "--field", "Site", "--output", "json")

    (field,) = json.loads(text)["explain"]["fields"]
    tree = field["tree"]
    assert (field["status"], field["error"]["code"], tree["state"]) == ("failed", "RT102", "error")
    assert tree["parts"][0] == {
        "text": "customer.net_term_days > 10",
        "state": "value",
        "value": False,
        "parts": [{"text": "customer.net_term_days", "state": "value", "value": 0}],
    }


def test_an_unknown_field_gets_a_suggestion(interpret: Run, project: Path) -> None:
    (project / "r.json").write_text('{"id": "c"}')

    result = interpret("explain", "people", "--file", "r.json", "--field", "Phon")

    assert result.exit_code == 64
    assert "did you mean `Phone`?" in result.stderr


def test_every_rule_shows_why_it_holds_or_not(interpret: Run, folder: Path) -> None:
    record = {"id": "s", "status": "in_trial", "customer_id": "c", "plan_id": "p", "currency_code": "USD"}
    (folder / "s.json").write_text(json.dumps({"subscription": record, "coupons": [], "addons": [], "customer": None}))

    result = interpret("explain", "subscription-opportunity", "--file", "s.json", "--set", "sync_in_trial=false")

    lines = _lines(result.stdout)
    assert result.exit_code == 0
    assert "nothing is done: rule 2.2 trial-not-synced says so" in lines[0:3]
    assert any(line.startswith("2.1 already-synced (nothing): does not hold") for line in lines)
    assert any(line.startswith("2.2 trial-not-synced (nothing): holds and decides") for line in lines)
    assert any(line.startswith("2.1.1 first-sync-create (create): not asked") for line in lines)
    assert '└─ subscription.status "in_trial"' in lines

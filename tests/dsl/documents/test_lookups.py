"""Shared value tables asked inside of expressions."""

from __future__ import annotations

from typing import Any

import pytest

TEXT = """
interpret: 1
mapping: account
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
use: [terms]
key: {match: [{field: External__c, with: customer.id}]}
fields:
  Name: customer.id
  External__c: customer.id
  Phone: lookup('switch', customer.auto_collection)
  BillingCity: named(customer.company)
  Days__c: lookup('days', customer.company) * 2
---
interpret: 1
tables: terms
define:
  switch: {rows: {on: 'Yes', off: 'No'}}
  names: {rows: {acme: Acme Limited}}
  days: {rows: {acme: 30}, else: 14}
---
interpret: 1
functions: terms
define:
  named:
    params: {company: string?}
    returns: string?
    value: lookup('names', company, else=company)
    examples:
      - {given: {company: acme}, gives: Acme Limited}
      - {given: {company: other}, gives: other}
"""


@pytest.mark.parametrize("way", ["map_record", "reference"])
def test_a_table_answers_by_its_rows_then_by_the_call_then_by_its_else(check: Any, way: str) -> None:
    result = check(TEXT)
    assert [one.message for one in result.diagnostics if one.severity != "note"] == []

    def mapped(**customer: Any) -> Any:
        roots = {"customer": {"id": "c", **customer}, "run": {}, "settings": {}}
        made = getattr(result.programs["account"], way)(roots)
        return [one.code for one in made.problems] or {**made.fields, "Name": None, "External__c": None}

    same = {"Name": None, "External__c": None}
    acme = {"Phone": "Yes", "BillingCity": "Acme Limited", "Days__c": 60}
    assert mapped(auto_collection="on", company="acme") == same | acme
    assert mapped(auto_collection="off", company="b") == same | {"Phone": "No", "BillingCity": "b", "Days__c": 28}
    assert mapped(auto_collection="off") == same | {"Phone": "No"}
    assert mapped(auto_collection="new", company="b") == ["RT106"]


def test_another_row_is_another_meaning(check: Any) -> None:
    first = check(TEXT).programs["account"].digest
    assert check(TEXT.replace("acme: 30", "acme: 31")).programs["account"].digest != first
    assert check(TEXT.replace("else: 14", "else: 15")).programs["account"].digest != first

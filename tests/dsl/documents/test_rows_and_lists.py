"""Claims about rows of child lists, and list memberships under a condition."""

from __future__ import annotations

from typing import Any

import pytest

ROWS = """
interpret: 1
mapping: lines
from: {object: chargebee.subscription, as: subscription}
to: salesforce.Account
key: {match: [{field: External__c, with: subscription.id}]}
fields: {Name: subscription.id, External__c: subscription.id}
children:
  bought:
    to: salesforce.Line
    parent: AccountId
    key: [Key__c]
    each: {of: subscription.items, as: item}
    let: {count: item.quantity ?? 1}
    fields: {Key__c: item.id, Quantity: count}
    checks: {few: count < 100}
"""

CONTACT = """
interpret: 1
mapping: contact
from: {object: chargebee.customer, as: customer}
to: activecampaign.contact
key: {match: [{field: email, with: customer.email}], on_none: create}
fields: {email: {value: customer.email, on_null: error}}
memberships:
  lists:
    - {list: {const: Customers}}
    - {list: {const: Paying}, if: customer.auto_collection == 'on'}
    - {list: {const: Left}, if: customer.net_term_days > 30, status: unsubscribed}
"""


@pytest.mark.parametrize("way", ["map_record", "reference"])
def test_a_claim_about_a_row_names_the_row_that_breaks_it(check: Any, way: str) -> None:
    program = check(ROWS).programs["lines"]
    items = [{"id": "a"}, {"id": "b", "quantity": 100}, {"id": "c", "quantity": 5}]
    roots = {"subscription": {"id": "s", "items": items}, "run": {}, "settings": {}}
    (problem,) = getattr(program, way)(roots).problems
    assert (problem.where, problem.code, problem.at) == ("checks.bought[1].few", "RT115", "a.yaml:16")
    roots["subscription"] = {"id": "s", "items": items[:1]}
    assert getattr(program, way)(roots).problems == ()


def test_a_sum_is_claimed_of_the_whole_set_and_not_of_a_row(check: Any) -> None:
    found = check(ROWS.replace("few: count < 100", "Quantity: {sum_of: bought, value: Quantity}")).diagnostics
    assert [one.code for one in found if one.severity == "error"] == ["DM408"]


@pytest.mark.parametrize("way", ["map_record", "reference"])
def test_a_list_belongs_to_the_contact_only_while_its_condition_holds(check: Any, way: str) -> None:
    result = check(CONTACT)
    assert [one.code for one in result.diagnostics if one.severity != "note"] == ["DM204"]
    program = result.programs["contact"]

    def lists(**customer: Any) -> Any:
        roots = {"customer": {"email": "a@example.com", **customer}, "run": {}, "settings": {}}
        mapped = getattr(program, way)(roots)
        return [one.code for one in mapped.problems] or mapped.fields["memberships.lists"]

    everyone = {"list": "Customers", "status": "subscribed"}
    paying = {"list": "Paying", "status": "subscribed"}
    left = {"list": "Left", "status": "unsubscribed"}
    assert lists(auto_collection="on", net_term_days=5) == [everyone, paying]
    assert lists(auto_collection="off", net_term_days=31) == [everyone, left]
    assert lists(auto_collection="off") == ["RT107"]

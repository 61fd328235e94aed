"""What is proposed where: keys, names of things, fields after a dot, values, in text that is only half written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fieldwright.lsp.answers import Item
from fieldwright.lsp.completion import complete
from tests.lsp.conftest import At

HEAD = """\
interpret: 1
mapping: own
version: 1
from: {object: chargebee.subscription, as: subscription}
to: salesforce.Account
use: [own]
with:
  customer: {get: chargebee.customer, id: subscription.customer_id}
let:
  active: subscription.status == 'active'
key:
  match:
    - {field: chargebeeapps__CB_Id__c, with: subscription.customer_id}
"""


def labels(here: At) -> list[str]:
    """Labels in the order in which an editor shows them."""
    items = complete(here.file, here.offset, here.view).items
    return [item.label for item in sorted(items, key=lambda item: (item.rank, item.label))]


def proposal(here: At, label: str) -> Item:
    return next(item for item in complete(here.file, here.offset, here.view).items if item.label == label)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "fields:\n  Name: customer.|\n", "company"),
        (HEAD + "fields:\n  Name: customer.com|\n", "company"),
        (HEAD + "fields:\n  Name: customer.billing_address.|\n", "city"),
        (HEAD + "fields:\n  Name: customer.cf_|\n", "cf_segment"),
        (HEAD + "fields:\n  Name: cus|\n", "customer"),
        (HEAD + "fields:\n  Name: if act|\n", "active"),
        (HEAD + "fields:\n  Name: if customer.company is blank then customer.|\n", "email"),
        (HEAD + "fields:\n  Name: sho|\n", "shouted"),
        (HEAD + "fields:\n  Name: upper(customer.|\n", "email"),
        (HEAD + "fields:\n  Name: upper(customer.|)\n", "email"),
        (HEAD + "fields:\n  Name: subscription.addons.map(a -> a.|\n", "quantity"),
        (HEAD + "fields:\n  Name: subscription.addons.map(a -> |\n", "a"),
        (HEAD + "fields:\n  Name: subscription.addons.|\n", "filter"),
        (HEAD + "fields:\n  Name: f'{customer.first_name} {customer.|\n", "last_name"),
        (HEAD + "fields:\n  Name: subscription.status == '|\n", "in_trial"),
        (HEAD + "fields:\n  Name: subscription.status in ['active', '|\n", "in_trial"),
        (HEAD + "fields:\n  Name: 'customer.|'\n", "company"),
        (HEAD + "fields:\n  Name: 'customer.|\n", "company"),
        (HEAD + "fields:\n  Name: >-\n    customer.company\n    ?? customer.|\n", "email"),
        (HEAD + "fields:\n  Name: {value: customer.|}\n", "company"),
        (HEAD + "fields:\n  Name: {value: customer.|\n", "company"),
        (HEAD + "fields:\n  Name: {value: customer.company, |\n", "on_null"),
        (HEAD + "fields:\n  Name: {value: customer.company, wri|}\n", "write"),
        (HEAD + "fields:\n  Name: {value: customer.company, write: |}\n", "create_only"),
        (HEAD + "fields:\n  Name: {value: customer.company, write: cre|\n", "create_only"),
        (HEAD + "fields:\n  Name:\n    value: customer.company\n    on_|\n", "on_error"),
        (HEAD + "fields:\n  Na|\n", "Name"),
        (HEAD + "fields:\n  |\n", "Name"),
        (HEAD + "fields:\n  Name: customer.company\n  Segm|\n", "Segment__c"),
        (HEAD + "fields:\n  Name: {ref: |}\n", "customer-account"),
        (HEAD + "fields:\n  Tier__c: |\n", "Gold"),
        (HEAD + "fields:\n  Tier__c: {const: |}\n", "Silver"),
        (HEAD + "fields:\n  Tier__c: {value: customer.cf_segment, map: {|}}\n", "smb"),
        (HEAD + "fields:\n  Tier__c: {value: customer.cf_segment, map: {smb: |}}\n", "Gold"),
        (HEAD + "after: [|]\n", "site"),
        (HEAD + "driven_by: |\n", "opportunity-sync"),
        (HEAD + "fil|\n", "filter"),
        (HEAD + "filter: settings.|\n", "timezone"),
        (HEAD + "filter: run.source.|\n", "domain"),
        ("interpret: 1\nmapping: own\nfrom: {object: charge|}\n", "chargebee.customer"),
        ("interpret: 1\nmapping: own\nto: |\n", "salesforce.Account"),
        ("interpret: 1\nmap|\n", "mapping"),
        ("interpret: 1\nproject: shop\napply:\n  - |\n", "customer-account"),
        ("interpret: 1\nproject: shop\nsettings:\n  opportunity-sync: {|}\n", "trial_stage"),
        ("interpret: 1\nproject: shop\nsettings:\n  opportunity-sync: {on_first_sync: |}\n", "nothing"),
        ("interpret: 1\noverlay: o\nextends: |\n", "customer-account@1"),
        ("interpret: 1\noverlay: o\nextends: customer-account@1\nadd:\n  fields:\n    Seg|\n", "Segment__c"),
        (
            "interpret: 1\noverlay: o\nextends: customer-account@1\nadd:\n  fields:\n    Segment__c: customer.|\n",
            "email",
        ),
        ("interpret: 1\noverlay: o\nextends: customer-account@1\nchange:\n  fields:\n    |\n", "Phone"),
        ("interpret: 1\noverlay: o\nextends: customer-account@1\nremove:\n  fields: [|]\n", "Phone"),
        ("interpret: 1\nfunctions: f\ndefine:\n  g:\n    params: {t: |}\n", "string"),
        ("interpret: 1\nfunctions: f\ndefine:\n  g:\n    params: {text: string}\n    value: te|\n", "text"),
        (
            "interpret: 1\nruleset: r\ndrives: subscription-opportunity\nrules:\n  - rule: a\n    when: sync.|\n",
            "first",
        ),
        ("interpret: 1\nschema: s\nobjects:\n  salesforce.Acc|\n", "salesforce.Account"),
        ("interpret: 1\ntest: customer-account\ncases:\n  - case: a\n    expect: {op: |}\n", "create"),
    ],
)
def test_what_fits_is_proposed(at: Callable[[str], At], text: str, expected: str) -> None:
    assert expected in labels(at(text))


def test_methods_of_a_list_are_proposed_by_name_alone(at: Callable[[str], At]) -> None:
    found = labels(at(HEAD + "fields:\n  Name: subscription.addons.|\n"))

    assert {"map", "filter", "first", "count"} <= set(found)
    assert not {"quantity", "upper", "active"} & set(found)


def test_after_a_dot_there_are_no_names_of_other_things(at: Callable[[str], At]) -> None:
    found = labels(at(HEAD + "fields:\n  Name: customer.company.|\n"))

    assert "upper" in found
    assert not {"customer", "subscription", "days_between", "company"} & set(found)


def test_a_later_named_value_is_not_proposed_in_an_earlier_one(at: Callable[[str], At]) -> None:
    text = HEAD.replace("  active:", "  early: ac|\n  active:")

    assert "active" not in labels(at(text))


def test_fields_that_are_written_already_are_not_proposed(at: Callable[[str], At]) -> None:
    found = labels(at(HEAD + "fields:\n  Name: customer.company\n  |\n"))

    assert "Name" not in found
    assert "Phone" in found


def test_read_only_fields_are_not_proposed_for_writing(at: Callable[[str], At]) -> None:
    assert not {"Id", "CreatedDate", "SystemModstamp"} & set(labels(at(HEAD + "fields:\n  |\n")))


def test_a_proposal_replaces_the_whole_word(at: Callable[[str], At]) -> None:
    here = at(HEAD + "fields:\n  Name: customer.com|pany\n")
    span = complete(here.file, here.offset, here.view).span

    assert here.file.text[span.start : span.end] == "company"


def test_a_name_with_hyphens_is_replaced_as_a_whole(at: Callable[[str], At]) -> None:
    here = at(HEAD + "fields:\n  Name: {ref: customer-ac|, key: customer.id}\n")
    span = complete(here.file, here.offset, here.view).span

    assert here.file.text[span.start : span.end] == "customer-ac"


def test_a_picklist_value_is_written_as_a_constant(at: Callable[[str], At]) -> None:
    here = at(HEAD + "fields:\n  Tier__c: |\n")

    assert proposal(here, "Closed tier").text == "{const: Closed tier}"


def test_a_compared_value_gets_quotes_outside_of_quotes_only(at: Callable[[str], At]) -> None:
    outside = proposal(at(HEAD + "filter: subscription.status == |\n"), "in_trial")
    inside = proposal(at(HEAD + "filter: subscription.status == '|\n"), "in_trial")

    assert (outside.text, inside.text) == ("'in_trial'", "in_trial")


def test_target_fields_tell_their_limits(at: Callable[[str], At]) -> None:
    item = proposal(at(HEAD + "fields:\n  Na|\n"), "Name")

    assert "required" in item.detail
    assert "at most 255 characters" in item.doc


def test_a_broken_line_elsewhere_does_not_silence_proposals(at: Callable[[str], At]) -> None:
    text = HEAD + "fields:\n  Phone: {value: customer.phone\n  Name: customer.|\n  Fax: 'x\n"

    assert "company" in labels(at(text))

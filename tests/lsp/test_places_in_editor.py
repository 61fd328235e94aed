"""Hover, definition, rename and changes offered for findings, at a cursor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from fieldwright.dsl.source import SourceFile
from fieldwright.lsp.actions import actions, safe_edits
from fieldwright.lsp.definition import definitions
from fieldwright.lsp.hover import hover
from fieldwright.lsp.rename import NotRenamed, renamable, rename
from tests.lsp.conftest import At

Open = Callable[[str], At]

BASE = """\
interpret: 1
mapping: own
version: 1
from: {object: chargebee.subscription, as: subscription}
to: salesforce.Account
use: [own]
with:
  customer: {get: chargebee.customer, id: subscription.customer_id}
let:
  title: shouted(customer.company)
  places: subscription.addons.map(title -> title.id)
key:
  match:
    - {field: chargebeeapps__CB_Id__c, with: subscription.customer_id}
fields:
  Name: title ?? customer.email ?? subscription.id
  Description: "f'{title} of {customer.id}'"
  Segment__c: customer.cf_segment
  Site: >-
    customer.billing_address.city
    ?? title
  chargebeeapps__CB_Id__c: subscription.customer_id
  ParentId: {ref: customer-account, key: subscription.customer_id}
children:
  rows:
    to: salesforce.Contact
    parent: AccountId
    key: [LastName]
    each: {of: list(customer), as: one}
    let:
      title: one.last_name
    fields:
      LastName: title ?? 'none'
"""


def bar(text: str, before: str, after: str) -> str:
    """BASE's text with the cursor between two pieces."""
    assert text.count(before + after) >= 1, before + after
    return text.replace(before + after, f"{before}|{after}", 1)


def said(here: At) -> str:
    found = hover(here.file, here.offset, here.view)
    return found.text if found is not None else ""


def targets(here: At) -> list[str]:
    """The lines that definitions lead to, without indentation."""
    found = definitions(here.file, here.offset, here.view)
    return [span.file.line(span.file.position(span.start)[0]).strip() for span in found]


def renamed(here: At, new: str) -> str:
    """The file after a rename."""
    named = renamable(here.file, here.offset, here.view)
    assert named is not None
    edits = rename(named, new, here.view)
    assert list(edits) == [here.file.path]
    return applied(here.file, edits[here.file.path])


def applied(file: SourceFile, edits: object) -> str:
    text = file.text
    for span, new in sorted(edits, key=lambda edit: -edit[0].start):  # type: ignore[call-overload]
        text = text[: span.start] + new + text[span.end :]
    return text


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("customer.com", "pany)", ["chargebee.customer.company: string?"]),
        ("billing_address.ci", "ty\n", ["city: string?"]),
        ("  Na", "me: title", ["salesforce.Account.Name: string", "required", "at most 255 characters"]),
        ("  Segment", "__c", ["at most 40 characters", "declared"]),
        ("customer.cf_seg", "ment", ["enum<smb, mid, ent>", "`mid`"]),
        ("title: shou", "ted(", ["shouted(text: string?) -> string?", "The text in capitals.", "use: [own]"]),
        ("addons.m", "ap(", ["map(items: list<T>"]),
        ("  ti", "tle: shouted", ["title: string?"]),
        ("Name: ti", "tle", ["title: string?"]),
        ("ref: customer-", "account", ["Account", "writes salesforce.Account"]),
        ("to: salesforce.Acc", "ount", ["salesforce.Account", "fields"]),
        ("{field: chargebeeapps__CB", "_Id__c", ["external id"]),
        ("f'{ti", "tle}", ["title: string?"]),
        ("?? ti", "tle\n  charge", ["title: string?"]),
    ],
)
def test_hover_tells_what_is_known(at: Open, before: str, after: str, expected: list[str]) -> None:
    text = said(at(bar(BASE, before, after)))

    assert [one for one in expected if one not in text] == []


def test_hover_knows_what_the_filter_proves(at: Open) -> None:
    filtered = BASE.replace("key:\n", "filter: customer is not null\nkey:\n", 1)
    before = said(at(bar(BASE, "Name: title ?? cus", "tomer.email")))
    after = said(at(bar(filtered, "Name: title ?? cus", "tomer")))

    assert "customer: record<chargebee.customer>?" in before
    assert "customer: record<chargebee.customer>\n" in after


def test_hover_on_a_finding_shows_the_page_of_its_code(at: Open) -> None:
    text = said(at(bar(BASE.replace("customer.email", "customer.emial"), "customer.em", "ial")))

    assert "DM101" in text


def test_hover_on_the_code_of_an_allowance_shows_its_page(at: Open) -> None:
    assert "DM401" in said(at(BASE + "# interpret: allow DM4|01 -- because\n"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Name: ti", "tle", ["title: shouted(customer.company)"]),
        ("LastName: ti", "tle", ["title: one.last_name"]),
        ("shouted(cus", "tomer.", ["customer: {get: chargebee.customer, id: subscription.customer_id}"]),
        ("?? subscrip", "tion.id", ["from: {object: chargebee.subscription, as: subscription}"]),
        ("title: o", "ne.last", ["each: {of: list(customer), as: one}"]),
        ("title: shou", "ted(", ["shouted:"]),
        ("ref: customer-", "account", ["mapping: customer-account"]),
        ("  Segment", "__c", ["Segment__c: {type: string, length: 40, label: Segment}"]),
        ("customer.cf_seg", "ment", ["cf_segment: {type: 'enum<smb, mid, ent>', label: Segment}"]),
        ("use: [o", "wn]", ["functions: own"]),
        ("customer.com", "pany", []),
    ],
)
def test_definition_leads_to_what_introduces_a_name(at: Open, before: str, after: str, expected: list[str]) -> None:
    assert targets(at(bar(BASE, before, after))) == expected


def test_definition_of_a_changed_field_is_the_field_of_the_base(at: Open) -> None:
    here = at(
        "interpret: 1\noverlay: o\nextends: customer-account@1\nchange:\n  fields:\n    Pho|ne: {write: if_empty}\n"
    )

    assert targets(here) == ["Phone: customer.phone"]


def test_rename_changes_every_use_and_nothing_else(at: Open) -> None:
    found = renamed(at(bar(BASE, "  ti", "tle: shouted")), "heading")

    assert found == (
        BASE.replace("title: shouted", "heading: shouted")
        .replace("Name: title ?? customer", "Name: heading ?? customer")
        .replace("{title}", "{heading}")
        .replace("?? title\n  charge", "?? heading\n  charge")
    )


def test_rename_from_a_use_is_the_same_as_from_its_introduction(at: Open) -> None:
    assert renamed(at(bar(BASE, "f'{ti", "tle}")), "x") == renamed(at(bar(BASE, "  ti", "tle: shouted")), "x")


def test_rename_in_a_child_list_stays_in_it(at: Open) -> None:
    found = renamed(at(bar(BASE, "LastName: ti", "tle")), "surname")

    assert found == BASE.replace("title: one.last_name", "surname: one.last_name").replace(
        "LastName: title", "LastName: surname"
    )


def test_rename_of_a_read_reaches_all_expressions(at: Open) -> None:
    found = renamed(at(bar(BASE, "shouted(cus", "tomer.")), "buyer")

    assert "customer." not in found.replace("chargebee.customer", "").replace("customer_id", "")
    assert "list(buyer)" in found
    assert "ref: customer-account" in found


@pytest.mark.parametrize("new", ["places", "customer", "subscription", "settings", "if", "two words", "1st"])
def test_rename_to_an_impossible_name_is_refused(at: Open, new: str) -> None:
    here = at(bar(BASE, "  ti", "tle: shouted"))
    named = renamable(here.file, here.offset, here.view)

    assert named is not None
    with pytest.raises(NotRenamed):
        rename(named, new, here.view)


@pytest.mark.parametrize(
    ("before", "after"), [("  Na", "me: title"), ("customer.com", "pany"), ("addons.map(ti", "tle"), ("title.i", "d)")]
)
def test_what_the_mapping_does_not_introduce_cannot_be_renamed(at: Open, before: str, after: str) -> None:
    here = at(bar(BASE, before, after))

    assert renamable(here.file, here.offset, here.view) is None


def test_applying_the_fix_of_a_finding_removes_it(at: Open) -> None:
    here = at(bar(BASE.replace("customer.email", "customer.emial"), "customer.em", "ial"))
    action = next(one for one in actions(here.file, here.offset, here.offset, here.view) if one.code == "DM101")
    after = at(applied(here.file, action.edits[here.file.path]) + "|")

    assert not action.preferred
    assert "customer.email" in after.file.text
    assert [one for one in after.view.by_path.get(after.file.path, ()) if one.code == "DM101"] == []


def test_a_warning_can_be_allowed_with_a_reason(at: Open) -> None:
    text = BASE.replace("Site: >-", "Fax: subscription.id ?? 'x'\n  Site: >-")
    here = at(bar(text, "subscription.id ??", " 'x'"))
    warning = next(one for one in here.view.by_path[here.file.path] if one.code == "DM215")
    action = next(
        one for one in actions(here.file, warning.span.start, warning.span.start, here.view) if "Allow" in one.title
    )
    after = at(applied(here.file, action.edits[here.file.path]) + "|")

    assert "  # interpret: allow DM215 -- say why\n  Fax:" in after.file.text
    assert "DM215" not in [one.code for one in after.view.by_path.get(after.file.path, ())]


def test_safe_fixes_never_touch_each_other(at: Open) -> None:
    here = at(BASE + "|")
    spans = [span for span, _ in safe_edits(here.file, here.view)]

    assert all(one.end <= other.start for one, other in pairwise(spans))

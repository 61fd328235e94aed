"""What correct documents become: programs that map, rulesets that decide, an order, settings in force."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fieldwright.dsl.pipeline import Result
from fieldwright.dsl.program import MappedRecord, Ref
from fieldwright.dsl.values import MISSING

RUN = {
    "started_at": datetime(2026, 1, 6, tzinfo=UTC),
    "source": {"domain": "acme.chargebee.com", "name": "Acme"},
    "target": {"account": "00D", "standard_pricebook_id": "01s"},
}

ACCOUNT = """
interpret: 1
mapping: account
title: Customer to account
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
use: [shared]
key:
  match:
    - {field: External__c, with: customer.id}
    - all:
        - {field: Site__c, with: {ref: site, key: run.source.domain}}
        - {field: Email__c, with: customer.email}
  on_ambiguous: error
settings:
  timezone: {type: string, default: UTC}
defaults: {on_null: clear}
fields:
  Name: {value: customer.company ?? customer.id, max_length: truncate}
  External__c: {value: customer.id, write: create_only, pii: true}
  Phone: {value: customer.phone, on_null: skip}
  Email__c: customer.email
  Since__c: customer.created_at.date(settings.timezone)
  Balance__c: customer.balance
  Active__c: true
  Owner: {const: sync, write: create_only}
  Collection__c: {value: customer.auto_collection, table: switch}
  Site__c: {ref: site, key: run.source.domain, on_missing: skip}
on_source_delete: {set: {Active__c: false}}
"""

SITE = """
interpret: 1
mapping: site
from: {object: chargebee.site, as: site}
to: salesforce.Site
key: {match: [{field: Domain__c, with: site.domain}]}
fields: {Name: site.name, Domain__c: site.domain}
---
interpret: 1
tables: shared
define:
  switch: {key: enum<chargebee.customer.auto_collection>, rows: {on: 'On'}, else: 'Off'}
"""

LINES = """
interpret: 1
mapping: lines
from: {object: chargebee.subscription, as: subscription}
to: salesforce.Account
driven_by: rules
params: {stage: {type: 'enum<Won, Lost>'}}
key: {match: [{field: External__c, with: subscription.id}]}
fields: {Name: params.stage, External__c: subscription.id}
children:
  bought:
    to: salesforce.Line
    parent: AccountId
    set: rows
    key: [Key__c]
    each: {of: subscription.items, as: item, filter: (item.quantity ?? 0) > 0}
    let: {count: item.quantity ?? 1}
    fields: {Key__c: item.id, Quantity: count, Amount__c: item.amount}
  fixed:
    to: salesforce.Line
    parent: AccountId
    set: rows
    key: [Key__c]
    each: {of: list(subscription), as: one}
    fields: {Key__c: one.id, Quantity: 1, Amount__c: 2.5}
checks:
  Balance__c: {sum_of: rows, value: Quantity * Amount__c}
---
interpret: 1
ruleset: rules
settings:
  stage: {type: 'enum<Won, Lost>', required: true}
let:
  running: subscription.status == 'active'
  fresh: sync.first and running
rules:
  - {rule: known, id: '2.1', when: linked, then: nothing}
  - {rule: create, id: 2.1.1, when: fresh, then: {create: lines, with: {stage: settings.stage}}}
  - {rule: otherwise, then: nothing}
---
interpret: 1
project: p
settings: {rules: {stage: Won}}
"""


def problems(result: Result) -> list[str]:
    return [f"{one.span.at} {one.code} {one.message}" for one in result.diagnostics if one.severity != "note"]


def test_a_mapping_becomes_a_program_that_writes_what_it_says(check: Any) -> None:
    result = check(ACCOUNT, SITE)
    assert problems(result) == []
    program = result.programs["account"]
    customer = {
        "id": "c1",
        "company": "Acme Limited and Sons",
        "email": None,
        "auto_collection": "off",
        "created_at": 1767657600,
        "currency_code": "JPY",
        "balance": 1200,
    }
    roots = {"customer": customer, "run": RUN, "settings": program.options["settings"]}
    expected = MappedRecord(
        fields={
            "Name": "Acme Limited and Son",
            "External__c": "c1",
            "Email__c": None,
            "Since__c": "2026-01-06",
            "Balance__c": Decimal("1200"),
            "Active__c": True,
            "Owner": "sync",
            "Collection__c": "Off",
            "Site__c": Ref("site", "acme.chargebee.com"),
        },
        keys=(
            {"External__c": "c1"},
            None,
        ),
    )
    assert program.map_record(roots) == expected
    assert program.reference(roots) == expected
    assert program.on_source_delete == {"action": "set", "set": {"Active__c": False}}
    info = {field.name: field for field in program.fields}
    assert (info["External__c"].at, info["External__c"].write, info["External__c"].pii) == (
        "a.yaml:20",
        "create_only",
        True,
    )
    assert (info["Site__c"].ref, info["Site__c"].optional_ref, info["Email__c"].email) == ("site", True, True)


def test_rows_of_several_lists_form_one_set_and_their_sum_is_expected_of_the_target(check: Any) -> None:
    result = check(LINES)
    assert problems(result) == []
    items = [{"id": "a", "quantity": 2, "amount": 1050}, {"id": "b", "amount": 5}]
    subscription = {"id": "s", "status": "active", "currency_code": "USD", "items": items}
    roots = {
        "subscription": subscription,
        "run": RUN,
        "settings": result.settings["lines"],
        "params": {"stage": "Won"},
    }
    mapped = result.programs["lines"].map_record(roots)
    assert mapped.problems == ()
    assert mapped.children == {
        "rows": [
            {"Key__c": "a", "Quantity": 2, "Amount__c": Decimal("10.5")},
            {"Key__c": "s", "Quantity": 1, "Amount__c": Decimal("2.5")},
        ]
    }
    assert mapped.checks == {"Balance__c": Decimal("23.5")}


def test_what_only_the_rules_look_at_is_read_too(check: Any) -> None:
    program = check(LINES).programs["lines"]

    assert "status" not in program.source_text
    assert "status" in program.used[program.source_object]


def test_a_ruleset_decides_by_the_first_rule_that_holds(check: Any) -> None:
    result = check(LINES)
    rules = result.rulesets["rules"]
    assert rules.settings == {"stage": "Won", "timezone": "UTC"}

    def decide(status: str, *, linked: bool = False) -> tuple[str, str, str, Any, str]:
        roots = {
            "subscription": {"id": "s", "status": status},
            "previous": None,
            "linked": linked,
            "sync": {"first": True, "initiated_by": "chargebee"},
            "settings": rules.settings,
            "run": RUN,
        }
        decision = rules.decide(roots)
        assert decision.problem is None
        return decision.rule_id, decision.rule, decision.action, dict(decision.params), decision.at

    assert decide("active") == ("2.1.1", "create", "create", {"stage": "Won"}, "a.yaml:38")
    assert decide("active", linked=True) == ("2.1", "known", "nothing", {}, "a.yaml:37")
    assert decide("cancelled") == ("", "otherwise", "nothing", {}, "a.yaml:39")


def test_mappings_come_after_those_they_refer_to(check: Any) -> None:
    result = check(ACCOUNT, SITE)
    assert list(result.programs) == ["site", "account"]
    assert result.ok


def test_an_optional_reference_gives_way_where_it_would_close_a_circle(check: Any) -> None:
    site = SITE.replace("domain}\n---", "domain, }\nafter: [account]\n---")
    start, end = ACCOUNT.index("    - all:"), ACCOUNT.index("  on_ambiguous")
    result = check(ACCOUNT[:start] + ACCOUNT[end:], site)
    assert problems(result) == []
    assert list(result.programs) == ["account", "site"]


def test_settings_come_from_project_then_overlay_then_default(check: Any) -> None:
    overlay = "interpret: 1\noverlay: zone\nextends: account@1\nsettings: {timezone: Europe/Berlin}\n"
    assert check(ACCOUNT, SITE).settings["account"] == {"timezone": "UTC"}
    assert check(ACCOUNT, SITE, overlay).settings["account"] == {"timezone": "Europe/Berlin"}
    project = "interpret: 1\nproject: p\nsettings: {timezone: Asia/Tokyo}\n"
    assert check(ACCOUNT, SITE, overlay, project).settings["account"] == {"timezone": "Asia/Tokyo"}
    project += "targets: {prod: {settings: {account: {timezone: America/Lima}}}}\n"
    assert check(ACCOUNT, SITE, project, target="prod").settings["account"] == {"timezone": "America/Lima"}
    given = {"account": {"timezone": "Asia/Kolkata"}}
    assert check(ACCOUNT, SITE, project, target="prod", settings=given).settings["account"] == given["account"]


def test_an_overlay_adds_changes_and_removes_and_each_field_keeps_its_origin(check: Any) -> None:
    overlay = """interpret: 1
overlay: own
extends: account@1
add:
  fields: {Days__c: customer.net_term_days}
change:
  fields:
    Phone: {write: if_empty}
    Email__c: {const: x@example.com}
  filter: customer.id != 'skip'
remove:
  fields: [Balance__c]
"""
    result = check(ACCOUNT, SITE, overlay)
    assert problems(result) == []
    fields = {one.name: (one.at, str(one.write)) for one in result.programs["account"].fields}
    assert fields["Days__c"] == ("c.yaml:5", "always")
    assert fields["Phone"] == ("c.yaml:8", "if_empty")
    assert fields["Name"] == ("a.yaml:19", "always")
    assert "Balance__c" not in fields
    program = result.programs["account"]
    roots = {
        "customer": {"id": "skip", "created_at": 0, "auto_collection": "on"},
        "run": RUN,
        "settings": {"timezone": "UTC"},
    }
    assert program.map_record(roots).included is False
    assert result.mappings["account"].extended_by == ("own",)


def test_one_broken_file_is_reported_alone(check: Any) -> None:
    broken = SITE.replace("to: salesforce.Site", "too: salesforce.Site")
    assert [line.split(" ")[:2] for line in problems(check(ACCOUNT, broken))] == [
        ["b.yaml:2:1", "DM012"],
        ["b.yaml:5:1", "DM011"],
    ]
    unreadable = "interpret: 1\nmapping: site\nx: [\n"
    found = problems(
        check(ACCOUNT.replace("use: [shared]", "").replace("table: switch", "map: {on: 'On', off: 'Off'}"), unreadable)
    )
    assert [line.split(" ")[:2] for line in found] == [["b.yaml:4:1", "DM001"]]


def test_the_digest_follows_the_meaning_and_not_the_layout(check: Any) -> None:
    first = check(ACCOUNT, SITE).programs["account"].digest
    assert (
        check("# a comment\n" + ACCOUNT.replace("title: Customer to account", "title: Other"), SITE)
        .programs["account"]
        .digest
        == first
    )
    assert (
        check(ACCOUNT.replace("else: 'Off'", "x"), SITE.replace("else: 'Off'", "else: 'On'")).programs["account"].digest
        != first
    )
    lines = check(LINES).programs["lines"].digest
    assert check(LINES.replace("Quantity * Amount__c", "Amount__c")).programs["lines"].digest != lines


def test_a_field_that_chargebee_leaves_out_is_null_to_a_rule(check: Any) -> None:
    rule = "  - {rule: bare, when: subscription.cancel_reason is null, then: nothing}\n"
    rules = check(LINES.replace("  - {rule: known,", rule + "  - {rule: known,"))
    roots = {
        "subscription": {"id": "s", "status": "active"},
        "previous": None,
        "linked": False,
        "sync": {"first": True, "initiated_by": "chargebee"},
        "settings": rules.settings["rules"],
        "run": RUN,
    }
    decision = rules.rulesets["rules"].decide(roots)
    assert (decision.rule, decision.problem) == ("bare", None)
    roots["subscription"] = {"id": "s", "status": "active", "cancel_reason": MISSING}
    problem = rules.rulesets["rules"].decide(roots).problem
    assert problem is not None
    assert (problem.code, problem.where, problem.at) == ("RT153", "rule bare", "a.yaml:37")


def test_a_record_that_no_rule_fits_and_a_condition_that_fails_are_problems_with_a_place(check: Any) -> None:
    text = LINES[: LINES.index("  - {rule: otherwise")] + LINES[LINES.index("---\ninterpret: 1\nproject") :]
    rules = check(text.replace("when: linked,", "when: 1 / int(subscription.id) > 0,"))
    roots: dict[str, Any] = {
        "subscription": {"id": "0", "status": "cancelled"},
        "previous": None,
        "linked": False,
        "sync": {"first": True, "initiated_by": "chargebee"},
        "settings": rules.settings["rules"],
        "run": RUN,
    }
    failed = rules.rulesets["rules"].decide(roots).problem
    assert failed is not None
    assert (failed.where, failed.at) == ("rule known", "a.yaml:37")
    roots["subscription"] = {"id": "-1", "status": "cancelled"}
    undecided = rules.rulesets["rules"].decide(roots).problem
    assert undecided is not None
    assert (undecided.code, undecided.at) == ("RT152", "a.yaml:30")

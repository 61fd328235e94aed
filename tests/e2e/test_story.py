"""The main job end to end, as a new user meets it: real clients, real HTTP, a real state, separate processes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from .conftest import Stage, request

COUNTED = ("created", "updated", "deleted", "rejected")


def totals(report: dict[str, Any]) -> dict[str, int]:
    return {name: sum(row[name] for row in report["objects"]) for name in COUNTED}


def test_first_run_creates_second_is_quiet_and_a_change_writes_its_fields_only(stage: Stage) -> None:
    first = stage.report("run")
    assert totals(first)["created"] > 250
    assert totals(first)["rejected"] == 0
    assert first["run"]["status"] == "completed"
    stage.calls()

    second = stage.report("run")
    assert totals(second) == dict.fromkeys(COUNTED, 0)
    assert stage.writes() == []
    assert sum(row["unchanged"] for row in second["objects"]) == totals(first)["created"]

    emails = {one["email"] for one in stage.contacts()["contacts"]}
    customer = next(one for one in stage.customers() if one.get("email", "").lower() in emails)
    stage.change_customer(customer["id"], phone="+49 30 123456")
    planned = stage.report("plan")
    assert [
        (one["mapping"], one["op"], {name: field["new"] for name, field in one["fields"].items()})
        for one in planned["operations"]
    ] == [
        ("customer-account", "update", {"Phone": "+49 30 123456"}),
        ("customer-contact", "update", {"Phone": "+49 30 123456"}),
        ("activecampaign-contact", "update", {"phone": "+49 30 123456"}),
    ]
    before = {row["Id"]: row for row in stage.soql("SELECT Id, Name, Phone, SystemModstamp FROM Account")}
    third = stage.report("run")
    assert totals(third) == {"created": 0, "updated": 3, "deleted": 0, "rejected": 0}
    after = {row["Id"]: row for row in stage.soql("SELECT Id, Name, Phone, SystemModstamp FROM Account")}
    changed = [key for key in after if after[key] != before[key]]
    assert [after[key]["Phone"] for key in changed] == ["+49 30 123456"]
    assert stage.contacts(email=customer["email"])["contacts"][0]["phone"] == "+49 30 123456"


def test_every_object_of_the_slice_arrives_with_its_parents(stage: Stage) -> None:
    stage.interpret("run")
    customers = {one["id"]: one for one in stage.customers()}
    accounts = stage.soql(
        "SELECT chargebeeapps__CB_Id__c, Name, BillingStreet, chargebeeapps__CB_Site__r.Name FROM Account"
    )
    assert {row["chargebeeapps__CB_Id__c"] for row in accounts} == set(customers)
    for row in accounts:
        address = customers[row["chargebeeapps__CB_Id__c"]].get("billing_address", {})
        lines = [address[name] for name in ("line1", "line2", "line3") if address.get(name)]
        assert row["BillingStreet"] == (", ".join(lines) or None)
    orphans = stage.soql("SELECT Id FROM Contact WHERE AccountId = null")
    assert orphans == []
    opportunities = stage.soql(
        "SELECT Amount, StageName, CloseDate, chargebeeapps__Subscription_Id__c, Pricebook2.Name, "
        "(SELECT TotalPrice, Quantity, UnitPrice, Discount FROM OpportunityLineItems) FROM Opportunity"
    )
    assert len(opportunities) >= 15
    for row in opportunities:
        lines = row["OpportunityLineItems"]["records"]
        assert row["Amount"] == pytest.approx(sum(line["TotalPrice"] for line in lines))
        assert row["StageName"] == "Closed Won"
        assert row["Pricebook2"]["Name"].startswith("Chargebee ")
    linked = stage.soql(
        "SELECT Name, chargebeeapps__Subscription_status__c, chargebeeapps__Opportunity__r.StageName "
        "FROM chargebeeapps__CB_Subscription__c WHERE chargebeeapps__Subscription_status__c = 'ACTIVE'"
    )
    assert linked
    assert all(row["chargebeeapps__Opportunity__r"]["StageName"] == "Closed Won" for row in linked)
    for invoice in stage.soql(
        "SELECT chargebeeapps__Sub_Total__c, (SELECT chargebeeapps__Amount__c FROM "
        "chargebeeapps__CB_Invoice_Line_Items__r) FROM chargebeeapps__CB_Invoice__c"
    ):
        rows = invoice["chargebeeapps__CB_Invoice_Line_Items__r"]["records"]
        total = sum(row["chargebeeapps__Amount__c"] for row in rows)
        assert total == pytest.approx(invoice["chargebeeapps__Sub_Total__c"])


def assert_no_duplicates(stage: Stage) -> None:
    """Every source record is at the target exactly once, by its external id or what tells it apart."""
    for name, key in [
        ("Account", "chargebeeapps__CB_Id__c"),
        ("Opportunity", "chargebeeapps__Subscription_Id__c"),
        ("chargebeeapps__CB_Invoice__c", "chargebeeapps__CB_Id__c"),
        ("Product2", "ProductCode"),
    ]:
        values = [row[key] for row in stage.soql(f"SELECT {key} FROM {name}")]
        assert len(values) == len(set(values)), name
    assert {row["chargebeeapps__CB_Id__c"] for row in stage.soql("SELECT chargebeeapps__CB_Id__c FROM Account")} == {
        one["id"] for one in stage.customers()
    }
    assert len(stage.soql("SELECT Id FROM Contact")) == len(stage.customers())
    rows = stage.soql("SELECT OpportunityId, PricebookEntryId FROM OpportunityLineItem")
    assert len(rows) == len({(row["OpportunityId"], row["PricebookEntryId"]) for row in rows})
    entries = stage.soql("SELECT Product2Id, Pricebook2Id FROM PricebookEntry")
    assert len(entries) == len({(row["Product2Id"], row["Pricebook2Id"]) for row in entries})


OVERLAY = """\
interpret: 1
overlay: acme-customer-account
extends: customer-account@1
add:
  fields:
    Account_Manager__c: customer.cf_account_manager
---
interpret: 1
overlay: acme-contact
extends: activecampaign-contact@1
add:
  custom_fields:
    ACME_MANAGER: customer.cf_account_manager
"""
SCHEMA = """\
interpret: 1
schema: acme
objects:
  chargebee.customer:
    fields:
      cf_account_manager: {type: string, label: Account manager}
  salesforce.Account:
    fields:
      Account_Manager__c: {type: string, length: 80, label: Account manager}
"""


def test_custom_field_needs_yaml_alone(stage: Stage) -> None:
    stage.interpret("run")
    stage.interpret("init", ".", "--name", "acme")
    stage.interpret("lint")
    (stage.folder / "overlays" / "acme.overlay.yaml").write_text(OVERLAY)
    wrong = stage.interpret("lint", code=1)
    assert "cf_account_manager" in wrong.stdout
    assert "overlays/acme.overlay.yaml:6:" in wrong.stdout
    (stage.folder / "schema" / "acme.yaml").write_text(SCHEMA)
    stage.interpret("lint")
    report = stage.report("run")
    assert totals(report)["rejected"] == 0
    assert any("ACME_MANAGER" in note for note in report["notes"])
    managers = {one["id"]: one.get("cf_account_manager") for one in stage.customers()}
    assert any(managers.values())
    rows = stage.soql("SELECT chargebeeapps__CB_Id__c, Account_Manager__c FROM Account")
    assert {row["chargebeeapps__CB_Id__c"]: row["Account_Manager__c"] for row in rows} == managers
    emails = {one["email"] for one in stage.contacts()["contacts"]}
    known = [one for one in stage.customers() if one.get("email", "").lower() in emails]
    managed = next(one for one in known if one.get("cf_account_manager"))
    assert stage.contact_values(managed["email"])["ACME_MANAGER"] == managed["cf_account_manager"]
    assert totals(stage.report("run")) == dict.fromkeys(COUNTED, 0)


@pytest.mark.parametrize("after_writes", [1, 3, 6, 9])
def test_killed_process_is_completed_by_the_next_run(stage: Stage, after_writes: int) -> None:
    stage.fault(system="salesforce", match="POST /", kind="delay", seconds=0.15, times=100)
    process = subprocess.Popen(
        stage.command("run"), cwd=stage.folder, env=stage.environment(), stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        seen = stage.calls(clear=False)["detail"]
        if sum(one["method"] != "GET" for one in seen) >= after_writes:
            break
        time.sleep(0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    stage._admin("DELETE", "/faults")
    report = stage.report("run")
    assert totals(report)["rejected"] == 0
    assert totals(stage.report("run")) == dict.fromkeys(COUNTED, 0)
    assert_no_duplicates(stage)


def test_bad_records_are_rejected_with_reason_and_fix_and_delay_no_other(stage: Stage) -> None:
    stage.interpret("sandbox", "reset", "--customers", "25", "--seed", "1", "--scenario", "faults")
    report = stage.report("run", code=1)
    assert report["run"]["status"] == "completed_with_errors"
    good = len(stage.customers()) - sum(
        row["rejected"] for row in report["objects"] if row["mapping"] == "customer-account"
    )
    assert len(stage.soql("SELECT Id FROM Account")) == good
    assert good >= 20
    errors = json.loads(stage.interpret("errors", "--output", "json", code=None).stdout)["errors"]
    assert errors
    for error in errors:
        assert error["code"]
        assert error["message"]
        assert error["fix"], error
        assert ":" in error["at"], error
    assert {error["kind"] for error in errors} <= {"permanent", "waiting", "mapping", "check", "transient"}
    quiet = stage.report("run", code=1)
    assert totals(quiet)["created"] == 0


def test_initial_run_takes_the_ten_latest(stage: Stage) -> None:
    report = stage.report("run", "--initial", "--select", "activecampaign-contact")
    row = next(row for row in report["objects"] if row["mapping"] == "activecampaign-contact")
    assert row["created"] + row["skipped"] == 10


def test_wrong_credential_and_dead_host_are_said_plainly(stage: Stage) -> None:
    stage.fault(system="chargebee", match="GET /", kind="status", status=401, body={"message": "no"}, times=20)
    refused = stage.interpret("run", code=77)
    assert "chargebee" in (refused.stdout + refused.stderr).lower()
    stage._admin("DELETE", "/faults")
    stage.fault(system="salesforce", match="GET /", kind="drop_before", times=50)
    dead = stage.interpret("run", code=69)
    assert "salesforce" in (dead.stdout + dead.stderr).lower()


def test_org_with_one_currency_is_synced_without_currency_fields(stage: Stage) -> None:
    login = stage.endpoints["salesforce"]
    settings = json.dumps({"multi_currency": False}).encode()
    request("PATCH", login["url"] + "/sandbox/settings", {"Authorization": f"Bearer {login['access_token']}"}, settings)
    assert totals(stage.report("run"))["rejected"] == 0
    assert len(stage.soql("SELECT Id FROM Opportunity")) > 10
    assert totals(stage.report("run")) == dict.fromkeys(COUNTED, 0)


@pytest.mark.parametrize("skip", [1, 4, 8, 11])
def test_answers_lost_after_the_write_make_no_duplicates(stage: Stage, skip: int) -> None:
    stage.fault(system="salesforce", match="POST /services/data/v59.0/composite", kind="drop_after", times=3, skip=skip)
    report = stage.report("run")
    assert totals(report)["rejected"] == 0
    assert_no_duplicates(stage)
    assert totals(stage.report("run")) == dict.fromkeys(COUNTED, 0)


def test_refusals_for_a_while_are_waited_out(stage: Stage) -> None:
    for system in ("chargebee", "salesforce", "activecampaign"):
        stage.fault(
            system=system, match="/", kind="status", status=429, headers={"Retry-After": "0"}, body={}, times=2, skip=2
        )
    assert totals(stage.report("run"))["rejected"] == 0
    assert_no_duplicates(stage)

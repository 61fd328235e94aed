"""Single records: validation by a golden table, ids, external ids, system fields, the recycle bin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce import ids
from tests.connectors.sandbox.salesforce.conftest import Client

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("save_cases.yaml").read_text(encoding="utf-8"))
CB_ID = "chargebeeapps__CB_Id__c"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_table(client: Client, case: dict[str, Any]) -> None:
    object_name = case.get("object", "Account")
    status, answer = client.call("POST", f"sobjects/{object_name}", case["send"])
    if "code" not in case:
        assert status == 201, answer
        record = client.call("GET", f"sobjects/{object_name}/{answer['id']}")[1]
        assert {name: record[name] for name in case["stored"]} == case["stored"]
        if case.get("name_is_id"):
            assert record["Name"] == answer["id"]
        return
    assert (status, answer[0]["errorCode"]) == (400, case["code"])
    if "message" in case:
        assert answer[0]["message"] == case["message"]
    if "fields" in case:
        assert answer[0]["fields"] == case["fields"]
    assert len(answer) == case.get("count", 1)
    assert client.query(f"SELECT COUNT() FROM {object_name} WHERE CreatedDate = TODAY")["totalSize"] == 0


def test_ids_carry_prefix_and_checksum_and_are_found_in_both_lengths(client: Client) -> None:
    record_id = client.create("Account", Name="Acme")
    assert len(record_id) == 18
    assert record_id.startswith("001")
    assert client.call("GET", f"sobjects/Account/{record_id[:15]}")[1]["Id"] == record_id
    # A checksum taken from a real id: the suffix encodes the capitals of each five characters.
    assert ids.canonical("001A0000006Vm9u") == "001A0000006Vm9uIAC"
    assert ids.canonical("001a0000006vm9uIAC") == "001A0000006Vm9uIAC"
    assert ids.canonical("001A0000006Vm9uIAD") is None


def test_system_fields_tell_who_and_when(client: Client, clock: Clock) -> None:
    record_id = client.create("Account", Name="Acme")
    clock.advance(90)
    client.call("PATCH", f"sobjects/Account/{record_id}", {"Name": "Acme 2"})
    record = client.call("GET", f"sobjects/Account/{record_id}")[1]
    assert record["CreatedDate"] == "2026-03-18T12:30:15.000+0000"
    assert record["LastModifiedDate"] == record["SystemModstamp"] == "2026-03-18T12:31:45.000+0000"
    assert record["OwnerId"] == record["CreatedById"] == client.org.settings["credentials"]["users"][0]["user_id"]


def test_update_answers_204_and_null_clears(client: Client) -> None:
    record_id = client.create("Account", Name="Acme", Phone="1")
    assert client.call("PATCH", f"sobjects/Account/{record_id}", {"Phone": None}) == (204, None)
    assert client.field("Account", record_id, "Phone") is None
    assert client.error("PATCH", f"sobjects/Account/{record_id}", {"Name": None})[1] == "REQUIRED_FIELD_MISSING"


def test_field_that_only_a_create_may_set_is_refused_on_update_even_when_unchanged(client: Client) -> None:
    account = client.create("Account", Name="Acme")
    subscription = client.create("chargebeeapps__CB_Subscription__c", chargebeeapps__Account__c=account)
    change = {"chargebeeapps__Account__c": account}
    path = f"sobjects/chargebeeapps__CB_Subscription__c/{subscription}"
    assert client.error("PATCH", path, change)[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_deleted_record_is_gone_with_its_own_code(client: Client) -> None:
    record_id = client.create("Account", Name="Acme")
    assert client.call("DELETE", f"sobjects/Account/{record_id}") == (204, None)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"Name": "x"} if method == "PATCH" else None
        assert client.error(method, f"sobjects/Account/{record_id}", body) == (
            404,
            "ENTITY_IS_DELETED",
            "entity is deleted",
        )


def test_unknown_ids_objects_and_keys_are_not_found(client: Client) -> None:
    gone = (404, "NOT_FOUND", "The requested resource does not exist")
    assert client.error("GET", "sobjects/Account/0015g00000000zzAAA") == gone
    assert client.error("GET", "sobjects/Nothing__c/0015g00000000zzAAA") == gone
    assert client.error("GET", f"sobjects/Account/{CB_ID}/c9") == gone
    text = "Provided external ID field does not exist or is not accessible: Phone"
    assert client.error("GET", "sobjects/Account/Phone/1") == (404, "NOT_FOUND", text)


def test_upsert_creates_with_201_and_updates_with_200(client: Client) -> None:
    path = f"sobjects/Account/{CB_ID}/c%2F1%20x"
    status, made = client.call("PATCH", path, {"Name": "Acme"})
    assert (status, made["created"]) == (201, True)
    assert client.call("PATCH", path, {"Name": "Acme 2"}) == (
        200,
        {"id": made["id"], "success": True, "errors": [], "created": False},
    )
    record = client.call("GET", path)[1]
    assert (record["Name"], record[CB_ID]) == ("Acme 2", "c/1 x")


def test_upsert_body_must_not_repeat_the_key(client: Client) -> None:
    text = f"The {CB_ID} field should not be specified in the sobject data."
    path = f"sobjects/Account/{CB_ID}/c1"
    assert client.error("PATCH", path, {"Name": "A", CB_ID: "c1"}) == (400, "INVALID_FIELD", text)


def test_several_matches_answer_300_with_their_addresses(client: Client) -> None:
    found = [client.create("Contact", LastName=name, Email="same@x.example") for name in ("A", "B")]
    status, answer = client.call("GET", "sobjects/Contact/Email/SAME@x.example")
    assert (status, answer) == (300, [f"/services/data/v59.0/sobjects/Contact/{record_id}" for record_id in found])


def test_unique_field_refuses_a_second_record_and_names_the_first(client: Client) -> None:
    first = client.create("Account", Name="A", **{CB_ID: "c1"})
    text = f"duplicate value found: {CB_ID} duplicates value on record with id: {first[:15]}"
    assert client.error("POST", "sobjects/Account", {"Name": "B", CB_ID: "c1"}) == (400, "DUPLICATE_VALUE", text)
    client.create("Account", Name="B", **{CB_ID: "C1"})
    client.call("DELETE", f"sobjects/Account/{first}")
    client.create("Account", Name="C", **{CB_ID: "c1"})


def test_parent_may_be_named_by_its_external_id_or_cleared(client: Client) -> None:
    account = client.create("Account", Name="A", **{CB_ID: "c7"})
    contact = client.create("Contact", LastName="Ann", Account={CB_ID: "c7"})
    assert client.field("Contact", contact, "AccountId") == account
    client.call("PATCH", f"sobjects/Contact/{contact}", {"Account": None})
    assert client.field("Contact", contact, "AccountId") is None


def test_deleting_a_master_deletes_its_details_and_clears_lookups(client: Client) -> None:
    account = client.create("Account", Name="A")
    site = client.create("chargebeeapps__CB_Site__c", chargebeeapps__Domain__c="acme")
    invoice = client.create(
        "chargebeeapps__CB_Invoice__c", chargebeeapps__Account__c=account, chargebeeapps__CB_Site__c=site
    )
    line = client.create("chargebeeapps__CB_Invoice_Line_Item__c", chargebeeapps__CB_Invoice__c=invoice)
    client.call("DELETE", f"sobjects/chargebeeapps__CB_Site__c/{site}")
    assert client.field("chargebeeapps__CB_Invoice__c", invoice, "chargebeeapps__CB_Site__c") is None
    client.call("DELETE", f"sobjects/Account/{account}")
    assert client.error("GET", f"sobjects/chargebeeapps__CB_Invoice__c/{invoice}")[1] == "ENTITY_IS_DELETED"
    assert client.error("GET", f"sobjects/chargebeeapps__CB_Invoice_Line_Item__c/{line}")[1] == "ENTITY_IS_DELETED"
    text = {"LastName": "A", "AccountId": account}
    assert client.error("POST", "sobjects/Contact", text)[1] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"


def test_changed_records_are_listed_by_time(client: Client, clock: Clock) -> None:
    kept, gone = client.create("Account", Name="A"), client.create("Account", Name="B")
    clock.advance(60)
    client.call("DELETE", f"sobjects/Account/{gone}")
    span = "start=2026-03-18T12:00:00%2B00:00&end=2026-03-18T13:00:00%2B00:00"
    assert client.call("GET", f"sobjects/Account/updated/?{span}")[1]["ids"] == [kept]
    deleted = client.call("GET", f"sobjects/Account/deleted/?{span}")[1]["deletedRecords"]
    assert deleted == [{"id": gone, "deletedDate": "2026-03-18T12:31:15.000+0000"}]

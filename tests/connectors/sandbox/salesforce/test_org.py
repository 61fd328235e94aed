"""The org itself: seeding, restarts, custom fields, and the catalog it is made from."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce import world
from fieldwright.connectors.sandbox.salesforce.app import close, create_app, credentials_of
from tests.connectors.sandbox.salesforce.conftest import CREDENTIALS, TOKEN, Client


def test_new_org_has_stages_currencies_users_and_the_standard_book(client: Client) -> None:
    assert client.rows("SELECT MasterLabel FROM OpportunityStage WHERE IsClosed = true ORDER BY SortOrder") == [
        ("Closed Won",),
        ("Closed Lost",),
    ]
    assert client.rows("SELECT IsoCode, DecimalPlaces FROM CurrencyType ORDER BY IsoCode") == [
        ("EUR", 2),
        ("GBP", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("USD", 2),
    ]
    assert client.rows("SELECT Name FROM Pricebook2 WHERE IsStandard = true") == [("Standard Price Book",)]
    assert client.rows("SELECT Name, IsSandbox FROM Organization") == [("Acme (sandbox)", True)]
    assert client.rows("SELECT Profile.PermissionsModifyAllData FROM User LIMIT 1")[0][0]["PermissionsModifyAllData"]


def test_same_seed_makes_the_same_org(tmp_path: Path, clock: Clock) -> None:
    found = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        world.seed(tmp_path / name, clock, customers=3, seed=seed)
        application = create_app(tmp_path / name, clock, access_token=TOKEN)
        found.append(Client(application).rows("SELECT Id FROM Organization"))
        close(application)
    assert found[0] == found[1] != found[2]


def test_records_settings_fields_and_cursors_survive_a_restart(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "org.db"
    application = create_app(path, clock, **CREDENTIALS)
    first = Client(application)
    made = first.create("Account", Name="A")
    rows = [{"attributes": {"type": "Account"}, "Name": str(number)} for number in range(200)]
    for _ in range(11):
        first.call("POST", "composite/sobjects", {"records": rows})
    page = first.query("SELECT Name FROM Account")
    field = {"FullName": "Account.Tier__c", "Metadata": {"type": "Text", "length": 40, "label": "Tier"}}
    first.call("POST", "tooling/sobjects/CustomField", field)
    first.configure(daily_limit=5000)
    close(application)

    again = create_app(path, clock)
    second = Client(again)
    assert credentials_of(again)["client_secret"] == CREDENTIALS["client_secret"]
    assert second.field("Account", made, "Tier__c") is None
    assert len(second.call("GET", page["nextRecordsUrl"])[1]["records"]) == 201
    assert second.org.settings["daily_limit"] == 5000
    assert second.create("Account", Name="B") > made
    close(again)


METADATA = {
    "Text": {"length": 40},
    "Number": {"precision": 18, "scale": 2},
    "Currency": {"precision": 18, "scale": 2},
    "Percent": {"precision": 5, "scale": 2},
    "Checkbox": {"defaultValue": "true"},
    "Date": {},
    "DateTime": {},
    "Picklist": {"valueSet": {"restricted": True, "valueSetDefinition": {"value": [{"fullName": "Gold"}]}}},
    "Email": {},
    "Phone": {},
    "Url": {},
    "TextArea": {},
    "Lookup": {"referenceTo": "Contact", "relationshipName": "Sponsored"},
}
VALUES = {
    "Text": ("abc", "string"),
    "Number": (1.25, "double"),
    "Currency": (9.99, "currency"),
    "Percent": (12.5, "percent"),
    "Checkbox": (False, "boolean"),
    "Date": ("2026-01-02", "date"),
    "DateTime": ("2026-01-02T03:04:05.000+0000", "datetime"),
    "Picklist": ("Gold", "picklist"),
    "Email": ("a@b.example", "email"),
    "Phone": ("1", "phone"),
    "Url": ("https://x.example", "url"),
    "TextArea": ("a\nb", "textarea"),
}


@pytest.mark.parametrize("kind", METADATA)
def test_custom_field_is_known_at_once_to_describe_saves_and_queries(client: Client, kind: str) -> None:
    old = client.create("Account", Name="Old")
    client.call("GET", "sobjects/Account/describe")
    body = {"FullName": "Account.New_One__c", "Metadata": {"type": kind, "label": "New one", **METADATA[kind]}}
    status, answer = client.call("POST", "tooling/sobjects/CustomField", body)
    assert (status, answer["success"]) == (201, True)
    value, type_name = VALUES.get(kind, (None, "reference"))
    if kind == "Lookup":
        value = client.create("Contact", LastName="Ann")
    described = client.call("GET", "sobjects/Account/describe")[1]["fields"]
    found = next(field for field in described if field["name"] == "New_One__c")
    assert (found["type"], found["label"], found["custom"]) == (type_name, "New one", True)
    record_id = client.create("Account", Name="A", New_One__c=value)
    assert client.rows(f"SELECT New_One__c FROM Account WHERE Id = '{record_id}'") == [(value,)]
    assert client.field("Account", old, "New_One__c") == (True if kind == "Checkbox" else None)
    assert client.error("POST", "tooling/sobjects/CustomField", body)[1] == "DUPLICATE_DEVELOPER_NAME"


def test_restricted_values_and_lookups_of_custom_fields_work(client: Client) -> None:
    for kind in ("Picklist", "Lookup"):
        body = {"FullName": f"Account.X{kind}__c", "Metadata": {"type": kind, "label": "x", **METADATA[kind]}}
        assert client.call("POST", "tooling/sobjects/CustomField", body)[0] == 201
    refused = client.error("POST", "sobjects/Account", {"Name": "A", "XPicklist__c": "Tin"})
    assert refused[1] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    contact = client.create("Contact", LastName="Ann")
    client.create("Account", Name="A", XLookup__c=contact)
    record = client.query("SELECT XLookup__r.LastName FROM Account")["records"][0]
    assert record["XLookup__r"]["LastName"] == "Ann"
    parents = client.query("SELECT LastName, (SELECT Name FROM Sponsored__r) FROM Contact")["records"]
    assert parents[0]["Sponsored__r"]["records"][0]["Name"] == "A"


def test_tooling_query_lists_custom_fields(client: Client) -> None:
    text = "SELECT DeveloperName, NamespacePrefix FROM CustomField WHERE TableEnumOrId = 'Pricebook2'"
    answer = client.call("GET", f"tooling/query?q={quote(text)}")[1]
    names = [(row["DeveloperName"], row["NamespacePrefix"]) for row in answer["records"]]
    assert names == [("CB_Id", "chargebeeapps"), ("CB_Site", "chargebeeapps")]


def test_catalog_is_consistent() -> None:
    catalog = world.read_catalog()["objects"]
    prefixes = [item["key_prefix"] for item in catalog.values()]
    assert len(set(prefixes)) == len(prefixes)
    for name, item in catalog.items():
        named = [field for field in item["fields"].values() if field.get("nameField")]
        assert len(named) <= 1, name
        for field_name, field in item["fields"].items():
            where = f"{name}.{field_name}"
            assert field["status"] in ("documented", "seen", "inferred"), where
            if field["type"] in ("string", "textarea", "email", "phone", "url", "picklist"):
                assert field.get("length"), where
            if field["type"] in ("double", "currency", "percent"):
                assert field.get("precision"), where
            if field["type"] == "reference":
                assert field["referenceTo"], where
            if field.get("unique"):
                assert field.get("caseSensitive"), where

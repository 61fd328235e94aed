"""SOQL from the outside: the golden table, nesting, paging and the recycle bin."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from fieldwright.connectors.sandbox.clock import Clock
from tests.connectors.sandbox.salesforce.conftest import NOW, Client

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("soql_cases.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def filled(client: Client, clock: Clock) -> Client:
    clock.advance(-8 * 86400)
    acme = client.create("Account", Name="Acme", NumberOfEmployees=3)
    beta = client.create("Account", Name="beta GmbH")
    client.create("Account", Name="Gamma's", NumberOfEmployees=10)
    client.create("Account", Name="100% Ünïcode", NumberOfEmployees=5)
    client.create("Contact", LastName="Ann", Email="ann@x.example", AccountId=acme, Birthdate="1990-05-04")
    client.create("Contact", LastName="Bob", AccountId=acme)
    client.create("Contact", LastName="Cid", AccountId=beta)
    clock.set(NOW)
    client.create("Contact", LastName="Dee")
    return client


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["q"])
def test_golden_table(filled: Client, case: dict[str, Any]) -> None:
    if "code" in case:
        status, code, message = filled.error("GET", f"query?q={quote(case['q'])}")
        assert (status, code) == (400, case["code"])
        assert case["says"] in message
    elif "total" in case:
        assert filled.query(case["q"])["totalSize"] == case["total"]
    else:
        assert [list(row) for row in filled.rows(case["q"])] == case["rows"]


def test_parents_and_children_are_nested_with_their_attributes(filled: Client) -> None:
    answer = filled.query("SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC) FROM Account LIMIT 3")
    acme, _, gamma = answer["records"]
    assert acme["attributes"]["type"] == "Account"
    children = acme["Contacts"]
    assert children["totalSize"] == 2
    assert [child["LastName"] for child in children["records"]] == ["Bob", "Ann"]
    assert children["records"][0]["attributes"]["url"].startswith("/services/data/v59.0/sobjects/Contact/003")
    assert gamma["Contacts"] is None
    dee = filled.query("SELECT Account.Name, Account.Owner.Name FROM Contact WHERE LastName = 'Dee'")["records"][0]
    assert dee["Account"] is None
    ann = filled.query("SELECT Account.Name, account.owner.name FROM Contact WHERE LastName = 'Ann'")["records"][0]
    assert ann["Account"]["Name"] == "Acme"
    assert ann["Account"]["Owner"]["Name"] == "Ina Integration"


def test_child_limit_counts_per_parent(filled: Client) -> None:
    answer = filled.query("SELECT Name, (SELECT LastName FROM Contacts LIMIT 1) FROM Account WHERE Name != 'Gamma\\'s'")
    assert [r["Contacts"]["totalSize"] if r["Contacts"] else 0 for r in answer["records"]] == [1, 1, 0]


def test_address_is_put_together_from_its_parts(client: Client) -> None:
    client.create("Account", Name="A", BillingCity="Köln", BillingCountry="Germany")
    record = client.query("SELECT BillingAddress, ShippingAddress FROM Account")["records"][0]
    assert record["BillingAddress"] == {
        "city": "Köln",
        "country": "Germany",
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": None,
        "state": None,
        "street": None,
    }
    assert record["ShippingAddress"] is None


def make_many(client: Client, count: int) -> None:
    for start in range(0, count, 200):
        numbers = range(start, min(start + 200, count))
        rows = [{"attributes": {"type": "Account"}, "Name": f"A{number:05d}"} for number in numbers]
        _, answer = client.call("POST", "composite/sobjects", {"records": rows})
        assert all(row["success"] for row in answer)


def test_pages_of_2000_neither_shift_nor_repeat_when_records_change_between_them(client: Client) -> None:
    make_many(client, 4100)
    page = client.query("SELECT Name FROM Account ORDER BY Name DESC")
    assert (page["totalSize"], page["done"], len(page["records"])) == (4100, False, 2000)
    names = [record["Name"] for record in page["records"]]
    client.create("Account", Name="A99999")
    while not page["done"]:
        status, page = client.call("GET", page["nextRecordsUrl"])
        assert status == 200
        names += [record["Name"] for record in page["records"]]
    assert names == [f"A{number:05d}" for number in range(4099, -1, -1)]


def test_page_size_follows_the_query_options_header(client: Client) -> None:
    make_many(client, 450)
    path = f"query?q={quote('SELECT Name FROM Account')}"
    _, page = client.call("GET", path, sforce_query_options="batchSize=200")
    assert len(page["records"]) == 200
    assert page["nextRecordsUrl"].endswith("-200")


def test_cursor_dies_after_two_days(client: Client, clock: Clock) -> None:
    make_many(client, 2001)
    page = client.query("SELECT Name FROM Account")
    clock.advance(2 * 86400 + 1)
    client.org.configure(token_lifetime=10**9)
    assert client.error("GET", page["nextRecordsUrl"]) == (400, "INVALID_QUERY_LOCATOR", "invalid query locator")


def test_query_all_reads_the_recycle_bin(client: Client) -> None:
    gone = client.create("Account", Name="Gone")
    client.call("DELETE", f"sobjects/Account/{gone}")
    assert client.rows("SELECT Name FROM Account") == []
    _, answer = client.call("GET", f"queryAll?q={quote('SELECT Name, IsDeleted FROM Account')}")
    assert [(row["Name"], row["IsDeleted"]) for row in answer["records"]] == [("Gone", True)]


def test_case_sensitive_external_id_is_compared_exactly(client: Client) -> None:
    client.create("Account", Name="A", chargebeeapps__CB_Id__c="Ab")
    assert client.rows("SELECT Name FROM Account WHERE chargebeeapps__CB_Id__c = 'ab'") == []
    assert client.rows("SELECT Name FROM Account WHERE chargebeeapps__CB_Id__c = 'Ab'") == [("A",)]


def test_long_query_in_the_address_is_refused_with_414(client: Client) -> None:
    assert client.raw("GET", f"query?q={'x' * 16_400}").status == 414

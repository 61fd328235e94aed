"""Real clients over HTTP: simple-salesforce with every way of signing in, and plain httpx."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest
import requests
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from fieldwright.connectors.sandbox.clock import Clock
from tests.connectors.sandbox.salesforce.conftest import CREDENTIALS, TOKEN, Client, V


class LoopbackSession(requests.Session):
    """Sends what simple-salesforce addresses to https://*.salesforce.com or the loopback to the emulator."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.trust_env = False
        self.base = urlsplit(base)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(url))
        host = parts.hostname or ""
        assert host == self.base.hostname or host.endswith(".salesforce.com"), host
        moved = urlunsplit((self.base.scheme, self.base.netloc, parts.path, parts.query, ""))
        return super().request(method, moved, *args, **kwargs)


@pytest.fixture
def session(served: str) -> Iterator[LoopbackSession]:
    with LoopbackSession(served) as opened:
        yield opened


@pytest.fixture
def sf(served: str, session: LoopbackSession) -> Salesforce:
    return Salesforce(session_id=TOKEN, instance_url=served, session=session)


LOGINS = {
    "soap": {"username": CREDENTIALS["username"], "password": CREDENTIALS["password"], "security_token": "SEC"},
    "oauth password": {
        "username": CREDENTIALS["username"],
        "password": CREDENTIALS["password"],
        "consumer_key": CREDENTIALS["client_id"],
        "consumer_secret": CREDENTIALS["client_secret"],
    },
    "client credentials": {
        "consumer_key": CREDENTIALS["client_id"],
        "consumer_secret": CREDENTIALS["client_secret"],
        "domain": "acme.my",
    },
}


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_every_login_of_simple_salesforce_gets_a_session(session: LoopbackSession, login: dict[str, str]) -> None:
    sf = Salesforce(session=session, **login)
    assert sf.query("SELECT Name FROM User ORDER BY Name")["totalSize"] == 2


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_wrong_secrets_are_refused(session: LoopbackSession, login: dict[str, str]) -> None:
    wrong = "password" if "password" in login else "consumer_secret"
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(session=session, **{**login, wrong: "nonsense"})
    assert caught.value.code in ("INVALID_LOGIN", "invalid_grant", "invalid_client", "sf:INVALID_LOGIN")


def test_jwt_bearer_takes_assertions_signed_with_the_known_key(client: Client, session: LoopbackSession) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    login = {"username": CREDENTIALS["username"], "consumer_key": CREDENTIALS["client_id"], "privatekey": private}
    with pytest.warns(UserWarning, match="authorize"), pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(session=session, **login)
    # The client stamps its assertion with real time.
    client.org.clock.set(datetime.now(UTC))
    client.org.settings["credentials"]["jwt_public_key"] = public.decode()
    assert Salesforce(session=session, **login).query("SELECT Id FROM User")["totalSize"] == 2


def test_records_by_simple_salesforce(sf: Salesforce) -> None:
    made = sf.Account.create({"Name": "Acme"})
    assert made["success"] is True
    assert sf.Account.update(made["id"], {"Phone": "1"}) == 204
    assert sf.Account.get(made["id"])["Phone"] == "1"
    assert sf.Account.upsert("chargebeeapps__CB_Id__c/c1", {"Name": "B"}) == 201
    assert sf.Account.upsert("chargebeeapps__CB_Id__c/c1", {"Name": "B2"}) == 200
    assert sf.Account.get_by_custom_id("chargebeeapps__CB_Id__c", "c1")["Name"] == "B2"
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        sf.Account.get(made["id"])
    assert gone.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Contact.create({"FirstName": "Ann"})
    assert refused.value.content[0]["fields"] == ["LastName"]
    assert [row["Name"] for row in sf.query_all("SELECT Name FROM Account")["records"]] == ["B2"]
    assert sf.query_all("SELECT Name FROM Account", include_deleted=True)["totalSize"] == 2
    assert sf.api_usage["api-usage"].total == 100_000
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000


def test_describe_by_simple_salesforce(sf: Salesforce) -> None:
    names = {item["name"] for item in sf.describe()["sobjects"]}
    assert {"Account", "OpportunityLineItem", "chargebeeapps__CB_Subscription__c"} <= names
    found = {field["name"]: field for field in sf.Account.describe()["fields"]}
    key = found["chargebeeapps__CB_Id__c"]
    assert (key["externalId"], key["unique"], key["caseSensitive"], key["length"]) == (True, True, True, 255)
    assert found["BillingCity"]["length"] == 40
    assert [value["value"] for value in found["CurrencyIsoCode"]["picklistValues"]] == [
        "EUR",
        "GBP",
        "JPY",
        "KWD",
        "USD",
    ]
    children = {child["relationshipName"] for child in sf.Account.describe()["childRelationships"]}
    assert {"Contacts", "Opportunities", "chargebeeapps__CB_Subscriptions__r"} <= children


def test_expired_session_is_answered_with_401_and_a_list(client: Client, served: str, clock: Clock) -> None:
    form = {"grant_type": "client_credentials", "client_id": "the-client", "client_secret": "the-secret"}
    with httpx.Client(base_url=served) as web:
        token = web.post("/services/oauth2/token", data=form).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        who = web.get(token["id"], headers=headers).json()
        assert (who["username"], who["user_id"]) == (CREDENTIALS["username"], token["id"].rsplit("/", 1)[1])
        assert web.get("/services/oauth2/userinfo", headers=headers).json()["name"] == "Ina Integration"
        clock.advance(7201)
        answer = web.get(f"{V}/limits", headers=headers)
        assert (answer.status_code, answer.json()) == (
            401,
            [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
        )


def test_code_flow_gives_a_refresh_token_that_outlives_the_session(served: str, clock: Clock) -> None:
    with httpx.Client(base_url=served) as web:
        asked = {
            "response_type": "code",
            "client_id": "the-client",
            "redirect_uri": "http://127.0.0.1:1/cb",
            "state": "s",
        }
        sent = web.get("/services/oauth2/authorize", params=asked)
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (sent.status_code, back["state"]) == (302, ["s"])
        secret = {"client_id": "the-client", "client_secret": "the-secret"}
        form = {"grant_type": "authorization_code", "code": back["code"][0], **secret}
        token = web.post("/services/oauth2/token", data=form).json()
        assert web.post("/services/oauth2/token", data=form).json()["error"] == "invalid_grant"
        clock.advance(10**6)
        form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"], **secret}
        fresh = web.post("/services/oauth2/token", data=form).json()["access_token"]
        assert web.get(f"{V}/limits", headers={"Authorization": f"Bearer {fresh}"}).status_code == 200


def test_versions_and_directory(served: str) -> None:
    with httpx.Client(base_url=served, headers={"Authorization": f"Bearer {TOKEN}"}) as web:
        versions = web.get("/services/data", headers={"Authorization": ""})
        assert {"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"} in versions.json()
        assert "sforce-limit-info" not in versions.headers
        directory = web.get(f"{V}/")
        assert directory.json()["sobjects"] == f"{V}/sobjects"
        assert directory.headers["sforce-limit-info"].startswith("api-usage=1/")
        assert web.get("/services/data/v99.0/limits").status_code == 404
        bad = web.post(f"{V}/sobjects/Account", content=b"{nope", headers={"Content-Type": "application/json"})
        assert (bad.status_code, bad.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_daily_limit_refuses_further_calls_until_tomorrow(client: Client, clock: Clock) -> None:
    client.configure(daily_limit=1)
    assert client.call("GET", "limits")[0] == 200
    assert client.error("GET", "limits") == (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    clock.advance(86400)
    assert client.call("GET", "limits")[0] == 200


def test_bulk_upsert_by_simple_salesforce(sf: Salesforce, client: Client) -> None:
    key = "chargebeeapps__CB_Id__c"
    client.create("Account", Name="Old", Phone="1", Fax="2", **{key: "c1"})
    records = [
        {key: "c1", "Name": "New, Inc", "Phone": "#N/A", "Fax": ""},
        {key: "c2", "Name": 'Quo"te\nd', "Phone": "3", "Fax": ""},
        {key: "c3", "Name": "", "Phone": "3", "Fax": ""},
    ]
    result = sf.bulk2.Account.upsert(records=records, external_id_field=key, wait=0.01)[0]
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (3, 1)
    failed = list(csv.DictReader(io.StringIO(sf.bulk2.Account.get_failed_records(result["job_id"]))))
    assert failed[0]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    good = list(csv.DictReader(io.StringIO(sf.bulk2.Account.get_successful_records(result["job_id"]))))
    assert [row["sf__Created"] for row in good] == ["false", "true"]
    rows = client.rows("SELECT Name, Phone, Fax FROM Account ORDER BY Name")
    assert rows == [("New, Inc", None, "2"), ('Quo"te\nd', "3", None)]


def test_bulk_parents_by_external_id_and_deletes(sf: Salesforce, client: Client) -> None:
    key = "chargebeeapps__CB_Id__c"
    account = client.create("Account", Name="A", **{key: "c1"})
    rows = [{"LastName": "Ann", f"Account.{key}": "c1"}, {"LastName": "Bob", f"Account.{key}": "zz"}]
    result = sf.bulk2.Contact.insert(records=rows, wait=0.01)[0]
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (2, 1)
    assert client.rows("SELECT LastName, AccountId FROM Contact") == [("Ann", account)]
    sf.bulk2.Account.delete(records=[{"Id": account}], wait=0.01)
    assert client.rows("SELECT Name FROM Account") == []


def test_bulk_job_with_an_unknown_column_fails_as_a_whole(sf: Salesforce, client: Client) -> None:
    with pytest.raises(Exception, match="Field name not found : Nonsense__c"):
        sf.bulk2.Account.insert(records=[{"Name": "A", "Nonsense__c": "1"}], wait=0.01)
    assert client.rows("SELECT Name FROM Account") == []


def test_bulk_query_answers_csv_in_pages(sf: Salesforce, client: Client) -> None:
    for name in "ABC":
        client.create("Account", Name=name)
    text = "SELECT Name, Phone, Owner.Name FROM Account ORDER BY Name"
    pages = list(sf.bulk2.Account.query(text, max_records=2, wait=0.01))
    rows = [list(csv.DictReader(io.StringIO(page))) for page in pages]
    assert [[row["Name"] for row in page] for page in rows] == [["A", "B"], ["C"]]
    assert rows[0][0] == {"Name": "A", "Phone": "", "Owner.Name": "Ina Integration"}


def test_search_finds_words(sf: Salesforce, client: Client) -> None:
    client.create("Account", Name="Acme Ltd")
    client.create("Contact", LastName="Ann", Email="acme@x.example")
    found = sf.search("FIND {acme} IN ALL FIELDS RETURNING Account(Id, Name), Contact(Id, LastName)")["searchRecords"]
    assert [record["attributes"]["type"] for record in found] == ["Account", "Contact"]

"""Looking up what an org holds, logging in, and the acceptance kit, against the emulated org."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldwright.connectors import contract
from fieldwright.connectors.contract import TargetCase
from fieldwright.connectors.salesforce.client import login_arguments
from fieldwright.connectors.salesforce.target import SalesforceTarget
from fieldwright.connectors.sandbox.server import Sandbox
from fieldwright.dsl import types
from fieldwright.runtime.connector import CustomField, FindRequest
from fieldwright.runtime.errors import AccessRefused, ConfigError, ObjectRefused, Unavailable
from fieldwright.runtime.records import Op, Operation, Result

KEY = "chargebeeapps__CB_Id__c"
ACCOUNT = "salesforce.Account"
CONTACT = "salesforce.Contact"
Unique = Callable[[], str]


def make(target: SalesforceTarget, count: int, unique: Unique, **fields: Any) -> list[tuple[str, str]]:
    """Accounts as (key, id)."""
    keys = [unique() for _ in range(count)]
    operations = [
        Operation(Op.CREATE, "m", ACCOUNT, key, {"Name": f"Acme {key}", KEY: key, **fields}, key={KEY: key})
        for key in keys
    ]
    outcomes = target.apply(operations)
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    return [(key, outcome.target_id or "") for key, outcome in zip(keys, outcomes, strict=True)]


def test_five_objects_are_counted_in_one_call(target: SalesforceTarget) -> None:
    before = target.calls()
    names = [f"salesforce.{name}" for name in ("Account", "Contact", "Nope", "Opportunity", "Pricebook2")]
    counts = target.count(names)
    assert target.calls() - before == 1
    assert list(counts) == names
    assert counts["salesforce.Nope"] is None
    assert counts["salesforce.Pricebook2"] == 1


def test_a_thousand_keys_are_looked_up_in_one_call(target: SalesforceTarget, unique: Unique) -> None:
    made = make(target, 300, unique)
    keys = [{KEY: key} for key, _ in made] + [{KEY: f"absent-{place}"} for place in range(700)]
    before = target.calls()
    found = list(target.find(FindRequest(ACCOUNT, keys, ["Name"])))
    assert target.calls() - before == 1
    assert sorted((place, record.id) for place, record in found) == [(i, made[i][1]) for i in range(300)]


def test_long_lists_stay_below_the_address_limit(
    target: SalesforceTarget, org: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    gets = target._client.gets
    monkeypatch.setattr(target._client, "gets", lambda found: urls.extend(found) or gets(found))
    list(target.find(FindRequest(ACCOUNT, [{KEY: f"ä{n:060d}"} for n in range(1200)], ["Name"])))
    assert len(urls) > 5
    assert max(map(len, urls)) <= 15_200


def test_an_email_key_is_found_whatever_its_case(target: SalesforceTarget, unique: Unique) -> None:
    email = f"Jane.{unique()}@Example.ORG"
    (outcome,) = target.apply([Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": "Roe", "Email": email})])
    keys = [{"Email": email.upper()}, {"Email": "nobody@example.org"}, {"Email": None}]
    found = list(target.find(FindRequest(CONTACT, keys, ["Email"])))
    assert [(place, record.id, record.fields) for place, record in found] == [
        (0, outcome.target_id, {"Email": email.lower()})
    ]


def test_a_compound_key_matches_on_all_its_fields(target: SalesforceTarget, unique: Unique) -> None:
    (_, one), (_, two) = make(target, 2, unique)
    for parent, name in ((one, "Roe"), (two, "Roe"), (two, "Doe")):
        target.apply([Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": name, "AccountId": parent})])
    keys = [{"AccountId": two, "LastName": "Roe"}, {"AccountId": one, "LastName": "Doe"}]
    found = list(target.find(FindRequest(CONTACT, keys, ["LastName", "AccountId"])))
    assert [(place, record.fields) for place, record in found] == [(0, {"LastName": "Roe", "AccountId": two})]


def test_an_id_of_fifteen_characters_is_a_key(target: SalesforceTarget, unique: Unique) -> None:
    ((_, parent),) = make(target, 1, unique)
    target.apply([Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": "Roe", "AccountId": parent})])
    found = list(target.find(FindRequest(CONTACT, [{"AccountId": parent[:15]}], ["LastName"])))
    assert [(place, record.fields) for place, record in found] == [(0, {"LastName": "Roe"})]


def test_who_and_where_we_are_is_told_by_reads_alone(target: SalesforceTarget, org: Sandbox) -> None:
    identity = target.check()
    assert {call.method for call in org.log.calls()} == {"GET"}
    assert identity.user == org.endpoints.salesforce.username
    assert identity.facts["standard_pricebook_id"].startswith("01s")
    assert identity.facts["multi_currency"] is True


def test_a_key_that_several_records_answer_gives_all_of_them(target: SalesforceTarget, unique: Unique) -> None:
    name = f"Twin {unique()}"
    make(target, 2, unique, Name=name)
    found = list(target.find(FindRequest(ACCOUNT, [{"Name": name}], ["Name"])))
    assert [place for place, _ in found] == [0, 0]


@pytest.mark.parametrize("value", ["x' OR Name != '", "back\\slash", "line\nbreak", "100%_", '"quoted"', "a+b & c=d?#"])
def test_key_values_cannot_leave_their_quotes(target: SalesforceTarget, unique: Unique, value: str) -> None:
    make(target, 1, unique)
    text = f"{value} {unique()}"
    assert list(target.find(FindRequest(ACCOUNT, [{"Name": text}], ["Name"]))) == []
    ((_, made),) = make(target, 1, unique, Name=text)
    found = list(target.find(FindRequest(ACCOUNT, [{"Name": text}], ["Name"])))
    assert [(record.id, record.fields["Name"]) for _, record in found] == [(made, text)]


def test_more_rows_than_a_page_are_followed_to_the_end(target: SalesforceTarget, unique: Unique) -> None:
    ((_, parent),) = make(target, 1, unique)
    for start in range(0, 2200, 1000):
        rows = [
            Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": f"n{row}", "AccountId": parent})
            for row in range(start, min(start + 1000, 2200))
        ]
        target.apply(rows)
    names = {record.fields["LastName"] for _, record in target.children(CONTACT, "AccountId", [parent], ["LastName"])}
    assert len(names) == 2200


def test_children_come_with_the_parent_id_that_was_asked_for(target: SalesforceTarget, unique: Unique) -> None:
    ((_, parent),) = make(target, 1, unique)
    target.apply([Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": "Roe", "AccountId": parent})])
    short = parent[:15]
    found = list(target.children(CONTACT, "AccountId", [short], ["LastName"]))
    assert [(given, record.fields) for given, record in found] == [(short, {"LastName": "Roe"})]


def test_a_path_reads_the_parent_field(target: SalesforceTarget, unique: Unique) -> None:
    ((key, parent),) = make(target, 1, unique)
    (outcome,) = target.apply([Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": "Roe", "AccountId": parent})])
    (record,) = target.read(CONTACT, [outcome.target_id or ""], ["LastName", f"Account.{KEY}"])
    assert record.fields == {"LastName": "Roe", f"Account.{KEY}": key}


def test_an_object_the_org_lacks_is_refused_with_advice(target: SalesforceTarget) -> None:
    with pytest.raises(ObjectRefused, match="INVALID_TYPE") as raised:
        list(target.find(FindRequest("salesforce.Nope__c", [{"Name": "x"}], ["Name"])))
    assert "rights" in raised.value.fix


def test_a_login_page_instead_of_json_is_unavailable(target: SalesforceTarget, fault: Callable[..., None]) -> None:
    fault("html", match="GET .*query")
    with pytest.raises(Unavailable, match="not JSON"):
        list(target.find(FindRequest(ACCOUNT, [{"Name": "x"}], ["Name"])))


def test_a_batched_reading_that_stays_lost_is_unavailable_not_ambiguous(
    target: SalesforceTarget, fault: Callable[..., None]
) -> None:
    fault("drop_after", match="POST /composite", times=4)
    with pytest.raises(Unavailable, match="while reading"):
        target.count([ACCOUNT, CONTACT])


def test_the_live_catalog_reads_many_objects_in_one_call_and_knows_custom_fields(target: SalesforceTarget) -> None:
    before = target.calls()
    live = target.live_catalog([ACCOUNT, CONTACT, "salesforce.Nope", "salesforce.Opportunity"])
    assert target.calls() - before == 1
    assert sorted(live.objects) == [ACCOUNT, CONTACT, "salesforce.Opportunity"]
    assert live.objects[ACCOUNT].fields["Segment__c"].length == 40
    shipped = target.catalog().objects[ACCOUNT].fields[KEY]
    told = live.objects[ACCOUNT].fields[KEY]
    assert (told.type, told.length, told.external_id, told.unique, told.case_sensitive) == (
        shipped.type,
        shipped.length,
        True,
        True,
        True,
    )
    target.live_catalog([ACCOUNT, CONTACT])
    assert target.calls() - before == 1


def test_fields_that_the_org_lacks_are_missing(target: SalesforceTarget) -> None:
    known, unknown = CustomField(ACCOUNT, "Segment__c", types.STRING), CustomField(ACCOUNT, "Tier__c", types.STRING)
    assert list(target.missing_fields([known, unknown])) == [unknown]
    assert list(target.ensure_fields([unknown])) == []


@pytest.mark.parametrize("flow", ["token", "client", "password"])
def test_every_login_flow_reaches_the_same_org(org: Sandbox, flow: str) -> None:
    endpoint = org.endpoints.salesforce
    settings = {
        "token": {"access_token": endpoint.access_token},
        "client": {"client_id": endpoint.client_id, "client_secret": endpoint.client_secret},
        "password": {
            "username": endpoint.username,
            "password": endpoint.password,
            "client_id": endpoint.client_id,
            "client_secret": endpoint.client_secret,
        },
    }[flow]
    target = SalesforceTarget({"instance_url": endpoint.url, **settings}, sandbox=True)
    identity = target.check()
    target.close()
    assert identity.account.startswith("00D")
    assert len(identity.account) == 18
    assert identity.user == endpoint.username


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"username": "u", "password": "p", "security_token": "t"},
            {"username": "u", "password": "p", "security_token": "t"},
        ),
        (
            {"username": "u", "password": "p", "organization_id": "00D"},
            {"username": "u", "password": "p", "organizationId": "00D"},
        ),
        (
            {"username": "u", "client_id": "c", "private_key_file": "k.pem", "domain": "test"},
            {"username": "u", "consumer_key": "c", "privatekey_file": "k.pem", "domain": "test"},
        ),
        (
            {"client_id": "c", "client_secret": "s", "instance_url": "https://acme--dev.sandbox.my.salesforce.com"},
            {"consumer_key": "c", "consumer_secret": "s", "domain": "acme--dev.sandbox.my"},
        ),
        (
            {"client_id": "c", "client_secret": "s", "domain": "acme.my.salesforce.com"},
            {"consumer_key": "c", "consumer_secret": "s", "domain": "acme.my"},
        ),
    ],
)
def test_the_flow_follows_from_the_settings(settings: dict[str, str], expected: dict[str, str]) -> None:
    assert login_arguments(settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"username": "u", "password": "p", "security_token": "t"},
            "https://login.salesforce.com/services/Soap/u/59.0",
        ),
        (
            {"client_id": "c", "client_secret": "s", "instance_url": "https://acme.my.salesforce.com"},
            "https://acme.my.salesforce.com/services/oauth2/token",
        ),
        (
            {"access_token": "t", "instance_url": "https://acme.my.salesforce.com"},
            "https://acme.my.salesforce.com/services/oauth2/userinfo",
        ),
    ],
)
def test_a_real_org_is_addressed_by_https_at_its_own_domain(
    settings: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = SalesforceTarget(settings)
    seen: list[str] = []

    def refuse(method: str, url: str, send: object, *, idempotent: bool) -> None:
        seen.append(target._policy.hosts.admit(url))
        raise Unavailable("no network in tests")

    monkeypatch.setattr(target._policy, "exchange", refuse)
    with pytest.raises(Unavailable):
        target.check()
    assert seen == [expected]
    target.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"username": "u", "password": "p"},
        {"client_id": "c", "client_secret": "s"},
        {"client_id": "c", "client_secret": "s", "domain": "login"},
        {"client_id": "c", "client_secret": "s", "domain": "evil.example/#"},
    ],
)
def test_settings_that_are_enough_for_no_flow_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        SalesforceTarget(settings)


def test_a_refused_login_is_not_tried_again(org: Sandbox, clock: Any) -> None:
    endpoint = org.endpoints.salesforce
    settings = {"instance_url": endpoint.url, "client_id": endpoint.client_id, "client_secret": "wrong-canary-secret"}
    target = SalesforceTarget(settings, sandbox=True, clock=clock)
    with pytest.raises(AccessRefused):
        target.check()
    assert target.calls() == 1
    target.close()


def test_no_secret_and_no_personal_data_is_told(
    org: Sandbox, settings: dict[str, str], fault: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = {**settings, "client_secret": "canary-secret-1", "access_token": "canary-token-2"}
    refused = SalesforceTarget(wrong, sandbox=True)
    elsewhere = SalesforceTarget({**wrong, "instance_url": "http://127.0.0.1:9"}, sandbox=True)
    target = SalesforceTarget(settings, sandbox=True)
    request = FindRequest("salesforce.Nope__c", [{"Email": "canary.jane@example.org"}], ["Email"])
    (outcome,) = target.apply(
        [Operation(Op.CREATE, "m", CONTACT, "s", {"LastName": "Roe", "Email": "canary.jane@@example.org"})]
    )
    canaries = ["canary", settings["access_token"], settings["client_secret"]]
    contract.secrets_stay_hidden([refused.check, elsewhere.check, lambda: list(target.find(request))], canaries)
    # The emulated org runs in this process and logs as a server does.
    logged = "".join(entry.getMessage() for entry in caplog.records if not entry.name.startswith("uvicorn"))
    assert "/query" in logged
    told = logged + outcome.reason + repr(target) + repr(refused)
    assert outcome.code == "INVALID_EMAIL_ADDRESS"
    assert not [canary for canary in canaries if canary in told]
    for connection in (refused, elsewhere, target):
        connection.close()


def test_the_target_passes_the_acceptance_kit(target: SalesforceTarget, unique: Unique) -> None:
    keys = [unique() for _ in range(6)]
    good = [
        Operation(Op.CREATE, "m", ACCOUNT, key, {"Name": f" Acme {key} ", "Phone": "", KEY: key}, key={KEY: key})
        for key in keys
    ]
    bad = Operation(Op.CREATE, "m", ACCOUNT, "bad", {"Name": None, KEY: unique()}, key={KEY: "bad"})
    case = TargetCase(ACCOUNT, good, bad, ("Phone", "+1 555 0100"), "001000000000000AAA", ("Name", "Phone", KEY))
    contract.accept_target(target, case)


def test_the_kit_notices_a_target_that_mixes_up_outcomes(target: SalesforceTarget, unique: Unique) -> None:
    class Mixed:
        def __getattr__(self, name: str) -> Any:
            return getattr(target, name)

        def apply(self, operations: Any) -> Any:
            return list(reversed(target.apply(operations)))

    keys = [unique() for _ in range(4)]
    good = [Operation(Op.CREATE, "m", ACCOUNT, key, {"Name": key, KEY: key}, key={KEY: key}) for key in keys]
    bad = Operation(Op.CREATE, "m", ACCOUNT, "bad", {"Name": None, KEY: unique()}, key={KEY: "bad"})
    case = TargetCase(ACCOUNT, good, bad, ("Phone", "1"), "001000000000000AAA", ("Name",))
    with pytest.raises(contract.ContractBroken, match="each outcome names the record"):
        contract.accept_target(Mixed(), case)  # type: ignore[arg-type]


def test_a_private_key_login_signs_for_the_right_audience(tmp_path: Path) -> None:
    settings = {"username": "u", "client_id": "c", "private_key_file": str(tmp_path / "absent.pem")}
    target = SalesforceTarget(settings)
    with pytest.raises(AccessRefused) as raised:
        target.check()
    assert str(tmp_path) not in str(raised.value)
    assert target.calls() == 0
    target.close()

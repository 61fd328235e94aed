"""Finding connectors, their settings and the shipped schemas."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fieldwright.connectors import registry
from fieldwright.dsl import types
from fieldwright.dsl.types import Kind
from fieldwright.runtime.errors import ConfigError, Unavailable

SCHEMAS = registry.shipped_schemas()


def test_settings_come_from_variables_with_the_prefix() -> None:
    environment = {"CHARGEBEE_SITE": " acme-test ", "CHARGEBEE_API_KEY": "k", "OTHER_SITE": "no", "CHARGEBEE_X": "no"}
    assert registry.settings_from_environment("chargebee", "CHARGEBEE", environment) == {
        "site": "acme-test",
        "api_key": "k",
    }


def test_missing_variables_are_named_and_values_are_not() -> None:
    with pytest.raises(ConfigError) as raised:
        registry.settings_from_environment("chargebee", "CB", {"CB_API_KEY": "canary"})
    assert str(raised.value) == "Connection to chargebee: the environment lacks CB_SITE"
    assert "canary" not in str(raised.value) + raised.value.fix


def test_the_nearest_way_to_log_in_is_the_one_that_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="lacks SF_CLIENT_SECRET"):
        registry.settings_from_environment("salesforce", "SF", {"SF_CLIENT_ID": "c"})


@pytest.mark.parametrize(
    ("system", "settings"),
    [("hubspot", {}), ("chargebee", {"site": "a", "colour": "red"}), ("chargebee", {"site": "a"})],
)
def test_what_cannot_be_connected_is_a_configuration_error(system: str, settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        registry.connect(system, settings, sandbox=False)


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        ("chargebee", {"site": "acme-test", "api_key": "k"}),
        ("salesforce", {"instance_url": "https://acme.my.salesforce.com", "access_token": "t"}),
        ("activecampaign", {"url": "https://acme.api-us1.com", "api_key": "k"}),
    ],
)
def test_connecting_opens_nothing(system: str, settings: dict[str, str]) -> None:
    connection = registry.connect(system, settings, sandbox=False)
    assert (connection.system, connection.calls()) == (system, 0)
    connection.close()
    connection.close()


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        ("chargebee", {"site": "acme", "api_key": "k", "url": "http://127.0.0.1:1"}),
        ("salesforce", {"instance_url": "http://127.0.0.1:1", "access_token": "t"}),
        ("activecampaign", {"url": "http://127.0.0.1:1", "api_key": "k"}),
    ],
)
def test_an_address_on_this_machine_needs_the_sandbox(system: str, settings: dict[str, str]) -> None:
    with pytest.raises((ConfigError, Unavailable), match=r"sandbox|not an address of"):
        registry.connect(system, settings, sandbox=False).check()


@pytest.mark.parametrize("system", sorted(registry.CONNECTORS))
def test_the_settings_of_a_sandbox_connect(system: str) -> None:
    endpoint = {"url": "http://127.0.0.1:1", "api_key": "k", "site": "s", "access_token": "t", "username": "u"}
    connection = registry.connect(system, registry.sandbox_settings(system, endpoint), sandbox=True)
    assert connection.calls() == 0
    connection.close()


def test_schemas_need_no_vendor_library_and_no_network() -> None:
    code = (
        "import sys; from fieldwright.connectors.registry import shipped_schemas; s = shipped_schemas();"
        "assert s.find('chargebee.subscription.addons') and s.find('salesforce.Account');"
        "assert s.find('activecampaign.contact');"
        "assert len(s.object_names()) > 190;"
        "print(sorted({'chargebee', 'simple_salesforce', 'httpx', 'requests', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_object_of_every_catalog_can_be_built() -> None:
    for name in SCHEMAS.object_names():
        found = SCHEMAS.find(name)
        assert found is not None
        assert found.name == name
        for field in found.fields.values():
            for target in field.references:
                assert target.startswith(name.partition(".")[0] + ".")
            kind = field.type.item if field.type.kind is Kind.LIST and field.type.item else field.type
            if kind.kind is Kind.RECORD:
                assert SCHEMAS.find(kind.object or "") is not None, (name, field.name)


def test_unknown_objects_are_none() -> None:
    for name in ("chargebee.nope", "salesforce.Nope", "nope.customer", "nope", ""):
        assert SCHEMAS.find(name) is None


@pytest.mark.parametrize(
    ("place", "kind", "currency"),
    [
        ("chargebee.plan.price", types.MONEY.optional(), "currency_code"),
        ("chargebee.customer.unbilled_charges", types.MONEY, "preferred_currency_code"),
        ("chargebee.customer.balances.unbilled_charges", types.MONEY, "currency_code"),
        ("chargebee.subscription.addons.amount", types.MONEY.optional(), "currency_code"),
        ("chargebee.invoice.sub_total_in_local_currency", types.MONEY.optional(), "local_currency_code"),
        ("chargebee.subscription.activated_at", types.TIMESTAMP.optional(), None),
        ("chargebee.customer.auto_collection", types.enum("on", "off"), None),
        (
            "chargebee.subscription.coupons",
            types.list_of(types.record("chargebee.subscription.coupons")).optional(),
            None,
        ),
        ("chargebee.customer.billing_address", types.record("chargebee.customer.billing_address").optional(), None),
        ("chargebee.hosted_page.content.subscription", types.record("chargebee.subscription").optional(), None),
        ("chargebee.plan.price_in_decimal", types.DECIMAL.optional(), None),
    ],
)
def test_chargebee_fields_have_the_types_of_the_language(place: str, kind: types.Type, currency: str | None) -> None:
    owner, _, name = place.rpartition(".")
    found = SCHEMAS.find(owner)
    assert found is not None
    field = found.fields[name]
    assert (field.type, field.currency) == (kind, currency)


def test_only_objects_with_custom_fields_are_open() -> None:
    prefixes = {name: SCHEMAS.find(f"chargebee.{name}") for name in ("customer", "contact", "customer.billing_address")}
    assert {name: found.open_prefix if found else "?" for name, found in prefixes.items()} == {
        "customer": "cf_",
        "contact": None,
        "customer.billing_address": None,
    }


def test_salesforce_fields_tell_what_may_be_written() -> None:
    account = SCHEMAS.find("salesforce.Account")
    opportunity = SCHEMAS.find("salesforce.Opportunity")
    assert account is not None
    assert opportunity is not None
    key = account.fields["chargebeeapps__CB_Id__c"]
    assert (key.type, key.length, key.external_id, key.unique, key.case_sensitive) == (
        types.STRING.optional(),
        255,
        True,
        True,
        True,
    )
    assert (account.fields["Name"].required, account.fields["Name"].type) == (True, types.STRING)
    assert (account.fields["Id"].createable, account.fields["OwnerId"].required) == (False, False)
    assert opportunity.fields["Amount"].type == types.DECIMAL.optional()
    assert (opportunity.fields["Amount"].precision, opportunity.fields["Amount"].scale) == (18, 2)
    assert opportunity.fields["CloseDate"].type == types.DATE
    assert opportunity.fields["StageName"].type == types.STRING
    assert opportunity.fields["ForecastCategoryName"].type.kind is Kind.ENUM
    assert opportunity.fields["AccountId"].references == ("salesforce.Account",)

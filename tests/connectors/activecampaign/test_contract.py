"""The acceptance kit of all connectors, for both ways of writing; and no secret in any error."""

from __future__ import annotations

from typing import Any

import pytest

from fieldwright.connectors.activecampaign.target import ActiveCampaignTarget
from fieldwright.connectors.contract import TargetCase, accept_target, secrets_stay_hidden
from fieldwright.runtime.errors import ConfigError

CONTACT = "activecampaign.contact"


@pytest.mark.parametrize("number", [4, 24])
def test_the_contract_of_targets_holds_for_single_writes_and_for_imports(bench: Any, op: Any, number: int) -> None:
    lists = [{"list": "Customers", "status": "subscribed"}]
    good = [
        op(f"Person{place}@example.com", firstName=f" P{place} ", phone=None, cf_CB_MRR=f"{place}.50", lists=lists)
        for place in range(number)
    ]
    case = TargetCase(
        object=CONTACT,
        good=good,
        bad=op("a@no-domain"),
        changed=("custom_fields.CB_CREATED", "2024-11-01"),
        absent_id="987654",
        compared=("email", "firstName", "phone", "custom_fields.CB_MRR", "memberships.lists"),
    )
    accept_target(bench.target, case)


def test_errors_tell_no_secret_and_no_person(bench: Any, op: Any) -> None:
    secret, person = "canary-key-4711", "canary.person@example.com"
    wrong = ActiveCampaignTarget({"url": bench.url, "api_key": secret}, sandbox=True)
    told = f'{{"message":"The key {secret} of {person} is wrong"}}'.encode()
    bench.switch.script += [("GET /users/me", 403, {}, told), ("GET /contacts", 422, {}, told)]
    secrets_stay_hidden([wrong.check, lambda: wrong.count([CONTACT])], [secret, person])
    wrong.close()
    assert secret not in repr(vars(wrong))
    bench.switch.script.append(("POST /contact/sync", 422, {}, told))
    [outcome] = bench.target.apply([op(person)])
    assert "[email]" in outcome.reason
    assert person not in outcome.reason


@pytest.mark.parametrize("url", ["https://acme.api-us1.com.evil.example", "http://acme.api-us1.com", "https://evil/x"])
def test_the_key_is_not_sent_to_strangers(url: str) -> None:
    def check() -> object:
        return ActiveCampaignTarget({"url": url, "api_key": "canary-key-4711"}).check()

    secrets_stay_hidden([check], ["canary-key-4711"])


def test_a_sandbox_address_is_on_this_machine() -> None:
    with pytest.raises(ConfigError):
        ActiveCampaignTarget({"url": "https://acme.api-us1.com", "api_key": "k"}, sandbox=True)

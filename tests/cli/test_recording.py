"""`interpret test --record`: a case from a record that was read, in which nobody can be recognised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.testing.masking import Masker
from fieldwright.runtime.onlooking import last_read, look_into
from tests.cli.conftest import Run


@pytest.fixture
def synced(interpret: Run, folder: Path) -> Path:
    """A folder in which a small sandbox was synced."""
    interpret("sandbox", "reset", "--customers", "3")
    assert interpret("run").exit_code == 0
    return folder


def test_recorded_cases_pass_until_the_mapping_changes(interpret: Run, synced: Path) -> None:
    recorded = [
        ("customer-account", "cus_000001"),
        ("activecampaign-contact", "cus_000001"),
        ("subscription-opportunity", "sub_000001"),
    ]
    for mapping, record in recorded:
        result = interpret("test", "--record", record, "--mapping", mapping, "--to", "recorded.test.yaml")
        assert (result.exit_code, "Wrote a case to recorded.test.yaml" in result.stdout) == (0, True)

    document = json.loads(interpret("test", "recorded.test.yaml", "--output", "json").stdout)
    assert [case["test"] for case in document["cases"]] == [mapping for mapping, _ in recorded]
    assert document["failed"] == 0

    text = (synced / "recorded.test.yaml").read_text()
    assert "rule: first-sync-create" in text
    (synced / "recorded.test.yaml").write_text(text.replace("Name: Company", "Name: The Company", 1))
    assert interpret("test", "recorded.test.yaml").exit_code == 1


def test_no_word_of_the_person_is_in_a_recorded_case(interpret: Run, synced: Path) -> None:
    interpret("test", "--record", "cus_000001", "--mapping", "customer-account", "--to", "a.test.yaml")
    text = (synced / "a.test.yaml").read_text()
    database = look_into(synced / ".interpret" / "state" / "sandbox.db")
    record = last_read(database, "chargebee.customer", "cus_000001")
    database.close()

    assert record is not None
    address = record["billing_address"]
    personal = [record[name] for name in ("id", "email", "last_name", "company", "phone")]
    personal += [address[name] for name in ("line1", "city", "zip")]
    assert all(personal)
    assert [value for value in personal if value in text] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--record", "cus_000001"), "go together"),
        (("--record", "nobody", "--mapping", "customer-account"), "no run has read customer nobody"),
        (("--record", "cus_000001", "--mapping", "customer-acount"), "did you mean `customer-account`"),
    ],
)
def test_a_record_that_cannot_be_found_is_said(interpret: Run, arguments: tuple[str, ...], words: str) -> None:
    result = interpret("test", *arguments)

    assert (result.exit_code, words in result.stderr) == (64, True)


def test_equal_texts_get_equal_stand_ins_and_what_is_sold_stays() -> None:
    masker = Masker(shipped_schemas())
    customer = masker.record(
        {"id": "cb_1", "email": "ada@acme.example", "company": "Acme", "locale": "de", "net_term_days": 30,
         "cf_birthday": "1815-12-10", "meta_data": {"x": 1}, "billing_address": {"country": "DE", "line1": "Street 1"},
         "created_at": 1577836800, "phone": None},
        "chargebee.customer",
    )  # fmt: skip
    subscription = masker.record(
        {"id": "s1", "customer_id": "cb_1", "plan_id": "basic", "addons": [{"id": "user", "unit_price": 2500}],
         "status": "active"},
        "chargebee.subscription",
    )  # fmt: skip
    plan = masker.record({"id": "basic", "name": "Basic"}, "chargebee.plan")

    assert customer["id"] == subscription["customer_id"] != "cb_1"
    assert customer["email"].endswith("@example.org")
    assert customer["billing_address"]["country"] == "DE"
    assert "Street 1" not in customer["billing_address"].values()
    assert (customer["net_term_days"], customer["locale"], customer["created_at"]) == (30, "de", "2020-01-01T00:00:00Z")
    assert {"meta_data", "cf_birthday", "phone"}.isdisjoint(customer)
    assert subscription["addons"] == [{"id": "user", "unit_price": 2500}]
    assert (subscription["plan_id"], subscription["status"], plan) == (
        "basic",
        "active",
        {"id": "basic", "name": "Basic"},
    )

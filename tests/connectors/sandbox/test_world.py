"""The seeded world: the same for the same numbers, consistent, and able to be synced."""

import re
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fieldwright.connectors.sandbox import world
from fieldwright.connectors.sandbox.chargebee.resources import FieldType, resources
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.database import decode

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Document = dict[str, Any]


def make(path: Path, *, customers: int = 60, seed: int = 1, scenario: str | None = None, now: datetime = NOW) -> Path:
    file = path / f"{customers}-{seed}-{scenario}-{now.timestamp()}.sqlite"
    world.seed(file, Clock(frozen_at=now), customers=customers, seed=seed, scenario=scenario)
    return file


def texts(file: Path) -> dict[str, list[str]]:
    connection = sqlite3.connect(file)
    try:
        return {
            name: [row[0] for row in connection.execute(f"SELECT document FROM {kind.plural} ORDER BY seq")]
            for name, kind in resources().items()
        }
    finally:
        connection.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Document]]:
    found = texts(make(tmp_path_factory.mktemp("world"), customers=200))
    return {name: [decode(text) for text in entries] for name, entries in found.items()}


def test_the_same_numbers_make_the_same_bytes(tmp_path: Path) -> None:
    first = texts(make(tmp_path))
    later = texts(make(tmp_path, now=datetime(2027, 3, 5, tzinfo=UTC)))
    assert first == later
    assert texts(make(tmp_path, seed=2))["customer"] != first["customer"]


def test_a_larger_world_begins_with_the_same_customers(tmp_path: Path) -> None:
    def names(customers: int) -> list[tuple[str, str]]:
        found = (decode(text) for text in texts(make(tmp_path, customers=customers))["customer"])
        return [(customer["id"], customer["email"]) for customer in found]

    assert names(90)[:60] == names(60)


def test_every_resource_status_and_pricing_model_occurs(site: dict[str, list[Document]]) -> None:
    empty = [name for name, documents in site.items() if not documents]
    assert empty == []
    assert {subscription["status"] for subscription in site["subscription"]} == {
        "future",
        "in_trial",
        "active",
        "non_renewing",
        "paused",
        "cancelled",
    }
    assert {invoice["status"] for invoice in site["invoice"]} >= {"paid", "payment_due", "not_paid", "voided", "posted"}
    for kind in ("plan", "addon"):
        assert {product["pricing_model"] for product in site[kind]} == {
            "flat_fee",
            "per_unit",
            "tiered",
            "volume",
            "stairstep",
        }
    assert {addon["charge_type"] for addon in site["addon"]} == {"recurring", "non_recurring"}
    assert Counter(subscription["currency_code"] for subscription in site["subscription"]).keys() == {
        "USD",
        "JPY",
        "KWD",
    }


def test_the_default_world_of_25_already_shows_every_status(tmp_path: Path) -> None:
    found = [decode(text) for text in texts(make(tmp_path, customers=25))["subscription"]]
    assert len({subscription["status"] for subscription in found}) == 6
    assert len({subscription["currency_code"] for subscription in found}) == 3
    bought = Counter(subscription["customer_id"] for subscription in found)
    assert 2 in bought.values()
    assert len(bought) < 25


def test_every_field_exists_in_the_api(site: dict[str, list[Document]]) -> None:
    wrong = {
        problem
        for name, documents in site.items()
        for document in documents
        for problem in unknown(document, dict(resources()[name].fields), name)
    }
    assert wrong == set()


def unknown(value: Any, kind: FieldType, where: str) -> list[str]:
    """Fields that the API does not have, enum values that it does not know, and values of another type."""
    match kind:
        case dict():
            return [
                problem
                for name, part in value.items()
                if name != "object" and not name.startswith("cf_")
                for problem in (unknown(part, kind[name], f"{where}.{name}") if name in kind else [f"{where}.{name}"])
            ]
        case list():
            return [problem for part in value for problem in unknown(part, kind[0], where)]
        case "integer" | "money" | "timestamp":
            return [] if type(value) is int and value >= 0 else [f"{where}={value!r}"]
        case "boolean":
            return [] if isinstance(value, bool) else [f"{where}={value!r}"]
        case "string" | "email":
            return [] if isinstance(value, str) and value else [f"{where}={value!r}"]
        case str() if kind.startswith("enum:"):
            return [] if value in kind[5:].split("|") else [f"{where}={value!r}"]
        case _:
            return []


def test_totals_add_up(site: dict[str, list[Document]]) -> None:
    for invoice in site["invoice"]:
        lines = invoice["line_items"]
        discount = sum(entry["amount"] for entry in invoice.get("discounts", ()))
        assert sum(line["amount"] for line in lines) == invoice["sub_total"]
        assert sum(line["discount_amount"] for line in lines) == discount
        assert sum(line["tax_amount"] for line in lines) == invoice["tax"]
        assert invoice["total"] == invoice["sub_total"] - discount + invoice["tax"]
        settled = sum(
            invoice[name] for name in ("amount_paid", "amount_adjusted", "write_off_amount", "credits_applied")
        )
        assert invoice["amount_due"] == (0 if invoice["status"] == "voided" else invoice["total"] - settled)
        assert invoice["amount_paid"] == sum(entry["applied_amount"] for entry in invoice.get("linked_payments", ()))
        assert (invoice["status"] == "paid") == (invoice["amount_due"] == 0 and invoice["status"] != "voided")
    for note in site["credit_note"]:
        assert note["total"] == note["sub_total"] + sum(entry["amount"] for entry in note.get("taxes", ()))
        assert note["total"] == note["amount_allocated"] + note["amount_refunded"] + note["amount_available"]


def test_what_is_due_on_a_subscription_is_the_sum_of_its_invoices(site: dict[str, list[Document]]) -> None:
    for subscription in site["subscription"]:
        due = [
            invoice["amount_due"]
            for invoice in site["invoice"]
            if invoice.get("subscription_id") == subscription["id"] and invoice["amount_due"]
        ]
        assert (subscription["due_invoices_count"], subscription.get("total_dues", 0)) == (len(due), sum(due))


def test_references_lead_to_records(site: dict[str, list[Document]]) -> None:
    known = {
        name: {document["payment_source_id" if name == "card" else "id"] for document in documents}
        for name, documents in site.items()
    }
    for name, documents in site.items():
        assert len(known[name]) == len(documents)
        for document in documents:
            for owner in ("customer", "subscription", "plan"):
                if f"{owner}_id" in document:
                    assert document[f"{owner}_id"] in known[owner]
    for subscription in site["subscription"]:
        assert {addon["id"] for addon in subscription.get("addons", ())} <= known["addon"]
        assert {entry["coupon_id"] for entry in subscription.get("coupons", ())} <= known["coupon"]


def test_nothing_changed_within_the_last_minutes_and_nothing_before_it_was_made(tmp_path: Path) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    for now in (NOW, early):
        for name, entries in texts(make(tmp_path, now=now)).items():
            for document in map(decode, entries):
                updated = document.get("updated_at", document.get("occurred_at"))
                assert updated <= now.timestamp() - 600, (name, document)
                assert document.get("created_at", document.get("date", 0)) <= updated, (name, document)


def test_customers_are_as_varied_as_real_ones(site: dict[str, list[Document]]) -> None:
    customers = site["customer"]
    assert any("company" not in customer for customer in customers)
    assert any("first_name" not in customer for customer in customers)
    assert any("ü" in customer.get("company", "") for customer in customers)
    assert any(len(customer["billing_address"]["line1"]) > 100 for customer in customers)
    assert {customer["cf_segment"] for customer in customers} == {"smb", "mid", "ent"}
    assert {len(customer.get("contacts", ())) for customer in customers} == {0, 1, 2}


def test_the_default_world_fits_the_targets(site: dict[str, list[Document]]) -> None:
    emails = [customer["email"] for customer in site["customer"]]
    emails += [contact["email"] for customer in site["customer"] for contact in customer.get("contacts", ())]
    assert len(set(map(str.lower, emails))) == len(emails)
    for customer in site["customer"]:
        assert re.fullmatch(r"[a-z0-9.-]+@[a-z0-9-]+\.example", customer["email"])
        assert len(customer["email"]) <= 80
        assert len(customer["billing_address"]["city"]) <= 40
        street = [customer["billing_address"].get(f"line{number}", "") for number in (1, 2, 3)]
        assert len("\n".join(street)) <= 255
        assert len(customer["billing_address"]["zip"]) <= 20
        assert len(customer["phone"]) <= 40


def test_the_scenario_faults_adds_records_that_cannot_be_synced(tmp_path: Path) -> None:
    found = {c["id"]: c for c in map(decode, texts(make(tmp_path, customers=10, scenario="faults"))["customer"])}
    assert found["cus_000001"]["email"] == found["cus_000002"]["email"]
    assert found["cus_000004"]["email"] == "not-an-email"
    assert len(found["cus_000006"]["billing_address"]["city"]) > 40
    assert found["cus_000008"]["preferred_currency_code"] == "XTS"


def test_an_unknown_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scenario 'calm'"):
        make(tmp_path, scenario="calm")

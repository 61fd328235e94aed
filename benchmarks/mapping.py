"""How fast a compiled mapping is, next to a Python function that a careful programmer would write for the same mapping.

Run with `python -m benchmarks.mapping`. It maps 10,000 generated customers to Accounts both ways in one process, first
asserts that the results are equal, then takes CPU time in turns and prints the median of the paired ratios: below 1
the compiled mapping is faster. Ratios of CPU time bear a busy machine; wall time is not looked at.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

from fieldwright.connectors.activecampaign import schema as activecampaign
from fieldwright.connectors.chargebee import schema as chargebee
from fieldwright.connectors.salesforce import schema as salesforce
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.program import MappedRecord, Program, Ref
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile

CUSTOMERS = 10_000
ROUNDS = 15
TARGET = 1.2
"""The ratio that must not be exceeded."""


def account_program() -> Program:
    """The shipped mapping of customers to Accounts, compiled."""
    folder = Path(__file__).parent.parent / "mappings"
    files = [SourceFile(str(path), path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yaml"))]
    catalogs = (chargebee.catalog(), salesforce.catalog(), activecampaign.catalog())
    schemas = Schemas({catalog.system: catalog for catalog in catalogs})
    return check_project(load(files), schemas).programs["customer-account"]


def customers(count: int) -> list[dict[str, Any]]:
    """Customers as Chargebee delivers them, with parts left out as in real data."""
    rnd = random.Random(20_200_106)
    made = []
    for number in range(count):
        customer: dict[str, Any] = {
            "id": f"cust_{number}",
            "email": f"person{number}@example.com",
            "first_name": "Ada",
            "last_name": f"Lovelace {number}",
            "auto_collection": rnd.choice(["on", "off"]),
            "net_term_days": rnd.choice([0, 0, 15, 30]),
            "created_at": 1_577_836_800 + number,
            "updated_at": 1_577_836_800 + number,
            "resource_version": 1_577_836_800_000 + number,
            "taxability": "taxable",
            "preferred_currency_code": "USD",
            "object": "customer",
            "deleted": False,
        }
        if number % 3:
            customer["company"] = f"Company {number}"
        if number % 4:
            customer["phone"] = "+49 30 1234567"
        if number % 5:
            customer["billing_address"] = {"line1": "Hauptstr. 1", "city": "Berlin", "zip": "10115", "country": "DE"}
            if number % 2:
                customer["billing_address"]["line2"] = "Hof 2"
        if number % 2:
            customer["payment_method"] = {"type": "card", "status": "valid", "reference_id": "x", "gateway": "stripe"}
        if number % 7 == 0:
            customer["vat_number"] = "DE123456789"
            customer["locale"] = "de-DE"
        made.append(customer)
    return made


def by_hand(roots: Mapping[str, Any]) -> MappedRecord:
    """The same mapping written in Python, with the same limits of length and the same rules for null."""
    customer = roots["customer"]
    domain = roots["run"]["source"]["domain"]
    fields: dict[str, Any] = {}
    name = customer.get("company")
    if name is None:
        names = (customer.get("first_name"), customer.get("last_name"))
        name = " ".join([part for part in names if part and part.strip()])
        name = name or customer.get("email") or customer["id"]
    if name:
        _fits(name, 255)
        fields["Name"] = name
    if phone := customer.get("phone"):
        _fits(phone, 40)
        fields["Phone"] = phone
    fields["chargebeeapps__Auto_Collection__c"] = {"on": "On", "off": "Off"}[customer["auto_collection"]]
    address = customer.get("billing_address")
    if address is not None:
        lines = (address.get("line1"), address.get("line2"), address.get("line3"))
        if street := ", ".join([line for line in lines if line and line.strip()]):
            _fits(street, 255)
            fields["BillingStreet"] = street
        if city := address.get("city"):
            _fits(city, 40)
            fields["BillingCity"] = city
        if code := address.get("zip"):
            _fits(code, 20)
            fields["BillingPostalCode"] = code
        if state := address.get("state"):
            _fits(state, 80)
            fields["BillingState"] = state
        if country := address.get("country"):
            _fits(country, 80)
            fields["BillingCountry"] = country
    if email := customer.get("email"):
        _fits(email, 80)
        fields["chargebeeapps__Email__c"] = email
    if first_name := customer.get("first_name"):
        _fits(first_name, 255)
        fields["chargebeeapps__First_Name__c"] = first_name
    customer_id = customer["id"]
    _fits(customer_id, 255)
    fields["chargebeeapps__CB_Id__c"] = customer_id
    if last_name := customer.get("last_name"):
        _fits(last_name, 255)
        fields["chargebeeapps__Last_Name__c"] = last_name
    fields["chargebeeapps__CB_Site__c"] = Ref("site", domain)
    fields["chargebeeapps__Is_Synced__c"] = True
    if locale := customer.get("locale"):
        _fits(locale, 255)
        fields["chargebeeapps__Locale__c"] = locale
    days = customer.get("net_term_days")
    if days is not None:
        fields["chargebeeapps__Net_Term_Days__c"] = Decimal(days)
    method = customer.get("payment_method") or {}
    status = method.get("status")
    if status:
        _fits(status, 255)
    fields["chargebeeapps__Payment_Method_Status__c"] = status or None
    kind = method.get("type")
    if kind:
        _fits(kind, 255)
    fields["chargebeeapps__Payment_Method_Type__c"] = kind or None
    fields["chargebeeapps__Sync_with_Chargebee__c"] = True
    if taxability := customer.get("taxability"):
        _fits(taxability, 255)
        fields["chargebeeapps__Taxability__c"] = taxability
    number = customer.get("vat_number")
    if number:
        _fits(number, 255)
    fields["chargebeeapps__VAT_Number__c"] = number or None
    return MappedRecord(True, fields, ({"chargebeeapps__CB_Id__c": customer_id},), {})


def _fits(text: str, length: int) -> None:
    if len(text) > length:
        raise ValueError(f"longer than {length}")


def measure(function: Callable[[Mapping[str, Any]], MappedRecord], inputs: list[dict[str, Any]]) -> float:
    """CPU seconds to map all inputs."""
    began = process_time()
    for roots in inputs:
        function(roots)
    return process_time() - began


def ratios(rounds: int = ROUNDS, count: int = CUSTOMERS) -> list[float]:
    """Compiled by hand-written, one ratio a round, the order changing from round to round. Unequal results raise."""
    program = account_program()
    run = {"started_at": datetime(2020, 1, 6, tzinfo=UTC), "source": {"domain": "acme.chargebee.com", "name": "acme"}}
    inputs = [{"customer": customer, "run": run} for customer in customers(count)]
    for roots in inputs:
        if program.compiled(roots) != by_hand(roots):
            raise AssertionError(f"different results for {roots['customer']['id']}")
    found = []
    for number in range(rounds):
        if number % 2:
            ours, theirs = measure(program.compiled, inputs), measure(by_hand, inputs)
        else:
            theirs, ours = measure(by_hand, inputs), measure(program.compiled, inputs)
        found.append(ours / theirs)
    return found


def main() -> int:
    """Print the median ratio and its spread; exit 1 when the target is missed."""
    found = sorted(ratios())
    median = statistics.median(found)
    print(f"compiled / hand-written, {CUSTOMERS:,} customers, {len(found)} rounds of CPU time")
    print(f"median {median:.2f}   lowest {found[0]:.2f}   highest {found[-1]:.2f}   target {TARGET}")
    return 0 if median <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

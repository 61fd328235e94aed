"""A fresh org: objects and fields of the shipped catalog, stages, currencies, users and the standard price book.

The org of the seeded world holds no customers: those are what a first sync brings. Everything is a function of
`seed`, and running it again on a seeded file changes nothing.
"""

from __future__ import annotations

import json
import random
from importlib import resources
from pathlib import Path
from typing import Any

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.metadata import Schema, SObject, field_from
from fieldwright.connectors.sandbox.salesforce.storage import Row, Storage

BORN = "2024-01-01T08:00:00.000+0000"
CURRENCIES = (("USD", 1.0, 2), ("EUR", 0.92, 2), ("GBP", 0.79, 2), ("JPY", 150.0, 0), ("KWD", 0.31, 3))
_FORECAST_NAMES = {"BestCase": "Best Case", "Forecast": "Commit"}


def seed(database: Path, clock: Clock, *, customers: int = 25, seed: int = 1) -> None:
    """Makes the org in `database` unless it is there. `customers` is of no consequence here: a new org is empty."""
    storage = Storage(database)
    try:
        if storage.setting("org_id"):
            return
        storage.begin()
        catalog = read_catalog()
        schema = _make_objects(storage, catalog)
        _fill(storage, schema, catalog, random.Random(seed))
    finally:
        storage.close()


def read_catalog() -> dict[str, Any]:
    """The shipped catalog, as JSON."""
    path = resources.files("fieldwright.connectors.salesforce").joinpath("catalog.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _make_objects(storage: Storage, catalog: dict[str, Any]) -> Schema:
    objects = []
    for name, facts in catalog["objects"].items():
        item = SObject(
            name=name,
            label=facts["label"],
            label_plural=facts["labelPlural"],
            prefix=facts["key_prefix"],
            custom=facts["custom"],
            setup=facts.get("setup", False),
        )
        fields: dict[str, Any] = {**facts["fields"], **catalog["demo_org"].get(name, {})}
        # Person accounts are off in this org: RecordType has no IsPersonType, Account no person fields.
        fields = {key: value for key, value in fields.items() if value.get("onlyIf") != "person accounts"}
        for key, value in fields.items():
            item.add(field_from(key, value))
        storage.create_object(item, fields)
        objects.append(item)
    return Schema(objects)


def _fill(storage: Storage, schema: Schema, catalog: dict[str, Any], chance: random.Random) -> None:
    org_number = chance.randrange(10**6, 10**9)
    org_id = ids.numbered("00D", org_number)
    storage.set_setting("org_id", org_id)
    user_id = ids.numbered("005", 1)

    def add(name: str, **values: Any) -> str:
        item = schema.get(name)
        record_id = values.pop("Id", None) or storage.next_id(item)
        row: Row = {"Id": record_id, "IsDeleted": 0, **values}
        for column in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
            row[column] = BORN
        row["CreatedById"] = row["LastModifiedById"] = user_id
        for column, found in item.fields.items():
            if found.type == "boolean":
                row.setdefault(column, int(bool(found.default)))
        storage.insert(item, row)
        return record_id

    rights = dict.fromkeys(("PermissionsModifyAllData", "PermissionsViewAllData", "PermissionsModifyMetadata"), 1)
    admin = add(
        "Profile", Name="System Administrator", PermissionsApiEnabled=1, **rights, PermissionsCustomizeApplication=1
    )
    add("Profile", Name="Standard User", PermissionsApiEnabled=1)
    people = (
        ("Ina", "Integration", "iinte", "integration@acme.example"),
        ("Noor", "Newlogin", "nnewl", "new.integration@acme.example"),
    )
    for first, last, alias, address in people:
        add(
            "User",
            Username=address,
            FirstName=first,
            LastName=last,
            Name=f"{first} {last}",
            Alias=alias,
            Email=address,
            IsActive=1,
            UserType="Standard",
            ProfileId=admin,
            TimeZoneSidKey="GMT",
            LocaleSidKey="en_US",
            LanguageLocaleKey="en_US",
            EmailEncodingKey="UTF-8",
            DefaultCurrencyIsoCode="USD",
        )
    add(
        "Organization",
        Id=org_id,
        Name="Acme (sandbox)",
        OrganizationType="Developer Edition",
        InstanceName="CS0",
        IsSandbox=1,
        LanguageLocaleKey="en_US",
        TimeZoneSidKey="GMT",
        DefaultLocaleSidKey="en_US",
    )
    for order, stage in enumerate(catalog["opportunity_stages"], start=1):
        category = stage["forecastCategory"]
        add(
            "OpportunityStage",
            MasterLabel=stage["stage"],
            ApiName=stage["stage"],
            IsActive=1,
            SortOrder=order,
            IsClosed=stage["isClosed"],
            IsWon=stage["isWon"],
            ForecastCategory=category,
            ForecastCategoryName=_FORECAST_NAMES.get(category, category),
            DefaultProbability=stage["probability"],
        )
    for code, rate, places in CURRENCIES:
        add(
            "CurrencyType",
            IsoCode=code,
            ConversionRate=rate,
            DecimalPlaces=places,
            IsActive=1,
            IsCorporate=int(code == "USD"),
        )
    add("Pricebook2", Name="Standard Price Book", IsActive=1, IsStandard=1)

"""Small schemas of two made-up systems beside the real names, so that tests depend on no vendor's catalog."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fieldwright.dsl.pipeline import Result, check_project, load
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.types import BOOL, DATE, DECIMAL, INT, MONEY, STRING, TIMESTAMP, Type, enum, list_of, record

Check = Callable[..., Result]


def _source(name: str, fields: dict[str, Type]) -> ObjectSchema:
    made = {
        field: FieldSchema(
            field,
            type_,
            currency="currency_code" if type_.kind is MONEY.kind else None,
            createable=False,
            updateable=False,
        )
        for field, type_ in fields.items()
    }
    return ObjectSchema(name, made, open_prefix="cf_")


def _target(name: str, *fields: FieldSchema) -> ObjectSchema:
    return ObjectSchema(name, {field.name: field for field in fields})


CHARGEBEE = Catalog(
    "chargebee",
    {
        one.name: one
        for one in (
            _source("chargebee.site", {"domain": STRING, "name": STRING}),
            _source(
                "chargebee.customer",
                {
                    "id": STRING,
                    "company": STRING.optional(),
                    "email": STRING.optional(),
                    "phone": STRING.optional(),
                    "auto_collection": enum("on", "off"),
                    "net_term_days": INT.optional(),
                    "created_at": TIMESTAMP,
                    "currency_code": STRING,
                    "balance": MONEY.optional(),
                    "billing_address": record("chargebee.customer.billing_address").optional(),
                },
            ),
            _source(
                "chargebee.customer.billing_address",
                {"city": STRING.optional(), "country": STRING.optional(), "line1": STRING.optional()},
            ),
            _source(
                "chargebee.subscription",
                {
                    "id": STRING,
                    "customer_id": STRING,
                    "status": enum("active", "in_trial", "cancelled"),
                    "created_at": TIMESTAMP,
                    "currency_code": STRING,
                    "cancel_reason": STRING.optional(),
                    "items": list_of(record("chargebee.subscription.items")).optional(),
                },
            ),
            _source("chargebee.subscription.items", {"id": STRING, "quantity": INT.optional(), "amount": MONEY}),
        )
    },
)

SALESFORCE = Catalog(
    "salesforce",
    {
        one.name: one
        for one in (
            _target(
                "salesforce.Account",
                FieldSchema("Id", STRING, createable=False, updateable=False, id_lookup=True),
                FieldSchema("Name", STRING, native="string", required=True, length=20),
                FieldSchema("Phone", STRING.optional(), native="phone", length=10),
                FieldSchema("Email__c", STRING.optional(), native="email", length=80),
                FieldSchema("BillingCity", STRING.optional(), native="string", length=40),
                FieldSchema("External__c", STRING.optional(), native="string", external_id=True, unique=True),
                FieldSchema("Site__c", STRING.optional(), native="reference", references=("salesforce.Site",)),
                FieldSchema("Days__c", DECIMAL.optional(), native="double", scale=0),
                FieldSchema("Balance__c", DECIMAL.optional(), native="currency", scale=2),
                FieldSchema("Since__c", DATE.optional(), native="date"),
                FieldSchema("Active__c", BOOL, native="boolean"),
                FieldSchema("Guess__c", STRING.optional(), native="string", status="inferred"),
                FieldSchema("Owner", STRING.optional(), native="string", updateable=False),
                FieldSchema(
                    "Collection__c", enum("On", "Off").optional(), native="picklist", restricted=True, length=40
                ),
            ),
            _target(
                "salesforce.Site",
                FieldSchema("Name", STRING, native="string", required=True, length=80),
                FieldSchema("Domain__c", STRING.optional(), native="string", external_id=True, unique=True),
            ),
            _target(
                "salesforce.Line",
                FieldSchema("AccountId", STRING, native="reference", required=True, references=("salesforce.Account",)),
                FieldSchema("Key__c", STRING, native="string", required=True, length=18),
                FieldSchema("Quantity", DECIMAL.optional(), native="double"),
                FieldSchema("Amount__c", DECIMAL.optional(), native="currency"),
            ),
        )
    },
)

ACTIVECAMPAIGN = Catalog(
    "activecampaign",
    {
        "activecampaign.contact": _target(
            "activecampaign.contact",
            FieldSchema("email", STRING, native="email", required=True, unique=True),
            FieldSchema("firstName", STRING.optional(), native="string"),
        )
    },
)

SCHEMAS = Schemas({"chargebee": CHARGEBEE, "salesforce": SALESFORCE, "activecampaign": ACTIVECAMPAIGN})


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return SCHEMAS


@pytest.fixture
def check(schemas: Schemas) -> Check:
    """Check the documents in these texts as the files `a.yaml`, `b.yaml`, ..."""

    def run(*texts: str, **options: object) -> Result:
        files = [SourceFile(f"{chr(97 + number)}.yaml", text) for number, text in enumerate(texts)]
        return check_project(load(files), schemas, **options)  # type: ignore[arg-type]

    return run

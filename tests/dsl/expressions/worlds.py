"""A small world of schemas and helpers for tests of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import Checked, check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope, UserFunction, plain_object
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.types import (
    ANY,
    BOOL,
    DATE,
    DECIMAL,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Kind,
    Type,
    enum,
    list_of,
    record,
)


def made_object(name: str, currency: str | None = None, /, **types: Type) -> ObjectSchema:
    """An object with fields of these types; money counts in the currency that the field `currency` names."""
    fields = {
        key: FieldSchema(key, type_, currency=currency if type_.kind is Kind.MONEY else None)
        for key, type_ in types.items()
    }
    return ObjectSchema(name, fields, open_prefix="cf_")


_ITEM = "chargebee.order.lines"
_ADDRESS = "chargebee.order.address"
SCHEMAS = Schemas(
    {
        "chargebee": Catalog(
            "chargebee",
            {
                each.name: each
                for each in (
                    made_object(
                        "chargebee.order",
                        "currency_code",
                        id=STRING,
                        name=STRING.optional(),
                        status=enum("open", "paid"),
                        count=INT.optional(),
                        rate=DECIMAL.optional(),
                        ok=BOOL.optional(),
                        paid_at=TIMESTAMP.optional(),
                        due=DATE.optional(),
                        total=MONEY.optional(),
                        tax=MONEY,
                        currency_code=STRING.optional(),
                        tags=list_of(STRING).optional(),
                        lines=list_of(record(_ITEM)).optional(),
                        address=record(_ADDRESS).optional(),
                        extra=ANY,
                    ),
                    made_object(
                        _ITEM,
                        "currency_code",
                        id=STRING,
                        quantity=INT.optional(),
                        price=MONEY.optional(),
                        kind=enum("plan", "addon").optional(),
                    ),
                    made_object(_ADDRESS, city=STRING.optional(), zip=STRING.optional()),
                    made_object("chargebee.coupon", "currency_code", id=STRING, off=MONEY, currency_code=STRING),
                )
            },
        ),
        "salesforce": Catalog(
            "salesforce",
            {
                "salesforce.Account": made_object(
                    "salesforce.Account",
                    Name=STRING.optional(),
                    Net=DECIMAL.optional(),
                    Since=TIMESTAMP.optional(),
                    Day=DATE.optional(),
                )
            },
        ),
    }
)


def scope(**functions: UserFunction) -> Scope:
    """Everything that the tests can see: order, other, coupons, account, settings, run."""
    made = Scope(SCHEMAS, functions=functions)
    made = made.synthetic(plain_object("settings", {"timezone": STRING, "flag": BOOL.optional()}))
    made = made.synthetic(plain_object("run", {"started_at": TIMESTAMP}))
    for name, type_ in {
        "order": record("chargebee.order"),
        "other": record("chargebee.order").optional(),
        "coupons": list_of(record("chargebee.coupon")),
        "account": record("salesforce.Account"),
        "settings": record("plain.settings"),
        "run": record("plain.run"),
    }.items():
        made = made.bind(name, type_)
    return made


def checked(text: str, within: Scope | None = None, expected: Type | None = None) -> Checked:
    """A parsed and checked expression."""
    parsed = parse(text)
    assert parsed.tree is not None, parsed.problems
    return check(parsed.tree, within or scope(), expected, text=text)


def value(text: str, order: Mapping[str, Any] | None = None, *, partial: bool = False, **roots: Any) -> Any:
    """The value of an expression over an order."""
    made = checked(text)
    assert made.core is not None, made.problems
    given = {"order": {} if order is None else order, "settings": {"timezone": "UTC"}, **roots}
    return evaluate(made, given, partial=partial)

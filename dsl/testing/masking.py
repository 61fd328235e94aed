"""A real record -> one that nobody can be recognised by, with the same shape: what a recorded test case is made of.

Every text is replaced unless it is known to say nothing about a person: values of enums, currencies, countries,
zones, and everything about plans, addons, coupons and the site. Equal texts become equal stand-ins, so that references
between records still hold, and addresses stay addresses. Custom fields may hold anything, so their numbers and days are
replaced too. Moments of payments and subscriptions stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.schema import FieldSchema, Schemas
from fieldwright.dsl.types import Kind, Type

IMPERSONAL: Final = frozenset(["addon", "addons", "coupon", "coupons", "event_based_addons", "plan", "site"])
"""Objects, and lists inside objects, that are about what is sold, not about who buys it."""

_KEPT: Final = frozenset(
    [
        "addon_ids", "country", "country_code", "coupon", "coupon_id", "currency_code", "entity_id", "entity_type",
        "locale", "plan_id", "plan_ids", "time_zone"
    ]
)  # fmt: skip
_STAND_INS: Final = {
    "email": "person{n}@example.org",
    "first_name": "First{n}",
    "last_name": "Last{n}",
    "company": "Company {n}",
    "phone": "+1555000{n}",
    "zip": "{n}0000",
    "id": "id-{n}",
    "customer_id": "id-{n}",
    "subscription_id": "id-{n}",
}


@dataclass(slots=True)
class Masker:
    """Masks the records of one case; what was replaced once is replaced by the same again."""

    schemas: Schemas
    known: dict[str, str] = field(default_factory=dict)

    def record(self, record: Mapping[str, Any], object_name: str, used: frozenset[str] | None = None) -> dict[str, Any]:
        """The record, of `used` only the fields given; nulls and free JSON are left out."""
        found = self.schemas.find(object_name)
        fields: Mapping[str, FieldSchema] = found.fields if found is not None else {}
        open_ = not IMPERSONAL.isdisjoint(object_name.split(".")[1:])
        made: dict[str, Any] = {}
        for name, value in record.items():
            schema = fields.get(name)
            if (
                schema is None
                or value is None
                or schema.type.kind is Kind.ANY
                or (used is not None and name not in used)
            ):
                continue
            made[name] = self._value(value, schema.type, name, open_, own=schema.status == "declared")
        return made

    def _value(self, value: Any, type_: Type, name: str, open_: bool, *, own: bool) -> Any:
        match type_.kind:
            case Kind.RECORD if isinstance(value, Mapping) and type_.object is not None:
                return self.record(value, type_.object)
            case Kind.LIST if isinstance(value, list) and type_.item is not None:
                return [self._value(item, type_.item, name, open_, own=own) for item in value]
            case Kind.TIMESTAMP if type(value) is int and not own:
                return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            case Kind.BOOL | Kind.ENUM:
                return value
        if open_ or (name in _KEPT and not own):
            return value
        match value:
            case str() if type_.kind is Kind.DATE:
                return "2000-01-01"
            case str():
                return self._stand_in(value, name)
            case int() | Decimal() if own:
                return 1
            case _:
                return value

    def _stand_in(self, text: str, name: str) -> str:
        if not text.strip():
            return text
        if text not in self.known:
            shape = _STAND_INS.get(name) or (_STAND_INS["email"] if "@" in text else f"{name} {{n}}")
            self.known[text] = shape.format(n=len(self.known) + 1)
        return self.known[text]

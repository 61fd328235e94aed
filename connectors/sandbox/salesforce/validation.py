"""Values of one record as sent into values as stored, or the refusal a real org gives.

Checks what a single field can tell: JSON type, length, range, picklist, e-mail form, id form, null. Also resolves
parents named by an external id. What needs other records or other fields (required on create, unique, prices) is for
`writes` and `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.errors import (
    BadJsonValue,
    Problem,
    RequestRefused,
    RowRefused,
    no_such_column,
)
from fieldwright.connectors.sandbox.salesforce.metadata import Field, SObject
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.soql_dates import parse_instant, stored_instant
from fieldwright.connectors.sandbox.salesforce.storage import Row

_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[A-Za-z]{2,}")
_INT_MAX = 2**31


@dataclass(slots=True)
class Draft:
    """The fields of one record, read and checked; `problems` are those that refuse it."""

    values: Row = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    not_createable: list[str] = field(default_factory=list)
    not_updateable: list[str] = field(default_factory=list)
    references: list[tuple[Field, str]] = field(default_factory=list)


def read(org: Org, item: SObject, payload: dict[str, Any], *, skip: frozenset[str] = frozenset()) -> Draft:
    """Reads the fields of a payload. `skip` are lower-case keys that the caller has taken (the record's key).

    Raises RequestRefused for unknown columns and badly typed JSON, which fail whole requests.
    """
    draft = Draft()
    for key, value in payload.items():
        if key == "attributes" or key.lower() in skip:
            continue
        found = item.find(key)
        if found is None or not org.is_visible(item, found):
            relationship = item.find_relationship(key)
            if relationship is None or not (value is None or isinstance(value, dict)):
                raise no_such_column(key, item.name)
            _read_parent(org, item, relationship, value, draft)
            continue
        try:
            stored = None if value is None else _READERS[found.type](org, found, value)
        except RowRefused as refusal:
            draft.problems.extend(refusal.problems)
            continue
        if stored is None and found.type == "boolean":
            # Unverified wording; that a checkbox cannot be null is documented.
            text = f"{found.label}: value not of required type: null"
            draft.problems.append(Problem("INVALID_TYPE_ON_FIELD_IN_RECORD", text, (found.name,)))
            continue
        _keep(found, stored, draft)
    return draft


def _keep(found: Field, stored: Any, draft: Draft) -> None:
    draft.values[found.name] = stored
    if not found.createable:
        draft.not_createable.append(found.name)
    if not found.updateable:
        draft.not_updateable.append(found.name)
    if found.references and stored is not None:
        draft.references.append((found, stored))


def _read_parent(org: Org, item: SObject, found: Field, value: dict[str, Any] | None, draft: Draft) -> None:
    """A parent named by one of its external ids: `"Account": {"chargebeeapps__CB_Id__c": "c7"}`."""
    if value is None:
        _keep(found, None, draft)
        return
    keys = {key: given for key, given in value.items() if key != "attributes"}
    about = value.get("attributes")
    named = about.get("type") if isinstance(about, dict) else None
    parent = org.schema.find(named if isinstance(named, str) else found.references[0])
    if parent is None or len(keys) != 1:
        raise RequestRefused(400, "INVALID_FIELD", f"Multiple or no external ID fields given for {found.relationship}")
    key, given = next(iter(keys.items()))
    column = parent.find(key)
    if column is None:
        raise no_such_column(key, parent.name)
    if not parent.is_upsert_key(column):
        message = f"{column.name} is not an External ID or indexed field on {parent.name}"
        raise RequestRefused(400, "INVALID_FIELD", message)
    sought = key_value(org, column, given)
    if sought is None or sought == "":
        _keep(found, None, draft)
        return
    matches = org.storage.ids_with(parent, column.name, sought)
    if len(matches) > 1:
        text = f"{column.name}: more than one record found for external id field: [{', '.join(matches)}]"
        draft.problems.append(Problem("DUPLICATE_EXTERNAL_ID", text, (column.name,)))
    elif not matches:
        text = f"Foreign key external ID: {given} not found for field {column.name} in entity {parent.name}"
        draft.problems.append(Problem("INVALID_FIELD", text))
    else:
        _keep(found, matches[0], draft)


def key_value(org: Org, key: Field, given: Any) -> Any:
    """The value of an external id as it is compared with stored ones; ids and ill-formed texts stay as sent.

    Raises BadJsonValue for a value of another JSON type, which fails the whole request.
    """
    if given is None:
        return None
    if key.type == "id":
        if not isinstance(given, str):
            raise BadJsonValue(key.name, "id", given)
        return given
    try:
        return _READERS[key.type](org, key, given)
    except RowRefused:
        # Too long or no e-mail: no record has it, and the save that follows says what is wrong.
        return given


# Readers, one per type: (org, field, JSON value that is not null) -> stored value


def _text(org: Org, found: Field, value: Any) -> str | None:
    if type(value) is not str:
        raise BadJsonValue(found.name, "string", value)
    text = value.strip()
    if not text:
        return None
    if len(text) > found.length:
        message = f"{found.label}: data value too large: {text} (max length={found.length})"
        raise RowRefused("STRING_TOO_LONG", message, (found.name,))
    return text


def _email(org: Org, found: Field, value: Any) -> str | None:
    text = _text(org, found, value)
    if text is None:
        return None
    if _EMAIL.fullmatch(text) is None:
        raise RowRefused("INVALID_EMAIL_ADDRESS", f"{found.label}: invalid email address: {value}", (found.name,))
    # Recorded: Chloe.Myers@example.com comes back as chloe.myers@example.com.
    return text.lower()


def _picklist(org: Org, found: Field, value: Any) -> str | None:
    if type(value) is not str:
        raise BadJsonValue(found.name, "string", value)
    text = value.strip()
    if not text:
        return None
    if found.name == "CurrencyIsoCode":
        code = text.upper()
        if code not in org.currencies:
            message = f"{found.label}: currency code is not active: {text}"  # unverified wording
            raise RowRefused("INVALID_CURRENCY_ISO", message, (found.name,))
        return code
    if found.restricted and found.values:
        for allowed in found.values:
            if allowed.lower() == text.lower():
                return allowed
        message = f"{found.label}: bad value for restricted picklist field: {text}"
        raise RowRefused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (found.name,))
    return _text(org, found, text)


def _multipicklist(org: Org, found: Field, value: Any) -> str | None:
    text = _text(org, found, value)
    if text is None:
        return None
    chosen = [part.strip() for part in text.split(";") if part.strip()]
    for part in chosen:
        if found.restricted and part not in found.values:
            message = f"{found.label}: bad value for restricted picklist field: {part}"
            raise RowRefused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (found.name,))
    return ";".join(chosen)


def _boolean(org: Org, found: Field, value: Any) -> int:
    if value is True or value is False:
        return int(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    raise BadJsonValue(found.name, "boolean", value)


def _number(org: Org, found: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadJsonValue(found.name, found.type, value)
    if type(value) is int:
        number = Decimal(value)
    else:
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise BadJsonValue(found.name, found.type, value) from None
        if not number.is_finite():
            raise BadJsonValue(found.name, found.type, value)
        if number.is_finite() and number.adjusted() > 20:
            raise _out_of_range(found, value)
        # Money is rounded once the record's currency is known, see `rounded_money`.
        if found.type != "currency":
            number = number.quantize(Decimal(1).scaleb(-found.scale), ROUND_HALF_UP)
    if abs(number) >= Decimal(10) ** (found.precision - found.scale):
        raise _out_of_range(found, value)
    return float(number)


def rounded_money(org: Org, found: Field, amount: float, currency: str | None) -> float:
    """An amount at the field's scale, or at the currency's where that is finer (a dinar has three places; that such
    records keep the third is unverified)."""
    places = max(found.scale, org.currencies.get(currency or "", 0))
    return float(Decimal(repr(amount)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _integer(org: Org, found: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadJsonValue(found.name, "int", value)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise BadJsonValue(found.name, "int", value) from None
    if not number.is_finite():
        raise BadJsonValue(found.name, "int", value)
    if number.adjusted() > 20:
        raise _out_of_range(found, value)
    if number != number.to_integral_value():
        raise BadJsonValue(found.name, "int", value)
    if abs(number) >= min(_INT_MAX, 10 ** (found.digits or 9)):
        raise _out_of_range(found, value)
    return int(number)


def _out_of_range(found: Field, value: Any) -> RowRefused:
    message = f"{found.label}: value outside of valid range on numeric field: {value}"
    return RowRefused("NUMBER_OUTSIDE_VALID_RANGE", message, (found.name,))


def _date(org: Org, found: Field, value: Any) -> str | None:
    if type(value) is not str:
        raise BadJsonValue(found.name, "date", value)
    if not value.strip():
        return None
    try:
        if len(value) != 10:
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise BadJsonValue(found.name, "date", value) from None


def _datetime(org: Org, found: Field, value: Any) -> str | None:
    if type(value) is not str:
        raise BadJsonValue(found.name, "datetime", value)
    if not value.strip():
        return None
    try:
        return stored_instant(parse_instant(value))
    except ValueError:
        raise BadJsonValue(found.name, "datetime", value) from None


def _reference(org: Org, found: Field, value: Any) -> str | None:
    if type(value) is not str:
        raise BadJsonValue(found.name, "reference", value)
    text = value.strip()
    if not text:
        return None
    canonical = ids.canonical(text)
    target = org.schema.of_id(canonical) if canonical else None
    if canonical is None or (target is not None and target.name not in found.references):
        raise RowRefused("MALFORMED_ID", f"{found.label}: id value of incorrect type: {text}", (found.name,))
    return canonical


def _address(org: Org, found: Field, value: Any) -> None:
    raise RowRefused(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {found.name}. Please check the security settings of this field and verify"
        " that it is read/write for your profile or permission set.",
        (found.name,),
    )


_READERS: dict[str, Callable[[Org, Field, Any], Any]] = {
    "string": _text,
    "textarea": _text,
    "phone": _text,
    "url": _text,
    "combobox": _text,
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _integer,
    "date": _date,
    "datetime": _datetime,
    "id": _reference,
    "reference": _reference,
    "address": _address,
}

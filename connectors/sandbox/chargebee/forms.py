"""From a form body or a query string to typed values, the way the API reads them.

`decode` turns bracket keys (`billing_address[city]`, `addons[id][0]`, `coupon_ids[0]`) into nested values, still text.
`typed` turns them into values of a resource's field types. An empty text means "clear this field" and becomes None.
Which parameters an operation accepts is left to the operation.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from fieldwright.connectors.sandbox.chargebee.errors import ApiError, wrong_value
from fieldwright.connectors.sandbox.chargebee.resources import FieldType

# Longest texts, from the API reference; unverified against a live site.
_LENGTHS = {
    "id": 50,
    "first_name": 150,
    "last_name": 150,
    "email": 70,
    "phone": 50,
    "company": 250,
    "vat_number": 20,
    "line1": 150,
    "line2": 150,
    "line3": 150,
    "city": 50,
    "state": 50,
    "state_code": 50,
    "zip": 20,
    "country": 50,
    "po_number": 100,
    "invoice_notes": 2000,
    "pass_thru_content": 2048,
    "redirect_url": 500,
}
# As documented for money; taken for other numbers too (unverified).
_LARGEST = 2**53
# The end of the year 2999; milliseconds given for seconds lie beyond it.
_LAST_SECOND = 32_503_679_999
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def decode(text: str) -> dict[str, Any]:
    """Nested dictionaries and lists of texts. Raises ApiError for a key whose brackets do not match."""
    nested: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True, strict_parsing=False):
        match = _KEY.fullmatch(key)
        if match is None:
            raise ApiError(400, "invalid_request", f"malformed parameter name {key!r}")
        path = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        here = nested
        for step in path[:-1]:
            below = here.setdefault(step, {})
            if not isinstance(below, dict):
                raise wrong_value(key, "given both as a value and as a group")
            here = below
        if isinstance(here.get(path[-1]), dict):
            raise wrong_value(key, "given both as a value and as a group")
        here[path[-1]] = value
    return {name: _lists(value) for name, value in nested.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    if value and all(isinstance(part, dict) and part and all(key.isdigit() for key in part) for part in value.values()):
        # `addons[id][0]=..&addons[quantity][0]=..`: columns, turned into rows.
        rows: dict[int, dict[str, Any]] = {}
        for name, column in value.items():
            for index, cell in column.items():
                rows.setdefault(int(index), {})[name] = _lists(cell)
        return [rows[index] for index in sorted(rows)]
    return {key: _lists(part) for key, part in value.items()}


def typed(given: Any, kind: FieldType, param: str) -> Any:
    """One decoded parameter as a value of a field type. Raises ApiError `param_wrong_value`."""
    if given == "":
        return None
    match kind:
        case dict():
            return _object(given, kind, param)
        case list():
            if not isinstance(given, list):
                raise wrong_value(param, "should be a list")
            return [typed(item, kind[0], f"{param}[{index}]") for index, item in enumerate(given)]
        case str():
            return _scalar(given, kind, param)


def _object(given: Any, kind: Mapping[str, FieldType], param: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise wrong_value(param, "should be a group of values")
    values = {}
    for name, part in given.items():
        if name in kind or name.startswith("cf_"):
            values[name] = typed(part, kind.get(name, "string"), f"{param}[{name}]")
    return values


def _scalar(given: Any, kind: str, param: str) -> Any:
    if kind == "json":
        return _json(given, param)
    if not isinstance(given, str):
        raise wrong_value(param, "should be a single value")
    if kind in ("integer", "money", "timestamp"):
        try:
            number = int(given)
        except ValueError:
            raise wrong_value(param, "should be a whole number") from None
        if abs(number) > _LARGEST:
            raise wrong_value(param, "too large")
        if kind == "money" and number < 0:
            raise wrong_value(param, "should not be negative")
        if kind == "timestamp" and not 0 <= number <= _LAST_SECOND:
            raise wrong_value(param, "should be a timestamp in seconds")
        return number
    if kind == "boolean":
        if given not in ("true", "false"):
            raise wrong_value(param, "should be true or false")
        return given == "true"
    if kind == "decimal":
        return float(_decimal(given, param))
    if kind == "decimal_string":
        _decimal(given, param)
        return given
    if kind.startswith("enum:"):
        allowed = kind[5:].split("|")
        if given not in allowed:
            raise wrong_value(param, f"invalid value {given!r}, expected one of {', '.join(allowed)}")
        return given
    leaf = re.split(r"[\[\]]+", param.rstrip("]"))[-1]
    if leaf == "email" and not _EMAIL.fullmatch(given):
        raise wrong_value(param, "not a valid email address")
    if len(given) > _LENGTHS.get(leaf, 65_000):
        raise wrong_value(param, f"should not exceed {_LENGTHS[leaf]} characters")
    return given


def _decimal(given: str, param: str) -> Decimal:
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise wrong_value(param, "should be a decimal number") from None
    if not number.is_finite():
        raise wrong_value(param, "should be a decimal number")
    return number


def _json(given: Any, param: str) -> Any:
    # The SDK sends a dictionary as its Python text, which the real API refuses as well.
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, TypeError):
        raise wrong_value(param, "should be valid JSON") from None

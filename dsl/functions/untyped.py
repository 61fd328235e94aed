"""Functions that narrow values of which the catalog knows no type: free JSON, as a customer's `meta_data`.

Nothing else takes such a value. Each function says what the value must be and fails when it is something else, with
the record's own value left as it is: a text of digits is no number until `int(text(x))` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from fieldwright.dsl.functions.limits import MAX_INT, MIN_INT, bounded_list
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError


@function("untyped", "get(value: any, key: string) -> any?", ("get(null, 'crm_id')", None), fallible=True)
def get(value: Any, key: str) -> Any:
    """What an object of free JSON holds under a key; null when there is nothing."""
    if not isinstance(value, Mapping):
        _refuse("an object", value)
    return value.get(key)


@function("untyped", "elements(value: any) -> list<any>", ("elements(null)", None), fallible=True)
def elements(value: Any) -> list[Any]:
    """The elements of a list of free JSON."""
    if not isinstance(value, list | tuple):
        _refuse("a list", value)
    return bounded_list(list(value))


@function("untyped", "text(value: any) -> string", fallible=True)
def text_of(value: Any) -> str:
    """The value, if it is a text."""
    if not isinstance(value, str):
        _refuse("a text", value)
    return value


@function("untyped", "int(value: any) -> int", fallible=True)
def int_of(value: Any) -> int:
    """The value, if it is a whole number of 64 bits."""
    if type(value) is not int or not MIN_INT <= value <= MAX_INT:
        _refuse("a whole number", value)
    return value


@function("untyped", "decimal(value: any) -> decimal", fallible=True)
def decimal_of(value: Any) -> Decimal:
    """The value, if it is a number."""
    if type(value) is int and MIN_INT <= value <= MAX_INT:
        return Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > 64:
        _refuse("a number", value)
    return value


@function("untyped", "bool(value: any) -> bool", fallible=True)
def bool_of(value: Any) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        _refuse("true or false", value)
    return value


@function(
    "text",
    "bool(text: string) -> bool",
    ("bool('true')", True),
    ("bool('yes', else=null)", None),
    fallible=True,
)
def parsed_bool(text: str) -> bool:
    """True for the text true, false for false, whatever the case; other words belong into a value table."""
    match text.strip().lower():
        case "true":
            return True
        case "false":
            return False
    raise EvaluationError("RT105", f"{text[:40]!r} is neither true nor false", "use a value table, or give else=")


def _refuse(wanted: str, value: Any) -> NoReturn:
    named = {str: "a text", bool: "true or false", int: "a number", Decimal: "a number", list: "a list"}
    found = named.get(type(value), "an object" if isinstance(value, Mapping) else "something else")
    raise EvaluationError("RT105", f"{found} stands where {wanted} is expected", "correct the record or give else=")

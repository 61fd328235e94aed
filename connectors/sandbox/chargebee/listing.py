"""List requests: from query parameters to one SQL query and from its rows to a page.

Filters (`email[is]`, `updated_at[between]`, ...), `sort_by[asc|desc]`, `limit` and `offset` as documented. Paging is by
keyset, so a record inserted or deleted between two pages neither repeats nor hides another one.

Where the documentation is silent (unverified): texts are compared exactly; `is_not` and `not_in` also give records
without a value; a filter that the resource does not have is refused rather than ignored, because a silently ignored
filter is the costlier mistake for a client under test.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from fieldwright.connectors.sandbox.chargebee.errors import wrong_value
from fieldwright.connectors.sandbox.chargebee.resources import Resource, takes_custom_fields

_OPERATORS = {
    "string": ("is", "is_not", "starts_with", "in", "not_in", "is_present"),
    "enum": ("is", "is_not", "in", "not_in", "is_present"),
    "boolean": ("is", "is_present"),
    "number": ("is", "is_not", "lt", "lte", "gt", "gte", "between", "is_present"),
    "timestamp": ("after", "before", "on", "between", "is_present"),
}
# Filters one level down, such as gifter[customer_id][is].
_GROUPS = {("gift", "gifter"), ("gift", "gift_receiver"), ("customer", "relationship")}
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "after": ">", "before": "<"}
# Columns of their own, with an index; everything else is looked up inside the document.
_COLUMNS = {"id", "updated_at", "customer_id", "subscription_id"}


@dataclass(frozen=True, slots=True)
class Query:
    """A list request made ready: the WHERE clause with its values, the order and the page size."""

    where: str
    values: tuple[Any, ...]
    sort: str
    descending: bool
    limit: int

    def sql(self, table: str, columns: str) -> str:
        """The statement; it asks for one row more than the page, which tells whether there is a next one."""
        direction = "DESC" if self.descending else "ASC"
        return (
            f"SELECT {columns}, {self.sort}, seq FROM {table} WHERE {self.where}"
            f" ORDER BY {self.sort} {direction}, seq {direction} LIMIT {self.limit + 1}"
        )


def parse_query(
    resource: Resource,
    params: Mapping[str, Any],
    *,
    fixed: Mapping[str, str] | None = None,
    visible_until: int | None = None,
) -> Query:
    """Check the parameters of a list request. `fixed` are equalities that the path imposes; `visible_until` hides what
    changed after that second (the lag of an eventually consistent list). Raises ApiError."""
    where: list[str] = []
    values: list[Any] = []
    for column, value in (fixed or {}).items():
        where.append(f"{column} = ?")
        values.append(value)
    given = dict(params)
    limit = _limit(given.pop("limit", "10"))
    sort, descending = _sort(resource, given.pop("sort_by", {}))
    offset = given.pop("offset", "")
    with_deleted = given.pop("include_deleted", "false")
    if with_deleted not in ("true", "false"):
        raise wrong_value("include_deleted", "should be true or false")
    if with_deleted == "false" or not resource.include_deleted:
        where.append("deleted = 0")
    if visible_until is not None:
        where.append("changed_at <= ?")
        values.append(visible_until)
    for name, condition in given.items():
        _filter(resource, name, condition, where, values)
    if offset:
        key, seq = _offset(offset)
        where.append(f"({sort}, seq) {'<' if descending else '>'} (?, ?)")
        values += [key, seq]
    return Query(" AND ".join(where) or "1", tuple(values), sort, descending, limit)


def next_offset(key: int, seq: int) -> str:
    """The opaque text that continues after a row."""
    return msgspec.json.encode([str(key), str(seq)]).decode()


def _limit(given: Any) -> int:
    if not isinstance(given, str) or not given.isdigit() or not 1 <= int(given) <= 100:
        raise wrong_value("limit", "should be between 1 and 100")
    return int(given)


def _sort(resource: Resource, given: Any) -> tuple[str, bool]:
    if given in ({}, ""):
        return "born_at", False
    if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in ("asc", "desc"):
        raise wrong_value("sort_by", "should be sort_by[asc] or sort_by[desc]")
    ((direction, field),) = given.items()
    if field not in resource.sorts():
        raise wrong_value("sort_by", f"{resource.plural} cannot be sorted by {field!r}")
    return ("updated_at" if field == "updated_at" else "born_at"), direction == "desc"


def _offset(text: Any) -> tuple[int, int]:
    try:
        key, seq = msgspec.json.decode(text, type=tuple[str, str])
        return int(key), int(seq)
    except (msgspec.DecodeError, ValueError, TypeError):
        raise wrong_value("offset", "invalid offset") from None


def _filter(resource: Resource, name: str, condition: Any, where: list[str], values: list[Any]) -> None:
    if name.startswith("cf_") and takes_custom_fields(resource.name):
        kind = "string"
    elif name in resource.filters:
        kind = resource.filters[name]
    elif (resource.name, name) in _GROUPS and isinstance(condition, dict):
        for inner, test in condition.items():
            _conditions(f"json_extract(document, '$.{name}.{_safe(inner)}')", "string", name, test, where, values)
        return
    else:
        raise wrong_value(name, f"{resource.plural} cannot be filtered by it")
    if not isinstance(condition, dict):
        if name == "start_time" or name == "end_time":
            where.append(f"born_at {'>=' if name == 'start_time' else '<='} ?")
            values.append(_second(condition, name))
            return
        if kind not in ("str", "int"):
            raise wrong_value(name, "needs an operator, such as name[is]")
        condition = {"is": condition}
    column = name if name in _COLUMNS else f"json_extract(document, '$.{_safe(name)}')"
    if name == resource.born:
        column = "born_at"
    _conditions(column, kind if kind in _OPERATORS else "string", name, condition, where, values)


def _safe(name: str) -> str:
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise wrong_value(name, "not a field name")
    return name


def _conditions(column: str, kind: str, name: str, tests: Any, where: list[str], values: list[Any]) -> None:
    if not isinstance(tests, dict):
        raise wrong_value(name, "needs an operator, such as name[is]")
    for operator, given in tests.items():
        param = f"{name}[{operator}]"
        if operator not in _OPERATORS[kind]:
            raise wrong_value(param, f"operator not supported for {name}")
        clause, more = _clause(column, kind, operator, given, param)
        where.append(clause)
        values += more


def _clause(column: str, kind: str, operator: str, given: Any, param: str) -> tuple[str, list[Any]]:
    if operator == "is_present":
        if given not in ("true", "false"):
            raise wrong_value(param, "should be true or false")
        return f"{column} IS {'NOT ' if given == 'true' else ''}NULL", []
    if operator in ("in", "not_in", "between"):
        items = [_value(item, kind, param) for item in _items(given, param)]
        if operator == "between":
            if len(items) != 2 or items[0] == items[1]:
                raise wrong_value(param, "needs two different values, the lower one first")
            return f"{column} BETWEEN ? AND ?", items
        marks = ", ".join("?" * len(items))
        if operator == "in":
            return f"{column} IN ({marks})", items
        return f"({column} IS NULL OR {column} NOT IN ({marks}))", items
    if operator == "on":
        start, end = _day(given, param)
        return f"{column} >= ? AND {column} < ?", [start, end]
    if operator == "starts_with":
        text = str(given)
        return f"substr({column}, 1, {len(text)}) = ?", [text]
    value = _value(given, kind, param)
    if operator == "is":
        return f"{column} = ?", [value]
    if operator == "is_not":
        return f"{column} IS NOT ?", [value]
    return f"{column} {_COMPARE[operator]} ?", [value]


def _items(given: Any, param: str) -> list[str]:
    """`['a','b']`, `["a","b"]` or `[a,b]`; the SDK sends the first."""
    if isinstance(given, list):
        return [str(item) for item in given]
    text = str(given).strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise wrong_value(param, 'should be a list such as ["a","b"]')
    try:
        items = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        items = [part.strip() for part in text[1:-1].split(",") if part.strip()]
    if not items:
        raise wrong_value(param, "should not be an empty list")
    return [str(item) for item in items]


def _value(given: Any, kind: str, param: str) -> Any:
    if not isinstance(given, str):
        raise wrong_value(param, "should be a single value")
    match kind:
        case "timestamp":
            return _second(given, param)
        case "boolean":
            if given not in ("true", "false"):
                raise wrong_value(param, "should be true or false")
            return int(given == "true")
        case "number":
            try:
                return int(given) if given.lstrip("-").isdigit() else float(given)
            except ValueError:
                raise wrong_value(param, "should be a number") from None
        case _:
            return given


def _second(given: Any, param: str) -> int:
    try:
        return int(given)
    except (TypeError, ValueError):
        try:
            return int(datetime.fromisoformat(str(given)).replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise wrong_value(param, "should be a timestamp in seconds") from None


def _day(given: Any, param: str) -> tuple[int, int]:
    """The day, in UTC, that contains an instant or is named as 2026-01-31."""
    try:
        day = date.fromisoformat(str(given))
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    except ValueError:
        start = _second(given, param) // 86_400 * 86_400
    return start, start + 86_400

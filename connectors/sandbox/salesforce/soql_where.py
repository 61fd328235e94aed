"""WHERE and HAVING of a SOQL query into SQL, with its values as parameters.

Keeps SOQL's own ideas of null: `!=`, `NOT IN` and `NOT` keep rows whose field is empty. Refuses literals of the wrong
type in the words of real orgs. Names are resolved by `soql_names`; a semi-join is compiled by the `subquery` given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.metadata import ID_TYPES, NUMBER_TYPES, Field
from fieldwright.connectors.sandbox.salesforce.soql_dates import days_of, parse_instant, stored_instant
from fieldwright.connectors.sandbox.salesforce.soql_lexer import caret, malformed
from fieldwright.connectors.sandbox.salesforce.soql_names import Names
from fieldwright.connectors.sandbox.salesforce.soql_syntax import (
    Both,
    Comparison,
    Condition,
    DateRange,
    Literal,
    Negated,
    Path,
    Query,
)

# A picked column, the rest of the sub-select, and its values.
Subquery = Callable[[Query], tuple[str, str, list[Any]]]


def condition_sql(
    names: Names, condition: Condition, subquery: Subquery, *, aggregates: bool = False
) -> tuple[str, list[Any]]:
    """The SQL of a condition and the values of its parameters, in order."""
    where = _Where(names, subquery, aggregates)
    return where.condition(condition), where.values


class _Where:
    def __init__(self, names: Names, subquery: Subquery, aggregates: bool) -> None:
        self.names = names
        self.subquery = subquery
        self.aggregates = aggregates
        self.values: list[Any] = []

    def condition(self, condition: Condition) -> str:
        match condition:
            case Both():
                joiner = " AND " if condition.every else " OR "
                return "(" + joiner.join(self.condition(part) for part in condition.parts) + ")"
            case Negated():
                # SOQL's NOT keeps the rows whose condition is unknown because a field is empty.
                return f"NOT ifnull({self.condition(condition.part)}, 0)"
            case Comparison():
                return self.comparison(condition)

    def comparison(self, comparison: Comparison) -> str:
        sql, found = self.names.operand(comparison.left, aggregates=self.aggregates)
        position = comparison.left.position
        if found is not None and not found.filterable and isinstance(comparison.left, Path):
            message = f"field '{found.name}' can not be filtered in a query call"
            raise RequestRefused(400, "INVALID_FIELD", caret(self.names.context.text, position, message))
        right = comparison.right
        match comparison.operator, right:
            case ("IN" | "NOT IN") as operator, Query():
                return self.semi_join(sql, operator, right)
            case ("IN" | "NOT IN") as operator, tuple():
                return self.membership(sql, found, operator, right)
            case ("INCLUDES" | "EXCLUDES") as operator, tuple():
                return self.multiple(sql, operator, right)
            case operator, Literal():
                return self.simple(sql, found, operator, right)
            case _:
                raise malformed(self.names.context.text, position, f"unexpected token: '{comparison.operator}'")

    def semi_join(self, sql: str, operator: str, query: Query) -> str:
        if len(query.select) != 1 or not isinstance(query.select[0], Path):
            text = "semi join sub-selects must select exactly one field"
            raise malformed(self.names.context.text, query.position, text)
        wanted, rest, values = self.subquery(query)
        self.values.extend(values)
        if operator == "IN":
            return f"{sql} IN (SELECT {wanted}{rest})"
        # A null among the picked values would make NOT IN unknown for every row.
        picked = f"SELECT picked.v FROM (SELECT {wanted} AS v{rest}) AS picked WHERE picked.v IS NOT NULL"
        return f"({sql} IS NULL OR {sql} NOT IN ({picked}))"

    def membership(self, sql: str, found: Field | None, operator: str, members: tuple[Literal, ...]) -> str:
        plain = [member for member in members if member.kind != "null" and member.value != ""]
        has_null = len(plain) < len(members)
        if any(member.kind == "range" for member in plain):
            joined = " OR ".join(self.simple(sql, found, "=", member) for member in members)
            return f"({joined})" if operator == "IN" else f"NOT ifnull(({joined}), 0)"
        self.values.extend(self.bound(found, member) for member in plain)
        marks = ", ".join("?" * len(plain))
        if operator == "IN":
            return f"({sql} IN ({marks}){f' OR {sql} IS NULL' if has_null else ''})"
        joiner = "AND" if has_null else "OR"
        empty = f"{sql} IS NOT NULL" if has_null else f"{sql} IS NULL"
        return f"({sql} NOT IN ({marks}) {joiner} {empty})"

    def multiple(self, sql: str, operator: str, members: tuple[Literal, ...]) -> str:
        alternatives = []
        for member in members:
            together = []
            for value in str(member.value).split(";"):
                together.append(f"instr(';' || lower({sql}) || ';', ?) > 0")
                self.values.append(f";{value.strip().lower()};")
            alternatives.append("(" + " AND ".join(together) + ")")
        joined = " OR ".join(alternatives)
        return f"({joined})" if operator == "INCLUDES" else f"NOT ifnull(({joined}), 0)"

    def simple(self, sql: str, found: Field | None, operator: str, right: Literal) -> str:
        if right.kind == "null" or right.value == "":
            if operator not in ("=", "!="):
                raise malformed(self.names.context.text, right.position, f"unexpected token: '{operator}'")
            return f"{sql} IS {'NOT ' if operator == '!=' else ''}NULL"
        if operator == "LIKE":
            if right.kind != "string" or (found is not None and found.type in NUMBER_TYPES | {"boolean"}):
                message = f"invalid operator on {found.type if found else 'number'} field"
                raise RequestRefused(
                    400, "INVALID_QUERY_FILTER_OPERATOR", caret(self.names.context.text, right.position, message)
                )
            self.values.append(str(right.value))
            return f"{sql} LIKE ? ESCAPE '\\'"
        if isinstance(right.value, DateRange):
            return self.within(sql, found, operator, right)
        value = self.bound(found, right)
        self.values.append(value)
        if operator == "!=":
            return f"({sql} IS NULL OR {sql} <> ?)"
        return f"{sql} {operator} ?"

    def within(self, sql: str, found: Field | None, operator: str, right: Literal) -> str:
        assert isinstance(right.value, DateRange)
        first, after = days_of(right.value, self.names.context.now.astimezone(UTC).date())
        self.wanted(found, right, "date", "datetime")
        start, end = self.day_text(found, first), self.day_text(found, after)
        match operator:
            case "=":
                self.values.extend((start, end))
                return f"({sql} >= ? AND {sql} < ?)"
            case "!=":
                self.values.extend((start, end))
                return f"({sql} IS NULL OR {sql} < ? OR {sql} >= ?)"
            case "<" | ">=":
                self.values.append(start)
                return f"{sql} {operator} ?"
            case _:
                self.values.append(end)
                return f"{sql} {'>=' if operator == '>' else '<'} ?"

    def day_text(self, found: Field | None, day: date) -> str:
        if found is not None and found.type == "datetime":
            return stored_instant(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return day.isoformat()

    def wanted(self, found: Field | None, right: Literal, *types: str) -> None:
        if found is not None and found.type not in types:
            raise self.wrong_type(found, right)

    def wrong_type(self, found: Field, right: Literal) -> RequestRefused:
        quoted = found.type in ID_TYPES or found.column_type.startswith("TEXT")
        quoted = quoted and found.type not in ("date", "datetime")
        shown = {"datetime": "dateTime", "reference": "id", "picklist": "string"}.get(found.type, found.type)
        should = "should be" if quoted else "should not be"
        criterion = f"value of filter criterion for field '{found.name}'"
        message = f"{criterion} must be of type {shown} and {should} enclosed in quotes"
        return RequestRefused(400, "INVALID_FIELD", caret(self.names.context.text, right.position, message))

    def bound(self, found: Field | None, right: Literal) -> Any:
        """The SQL value of a literal compared with a field; refuses a literal of another type."""
        if found is None:
            return right.value
        match found.type, right.kind:
            case (("id" | "reference"), "string"):
                canonical = ids.canonical(str(right.value))
                if canonical is None:
                    message = f"invalid ID field: {right.value}"
                    raise RequestRefused(
                        400, "INVALID_QUERY_FILTER_OPERATOR", caret(self.names.context.text, right.position, message)
                    )
                return canonical
            case "boolean", "boolean":
                return int(bool(right.value))
            case (("double" | "currency" | "percent" | "int"), "number"):
                return right.value
            case "date", "date":
                return right.value
            case "datetime", "datetime":
                return _upper_bound(parse_instant(str(right.value)))
            case (("date" | "datetime" | "boolean" | "double" | "currency" | "percent" | "int"), _):
                raise self.wrong_type(found, right)
            case _, "string":
                return right.value
            case _:
                raise self.wrong_type(found, right)


def _upper_bound(instant: datetime) -> str:
    # Records carry whole seconds; a filter of .5 s must still fall between two of them.
    text = stored_instant(instant)
    milliseconds = instant.astimezone(UTC).microsecond // 1000
    return text.replace(".000+", f".{milliseconds:03d}+") if milliseconds else text

"""A SOQL syntax tree into parametrised SQL over the org's tables.

Names are resolved against the metadata here, with the error texts and caret lines of real orgs; parent paths become
LEFT JOINs, semi-joins become IN (SELECT ...), date literals become ranges. Child queries are left to `query`, which
runs them once per page. Every value of the query travels as a parameter; only names taken from the metadata are
written into SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from fieldwright.connectors.sandbox.salesforce import ids
from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.metadata import ID_TYPES, NUMBER_TYPES, Field, Schema, SObject
from fieldwright.connectors.sandbox.salesforce.soql_dates import days_of, parse_instant, stored_instant
from fieldwright.connectors.sandbox.salesforce.soql_lexer import caret, malformed
from fieldwright.connectors.sandbox.salesforce.soql_syntax import (
    AllFields,
    Both,
    Call,
    Comparison,
    Condition,
    DateRange,
    Literal,
    Negated,
    Path,
    Query,
)

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_DATE_PARTS = {
    "DAY_ONLY": "substr({0}, 1, 10)",
    "CALENDAR_YEAR": "CAST(substr({0}, 1, 4) AS INTEGER)",
    "CALENDAR_MONTH": "CAST(substr({0}, 6, 2) AS INTEGER)",
    "CALENDAR_QUARTER": "((CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3)",
    "DAY_IN_MONTH": "CAST(substr({0}, 9, 2) AS INTEGER)",
    "HOUR_IN_DAY": "CAST(substr({0}, 12, 2) AS INTEGER)",
}
_TRANSPARENT = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY"})
_CUSTOM_HINT = (
    " If you are attempting to use a custom {0}, be sure to append the '__c' after the {1} name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
ADDRESS_PARTS = {
    "city": "City",
    "country": "Country",
    "geocodeAccuracy": "GeocodeAccuracy",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "postalCode": "PostalCode",
    "state": "State",
    "street": "Street",
}


@dataclass(slots=True)
class Node:
    """One record of the answer: which result columns make it, and the parents nested in it."""

    object: SObject
    alias: str
    id_index: int = -1
    columns: list[tuple[str, int]] = field(default_factory=list)
    booleans: list[str] = field(default_factory=list)
    addresses: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    parents: dict[str, Node] = field(default_factory=dict)


@dataclass(slots=True)
class Statement:
    """A compiled query. `columns` are SQL expressions; `tail` is FROM, WHERE, GROUP BY, HAVING and ORDER BY."""

    object: SObject
    columns: list[str]
    tail: str
    values: list[Any]
    limit: int | None
    offset: int | None
    node: Node
    aggregate: list[str] | None = None
    booleans: frozenset[str] = frozenset()
    counts_only: bool = False
    children: list[tuple[str, Query, SObject, Field]] = field(default_factory=list)

    def bounded(self) -> str:
        """LIMIT and OFFSET as SQL."""
        if self.limit is None and self.offset is None:
            return ""
        return f" LIMIT {-1 if self.limit is None else self.limit} OFFSET {self.offset or 0}"


class Compiler:
    """Compiles the queries of one request; `visible` hides fields that the user may not see."""

    def __init__(
        self, schema: Schema, text: str, now: datetime, *, deleted: bool, visible: Callable[[SObject, Field], bool]
    ) -> None:
        self.schema = schema
        self.text = text
        self.now = now
        self.deleted = deleted
        self.visible = visible
        self.tables = 0

    def table_alias(self) -> str:
        """A fresh SQL alias."""
        self.tables += 1
        return f"t{self.tables}"

    def compile(self, query: Query, *, extra: str = "", extra_values: tuple[Any, ...] = ()) -> Statement:
        """The statement of a query; `extra` is a further SQL condition on `{t}` (the root table)."""
        item = self.schema.find(query.object_name)
        if item is None:
            message = f"sObject type '{query.object_name}' is not supported."
            hint = _CUSTOM_HINT.format("object", "entity")
            raise RequestRefused(400, "INVALID_TYPE", caret(self.text, query.position, message + hint))
        return _Scope(self, query, item).statement(extra, extra_values)


class _Scope:
    """One SELECT being compiled: its root table and the parents joined so far."""

    def __init__(self, compiler: Compiler, query: Query, item: SObject) -> None:
        self.compiler = compiler
        self.query = query
        self.item = item
        self.root = Node(item, compiler.table_alias())
        self.joins: list[str] = []
        self.joined: dict[tuple[str, ...], tuple[SObject, str]] = {(): (item, self.root.alias)}
        self.columns: list[str] = []
        self.values: list[Any] = []
        self.places: dict[str, int] = {}

    def statement(self, extra: str, extra_values: tuple[Any, ...]) -> Statement:
        query = self.query
        children: list[tuple[str, Query, SObject, Field]] = []
        grouped = bool(query.group_by) or any(
            isinstance(item, Call) and item.name in AGGREGATES for item in query.select
        )
        counts_only = len(query.select) == 1 and query.select[0] == Call(
            "COUNT", None, getattr(query.select[0], "position", 0)
        )
        names: list[str] | None = None
        booleans: frozenset[str] = frozenset()
        if grouped and not counts_only:
            names, booleans = self.select_groups()
        elif not counts_only:
            self.node_column(self.root, "Id")
            self.root.id_index = 0
            for selected in query.select:
                if isinstance(selected, Query):
                    children.append(self.child(selected))
                else:
                    self.select_field(selected)
        conditions: list[str] = []
        if query.where is not None:
            conditions.append(self.condition(query.where))
        if not (self.compiler.deleted or query.all_rows):
            conditions.append(f'{self.root.alias}."IsDeleted" = 0')
        if extra:
            conditions.append(extra.format(t=self.root.alias))
            self.values.extend(extra_values)
        group = ", ".join(self.operand(key)[0] for key in query.group_by)
        having = self.condition(query.having) if query.having is not None else ""
        order = ", ".join(self.ordering())
        tail = (
            f' FROM "{self.item.name}" {self.root.alias}'
            + "".join(self.joins)
            + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
            + (f" GROUP BY {group}" if group else "")
            + (f" HAVING {having}" if having else "")
            + (f" ORDER BY {order}" if order else "")
        )
        if query.offset is not None and query.offset > 2000:
            raise RequestRefused(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return Statement(
            self.item,
            self.columns,
            tail,
            self.values,
            query.limit,
            query.offset,
            self.root,
            names,
            booleans,
            counts_only,
            children,
        )

    def ordering(self) -> list[str]:
        found = []
        for key in self.query.order_by:
            sql, _ = self.operand(key.by)
            direction = " DESC" if key.descending else ""
            found.append(f"{sql}{direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
        if not self.query.group_by and not any(
            isinstance(item, Call) and item.name in AGGREGATES for item in self.query.select
        ):
            # Ties in a stable order, so that pages neither repeat nor lose rows.
            found.append(f"{self.root.alias}.rowid")
        return found

    # SELECT

    def select_field(self, selected: Path | Call | AllFields) -> None:
        match selected:
            case AllFields():
                self.select_all(selected)
            case Path():
                self.select_path(selected.parts, selected.position)
            case Call(name=name, argument=Path() as path) if name in _TRANSPARENT:
                self.select_path(path.parts, path.position)
            case Call():
                sql, _ = self.operand(selected)
                self.root.columns.append((selected.alias or "expr0", self.column(sql)))

    def select_all(self, selected: AllFields) -> None:
        if selected.group != "STANDARD" and (self.query.limit is None or self.query.limit > 200):
            raise malformed(
                self.compiler.text,
                selected.position,
                "The SOQL FIELDS function must have a LIMIT of at most 200",
            )
        for item in self.item.fields.values():
            wanted = selected.group == "ALL" or (selected.group == "CUSTOM") == item.custom
            if wanted and self.compiler.visible(self.item, item):
                self.select_path((item.name,), selected.position)

    def select_path(self, parts: tuple[str, ...], position: int) -> None:
        path = self.stripped(parts)
        node = self.root
        owner = self.item
        for depth, name in enumerate(path[:-1]):
            reference = self.relationship(owner, name, position)
            owner, alias = self.join(path[: depth + 1], position)
            key = reference.relationship or name
            if key not in node.parents:
                parent = Node(owner, alias)
                node.parents[key] = parent
                parent.id_index = self.column(f'{alias}."Id"')
            node = node.parents[key]
        found = self.field(owner, path[-1], position)
        if any(name == found.name for name, _ in node.columns) or any(name == found.name for name, _ in node.addresses):
            if found.name != "Id":
                raise malformed(self.compiler.text, position, f"duplicate field selected: {'.'.join(parts)}")
            return
        if found.type == "address":
            prefix = found.name.removesuffix("Address")
            places = {
                key: self.column(f'{node.alias}."{prefix}{part}"')
                for key, part in ADDRESS_PARTS.items()
                if owner.find(prefix + part)
            }
            node.addresses.append((found.name, places))
            return
        self.node_column(node, found.name)
        node.columns.append((found.name, self.places[f'{node.alias}."{found.name}"']))
        if found.type == "boolean":
            node.booleans.append(found.name)

    def node_column(self, node: Node, name: str) -> int:
        return self.column(f'{node.alias}."{name}"')

    def column(self, sql: str) -> int:
        if sql not in self.places:
            self.places[sql] = len(self.columns)
            self.columns.append(sql)
        return self.places[sql]

    def select_groups(self) -> tuple[list[str], frozenset[str]]:
        names: list[str] = []
        booleans: set[str] = set()
        unnamed = 0
        grouped = {self.operand(key)[0] for key in self.query.group_by}
        for selected in self.query.select:
            if not isinstance(selected, Path | Call):
                raise malformed(self.compiler.text, self.query.position, "unexpected token: '('")
            sql, found = self.operand(selected)
            is_aggregate = isinstance(selected, Call) and selected.name in AGGREGATES
            if not is_aggregate and sql not in grouped:
                shown = selected.text if isinstance(selected, Path) else selected.name
                message = f"Field must be grouped or aggregated: {shown}"
                raise malformed(self.compiler.text, selected.position, message)
            if selected.alias:
                names.append(selected.alias)
            elif isinstance(selected, Path) and found is not None:
                names.append(found.name)
            else:
                names.append(f"expr{unnamed}")
                unnamed += 1
            if found is not None and found.type == "boolean" and not is_aggregate:
                booleans.add(names[-1])
            self.columns.append(sql)
        return names, frozenset(booleans)

    def child(self, query: Query) -> tuple[str, Query, SObject, Field]:
        children = self.compiler.schema.children(self.item.name)
        child = children.get(query.object_name.lower())
        if child is None:
            message = (
                f"Didn't understand relationship '{query.object_name}' in FROM part of query call."
                " If you are attempting to use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the appropriate names."
            )
            raise RequestRefused(400, "INVALID_TYPE", caret(self.compiler.text, query.position, message))
        return child.field.child_relationship or query.object_name, query, child.object, child.field

    # Names

    def stripped(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        first = parts[0].lower()
        own = {self.item.name.lower(), (self.query.alias or "").lower()}
        return parts[1:] if len(parts) > 1 and first in own else parts

    def relationship(self, owner: SObject, name: str, position: int) -> Field:
        found = owner.find_relationship(name)
        if found is None or not self.compiler.visible(owner, found):
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom"
                " relationship, be sure to append the '__r' after the custom relationship name."
                " Please reference your WSDL or the describe call for the appropriate names."
            )
            raise RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, position, message))
        return found

    def join(self, path: tuple[str, ...], position: int) -> tuple[SObject, str]:
        key = tuple(part.lower() for part in path)
        if key not in self.joined:
            owner, alias = self.join(path[:-1], position)
            reference = self.relationship(owner, path[-1], position)
            parents = [self.compiler.schema.find(name) for name in reference.references]
            parent = next((item for item in parents if item is not None), None)
            if parent is None:
                raise self.no_column(owner, path[-1], position)
            joined = self.compiler.table_alias()
            self.joins.append(f' LEFT JOIN "{parent.name}" {joined} ON {joined}."Id" = {alias}."{reference.name}"')
            self.joined[key] = (parent, joined)
        return self.joined[key]

    def field(self, owner: SObject, name: str, position: int) -> Field:
        found = owner.find(name)
        if found is None or not self.compiler.visible(owner, found):
            raise self.no_column(owner, name, position)
        return found

    def no_column(self, owner: SObject, name: str, position: int) -> RequestRefused:
        message = f"No such column '{name}' on entity '{owner.name}'." + _CUSTOM_HINT.format("field", "custom field")
        return RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, position, message))

    def operand(self, operand: Path | Call) -> tuple[str, Field | None]:
        """The SQL of a path or function, and the field whose type decides what it compares with."""
        if isinstance(operand, Path):
            for selected in self.query.select:
                # GROUP BY queries may order by and filter on their aliases.
                if isinstance(selected, Call) and selected.alias and (selected.alias,) == operand.parts:
                    return self.operand(Call(selected.name, selected.argument, selected.position))
            path = self.stripped(operand.parts)
            owner, alias = self.join(path[:-1], operand.position)
            found = self.field(owner, path[-1], operand.position)
            if not found.stored:
                message = f"field '{found.name}' can not be used in this part of a query call"
                raise RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, operand.position, message))
            return f'{alias}."{found.name}"', found
        if operand.argument is None:
            if operand.name == "COUNT":
                return "COUNT(*)", None
            raise malformed(self.compiler.text, operand.position, f"unexpected token: '{operand.name}'")
        sql, inner = self.operand(operand.argument)
        if operand.name in _TRANSPARENT:
            return sql, inner
        if operand.name in _DATE_PARTS:
            return _DATE_PARTS[operand.name].format(sql), None
        if operand.name == "COUNT_DISTINCT":
            return f"COUNT(DISTINCT {sql})", None
        if operand.name in AGGREGATES:
            if operand.name in ("SUM", "AVG") and (inner is None or inner.type not in NUMBER_TYPES):
                shown = inner.name if inner is not None else operand.name
                message = f"field {shown} does not support aggregate operator {operand.name}"
                raise RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, operand.position, message))
            return f"{operand.name}({sql})", inner if operand.name in ("MIN", "MAX", "SUM", "AVG") else None
        message = f"Invalid function name: {operand.name}"
        raise malformed(self.compiler.text, operand.position, message)

    # Conditions

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
        sql, found = self.operand(comparison.left)
        position = comparison.left.position
        if found is not None and not found.filterable and isinstance(comparison.left, Path):
            message = f"field '{found.name}' can not be filtered in a query call"
            raise RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, position, message))
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
                raise malformed(self.compiler.text, position, f"unexpected token: '{comparison.operator}'")

    def semi_join(self, sql: str, operator: str, query: Query) -> str:
        inner = Compiler(
            self.compiler.schema, self.compiler.text, self.compiler.now, deleted=False, visible=self.compiler.visible
        )
        inner.tables = self.compiler.tables
        if len(query.select) != 1 or not isinstance(query.select[0], Path):
            raise malformed(self.compiler.text, query.position, "semi join sub-selects must select exactly one field")
        statement = inner.compile(query)
        self.compiler.tables = inner.tables
        wanted = statement.columns[-1]
        self.values.extend(statement.values)
        rest = statement.tail + statement.bounded()
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
                raise malformed(self.compiler.text, right.position, f"unexpected token: '{operator}'")
            return f"{sql} IS {'NOT ' if operator == '!=' else ''}NULL"
        if operator == "LIKE":
            if right.kind != "string" or (found is not None and found.type in NUMBER_TYPES | {"boolean"}):
                message = f"invalid operator on {found.type if found else 'number'} field"
                raise RequestRefused(
                    400, "INVALID_QUERY_FILTER_OPERATOR", caret(self.compiler.text, right.position, message)
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
        first, after = days_of(right.value, self.compiler.now.astimezone(UTC).date())
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
        return RequestRefused(400, "INVALID_FIELD", caret(self.compiler.text, right.position, message))

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
                        400, "INVALID_QUERY_FILTER_OPERATOR", caret(self.compiler.text, right.position, message)
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

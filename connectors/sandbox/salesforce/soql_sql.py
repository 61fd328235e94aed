"""A SOQL syntax tree into parametrised SQL over the org's tables.

Decides what a SELECT brings back and how the answer is put together from its columns. Names are resolved by
`soql_names`, conditions by `soql_where`; child queries are left to `query`, which runs them once per page. Every value
of the query travels as a parameter; only names taken from the metadata are written into SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.metadata import Field, Schema, SObject
from fieldwright.connectors.sandbox.salesforce.soql_lexer import caret, malformed
from fieldwright.connectors.sandbox.salesforce.soql_names import AGGREGATES, CUSTOM_HINT, TRANSPARENT, Context, Names
from fieldwright.connectors.sandbox.salesforce.soql_syntax import AllFields, Call, Condition, Path, Query
from fieldwright.connectors.sandbox.salesforce.soql_where import condition_sql

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
    """Compiles the queries of one request."""

    def __init__(
        self, schema: Schema, text: str, now: datetime, *, deleted: bool, visible: Callable[[SObject, Field], bool]
    ) -> None:
        self.context = Context(schema, text, now, visible, deleted)

    def compile(self, query: Query, *, extra: str = "", extra_values: tuple[Any, ...] = ()) -> Statement:
        """The statement of a query; `extra` is a further SQL condition on `{t}` (the root table)."""
        return _Select(self.context, query, found_object(self.context, query)).statement(extra, extra_values)


def found_object(context: Context, query: Query) -> SObject:
    """The object that is selected from; one of which not even the id is visible is not there."""
    item = context.schema.find(query.object_name)
    if item is None or not context.visible(item, item.fields["Id"]):
        raise unknown_object(context, query)
    return item


def unknown_object(context: Context, query: Query) -> RequestRefused:
    """INVALID_TYPE with the place."""
    message = f"sObject type '{query.object_name}' is not supported." + CUSTOM_HINT.format("object", "entity")
    return RequestRefused(400, "INVALID_TYPE", caret(context.text, query.position, message))


class _Select:
    """One SELECT being compiled."""

    def __init__(self, context: Context, query: Query, item: SObject) -> None:
        self.context = context
        self.query = query
        self.item = item
        self.names = Names(context, query, item)
        self.root = Node(item, self.names.alias)
        self.columns: list[str] = []
        self.values: list[Any] = []
        self.places: dict[str, int] = {}
        self.grouped = bool(query.group_by) or any(
            isinstance(item, Call) and item.name in AGGREGATES for item in query.select
        )

    def statement(self, extra: str, extra_values: tuple[Any, ...]) -> Statement:
        query = self.query
        children: list[tuple[str, Query, SObject, Field]] = []
        counts_only = len(query.select) == 1 and query.select[0] == Call(
            "COUNT", None, getattr(query.select[0], "position", 0)
        )
        names: list[str] | None = None
        booleans: frozenset[str] = frozenset()
        if self.grouped and not counts_only:
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
            conditions.append(self.condition(query.where, aggregates=False))
        if not (self.context.deleted or query.all_rows):
            conditions.append(f'{self.root.alias}."IsDeleted" = 0')
        if extra:
            conditions.append(extra.format(t=self.root.alias))
            self.values.extend(extra_values)
        group = ", ".join(self.names.operand(key)[0] for key in query.group_by)
        having = self.condition(query.having, aggregates=True) if query.having is not None else ""
        order = ", ".join(self.ordering())
        tail = (
            f' FROM "{self.item.name}" {self.root.alias}'
            + "".join(self.names.joins)
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

    def condition(self, condition: Condition, *, aggregates: bool) -> str:
        sql, values = condition_sql(self.names, condition, self.subquery, aggregates=aggregates)
        self.values.extend(values)
        return sql

    def subquery(self, query: Query) -> tuple[str, str, list[Any]]:
        statement = _Select(self.context, query, found_object(self.context, query)).statement("", ())
        return statement.columns[-1], statement.tail + statement.bounded(), statement.values

    def ordering(self) -> list[str]:
        found = []
        for key in self.query.order_by:
            sql, _ = self.names.operand(key.by, aggregates=self.grouped)
            direction = " DESC" if key.descending else ""
            found.append(f"{sql}{direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
        if not self.grouped:
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
            case Call(name=name, argument=Path() as path) if name in TRANSPARENT:
                self.select_path(path.parts, path.position)
            case Call():
                sql, _ = self.names.operand(selected)
                self.root.columns.append((selected.alias or "expr0", self.column(sql)))

    def select_all(self, selected: AllFields) -> None:
        if selected.group != "STANDARD" and (self.query.limit is None or self.query.limit > 200):
            raise malformed(
                self.context.text,
                selected.position,
                "The SOQL FIELDS function must have a LIMIT of at most 200",
            )
        for item in self.item.fields.values():
            wanted = selected.group == "ALL" or (selected.group == "CUSTOM") == item.custom
            if wanted and self.context.visible(self.item, item):
                self.select_path((item.name,), selected.position)

    def select_path(self, parts: tuple[str, ...], position: int) -> None:
        path = self.names.stripped(parts)
        node = self.root
        owner = self.item
        for depth, name in enumerate(path[:-1]):
            reference = self.names.relationship(owner, name, position)
            owner, alias = self.names.join(path[: depth + 1], position)
            key = reference.relationship or name
            if key not in node.parents:
                parent = Node(owner, alias)
                node.parents[key] = parent
                parent.id_index = self.column(f'{alias}."Id"')
            node = node.parents[key]
        found = self.names.field(owner, path[-1], position)
        if any(name == found.name for name, _ in node.columns) or any(name == found.name for name, _ in node.addresses):
            if found.name != "Id":
                raise malformed(self.context.text, position, f"duplicate field selected: {'.'.join(parts)}")
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
        grouped = {self.names.operand(key)[0] for key in self.query.group_by}
        for selected in self.query.select:
            if not isinstance(selected, Path | Call):
                raise malformed(self.context.text, self.query.position, "unexpected token: '('")
            sql, found = self.names.operand(selected, aggregates=True)
            is_aggregate = isinstance(selected, Call) and selected.name in AGGREGATES
            if not is_aggregate and sql not in grouped:
                shown = selected.text if isinstance(selected, Path) else selected.name
                message = f"Field must be grouped or aggregated: {shown}"
                raise malformed(self.context.text, selected.position, message)
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
        children = self.context.schema.children(self.item.name)
        child = children.get(query.object_name.lower())
        if child is None:
            message = (
                f"Didn't understand relationship '{query.object_name}' in FROM part of query call."
                " If you are attempting to use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the appropriate names."
            )
            raise RequestRefused(400, "INVALID_TYPE", caret(self.context.text, query.position, message))
        return child.field.child_relationship or query.object_name, query, child.object, child.field

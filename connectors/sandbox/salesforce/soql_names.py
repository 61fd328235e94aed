"""Names of a SOQL query against the metadata: fields, parent paths and functions into SQL expressions.

One `Names` belongs to one SELECT. It joins the tables of parents as paths need them and refuses unknown names with
the texts and caret lines of real orgs. What the expressions are used for is decided in `soql_sql` and `soql_where`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.metadata import NUMBER_TYPES, Field, Schema, SObject
from fieldwright.connectors.sandbox.salesforce.soql_lexer import caret, malformed
from fieldwright.connectors.sandbox.salesforce.soql_syntax import Call, Path, Query

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_DATE_PARTS = {
    "DAY_ONLY": "substr({0}, 1, 10)",
    "CALENDAR_YEAR": "CAST(substr({0}, 1, 4) AS INTEGER)",
    "CALENDAR_MONTH": "CAST(substr({0}, 6, 2) AS INTEGER)",
    "CALENDAR_QUARTER": "((CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3)",
    "DAY_IN_MONTH": "CAST(substr({0}, 9, 2) AS INTEGER)",
    "HOUR_IN_DAY": "CAST(substr({0}, 12, 2) AS INTEGER)",
}
TRANSPARENT = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY"})
CUSTOM_HINT = (
    " If you are attempting to use a custom {0}, be sure to append the '__c' after the {1} name."
    " Please reference your WSDL or the describe call for the appropriate names."
)


@dataclass(slots=True)
class Context:
    """What all SELECTs of one query share; `visible` hides fields that the user may not see."""

    schema: Schema
    text: str
    now: datetime
    visible: Callable[[SObject, Field], bool]
    deleted: bool
    tables: int = 0

    def table_alias(self) -> str:
        """A fresh SQL alias."""
        self.tables += 1
        return f"t{self.tables}"


class Names:
    """The names that one SELECT may use: those of its object and, through paths, of its parents."""

    def __init__(self, context: Context, query: Query, item: SObject) -> None:
        self.context = context
        self.query = query
        self.item = item
        self.alias = context.table_alias()
        self.joins: list[str] = []
        self.joined: dict[tuple[str, ...], tuple[SObject, str]] = {(): (item, self.alias)}

    def stripped(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """A path without the name or alias of the root object in front."""
        first = parts[0].lower()
        own = {self.item.name.lower(), (self.query.alias or "").lower()}
        return parts[1:] if len(parts) > 1 and first in own else parts

    def relationship(self, owner: SObject, name: str, position: int) -> Field:
        """The reference field behind a parent name of a path."""
        found = owner.find_relationship(name)
        if found is None or not self.context.visible(owner, found):
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom"
                " relationship, be sure to append the '__r' after the custom relationship name."
                " Please reference your WSDL or the describe call for the appropriate names."
            )
            raise RequestRefused(400, "INVALID_FIELD", caret(self.context.text, position, message))
        return found

    def join(self, path: tuple[str, ...], position: int) -> tuple[SObject, str]:
        """The object at the end of a parent path and the SQL alias of its table, joined on first use."""
        key = tuple(part.lower() for part in path)
        if key not in self.joined:
            owner, alias = self.join(path[:-1], position)
            reference = self.relationship(owner, path[-1], position)
            parents = [self.context.schema.find(name) for name in reference.references]
            parent = next((item for item in parents if item is not None), None)
            if parent is None:
                raise self.no_column(owner, path[-1], position)
            joined = self.context.table_alias()
            self.joins.append(f' LEFT JOIN "{parent.name}" {joined} ON {joined}."Id" = {alias}."{reference.name}"')
            self.joined[key] = (parent, joined)
        return self.joined[key]

    def field(self, owner: SObject, name: str, position: int) -> Field:
        """A field the user may see."""
        found = owner.find(name)
        if found is None or not self.context.visible(owner, found):
            raise self.no_column(owner, name, position)
        return found

    def no_column(self, owner: SObject, name: str, position: int) -> RequestRefused:
        """INVALID_FIELD with the place."""
        message = f"No such column '{name}' on entity '{owner.name}'." + CUSTOM_HINT.format("field", "custom field")
        return RequestRefused(400, "INVALID_FIELD", caret(self.context.text, position, message))

    def operand(self, operand: Path | Call, *, aggregates: bool = False) -> tuple[str, Field | None]:
        """The SQL of a path or function, and the field whose type decides what it compares with.

        Raises MALFORMED_QUERY for an aggregate where `aggregates` says that none may stand.
        """
        if isinstance(operand, Call) and operand.name in AGGREGATES and not aggregates:
            message = f"aggregate expressions cannot be used here: {operand.name}"
            raise malformed(self.context.text, operand.position, message)
        if isinstance(operand, Path):
            for selected in self.query.select:
                # GROUP BY queries may order by and filter on their aliases.
                if isinstance(selected, Call) and selected.alias and (selected.alias,) == operand.parts:
                    return self.operand(
                        Call(selected.name, selected.argument, selected.position), aggregates=aggregates
                    )
            path = self.stripped(operand.parts)
            owner, alias = self.join(path[:-1], operand.position)
            found = self.field(owner, path[-1], operand.position)
            if not found.stored:
                message = f"field '{found.name}' can not be used in this part of a query call"
                raise RequestRefused(400, "INVALID_FIELD", caret(self.context.text, operand.position, message))
            return f'{alias}."{found.name}"', found
        if operand.argument is None:
            if operand.name == "COUNT":
                return "COUNT(*)", None
            raise malformed(self.context.text, operand.position, f"unexpected token: '{operand.name}'")
        sql, inner = self.operand(operand.argument)
        if operand.name in TRANSPARENT:
            return sql, inner
        if operand.name in _DATE_PARTS:
            return _DATE_PARTS[operand.name].format(sql), None
        if operand.name == "COUNT_DISTINCT":
            return f"COUNT(DISTINCT {sql})", None
        if operand.name in AGGREGATES:
            if operand.name in ("SUM", "AVG") and (inner is None or inner.type not in NUMBER_TYPES):
                shown = inner.name if inner is not None else operand.name
                message = f"field {shown} does not support aggregate operator {operand.name}"
                raise RequestRefused(400, "INVALID_FIELD", caret(self.context.text, operand.position, message))
            return f"{operand.name}({sql})", inner if operand.name in ("MIN", "MAX", "SUM", "AVG") else None
        message = f"Invalid function name: {operand.name}"
        raise malformed(self.context.text, operand.position, message)

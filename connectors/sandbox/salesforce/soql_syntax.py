"""The syntax tree of a SOQL query, as values.

`soql_parser` makes it from tokens, `soql_sql` reads it. Positions count characters of the query text and serve the
caret lines of error messages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """`Name`, `Owner.Name`, `CB_Site__r.Domain__c`."""

    parts: tuple[str, ...]
    position: int
    alias: str | None = None

    @property
    def text(self) -> str:
        """The path as written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function in SELECT, WHERE, GROUP BY or ORDER BY; `COUNT()` has no argument."""

    name: str
    argument: Path | Call | None
    position: int
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class AllFields:
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`."""

    group: str
    position: int


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date literal such as `TODAY` or `LAST_N_DAYS:7`."""

    name: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: `kind` is string, number, boolean, null, date, datetime or range."""

    kind: str
    value: str | float | int | bool | DateRange | None
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; operators in capitals, `<>` read as `!=`."""

    left: Path | Call
    operator: str
    right: Literal | tuple[Literal, ...] | Query


@dataclass(frozen=True, slots=True)
class Both:
    """Conditions joined by AND (`every`) or OR."""

    every: bool
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """NOT."""

    part: Condition


Condition = Comparison | Both | Negated


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY; nulls come first unless the query says otherwise."""

    by: Path | Call
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT; `select` may hold child queries. `position` is that of the object's name."""

    select: tuple[Path | Call | AllFields | Query, ...]
    object_name: str
    position: int
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Path | Call, ...] = ()
    having: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    all_rows: bool = False

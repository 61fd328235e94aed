"""The function that asks a shared value table inside of an expression.

Its first argument names a table of a library under `use:`; the checker puts the table itself in its place, as `Rows`,
and knows by its rows what comes out. Rows are found by type and value, so that 1 and true differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError


@dataclass(frozen=True, slots=True)
class Rows:
    """A value table as a constant of an expression. `otherwise` counts when `is_complete`; `index` is made of the
    rows."""

    table: str
    rows: tuple[tuple[Any, Any], ...]
    is_complete: bool = False
    otherwise: Any = None
    index: dict[tuple[type, Any], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {(type(key), key): value for key, value in self.rows})


@function("table", "lookup(table: any, key: S) -> any?", fallible=True)
def lookup(table: Rows, key: Any) -> Any:
    """What a shared value table has for a key, written `lookup('segments', customer.cf_segment)`. A key without a row
    gets the table's `else:`, or is an error."""
    found = table.index.get((type(key), key), table)
    if found is not table:
        return found
    if table.is_complete:
        return table.otherwise
    raise EvaluationError(
        "RT106", f"the value table {table.table} has no row for {str(key)[:60]!r}", "add a row, or `else:`"
    )

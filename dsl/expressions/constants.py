"""Parts of an expression that are computed from constants alone: whether they fail, whatever the record holds.

Nothing is replaced by its value: what an expression means is the evaluators' business, and `explain` shows every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.operations import to_decimal
from fieldwright.dsl.expressions.scope import Shape
from fieldwright.dsl.types import Kind, Type, enum
from fieldwright.dsl.values import EvaluationError

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker


_MOST_VALUES: Final = 300


class _Unknown(Exception):
    """The value depends on the record."""


def known(node: core.Core) -> Any:
    """The value of a constant. Only for use inside of the attempt given to `failing`."""
    match node:
        case core.Const(value=value) if value is not None:
            return value
        case core.ToDecimal(operand=core.Const(value=value)) if value is not None:
            return to_decimal(value)
        case _:
            raise _Unknown


def outcomes(function: Callable[..., Any], type_: Type, others: list[core.Core]) -> Shape | None:
    """The enum of what a text function makes of the values of an enum, so that a target's picklist can be proved
    through `upper(status)`; None where that is not known."""
    if type_.kind is not Kind.ENUM or not 0 < len(type_.values) <= _MOST_VALUES:
        return None
    try:
        made = [function(value, *[known(other) for other in others]) for value in type_.values]
    except (_Unknown, EvaluationError, ArithmeticError, TypeError):
        return None
    return Shape(enum(*dict.fromkeys(made))) if all(isinstance(one, str) for one in made) else None


def failing(checker: Checker, node: tree.Node, attempt: Callable[[], Any]) -> None:
    """DM220 when the attempt fails with constants; nothing when it needs the record."""
    try:
        attempt()
    except _Unknown:
        return
    except EvaluationError as error:
        message = f"this always fails: {error.reason}"
        checker.problem("DM220", message, node.start, node.end, "always fails", error.fix, severity=Severity.WARNING)
    except ArithmeticError:
        message = "this always fails: a number is too large or too small"
        checker.problem("DM220", message, node.start, node.end, "always fails", severity=Severity.WARNING)

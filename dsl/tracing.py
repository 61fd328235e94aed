"""One evaluation of an expression -> the tree of its parts, each with the text it was written as and what it came to.

The reference evaluator does the work; `TracingEvaluator` only keeps what every node came to, failures included.
`trace` then follows the text: conversions that nobody wrote, bodies of functions from mapping files and constants are
left out, and a path is one part for as long as it leads somewhere. Parts that were not needed are there and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import DecimalException
from enum import StrEnum
from typing import Any, Final

from fieldwright.dsl.evaluate import Evaluator
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.values import MISSING, EvaluationError

MOST_KEPT: Final = 200
"""Values kept of a node that is evaluated for every element of a list."""


class State(StrEnum):
    """What became of a part."""

    VALUE = "value"
    NULL = "null"
    MISSING = "missing"
    ERROR = "error"
    EACH = "each"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Trace:
    """A part of an expression. `value` is the value of the language (for `each`: one per evaluation), `problem` what
    went wrong; `origin` tells the part that failed from those around it, which failed only because of it. `local` is
    the name of a let that the part refers to."""

    text: str
    state: State
    value: Any = None
    problem: EvaluationError | None = None
    origin: bool = False
    local: str | None = None
    parts: tuple[Trace, ...] = ()


@dataclass(slots=True)
class TracingEvaluator(Evaluator):
    """An evaluator that remembers, by node, what it came to; `seen` is cleared by whoever starts a new expression."""

    seen: dict[int, list[Any]] = field(default_factory=dict)

    def value(self, node: core.Core) -> Any:
        """The value of a node, remembered."""
        try:
            found = Evaluator.value(self, node)
        except EvaluationError as error:
            self._keep(node, error)
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            self._keep(node, _worded(error))
            raise
        self._keep(node, found)
        return found

    def _keep(self, node: core.Core, found: Any) -> None:
        kept = self.seen.setdefault(id(node), [])
        if len(kept) < MOST_KEPT:
            kept.append(found)


def trace(checked: Checked, seen: Mapping[int, Sequence[Any]]) -> Trace:
    """The tree of an expression that has just been evaluated; `seen` is the evaluator's."""
    assert checked.core is not None, "only expressions without findings are evaluated"
    return _Tree(checked.text, seen).part(checked.core)


def locals_of(checked: Checked) -> frozenset[str]:
    """Names of the lets, items and parameters that an expression uses."""
    if checked.core is None:
        return frozenset()
    return frozenset(node.slot for node in core.walk(checked.core) if isinstance(node, core.Local))


def _worded(error: Exception) -> EvaluationError:
    if isinstance(error, DecimalException):
        return EvaluationError("RT103", "a number is too large or too small", "check its origin")
    kind = type(error).__name__
    return EvaluationError("RT100", f"a value does not have the type it should have ({kind})", "check the inputs")


@dataclass(frozen=True, slots=True)
class _Tree:
    text: str
    seen: Mapping[int, Sequence[Any]]

    def part(self, node: core.Core) -> Trace:
        kept = self.seen.get(id(node), ())
        if isinstance(node, core.Lambda):
            kept = self.seen.get(id(node.body), ())
        text = " ".join(self.text[node.start : node.end].split())
        local = node.slot if isinstance(node, core.Local) else None
        if not kept:
            return Trace(text, State.UNUSED, local=local)
        parts = tuple(self.part(one) for one in self._shown(node))
        if len(kept) > 1 or isinstance(node, core.Lambda):
            return Trace(text, State.EACH, list(kept), local=local, parts=parts)
        found = kept[0]
        if isinstance(found, EvaluationError):
            origin = not any(part.state is State.ERROR for part in parts)
            return Trace(text, State.ERROR, problem=found, origin=origin, local=local, parts=parts)
        state = State.MISSING if found is MISSING else State.NULL if found is None else State.VALUE
        return Trace(text, state, None if found is MISSING else found, local=local, parts=parts)

    def _shown(self, node: core.Core) -> list[core.Core]:
        """The parts worth a line of their own, in the order of the text."""
        found: list[core.Core] = []
        for one in self._direct(node):
            if _is_plain(one) and not self._leads_nowhere(one):
                continue
            if (one.start, one.end) == (node.start, node.end):
                found.extend(self._shown(one))  # something that nobody wrote: a conversion, `is not` around `is`
            elif _continues(node, one):
                found.extend(self._shown(one))
            else:
                found.append(one)
        return found

    def _direct(self, node: core.Core) -> list[core.Core]:
        match node:
            case core.Field(target=target):
                passed = isinstance(target, core.Field | core.Root | core.Local) and not self._leads_nowhere(target)
                return [] if passed else [target]
            case core.Let():
                # A call of a function from a mapping file: its arguments were written here, its body elsewhere.
                arguments: list[core.Core] = []
                inner: core.Core = node
                while isinstance(inner, core.Let):
                    if inner.value.n >= 0:
                        arguments.append(inner.value)
                    inner = inner.body
                return arguments
            case core.Lambda(body=body):
                return [body]
            case core.Invoke(args=args, fallback=fallback):
                return [*args, *([] if fallback is None else [fallback])]
            case _:
                return [one for one in core.parts(node) if one.n >= 0]

    def _leads_nowhere(self, node: core.Core) -> bool:
        kept = self.seen.get(id(node), ())
        return any(found is None or found is MISSING or isinstance(found, EvaluationError) for found in kept)


def _is_plain(node: core.Core) -> bool:
    """Whether the text of the node says all: a constant, a list of constants, a whole record."""
    if isinstance(node, core.ListOf):
        return all(isinstance(item, core.Const) for item in node.items)
    return isinstance(node, core.Const | core.Root)


def _continues(node: core.Core, part: core.Core) -> bool:
    """Whether the part goes on with what the node does, so that `a ?? b ?? c` has three parts."""
    match node, part:
        case core.Coalesce(), core.Coalesce():
            return True
        case core.Logic(op=own), core.Logic(op=other):
            return own == other
        case _:
            return False

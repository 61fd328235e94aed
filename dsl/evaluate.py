"""The reference evaluator: a checked expression and inputs in, a value out.

Slow and clear, it defines what expressions mean: null, missing and error exactly as the language reference says, steps
counted, every value offered to a caller that wants to explain it. The generated code of
`fieldwright.dsl.compiler` must agree with it and hands it every record it cannot do itself.

Inputs are raw records under their root names. `partial` says that a field absent from a source record was not read;
otherwise an absent field is null. A raw value may be `MISSING` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import DecimalException
from typing import Any, Final

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.operations import arithmetic, element, negate, ordered, to_decimal
from fieldwright.dsl.expressions.reading import decode
from fieldwright.dsl.functions.limits import MAX_STEPS, bounded_text
from fieldwright.dsl.functions.lists import condition
from fieldwright.dsl.functions.texts import is_blank, text
from fieldwright.dsl.values import MISSING, EvaluationError

OnValue = Callable[[core.Core, Any], None]
"""Called with every node and its value, inner nodes first."""

_ABSENT: Final = object()


def evaluate(
    checked: Checked,
    roots: Mapping[str, Any],
    *,
    partial: bool = False,
    values: Mapping[str, Any] | None = None,
    on_value: OnValue | None = None,
) -> Any:
    """The value of one expression: a value of the language, None or MISSING. Raises EvaluationError.

    `values` holds lets and items by slot. `checked` must be free of errors.
    """
    if checked.core is None:
        raise ValueError("an expression with errors cannot be evaluated")
    return Evaluator(roots, partial=partial, values=dict(values or {}), on_value=on_value).run(checked.core)


class StepLimit(EvaluationError):
    """The record costs more than allowed; no `else=` and no policy of a field may hide it."""


class _Missing(Exception):
    """A function argument yielded a missing value: the whole call is missing."""


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions over the inputs of one record. `values` are lets, items and parameters by slot; an
    `EvaluationError` among them is raised when the name is used. `steps` counts what was visited."""

    roots: Mapping[str, Any]
    partial: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    on_value: OnValue | None = None
    steps: int = 0

    def run(self, node: core.Core) -> Any:
        """The value of a node. Whatever goes wrong is an EvaluationError."""
        try:
            return self.value(node)
        except EvaluationError:
            raise
        except DecimalException:
            raise EvaluationError("RT103", "a number is too large or too small", "check its origin") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise EvaluationError(
                "RT100", f"a value does not have the type it should have ({type(error).__name__})", "check the inputs"
            ) from error

    def value(self, node: core.Core) -> Any:
        """The value of a node, errors of Python's arithmetic as they come."""
        self.count(1)
        found = self._value(node)
        if self.on_value is not None:
            self.on_value(node, found)
        return found

    def count(self, steps: int) -> None:
        """Steps taken; RT108 when a record takes too many."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise StepLimit("RT108", f"this record takes more than {MAX_STEPS} steps", "filter lists earlier")

    def _value(self, node: core.Core) -> Any:
        match node:
            case core.Const(value=value):
                return value
            case core.Root(name=name):
                return self.roots.get(name, MISSING)
            case core.Local(slot=slot):
                found = self.values[slot]
                if isinstance(found, EvaluationError):
                    raise found
                return found
            case core.Field():
                return self._field(node)
            case core.Let():
                return self._let(node)
            case core.Invoke():
                return self._invoke(node)
            case core.Text(parts=parts):
                return self._text([self.value(part) for part in parts])
            case core.ListOf(items=items):
                made = [self.value(item) for item in items]
                return MISSING if _any_missing(made) else made
            case core.At(target=target, index=index):
                return self._both(target, index, element)
            case core.Not(operand=operand):
                found = self.value(operand)
                return found if found is None or found is MISSING else not found
            case core.Logic():
                return self._logic(node)
            case core.Compare():
                return self._compare(node)
            case core.Coalesce(left=left, right=right):
                found = self.value(left)
                return self.value(right) if found is None else found
            case core.Arithmetic(op=op, on=on, left=left, right=right):
                return self._both(left, right, lambda a, b: arithmetic(op, on, a, b))
            case core.Negate(operand=operand):
                found = self.value(operand)
                return found if found is None or found is MISSING else negate(found)
            case core.IsTest(operand=operand, test=test):
                found = self.value(operand)
                if test == "missing":
                    return found is MISSING
                if found is MISSING:
                    return MISSING
                return found is None if test == "null" else is_blank(found)
            case core.Choice(condition=asked, then=then, otherwise=otherwise):
                found = self.value(asked)
                if found is MISSING:
                    return MISSING
                return self.value(then if condition(found) else otherwise)
            case core.ToDecimal(operand=operand):
                found = self.value(operand)
                return found if found is MISSING else to_decimal(found)
            case _:
                raise AssertionError(f"unknown node {type(node).__name__}")

    def _field(self, node: core.Field) -> Any:
        record = self.value(node.target)
        if record is None or record is MISSING:
            return record
        if not isinstance(record, Mapping):
            raise EvaluationError("RT101", "the source delivers a value where a record should be", "check the record")
        raw = record.get(node.key, _ABSENT)
        if raw is _ABSENT:
            raw = MISSING if self.partial and not node.codec.startswith("plain.") else None
        if raw is MISSING:
            return MISSING
        currency = None
        if node.currency is not None and raw is not None:
            currency = self.value(node.currency)
            if currency is MISSING:
                return MISSING
        found = decode(node.codec, raw, currency)
        if isinstance(found, list):
            self.count(len(found))
        return found

    def _let(self, node: core.Let) -> Any:
        found = self.value(node.value)
        if found is MISSING or (found is None and node.strict):
            return found
        self.values[node.slot] = found
        return self.value(node.body)

    def _text(self, parts: list[Any]) -> Any:
        if _any_missing(parts):
            return MISSING
        if None in parts:
            return None
        return bounded_text("".join([text(part) for part in parts]))

    def _both(self, left: core.Core, right: core.Core, operation: Callable[[Any, Any], Any]) -> Any:
        a, b = self.value(left), self.value(right)
        if a is MISSING or b is MISSING:
            return MISSING
        if a is None or b is None:
            return None
        return operation(a, b)

    def _logic(self, node: core.Logic) -> Any:
        decisive = node.op == "or"
        left = self.value(node.left)
        if left is decisive:
            return decisive
        right = self.value(node.right)
        if right is decisive:
            return decisive
        if left is MISSING or right is MISSING:
            return MISSING
        return None if left is None or right is None else not decisive

    def _compare(self, node: core.Compare) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if left is MISSING or right is MISSING:
            return MISSING
        match node.op:
            case "==":
                return bool(left == right)
            case "!=":
                return bool(left != right)
            case "in":
                if right is None:
                    return None
                self.count(len(right))
                return left in right
            case op:
                return None if left is None or right is None else ordered(op, left, right)

    def _invoke(self, node: core.Invoke) -> Any:
        arguments = [self._argument(arg) for arg in node.args]
        if _any_missing(arguments):
            return MISSING
        if any(arguments[at] is None for at in node.strict):
            return None
        for argument in arguments:
            if isinstance(argument, list):
                self.count(len(argument))
        signature = node.function.signatures[node.variant]
        try:
            return signature.evaluate(*arguments)
        except _Missing:
            return MISSING
        except StepLimit:
            raise
        except (EvaluationError, DecimalException):
            if node.fallback is None:
                raise
            return self.value(node.fallback)

    def _argument(self, node: core.Core) -> Any:
        if not isinstance(node, core.Lambda):
            return self.value(node)
        slots, body = node.slots, node.body

        def function(*given: Any) -> Any:
            self.values.update(zip(slots, given, strict=True))
            found = self.value(body)
            if found is MISSING:
                raise _Missing
            return found

        return function


def _any_missing(values: list[Any]) -> bool:
    return any(value is MISSING for value in values)

"""Arithmetic of the language against IBM's decimal test cases for decimal128, which CPython carries.

The cases have 34 digits and round half to even, as the language does. Left out are NaN and infinities, which the
language does not have, and results that only decimal128's own exponent range (6144) explains. Each case is computed by
the reference evaluator and by generated code. Expected conditions other than rounding must be errors here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from fieldwright.dsl.codegen import expression_function
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import Checked, check
from fieldwright.dsl.expressions.operations import divide
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.functions.numbers import rounded
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.types import DECIMAL
from fieldwright.dsl.values import EvaluationError

PACKAGE = find_spec("test")
PLACES = PACKAGE.submodule_search_locations if PACKAGE is not None else None
DATA = next((one for place in PLACES or () if (one := Path(place) / "decimaltestdata").is_dir()), None)
TEXTS = {"add": "a + b", "subtract": "a - b", "multiply": "a * b", "divide": "a / b", "remainder": "a % b"}
ERRORS = {"Division_by_zero", "Division_undefined", "Division_impossible", "Invalid_operation"}
OUT_OF_RANGE = {"Overflow", "Underflow", "Subnormal", "Clamped"}
ENOUGH = {
    "add": 550,
    "subtract": 330,
    "multiply": 155,
    "divide": 360,
    "remainder": 400,
    "compare": 400,
    "quantize": 150,
}
_LINE = re.compile(r"(\w+)\s+(\w+)\s+('[^']*'|\S+)\s+('[^']*'|\S+)\s+->\s+('[^']*'|\S+)\s*(.*)")
_FINITE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

pytestmark = pytest.mark.skipif(DATA is None, reason="this Python was installed without test/decimaltestdata")


def cases(operation: str) -> Iterator[tuple[str, Decimal, Decimal, str, set[str]]]:
    """Name, operands, result and conditions of the cases with finite operands."""
    assert DATA is not None
    rounding = ""
    for line in (DATA / f"dq{operation.capitalize()}.decTest").read_text(encoding="utf-8").splitlines():
        if line.lower().startswith("rounding:"):
            rounding = line.partition(":")[2].strip().lower()
        found = _LINE.match(line.partition("--")[0])
        if found is None or found[2].lower() != operation or rounding != "half_even":
            continue
        left, right, result = (found[number].strip("'") for number in (3, 4, 5))
        conditions = set(found[6].split())
        if _FINITE.fullmatch(left) and _FINITE.fullmatch(right) and not conditions & OUT_OF_RANGE:
            yield found[1], Decimal(left), Decimal(right), result, conditions


def checked(text: str) -> Checked:
    """An expression over two decimals, `a` and `b`."""
    parsed = parse(text)
    assert parsed.tree is not None
    made = check(parsed.tree, Scope(Schemas({})).bind("a", DECIMAL).bind("b", DECIMAL), text=text)
    assert made.core is not None, made.problems
    return made


def outcome(made: Checked, left: Decimal, right: Decimal) -> tuple[str, Decimal | None]:
    """What the reference evaluator says; generated code must agree or give up."""
    given = {"a": left, "b": right}
    try:
        slow = evaluate(made, given)
    except EvaluationError as error:
        return error.code, None
    function = expression_function(made)
    assert function is not None
    assert str(function(given)) == str(slow)
    return "", slow


@pytest.mark.parametrize("operation", TEXTS)
def test_arithmetic_agrees_with_the_decimal_test_cases(operation: str) -> None:
    made = checked(TEXTS[operation])
    count = 0
    for name, left, right, result, conditions in cases(operation):
        code, found = outcome(made, left, right)
        count += 1
        if conditions & ERRORS:
            assert code in ("RT102", "RT103"), name
        else:
            assert str(found) == str(Decimal(result)), name
    print(f"{operation}: {count} cases agree")
    assert count >= ENOUGH[operation]


def test_comparisons_agree_with_the_decimal_test_cases() -> None:
    made = {sign: checked(f"a {sign} b") for sign in ("<", "==", ">")}
    count = 0
    for name, left, right, result, _ in cases("compare"):
        truths = [sign for sign, one in made.items() if outcome(one, left, right)[1]]
        assert truths == [{"-1": "<", "0": "==", "1": ">"}[result]], name
        count += 1
    assert count >= ENOUGH["compare"]


def test_rounding_to_digits_agrees_with_the_decimal_test_cases() -> None:
    count = 0
    for name, left, right, result, conditions in cases("quantize"):
        digits = -int(right.as_tuple().exponent)
        if not 0 <= digits <= 20:
            continue
        count += 1
        if conditions & ERRORS:
            with pytest.raises(EvaluationError):
                rounded(left, digits)
        else:
            assert str(rounded(left, digits)) == str(Decimal(result)), name
    assert count >= ENOUGH["quantize"]


def test_division_by_zero_is_an_error_and_no_infinity() -> None:
    with pytest.raises(EvaluationError):
        divide(Decimal(1), Decimal(0))

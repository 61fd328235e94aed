"""Every function is documented, and its examples hold in both evaluators."""

from __future__ import annotations

from typing import Any

import pytest

from fieldwright.dsl.emitter import Emitter
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.functions.registry import Example, functions
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.values import EvaluationError

EXAMPLES = [
    pytest.param(example, id=example.text) for function in functions().values() for example in function.examples
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_hold_in_both_evaluators(example: Example) -> None:
    tree = parse(example.text).tree
    assert tree is not None
    checked = check(tree, Scope(Schemas({})))
    assert checked.problems == ()
    found = evaluate(checked, {})
    assert (found, type(found)) == (example.value, type(example.value))
    assert checked.core is not None
    out = Emitter(1000)
    result = out.emit(checked.core).text
    text = "\n".join(["def run(roots):", *out.lines, f"    return {result}"])
    namespace: dict[str, Any] = out.names
    exec(text, namespace)
    compiled = namespace["run"]({})
    assert (compiled, repr(compiled)) == (found, repr(found))


def test_every_function_has_an_example_and_every_signature_a_doc() -> None:
    for function in functions().values():
        # A look-up needs a library; its own tests have one.
        assert function.examples or function.name == "lookup", function.name
        for signature in function.signatures:
            assert signature.doc.endswith("."), signature.text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("int('1e3')", "RT105"),
        ("int('9223372036854775808')", "RT103"),
        ("decimal('1E+1000000')", "RT105"),
        ("date('2020-02-30')", "RT105"),
        ("timestamp('2020-01-01T00:00:00')", "RT105"),
        ("1 / 0", "RT102"),
        ("1 % 0", "RT102"),
        ("9223372036854775807 + 1", "RT103"),
        ("money(1, 'EUR') + money(1, 'USD')", "RT104"),
        ("money(1, 'EUR') < money(1, 'USD')", "RT104"),
        ("money(0.001, 'USD')", "RT105"),
        ("money(1, 'eur')", "RT116"),
        ("split('a', '')", "RT105"),
        ("'a'.truncate(-1)", "RT105"),
        ("add_days(date('9999-12-31'), 1)", "RT103"),
        ("days(9223372036854775807)", "RT103"),
        ("money(9999, 'USD') * 99999999999999999.0", "RT103"),
        ("money(1, 'USD') / 0", "RT102"),
        ("money(1, 'USD') / money(0, 'USD')", "RT102"),
        ("money(1, 'USD') / money(1, 'EUR')", "RT104"),
        ("days(1) / days(0)", "RT102"),
        ("date('2020-01-01') + hours(5)", "RT105"),
        ("date('9999-12-31') + days(1)", "RT103"),
        ("days(999999999) * 2", "RT103"),
        ("duration('P1M')", "RT105"),
        ("duration('P')", "RT105"),
        ("duration('PT')", "RT105"),
        ("add_years(date('9999-01-01'), 1)", "RT103"),
        ("parse_date('31.02.2020', 'dd.MM.yyyy')", "RT105"),
        ("phone_e164('123', 'DE')", "RT105"),
        ("phone_e164('030 901820', 'de')", "RT105"),
        ("phone_e164('030 901820')", "RT105"),
        ("country_code('')", "RT105"),
        ("pad_left('x', 5, '')", "RT105"),
        ("pad_left('x', 200000)", "RT110"),
        ("extract('a', 'a', 1)", "RT105"),
        ("replace_pattern('aaaa', 'a', '\\\\1')", "RT105"),
        ("power(0.0, -1)", "RT103"),
        ("power(2.0, 101)", "RT105"),
        ("bool('ja')", "RT105"),
        ("from_minor(1, 'euro')", "RT116"),
    ],
)
def test_what_cannot_be_computed_is_an_error_with_a_code(text: str, code: str) -> None:
    tree = parse(text).tree
    assert tree is not None
    checked = check(tree, Scope(Schemas({})))
    assert [problem.code for problem in checked.problems] in (["DM220"], [])
    with pytest.raises(EvaluationError) as caught:
        evaluate(checked, {})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("date('2020-02-30')", "date('2020-02-30')"),
        ("1 + 5 / 0", "5 / 0"),
        ("money(0.001, 'USD').amount()", "money(0.001, 'USD')"),
        ("add_days(date('2020-01-01'), int('x'))", "int('x')"),
        ("int('x', else=null)", ""),
        ("int('7') / 0", ""),
    ],
)
def test_what_fails_whatever_the_record_is_said_before_any_record(text: str, place: str) -> None:
    tree = parse(text).tree
    assert tree is not None
    found = [text[problem.start : problem.end] for problem in check(tree, Scope(Schemas({}))).problems]
    assert found == ([place] if place else [])

"""Generated code and reference agree on random programs and random records, or the generated code gives up.

Expressions are generated as text by the type they must have, so that nearly all of them check; records are put
together from values at the edges of each type, wrong ones included.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from specs import field, key, lets_scope, shown, spec
from worlds import checked, scope

from fieldwright.dsl.compiler import compile_program
from fieldwright.dsl.decoding import record_of
from fieldwright.dsl.expressions.check import constant
from fieldwright.dsl.program import Program
from fieldwright.dsl.programspec import ChildSpec, FieldSpec, OnError, OnNull, OnTooLong, RowsSpec, ValueTable
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import MISSING

_encode = msgspec.json.Encoder(decimal_format="number").encode
RUN = {"started_at": datetime(2020, 1, 6, tzinfo=UTC)}
CHOICES: dict[str, list[str]] = {
    "text": [
        "order.name",
        "order.id",
        "order.status",
        '"a"',
        '""',
        "upper({text})",
        "({text} ?? {text})",
        "f'<{order.name}|{order.count}|{order.rate}>'",
        'join([{text}, {text}], "-")',
        'before({text}, "a")',
        "(if {flag} then {text} else {text})",
        "order.tags[{whole}]",
        "order.tags.first()",
        "order.tags.sort().last()",
        "order.address.city",
        "other.name",
        "order.lines.map(l -> l.id).distinct().join({text})",
        "order.lines.find(l -> l.id == {text}).kind",
        "order.lines.sort(l -> l.quantity).last().id",
        "text({whole})",
        "text({number})",
        "account.Name",
    ],
    "whole": [
        "order.count",
        "0",
        "3",
        "({whole} + {whole})",
        "({whole} - {whole})",
        "({whole} * {whole})",
        "({whole} % {whole})",
        "-{whole}",
        "length({text})",
        "order.lines.count()",
        "order.lines.count(l -> (l.quantity ?? {whole}) > 1)",
        "min({whole}, {whole})",
        "int({text}, else={whole})",
        "int({number}, else=null)",
        "order.lines.map(l -> l.quantity ?? {whole}).sum()",
        "order.lines.map(l -> l.quantity).compact().max()",
        "epoch({moment})",
        "({whole} ?? 1)",
    ],
    "number": [
        "order.rate",
        "0.5",
        "amount(order.total)",
        "amount(order.tax)",
        "amount({money})",
        "({number} + {whole})",
        "({number} - {number})",
        "({number} * {number})",
        "({whole} / {whole})",
        "({number} % {number})",
        "-{number}",
        "round({number}, 2)",
        "decimal({text}, else=0)",
        "(if {flag} then {whole} else {number})",
        "max({number}, {whole})",
        "order.lines.map(l -> amount(l.price) ?? {number} ?? 0).sum()",
        "order.lines.map(l -> 1 - ({number} ?? 0) / 100).product()",
        "order.lines.join(coupons, (l, r) -> l.id == r.id).map(p -> amount(p.left.price) ?? amount(p.right.off)).avg()",
        "({number} ?? 1)",
        "account.Net",
    ],
    "flag": [
        "order.ok",
        "true",
        "({text} == {text})",
        "({whole} != {whole})",
        "({whole} < {number})",
        "({money} <= {money})",
        "({flag} and {flag})",
        "({flag} or {flag})",
        "(not {flag})",
        '({text} in ["a", "b", ""])',
        "({text} in order.tags)",
        "({text} is null)",
        "({text} is not blank)",
        "(order.address is null)",
        "order.lines.any(l -> (l.quantity ?? 0) > {whole})",
        "order.tags.all(t -> t != {text})",
        "({flag} ?? false)",
        "settings.flag",
    ],
    "day": ["order.due", "{moment}.date(settings.timezone)", "order.paid_at.date('Europe/Berlin')", "({day} ?? {day})"],
    "moment": [
        "order.paid_at",
        "run.started_at",
        "account.Since",
        "({moment} ?? {moment})",
        "({moment} + days({whole}))",
    ],
    "money": ["order.total", "order.tax", "({money} + {money})", "({money} * {whole})", "order.lines[{whole}].price"],
}


def expression(rnd: random.Random, kind: str, depth: int) -> str:
    """A random expression that should have this type."""
    choices = CHOICES[kind]
    if depth <= 0:
        choices = [choice for choice in choices if "{" not in choice] or choices
    made = rnd.choice(choices)
    for part in CHOICES:
        while "{" + part + "}" in made:
            made = made.replace("{" + part + "}", expression(rnd, part, depth - 1), 1)
    return made


def fields(rnd: random.Random, lets: dict[str, str]) -> list[FieldSpec]:
    """Random fields whose expressions check; those that do not are left out."""
    within = lets_scope(lets)
    found: list[FieldSpec] = []
    for number in range(6):
        kind = rnd.choice(["text", "whole", "number", "flag", "day", "moment"])
        text = rnd.choice(list(lets)) if rnd.random() < 0.2 and lets else expression(rnd, kind, 3)
        value = checked(text, within)
        if value.core is None:
            continue
        options: dict[str, Any] = {
            "on_null": rnd.choice(list(OnNull)),
            "on_error": rnd.choice(list(OnError)),
            "max_length": rnd.choice(list(OnTooLong)),
        }
        if rnd.random() < 0.2 and value.type.kind in (Kind.STRING, Kind.ENUM, Kind.INT, Kind.BOOL):
            rows = (("a", "A"), ("", None), (1, "One"), (True, "Yes"), (False, None))
            options["table"] = ValueTable(rows, rnd.choice([None, constant("else")]))
            kind = "text"
        found.append(field(f"{kind}_{number}", value, **options))
    return found


def program(rnd: random.Random) -> Program:
    """A random mapping with lets, a filter, keys and children."""
    lets: dict[str, str] = {}
    for name in ("one", "two"):
        text = expression(rnd, rnd.choice(list(CHOICES)), 2)
        if checked(text, lets_scope(lets)).core is not None:
            lets[name] = text
    filter_text = expression(rnd, "flag", 2)
    chosen = checked(filter_text, lets_scope(lets))
    each = checked("order.lines.filter(l -> (l.quantity ?? 1) >= 0)")
    row = scope().item("line", each)
    rows = (
        field("text_id", "line.id", within=row, on_null=OnNull.CLEAR),
        field("number_price", "amount(line.price) ?? amount(order.total)", within=row),
    )
    lists = (RowsSpec(each, "line", None, (), rows, "m.yaml:7"),)
    made = spec(
        *fields(rnd, lets),
        lets=lets,
        filter=chosen if chosen.core is not None and rnd.random() < 0.3 else None,
        keys=((key("Key", "order.id"),), (key("Name", "order.name"), key("Ref", "order.status", ref="x"))),
        children=(ChildSpec("lines", "salesforce.Line", "P", ("text_id",), lists, "m.yaml:6"),),
    )
    return compile_program(made)


TEXTS = [None, "", " ", "a", "b", "42", "1.5", "x" * 30, "ß", "USD"]
WRONG: list[Any] = [True, 1, 0, -1, 1.5, "", "x", [], {}, [None], None, Decimal("NaN"), 2**63, Decimal("1E+1000000")]
LINE: dict[str, list[Any]] = {
    "id": ["a", "b", ""],
    "quantity": [None, 0, 1, 7, -1],
    "price": [None, 0, 999, -5, 10**15],
    "kind": [None, "plan", "addon"],
}
VALUES: dict[str, list[Any]] = {
    "id": ["a", "o1", "b", "c", "d", ""],
    "name": TEXTS,
    "status": ["open", "paid"],
    "count": [None, 0, 1, -1, 3, 2**62, 2**63 - 1],
    "rate": [None, Decimal("0"), Decimal("-0.0"), Decimal("0.1"), 7, "2.50", Decimal("9" * 34)],
    "ok": [None, True, False],
    "paid_at": [None, 0, -1, 1577836800, 253402300799],
    "due": [None, "2020-01-31"],
    "total": [None, 0, 1234, -1],
    "tax": [0, 7],
    "currency_code": ["USD", "JPY", "KWD", None],
    "tags": [None, [], ["a"], ["b", "a", "a"], [""]],
    "address": [None, {}, {"city": "Berlin"}, {"city": ""}],
}


def order(rnd: random.Random, wild: bool) -> dict[str, Any]:
    """A random order; a wild one holds values of wrong types."""
    made = {name: rnd.choice(values) for name, values in VALUES.items() if rnd.random() < 0.9}
    if rnd.random() < 0.8:
        made["lines"] = [
            {name: rnd.choice(values) for name, values in LINE.items() if rnd.random() < 0.9}
            for _ in range(rnd.choice([0, 1, 2, 5]))
        ]
    if wild:
        made[rnd.choice([*VALUES, "lines"])] = rnd.choice(WRONG)
    return made


def inputs(rnd: random.Random, wild: bool) -> dict[str, Any]:
    """All roots of a mapping."""
    return {
        "order": order(rnd, wild),
        "other": rnd.choice([None, {"id": "x", "name": "Other"}]),
        "coupons": [{"id": "a", "off": 5, "currency_code": "USD"}, {"id": "b", "off": 1, "currency_code": "JPY"}],
        "account": {"Name": rnd.choice(TEXTS), "Net": rnd.choice([None, "", 5, Decimal("1.5")]), "Since": None},
        "settings": {"timezone": rnd.choice(["UTC", "Europe/Berlin", "Mars/Base"]), "flag": rnd.choice([None, True])},
        "run": RUN,
    }


def agree(rnd: random.Random) -> tuple[int, int]:
    """Map some records with a random program both ways; how many the generated code did, and of how many."""
    made = program(rnd)
    done = tried = 0
    for number in range(8):
        roots = inputs(rnd, wild=number % 3 == 0)
        slow = made.reference(roots)
        tried += not slow.problems
        try:
            fast = made.compiled(roots)
        except Exception:  # noqa: BLE001 - giving up on a record in any way is the contract of generated code
            assert made.map_record(roots) == slow
            continue
        done += 1
        assert shown(fast) == shown(slow)
    return done, tried


def agree_on_text(rnd: random.Random) -> tuple[int, int]:
    """Map the JSON texts of some records with a random program; how many were decoded, and of how many."""
    made = program(rnd)
    decoded = made.decoding()
    done = tried = 0
    for number in range(8):
        roots = inputs(rnd, wild=number % 3 == 0)
        data = _encode(roots.pop("order")).replace(b"NaN", b"1e400")
        slow = made.reference({**roots, "order": record_of(data)})
        assert made.map_bytes(data, roots) == slow
        tried += not slow.problems
        try:
            fast = decoded(data, roots) if decoded is not None else None
        except Exception:  # noqa: BLE001 - giving up on a record in any way is the contract of generated code
            continue
        if fast is not None:
            done += 1
            assert shown(fast) == shown(slow)
    return done, tried


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_generated_code_and_reference_agree(rnd: random.Random) -> None:
    agree(rnd)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_decoded_records_and_reference_agree(rnd: random.Random) -> None:
    agree_on_text(rnd)


def test_most_records_without_a_problem_are_mapped_from_their_text() -> None:
    rnd = random.Random(3)
    counts = [agree_on_text(rnd) for _ in range(60)]
    done, tried = sum(done for done, _ in counts), sum(tried for _, tried in counts)
    assert tried > 100
    assert done > 0.5 * tried


def test_generated_code_handles_most_records_that_have_no_problem() -> None:
    rnd = random.Random(1)
    counts = [agree(rnd) for _ in range(60)]
    done, tried = sum(done for done, _ in counts), sum(tried for _, tried in counts)
    assert tried > 100
    assert all(program(random.Random(seed)).source_text for seed in range(60))
    assert done > 0.5 * tried


@pytest.mark.parametrize("seed", range(3))
def test_partial_records_are_mapped_without_a_crash_and_never_write_what_was_not_read(seed: int) -> None:
    rnd = random.Random(seed)
    for _ in range(20):
        made = program(rnd)
        roots = inputs(rnd, wild=False)
        mapped = made.map_record(roots, partial=True)
        assert MISSING not in mapped.fields.values()
        assert not any(problem.code == "RT100" for problem in mapped.problems)


def test_the_generator_reaches_every_kind_of_expression() -> None:
    rnd = random.Random(2)
    kinds: dict[str, Callable[[], bool]] = {
        kind: lambda kind=kind: checked(expression(rnd, kind, 3)).core is not None for kind in CHOICES
    }
    for kind, is_fine in kinds.items():
        fine = sum(is_fine() for _ in range(60))
        assert fine > 20, kind

"""What the grammar accepts, and what it says about texts that are no expressions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.parser import MAX_LENGTH, build_strictly, parse


def test_the_grammar_has_no_conflicts() -> None:
    build_strictly()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a ?? b ?? c", "(a ?? (b ?? c))"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a ?? b == c", "((a ?? b) == c)"),
        ("-x.y", "(- x.y)"),
        ("-5", "-5"),
        ("- 1.50", "-1.50"),
        ("a not in [1, 2,]", "(a not in [1, 2])"),
        ("a.if.then.null", "a.if.then.null"),
        ("iffy and nothing", "(iffy and nothing)"),
        ("x.f(y)", "f(x, y)"),
        ("f(x, else=null)", "f(x, else=None)"),
        ("l.join(r, (a, b) -> a == b)", "join(l, r, (a, b) -> (a == b))"),
        ("if a then b else if c then d else e", "if(a, b, if(c, d, e))"),
        ("a is not blank", "(a is not blank)"),
        ("(a + b)[0]", "(a + b)[0]"),
        ("f'{a.b} x{{}} {f(c, \"}\")}'", "f'{a.b}< x{} >{f(c, '}')}'"),
        (r"'it\'s'", '"it\'s"'),
    ],
)
def test_precedence_and_forms(text: str, shown: str) -> None:
    parsed = parse(text)
    assert parsed.problems == ()
    assert parsed.tree is not None
    assert show(parsed.tree) == shown


@pytest.mark.parametrize(
    ("text", "code", "place", "replacement"),
    [
        ("a && b", "DM105", "&&", "and"),
        ("a || b", "DM105", "||", "or"),
        ("!a", "DM105", "!", "not "),
        ("a ? b : c", "DM105", "?", None),
        ("a = b", "DM106", "=", "=="),
        ("a === b", "DM106", "===", "=="),
        ("“a”", "DM107", "“", '"'),
        ("a < b < c", "DM103", "<", None),
        ("a == b == c", "DM103", "==", None),
        ("'Ada", "DM108", "'Ada", None),
        ("f'{a'", "DM108", "{", None),
        ("f'{}'", "DM112", "{}", None),
        ("Closed Won", "DM100", "Won", None),
        ("a +", "DM100", "+", None),
        ("if a then b", "DM100", "b", None),
        ("007", "DM115", "00", None),
        ("1E+1000000", "DM115", "E", None),
        ("99999999999999999999", "DM115", "99999999999999999999", None),
        ("x -> x", "DM114", ">", None),
        ("$a", "DM109", "$", None),
        ("a\x00b", "DM109", "\x00", None),
        ("{a: 1}", "DM109", "{", None),
        (r"'\q'", "DM117", r"\q", None),
        ("f(a=1, b)", "DM113", "b", None),
        ("+a", "DM100", "+", ""),
        ("f'{a && b}'", "DM105", "&&", "and"),
        ("  ", "DM112", "  ", None),
    ],
)
def test_mistakes_are_named_at_their_place(text: str, code: str, place: str, replacement: str | None) -> None:
    (problem,) = parse(text).problems
    assert (problem.code, text[problem.start : problem.end], problem.replacement) == (code, place, replacement)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 900 + "1" + ")" * 900,
        "+".join(["1"] * 900),
        "not " * 900 + "a",
        "[" * 900 + "]" * 900,
        "x" + ".a" * 900,
        "-" * 900 + "a",
        "if a then b else " * 200 + "c",
        "f(" * 900 + ")" * 900,
    ],
)
def test_deep_nesting_is_a_finding_and_not_a_crash(text: str) -> None:
    assert [problem.code for problem in parse(text).problems] == ["DM111"]


def test_long_texts_are_refused_before_they_are_parsed() -> None:
    assert [problem.code for problem in parse("1 + " * MAX_LENGTH + "1").problems] == ["DM110"]


def test_offsets_inside_f_text_are_offsets_of_the_whole_text() -> None:
    text = "f'Invoice {invoice.id}'"
    parsed = parse(text).tree
    assert isinstance(parsed, tree.FText)
    inner = parsed.parts[1]
    assert isinstance(inner, tree.Attr)
    assert text[inner.start : inner.end] == "invoice.id"
    assert text[inner.name_start :].startswith("id}")


def test_node_numbers_are_unique_and_the_same_each_time() -> None:
    parse.cache_clear()
    text = "f'{a}{b.c}' == join([a, b.c], ' ')"
    first = parse(text).tree
    parse.cache_clear()
    second = parse(text).tree
    assert first is not None
    assert first == second
    numbers = [node.n for node in tree.walk(first)]
    assert len(set(numbers)) == len(numbers)


def show(node: tree.Node) -> str:
    """A tree as text with all brackets."""
    match node:
        case tree.Literal(value=Decimal() as value):
            return str(value)
        case tree.Literal(value=value):
            return repr(value)
        case tree.Name(name=name):
            return name
        case tree.Attr(target=target, name=name):
            return f"{show(target)}.{name}"
        case tree.Binary(op=op, left=left, right=right):
            return f"({show(left)} {op} {show(right)})"
        case tree.Unary(op=op, operand=operand):
            return f"({op} {show(operand)})"
        case tree.Test(operand=operand, test=test, negated=negated):
            return f"({show(operand)} is {'not ' if negated else ''}{test})"
        case tree.Call(name=name, args=args, named=named):
            given = [show(arg) for arg in args] + [f"{key}={show(value)}" for key, value in named]
            return f"{name}({', '.join(given)})"
        case tree.Lambda(params=params, body=body):
            return f"({', '.join(params)}) -> {show(body)}"
        case tree.Items(items=items):
            return f"[{', '.join(show(item) for item in items)}]"
        case tree.Index(target=target, index=index):
            return f"{show(target)}[{show(index)}]"
        case tree.If(condition=condition, then=then, otherwise=otherwise):
            return f"if({show(condition)}, {show(then)}, {show(otherwise)})"
        case tree.FText(parts=parts):
            shown = [f"<{part}>" if isinstance(part, str) else f"{{{show(part)}}}" for part in parts]
            return f"f'{''.join(shown)}'"
        case _:
            raise AssertionError(node)


def test_negative_literal_keeps_all_its_digits() -> None:
    from fieldwright.dsl.expressions import tree

    parsed = parse("-1.234567890123456789012345678901234")
    assert isinstance(parsed.tree, tree.Literal)
    assert str(parsed.tree.value) == "-1.234567890123456789012345678901234"

"""The text of an expression in, a syntax tree or a problem out.

The grammar is `fieldwright/dsl/grammar/expression.lark`; lark builds an LALR parser from it once per process, and only
when an expression is parsed at all. Nodes are made while lark reduces, which is iterative: length and depth are
limited before any tree walker could recurse too far. Results are remembered by text. When parsing fails,
`fieldwright.dsl.expressions.mistakes` words what is wrong. Names and types are the checker's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.mistakes import explain, prescan
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.tables import build_parser

MAX_LENGTH: Final = 4096
"""Characters of one expression."""
MAX_DEPTH: Final = 64
"""Nested operators, calls and brackets of one expression."""
MAX_INT: Final = 2**63 - 1
_MAX_DIGITS: Final = 34


@dataclass(frozen=True, slots=True)
class Parsed:
    """`tree` is None when there are problems."""

    tree: tree.Node | None
    problems: tuple[Problem, ...] = ()


@lru_cache(maxsize=8192)
def parse(text: str) -> Parsed:
    """The tree of an expression. At most one problem is reported: the first, because what follows it is guesswork."""
    if len(text) > MAX_LENGTH:
        problem = Problem(
            "DM110",
            f"this expression has {len(text)} characters; at most {MAX_LENGTH} are allowed",
            0,
            len(text),
            "too long",
            "name parts of it with `let`, or move a part into a function",
        )
        return Parsed(None, (problem,))
    if not text.strip():
        return Parsed(None, (Problem("DM112", "there is no expression here", 0, len(text), "empty"),))
    with _LOCK:
        builder = _builder()
        builder.count = 0
        try:
            return Parsed(_run(text).node)
        except _Refused as refused:
            return Parsed(None, (refused.problem,))


_LOCK: Final = threading.RLock()


class _Refused(Exception):
    """Parsing stops with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Made(NamedTuple):
    """A node while it is being built; `start` and `end` include brackets around it."""

    node: tree.Node
    depth: int
    start: int
    end: int


class _Arguments(NamedTuple):
    values: tuple[_Made, ...]
    named: tuple[tuple[str, _Made], ...]


class _Named(NamedTuple):
    name: str
    value: _Made


def _run(text: str) -> _Made:
    """Parse with lark; whatever it raises becomes a `_Refused`."""
    from lark.exceptions import UnexpectedInput, VisitError

    try:
        made = _lark().parse(text)
    except VisitError as error:
        if isinstance(error.orig_exc, _Refused):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _Refused(explain(text, error)) from None
    assert isinstance(made, _Made)
    return made


@cache
def _builder() -> Any:
    from lark import Transformer

    class Builder(Transformer):  # type: ignore[misc]
        """Reductions of the grammar, by alias."""

        count = 0

    for name, method in _REDUCTIONS.items():
        setattr(Builder, name, method)
    return Builder()


@cache
def _lark() -> Any:
    grammar = files("fieldwright.dsl.grammar").joinpath("expression.lark").read_text(encoding="utf-8")
    return build_parser(grammar, _builder())


def build_strictly() -> None:
    """Build the parser with every conflict an error; needs `interegular`, so only tests do it."""
    from lark import Lark

    grammar = files("fieldwright.dsl.grammar").joinpath("expression.lark").read_text(encoding="utf-8")
    Lark(grammar, parser="lalr", lexer="contextual", strict=True)


_REDUCTIONS: Final[dict[str, Callable[[Any, list[Any]], Any]]] = {}


def _reduction(function: Callable[[Any, list[Any]], Any]) -> Callable[[Any, list[Any]], Any]:
    _REDUCTIONS[function.__name__.strip("_")] = function
    return function


def _make(
    builder: Any, kind: Callable[..., tree.Node], start: int, end: int, parts: Sequence[_Made], *values: Any
) -> _Made:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > MAX_DEPTH:
        raise _Refused(
            Problem(
                "DM111",
                f"this expression is nested more than {MAX_DEPTH} deep",
                start,
                end,
                "too deep",
                "name parts of it with `let`",
            )
        )
    builder.count += 1
    return _Made(kind(start, end, builder.count, *values), depth, start, end)


def _begin(child: Any) -> int:
    return child.start if isinstance(child, _Made) else int(child.start_pos)


def _finish(child: Any) -> int:
    return child.end if isinstance(child, _Made) else int(child.end_pos)


def _made(children: list[Any]) -> list[_Made]:
    return [child for child in children if isinstance(child, _Made)]


@_reduction
def start(builder: Any, children: list[Any]) -> Any:
    return children[0]


@_reduction
def choice(builder: Any, children: list[Any]) -> _Made:
    made = _made(children)
    nodes = [each.node for each in made]
    return _make(builder, tree.If, _begin(children[0]), made[-1].end, made, *nodes)


@_reduction
def binary(builder: Any, children: list[Any]) -> _Made:
    left, op, right = children
    return _make(
        builder, tree.Binary, left.start, right.end, (left, right), str(op), left.node, right.node, int(op.start_pos)
    )


@_reduction
def not_in(builder: Any, children: list[Any]) -> _Made:
    left, op, _, right = children
    place = (left.start, right.end, (left, right))
    return _make(builder, tree.Binary, *place, "not in", left.node, right.node, int(op.start_pos))


@_reduction
def unary(builder: Any, children: list[Any]) -> _Made:
    op, operand = children
    if op == "+":
        raise _Refused(
            Problem("DM100", "a number is written without a plus sign", _begin(op), _finish(op), "leave it out", "", "")
        )
    begin = _begin(op)
    if op == "-" and isinstance(operand.node, tree.Literal) and operand.start == operand.node.start:
        value = operand.node.value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return _make(builder, tree.Literal, begin, operand.end, (), -value)
    return _make(builder, tree.Unary, begin, operand.end, (operand,), str(op), operand.node)


@_reduction
def test(builder: Any, children: list[Any]) -> _Made:
    operand, word = children[0], children[-1]
    negated = len(children) == 4
    return _make(builder, tree.Test, operand.start, int(word.end_pos), (operand,), operand.node, str(word), negated)


_REDUCTIONS["not_test"] = test


@_reduction
def attribute(builder: Any, children: list[Any]) -> _Made:
    target, _, name = children
    return _make(
        builder, tree.Attr, target.start, int(name.end_pos), (target,), target.node, str(name), int(name.start_pos)
    )


@_reduction
def method(builder: Any, children: list[Any]) -> _Made:
    target, _, name = children[:3]
    arguments_ = _given(children)
    parts = (target, *arguments_.values, *(value for _, value in arguments_.named))
    args = (target.node, *(value.node for value in arguments_.values))
    named_ = tuple((key, value.node) for key, value in arguments_.named)
    place = (target.start, int(children[-1].end_pos), parts)
    return _make(builder, tree.Call, *place, str(name), int(name.start_pos), args, named_, True)


@_reduction
def call(builder: Any, children: list[Any]) -> _Made:
    name = children[0]
    arguments_ = _given(children)
    parts = (*arguments_.values, *(value for _, value in arguments_.named))
    args = tuple(value.node for value in arguments_.values)
    named_ = tuple((key, value.node) for key, value in arguments_.named)
    place = (int(name.start_pos), int(children[-1].end_pos), parts)
    return _make(builder, tree.Call, *place, str(name), int(name.start_pos), args, named_, False)


def _given(children: list[Any]) -> _Arguments:
    return next((child for child in children if isinstance(child, _Arguments)), _Arguments((), ()))


@_reduction
def index(builder: Any, children: list[Any]) -> _Made:
    target, _, position, close = children
    place = (target.start, int(close.end_pos), (target, position))
    return _make(builder, tree.Index, *place, target.node, position.node)


@_reduction
def items_literal(builder: Any, children: list[Any]) -> _Made:
    made = next((child for child in children if isinstance(child, list)), [])
    place = (_begin(children[0]), _finish(children[-1]), made)
    return _make(builder, tree.Items, *place, tuple(each.node for each in made))


@_reduction
def items(builder: Any, children: list[Any]) -> list[_Made]:
    return _made(children)


@_reduction
def arguments(builder: Any, children: list[Any]) -> _Arguments:
    values = tuple(_made(children))
    named_ = tuple((child.name, child.value) for child in children if isinstance(child, _Named))
    first_named = next((i for i, child in enumerate(children) if isinstance(child, _Named)), None)
    if first_named is not None:
        late = next((child for child in children[first_named:] if isinstance(child, _Made)), None)
        if late is not None:
            raise _Refused(
                Problem("DM113", "arguments without a name come before those with one", late.start, late.end, "move it")
            )
    return _Arguments(values, named_)


@_reduction
def named(builder: Any, children: list[Any]) -> _Named:
    return _Named(str(children[0]), children[2])


@_reduction
def lambda_one(builder: Any, children: list[Any]) -> _Made:
    name, _, body = children
    return _make(builder, tree.Lambda, int(name.start_pos), body.end, (body,), (str(name),), body.node)


@_reduction
def lambda_two(builder: Any, children: list[Any]) -> _Made:
    begin, first, _, second = children[:4]
    body = children[-1]
    names = (str(first), str(second))
    return _make(builder, tree.Lambda, int(begin.start_pos), body.end, (body,), names, body.node)


@_reduction
def grouped(builder: Any, children: list[Any]) -> _Made:
    opened, inner, closed = children
    if inner.depth >= MAX_DEPTH:
        _make(builder, tree.Unary, _begin(opened), _finish(closed), (inner,), "", inner.node)
    return _Made(inner.node, inner.depth + 1, _begin(opened), _finish(closed))


@_reduction
def int_literal(builder: Any, children: list[Any]) -> _Made:
    (word,) = children
    if len(word) > 19 or int(word) > MAX_INT:
        raise _Refused(
            Problem(
                "DM115",
                "a whole number has at most 64 bits",
                _begin(word),
                _finish(word),
                "too large",
                "write a decimal",
            )
        )
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), int(word))


@_reduction
def decimal_literal(builder: Any, children: list[Any]) -> _Made:
    (word,) = children
    if len(word) > _MAX_DIGITS + 1:
        raise _Refused(
            Problem("DM115", f"a decimal has at most {_MAX_DIGITS} digits", _begin(word), _finish(word), "too long")
        )
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), Decimal(str(word)))


@_reduction
def string_literal(builder: Any, children: list[Any]) -> _Made:
    (word,) = children
    value = _unescape(str(word)[1:-1], _begin(word) + 1)
    return _make(builder, tree.Literal, _begin(word), _finish(word), (), value)


@_reduction
def true_literal(builder: Any, children: list[Any]) -> _Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), True)


@_reduction
def false_literal(builder: Any, children: list[Any]) -> _Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), False)


@_reduction
def null_literal(builder: Any, children: list[Any]) -> _Made:
    return _make(builder, tree.Literal, _begin(children[0]), _finish(children[0]), (), None)


@_reduction
def name(builder: Any, children: list[Any]) -> _Made:
    (word,) = children
    return _make(builder, tree.Name, _begin(word), _finish(word), (), str(word))


@_reduction
def ftext(builder: Any, children: list[Any]) -> _Made:
    (word,) = children
    begin, finish = _begin(word), _finish(word)
    parts: list[str | tree.Node] = []
    made: list[_Made] = []
    for piece, at in _pieces(str(word)[2:-1], begin + 2):
        if at is None:
            parts.append(piece)
            continue
        problem = prescan(piece)
        if problem is None and not piece.strip():
            problem = Problem("DM112", "there is no expression between the braces", -1, len(piece) + 1, "empty")
        if problem is not None:
            raise _Refused(_moved(problem, at))
        # Blanks in front keep every offset of the inner expression right without a second pass over its nodes.
        inner = _run(" " * at + piece)
        made.append(inner)
        parts.append(inner.node)
    return _make(builder, tree.FText, begin, finish, made, tuple(parts))


def _moved(problem: Problem, by: int) -> Problem:
    from dataclasses import replace

    return replace(problem, start=problem.start + by, end=problem.end + by)


def _pieces(raw: str, offset: int) -> list[tuple[str, int | None]]:
    """Texts (with None) and inner expressions (with their offset) of f-text, in order."""
    found: list[tuple[str, int | None]] = []
    fixed = begin = at = 0
    plain: list[str] = []
    while at < len(raw):
        char = raw[at]
        if char == "\\":
            at += 2
        elif raw[at : at + 2] in ("{{", "}}"):
            plain.append(_unescape(raw[fixed:at], offset + fixed) + char)
            at += 2
            fixed = at
        elif char == "}":
            place = offset + at
            raise _Refused(Problem("DM108", "a `}` without its `{`", place, place + 1, "write `}}` for a brace"))
        elif char == "{":
            plain.append(_unescape(raw[fixed:at], offset + fixed))
            if text := "".join(plain):
                found.append((text, None))
            plain = []
            begin = at + 1
            at = _closing(raw, begin)
            if at < 0:
                place = offset + begin
                raise _Refused(Problem("DM108", "a `{` without its `}`", place - 1, place, "not closed"))
            found.append((raw[begin:at], offset + begin))
            at += 1
            fixed = at
        else:
            at += 1
    plain.append(_unescape(raw[fixed:], offset + fixed))
    if text := "".join(plain):
        found.append((text, None))
    return found


def _closing(raw: str, at: int) -> int:
    """The place of the `}` that ends an inner expression, or -1. Texts inside may hold braces."""
    quoted = False
    while at < len(raw):
        char = raw[at]
        if char == "\\" and quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char == "}" and not quoted:
            return at
        at += 1
    return -1


_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}


def _unescape(raw: str, offset: int) -> str:
    if "\\" not in raw:
        return raw
    made: list[str] = []
    at = 0
    while at < len(raw):
        if raw[at] != "\\":
            made.append(raw[at])
            at += 1
            continue
        meant = _ESCAPES.get(raw[at + 1 : at + 2])
        if meant is None:
            place = offset + at
            raise _Refused(
                Problem(
                    "DM117",
                    f"`{raw[at : at + 2]}` is not an escape",
                    place,
                    place + 2,
                    "known are \\\\ \\' \\\" \\n \\t",
                    "write two backslashes for one",
                )
            )
        made.append(meant)
        at += 2
    return "".join(made)

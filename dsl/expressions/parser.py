"""The text of an expression in, a syntax tree or a problem out.

The grammar is `fieldwright/dsl/grammar/expression.lark`; lark builds an LALR parser from it once per process, and only
when an expression is parsed at all. Nodes are made while lark reduces, by `reductions`. Results are remembered by text.
When parsing fails, `mistakes` words what is wrong. Names and types are the checker's business.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.mistakes import explain
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.quoted import Refused
from fieldwright.dsl.expressions.reductions import REDUCTIONS, Made
from fieldwright.dsl.expressions.tables import build_parser

MAX_LENGTH: Final = 4096
"""Characters of one expression."""


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
        except Refused as refused:
            return Parsed(None, (refused.problem,))


_LOCK: Final = threading.RLock()


def _run(text: str) -> Made:
    """Parse with lark; whatever it raises becomes a `Refused`."""
    from lark.exceptions import UnexpectedInput, VisitError

    try:
        made = _lark().parse(text)
    except VisitError as error:
        if isinstance(error.orig_exc, Refused):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise Refused(explain(text, error)) from None
    assert isinstance(made, Made)
    return made


@cache
def _builder() -> Any:
    from lark import Transformer

    class Builder(Transformer):  # type: ignore[misc]
        """Reductions of the grammar, by alias."""

        count = 0
        run = staticmethod(_run)

    for name, method in REDUCTIONS.items():
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

"""The table of built-in functions: each is one decorated Python function with its signature, doc and examples.

A signature is written in the notation of the language, `filter(items: list<T>, keep: (T) -> bool) -> list<T>`. Single
capital letters are type variables: `N` is int, decimal or money, `C` anything that can be ordered, the others any
type. `?` accepts null (otherwise null in gives null out), `...name: T` takes one or more values, `name: T = 1` has a
default. Functions of one name with several signatures are declared one after another; the checker picks by the
arguments. Evaluation functions get values that are never null unless accepted and never missing; a function argument
arrives as a Python callable. `inline` is a template of a Python expression for the compiler: only for code that cannot
fail and does the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, TypeVar

from fieldwright.dsl.types import Kind


@dataclass(frozen=True, slots=True)
class Plain:
    """A pattern for one of several kinds."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A pattern that stands for one type throughout a signature."""

    name: str


@dataclass(frozen=True, slots=True)
class ListPattern:
    """`list<item>`."""

    item: Pattern
    item_nullable: bool


@dataclass(frozen=True, slots=True)
class PairPattern:
    """The record with `left` and `right` that a join of two lists yields."""

    left: Pattern
    right: Pattern


@dataclass(frozen=True, slots=True)
class FunctionPattern:
    """`(T, U) -> bool`: a function argument."""

    params: tuple[Pattern, ...]
    result: Pattern
    result_nullable: bool


Pattern = Plain | Variable | ListPattern | PairPattern | FunctionPattern


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter; `default` counts only when `optional`."""

    name: str
    pattern: Pattern
    nullable: bool = False
    many: bool = False
    optional: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a function. `fallible` ones accept `else=`; `nullable` says that the result may be null even
    for values."""

    text: str
    params: tuple[Param, ...]
    result: Pattern
    nullable: bool
    evaluate: Callable[..., Any]
    doc: str
    fallible: bool
    inline: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """An expression without inputs and the value it has."""

    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function with all its signatures."""

    name: str
    category: str
    signatures: tuple[Signature, ...]
    examples: tuple[Example, ...] = field(default=())


_MODULES: Final = (
    "texts",
    "patterns",
    "numbers",
    "money",
    "dates",
    "calendar",
    "durations",
    "lists",
    "places",
    "tables",
    "untyped",
)
_FUNCTIONS: dict[str, Function] = {}
_F = TypeVar("_F", bound=Callable[..., Any])


@cache
def functions() -> Mapping[str, Function]:
    """Every built-in function by name."""
    for module in _MODULES:
        import_module(f"fieldwright.dsl.functions.{module}")
    return MappingProxyType(_FUNCTIONS)


def function(
    category: str,
    signature: str,
    *examples: tuple[str, Any],
    fallible: bool = False,
    inline: str | None = None,
) -> Callable[[_F], _F]:
    """Declare the decorated Python function as a function of the language; its docstring is the documentation."""

    def declare(evaluate: _F) -> _F:
        name, params, result, nullable = _Reader(signature).signature()
        made = Signature(
            signature, params, result, nullable, evaluate, (evaluate.__doc__ or "").strip(), fallible, inline
        )
        shown = tuple(Example(text, value) for text, value in examples)
        before = _FUNCTIONS.get(name)
        if before is None:
            _FUNCTIONS[name] = Function(name, category, (made,), shown)
        else:
            _FUNCTIONS[name] = Function(name, before.category, (*before.signatures, made), (*before.examples, *shown))
        return evaluate

    return declare


_TOKEN: Final = re.compile(r"\s*(\.\.\.|->|[A-Za-z_][A-Za-z_0-9]*|\d+(?:\.\d+)?|'[^']*'|.)")
_KINDS: Final = {kind.value: kind for kind in Kind}


class _Reader:
    """Reads a signature; declarations are ours, so a mistake is an exception."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def signature(self) -> tuple[str, tuple[Param, ...], Pattern, bool]:
        name = self.take()
        self.expect("(")
        params: list[Param] = []
        while self.peek() != ")":
            params.append(self.param())
            if self.peek() == ",":
                self.take()
        self.expect(")")
        self.expect("->")
        result, nullable = self.pattern()
        if self.at != len(self.tokens):
            raise ValueError(f"{self.text}: unexpected {self.peek()!r}")
        return name, tuple(params), result, nullable

    def param(self) -> Param:
        many = self.peek() == "..."
        if many:
            self.take()
        name = self.take()
        self.expect(":")
        pattern, nullable = self.pattern()
        if self.peek() != "=":
            return Param(name, pattern, nullable, many)
        self.take()
        word = self.take()
        default = word[1:-1] if word.startswith("'") else None if word == "null" else int(word)
        return Param(name, pattern, nullable, many, optional=True, default=default)

    def pattern(self) -> tuple[Pattern, bool]:
        word = self.take()
        made: Pattern
        if word == "(":
            params: list[Pattern] = []
            while self.peek() != ")":
                params.append(self.pattern()[0])
                if self.peek() == ",":
                    self.take()
            self.expect(")")
            self.expect("->")
            result, nullable = self.pattern()
            return FunctionPattern(tuple(params), result, nullable), False
        if word == "list":
            self.expect("<")
            item, item_nullable = self.pattern()
            self.expect(">")
            made = ListPattern(item, item_nullable)
        elif word == "pair":
            self.expect("<")
            left, _ = self.pattern()
            self.expect(",")
            right, _ = self.pattern()
            self.expect(">")
            made = PairPattern(left, right)
        elif len(word) == 1 and word.isupper():
            made = Variable(word)
        else:
            kinds = [_KINDS[word]]
            while self.peek() == "|":
                self.take()
                kinds.append(_KINDS[self.take()])
            made = Plain(tuple(kinds))
        nullable = self.peek() == "?"
        if nullable:
            self.take()
        return made, nullable

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def expect(self, word: str) -> None:
        if self.take() != word:
            raise ValueError(f"{self.text}: expected {word!r}")

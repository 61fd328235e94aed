"""The page that generated Python is written on: lines at a depth, fresh variables, names of the compiler's objects.

A `Value` is what an expression has become: a piece of Python text with what is known of it. What earlier statements
have computed can be found again as long as they surely ran. Which statements to write is left to the emitters built
on this (`reads`, `calls`, `emitter`, `fieldcode`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import Any

from fieldwright.dsl.values import EvaluationError


class Slow(Exception):
    """The generated code gives up on a record."""


@dataclass(slots=True, eq=False)
class Shape:
    """A record that is decoded into a struct: the attribute of each field that the code reads.

    `lengths` bounds texts, `kinds` says how a field is decoded (text, bool, record, any), `required` names fields that
    must be there, `inner` has the shapes of records within.
    """

    number: int
    path: tuple[str, ...]
    kinds: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    inner: dict[str, Shape] = field(default_factory=dict)

    def attribute(self, key: str) -> str:
        """The attribute that holds a field."""
        self.kinds.setdefault(key, "any")
        return f"f{list(self.kinds).index(key)}"

    @property
    def blank(self) -> str:
        """The name of the struct in which everything is null."""
        return f"BLANK{self.number}"


class Escape(Exception):
    """A decoded record is used as a whole, so it must be a dictionary: generation starts again with that known."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Value:
    """A value in generated code: a Python expression, whether it may be None, whether it is a mere name or literal
    that may be written more than once, and whether it surely is a `Decimal`. With `shape` it is a decoded record."""

    code: str
    nullable: bool
    atom: bool = True
    exact: bool = False
    shape: Shape | None = None

    @property
    def text(self) -> str:
        """The expression, for use as a value of the language; a decoded record is none."""
        if self.shape is not None:
            raise Escape(self.shape.path)
        return self.code


class Statements:
    """Collects statements. `names` is the namespace they run in, `limit` the longest list they handle."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.operators = 0
        self.decimals: dict[str, str] = {}
        self.slots: dict[str, Value] = {}
        self.known: list[dict[tuple[str, ...], Value]] = [{}]
        self.names: dict[str, Any] = {
            "Slow": Slow,
            "EMPTY": {},
            "EvaluationError": EvaluationError,
            "DecimalException": DecimalException,
        }

    def line(self, text: str) -> None:
        """One statement at the current depth."""
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Statements that may not run: what they learn is forgotten afterwards."""
        self.indent += 1
        self.known.append({})
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.known.pop()
        self.indent -= 1

    def temp(self) -> str:
        """A fresh local variable."""
        self.count += 1
        return f"v{self.count}"

    def name(self, value: Any, hint: str = "k") -> str:
        """A name for an object of the compiler's own."""
        for known, other in self.names.items():
            if other is value:
                return known
        made = f"{hint}{len(self.names)}"
        self.names[made] = value
        return made

    def literal(self, value: Any) -> str:
        """A constant as source text or name."""
        if value is None or type(value) in (bool, int, str):
            return repr(value)
        if type(value) is Decimal:
            # One name for equal digits, so that equal computations are seen to be equal.
            return self.decimals.setdefault(str(value), self.name(value))
        return self.name(value)

    def put(self, text: str, nullable: bool, *, exact: bool = False) -> Value:
        """A fresh variable with the value of a Python expression."""
        made = self.temp()
        self.line(f"{made} = {text}")
        return Value(made, nullable, exact=exact)

    def atom(self, value: Value) -> Value:
        """The value as something that may be written twice."""
        return value if value.atom else self.put(value.text, value.nullable, exact=value.exact)

    def slow_if(self, test: str) -> None:
        """Give up on records of which this is true."""
        self.line(f"if {test}: raise Slow")

    def find(self, key: tuple[str, ...]) -> Value | None:
        """What an earlier statement that surely ran has computed."""
        for known in reversed(self.known):
            if key in known:
                return known[key]
        return None

    def keep(self, key: tuple[str, ...], value: Value) -> Value:
        """Remember a value for `find`."""
        self.known[-1][key] = value
        return value

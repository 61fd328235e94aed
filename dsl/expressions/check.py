"""Syntax tree and scope in, checked expression and problems out.

Names are resolved, fields looked up in the schemas, operators checked against the types of their operands, and null
followed: a path through something that may be null may be null. The result is a tree of
`fieldwright.dsl.expressions.core`. All mistakes of an expression are reported; one that is only the consequence of
another is not, because a part with a finding has the type `ERROR`, which fits everywhere. Calls are in `calls`,
what the types mean for each other in `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.expressions import calls, core, operators, paths, tree
from fieldwright.dsl.expressions.allowance import TooLarge, spend
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.scope import Binding, Scope, Shape, UserFunction, item_shape
from fieldwright.dsl.expressions.shapes import ERROR_SHAPE, common, convert, list_shape, literal_type, named
from fieldwright.dsl.functions.registry import functions
from fieldwright.dsl.nearest import nearest
from fieldwright.dsl.types import (
    BOOL,
    STRING,
    Kind,
    Type,
    is_assignable,
)

MAX_NODES: Final = 20_000
"""Nodes of one checked expression, after the bodies of functions from mapping files were put in."""

MAX_DEPTH: Final = 96
"""Nesting of one checked expression, counted the same way; keeps every tree walker far from Python's own limit."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of checking one expression. `core` is None when there is an error among the problems. `types` maps
    node numbers to types. `reads` are the source fields used, each as (qualified object, field)."""

    core: core.Core | None
    shape: Shape
    problems: tuple[Problem, ...]
    types: Mapping[int, Type]
    reads: frozenset[tuple[str, str]]
    tree: tree.Node | None = None
    text: str = ""

    @property
    def type(self) -> Type:
        """The static type of the value."""
        return self.shape.type


def check(node: tree.Node, scope: Scope, expected: Type | None = None, *, text: str = "") -> Checked:
    """Resolve names and types. With `expected` the value must be assignable to it (an int becomes a decimal); for an
    expected condition that may be null there is only a warning. `text` is kept for reports."""
    checker = Checker(scope)
    try:
        made, shape = checker.visit(node)
        if expected is not None:
            made, shape = checker.expect(made, shape, expected)
    except TooLarge as error:
        spend(checker.inlined)
        checker = Checker(scope)
        checker.problem("DM119", str(error), node.start, node.end, "too large", "use fewer calls in one expression")
        made, shape = checker.error(node)
    spend(checker.inlined)
    failed = any(problem.severity is Severity.ERROR for problem in checker.problems)
    return Checked(
        None if failed else made,
        shape,
        tuple(sorted(checker.problems, key=lambda p: (p.start, p.end, p.code))),
        checker.types,
        frozenset(checker.reads),
        node,
        text,
    )


def check_function(function: UserFunction, scope: Scope) -> Checked:
    """Check a function from a mapping file by itself, against its declared parameters and result."""
    inner = replace(scope, names={})
    for name, type_ in function.params:
        inner = inner.bind(name, type_, "param")
    return check(function.body, inner, function.returns)


def constant(value: Any, type_: Type | None = None) -> Checked:
    """A constant of a mapping file (bool, int, Decimal, str, None) as a checked expression."""
    if type_ is None:
        type_ = literal_type(value)
    if type_.kind is Kind.DECIMAL and type(value) is int:
        value = Decimal(value)
    return Checked(core.Const(type_, 0, 0, -1, value), Shape(type_, item=item_shape(type_)), (), {}, frozenset())


Visited = tuple[core.Core, Shape]


@dataclass(slots=True)
class Checker:
    """The state of checking one expression. `inlining` names the functions from mapping files whose bodies are being
    put in; `place` is then the call that all their nodes are shown at."""

    scope: Scope
    problems: list[Problem] = field(default_factory=list)
    types: dict[int, Type] = field(default_factory=dict)
    reads: set[tuple[str, str]] = field(default_factory=set)
    names: dict[str, Binding] = field(default_factory=dict)
    inlining: tuple[str, ...] = ()
    place: tree.Node | None = None
    made: int = 0
    inlined: int = 0
    depth: int = 0
    slots: int = 0

    def problem(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        caret: str = "",
        help: str = "",
        replacement: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Report a finding; warnings about the body of a function are given only where it is defined."""
        if self.inlining and severity is not Severity.ERROR:
            return
        found = Problem(code, message, start, end, caret, help, replacement, severity)
        if found not in self.problems:
            self.problems.append(found)

    def at(self, node: tree.Node) -> tuple[int, int, int]:
        """Start, end and number for a checked node."""
        self.made += 1
        if self.made > MAX_NODES:
            raise TooLarge(f"with the bodies of its functions put in, this has more than {MAX_NODES} parts")
        if self.place is None:
            return (node.start, node.end, node.n)
        self.inlined += 1
        return (self.place.start, self.place.end, -1)

    def error(self, node: tree.Node) -> Visited:
        """What stands for a part that has a finding."""
        return core.Const(ERROR_SHAPE.type, *self.at(node), None), ERROR_SHAPE

    def fresh(self, name: str) -> str:
        """A slot that nothing else uses."""
        self.slots += 1
        return f"{name}#{self.slots}"

    def visit(self, node: tree.Node) -> Visited:
        """Check a node and everything under it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge(f"with the bodies of its functions put in, this is nested more than {MAX_DEPTH} deep")
        made, shape = self._visit(node)
        self.depth -= 1
        if self.place is None:
            self.types[node.n] = shape.type
        return made, shape

    def _visit(self, node: tree.Node) -> Visited:
        match node:
            case tree.Literal(value=value):
                type_ = literal_type(value)
                return core.Const(type_, *self.at(node), value), Shape(type_)
            case tree.Name():
                return self._name(node)
            case tree.Attr():
                return paths.attribute(self, node)
            case tree.Call():
                return calls.call(self, node)
            case tree.Binary():
                return operators.binary(self, node)
            case tree.Unary(op="not", operand=operand):
                made, nullable = self.condition(operand, lenient=True)
                type_ = replace(BOOL, nullable=nullable)
                return core.Not(type_, *self.at(node), made), Shape(type_)
            case tree.Unary():
                return operators.negative(self, node)
            case tree.Test():
                return operators.test(self, node)
            case tree.If():
                return self._choice(node)
            case tree.Items():
                return self._items(node)
            case tree.FText():
                return self._ftext(node)
            case tree.Index():
                return paths.index(self, node)
            case tree.Lambda():
                self.problem("DM114", "`->` stands only where a function asks for it", node.start, node.end, "not here")
                return self.error(node)
            case _:
                raise AssertionError(f"unknown node {type(node).__name__}")

    def expect(self, made: core.Core, shape: Shape, expected: Type) -> Visited:
        """The value as the expected type, with a finding when it does not fit."""
        wanted = Shape(expected, item=item_shape(expected))
        if is_assignable(shape.type, expected):
            return convert(made, shape, wanted), shape
        place = (made.start, made.end)
        if is_assignable(shape.type.required(), expected):
            if expected.kind is Kind.BOOL:
                self._nullable_condition(*place)
                return made, shape
            self.problem(
                "DM206", f"this may be null, but {expected} is needed", *place, "may be null", "end it with `??`"
            )
        else:
            help_ = "give the zone: `.date(settings.timezone)`" if _needs_zone(shape.type, expected) else ""
            self.problem(
                "DM206", f"this is {named(shape.type)}, but {expected} is needed", *place, named(shape.type), help_
            )
        return made, ERROR_SHAPE

    def condition(self, node: tree.Node, *, lenient: bool = False) -> tuple[core.Core, bool]:
        """A condition and whether it may be null; `lenient` where null is carried on."""
        made, shape = self.visit(node)
        kind = shape.type.kind
        if kind not in (Kind.BOOL, Kind.NULL, Kind.ERROR):
            self.problem(
                "DM203",
                f"a condition is true or false; this is {named(shape.type)}",
                node.start,
                node.end,
                named(shape.type),
                "write a comparison, as `x is not blank` or `x > 0`",
            )
        elif shape.type.nullable and kind is not Kind.ERROR and not lenient:
            self._nullable_condition(node.start, node.end)
        return made, shape.type.nullable and kind is not Kind.ERROR

    def _nullable_condition(self, start: int, end: int) -> None:
        self.problem(
            "DM204",
            "this condition may be null, which is an error when it happens",
            start,
            end,
            "may be null",
            "say what null means: `(..) ?? false`",
            severity=Severity.WARNING,
        )

    def _name(self, node: tree.Name) -> Visited:
        binding = self.names.get(node.name)
        if binding is None and not self.inlining:
            binding = self.scope.names.get(node.name)
        if binding is None:
            known = [*self.names, *([] if self.inlining else self.scope.names)]
            close = nearest(node.name, known)
            help_ = f"did you mean `{close}`?" if close else f"if the text is meant, write '{node.name}'"
            if node.name in functions() or node.name in self.scope.functions:
                help_ = f"`{node.name}` is a function: write `{node.name}(..)`"
            message = f"nothing is called `{node.name}` here"
            # Names begin with a small letter; what does not is most often a text without its quotes.
            right = close or (f"'{node.name}'" if node.name[0].isupper() else None)
            self.problem("DM102", message, node.start, node.end, "unknown name", help_, right)
            return self.error(node)
        if binding.kind == "root":
            return core.Root(binding.type, *self.at(node), node.name), binding.shape
        return core.Local(binding.type, *self.at(node), binding.slot), binding.shape

    def _choice(self, node: tree.If) -> Visited:
        condition, _ = self.condition(node.condition)
        then, then_shape = self.visit(node.then)
        otherwise, else_shape = self.visit(node.otherwise)
        merged = common(then_shape, else_shape)
        if merged is None:
            message = (
                f"both branches have the same type; these are {named(then_shape.type)} and {named(else_shape.type)}"
            )
            self.problem("DM207", message, node.otherwise.start, node.otherwise.end, named(else_shape.type))
            return self.error(node)
        then, otherwise = convert(then, then_shape, merged), convert(otherwise, else_shape, merged)
        return core.Choice(merged.type, *self.at(node), condition, then, otherwise), merged

    def _items(self, node: tree.Items) -> Visited:
        visited = [self.visit(item) for item in node.items]
        item: Shape | None = None
        for part, (_, shape) in zip(node.items, visited, strict=True):
            merged = shape if item is None else common(item, shape)
            if merged is None and item is not None:
                message = f"all elements of a list have one type; these are {named(item.type)} and {named(shape.type)}"
                self.problem("DM207", message, part.start, part.end, named(shape.type))
                return self.error(node)
            item = merged
        whole = list_shape(item)
        values = tuple(made if item is None else convert(made, shape, item) for made, shape in visited)
        return core.ListOf(whole.type, *self.at(node), values), whole

    def _ftext(self, node: tree.FText) -> Visited:
        made: list[core.Core] = []
        nullable = False
        for part in node.parts:
            if isinstance(part, str):
                made.append(core.Const(STRING, *self.at(node), part))
                continue
            value, shape = self.visit(part)
            if shape.type.kind not in _SHOWABLE:
                help_ = _SHOWN_AS.get(shape.type.kind, "")
                message = f"f-text shows texts, numbers and dates; this is {named(shape.type)}"
                self.problem("DM214", message, part.start, part.end, named(shape.type), help_)
            nullable = nullable or (shape.type.nullable and shape.type.kind is not Kind.ERROR)
            made.append(value)
        type_ = replace(STRING, nullable=nullable)
        return core.Text(type_, *self.at(node), tuple(made)), Shape(type_)


def _needs_zone(given: Type, wanted: Type) -> bool:
    return given.kind is Kind.TIMESTAMP and wanted.kind is Kind.DATE


_SHOWABLE: Final = frozenset(
    [Kind.STRING, Kind.ENUM, Kind.INT, Kind.DECIMAL, Kind.BOOL, Kind.DATE, Kind.TIMESTAMP, Kind.NULL, Kind.ERROR]
)
_SHOWN_AS: Final = {
    Kind.MONEY: "take the number with amount(..), or the whole with format_money(..)",
    Kind.DURATION: "write text(x), or a number: in_days(x), in_hours(x)",
    Kind.LIST: "put the elements together: join(items, ', ')",
    Kind.RECORD: "name one of its fields",
    Kind.ANY: "say first what it is: text(x), int(x), decimal(x)",
}

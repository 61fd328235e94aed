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
from fieldwright.dsl.expressions import calls, core, tree
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.reading import codec_name, is_absent_list_empty
from fieldwright.dsl.expressions.scope import PLAIN_SYSTEM, Binding, Scope, Shape, UserFunction, item_shape
from fieldwright.dsl.expressions.shapes import ERROR_SHAPE, ORDERED, PAIR, common, convert, list_shape
from fieldwright.dsl.functions.registry import functions
from fieldwright.dsl.nearest import did_you_mean, nearest
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    MONEY,
    NULL,
    STRING,
    TIMESTAMP,
    Kind,
    Type,
    enum,
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
        checker = Checker(scope)
        checker.problem("DM119", str(error), node.start, node.end, "too large", "use fewer calls in one expression")
        made, shape = checker.error(node)
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


def literal_type(value: Any) -> Type:
    """The type of a constant. A text is an enum of one value, so that what may be written into a picklist can be proved
    through conditions and `??`; as every enum it is a string where one is needed."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case Decimal():
            return DECIMAL
        case str():
            return enum(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no constant of the language")


class TooLarge(Exception):
    """The checked expression grows beyond all bounds."""


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
        return (node.start, node.end, node.n) if self.place is None else (self.place.start, self.place.end, -1)

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
                return self._attribute(node)
            case tree.Call():
                return calls.call(self, node)
            case tree.Binary():
                return self._binary(node)
            case tree.Unary(op="not", operand=operand):
                made, nullable = self.condition(operand, lenient=True)
                type_ = replace(BOOL, nullable=nullable)
                return core.Not(type_, *self.at(node), made), Shape(type_)
            case tree.Unary():
                return self._negative(node)
            case tree.Test():
                return self._test(node)
            case tree.If():
                return self._choice(node)
            case tree.Items():
                return self._items(node)
            case tree.FText():
                return self._ftext(node)
            case tree.Index():
                return self._index(node)
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
            self.problem("DM206", f"this is {shape.type}, but {expected} is needed", *place, str(shape.type), help_)
        return made, ERROR_SHAPE

    def condition(self, node: tree.Node, *, lenient: bool = False) -> tuple[core.Core, bool]:
        """A condition and whether it may be null; `lenient` where null is carried on."""
        made, shape = self.visit(node)
        kind = shape.type.kind
        if kind not in (Kind.BOOL, Kind.NULL, Kind.ERROR):
            self.problem(
                "DM203",
                f"a condition is true or false; this is {shape.type}",
                node.start,
                node.end,
                str(shape.type),
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
            self.problem("DM102", message, node.start, node.end, "unknown name", help_, close)
            return self.error(node)
        if binding.kind == "root":
            return core.Root(binding.type, *self.at(node), node.name), binding.shape
        return core.Local(binding.type, *self.at(node), binding.slot), binding.shape

    def _attribute(self, node: tree.Attr) -> Visited:
        made, shape = self.visit(node.target)
        place = (node.name_start, node.name_start + len(node.name))
        match shape.type.kind:
            case Kind.ERROR:
                return self.error(node)
            case Kind.RECORD:
                return self._field(node, made, shape)
            case Kind.ANY:
                self.problem("DM216", "nothing is known about the inside of this value", *place, "type any")
            case kind:
                help_ = ""
                if node.name in functions() or node.name in self.scope.functions:
                    help_ = f"`{node.name}` is a function: write `.{node.name}()`"
                elif kind is Kind.LIST:
                    help_ = f"take it from each element: `.map(x -> x.{node.name})`"
                message = f"only records have fields; this is {shape.type}"
                self.problem("DM209", message, *place, "not a field", help_)
        return self.error(node)

    def _field(self, node: tree.Attr, target: core.Core, shape: Shape) -> Visited:
        name, object_name = node.name, shape.type.object or ""
        if object_name == PAIR:
            side = {"left": shape.left, "right": shape.right}.get(name)
            if side is None:
                self._unknown_field(node, "a joined pair", ["left", "right"])
                return self.error(node)
            if shape.type.nullable:
                side = side.optional()
            return core.Field(side.type, *self.at(node), target, name, "plain.any", None), side
        found = self.scope.find(object_name)
        if found is None:
            self.problem("DM209", f"the object {object_name} is not known", node.start, node.end, "no schema")
            return self.error(node)
        declared = found.fields.get(name)
        if declared is None:
            self._unknown_field(node, object_name.removeprefix(f"{PLAIN_SYSTEM}."), found.fields, found.open_prefix)
            return self.error(node)
        system = object_name.partition(".")[0]
        if system != PLAIN_SYSTEM:
            self.reads.add((object_name, name))
        return self._read(node, target, shape, declared, system)

    def _read(self, node: tree.Attr, target: core.Core, shape: Shape, declared: FieldSchema, system: str) -> Visited:
        type_ = declared.type
        if type_.kind is Kind.LIST and is_absent_list_empty(system):
            type_ = type_.required()
        if shape.type.nullable:
            type_ = type_.optional()
        owner = shape.owner
        if owner is None and (shape.type.object or "").count(".") == 1:
            owner = target
        currency = None
        if type_.kind is Kind.MONEY or (type_.item is not None and type_.item.kind is Kind.MONEY):
            currency = self._currency(node, declared, target, owner, system)
            if currency is None:
                return self.error(node)
        codec = codec_name(system, type_)
        made = core.Field(type_, *self.at(node), target, declared.name, codec, currency)
        return made, _nested(type_, owner)

    def _currency(
        self, node: tree.Attr, declared: FieldSchema, target: core.Core, owner: core.Core | None, system: str
    ) -> core.Core | None:
        """The expression of the code of the currency a money field is counted in."""
        for record in (owner, target):
            found = self.scope.find(record.type.object or "") if record is not None else None
            holder = found.fields.get(declared.currency) if found and declared.currency else None
            if record is not None and found is not None and holder is not None:
                self.reads.add((found.name, holder.name))
                codec = codec_name(system, STRING)
                return core.Field(STRING.optional(), *self.at(node), record, holder.name, codec, None)
        place = (node.name_start, node.name_start + len(node.name))
        self.problem(
            "DM210",
            f"the currency of `{declared.name}` is not known here",
            *place,
            "amount without currency",
            "read it from the record that holds the currency, or bring the record along with join()",
        )
        return None

    def _unknown_field(
        self, node: tree.Attr, owner: str, known: Mapping[str, Any] | list[str], open_prefix: str | None = None
    ) -> None:
        close = nearest(node.name, known)
        caret = did_you_mean(node.name, known) or "unknown field"
        help_ = ""
        if open_prefix and node.name.startswith(open_prefix):
            help_ = "a custom field is declared in a `schema` document of the project"
        elif node.name in functions() or node.name in self.scope.functions:
            help_ = f"`{node.name}` is a function: write `.{node.name}()`"
        place = (node.name_start, node.name_start + len(node.name))
        self.problem("DM101", f"`{node.name}` is not a field of {owner}", *place, caret, help_, close)

    def _binary(self, node: tree.Binary) -> Visited:
        match node.op:
            case "and" | "or":
                left, left_null = self.condition(node.left, lenient=True)
                right, right_null = self.condition(node.right, lenient=True)
                type_ = replace(BOOL, nullable=left_null or right_null)
                return core.Logic(type_, *self.at(node), node.op, left, right), Shape(type_)
            case "??":
                return self._coalesce(node)
            case "in" | "not in":
                return self._membership(node)
            case "==" | "!=" | "<" | "<=" | ">" | ">=":
                return self._comparison(node)
            case _:
                return self._arithmetic(node)

    def _coalesce(self, node: tree.Binary) -> Visited:
        left, left_shape = self.visit(node.left)
        right, right_shape = self.visit(node.right)
        kind = left_shape.type.kind
        if kind is Kind.ERROR or right_shape.type.kind is Kind.ERROR:
            return self.error(node)
        if not left_shape.type.nullable:
            message = "the left side is never null, so the right one is never used"
            place = (node.op_start, node.right.end)
            self.problem("DM215", message, *place, "never used", "remove it", severity=Severity.WARNING)
        merged = common(left_shape.required() if kind is not Kind.NULL else right_shape, right_shape)
        if merged is None:
            message = f"both sides of `??` have the same type; these are {left_shape.type} and {right_shape.type}"
            self.problem("DM207", message, node.start, node.end, "two types")
            return self.error(node)
        made = core.Coalesce(
            merged.type, *self.at(node), convert(left, left_shape, merged), convert(right, right_shape, merged)
        )
        return made, merged

    def _membership(self, node: tree.Binary) -> Visited:
        left, left_shape = self.visit(node.left)
        right, right_shape = self.visit(node.right)
        kind = right_shape.type.kind
        if Kind.ERROR in (kind, left_shape.type.kind):
            return self.error(node)
        if kind is not Kind.LIST:
            help_ = "write `text.contains(part)`" if kind in (Kind.STRING, Kind.ENUM) else ""
            message = f"the right side of `in` is a list; this is {right_shape.type}"
            self.problem("DM201", message, node.right.start, node.right.end, str(right_shape.type), help_)
            return self.error(node)
        if right_shape.item is not None and not self._comparable(
            node, node.left, left_shape, node.right, right_shape.item
        ):
            return self.error(node)
        type_ = replace(BOOL, nullable=right_shape.type.nullable)
        made: core.Core = core.Compare(type_, *self.at(node), "in", left, right)
        if node.op == "not in":
            made = core.Not(type_, *self.at(node), made)
        return made, Shape(type_)

    def _comparison(self, node: tree.Binary) -> Visited:
        left, left_shape = self.visit(node.left)
        right, right_shape = self.visit(node.right)
        if Kind.ERROR in (left_shape.type.kind, right_shape.type.kind):
            return self.error(node)
        if not self._comparable(node, node.left, left_shape, node.right, right_shape):
            return self.error(node)
        type_ = BOOL
        if node.op not in ("==", "!="):
            merged = common(left_shape, right_shape)
            if merged is None or merged.type.kind not in ORDERED:
                message = f"`{node.op}` needs two values that can be ordered; this is {left_shape.type}"
                self.problem("DM202", message, node.left.start, node.left.end, str(left_shape.type))
                return self.error(node)
            type_ = replace(BOOL, nullable=left_shape.type.nullable or right_shape.type.nullable)
        return core.Compare(type_, *self.at(node), node.op, left, right), Shape(type_)

    def _comparable(
        self, node: tree.Binary, left: tree.Node, left_shape: Shape, right: tree.Node, right_shape: Shape
    ) -> bool:
        kinds = (left_shape.type.kind, right_shape.type.kind)
        if Kind.NULL in kinds and node.op in ("==", "!="):
            word = "is null" if node.op == "==" else "is not null"
            self.problem("DM202", f"write `{word}`", node.op_start, node.end, "compared with null", "", word)
            return False
        merged = common(left_shape, right_shape)
        if merged is None or merged.type.kind in (Kind.RECORD, Kind.LIST, Kind.ANY):
            message = f"these cannot be compared: {left_shape.type} and {right_shape.type}"
            self.problem("DM202", message, node.start, node.end, "two types" if merged is None else "not comparable")
            return False
        for side, values in ((left, right_shape.type), (right, left_shape.type)):
            self._enum_values(side, values)
        return True

    def _enum_values(self, node: tree.Node, enum_type: Type) -> None:
        """A text that an enum does not have makes a comparison that is never true."""
        if enum_type.kind is not Kind.ENUM or not enum_type.values:
            return
        texts = node.items if isinstance(node, tree.Items) else (node,)
        for text in texts:
            if isinstance(text, tree.Literal) and isinstance(text.value, str) and text.value not in enum_type.values:
                close = nearest(text.value, enum_type.values)
                self.problem(
                    "DM208",
                    f"'{text.value}' is not one of the values: {', '.join(enum_type.values[:12])}",
                    text.start,
                    text.end,
                    f"did you mean '{close}'?" if close else "never equal",
                    "",
                    f"'{close}'" if close else None,
                )

    def _arithmetic(self, node: tree.Binary) -> Visited:
        left, left_shape = self.visit(node.left)
        right, right_shape = self.visit(node.right)
        a, b = left_shape.type.kind, right_shape.type.kind
        if Kind.ERROR in (a, b):
            return self.error(node)
        found = _ARITHMETIC.get((node.op, a, b))
        if found is None:
            help_ = ""
            if Kind.STRING in (a, b) or Kind.ENUM in (a, b):
                help_ = "texts are put together with f'{a} {b}' or join([a, b], ' ')"
            elif Kind.MONEY in (a, b):
                help_ = "take the number with amount(..)"
            elif node.op == "-" and a is b is Kind.DATE:
                help_ = "use days_between(start, end)"
            message = f"`{node.op}` does not work on {left_shape.type} and {right_shape.type}"
            self.problem("DM201", message, node.op_start, node.op_start + 1, "does not fit", help_)
            return self.error(node)
        type_, on = found
        type_ = replace(type_, nullable=left_shape.type.nullable or right_shape.type.nullable)
        return core.Arithmetic(type_, *self.at(node), node.op, on, left, right), Shape(type_)

    def _negative(self, node: tree.Unary) -> Visited:
        made, shape = self.visit(node.operand)
        if shape.type.kind is Kind.ERROR:
            return self.error(node)
        if shape.type.kind not in (Kind.INT, Kind.DECIMAL, Kind.MONEY):
            message = f"`-` does not work on {shape.type}"
            self.problem("DM201", message, node.start, node.end, str(shape.type))
            return self.error(node)
        return core.Negate(shape.type, *self.at(node), made), Shape(shape.type)

    def _test(self, node: tree.Test) -> Visited:
        operand, _ = self.visit(node.operand)
        made: core.Core = core.IsTest(BOOL, *self.at(node), operand, node.test)
        if node.negated:
            made = core.Not(BOOL, *self.at(node), made)
        return made, Shape(BOOL)

    def _choice(self, node: tree.If) -> Visited:
        condition, _ = self.condition(node.condition)
        then, then_shape = self.visit(node.then)
        otherwise, else_shape = self.visit(node.otherwise)
        merged = common(then_shape, else_shape)
        if merged is None:
            message = f"both branches have the same type; these are {then_shape.type} and {else_shape.type}"
            self.problem("DM207", message, node.otherwise.start, node.otherwise.end, str(else_shape.type))
            return self.error(node)
        then, otherwise = convert(then, then_shape, merged), convert(otherwise, else_shape, merged)
        return core.Choice(merged.type, *self.at(node), condition, then, otherwise), merged

    def _items(self, node: tree.Items) -> Visited:
        visited = [self.visit(item) for item in node.items]
        item: Shape | None = None
        for part, (_, shape) in zip(node.items, visited, strict=True):
            merged = shape if item is None else common(item, shape)
            if merged is None and item is not None:
                message = f"all elements of a list have one type; these are {item.type} and {shape.type}"
                self.problem("DM207", message, part.start, part.end, str(shape.type))
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
                help_ = "take the number with amount(..)" if shape.type.kind is Kind.MONEY else ""
                message = f"f-text shows texts, numbers and dates; this is {shape.type}"
                self.problem("DM214", message, part.start, part.end, str(shape.type), help_)
            nullable = nullable or (shape.type.nullable and shape.type.kind is not Kind.ERROR)
            made.append(value)
        type_ = replace(STRING, nullable=nullable)
        return core.Text(type_, *self.at(node), tuple(made)), Shape(type_)

    def _index(self, node: tree.Index) -> Visited:
        target, shape = self.visit(node.target)
        position, position_shape = self.visit(node.index)
        if Kind.ERROR in (shape.type.kind, position_shape.type.kind):
            return self.error(node)
        if shape.type.kind is not Kind.LIST or position_shape.type.kind is not Kind.INT:
            message = f"`[..]` takes an element of a list by its number; this is {shape.type}[{position_shape.type}]"
            self.problem("DM211", message, node.start, node.end, "not a list and a number")
            return self.error(node)
        item = (shape.item or ERROR_SHAPE).optional()
        return core.At(item.type, *self.at(node), target, position), item


def _nested(type_: Type, owner: core.Core | None) -> Shape:
    """The shape of a field: records and lists of records inside a record remember their owner."""
    if type_.kind is Kind.LIST and type_.item is not None:
        return Shape(type_, item=_nested(type_.item, owner))
    if type_.kind is Kind.RECORD and (type_.object or "").count(".") > 1:
        return Shape(type_, owner)
    return Shape(type_)


def _needs_zone(given: Type, wanted: Type) -> bool:
    return given.kind is Kind.TIMESTAMP and wanted.kind is Kind.DATE


_SHOWABLE: Final = frozenset(
    [Kind.STRING, Kind.ENUM, Kind.INT, Kind.DECIMAL, Kind.BOOL, Kind.DATE, Kind.TIMESTAMP, Kind.NULL, Kind.ERROR]
)


def _arithmetic_table() -> dict[tuple[str, Kind, Kind], tuple[Type, str]]:
    table: dict[tuple[str, Kind, Kind], tuple[Type, str]] = {}
    for op in "+-*%":
        table[op, Kind.INT, Kind.INT] = (INT, "int")
    for op in "+-*/%":
        for a, b in ((Kind.INT, Kind.DECIMAL), (Kind.DECIMAL, Kind.INT), (Kind.DECIMAL, Kind.DECIMAL)):
            table[op, a, b] = (DECIMAL, "decimal")
    table["/", Kind.INT, Kind.INT] = (DECIMAL, "decimal")
    for op in "+-":
        table[op, Kind.MONEY, Kind.MONEY] = (MONEY, "money")
        table[op, Kind.TIMESTAMP, Kind.DURATION] = (TIMESTAMP, "time")
        table[op, Kind.DURATION, Kind.DURATION] = (DURATION, "time")
    table["-", Kind.TIMESTAMP, Kind.TIMESTAMP] = (DURATION, "time")
    table["*", Kind.MONEY, Kind.INT] = table["*", Kind.INT, Kind.MONEY] = (MONEY, "money")
    return table


_ARITHMETIC: Final = _arithmetic_table()

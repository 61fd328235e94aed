"""Checked expressions in, Python statements out: the part of code generation that knows expressions.

Each expression becomes statements that leave its value in a local variable; null is None and nothing is ever missing.
The statements are the happy path: whatever is unusual (a raw value of the wrong type, a null where the schema promises
a value, a condition that is null, a list longer than the bound) raises, and the reference evaluator takes the record.
Only the emitters and `codegen` write source text, and text of a mapping file enters it solely as `repr` of a literal.
Decimals are computed with Python's operators; whoever runs the code sees to it that `DECIMAL_CONTEXT` is current.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from fieldwright.dsl.emitcalls import Calls
from fieldwright.dsl.expressions import core, operations
from fieldwright.dsl.functions.limits import MAX_INT, MAX_TEXT, MIN_INT
from fieldwright.dsl.functions.texts import is_blank, text
from fieldwright.dsl.statements import Value
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import DECIMAL_CONTEXT

_TEXTS: Final = frozenset([Kind.STRING, Kind.ENUM, Kind.REF])
_FUNCTIONS: Final = {
    "+": operations.add,
    "-": operations.subtract,
    "*": operations.multiply,
    "/": DECIMAL_CONTEXT.divide,
    "%": operations.remainder,
}


class Emitter(Calls):
    """Turns checked expressions into statements."""

    def emit(self, node: core.Core) -> Value:
        """Statements for a node; its value."""
        match node:
            case core.Const(value=value):
                return Value(self.literal(value), value is None, exact=type(value) is Decimal)
            case core.Root():
                return self.root(node)
            case core.Local(slot=slot):
                return self.slots[slot]
            case core.Field():
                return self.field(node)
            case core.Let():
                return self._let(node)
            case core.Invoke():
                return self.invoke(node)
            case core.Text():
                return self._text(node)
            case core.ListOf(items=items):
                made = [self.emit(item) for item in items]
                return self.put(f"[{', '.join(value.text for value in made)}]", False)
            case core.At(target=target, index=index):
                values = [self.emit(target), self.emit(index)]
                return Value(self.apply(f"{self.name(operations.element)}({{0}}, {{1}})", values).text, True)
            case core.Not(operand=operand):
                value = self.atom(self.emit(operand))
                if not value.nullable:
                    return Value(f"(not {value.text})", False, atom=False)
                return Value(f"(None if {value.text} is None else not {value.text})", True, atom=False)
            case core.Logic():
                return self._logic(node)
            case core.Compare():
                return self._compare(node)
            case core.Coalesce():
                return self._coalesce(node)
            case core.Arithmetic():
                return self._arithmetic(node)
            case core.Negate(operand=operand):
                value = self.emit(operand)
                return self.apply(f"{self.name(operations.negate)}({{0}})", [value], exact=value.exact)
            case core.IsTest():
                return self._test(node)
            case core.Choice():
                return self._choice(node)
            case core.ToDecimal(operand=operand):
                if isinstance(operand, core.Const) and type(operand.value) is int:
                    return Value(self.literal(Decimal(operand.value)), False, exact=True)
                if operand.type.kind is Kind.INT:
                    return self.apply(f"{self.name(Decimal)}({{0}})", [self.emit(operand)], exact=True)
                return self.apply(f"{self.name(operations.to_decimal)}({{0}})", [self.emit(operand)])
            case _:
                raise AssertionError(f"unknown node {type(node).__name__}")

    def _let(self, node: core.Let) -> Value:
        value = self.emit(node.value)
        value = value if value.shape is not None else self.atom(value)
        if not (node.strict and value.nullable):
            self.slots[node.slot] = value
            return self.emit(node.body)
        made = self.temp()
        self.line(f"if {value.code} is None: {made} = None")
        self.line("else:")
        with self.block():
            self.slots[node.slot] = replace(value, nullable=False)
            body = self.emit(node.body)
            self.line(f"{made} = {body.text}")
        return Value(made, True, exact=body.exact)

    def _text(self, node: core.Text) -> Value:
        made = [self.atom(self.emit(part)) for part in node.parts]
        shown = [
            value.text if part.type.kind in _TEXTS else f"{self.name(text)}({value.text})"
            for part, value in zip(node.parts, made, strict=True)
        ]
        whole = " + ".join(shown) or "''"
        nulls = [value.text for value in made if value.nullable]
        if nulls:
            whole = f"None if {' or '.join(f'{null} is None' for null in nulls)} else {whole}"
        result = self.put(whole, bool(nulls))
        guard = f"{result.text} is not None and " if nulls else ""
        self.line(f"if {guard}len({result.text}) > {MAX_TEXT}: raise Slow")
        return result

    def _logic(self, node: core.Logic) -> Value:
        left = self.atom(self.emit(node.left))
        made = self.temp()
        self.line(f"{made} = {left.text}")
        # Kleene: only the decisive value stops; null on the left still asks the right.
        decisive = "True" if node.op == "or" else "False"
        self.line(f"if {made} is not {decisive}:")
        with self.block():
            right = self.atom(self.emit(node.right))
            if left.nullable:
                other = "False" if node.op == "or" else "True"
                null = f"{made} is None or {right.text} is None" if right.nullable else f"{made} is None"
                self.line(f"{made} = {decisive} if {right.text} is {decisive} else None if {null} else {other}")
            else:
                self.line(f"{made} = {right.text}")
        return Value(made, left.nullable or right.nullable)

    def _compare(self, node: core.Compare) -> Value:
        if node.op == "in" and isinstance(node.right, core.ListOf):
            items = node.right.items
            if items and all(isinstance(item, core.Const) and type(item.value) in (str, int) for item in items):
                values = ", ".join(repr(item.value) for item in items if isinstance(item, core.Const))
                return Value(f"({self.atom(self.emit(node.left)).text} in ({values},))", False, atom=False)
        left, right = self.atom(self.emit(node.left)), self.atom(self.emit(node.right))
        match node.op:
            case "==" | "!=":
                return Value(f"({left.text} {node.op} {right.text})", False, atom=False)
            case "in":
                if right.nullable:
                    return self.put(f"None if {right.text} is None else {left.text} in {right.text}", True)
                return Value(f"({left.text} in {right.text})", False, atom=False)
            case op if Kind.MONEY in (node.left.type.kind, node.right.type.kind):
                return self.apply(f"{self.name(operations.ordered)}({op!r}, {{0}}, {{1}})", [left, right])
            case op:
                return self.apply(f"({{0}} {op} {{1}})", [left, right])

    def _coalesce(self, node: core.Coalesce) -> Value:
        left = self.emit(node.left)
        if not left.nullable:
            return left
        made = self.put(left.text, True)
        self.line(f"if {made.text} is None:")
        with self.block():
            right = self.emit(node.right)
            self.line(f"{made.text} = {right.text}")
        return Value(made.text, right.nullable, exact=left.exact and right.exact)

    def _arithmetic(self, node: core.Arithmetic) -> Value:
        left, right = self._operand(node.left, node.on), self._operand(node.right, node.on)
        match node.on, node.op:
            case "int", "+" | "-" | "*":
                return self._whole(node.op, left, right)
            case "decimal", "+" | "-" | "*" | "/" if left.exact or right.exact:
                self.operators += 1
                return self.apply(f"({{0}} {node.op} {{1}})", [left, right], exact=True)
            case "decimal", op:
                return self.apply(f"{self.name(_FUNCTIONS[op])}({{0}}, {{1}})", [left, right], exact=True)
            case _:
                function = self.name(operations.arithmetic)
                return self.apply(f"{function}({node.op!r}, {node.on!r}, {{0}}, {{1}})", [left, right])

    def _operand(self, node: core.Core, on: str) -> Value:
        """An operand; whole numbers of the mapping file are decimals beforehand where decimals are computed."""
        if on == "decimal" and isinstance(node, core.Const) and type(node.value) is int:
            return Value(self.literal(Decimal(node.value)), False, exact=True)
        return self.atom(self.emit(node))

    def _whole(self, op: str, left: Value, right: Value) -> Value:
        made = self.apply(f"({{0}} {op} {{1}})", [left, right])
        guard = f"{made.text} is not None and " if made.nullable else ""
        self.slow_if(f"{guard}not {MIN_INT} <= {made.text} <= {MAX_INT}")
        return made

    def _test(self, node: core.IsTest) -> Value:
        value = self.emit(node.operand)
        if value.shape is not None and node.test == "null":
            return Value(f"({value.code} is None)", False, atom=False)
        value = self.atom(value)
        v = value.text
        match node.test:
            case "missing":
                return Value("False", False)
            case "null":
                # Python warns of `5 is None`, and warnings may be errors.
                if not v.isidentifier():
                    v = self.put(v, value.nullable).text
                return Value(f"({v} is None)", False, atom=False)
            case _ if node.operand.type.kind in _TEXTS:
                return Value(f"(not {v} or {v}.isspace())", False, atom=False)
            case _:
                return Value(f"{self.name(is_blank)}({v})", False, atom=False)

    def _choice(self, node: core.Choice) -> Value:
        made = self.temp()
        self.line(f"if {self.condition(node.condition)}:")
        with self.block():
            then = self.emit(node.then)
            self.line(f"{made} = {then.text}")
        self.line("else:")
        with self.block():
            otherwise = self.emit(node.otherwise)
            self.line(f"{made} = {otherwise.text}")
        return Value(made, then.nullable or otherwise.nullable, exact=then.exact and otherwise.exact)


def cost(node: core.Core, length: int) -> int:
    """The most steps the reference evaluator can take for a node when no list is longer than `length`."""
    match node:
        case core.Invoke(args=args):
            lists = sum(length for arg in args if not isinstance(arg, core.Lambda) and _may_be_list(arg))
            times = length
            if args and isinstance(args[-1], core.Lambda) and len(args[-1].slots) == 2:
                times = length * length
            own = sum(times * cost(a.body, length) if isinstance(a, core.Lambda) else cost(a, length) for a in args)
            return 1 + lists + own + (0 if node.fallback is None else cost(node.fallback, length))
        case core.Field():
            grown = length if node.codec.partition(".")[2].startswith("list.") else 0
            return 1 + grown + sum(cost(part, length) for part in core.parts(node))
        case core.Compare(op="in"):
            return 1 + length + cost(node.left, length) + cost(node.right, length)
        case _:
            return 1 + sum(cost(part, length) for part in core.parts(node))


def _may_be_list(node: core.Core) -> bool:
    return node.type.kind in (Kind.LIST, Kind.ANY, Kind.ERROR)

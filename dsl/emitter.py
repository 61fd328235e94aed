"""Checked expressions in, Python statements out: the part of code generation that knows expressions.

Each expression becomes statements that leave its value in a local variable; null is None and nothing is ever missing.
The statements are the happy path: whatever is unusual (a raw value of the wrong type, a null where the schema promises
a value, a condition that is null, a list longer than the bound) raises, and the reference evaluator takes the record.
Only this module and `codegen` write source text, and text of a mapping file enters it solely as `repr` of a literal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, Final

from fieldwright.dsl.expressions import core, operations
from fieldwright.dsl.expressions.reading import decode
from fieldwright.dsl.functions.limits import MAX_TEXT, bounded_int
from fieldwright.dsl.functions.texts import is_blank, text
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import EvaluationError

_MAX_INT: Final = 2**63 - 1
_TEXTS: Final = frozenset([Kind.STRING, Kind.ENUM, Kind.REF])


class Slow(Exception):
    """The generated code gives up on a record."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value in generated code: a Python expression, whether it may be None, and whether it is a mere name or
    literal that may be written more than once."""

    text: str
    nullable: bool
    atom: bool = True


class Emitter:
    """Collects statements. `names` is the namespace they run in, `limit` the longest list they handle."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.slots: dict[str, Value] = {}
        self.known: list[dict[tuple[str, ...], Value]] = [{}]
        self.names: dict[str, Any] = {
            "Slow": Slow,
            "EMPTY": {},
            "EvaluationError": EvaluationError,
            "DecimalException": DecimalException,
        }

    # --- writing ------------------------------------------------------------------------------------------------

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
        return self.name(value)

    def put(self, text: str, nullable: bool) -> Value:
        """A fresh variable with the value of a Python expression."""
        made = self.temp()
        self.line(f"{made} = {text}")
        return Value(made, nullable)

    def atom(self, value: Value) -> Value:
        """The value as something that may be written twice."""
        return value if value.atom else self.put(value.text, value.nullable)

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

    # --- expressions --------------------------------------------------------------------------------------------

    def emit(self, node: core.Core) -> Value:
        """Statements for a node; its value."""
        match node:
            case core.Const(value=value):
                return Value(self.literal(value), value is None)
            case core.Root():
                return self._root(node)
            case core.Local(slot=slot):
                return self.slots[slot]
            case core.Field():
                return self._field(node)
            case core.Let():
                return self._let(node)
            case core.Invoke():
                return self._invoke(node)
            case core.Text():
                return self._text(node)
            case core.ListOf(items=items):
                made = [self.emit(item) for item in items]
                return self.put(f"[{', '.join(value.text for value in made)}]", False)
            case core.At(target=target, index=index):
                return self._both(target, index, f"{self.name(operations.element)}({{0}}, {{1}})", True)
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
                return self._apply(f"{self.name(operations.negate)}({{0}})", [self.emit(operand)], False)
            case core.IsTest():
                return self._test(node)
            case core.Choice():
                return self._choice(node)
            case core.ToDecimal(operand=operand):
                if isinstance(operand, core.Const) and type(operand.value) is int:
                    return Value(self.name(Decimal(operand.value)), False)
                whole = operand.type.kind is Kind.INT
                function = self.name(Decimal if whole else operations.to_decimal)
                return self._apply(f"{function}({{0}})", [self.emit(operand)], False)
            case _:
                raise AssertionError(f"unknown node {type(node).__name__}")

    def condition(self, node: core.Core) -> str:
        """A condition as a Python expression that is True or False."""
        value = self.emit(node)
        if value.nullable:
            value = self.atom(value)
            self.line(f"if {value.text} is None: raise Slow")
        return value.text

    def _root(self, node: core.Root) -> Value:
        key = ("root", node.name)
        known = self.find(key)
        if known is not None:
            return known
        made = self.put(f"roots[{node.name!r}]", node.type.nullable)
        if node.type.kind is Kind.LIST:
            self.line(f"if type({made.text}) not in (list, tuple) or len({made.text}) > {self.limit}: raise Slow")
        elif node.type.kind is not Kind.RECORD and not node.type.nullable:
            self.line(f"if {made.text} is None: raise Slow")
        return self.keep(key, made)

    def record(self, node: core.Core) -> str:
        """A name on which `.get(field)` gives the raw field; nothing for a null record."""
        value = self.atom(self.emit(node))
        if not value.nullable:
            return value.text
        key = ("record", value.text)
        known = self.find(key)
        if known is None:
            known = self.keep(key, self.put(f"EMPTY if {value.text} is None else {value.text}", False))
        return known.text

    def raw(self, node: core.Field) -> Value:
        """The raw value of a field, unchecked."""
        record = self.record(node.target)
        key = ("raw", record, node.key)
        known = self.find(key)
        if known is None:
            known = self.keep(key, self.put(f"{record}.get({node.key!r})", True))
        return known

    def is_checked(self, node: core.Field) -> bool:
        """Whether an earlier statement has read and checked this field."""
        return self.find(("field", self.record(node.target), node.key, node.codec)) is not None

    def _field(self, node: core.Field) -> Value:
        key = ("field", self.record(node.target), node.key, node.codec)
        known = self.find(key)
        if known is None:
            known = self.keep(key, self._read(node))
        return known

    def _read(self, node: core.Field) -> Value:
        system, _, kind = node.codec.partition(".")
        nullable = node.type.nullable
        raw = self.raw(node)
        v = raw.text
        if kind.startswith("list."):
            return self._list(node, v)
        if system == "plain":
            if not nullable and node.type.kind is not Kind.RECORD:
                self.line(f"if {v} is None: raise Slow")
            return Value(v, nullable)
        allow = f"{v} is not None and " if nullable else ""
        if system != "chargebee":
            value = self.put(f"None if {v} == '' else {v}", True)
            v = value.text
            allow = f"{v} is not None and " if nullable else ""
        match kind:
            case "string" | "enum" | "ref":
                self.line(f"if {allow}type({v}) is not str: raise Slow")
            case "record":
                self.line(f"if {allow}type({v}) is not dict: raise Slow")
            case "bool":
                self.line(f"if {allow}type({v}) is not bool: raise Slow")
            case "int":
                self.line(f"if {allow}(type({v}) is not int or not -{_MAX_INT} <= {v} <= {_MAX_INT}): raise Slow")
            case "any" | "null":
                pass
            case _:
                return self._decoded(node, v)
        return Value(v, nullable)

    def _decoded(self, node: core.Field, v: str) -> Value:
        """A field whose value is made by its codec."""
        made = self.temp()
        nullable = node.type.nullable
        self.line(f"if {v} is None:")
        with self.block():
            self.line(f"{made} = None" if nullable else "raise Slow")
        self.line("else:")
        with self.block():
            currency = "None" if node.currency is None else self.emit(node.currency).text
            self.line(f"{made} = {self.name(decode)}({node.codec!r}, {v}, {currency})")
        return Value(made, nullable)

    def _list(self, node: core.Field, v: str) -> Value:
        currency = "None" if node.currency is None else self.emit(node.currency).text
        call = f"{self.name(decode)}({node.codec!r}, {v}, {currency})"
        if node.type.nullable:
            target = self.atom(self.emit(node.target))
            made = self.put(f"None if {target.text} is None else {call}" if target.nullable else call, True)
            self.line(f"if {made.text} is not None and len({made.text}) > {self.limit}: raise Slow")
            return made
        made = self.put(call, False)
        self.line(f"if len({made.text}) > {self.limit}: raise Slow")
        return made

    def _let(self, node: core.Let) -> Value:
        value = self.atom(self.emit(node.value))
        if not (node.strict and value.nullable):
            self.slots[node.slot] = value
            return self.emit(node.body)
        made = self.temp()
        self.line(f"if {value.text} is None:")
        with self.block():
            self.line(f"{made} = None")
        self.line("else:")
        with self.block():
            self.slots[node.slot] = Value(value.text, False)
            body = self.emit(node.body)
            self.line(f"{made} = {body.text}")
        return Value(made, True)

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

    def _both(self, left: core.Core, right: core.Core, template: str, nullable: bool) -> Value:
        return self._apply(template, [self.emit(left), self.emit(right)], nullable)

    def _apply(self, template: str, values: list[Value], nullable: bool) -> Value:
        """An expression over values; None when one of them is None."""
        atoms = [self.atom(value) for value in values]
        text_ = template.format(*(value.text for value in atoms))
        nulls = [value.text for value in atoms if value.nullable]
        if nulls:
            return self.put(f"None if {' or '.join(f'{null} is None' for null in nulls)} else {text_}", True)
        return self.put(text_, nullable)

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
                return self._apply(f"{self.name(operations.ordered)}({op!r}, {{0}}, {{1}})", [left, right], False)
            case op:
                return self._apply(f"({{0}} {op} {{1}})", [left, right], False)

    def _coalesce(self, node: core.Coalesce) -> Value:
        left = self.emit(node.left)
        if not left.nullable:
            return left
        made = self.put(left.text, True)
        self.line(f"if {made.text} is None:")
        with self.block():
            right = self.emit(node.right)
            self.line(f"{made.text} = {right.text}")
        return Value(made.text, right.nullable)

    def _arithmetic(self, node: core.Arithmetic) -> Value:
        match node.on, node.op:
            case "int", "+" | "-" | "*":
                template = f"{self.name(bounded_int)}({{0}} {node.op} {{1}})"
            case "decimal", "+" | "-" | "*" | "/" | "%":
                functions = {
                    "+": operations.add,
                    "-": operations.subtract,
                    "*": operations.multiply,
                    "/": operations.divide,
                    "%": operations.remainder,
                }
                template = f"{self.name(functions[node.op])}({{0}}, {{1}})"
            case _:
                template = f"{self.name(operations.arithmetic)}({node.op!r}, {node.on!r}, {{0}}, {{1}})"
        return self._both(node.left, node.right, template, False)

    def _test(self, node: core.IsTest) -> Value:
        value = self.atom(self.emit(node.operand))
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
        return Value(made, then.nullable or otherwise.nullable)

    # --- calls --------------------------------------------------------------------------------------------------

    def _invoke(self, node: core.Invoke) -> Value:
        direct = self._direct(node)
        if direct is not None:
            return direct
        values = [None if isinstance(arg, core.Lambda) else self.atom(self.emit(arg)) for arg in node.args]
        nulls = [v.text for at, v in enumerate(values) if v is not None and v.nullable and at in node.strict]
        made = self.temp()
        if not nulls:
            self._call(node, values, made)
            return Value(made, node.type.nullable)
        self.line(f"if {' or '.join(f'{null} is None' for null in nulls)}:")
        with self.block():
            self.line(f"{made} = None")
        self.line("else:")
        with self.block():
            self._call(node, values, made)
        return Value(made, True)

    def _direct(self, node: core.Invoke) -> Value | None:
        """Calls on raw Chargebee values that need no value of the language in between."""
        name = node.function.name
        first = node.args[0] if node.args else None
        if name == "join" and isinstance(first, core.ListOf) and isinstance(node.args[1], core.Const):
            return self._joined(first, node.args[1])
        if node.fallback is not None or not isinstance(first, core.Field):
            return None
        if name == "amount" and first.codec == "chargebee.money" and first.currency is not None:
            return self.major(first)
        if name == "date" and first.codec == "chargebee.timestamp" and len(node.args) == 2:
            raw, zone = self.raw(first), self.atom(self.emit(node.args[1]))
            call = f"{self.name(operations.day_of)}({{0}}, {{1}})"
            if not first.type.nullable:
                raw = Value(raw.text, False)
            return self._apply(call, [raw, zone], False)
        return None

    def _joined(self, items: core.ListOf, by: core.Const) -> Value:
        """Texts written out one by one, put together; blank ones are left out."""
        made = [self.emit(item).text for item in items.items]
        one = self.temp()
        chosen = f"[{one} for {one} in ({', '.join(made)},) if {one} and not {one}.isspace()]" if made else "()"
        result = self.put(f"{by.value!r}.join({chosen}) or None", True)
        self.line(f"if {result.text} and len({result.text}) > {MAX_TEXT}: raise Slow")
        return result

    def major(self, field: core.Field) -> Value:
        """A Chargebee amount in major units, straight from its minor ones."""
        raw = self.raw(field)
        assert field.currency is not None
        if not field.type.nullable:
            return self.put(f"{self.name(operations.major)}({raw.text}, {self.emit(field.currency).text})", False)
        made = self.temp()
        self.line(f"if {raw.text} is None:")
        with self.block():
            self.line(f"{made} = None")
        self.line("else:")
        with self.block():
            currency = self.emit(field.currency).text
            self.line(f"{made} = {self.name(operations.major)}({raw.text}, {currency})")
        return Value(made, True)

    def _call(self, node: core.Invoke, values: list[Value | None], made: str) -> None:
        signature = node.function.signatures[node.variant]
        last = node.args[-1] if node.args else None
        if isinstance(last, core.Lambda):
            loop = getattr(self, f"_loop_{signature.evaluate.__name__}", None)
            if loop is not None and all(value is not None for value in values[:-1]):
                loop([value.text for value in values if value is not None], last, made)
                return
        texts = [
            self._function(arg) if isinstance(arg, core.Lambda) else value.text if value is not None else ""
            for arg, value in zip(node.args, values, strict=True)
        ]
        if signature.inline is not None:
            self.line(f"{made} = {signature.inline.format(*texts)}")
            return
        call = f"{made} = {self.name(signature.evaluate)}({', '.join(texts)})"
        if node.fallback is None:
            self.line(call)
        else:
            self.line("try:")
            self.line(f"    {call}")
            self.line("except (EvaluationError, DecimalException):")
            with self.block():
                self.line(f"{made} = {self.emit(node.fallback).text}")
        if not node.type.nullable:
            self.line(f"if {made} is None: raise Slow")
        elif node.type.kind is Kind.LIST:
            return
        if node.type.kind is Kind.LIST:
            self.line(f"if len({made}) > {self.limit}: raise Slow")

    def _function(self, node: core.Lambda) -> str:
        """A nested Python function for a function argument."""
        self.count += 1
        made = f"f{self.count}"
        names = [self.temp() for _ in node.slots]
        self.line(f"def {made}({', '.join(names)}):")
        with self.block():
            self._bind(node, names)
            self.line(f"return {self.emit(node.body).text}")
        return made

    def _bind(self, node: core.Lambda, names: list[str]) -> None:
        """Parameters of a function argument. Elements that the types say are never null are tested once."""
        used = {part.slot: part.type for part in core.walk(node.body) if isinstance(part, core.Local)}
        for slot, name in zip(node.slots, names, strict=True):
            type_ = used.get(slot)
            nullable = type_ is None or type_.nullable
            if type_ is not None and not nullable and type_.kind is not Kind.RECORD:
                self.line(f"if {name} is None: raise Slow")
            self.slots[slot] = Value(name, nullable)

    @contextmanager
    def _each(self, items: str, node: core.Lambda) -> Iterator[str]:
        name = self.temp()
        self.line(f"for {name} in {items}:")
        with self.block():
            self._bind(node, [name])
            yield name

    def _loop_mapped(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = []")
        with self._each(values[0], node):
            self.line(f"{made}.append({self.emit(node.body).text})")

    def _loop_filtered(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = []")
        with self._each(values[0], node) as item:
            self.line(f"if {self.condition(node.body)}: {made}.append({item})")

    def _loop_some(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = False")
        with self._each(values[0], node):
            self.line(f"if {self.condition(node.body)}:")
            self.line(f"    {made} = True")
            self.line("    break")

    def _loop_every(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = True")
        with self._each(values[0], node):
            self.line(f"if not {self.condition(node.body)}:")
            self.line(f"    {made} = False")
            self.line("    break")

    def _loop_found(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = None")
        with self._each(values[0], node) as item:
            self.line(f"if {self.condition(node.body)}:")
            self.line(f"    {made} = {item}")
            self.line("    break")

    def _loop_count_of(self, values: list[str], node: core.Lambda, made: str) -> None:
        self.line(f"{made} = 0")
        with self._each(values[0], node):
            self.line(f"if {self.condition(node.body)}: {made} += 1")

    def _loop_join_lists(self, values: list[str], node: core.Lambda, made: str) -> None:
        left, right = self.temp(), self.temp()
        self.line(f"{made} = []")
        self.line(f"for {left} in {values[0]}:")
        with self.block():
            self.line(f"for {right} in {values[1]}:")
            with self.block():
                self._bind(node, [left, right])
                test = self.condition(node.body)
                self.line(f"if {test}: {made}.append({{'left': {left}, 'right': {right}}})")
        self.line(f"if len({made}) > {self.limit}: raise Slow")


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

"""Calls of functions in, Python statements out: loops instead of closures, operators instead of calls.

A chain as `items.filter(..).map(..).sum()` becomes one loop without lists in between. What is written here for a
function does exactly what the function of the language does, or raises; functions that nothing is known of are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Final

from fieldwright.dsl.emitreads import Reads
from fieldwright.dsl.expressions import core
from fieldwright.dsl.functions.dates import local_date
from fieldwright.dsl.functions.limits import MAX_TEXT
from fieldwright.dsl.functions.lists import listed, product_decimal, sum_decimal
from fieldwright.dsl.functions.numbers import largest, rounded, rounded_half_up, smallest
from fieldwright.dsl.quick import day_of, day_of_seconds
from fieldwright.dsl.statements import Value
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import DECIMAL_CONTEXT

_FOLDS: Final = {sum_decimal: ("+", Decimal(0)), product_decimal: ("*", Decimal(1))}
_PICKS: Final = {smallest: "<", largest: ">"}
_ROUNDINGS: Final = {rounded: ROUND_HALF_EVEN, rounded_half_up: ROUND_HALF_UP}
_COMPARED: Final = frozenset([Kind.INT, Kind.DECIMAL, Kind.STRING, Kind.DATE, Kind.TIMESTAMP])


class Calls(Reads):
    """The statements that call."""

    def condition(self, node: core.Core) -> str:
        """A condition as a Python expression that is True or False."""
        value = self.emit(node)
        if value.nullable:
            value = self.atom(value)
            self.slow_if(f"{value.text} is None")
        return value.text

    def invoke(self, node: core.Invoke) -> Value:
        """A call of a built-in function."""
        direct = self._direct(node) or self._fold(node)
        if direct is not None:
            return direct
        values = [None if isinstance(arg, core.Lambda) else self.atom(self.emit(arg)) for arg in node.args]
        nulls = [v.text for at, v in enumerate(values) if v is not None and v.nullable and at in node.strict]
        special = self._special(node, values) if not nulls else None
        if special is not None:
            return special
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

    # --- calls that need no call --------------------------------------------------------------------------------

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
            raw, zone = self.raw(first, self.place(first)), self.atom(self.emit(node.args[1]))
            if not first.type.nullable:
                raw = Value(raw.text, False)
            return self.apply(f"{self.name(day_of_seconds)}({{0}}, {{1}})", [raw, zone])
        return None

    def _joined(self, items: core.ListOf, by: core.Const) -> Value:
        """Texts written out one by one, put together; blank ones are left out."""
        made = self.temp()
        if not items.items:
            return Value("None", True)
        values = [self.atom(self.emit(item)).text for item in items.items]
        first, *others = values
        self.line(f"{made} = {first} if {first} and not {first}.isspace() else None")
        for v in others:
            self.line(f"if {v} and not {v}.isspace(): {made} = {v} if {made} is None else {made} + {by.value!r} + {v}")
        self.line(self.text_guard(made))
        return Value(made, True)

    def text_guard(self, v: str) -> str:
        """The test that a text which may be null does not exceed the limit of the language."""
        return f"if {v} and len({v}) > {MAX_TEXT}: raise Slow"

    def _special(self, node: core.Invoke, values: list[Value | None]) -> Value | None:
        """Functions that are an operator or two in Python, on values of which none is null."""
        evaluate = node.function.signatures[node.variant].evaluate
        if node.fallback is not None or any(value is None or value.nullable for value in values):
            return None
        given = [value for value in values if value is not None]
        match evaluate:
            case _ if evaluate in _PICKS and all(arg.type.kind in _COMPARED for arg in node.args):
                made = given[0]
                for other in given[1:]:
                    test = f"{other.text} if {other.text} {_PICKS[evaluate]} {made.text} else {made.text}"
                    made = self.put(test, False, exact=made.exact and other.exact)
                return made
            case _ if evaluate in _ROUNDINGS and given[0].exact:
                digits = node.args[1]
                if not isinstance(digits, core.Const) or type(digits.value) is not int or not 0 <= digits.value <= 20:
                    return None
                unit = self.literal(Decimal(1).scaleb(-digits.value))
                rounding, context = _ROUNDINGS[evaluate], self.name(DECIMAL_CONTEXT, "context")
                return self.put(f"{given[0].text}.quantize({unit}, {rounding!r}, {context})", False, exact=True)
            case _ if evaluate is local_date:
                return self.put(f"{self.name(day_of)}({given[0].text}, {given[1].text})", False)
            case _ if evaluate is listed:
                return self.put(f"[{given[0].text}]", False)
            case _:
                return None

    def _fold(self, node: core.Invoke) -> Value | None:
        """A sum or product of decimals, with the map and the filter before it in the same loop."""
        fold = _FOLDS.get(node.function.signatures[node.variant].evaluate)
        steps: list[tuple[str, core.Lambda]] = []
        items: core.Core = node.args[0] if node.args else node
        while isinstance(items, core.Invoke) and items.function.name in ("map", "filter"):
            last = items.args[-1]
            assert isinstance(last, core.Lambda)
            steps.insert(0, (items.function.name, last))
            items = items.args[0]
        if fold is None or node.fallback is not None or items.type.nullable:
            return None
        source = self.atom(self.emit(items))
        if source.nullable:
            return None
        operator, start = fold
        self.operators += 1
        made, item = self.temp(), self.temp()
        self.line(f"{made} = {self.literal(start)}")
        self.line(f"for {item} in {source.text}:")
        with self.block():
            value = Value(item, True)
            for name, step in steps:
                self._bind(step, [value])
                if name == "filter":
                    self.line(f"if not {self.condition(step.body)}: continue")
                else:
                    value = self.atom(self.emit(step.body))
            if value.nullable:
                # A null makes the whole sum null, after every other element has been looked at.
                self.slow_if(f"{value.text} is None")
            if value.exact:
                self.line(f"{made} = {made} {operator} {value.text}")
            else:
                context = DECIMAL_CONTEXT.add if operator == "+" else DECIMAL_CONTEXT.multiply
                self.line(f"{made} = {self.name(context)}({made}, {value.text})")
        return Value(made, False, exact=True)

    # --- calls --------------------------------------------------------------------------------------------------

    def apply(self, template: str, values: list[Value], *, exact: bool = False) -> Value:
        """An expression over values; None when one of them is None."""
        atoms = [self.atom(value) for value in values]
        made = template.format(*(value.text for value in atoms))
        key = ("applied", made)
        known = self.find(key)
        if known is not None:
            return known
        nulls = [value.text for value in atoms if value.nullable]
        shown = f"None if {' or '.join(f'{null} is None' for null in nulls)} else {made}" if nulls else made
        return self.keep(key, self.put(shown, bool(nulls), exact=exact))

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
            self.slow_if(f"{made} is None")
        elif node.type.kind is Kind.LIST:
            return
        if node.type.kind is Kind.LIST:
            self.slow_if(f"len({made}) > {self.limit}")

    def _function(self, node: core.Lambda) -> str:
        """A nested Python function for a function argument."""
        self.count += 1
        made = f"f{self.count}"
        names = [self.temp() for _ in node.slots]
        self.line(f"def {made}({', '.join(names)}):")
        with self.block():
            self._bind(node, [Value(name, True) for name in names])
            self.line(f"return {self.emit(node.body).text}")
        return made

    def _bind(self, node: core.Lambda, given: list[Value]) -> None:
        """Parameters of a function argument. Elements that the types say are never null are tested once."""
        used = {part.slot: part.type for part in core.walk(node.body) if isinstance(part, core.Local)}
        for slot, value in zip(node.slots, given, strict=True):
            type_ = used.get(slot)
            nullable = type_ is None or type_.nullable
            if value.nullable and type_ is not None and not nullable and type_.kind is not Kind.RECORD:
                self.slow_if(f"{value.text} is None")
            self.slots[slot] = Value(value.text, nullable and value.nullable, exact=value.exact)

    # --- loops --------------------------------------------------------------------------------------------------

    @contextmanager
    def _each(self, items: str, node: core.Lambda) -> Iterator[str]:
        name = self.temp()
        self.line(f"for {name} in {items}:")
        with self.block():
            self._bind(node, [Value(name, True)])
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
                self._bind(node, [Value(left, True), Value(right, True)])
                test = self.condition(node.body)
                self.line(f"if {test}: {made}.append({{'left': {left}, 'right': {right}}})")
        self.slow_if(f"len({made}) > {self.limit}")

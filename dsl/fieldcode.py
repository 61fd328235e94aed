"""Fields of a mapping in, Python statements out: how a value of the language becomes the wire value of a target field.

What can be settled now is settled now: constants and value tables are put into their wire form once, the tests that a
target asks for (length, room for digits) are written as literals. The wire forms are those of `fieldwright.dsl.wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from fieldwright.dsl.emitreads import Place
from fieldwright.dsl.emitter import Emitter
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import Ref
from fieldwright.dsl.programspec import FieldSpec, KeyFieldSpec, OnTooLong
from fieldwright.dsl.quick import WHOLES, Refs
from fieldwright.dsl.reference import reference, row_key
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.statements import Value
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import EvaluationError
from fieldwright.dsl.wire import encode, number_writer, written_seconds

_TEXTS: Final = frozenset([Kind.STRING, Kind.ENUM, Kind.REF])


def checked_core(checked: Checked) -> core.Core:
    """The tree of an expression without errors."""
    if checked.core is None:
        raise ValueError("a mapping with errors cannot be compiled")
    return checked.core


class _Words(NamedTuple):
    """A text as Python, the length to test, and the raw field if it may turn out to be no text."""

    v: str
    length: int | None
    untested: tuple[core.Field, Place] | None


class FieldCode:
    """Writes wire values for one target system with the statements of an emitter."""

    def __init__(self, emitter: Emitter, system: str) -> None:
        self.emitter = emitter
        self.system = system

    def value(self, one: FieldSpec, node: core.Core) -> Value:
        """The wire value of a field; None for null."""
        if one.table is not None:
            return self.table(one, node)
        if one.info.ref is not None:
            return self.reference_to(one.info.ref, node)
        if isinstance(node, core.Const):
            return self.constant(one, node.value)
        if self.is_words(one, node):
            return self.certain_words(one, node)
        return self.wire(one, node)

    def is_words(self, one: FieldSpec, node: core.Core) -> bool:
        """Whether text goes into a text field of a system to which an empty text is null."""
        plain = one.table is None and one.info.ref is None and not isinstance(node, core.Const)
        texts = one.target.type.kind in _TEXTS and node.type.kind in _TEXTS
        return plain and texts and self.system != "chargebee"

    def constant(self, one: FieldSpec, value: Any) -> Value:
        out = self.emitter
        try:
            wire = self.encoder(one)(value)
        except EvaluationError:
            out.line("raise Slow")
            return Value("None", True)
        return Value(out.literal(wire), wire is None)

    def encoder(self, one: FieldSpec) -> Callable[[Any], Any]:
        truncate = one.max_length is OnTooLong.TRUNCATE
        return partial(encode, target=one.target, system=self.system, truncate=truncate, digits=one.round)

    def words(self, one: FieldSpec, node: core.Core, place: str) -> None:
        """Text that may be null into a text field. The type of a raw value is tested together with its length."""
        out = self.emitter
        words = self._text(one, node)
        out.line(f"if {words.v}:")
        with out.block():
            out.line(f"{place} = {self._fitted(one, words)}")
        self._refuse(words)

    def certain_words(self, one: FieldSpec, node: core.Core) -> Value:
        """Text into a text field that is written in any case."""
        out = self.emitter
        words = self._text(one, node)
        if words.length is None and words.untested is None:
            return out.put(f"{words.v} or None", True)
        made = out.temp()
        out.line(f"if {words.v}:")
        with out.block():
            out.line(f"{made} = {self._fitted(one, words)}")
        self._refuse(words)
        out.line("else:")
        with out.block():
            out.line(f"{made} = None")
        return Value(made, True)

    def _text(self, one: FieldSpec, node: core.Core) -> _Words:
        out = self.emitter
        length = one.target.length
        if isinstance(node, core.Field) and node.codec in ("chargebee.string", "chargebee.enum"):
            place = out.place(node)
            if not out.is_read(node, place):
                truncates = one.max_length is OnTooLong.TRUNCATE
                if length is not None and not truncates and out.bound(node, place, length):
                    length = None
                v = out.raw(node, place).text
                return _Words(v, length, None if out.is_tested(node, place) else (node, place))
        v = out.atom(out.emit(node)).text
        if length is not None and out.lines and out.lines[-1].strip() == out.text_guard(v):
            # The limit of the language lies above that of any field.
            out.lines.pop()
        return _Words(v, length, None)

    def _fitted(self, one: FieldSpec, words: _Words) -> str:
        """A text that is not empty, tested for its length and, if need be, for being a text."""
        truncates = one.max_length is OnTooLong.TRUNCATE
        v, length = words.v, words.length
        tests = [f"type({v}) is not str"] if words.untested is not None else []
        if length is not None and not truncates:
            tests.append(f"len({v}) > {length}")
        if tests:
            self.emitter.slow_if(" or ".join(tests))
        return f"{v}[:{length}]" if length is not None and truncates else v

    def _refuse(self, words: _Words) -> None:
        """Of values that count as false only null and the empty text are none."""
        if words.untested is not None:
            self.emitter.line(f"elif {words.v} is not None and {words.v} != '': raise Slow")
            self.emitter.tested(*words.untested)

    def wire(self, one: FieldSpec, node: core.Core) -> Value:
        """The wire form of a value; None stays None."""
        out = self.emitter
        given, wanted, system = node.type.kind, one.target.type.kind, self.system
        if isinstance(node, core.Field) and node.codec == "chargebee.timestamp" and wanted is Kind.TIMESTAMP:
            return self.seconds(node)
        if self.is_whole(one, node):
            assert isinstance(node, core.Field)
            raw = out.raw(node, out.place(node)).text
            room = (one.target.precision or 0) - (one.target.scale or 0)
            wrong = f"type({raw}) is not int or not -{10**room} < {raw} < {10**room}"
            out.slow_if(f"{raw} is not None and ({wrong})")
            return self.remembered(Value(raw, True))
        if isinstance(node, core.Field) and node.codec == "chargebee.money" and system != "chargebee":
            value, given = out.major(node), Kind.DECIMAL
        else:
            value = out.emit(node)
        match given, wanted:
            case (Kind.BOOL, Kind.BOOL) | (Kind.INT, Kind.INT):
                return value
            case ((Kind.INT | Kind.DECIMAL), (Kind.DECIMAL | Kind.MONEY)):
                if given is Kind.INT and one.round is None and system != "chargebee":
                    return self.whole(one.target, out.atom(value))
                if given is Kind.INT:
                    value = self.apply(out.name(Decimal), value)
                elif one.round is None and value.exact:
                    return self.number(one.target, out.atom(value))
                return self.apply(out.name(number_writer(one.target, one.round), "number"), value)
            case Kind.DATE, Kind.DATE:
                value = out.atom(value)
                shown = f"{value.text}.isoformat()"
                return out.put(
                    f"None if {value.text} is None else {shown}" if value.nullable else shown, value.nullable
                )
            case _:
                return Value(f"{out.name(self.encoder(one), 'encode')}({value.text})", True, atom=False)

    def is_whole(self, one: FieldSpec, node: core.Core) -> bool:
        """Whether a raw whole number goes into a decimal field: one test for its type and size is enough."""
        room = (one.target.precision or 99) - (one.target.scale or 0)
        fits = one.target.type.kind in (Kind.DECIMAL, Kind.MONEY) and one.round is None and 0 < room < 19
        raw = isinstance(node, core.Field) and node.codec == "chargebee.int"
        return fits and raw and self.system != "chargebee"

    def whole(self, target: FieldSchema, value: Value) -> Value:
        """A whole number in a decimal field that surely has room for it."""
        out = self.emitter
        if target.precision is not None and target.precision - (target.scale or 0) < 19:
            bound = 10 ** max(target.precision - (target.scale or 0), 0)
            guard = f"{value.text} is not None and " if value.nullable else ""
            out.line(f"if {guard}not -{bound} < {value.text} < {bound}: raise Slow")
        return self.remembered(value)

    def remembered(self, value: Value) -> Value:
        """A whole number of 64 bits as a decimal."""
        out = self.emitter
        look_up = f"{out.name(WHOLES, 'wholes')}[{value.text}]"
        return out.put(f"None if {value.text} is None else {look_up}" if value.nullable else look_up, value.nullable)

    def number(self, target: FieldSchema, value: Value) -> Value:
        """A decimal that is not rounded any more."""
        out = self.emitter
        made = out.put(value.text, value.nullable)
        v = made.text
        room = None if target.precision is None else target.precision - (target.scale or 0)
        if room is None:
            guard = f"{v} is not None and " if value.nullable else ""
            out.line(f"if {guard}not {v} and {v}.is_signed(): {v} = {out.literal(_ZERO)}")
            return made
        out.line(f"if {v}:")
        out.line(f"    if {v}.adjusted() >= {room}: raise Slow")
        guard = f"{v} is not None and " if value.nullable else ""
        out.line(f"elif {guard}{v}.is_signed(): {v} = {out.literal(_ZERO)}")
        return made

    def seconds(self, node: core.Field) -> Value:
        """A Chargebee moment straight from unix seconds to the target's notation."""
        out = self.emitter
        raw = out.raw(node, out.place(node)).text
        low, high = -62_135_596_800, 253_402_300_799
        allow = f"{raw} is not None and " if node.type.nullable else ""
        out.line(f"if {allow}(type({raw}) is not int or not {low} <= {raw} <= {high}): raise Slow")
        function = out.name(_seconds(self.system), "seconds")
        return self.apply(function, Value(raw, node.type.nullable))

    def apply(self, function: str, value: Value) -> Value:
        out = self.emitter
        value = out.atom(value)
        call = f"{function}({value.text})"
        return out.put(f"None if {value.text} is None else {call}" if value.nullable else call, value.nullable)

    def reference_to(self, mapping: str, node: core.Core) -> Value:
        out = self.emitter
        value = out.atom(out.emit(node))
        if node.type.kind in _TEXTS and not value.nullable and _is_of_run(node):
            return out.put(f"{out.name(Refs(mapping), 'refs')}[{value.text}]", False)
        if node.type.kind in _TEXTS:
            made = f"{out.name(_new_ref)}({out.name(Ref, 'Ref')}, ({mapping!r}, {value.text}))"
            return out.put(f"{made} if {value.text} else None", True)
        return out.put(f"{out.name(reference)}({mapping!r}, {value.text})", True)

    def table(self, one: FieldSpec, node: core.Core) -> Value:
        """A value table as a dictionary whose values are wire forms already."""
        out = self.emitter
        assert one.table is not None
        encoder: Callable[[Any], Any] = self.encoder(one)
        if one.info.ref is not None:
            encoder = partial(reference, one.info.ref)
        rows: dict[Any, Any] = {}
        typed = _TABLE_TYPES.get(node.type.kind)
        for given, result in one.table.rows:
            if type(given) is not typed or row_key(given)[1] in rows:
                continue
            try:
                rows[given] = encoder(result)
            except EvaluationError:
                rows[given] = _REFUSED
        if typed is None:
            out.line("raise Slow")
            return Value("None", True)
        value = out.atom(out.emit(node))
        plain = one.table.otherwise is None and all(wire is not None and wire is not _REFUSED for wire in rows.values())
        look_up = f"{out.name(rows, 'rows')}.get({value.text}"
        if plain and not value.nullable:
            found = out.put(f"{look_up})", False)
            out.line(f"if {found.text} is None: raise Slow")
            return found
        made = out.put("None", True).text
        if not value.text.isidentifier():
            value = out.put(value.text, value.nullable)
        out.line(f"if {value.text} is not None:")
        with out.block():
            out.line(f"{made} = {look_up}, {out.name(_NO_ROW, 'no_row')})")
            out.line(f"if {made} is {out.name(_REFUSED, 'refused')}: raise Slow")
            out.line(f"if {made} is {out.name(_NO_ROW, 'no_row')}:")
            with out.block():
                if one.table.otherwise is None:
                    out.line("raise Slow")
                else:
                    found = out.emit(checked_core(one.table.otherwise))
                    out.line(f"{made} = {out.name(encoder, 'encode')}({found.text})")
        return Value(made, True)

    def key_value(self, one: KeyFieldSpec, node: core.Core) -> Value:
        out = self.emitter
        target: FieldSchema = one.target
        value = out.emit(node)
        if target.type.kind in _TEXTS and node.type.kind in _TEXTS and self.system != "chargebee":
            value = out.atom(value)
            length = target.length
            if length is not None and isinstance(node, core.Field) and node.codec == "chargebee.string":
                length = None if out.bound(node, out.place(node), length) else length
            if length is not None:
                guard = f"{value.text} is not None and " if value.nullable else ""
                out.slow_if(f"{guard}len({value.text}) > {length}")
            return out.put(f"{value.text} or None", True)
        encoder = partial(encode, target=target, system=self.system)
        return Value(f"{out.name(encoder, 'encode')}({value.text})", True, atom=False)


def _is_of_run(node: core.Core) -> bool:
    """Whether a field is the same for all records of a run."""
    while isinstance(node, core.Field):
        node = node.target
    return isinstance(node, core.Root) and node.name == "run"


def _seconds(system: str) -> Callable[[int], Any]:
    return _SECONDS.setdefault(system, partial(written_seconds, system=system))


_SECONDS: dict[str, Callable[[int], Any]] = {}
_TABLE_TYPES: Final = {Kind.STRING: str, Kind.ENUM: str, Kind.REF: str, Kind.BOOL: bool, Kind.INT: int}
_NO_ROW: Final = object()
_REFUSED: Final = object()
_new_ref: Final = tuple.__new__
_ZERO: Final = Decimal(0)

"""A program specification in, generated Python source out: the fast way of mapping one record.

The generated function reads raw records with `dict.get`, computes each field with the statements of
`fieldwright.dsl.emitter`, and puts wire values into the record. It applies the same policies as
`fieldwright.dsl.reference` but reports nothing: anything unusual raises, and the reference answers. Every constant of
the mapping is put into its wire form now, once. List lengths are bounded so that no record the generated code handles
could have exceeded the step limit of the reference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, cast

from fieldwright.dsl.emitter import Emitter, Value, cost
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.functions.limits import MAX_STEPS
from fieldwright.dsl.program import MappedRecord, Ref
from fieldwright.dsl.programspec import (
    ChildSpec,
    FieldSpec,
    KeyFieldSpec,
    LetSpec,
    OnNull,
    OnTooLong,
    ProgramSpec,
    RowsSpec,
)
from fieldwright.dsl.reference import MAX_ROWS, reference, row_key
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import EvaluationError
from fieldwright.dsl.wire import encode, number_writer, written_seconds

_LENGTHS: Final = (2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000)
_TEXTS: Final = frozenset([Kind.STRING, Kind.ENUM, Kind.REF])


@dataclass(frozen=True, slots=True)
class Generated:
    """The source text and the function it defines; no function when the mapping is beyond what is generated."""

    text: str
    function: Callable[[Mapping[str, Any]], MappedRecord] | None


def generate(spec: ProgramSpec) -> Generated:
    """Generate the code of a mapping. A mapping that is too costly or too deep for it runs by the reference alone."""
    length = _longest(spec)
    if length is None:
        return Generated("", None)
    writer = _Writer(spec, Emitter(length))
    text = writer.text()
    names = writer.emitter.names
    try:
        exec(compile(text, f"<mapping {spec.mapping}>", "exec"), names)
    except (SyntaxError, RecursionError, MemoryError):
        # Python limits how deep blocks may nest; what needs more than that is left to the reference.
        return Generated("", None)
    return Generated(text, cast("Callable[[Mapping[str, Any]], MappedRecord]", names["map_record"]))


def _longest(spec: ProgramSpec) -> int | None:
    """The longest list with which no part of a record can exceed the step limit."""
    record = [let.value for let in spec.lets]
    record += [] if spec.filter is None else [spec.filter]
    record += _field_values(spec.fields)
    record += [one.list for one in spec.memberships]
    record += [part.value for parts in spec.keys for part in parts]
    record += [check.value for check in spec.checks]
    portions = [record]
    for child in spec.children:
        for rows in child.lists:
            portions.append([rows.each])
            row = [let.value for let in rows.lets] + _field_values(rows.fields)
            row += [check.value for check in rows.checks]
            portions.append(row + ([rows.filter] if rows.filter is not None else []))
    literals = [
        len(node.items)
        for portion in portions
        for checked in portion
        for node in core.walk(_core(checked))
        if isinstance(node, core.ListOf)
    ]

    def too_long(length: int) -> bool:
        reach = max([length, *literals])
        return any(sum(cost(_core(each), reach) for each in portion) > MAX_STEPS for portion in portions)

    at = bisect_left(_LENGTHS, True, key=too_long)
    return _LENGTHS[at - 1] if at else None


def _field_values(fields: Iterable[FieldSpec]) -> list[Checked]:
    found: list[Checked] = []
    for one in fields:
        found.append(one.value)
        if one.table is not None and one.table.otherwise is not None:
            found.append(one.table.otherwise)
    return found


def _core(checked: Checked) -> core.Core:
    if checked.core is None:
        raise ValueError("a mapping with errors cannot be compiled")
    return checked.core


class _Writer:
    """Writes the function of one mapping."""

    def __init__(self, spec: ProgramSpec, emitter: Emitter) -> None:
        self.spec = spec
        self.emitter = emitter

    def text(self) -> str:
        spec, out = self.spec, self.emitter
        pending = list(spec.lets)
        if spec.filter is not None:
            pending = self.lets(pending, [spec.filter])
            out.line(f"if not {out.condition(_core(spec.filter))}: return {out.name(MappedRecord, 'Made')}(False)")
        self.lets(pending, list(self.later()))
        self.fields(spec.fields, "fields")
        self.memberships()
        keys = ", ".join([self.key(parts) for parts in spec.keys])
        for check in spec.checks:
            value = out.emit(_core(check.value))
            out.line(f"if {value.text} is not True: raise Slow")
        children = [(child.name, self.children(child)) for child in spec.children]
        shown = ", ".join(f"{name!r}: {rows}" for name, rows in children)
        comma = "," if len(spec.keys) == 1 else ""
        out.line(f"return {out.name(MappedRecord, 'Made')}(True, fields, ({keys}{comma}), {{{shown}}})")
        return "def map_record(roots):\n" + "\n".join(out.lines) + "\n"

    def later(self) -> Iterable[Checked]:
        """Everything that is computed after the filter."""
        spec = self.spec
        yield from _field_values(spec.fields)
        yield from (one.list for one in spec.memberships)
        yield from (part.value for parts in spec.keys for part in parts)
        yield from (check.value for check in spec.checks)
        for child in spec.children:
            for rows in child.lists:
                yield rows.each
                if rows.filter is not None:
                    yield rows.filter
                yield from (let.value for let in rows.lets)
                yield from _field_values(rows.fields)

    def lets(self, lets: list[LetSpec], users: list[Checked]) -> list[LetSpec]:
        """Compute the lets that are used, in order; the others are left for later or for nobody."""
        wanted = {slot for user in users for slot in _slots(_core(user))}
        for let in reversed(lets):
            if let.slot in wanted:
                wanted |= _slots(_core(let.value))
        rest: list[LetSpec] = []
        for let in lets:
            if let.slot not in wanted:
                rest.append(let)
                continue
            value = self.emitter.emit(_core(let.value))
            self.emitter.slots[let.slot] = self.emitter.atom(value)
        return rest

    def fields(self, fields: Iterable[FieldSpec], into: str) -> None:
        """The statements of a record's fields. What is written in any case goes into one dictionary display, which is
        made at its full size at once; the rest is added to it."""
        out = self.emitter
        sure: list[str] = []
        maybe: list[tuple[FieldSpec, Value]] = []
        optional: list[FieldSpec] = []
        for one in fields:
            node = _core(one.value)
            if self.is_words(one, node) and one.on_null is OnNull.SKIP:
                optional.append(one)
                continue
            out.line(f"# {one.info.name!r}")
            value = self.value(one, node)
            if value.nullable and one.on_null is OnNull.ERROR:
                value = out.atom(value)
                out.line(f"if {value.text} is None: raise Slow")
                value = Value(value.text, False)
            if not value.nullable or one.on_null is OnNull.CLEAR:
                sure.append(f"{one.info.name!r}: {value.text}")
            else:
                maybe.append((one, out.atom(value)))
        out.line(f"{into} = {{{', '.join(sure)}}}")
        for one, value in maybe:
            out.line(f"if {value.text} is not None: {into}[{one.info.name!r}] = {value.text}")
        for one in optional:
            out.line(f"# {one.info.name!r}")
            self.words(one, _core(one.value), f"{into}[{one.info.name!r}]")

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
        return plain and texts and self.spec.system != "chargebee"

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
        return partial(encode, target=one.target, system=self.spec.system, truncate=truncate, digits=one.round)

    def words(self, one: FieldSpec, node: core.Core, place: str) -> None:
        """Text that may be null into a text field. The type of a raw value is tested together with its length."""
        out = self.emitter
        direct = self.raw_words(node)
        v = out.atom(out.emit(node)).text if direct is None else direct
        out.line(f"if {v}:")
        with out.block():
            out.line(f"{place} = {self.fitted(one, v, unknown=direct is not None)}")
        if direct is not None:
            out.line(f"elif {v} is not None and {v} != '': raise Slow")

    def certain_words(self, one: FieldSpec, node: core.Core) -> Value:
        """Text into a text field that is written in any case."""
        out = self.emitter
        direct = self.raw_words(node)
        v = out.atom(out.emit(node)).text if direct is None else direct
        made = out.temp()
        out.line(f"if {v}:")
        with out.block():
            out.line(f"{made} = {self.fitted(one, v, unknown=direct is not None)}")
        if direct is not None:
            out.line(f"elif {v} is not None and {v} != '': raise Slow")
        out.line("else:")
        with out.block():
            out.line(f"{made} = None")
        return Value(made, True)

    def raw_words(self, node: core.Core) -> str | None:
        """The raw text of a field that nothing has tested yet."""
        out = self.emitter
        if not isinstance(node, core.Field) or node.codec not in ("chargebee.string", "chargebee.enum"):
            return None
        return None if out.is_checked(node) else out.raw(node).text

    def fitted(self, one: FieldSpec, v: str, *, unknown: bool) -> str:
        """A text that is not empty, tested for its length and, if `unknown`, for being a text."""
        out = self.emitter
        length = one.target.length
        tests = [f"type({v}) is not str"] if unknown else []
        if length is not None and one.max_length is not OnTooLong.TRUNCATE:
            tests.append(f"len({v}) > {length}")
        if tests:
            out.line(f"if {' or '.join(tests)}: raise Slow")
        return f"{v}[:{length}]" if length is not None and one.max_length is OnTooLong.TRUNCATE else v

    def wire(self, one: FieldSpec, node: core.Core) -> Value:
        """The wire form of a value; None stays None."""
        out = self.emitter
        given, wanted, system = node.type.kind, one.target.type.kind, self.spec.system
        if isinstance(node, core.Field) and node.codec == "chargebee.timestamp" and wanted is Kind.TIMESTAMP:
            return self.seconds(node)
        if self.is_whole(one, node):
            assert isinstance(node, core.Field)
            raw = out.raw(node).text
            room = (one.target.precision or 0) - (one.target.scale or 0)
            wrong = f"type({raw}) is not int or not -{10**room} < {raw} < {10**room}"
            out.line(f"if {raw} is not None and ({wrong}): raise Slow")
            return self.apply(out.name(Decimal), Value(raw, True))
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
        raw = isinstance(node, core.Field) and node.codec == "chargebee.int" and not self.emitter.is_checked(node)
        return fits and raw and self.spec.system != "chargebee"

    def whole(self, target: FieldSchema, value: Value) -> Value:
        """A whole number in a decimal field that surely has room for it."""
        out = self.emitter
        if target.precision is not None and target.precision - (target.scale or 0) < 19:
            bound = 10 ** max(target.precision - (target.scale or 0), 0)
            guard = f"{value.text} is not None and " if value.nullable else ""
            out.line(f"if {guard}not -{bound} < {value.text} < {bound}: raise Slow")
        return self.apply(out.name(Decimal), value)

    def seconds(self, node: core.Field) -> Value:
        """A Chargebee moment straight from unix seconds to the target's notation."""
        out = self.emitter
        raw = out.raw(node).text
        low, high = -62_135_596_800, 253_402_300_799
        allow = f"{raw} is not None and " if node.type.nullable else ""
        out.line(f"if {allow}(type({raw}) is not int or not {low} <= {raw} <= {high}): raise Slow")
        function = out.name(_seconds(self.spec.system), "seconds")
        return self.apply(function, Value(raw, node.type.nullable))

    def apply(self, function: str, value: Value) -> Value:
        out = self.emitter
        value = out.atom(value)
        call = f"{function}({value.text})"
        return out.put(f"None if {value.text} is None else {call}" if value.nullable else call, value.nullable)

    def reference_to(self, mapping: str, node: core.Core) -> Value:
        out = self.emitter
        value = out.atom(out.emit(node))
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
                    found = out.emit(_core(one.table.otherwise))
                    out.line(f"{made} = {out.name(encoder, 'encode')}({found.text})")
        return Value(made, True)

    def memberships(self) -> None:
        info, out = self.spec.memberships_info, self.emitter
        if info is None:
            return
        made = out.put("[]", False).text
        for one in self.spec.memberships:
            value = out.atom(out.emit(_core(one.list)))
            out.line(f"if {value.text} is not None and {value.text} != '':")
            out.line(f"    {made}.append({{'list': {value.text}, 'status': {one.status!r}}})")
        out.line(f"if {made}: fields[{info.name!r}] = {made}")

    def key(self, parts: tuple[KeyFieldSpec, ...]) -> str:
        out = self.emitter
        values: list[Value] = []
        for one in parts:
            node = _core(one.value)
            if one.ref is not None:
                values.append(out.atom(self.reference_to(one.ref, node)))
            else:
                values.append(out.atom(self.key_value(one, node)))
        shown = ", ".join(f"{one.field!r}: {v.text}" for one, v in zip(parts, values, strict=True))
        nulls = [value.text for value in values if value.nullable]
        made = f"{{{shown}}}"
        if nulls:
            made = f"None if {' or '.join(f'{null} is None' for null in nulls)} else {made}"
        return out.put(made, bool(nulls)).text

    def key_value(self, one: KeyFieldSpec, node: core.Core) -> Value:
        out = self.emitter
        target: FieldSchema = one.target
        value = out.emit(node)
        if target.type.kind in _TEXTS and node.type.kind in _TEXTS and self.spec.system != "chargebee":
            value = out.atom(value)
            if target.length is not None:
                guard = f"{value.text} is not None and " if value.nullable else ""
                out.line(f"if {guard}len({value.text}) > {target.length}: raise Slow")
            return out.put(f"{value.text} or None", True)
        encoder = partial(encode, target=target, system=self.spec.system)
        return Value(f"{out.name(encoder, 'encode')}({value.text})", True, atom=False)

    def children(self, child: ChildSpec) -> str:
        out = self.emitter
        made = out.put("[]", False).text
        for rows in child.lists:
            self.rows(rows, made)
        out.line(f"if len({made}) > {MAX_ROWS}: raise Slow")
        return made

    def rows(self, rows: RowsSpec, made: str) -> None:
        out = self.emitter
        items = out.atom(out.emit(_core(rows.each)))
        item = out.temp()
        row = out.temp()
        before = dict(out.slots)
        out.line(f"for {item} in {items.text}{' or ()' if items.nullable else ''}:")
        with out.block():
            type_ = rows.each.type.item
            is_record = type_ is not None and type_.kind is Kind.RECORD and not type_.nullable
            out.slots[rows.item] = Value(item, not is_record)
            users = [*_field_values(rows.fields), *(check.value for check in rows.checks)]
            pending = list(rows.lets)
            if rows.filter is not None:
                pending = self.lets(pending, [rows.filter])
                out.line(f"if not {out.condition(_core(rows.filter))}: continue")
            self.lets(pending, users)
            self.fields(rows.fields, row)
            for check in rows.checks:
                value = out.emit(_core(check.value))
                out.line(f"if {value.text} is not True: raise Slow")
            out.line(f"{made}.append({row})")
        out.slots = before


def _slots(node: core.Core) -> set[str]:
    return {part.slot for part in core.walk(node) if isinstance(part, core.Local)}


def _seconds(system: str) -> Callable[[int], Any]:
    return _SECONDS.setdefault(system, partial(written_seconds, system=system))


_SECONDS: dict[str, Callable[[int], Any]] = {}
_TABLE_TYPES: Final = {Kind.STRING: str, Kind.ENUM: str, Kind.REF: str, Kind.BOOL: bool, Kind.INT: int}
_NO_ROW: Final = object()
_REFUSED: Final = object()
_new_ref: Final = tuple.__new__

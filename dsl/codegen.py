"""A program specification in, generated Python source out: the fast ways of mapping one record.

The generated function reads raw records with `dict.get`, computes each field with the statements of
`fieldwright.dsl.emitter` and `fieldwright.dsl.fieldcode`, and puts wire values into the record. It applies the same
policies as `fieldwright.dsl.reference` but reports nothing: anything unusual raises, and the reference answers. A
second function does the same from the JSON text of the driving record, of which it decodes only what it reads. List
lengths are bounded so that no record the generated code handles could have exceeded the step limit of the reference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import getcontext, setcontext
from textwrap import indent
from typing import Any, Final, cast

from fieldwright.dsl.decoding import decoder
from fieldwright.dsl.emitter import Emitter, cost
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.fieldcode import FieldCode, checked_core
from fieldwright.dsl.functions.limits import MAX_STEPS
from fieldwright.dsl.functions.lists import listed
from fieldwright.dsl.program import MappedRecord
from fieldwright.dsl.programspec import (
    CheckSpec,
    ChildSpec,
    FieldSpec,
    KeyFieldSpec,
    LetSpec,
    OnNull,
    ProgramSpec,
    RowsSpec,
)
from fieldwright.dsl.reference import MAX_ROWS
from fieldwright.dsl.statements import Escape, Shape, Value
from fieldwright.dsl.types import Kind
from fieldwright.dsl.values import DECIMAL_CONTEXT

_LENGTHS: Final = (2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000)
FromRoots = Callable[[Mapping[str, Any]], MappedRecord]
FromBytes = Callable[[bytes, Mapping[str, Any]], MappedRecord]


@dataclass(frozen=True, slots=True)
class Generated:
    """The source text and the function it defines; no function when the mapping is beyond what is generated."""

    text: str
    function: FromRoots | None


def generate(spec: ProgramSpec) -> Generated:
    """Generate the code of a mapping. A mapping that is too costly or too deep for it runs by the reference alone."""
    length = _longest(spec)
    if length is None:
        return Generated("", None)
    emitter = Emitter(length)
    text = _framed("def map_record(roots):", _Writer(spec, emitter).body(), emitter)
    return Generated(text, cast("FromRoots", made)) if (made := _defined(spec, text, emitter)) else Generated("", None)


def generate_decoding(spec: ProgramSpec) -> FromBytes | None:
    """Generate the function that maps the JSON text of a driving record with the other inputs. None for a mapping
    that uses the record as a whole, or is beyond what is generated."""
    length = _longest(spec)
    if length is None or not spec.source_object.startswith("chargebee."):
        return None
    whole: frozenset[tuple[str, ...]] = frozenset()
    while True:
        emitter = Emitter(length, (spec.root, Shape(0, ())), whole)
        try:
            lines = _Writer(spec, emitter).body()
            break
        except Escape as found:
            if not found.path:
                return None
            whole |= {found.path}
    decode, blanks = decoder(emitter.shapes)
    emitter.names |= {"decode": decode, **blanks}
    text = _framed("def map_record(data, roots):", ["    record = decode(data)", *lines], emitter)
    return cast("FromBytes | None", _defined(spec, text, emitter))


def expression_function(checked: Checked) -> Callable[[Mapping[str, Any]], Any] | None:
    """A function of the roots that computes one expression; it raises whenever the reference evaluator has to."""
    tree = checked_core(checked)
    literals = [len(node.items) for node in core.walk(tree) if isinstance(node, core.ListOf)]
    if cost(tree, max([_LENGTHS[0], *literals])) > MAX_STEPS:
        return None
    emitter = Emitter(_LENGTHS[0])
    emitter.line(f"return {emitter.emit(tree).text}")
    text = _framed("def map_record(roots):", emitter.lines, emitter)
    try:
        exec(compile(text, "<expression>", "exec"), emitter.names)
    except (SyntaxError, RecursionError, MemoryError):
        return None
    return cast("Callable[[Mapping[str, Any]], Any]", emitter.names["map_record"])


def _framed(head: str, lines: list[str], emitter: Emitter) -> str:
    """The function; where decimals are computed, the context of the language is the current one meanwhile."""
    body = "\n".join(lines) + "\n"
    if not emitter.operators:
        return f"{head}\n{body}"
    emitter.names |= {"getcontext": getcontext, "setcontext": setcontext, "CONTEXT": DECIMAL_CONTEXT}
    return (
        f"{head}\n    before = getcontext()\n    setcontext(CONTEXT)\n    try:\n{indent(body, '    ')}"
        "    finally:\n        setcontext(before)\n"
    )


def _defined(spec: ProgramSpec, text: str, emitter: Emitter) -> Callable[..., MappedRecord] | None:
    try:
        exec(compile(text, f"<mapping {spec.mapping}>", "exec"), emitter.names)
    except (SyntaxError, RecursionError, MemoryError):
        # Python limits how deep blocks may nest; what needs more than that is left to the reference.
        return None
    return cast("Callable[..., MappedRecord]", emitter.names["map_record"])


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
        for node in core.walk(checked_core(checked))
        if isinstance(node, core.ListOf)
    ]

    def too_long(length: int) -> bool:
        reach = max([length, *literals])
        return any(sum(cost(checked_core(each), reach) for each in portion) > MAX_STEPS for portion in portions)

    at = bisect_left(_LENGTHS, True, key=too_long)
    return _LENGTHS[at - 1] if at else None


def _field_values(fields: Iterable[FieldSpec]) -> list[Checked]:
    found: list[Checked] = []
    for one in fields:
        found.append(one.value)
        if one.table is not None and one.table.otherwise is not None:
            found.append(one.table.otherwise)
    return found


class _Writer:
    """Writes the function of one mapping."""

    def __init__(self, spec: ProgramSpec, emitter: Emitter) -> None:
        self.spec = spec
        self.emitter = emitter
        self.code = FieldCode(emitter, spec.system)

    def body(self) -> list[str]:
        """The statements."""
        spec, out = self.spec, self.emitter
        pending = list(spec.lets)
        if spec.filter is not None:
            pending = self.lets(pending, [spec.filter])
            kept = out.condition(checked_core(spec.filter))
            out.line(f"if not {kept}: return {out.name(MappedRecord, 'Made')}(False)")
        self.lets(pending, list(self.later()))
        self.fields(spec.fields, "fields")
        self.memberships()
        keys = ", ".join([self.key(parts) for parts in spec.keys])
        self.checks(spec.checks)
        children = [(child.name, self.children(child)) for child in spec.children]
        shown = ", ".join(f"{name!r}: {rows}" for name, rows in children)
        comma = "," if len(spec.keys) == 1 else ""
        # Storing the attributes one by one takes a third of the time that the constructor takes.
        out.line(f"made = {out.name(object.__new__, 'new')}({out.name(MappedRecord, 'Made')})")
        out.line("made.included = True")
        out.line("made.fields = fields")
        out.line(f"made.keys = ({keys}{comma})")
        out.line(f"made.children = {{{shown}}}")
        out.line("made.problems = ()")
        out.line("made.checks = {}")
        out.line("return made")
        return out.lines

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
                yield from (check.value for check in rows.checks)

    def lets(self, lets: list[LetSpec], users: list[Checked]) -> list[LetSpec]:
        """Compute the lets that are used, in order; the others are left for later or for nobody."""
        wanted = {slot for user in users for slot in _slots(checked_core(user))}
        for let in reversed(lets):
            if let.slot in wanted:
                wanted |= _slots(checked_core(let.value))
        rest: list[LetSpec] = []
        for let in lets:
            if let.slot not in wanted:
                rest.append(let)
                continue
            value = self.emitter.emit(checked_core(let.value))
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
            node = checked_core(one.value)
            if self.code.is_words(one, node) and one.on_null is OnNull.SKIP:
                optional.append(one)
                continue
            out.line(f"# {one.info.name!r}")
            value = self.code.value(one, node)
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
            self.code.words(one, checked_core(one.value), f"{into}[{one.info.name!r}]")

    def memberships(self) -> None:
        info, out = self.spec.memberships_info, self.emitter
        if info is None:
            return
        made = out.put("[]", False).text
        for one in self.spec.memberships:
            value = out.atom(out.emit(checked_core(one.list)))
            out.line(f"if {value.text} is not None and {value.text} != '':")
            out.line(f"    {made}.append({{'list': {value.text}, 'status': {one.status!r}}})")
        out.line(f"if {made}: fields[{info.name!r}] = {made}")

    def key(self, parts: tuple[KeyFieldSpec, ...]) -> str:
        out = self.emitter
        values: list[Value] = []
        for one in parts:
            node = checked_core(one.value)
            if one.ref is not None:
                values.append(out.atom(self.code.reference_to(one.ref, node)))
            else:
                values.append(out.atom(self.code.key_value(one, node)))
        shown = ", ".join(f"{one.field!r}: {v.text}" for one, v in zip(parts, values, strict=True))
        nulls = [value.text for value in values if value.nullable]
        made = f"{{{shown}}}"
        if nulls:
            made = f"None if {' or '.join(f'{null} is None' for null in nulls)} else {made}"
        return out.put(made, bool(nulls)).text

    def children(self, child: ChildSpec) -> str:
        out = self.emitter
        made = out.put("[]", False).text
        for rows in child.lists:
            self.rows(rows, made)
        out.line(f"if len({made}) > {MAX_ROWS}: raise Slow")
        return made

    def rows(self, rows: RowsSpec, made: str) -> None:
        out = self.emitter
        each = checked_core(rows.each)
        before = dict(out.slots)
        if isinstance(each, core.Invoke) and each.function.signatures[each.variant].evaluate is listed:
            # A list of one needs no loop.
            item = out.emit(each.args[0])
            out.line(f"if {item.code} is not None:" if item.nullable else "if True:")
            with out.block():
                self.row(rows, replace(item, nullable=False), made)
        else:
            items = out.atom(out.emit(each))
            name = out.temp()
            type_ = rows.each.type.item
            is_record = type_ is not None and type_.kind is Kind.RECORD and not type_.nullable
            out.line(f"for {name} in {items.text}{' or ()' if items.nullable else ''}:")
            with out.block():
                self.row(rows, Value(name, not is_record), made)
        out.slots = before

    def row(self, rows: RowsSpec, item: Value, made: str) -> None:
        """The statements of one row; those of a filter come first and may leave the row out."""
        out = self.emitter
        out.slots[rows.item] = item
        pending = list(rows.lets)
        if rows.filter is None:
            self.row_fields(rows, pending, made)
            return
        pending = self.lets(pending, [rows.filter])
        out.line(f"if {out.condition(checked_core(rows.filter))}:")
        with out.block():
            self.row_fields(rows, pending, made)

    def row_fields(self, rows: RowsSpec, pending: list[LetSpec], made: str) -> None:
        out = self.emitter
        row = out.temp()
        self.lets(pending, [*_field_values(rows.fields), *(check.value for check in rows.checks)])
        self.fields(rows.fields, row)
        self.checks(rows.checks)
        out.line(f"{made}.append({row})")

    def checks(self, checks: Iterable[CheckSpec]) -> None:
        """Conditions on the source that must hold."""
        for check in checks:
            self.emitter.slow_if(f"{self.emitter.emit(checked_core(check.value)).text} is not True")


def _slots(node: core.Core) -> set[str]:
    return {part.slot for part in core.walk(node) if isinstance(part, core.Local)}

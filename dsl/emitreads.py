"""Accesses to inputs and their fields in, Python statements out: how raw values are read, tested and decoded.

A raw value is read once; its type is tested where it is first needed as a value of the language, by the rules of
`fieldwright.dsl.expressions.reading`. Where the record was decoded into a struct (`Shape`) the decoder has tested
texts, booleans and records already, so nothing of that is written.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, NamedTuple

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.reading import decode
from fieldwright.dsl.quick import CURRENCIES, moment_of
from fieldwright.dsl.statements import Shape, Statements, Value
from fieldwright.dsl.types import Kind

_MAX_INT: Final = 2**63 - 1
_PYTHON: Final = {"string": "str", "enum": "str", "ref": "str", "record": "dict", "bool": "bool"}
_SHAPED: Final = {"string": "text", "enum": "text", "ref": "text", "record": "record", "bool": "bool"}


class Place(NamedTuple):
    """A name on which fields are looked up; nothing is there for a null record."""

    code: str
    shape: Shape | None


class Reads(Statements):
    """The statements that read. `decoded` names the root that is a struct, with its shape; `whole` holds the paths of
    records that must stay dictionaries."""

    def __init__(
        self, limit: int, decoded: tuple[str, Shape] | None = None, whole: frozenset[tuple[str, ...]] = frozenset()
    ) -> None:
        super().__init__(limit)
        self.decoded = decoded
        self.whole = whole
        self.shapes: list[Shape] = [] if decoded is None else [decoded[1]]

    @abstractmethod
    def emit(self, node: core.Core) -> Value:
        """Statements for a node; its value."""

    def root(self, node: core.Root) -> Value:
        """An input by name."""
        if self.decoded is not None and node.name == self.decoded[0]:
            return Value("record", False, shape=self.decoded[1])
        key = ("root", node.name)
        known = self.find(key)
        if known is not None:
            return known
        made = self.put(f"roots[{node.name!r}]", node.type.nullable)
        if node.type.kind is Kind.LIST:
            self.slow_if(f"type({made.text}) not in (list, tuple) or len({made.text}) > {self.limit}")
        elif node.type.kind is not Kind.RECORD and not node.type.nullable:
            self.slow_if(f"{made.text} is None")
        return self.keep(key, made)

    def field(self, node: core.Field) -> Value:
        """A field as a value of the language."""
        place = self.place(node)
        key = ("field", place.code, node.key, node.codec)
        known = self.find(key)
        if known is None:
            known = self.keep(key, self._read(node, place))
        return known

    def place(self, node: core.Field) -> Place:
        """Where the raw field can be looked up. Asking writes the statements that compute the record."""
        value = self.atom(self.emit(node.target))
        if not value.nullable:
            return Place(value.code, value.shape)
        key = ("record", value.code)
        known = self.find(key)
        if known is None:
            blank = "EMPTY" if value.shape is None else value.shape.blank
            made = self.put(f"{blank} if {value.code} is None else {value.code}", False)
            known = self.keep(key, Value(made.code, False, shape=value.shape))
        return Place(known.code, known.shape)

    def raw(self, node: core.Field, place: Place) -> Value:
        """The raw value of a field, of which only the decoder has tested anything."""
        key = ("raw", place.code, node.key)
        known = self.find(key)
        if known is not None:
            return known
        shape = place.shape
        if shape is None:
            return self.keep(key, self.put(f"{place.code}.get({node.key!r})", True))
        made = self.put(f"{place.code}.{self._attribute(node, shape)}", node.key not in shape.required)
        inner = shape.inner.get(node.key)
        if inner is not None:
            made = Value(made.code, made.nullable, shape=inner)
        return self.keep(key, made)

    def is_tested(self, node: core.Field, place: Place) -> bool:
        """Whether the type of a raw text needs no test any more."""
        return place.shape is not None or self.find(("tested", place.code, node.key)) is not None

    def tested(self, node: core.Field, place: Place) -> None:
        """Remember that the raw value is a text or null."""
        self.keep(("tested", place.code, node.key), Value("True", False))

    def is_read(self, node: core.Field, place: Place) -> bool:
        """Whether an earlier statement has read and tested this field."""
        return self.find(("field", place.code, node.key, node.codec)) is not None

    def bound(self, node: core.Field, place: Place, length: int) -> bool:
        """Let the decoder refuse texts of more than `length` characters; whether it will."""
        if place.shape is None:
            return False
        self._attribute(node, place.shape)
        place.shape.lengths[node.key] = min(length, place.shape.lengths.get(node.key, length))
        return True

    def _attribute(self, node: core.Field, shape: Shape) -> str:
        system, _, kind = node.codec.partition(".")
        how = _SHAPED.get(kind, "any") if system == "chargebee" else "any"
        if how == "record":
            path = (*shape.path, node.key)
            if path in self.whole:
                how = "dict"
            elif node.key not in shape.inner:
                shape.inner[node.key] = Shape(len(self.shapes), path)
                self.shapes.append(shape.inner[node.key])
        shape.kinds.setdefault(node.key, how)
        if not node.type.nullable and not shape.path and how == "text":
            shape.required.add(node.key)
        return shape.attribute(node.key)

    def _read(self, node: core.Field, place: Place) -> Value:
        system, _, kind = node.codec.partition(".")
        nullable = node.type.nullable
        raw = self.raw(node, place)
        v = raw.code
        if kind.startswith("list."):
            return self._list(node, v)
        if system == "plain":
            if not nullable and node.type.kind is not Kind.RECORD:
                self.slow_if(f"{v} is None")
            return Value(v, nullable)
        if system != "chargebee":
            raw = self.put(f"None if {v} == '' else {v}", True)
            v = raw.code
        allow = f"{v} is not None and " if nullable and raw.nullable else ""
        if kind in _PYTHON:
            if self._is_sure(node, kind, place):
                if not nullable and raw.nullable:
                    self.slow_if(f"{v} is None")
            else:
                self.slow_if(f"{allow}type({v}) is not {_PYTHON[kind]}")
            return Value(v, nullable and raw.nullable, shape=raw.shape)
        match kind:
            case "int":
                self.slow_if(f"{allow}(type({v}) is not int or not -{_MAX_INT} <= {v} <= {_MAX_INT})")
                return Value(v, nullable)
            case "any" | "null":
                return Value(v, nullable)
            case _:
                return self._decoded(node, v)

    def _is_sure(self, node: core.Field, kind: str, place: Place) -> bool:
        """Whether an earlier statement or the decoder has tested the type."""
        if place.shape is not None:
            return place.shape.kinds[node.key] != "any"
        return _PYTHON[kind] == "str" and self.is_tested(node, place)

    def _decoded(self, node: core.Field, v: str) -> Value:
        """A field whose value is made by its codec."""
        nullable = node.type.nullable
        if node.codec == "chargebee.timestamp":
            allow = f"{v} is not None and " if nullable else ""
            self.slow_if(f"{allow}type({v}) is not int")
            call = f"{self.name(moment_of)}({v})"
            return self.put(f"None if {v} is None else {call}" if nullable else call, nullable)
        made = self.temp()
        self.line(f"if {v} is None:")
        with self.block():
            self.line(f"{made} = None" if nullable else "raise Slow")
        self.line("else:")
        with self.block():
            currency = "None" if node.currency is None else self.emit(node.currency).text
            self.line(f"{made} = {self.name(decode)}({node.codec!r}, {v}, {currency})")
        return Value(made, nullable, exact=node.type.kind is Kind.DECIMAL)

    def _list(self, node: core.Field, v: str) -> Value:
        if node.codec in ("chargebee.list.record", "chargebee.list.string") and not node.type.nullable:
            return self._plain_list(node.codec, v)
        currency = "None" if node.currency is None else self.emit(node.currency).text
        call = f"{self.name(decode)}({node.codec!r}, {v}, {currency})"
        if node.type.nullable:
            target = self.atom(self.emit(node.target))
            made = self.put(f"None if {target.code} is None else {call}" if target.nullable else call, True)
            self.slow_if(f"{made.text} is not None and len({made.text}) > {self.limit}")
            return made
        made = self.put(call, False)
        self.slow_if(f"len({made.text}) > {self.limit}")
        return made

    def _plain_list(self, codec: str, v: str) -> Value:
        """A list whose elements stay as they are, once their type is tested."""
        made, item = self.temp(), self.temp()
        self.line(f"if {v} is None: {made} = []")
        self.line("else:")
        with self.block():
            self.slow_if(f"type({v}) is not list or len({v}) > {self.limit}")
            self.line(f"for {item} in {v}:")
            self.line(f"    if type({item}) is not {'dict' if codec.endswith('record') else 'str'}: raise Slow")
            self.line(f"{made} = {v}")
        return Value(made, False)

    def major(self, node: core.Field) -> Value:
        """A Chargebee amount in major units, straight from its minor ones."""
        assert node.currency is not None
        raw = self.raw(node, self.place(node)).code
        currencies = self.name(CURRENCIES, "major")
        if not node.type.nullable:
            self.slow_if(f"type({raw}) is not int")
            return self.put(f"{currencies}[{self.emit(node.currency).text}][{raw}]", False, exact=True)
        made = self.temp()
        self.line(f"if {raw} is None: {made} = None")
        self.line("else:")
        with self.block():
            self.slow_if(f"type({raw}) is not int")
            currency = self.emit(node.currency).text
            self.line(f"{made} = {currencies}[{currency}][{raw}]")
        return Value(made, True, exact=True)

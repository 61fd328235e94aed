"""What an expression can see: names with their types, schemas, and functions from mapping files.

A scope is a value; binding a name makes a new scope. `Shape` is a type plus what types do not say: for records inside
other records the expression of the record that owns them, because money inside a record is counted in a currency
that only the owner names; and both sides of a joined pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.tree import Node
from fieldwright.dsl.schema import FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.types import Kind, Type

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checked

PLAIN_SYSTEM = "plain"
"""The system of records whose fields already hold language values: `run`, `settings`, `params`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type with owner (of a nested record or a list of them), list item, and the sides of a pair."""

    type: Type
    owner: core.Core | None = None
    item: Shape | None = None
    left: Shape | None = None
    right: Shape | None = None

    def optional(self) -> Shape:
        """The same with null allowed."""
        return replace(self, type=self.type.optional())

    def required(self) -> Shape:
        """The same without null."""
        return replace(self, type=self.type.required())


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name stands for. `kind` is `root` (an input under this name), `let`, `item` or `param`; all but roots are
    found under `slot` at run time."""

    shape: Shape
    kind: str
    slot: str

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.shape.type


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function defined in a mapping file. Its calls are replaced by its body; recursion is refused.
    A `broken` one has findings of its own: its calls get the declared type and no further finding."""

    name: str
    params: tuple[tuple[str, Type], ...]
    returns: Type
    body: Node
    doc: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A shared value table as expressions see it: keys as written, and what `else:` says when it is `is_complete`. An
    `open_ended` one asks for an error instead."""

    name: str
    rows: tuple[tuple[str, Any], ...]
    is_complete: bool = False
    otherwise: Any = None
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Names, schemas, user functions and value tables. `objects` are synthetic objects by qualified name, as
    `plain.settings`."""

    schemas: Schemas
    names: Mapping[str, Binding] = field(default_factory=dict)
    functions: Mapping[str, UserFunction] = field(default_factory=dict)
    objects: Mapping[str, ObjectSchema] = field(default_factory=dict)
    tables: Mapping[str, NamedTable] = field(default_factory=dict)

    def find(self, name: str) -> ObjectSchema | None:
        """The object with this qualified name."""
        return self.objects.get(name) or self.schemas.find(name)

    def bind(self, name: str, type_: Type, kind: str = "root") -> Scope:
        """The scope with `name` bound to an input (or, with another kind, to a local value) of the given type."""
        return self._with(name, Binding(Shape(type_, item=item_shape(type_)), kind, name))

    def let(self, name: str, checked: Checked) -> Scope:
        """The scope with `name` bound to the value of a checked expression."""
        return self._with(name, Binding(checked.shape, "let", name))

    def item(self, name: str, of: Checked) -> Scope:
        """The scope with `name` bound to an element of the list that a checked expression yields."""
        shape = of.shape.item or Shape(Type(Kind.ERROR, nullable=True))
        return self._with(name, Binding(shape, "item", name))

    def synthetic(self, made: ObjectSchema) -> Scope:
        """The scope that also knows this object."""
        return replace(self, objects={**self.objects, made.name: made})

    def _with(self, name: str, binding: Binding) -> Scope:
        return replace(self, names={**self.names, name: binding})


def item_shape(type_: Type) -> Shape | None:
    """The shape of a list's elements, as far as the type tells."""
    if type_.kind is not Kind.LIST or type_.item is None:
        return None
    return Shape(type_.item, item=item_shape(type_.item))


def plain_object(name: str, types: Mapping[str, Type]) -> ObjectSchema:
    """An object of language values under `plain.NAME`: the settings or parameters of a mapping, `run`."""
    made = {key: FieldSchema(key, type_) for key, type_ in types.items()}
    return ObjectSchema(f"{PLAIN_SYSTEM}.{name}", made)

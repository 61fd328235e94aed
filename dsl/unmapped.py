"""A linked mapping -> what it leaves out on both sides: target fields that could be written, source fields never read.

For people who complete a mapping, and for reviews of one. Of the source only the object that the mapping reads from
counts (what `with:` looks up has mappings of its own), and of its records the first level: a record of which one part
is read counts as read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fieldwright.dsl.linked import LinkedMapping
from fieldwright.dsl.schema import FieldSchema, ObjectSchema, Schemas


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One field that is left out. `elsewhere` are other mappings that write it, or read it."""

    field: FieldSchema
    elsewhere: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """By qualified object name: fields that can be written and are not, fields that are not read. Objects of which
    nothing is left out have an empty entry."""

    targets: Mapping[str, tuple[LeftOut, ...]]
    sources: Mapping[str, tuple[LeftOut, ...]]


Reads = Mapping[str, frozenset[str]]
"""Qualified source object -> the fields read of it, as in `fieldwright.dsl.program.Program.used`."""


def find_unmapped(
    name: str, linked: Mapping[str, LinkedMapping], reads: Mapping[str, Reads], schemas: Schemas
) -> Unmapped:
    """What the mapping `name` leaves out. `reads` says for each mapping what it reads."""
    written = {each: _written(one) for each, one in linked.items()}
    targets = {}
    for object_, names in written[name].items():
        found = schemas.find(object_)
        if found is not None:
            targets[object_] = _left_out(found, names, _elsewhere(name, object_, written), _is_writable)
    sources = {}
    object_ = linked[name].mapping.object.text
    source = schemas.find(object_)
    if source is not None:
        read = reads.get(name, {}).get(object_, frozenset())
        sources[object_] = _left_out(source, read, _elsewhere(name, object_, reads), lambda _: True)
    return Unmapped(targets, sources)


def _left_out(
    object_: ObjectSchema,
    taken: Iterable[str],
    elsewhere: Mapping[str, list[str]],
    counts: Callable[[FieldSchema], bool],
) -> tuple[LeftOut, ...]:
    known = frozenset(taken)
    return tuple(
        LeftOut(one, tuple(elsewhere.get(one.name, ())))
        for one in object_.fields.values()
        if one.name not in known and not one.deprecated and counts(one)
    )


def _is_writable(field: FieldSchema) -> bool:
    return field.createable or field.updateable


def _written(linked: LinkedMapping) -> dict[str, frozenset[str]]:
    """The fields written, by object: of the mapping's own target, then of its child rows with their parent."""
    written = {linked.mapping.to.text: frozenset(one.rule.name for one in linked.fields)}
    for child in linked.children:
        names = {one.rule.name for one in child.fields} | {child.rule.parent.text}
        written[child.rule.to.text] = written.get(child.rule.to.text, frozenset()) | names
    return written


def _elsewhere(name: str, object_: str, taken: Mapping[str, Mapping[str, frozenset[str]]]) -> dict[str, list[str]]:
    """Field -> the other mappings that take it."""
    found: dict[str, list[str]] = {}
    for other, objects in taken.items():
        for field in sorted(objects.get(object_, ())) if other != name else ():
            found.setdefault(field, []).append(other)
    return found

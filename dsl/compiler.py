"""A linked mapping in checked form in, a `Program` out.

The program maps a record in two ways that agree: generated Python source (`fieldwright.dsl.codegen`), which handles
the common case, and the reference (`fieldwright.dsl.reference`), which handles everything. Compiling reads no files
and depends on nothing but the specification, so equal specifications give equal digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from typing import Any

from fieldwright.dsl.codegen import expression_function, generate, generate_decoding
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import ChildInfo, FieldInfo, KeyAlternative, MappedRecord, Program, ReadInfo
from fieldwright.dsl.programspec import ChildSpec, ProgramSpec, ReadSpec
from fieldwright.dsl.reference import map_reference
from fieldwright.dsl.schema import FieldSchema
from fieldwright.dsl.values import MISSING

FORMAT = 1
"""Counts changes of what mappings mean; part of every digest."""


def compile_program(spec: ProgramSpec) -> Program:
    """Make a linked mapping ready to run. All expressions of the specification must be free of errors."""

    def reference(roots: Mapping[str, Any], *, partial: bool = False) -> MappedRecord:
        return map_reference(spec, roots, partial=partial)

    generated = generate(spec)
    return Program(
        mapping=spec.mapping,
        title=spec.title,
        at=spec.at,
        digest=digest(spec),
        source_object=spec.source_object,
        root=spec.root,
        target_object=spec.target_object,
        after=spec.after,
        driven_by=spec.driven_by,
        params=spec.params,
        reads=tuple(_read(read) for read in spec.reads),
        used=_used(spec),
        keys=tuple(KeyAlternative(tuple(part.field for part in parts)) for parts in spec.keys),
        on_ambiguous=spec.on_ambiguous,
        on_none=spec.on_none,
        on_source_delete=spec.on_source_delete,
        fields=_written(spec),
        children=tuple(_child(child) for child in spec.children),
        compiled=generated.function if generated.function is not None else reference,
        reference=reference,
        source_text=generated.text,
        decoding=cache(partial(generate_decoding, spec)),
        options=spec.options,
    )


def compile_expression(checked: Checked) -> Callable[[Mapping[str, Any]], Any]:
    """A function of the roots that computes one expression. Raises EvaluationError."""
    function = expression_function(checked)
    if function is None:
        return partial(evaluate, checked)

    def compute(roots: Mapping[str, Any]) -> Any:
        try:
            return function(roots)
        except Exception:  # noqa: BLE001 - the reference evaluator words every failure, ours included
            return evaluate(checked, roots)

    return compute


def digest(spec: ProgramSpec) -> str:
    """A fingerprint of the meaning: titles, places and the layout of the file do not count."""
    return hashlib.sha256(repr((FORMAT, _meaning(spec))).encode()).hexdigest()[:32]


_NO_MEANING = frozenset(["at", "filter_at", "title", "label", "start", "end", "n"])
# How a field of a catalog came to be known changes nothing; the status of a membership is what is written.
_NO_MEANING_OF_FIELDS = frozenset([*_NO_MEANING, "status"])


def _meaning(value: Any) -> Any:
    match value:
        case Checked():
            return core.meaning(value.core)
        case Enum():
            return value.value
        case tuple() | list():
            return tuple(_meaning(item) for item in value)
        case Mapping():
            return tuple((key, _meaning(value[key])) for key in sorted(value))
        case frozenset() | set():
            return tuple(sorted(value))
    if is_dataclass(value):
        left_out = _NO_MEANING_OF_FIELDS if isinstance(value, FieldSchema) else _NO_MEANING
        names = [each.name for each in fields(value) if each.name not in left_out]
        return (type(value).__name__, *((name, _meaning(getattr(value, name))) for name in names))
    return repr(value)


def _read(spec: ReadSpec) -> ReadInfo:
    return ReadInfo(
        spec.name,
        spec.kind,
        spec.object,
        _key_function(spec.key),
        spec.key_root_field,
        spec.where_field,
        spec.by,
        spec.limit,
    )


def _key_function(checked: Checked) -> Callable[[Mapping[str, Any]], Any]:
    """Computes the key of a read; null when it is null or was not read. Raises EvaluationError."""

    def key(roots: Mapping[str, Any]) -> Any:
        found = evaluate(checked, roots)
        return None if found is MISSING else found

    return key


def expressions(spec: ProgramSpec) -> Iterator[Checked]:
    """Every expression of a specification."""
    waiting: list[Any] = [spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Checked):
            yield value
        elif isinstance(value, tuple):
            waiting.extend(value)
        elif is_dataclass(value) and type(value).__module__.endswith("programspec"):
            waiting.extend(getattr(value, each.name) for each in fields(value))


def _used(spec: ProgramSpec) -> dict[str, frozenset[str]]:
    """Top-level fields by source object; fields that reads search by count too."""
    found: dict[str, set[str]] = {spec.source_object: set()}
    for checked in expressions(spec):
        for name, field in checked.reads:
            if name.count(".") == 1:
                found.setdefault(name, set()).add(field)
    for read in spec.reads:
        own = found.setdefault(read.object, set())
        own.update(name.partition(".")[0] for name in (read.where_field, read.by) if name)
    return {name: frozenset(found[name]) for name in sorted(found)}


def _written(spec: ProgramSpec) -> tuple[FieldInfo, ...]:
    own = tuple(one.info for one in spec.fields)
    return own if spec.memberships_info is None else (*own, spec.memberships_info)


def _child(spec: ChildSpec) -> ChildInfo:
    infos = {one.info.name: one.info for rows in spec.lists for one in rows.fields}
    return ChildInfo(spec.name, spec.object, spec.parent, spec.key, tuple(infos.values()), spec.at)

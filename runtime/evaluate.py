"""Records of the mirror -> mapped records: loads declared reads for a whole batch, then runs the program.

Reads are answered by the mirror with one query a batch and read, never one a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fieldwright.dsl.program import FieldProblem, MappedRecord, Program, ReadInfo
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.records import Change

Roots = dict[str, Any]


class Lookup(Protocol):
    """Where declared reads are answered from: the mirror, or for a look at one record the source itself."""

    def load(self, object_name: str, ids: Sequence[str]) -> dict[str, Change]:
        """Records by id, those there are."""

    def ids_by(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[str]]:
        """For each value of a field the ids of the records that have it."""


def load_roots(
    program: Program, changes: Sequence[Change], mirror: Lookup, constants: Mapping[str, Any]
) -> list[Roots]:
    """The roots of every record: the record itself, its declared reads, and `constants` (settings, run). A read
    that is among the constants already is not looked up."""
    all_roots: list[Roots] = [{**constants, program.root: change.record} for change in changes]
    for read in program.reads:
        if read.name not in constants:
            _load(read, all_roots, mirror)
    return all_roots


def map_one(program: Program, roots: Roots) -> MappedRecord:
    """Map one record; a failing declared read is a problem of the record like any other."""
    failed = roots.get("__problem__")
    if failed is not None:
        return MappedRecord(problems=(failed,))
    return program.map_record(roots)


def _load(read: ReadInfo, all_roots: Sequence[Roots], mirror: Lookup) -> None:
    keys: list[Any] = []
    for roots in all_roots:
        try:
            keys.append(read.key(roots))
        except EvaluationError as error:
            roots["__problem__"] = FieldProblem(f"with.{read.name}", error.code, error.reason, error.fix, "")
            keys.append(None)
    match read.kind:
        case "get":
            found = mirror.load(read.object, _unique(keys))
            for roots, key in zip(all_roots, keys, strict=True):
                change = None if key is None else found.get(str(key))
                roots[read.name] = None if change is None else change.record
        case "many":
            found = mirror.load(read.object, _unique(one for many in keys for one in many or ()))
            for roots, many in zip(all_roots, keys, strict=True):
                roots[read.name] = [found[str(one)].record for one in many or () if str(one) in found]
        case "newest" | "all":
            _load_related(read, all_roots, keys, mirror)
        case other:
            raise AssertionError(f"unknown kind of read: {other}")


def _load_related(read: ReadInfo, all_roots: Sequence[Roots], keys: Sequence[Any], mirror: Lookup) -> None:
    assert read.where_field is not None
    ids = mirror.ids_by(read.object, read.where_field, _unique(keys))
    found = mirror.load(read.object, _unique(one for many in ids.values() for one in many))
    for roots, key in zip(all_roots, keys, strict=True):
        rows = [found[one] for one in ids.get(str(key), ()) if one in found and not found[one].deleted]
        # A total order, so that two runs never disagree about which of two equal moments is the newest.
        by = read.by or "created_at"
        rows.sort(key=lambda change: (change.record.get(by) or 0, change.id), reverse=True)
        if read.kind == "newest":
            roots[read.name] = rows[0].record if rows else None
        else:
            roots[read.name] = [change.record for change in rows[: read.limit]]


def _unique(values: Any) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values if value is not None))

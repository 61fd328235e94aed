"""Deciding, without any I/O: what a mapped record means for its target record and its child rows.

Input is what the record should be (wire values, references resolved), what was last written, and, where it had to be
looked up, what the target holds. Output is at most one operation for the record and a few for its rows. Only
differences are written; a field that was not mapped is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fieldwright.dsl.program import ChildInfo, FieldInfo, Program, Write
from fieldwright.runtime.records import FieldChange, Op, Operation, TargetRecord
from fieldwright.runtime.state.ledger import ChildLink, Link

Same = Callable[[str, str, Any, Any], bool]
_canonical = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode


@dataclass(slots=True)
class Desired:
    """One record as it should be at the target."""

    source_id: str
    version: int
    fields: dict[str, Any]
    key: dict[str, Any]
    keys: list[dict[str, Any]] = field(default_factory=list)
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rule: str | None = None
    checks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """The operation for one record (None: nothing to write) and the base to remember once it is done."""

    operation: Operation | None
    base: dict[str, Any]


def plan_record(
    program: Program,
    desired: Desired,
    link: Link | None,
    found: TargetRecord | None,
    same: Same,
    infos: Mapping[str, FieldInfo] | None = None,
) -> RecordPlan:
    """Compare one record. `link` is what we know of it, `found` what a look-up brought (for records without a link,
    or whose fields need the target's present value); neither means create. `infos` are the program's fields by name,
    for callers that plan many records."""
    if infos is None:
        infos = fields_by_name(program)
    options = program.options
    if link is None and found is None:
        # In the order of the mapping file, which is the order people read plans in.
        fields = {
            name: desired.fields[name]
            for name, info in infos.items()
            if name in desired.fields and _written_on_create(info, desired.fields[name])
        }
        changes = {name: FieldChange(None, value, infos[name].at) for name, value in fields.items()}
        return RecordPlan(
            Operation(
                Op.CREATE,
                program.mapping,
                program.target_object,
                desired.source_id,
                fields,
                key=desired.key,
                changes=changes,
                rule=desired.rule,
                options=options,
            ),
            dict(desired.fields),
        )
    base: dict[str, Any] = dict(link.base) if link else {}
    changed: dict[str, FieldChange] = {}
    for name, info in infos.items():
        if name not in desired.fields:
            continue
        value = desired.fields[name]
        old = found.fields.get(name) if found else base.get(name)
        known = found is not None or name in base
        if info.write is Write.CREATE_ONLY:
            base.setdefault(name, old if found else value)
            continue
        if info.write is Write.IF_EMPTY and known and old not in (None, ""):
            base[name] = old
            continue
        if known and (same(program.target_object, name, value, old) if found else value == old):
            base[name] = value
            continue
        changed[name] = FieldChange(old, value, info.at)
        base[name] = value
    if not changed:
        return RecordPlan(None, base)
    target_id = link.target_id if link else found.id if found else None
    key = dict(desired.key)
    if link and link.target_key and len(key) == 1:
        key = dict.fromkeys(key, link.target_key)
    return RecordPlan(
        Operation(
            Op.UPDATE,
            program.mapping,
            program.target_object,
            desired.source_id,
            {name: change.new for name, change in changed.items()},
            target_id=target_id,
            key=key,
            changes=changed,
            rule=desired.rule,
            options=options,
        ),
        base,
    )


def fields_by_name(program: Program) -> dict[str, FieldInfo]:
    """The program's fields by their target name."""
    return {info.name: info for info in program.fields}


def needs_present_value(program: Program, desired: Desired, link: Link) -> bool:
    """Whether an update cannot be decided from what was last written: a field to be filled only if it is empty."""
    return any(
        info.write is Write.IF_EMPTY and info.name in desired.fields and info.name not in link.base
        for info in program.fields
    )


@dataclass(frozen=True, slots=True)
class RowsPlan:
    """Operations for the child rows of one record, and the rows to remember; the target ids of created rows are filled
    in from their outcomes (`created[i]` is the index in `rows` of the i-th create)."""

    operations: list[Operation]
    rows: list[ChildLink]
    created: list[int]


def plan_rows(
    program: Program,
    desired: Desired,
    parent_id: str,
    known: Sequence[ChildLink],
    found: Mapping[str, Sequence[TargetRecord]] | None,
    same: Same,
) -> RowsPlan:
    """Replace the child rows of one record as a whole. `known` are the rows last written; `found`, when given, are the
    rows the target holds now (by set name) and takes their place: used after adoption or an interrupted write."""
    operations: list[Operation] = []
    rows: list[ChildLink] = []
    created: list[int] = []
    for child in program.children:
        wanted = keyed_rows(child, desired.children.get(child.name, []))
        if found is None:
            present = {row.child_key: (row.target_id, row.base) for row in known if row.child_set == child.name}
            extra: list[str] = []
        else:
            present, extra = _match(child, wanted, found.get(child.name, ()), same)
        infos = {info.name: info for info in child.fields}
        for row_key, fields in wanted.items():
            existing = present.get(row_key)
            if existing is None:
                created.append(len(rows))
                rows.append(ChildLink(child.name, row_key, "", fields))
                new_row = {**fields, child.parent: parent_id}
                operations.append(_row_operation(Op.CREATE, program, child, desired, row_key, None, new_row, {}, infos))
                continue
            target_id, old = existing
            new = {
                name: value
                for name, value in fields.items()
                if infos[name].write is not Write.CREATE_ONLY
                and not (name in old and same(child.object, name, value, old[name]))
            }
            rows.append(ChildLink(child.name, row_key, target_id, fields))
            if new:
                operations.append(
                    _row_operation(Op.UPDATE, program, child, desired, row_key, target_id, new, old, infos)
                )
        gone = [target_id for row_key, (target_id, _) in present.items() if row_key not in wanted]
        operations.extend(
            _row_operation(Op.DELETE, program, child, desired, target_id, target_id, {}, {}, infos)
            for target_id in [*gone, *extra]
        )
    return RowsPlan(operations, rows, created)


def keyed_rows(child: ChildInfo, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by their key's canonical text; equal keys within a parent are told apart by a number."""
    keyed: dict[str, dict[str, Any]] = {}
    for row in rows:
        text = _canonical([row.get(name) for name in child.key]).decode()
        number = 1
        while (text if number == 1 else f"{text}#{number}") in keyed:
            number += 1
        keyed[text if number == 1 else f"{text}#{number}"] = dict(row)
    return keyed


def rows_differ(program: Program, desired: Desired, known: Sequence[ChildLink]) -> bool:
    """Whether the child rows differ from those last written (cheap test before anything is planned)."""
    by_set: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in known:
        by_set.setdefault(row.child_set, {})[row.child_key] = row.base
    for child in program.children:
        wanted = keyed_rows(child, desired.children.get(child.name, []))
        if wanted != by_set.get(child.name, {}):
            return True
    return False


def _match(
    child: ChildInfo, wanted: Mapping[str, Mapping[str, Any]], held: Sequence[TargetRecord], same: Same
) -> tuple[dict[str, tuple[str, Mapping[str, Any]]], list[str]]:
    """Pair wanted rows with rows of the target by the key fields; rows of the target that no one wants are extra."""
    free = list(held)
    present: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for row_key, fields in wanted.items():
        for record in free:
            if all(same(child.object, name, fields.get(name), record.fields.get(name)) for name in child.key):
                present[row_key] = (record.id, record.fields)
                free.remove(record)
                break
    return present, [record.id for record in free]


def _row_operation(
    op: Op,
    program: Program,
    child: ChildInfo,
    desired: Desired,
    row_key: str,
    target_id: str | None,
    fields: Mapping[str, Any],
    old: Mapping[str, Any],
    infos: Mapping[str, FieldInfo],
) -> Operation:
    return Operation(
        op,
        program.mapping,
        child.object,
        desired.source_id,
        fields,
        target_id=target_id,
        changes={
            name: FieldChange(old.get(name), fields[name], infos[name].at if name in infos else child.at)
            for name in [*(known for known in infos if known in fields), *(own for own in fields if own not in infos)]
        },
        rule=desired.rule,
        aggregate=desired.source_id,
        child_key=f"{child.name} {row_key}",
    )


def _written_on_create(info: FieldInfo, value: Any) -> bool:
    return info.write is not Write.UPDATE_ONLY and value is not None

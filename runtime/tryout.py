"""What a run would do with one mapped record, worked out from given target records instead of a real target.

Goes through the same steps as a run (identify by key, wait for parents, compare, replace rows) with the planner of the
run itself, so that a test of a mapping proves what will be written. References stay references: two are the same when
they name the same record. Nothing is read or written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.program import FieldProblem, MappedRecord, Program, Ref
from fieldwright.runtime.planner import Desired, Same, needs_present_value, plan_record, plan_rows
from fieldwright.runtime.records import Op, TargetRecord
from fieldwright.runtime.state.ledger import Link

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is given beside the record. `held` are the records of the target (a key field that one does not mention
    has the value that is looked for); `linked` what was last written to the linked record, None without a link;
    `rows` what the target holds under it, by set; `not_synced` the mappings whose records are not there yet."""

    held: tuple[Mapping[str, Any], ...] = ()
    linked: Mapping[str, Any] | None = None
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    not_synced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a run would do: `op` is create, update, delete or nothing, `fields` what it would send, `rows` how many
    rows of each set it would create, update and delete. With a `problem` it would send nothing."""

    op: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    children: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    problem: FieldProblem | None = None


def try_record(
    program: Program, mapped: MappedRecord, source_id: str, around: Circumstances, same: Same, rule: str | None = None
) -> Attempt:
    """What a run would do with a record that was mapped without problems."""
    same = _with_references(same)
    missing: list[tuple[str, Ref]] = []
    optional = {info.name for info in program.fields if info.optional_ref}
    fields = _known(mapped.fields, around.not_synced, optional, missing)
    children: dict[str, list[dict[str, Any]]] = {}
    for child in program.children:
        loose = {info.name for info in child.fields if info.optional_ref}
        rows = mapped.children.get(child.name, [])
        children[child.name] = [_known(row, around.not_synced, loose, missing) for row in rows]
    keys = [_known(key, around.not_synced, set(), missing) for key in mapped.keys if key is not None]
    if missing:
        name, ref = missing[0]
        return _failed(program, "RT201", name, f"{name} refers to {ref.key}, which {ref.mapping} has not written")
    desired = Desired(source_id, 0, fields, keys[0] if keys else {}, keys, children, rule=rule)
    link, found, problem = _identify(program, desired, around, same)
    if problem is not None:
        return problem
    plan = plan_record(program, desired, link, found, same)
    operation = plan.operation
    op = NOTHING if operation is None else operation.op.value
    target_id = link.target_id if link else found.id if found else "new"
    return Attempt(
        op, {} if operation is None else operation.fields, _rows(program, desired, target_id, around, same), children
    )


def try_delete(program: Program, settings: Mapping[str, Any], *, linked: bool) -> tuple[Attempt, str]:
    """What a run would do with the target record of a source record that is gone, and the name of that policy."""
    policy = program.on_source_delete
    action = str(policy.get("action", "keep"))
    if "by_setting" in policy:
        action = str(settings.get(policy["by_setting"], "keep"))
    if action == "keep" or not linked:
        return Attempt(NOTHING), action
    if action == "set":
        return Attempt(Op.UPDATE.value, dict(policy.get("set", {}))), action
    return Attempt(Op.DELETE.value), action


def _identify(
    program: Program, desired: Desired, around: Circumstances, same: Same
) -> tuple[Link | None, TargetRecord | None, Attempt | None]:
    records = [TargetRecord(_id(one, number), one) for number, one in enumerate(around.held)]
    if around.linked is not None:
        base = dict(around.linked)
        link = Link(desired.source_id, _id(around.linked, 0), None, base, 0)
        if records and needs_present_value(program, desired, link):
            present = {name: value for name, value in records[0].fields.items() if value not in (None, "")}
            link = Link(desired.source_id, link.target_id, None, {**base, **present}, 0)
        return link, None, None
    for key in desired.keys:
        hits = [
            record
            for record in records
            if all(
                name not in record.fields or same(program.target_object, name, value, record.fields[name])
                for name, value in key.items()
            )
        ]
        if len(hits) > 1:
            said = f"{len(hits)} records of {program.target_object} match {' and '.join(key)}"
            return None, None, _failed(program, "RT202", "key", said)
        if hits:
            return None, TargetRecord(hits[0].id, {**key, **hits[0].fields}), None
    if program.on_none == "skip":
        said = "no record of the target matches and the mapping creates none"
        return None, None, _failed(program, "RT204", "key", said)
    return None, None, None


def _rows(
    program: Program, desired: Desired, target_id: str | None, around: Circumstances, same: Same
) -> dict[str, dict[str, int]]:
    held = {
        name: [TargetRecord(_id(row, number), row) for number, row in enumerate(rows)]
        for name, rows in around.rows.items()
    }
    plan = plan_rows(program, desired, target_id or "new", (), held, same)
    counts = {child.name: {"created": 0, "updated": 0, "deleted": 0} for child in program.children}
    for operation in plan.operations:
        name = (operation.child_key or "").partition(" ")[0]
        counts[name][f"{operation.op.value}d"] += 1
    return counts


def _known(
    fields: Mapping[str, Any], not_synced: frozenset[str], optional: set[str], missing: list[tuple[str, Ref]]
) -> dict[str, Any]:
    """The fields without references to records that are not there, which are noted unless they may be left out."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Ref) and value.mapping in not_synced:
            if name not in optional:
                missing.append((name, value))
            continue
        out[name] = value
    return out


def _with_references(same: Same) -> Same:
    def compare(object_name: str, name: str, ours: Any, theirs: Any) -> bool:
        if isinstance(ours, Ref) or isinstance(theirs, Ref):
            return bool(ours == theirs)
        return same(object_name, name, ours, theirs)

    return compare


def _id(record: Mapping[str, Any], number: int) -> str:
    return str(record.get("Id") or record.get("id") or f"record {number + 1}")


def _failed(program: Program, code: str, where: str, reason: str) -> Attempt:
    at = next((info.at for info in program.fields if info.name == where), program.at)
    return Attempt(NOTHING, problem=FieldProblem(where, code, reason, "", at))

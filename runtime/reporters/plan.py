"""A plan as text: every write that a run would do, field by field, with the line of the mapping that asks for it.

Follows the habits of terraform: `+` create, `~` update, `-` delete, `old -> new`, unchanged records hidden, ids that
only the target can give shown as `(known after apply)`, one summary line at the end. Turns a `RunReport` with
operations into a string; it asks no system anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fieldwright.runtime.records import FieldChange, Op, Operation
from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.printable import printable, shown
from fieldwright.runtime.reporters.text import calls_line, count_of, failure_lines

if TYPE_CHECKING:
    from fieldwright.runtime.report import RunReport

_SIGN: Final = {Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"}
_WIDEST_NAME: Final = 42


def render_plan(report: RunReport, paint: Paint | None = None) -> str:
    """The whole plan, ending with a line end."""
    paint = paint or Paint()
    return "\n".join(_lines(report, paint)) + "\n"


def _lines(report: RunReport, paint: Paint) -> Iterator[str]:
    yield paint.strong(f"Plan for target {printable(report.target)}: nothing has been written.")
    yield ""
    for operation in report.operations:
        yield from operation_lines(operation, paint)
        yield ""
    if report.errors:
        yield from failure_lines(report.errors, paint)
        yield ""
    for note in report.notes:
        yield f"Note: {printable(note)}"
    if report.calls:
        yield calls_line(report)
    yield from _summary(report, paint)


def operation_lines(operation: Operation, paint: Paint) -> Iterator[str]:
    """One write: a heading with the record and what caused it, then a line a field."""
    colour = {Op.CREATE: paint.good, Op.UPDATE: paint.changed, Op.DELETE: paint.bad}[operation.op]
    target = f" ({printable(operation.target_id)})" if operation.target_id else ""
    heading = f"{_SIGN[operation.op]} {printable(operation.object)}{target}"
    cause = f"{printable(operation.mapping)} {printable(operation.source_id)}"
    rule = f", rule {printable(operation.rule)}" if operation.rule else ""
    yield f"{colour(heading)}  {paint.quiet(f'<- {cause}{rule}')}"
    changes = _changes(operation)
    width = min(_WIDEST_NAME, max((len(name) for name in changes), default=0))
    for name, change in changes.items():
        yield _field_line(operation.op, name, change, width, paint)


def _field_line(op: Op, name: str, change: FieldChange, width: int, paint: Paint) -> str:
    if op is Op.CREATE or change.old is None:
        sign, value = paint.good("+"), shown(change.new)
    elif op is Op.DELETE or change.new is None:
        sign, value = paint.bad("-"), f"{shown(change.old)} -> null"
    else:
        sign, value = paint.changed("~"), f"{shown(change.old)} -> {shown(change.new)}"
    at = f"  {paint.quiet('# ' + printable(change.at))}" if change.at else ""
    return f"    {sign} {printable(name).ljust(width)} = {value}{at}"


def _changes(operation: Operation) -> dict[str, FieldChange]:
    found = {name: change for name, change in operation.changes.items() if _differs(change)}
    if operation.op is Op.CREATE:
        # Values without an explained change (a child's parent, say) are written too and must not be hidden.
        for name, value in operation.fields.items():
            if name not in operation.changes and value is not None:
                found[name] = FieldChange(None, value, "")
    return found


def _differs(change: FieldChange) -> bool:
    same: Any = change.old == change.new and type(change.old) is type(change.new)
    return not same


def _summary(report: RunReport, paint: Paint) -> Iterator[str]:
    unchanged = count_of(report.total("unchanged"), "record")
    rejected = report.total("rejected")
    if report.status == "aborted":
        yield paint.bad(f"Aborted: {printable(report.stopped) or 'the plan could not be finished'}")
        if report.stopped_fix:
            yield f"fix: {printable(report.stopped_fix)}"
        return
    if report.changes:
        create, update, delete = (report.total(column) for column in ("created", "updated", "deleted"))
        yield paint.strong(
            f"Plan: {create:,} to create, {update:,} to update, {delete:,} to delete; {unchanged} unchanged."
        )
    elif report.stopped_mappings:
        yield paint.changed(f"Plan: nothing to change as far as it goes; {unchanged} as they should be.")
    else:
        yield paint.good(f"Plan: nothing to change; {unchanged} as they should be.")
    if report.stopped_mappings:
        yield f"{count_of(report.stopped_mappings, 'mapping')} could not be planned: see the notes."
    if rejected:
        yield f"{count_of(rejected, 'record')} would be rejected: see the errors above."
    if report.changes:
        yield "`interpret run` with the same options carries this out."

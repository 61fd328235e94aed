"""A run's report as text for people: what happened per object, at what price, what failed, what to do next.

Turns a `RunReport` into one string of plain lines (colour on request), readable at 100 columns. The table adds up
mappings that write the same object; JSON keeps them apart. Plans have a module of their own, `plan`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.printable import printable, printable_text

if TYPE_CHECKING:
    from fieldwright.runtime.report import RunReport
    from fieldwright.runtime.state.journal import ErrorRecord

ERRORS_SHOWN: Final = 20
"""Different errors printed after a run; `interpret errors` lists all."""

_ALIKE_NAMED: Final = 5

SYSTEMS: Final = {"chargebee": "Chargebee", "salesforce": "Salesforce", "activecampaign": "ActiveCampaign"}
"""Names of systems as their makers write them."""

_COLUMNS: Final = ("created", "updated", "unchanged", "deleted", "rejected")
_STATUS: Final = {
    "completed": "Completed",
    "completed_with_errors": "Completed with errors",
    "aborted": "Aborted",
    "cancelled": "Cancelled",
    "running": "Still running",
}


def render_run(report: RunReport, paint: Paint | None = None) -> str:
    """The whole report of a run, ending with a line end."""
    paint = paint or Paint()
    return "\n".join(_lines(report, paint)) + "\n"


def _lines(report: RunReport, paint: Paint) -> Iterator[str]:
    yield paint.strong(f"Run {report.id}: {report.mode} on target {printable(report.target)}")
    yield ""
    if report.objects:
        yield from counts_table(report, paint)
        yield ""
    if report.calls:
        yield calls_line(report)
    for note in report.notes:
        yield f"Note: {printable(note)}"
    if report.errors:
        yield ""
        yield from failure_lines(report.errors, paint)
    yield ""
    yield from _closing(report, paint)


def counts_table(report: RunReport, paint: Paint) -> Iterator[str]:
    """One row an object, grouped by system; a column of left-out records only where there are any."""
    columns = (*_COLUMNS, "skipped") if report.total("skipped") else _COLUMNS
    rows: dict[str, dict[str, list[int]]] = {}
    for counts in report.objects:
        system, _, name = counts.object.partition(".")
        sums = rows.setdefault(system, {}).setdefault(name or counts.object, [0] * len(columns))
        for number, column in enumerate(columns):
            sums[number] += getattr(counts, column)
    names = [printable(name) for objects in rows.values() for name in objects]
    width = max(24, *(len(name) + 2 for name in names), *(len(system) for system in rows))
    first = True
    for system, objects in rows.items():
        heading = SYSTEMS.get(system, printable(system))
        # The column names stand once, beside the first system.
        yield paint.strong(heading.ljust(width) + "".join(column.rjust(10) for column in columns) if first else heading)
        first = False
        for name, sums in objects.items():
            cells = [_cell(column, number, paint) for column, number in zip(columns, sums, strict=True)]
            yield f"  {printable(name)}".ljust(width) + "".join(cells)


def calls_line(report: RunReport) -> str:
    """API calls per system on one line, with the wall time where it was measured."""
    calls = ", ".join(f"{SYSTEMS.get(system, printable(system))} {count}" for system, count in report.calls.items())
    total = report.seconds.get("total") or sum(report.seconds.values())
    return f"API calls: {calls}" + (f" (in {total:.1f} s)" if total else "")


def failure_lines(errors: Sequence[ErrorRecord], paint: Paint) -> Iterator[str]:
    """The errors of a run: causes as blocks, and one line for the records that only wait for them."""
    causes = [error for error in errors if error.kind != "waiting"]
    waiting = [error for error in errors if error.kind == "waiting"]
    if not causes:
        yield from error_lines(waiting, paint)
        return
    yield from error_lines(causes, paint)
    if waiting:
        counts = Counter(error.mapping for error in waiting)
        named = ", ".join(f"{printable(mapping)} {count}" for mapping, count in counts.items())
        verb = "waits" if len(waiting) == 1 else "wait"
        yield f"{count_of(len(waiting), 'record')} {verb} for others and will follow: {named}"


def error_lines(errors: Sequence[ErrorRecord], paint: Paint, limit: int = ERRORS_SHOWN) -> Iterator[str]:
    """Errors as blocks: code and record, the reason, the fix, the place in the mapping. Records that failed in the
    same way share a block, so that one missing price book does not fill the screen; `limit` counts blocks."""
    alike: dict[tuple[str, ...], list[ErrorRecord]] = {}
    for error in errors:
        key = (error.code, error.mapping, error.object, error.field, error.message, error.fix, error.at)
        alike.setdefault(key, []).append(error)
    for group in list(alike.values())[:limit]:
        error = group[0]
        head = paint.bad(f"error[{printable(error.code)}]")
        where = f", field {printable(error.field)}" if error.field else ""
        yield f"{head}: {printable(error.mapping)} {printable(error.source_id)} -> {printable(error.object)}{where}"
        yield from _hanging("", error.message)
        if error.fix:
            yield from _hanging("fix: ", error.fix)
        if error.at:
            yield f"  at:  {paint.quiet(printable(error.at))}"
        if len(group) > 1:
            others = [printable(other.source_id) for other in group[1:]]
            named = ", ".join(others[:_ALIKE_NAMED]) + (", ..." if len(others) > _ALIKE_NAMED else "")
            yield f"  {len(others)} more like it: {named}"
    hidden = sum(len(group) for group in list(alike.values())[limit:])
    if hidden:
        yield f"... and {hidden} more: interpret errors"


def count_of(number: int, noun: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _closing(report: RunReport, paint: Paint) -> Iterator[str]:
    status = _STATUS.get(report.status, printable(report.status))
    rejected = report.total("rejected")
    match report.status:
        case "aborted":
            yield paint.bad(f"{status}: {printable(report.stopped) or 'the run could not go on'}")
            if report.stopped_fix:
                yield f"fix: {printable_text(report.stopped_fix)}"
            yield f"{_done(report)} Everything up to there is recorded; the next run goes on."
        case "cancelled":
            yield paint.changed(f"{status}. {_done(report)} `interpret run` goes on from here.")
        case "completed" if not rejected and not report.changes:
            quiet = count_of(report.total("unchanged"), "record")
            yield paint.good(f"{status}: nothing to change.") + f" {quiet} as they should be; no write was sent."
        case "completed" if not rejected:
            yield paint.good(f"{status}.") + f" {_done(report)} Run again at any time: only differences are written."
        case _:
            yield " ".join([paint.changed(f"{status}."), _done(report), *_failures(report)])
            if report.stopped_mappings and not report.errors:
                yield "Next: put right what the notes say, and run again."
            else:
                yield "Next: `interpret errors` lists them with their fixes; `interpret run --retry` tries them again."
    if report.known_bad:
        yield f"{count_of(report.known_bad, 'record')} known to fail from earlier runs: `interpret errors`."


def _done(report: RunReport) -> str:
    parts = [
        f"{report.total(column):,} {column}" for column in ("created", "updated", "deleted") if report.total(column)
    ]
    return (", ".join(parts) if parts else "Nothing written") + "."


def _failures(report: RunReport) -> Iterator[str]:
    """What keeps a run from being clean: records it could not write, records that are not as their checks want, and
    mappings that could not go on.
    Errors that earlier runs left are told apart from both, in a line of their own."""
    rejected, checks = report.total("rejected"), report.failed_checks
    if rejected:
        yield f"{count_of(rejected, 'record')} rejected."
    if checks:
        yield f"{count_of(checks, 'record')} written, but not as {'its' if checks == 1 else 'their'} checks want."
    if report.stopped_mappings:
        yield f"{count_of(report.stopped_mappings, 'mapping')} stopped: see the notes."


def _cell(column: str, number: int, paint: Paint) -> str:
    text = f"{number:,}".rjust(10)
    if not number or column in ("unchanged", "skipped"):
        return text
    return {"created": paint.good, "updated": paint.changed}.get(column, paint.bad)(text)


def _hanging(label: str, text: str) -> Iterator[str]:
    first, *others = printable_text(text).split("\n")
    yield f"  {label}{first}"
    for line in others:
        yield f"  {' ' * len(label)}{line}"

"""Reports as JSON documents, version 1: the contract that scripts and CI read.

Turns a `RunReport` or errors into plain dicts, and any such dict into text. Decimals stay exact numbers, instants are
ISO 8601, control characters are escaped by JSON itself. A key may be added within version 1; none changes or goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from fieldwright.runtime.records import Op

if TYPE_CHECKING:
    from fieldwright.runtime.records import Operation
    from fieldwright.runtime.report import RunReport
    from fieldwright.runtime.state.journal import ErrorRecord

VERSION = 1

_encoder = msgspec.json.Encoder(decimal_format="number")


def dumps(document: Mapping[str, Any], *, indent: int = 2) -> str:
    """The document as text without a line end; `indent=0` puts it on one line."""
    data = _encoder.encode(_plain(document))
    return (msgspec.json.format(data, indent=indent) if indent else data).decode()


def run_document(report: RunReport) -> dict[str, Any]:
    """The document of `interpret run` and `interpret plan`. `operations` is there for plans only."""
    run: dict[str, Any] = {
        "id": report.id,
        "mode": report.mode,
        "target": report.target,
        "status": report.status,
    }
    if report.stopped:
        run["stopped"] = {"message": report.stopped, "fix": report.stopped_fix}
    document: dict[str, Any] = {
        "version": VERSION,
        "run": run,
        "objects": [
            {
                "mapping": row.mapping,
                "object": row.object,
                "created": row.created,
                "updated": row.updated,
                "unchanged": row.unchanged,
                "deleted": row.deleted,
                "skipped": row.skipped,
                "rejected": row.rejected,
            }
            for row in report.objects
        ],
    }
    if report.operations or report.mode == "plan":
        document["operations"] = [operation_document(operation) for operation in report.operations]
    document["errors"] = [error_document(error) for error in report.errors]
    document["api_calls"] = dict(report.calls)
    document["read"] = dict(report.reads)
    document["notes"] = list(report.notes)
    document["known_bad"] = report.known_bad
    document["seconds"] = {name: round(value, 3) for name, value in report.seconds.items()}
    return document


def operation_document(operation: Operation) -> dict[str, Any]:
    """One write of a plan. `id` is the target's id, null for a create; `old` and `new` are values as sent."""
    fields = {
        name: {"old": change.old, "new": change.new, "at": change.at} for name, change in operation.changes.items()
    }
    if operation.op is Op.CREATE:
        for name, value in operation.fields.items():
            fields.setdefault(name, {"old": None, "new": value, "at": ""})
    return {
        "mapping": operation.mapping,
        "op": operation.op.value,
        "object": operation.object,
        "source_id": operation.source_id,
        "key": dict(operation.key),
        "id": operation.target_id,
        "fields": fields,
        "rule": operation.rule,
    }


def error_document(error: ErrorRecord) -> dict[str, Any]:
    """One error of a record, without its payload."""
    return {
        "id": error.id,
        "code": error.code,
        "kind": error.kind,
        "mapping": error.mapping,
        "object": error.object,
        "source_id": error.source_id,
        "field": error.field,
        "message": error.message,
        "fix": error.fix,
        "at": error.at,
        "tries": error.tries,
        "next_try": error.next_try,
    }


def _plain(value: Any) -> Any:
    """The same value out of exact built-in types: msgspec refuses sub-classes of str, and planned ids are one."""
    match value:
        case None | bool():
            return value
        case str():
            # A lone surrogate cannot be encoded; vendors' texts have been seen to hold some.
            return str(value).encode("utf-8", "backslashreplace").decode()
        case int():
            return int(value)
        case Decimal():
            return value if value.is_finite() else str(value)
        case float():
            return value
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case Sequence() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return str(value)

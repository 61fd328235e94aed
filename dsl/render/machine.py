"""Findings for machines: JSON with a version, and the annotations that GitHub puts beside the lines of a change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.render.records import Record, records, visible

VERSION = 1
"""Version of the JSON shape; grows when a key changes its meaning or goes."""

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def as_json(findings: Iterable[Diagnostic], files: int) -> dict[str, Any]:
    """The document that `lint --format json` prints."""
    return {"version": VERSION, "diagnostics": [_as_object(record) for record in records(findings)], "files": files}


def render_json(findings: Iterable[Diagnostic], files: int) -> str:
    """The same as text; control characters are escaped by JSON itself."""
    return json.dumps(as_json(findings, files), indent=2, ensure_ascii=False) + "\n"


def render_github(findings: Iterable[Diagnostic]) -> str:
    """One workflow command a finding. Text from files cannot end the command or start another."""
    return "".join(_command(record) for record in records(findings))


def _as_object(record: Record) -> dict[str, Any]:
    place = record.place
    return {
        "code": record.code,
        "severity": record.severity,
        "message": record.message,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "help": " ".join(part for part in (record.caret, record.help) if part),
        "fix": _fix(record) if record.fix else None,
    }


def _fix(record: Record) -> dict[str, Any]:
    edits = [
        {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "end_line": place.end_line,
            "end_column": place.end_column,
            "text": text,
        }
        for place, text in record.edits
    ]
    return {"title": record.fix, "safe": record.fix_is_safe, "edits": edits}


def _command(record: Record) -> str:
    place = record.place
    properties = {
        "file": place.file,
        "line": str(place.line),
        "col": str(place.column),
        "endLine": str(place.end_line),
        "endColumn": str(place.end_column),
        "title": record.code,
    }
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = "\n".join(part for part in (record.message, record.caret, record.help) if part)
    return f"::{_LEVELS[record.severity]} {said}::{_data(text)}\n"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""Findings as SARIF 2.1.0, the format in which code hosts take results of static analysis.

One run with the rules that it has findings of, each with its page as help. Lines and columns count characters, which
SARIF has to be told. `partialFingerprints` carries the name under which GitHub looks for a finding of an earlier
upload. Source: OASIS SARIF 2.1.0; docs.github.com, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from fieldwright import __version__
from fieldwright.dsl.codes import page, registry
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.render.records import Place, Record, records

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"error": "error", "warning": "warning", "note": "note"}
_PLAIN_IN_URI: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


def render_sarif(findings: Iterable[Diagnostic]) -> str:
    """The log as JSON text."""
    found = records(findings)
    rules = sorted({record.code for record in found})
    driver = {"name": "fieldwright", "version": __version__, "rules": [_rule(code) for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(record, rules.index(record.code)) for record in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    info = registry().get(code)
    if info is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": info.title},
        "fullDescription": {"text": info.explanation},
        "help": {"text": page(code) or info.explanation},
        "defaultConfiguration": {"level": _LEVELS[info.severity.value]},
    }


def _result(record: Record, rule: int) -> dict[str, Any]:
    text = "\n".join(part for part in (record.message, record.caret, record.help) if part)
    result: dict[str, Any] = {
        "ruleId": record.code,
        "ruleIndex": rule,
        "level": _LEVELS[record.severity],
        "message": {"text": text},
        "locations": [_location(record.place)],
        "partialFingerprints": {"primaryLocationLineHash": record.fingerprint},
    }
    if record.notes:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": said}, **_location(place)}
            for number, (place, _, said) in enumerate(record.notes)
        ]
    if record.edits:
        result["fixes"] = [{"description": {"text": record.fix}, "artifactChanges": _changes(record)}]
    return result


def _changes(record: Record) -> list[dict[str, Any]]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for place, text in record.edits:
        replacement = {"deletedRegion": _region(place), "insertedContent": {"text": text}}
        changes.setdefault(place.file, []).append(replacement)
    return [{"artifactLocation": {"uri": _uri(file)}, "replacements": edits} for file, edits in changes.items()]


def _location(place: Place) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, "region": _region(place)}}


def _region(place: Place) -> dict[str, Any]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _uri(path: str) -> str:
    """The path as a relative reference; every other character is a percent escape of its bytes."""
    raw = path.replace("\\", "/").encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN_IN_URI else f"%{byte:02X}" for byte in raw)

"""Findings as reports that CI systems show beside a change: GitLab's code quality, and JUnit for all others.

Both put texts from files into other formats, so that control characters are shown as escapes. Source of the former:
docs.gitlab.com, "Code Quality report format"; JUnit has no standard, this is the part that its readers agree on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.render.records import Record, records, visible

_SEVERITIES: Final = {"error": "major", "warning": "minor", "note": "info"}


def render_gitlab(findings: Iterable[Diagnostic]) -> str:
    """A code quality report: a JSON list with one object a finding."""
    report = [
        {
            "description": visible(_said(record, ": ")),
            "check_name": record.code,
            "fingerprint": record.fingerprint,
            "severity": _SEVERITIES[record.severity],
            "location": {
                "path": record.place.file,
                "lines": {"begin": record.place.line, "end": record.place.end_line},
            },
        }
        for record in records(findings)
    ]
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def render_junit(findings: Iterable[Diagnostic], files: Sequence[str]) -> str:
    """One suite with one case a finding, and one that passes for each file without; notes are no failures."""
    found = records(findings)
    cases = [_case(record) for record in found]
    touched = {record.place.file for record in found}
    cases += [f"    <testcase classname={_attribute(path)} name='lint'/>" for path in files if path not in touched]
    failures = sum(record.severity != "note" for record in found)
    return "\n".join(
        (
            "<?xml version='1.0' encoding='utf-8'?>",
            "<testsuites>",
            f"  <testsuite name='interpret lint' tests='{len(cases)}' failures='{failures}' errors='0' skipped='0'>",
            *cases,
            "  </testsuite>",
            "</testsuites>",
            "",
        )
    )


def _case(record: Record) -> str:
    place = f"{record.place.file}:{record.place.line}:{record.place.column}"
    opened = f"    <testcase classname={_attribute(record.place.file)} name={_attribute(f'{record.code} at {place}')}>"
    text = escape(visible(f"{place}: {_said(record, '; ')}"))
    if record.severity == "note":
        return f"{opened}<system-out>{text}</system-out></testcase>"
    kind = f"type={_attribute(record.severity)} message={_attribute(record.message)}"
    return f"{opened}<failure {kind}>{text}</failure></testcase>"


def _said(record: Record, between: str) -> str:
    return between.join(part for part in (record.message, record.caret, record.help) if part)


def _attribute(text: str) -> str:
    return quoteattr(visible(text))

"""Results and coverage of test documents as text for people, as a JSON document, and as JUnit XML for CI systems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree import ElementTree

from fieldwright.dsl.testing.coverage import KINDS, Coverage
from fieldwright.dsl.testing.outcome import CaseResult, Mismatch

WORDS: Final = {"fields": "fields", "table_rows": "table rows", "rules": "rules", "settings": "settings values"}
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def failure_lines(result: CaseResult) -> Iterator[str]:
    """A failed case: each difference with what was expected at which line, and what came from where."""
    yield f"FAIL  {result.subject}: {result.name}"
    yield f"  --> {result.at}"
    for one in result.mismatches:
        yield f"   {one.path}"
        expected, actual = f"     - expected  {one.expected}", f"     + got       {one.actual}"
        width = max(len(expected), len(actual)) if max(len(expected), len(actual)) <= 80 else 0
        yield f"{expected.ljust(width)}   # {one.at}"
        yield f"{actual.ljust(width)}   # {one.made_at}" if one.made_at else actual


def summary(results: Sequence[CaseResult]) -> str:
    """How many passed and failed, in one line."""
    failed = sum(not result.passed for result in results)
    passed = len(results) - failed
    said = f"{passed} {'case' if passed == 1 else 'cases'} passed"
    return said + (f", {failed} failed." if failed else ".")


def reach_line(coverage: Coverage) -> str:
    """What of all there is was reached, in one line."""
    counted = [(kind, *coverage.counts(kind)) for kind in KINDS]
    return "Reached: " + ", ".join(f"{got} of {all_} {WORDS[kind]}" for kind, got, all_ in counted if all_) + "."


def missing_lines(coverage: Coverage) -> Iterator[str]:
    """What no case reached, by kind."""
    for kind in KINDS:
        missing = coverage.missing(kind)
        if missing:
            yield f"{WORDS[kind].capitalize()} that no case reached:"
            width = max(len(f"{item.subject}  {item.name}") for item in missing)
            for item in missing:
                yield f"  {f'{item.subject}  {item.name}'.ljust(width)}  # {item.at}"


def document(results: Sequence[CaseResult], coverage: Coverage, updated: Sequence[str]) -> dict[str, Any]:
    """The JSON document of `interpret test --output json`, version 1."""
    failed = sum(not result.passed for result in results)
    return {
        "version": 1,
        "passed": len(results) - failed,
        "failed": failed,
        "cases": [
            {
                "test": result.subject,
                "case": result.name,
                "at": result.at,
                "passed": result.passed,
                "differences": [_difference(one) for one in result.mismatches],
            }
            for result in results
        ],
        "coverage": {kind: _reach(coverage, kind) for kind in KINDS},
        "updated": list(updated),
    }


def junit(results: Sequence[CaseResult]) -> str:
    """JUnit XML: a suite for each tested document, a case for each case."""
    root = ElementTree.Element("testsuites", name="interpret test")
    by_subject: dict[str, list[CaseResult]] = {}
    for result in results:
        by_subject.setdefault(result.subject, []).append(result)
    for subject, cases in by_subject.items():
        failed = sum(not case.passed for case in cases)
        suite = ElementTree.SubElement(
            root, "testsuite", name=subject, tests=str(len(cases)), failures=str(failed), errors="0", skipped="0"
        )
        for case in cases:
            path, _, line = case.at.rpartition(":")
            element = ElementTree.SubElement(
                suite, "testcase", classname=subject, name=_xml(case.name), file=_xml(path), line=line
            )
            if not case.passed:
                first = case.mismatches[0]
                message = _xml(f"{first.path}: expected {first.expected}, got {first.actual}")
                failure = ElementTree.SubElement(element, "failure", message=message, type="difference")
                failure.text = _xml("\n".join(failure_lines(case)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _difference(one: Mismatch) -> dict[str, str]:
    return {
        "field": one.path, "expected": one.expected, "actual": one.actual, "at": one.at, "made_at": one.made_at
    }  # fmt: skip


def _reach(coverage: Coverage, kind: str) -> dict[str, Any]:
    reached, total = coverage.counts(kind)
    missing = [{"subject": item.subject, "name": item.name, "at": item.at} for item in coverage.missing(kind)]
    return {"reached": reached, "total": total, "missing": missing}


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)

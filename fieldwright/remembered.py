"""A project -> its findings, taken from the user's cache where exactly the same was checked before.

The key is made of everything that findings depend on: the texts and names of all files, the target, and the linter
itself (size and time of each of its files, so that a changed rule is not answered from memory). What is kept are plain
values; places are offsets, which mean the same because the texts are the same.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache as once
from pathlib import Path
from typing import Any

import fieldwright
from fieldwright.dsl import cache as kept_files
from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.project import Project, Target

_SHAPE = "1"


def remembered_findings(project: Project, target: Target, *, cache: bool) -> Sequence[Diagnostic]:
    """The findings of the whole project; without `cache` they are worked out anew and not kept."""
    # A file that is no text has findings about bytes that the project does not hold.
    if not cache or project.findings or kept_files.folder() is None:
        return _work_out(project, target)
    key = kept_files.key_of(*_parts(project, target))
    known = kept_files.load("lint", key)
    if known is not None:
        found = _restored(known, {file.path: file for file in project.files})
        if found is not None:
            return found
    made = _work_out(project, target)
    kept_files.keep("lint", key, json.dumps([_plain(one) for one in made]).encode())
    return made


def _work_out(project: Project, target: Target) -> Sequence[Diagnostic]:
    from fieldwright.checked import check

    # Checking makes trees that all stay: looking for garbage among them is a fifth of its time and finds none.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return check(project, target, compiled=False).diagnostics
    finally:
        if collecting:
            gc.enable()


def _parts(project: Project, target: Target) -> Iterator[str]:
    yield _SHAPE
    yield linter_identity()
    yield repr((target.name, project.shipped, project.document.name if project.document else None))
    for file in project.files:
        yield file.path
        yield "own" if file.path in project.own else "shipped"
        yield file.text


@once
def linter_identity() -> str:
    """Changes when any file of this package does."""
    root = Path(fieldwright.__file__).parent
    parts = [fieldwright.__version__]
    for name in ("dsl", "connectors", "mappings"):
        for base, folders, leaves in os.walk(root / name, followlinks=True):
            folders[:] = sorted(one for one in folders if one not in ("__pycache__", "sandbox"))
            for leaf in sorted(leaves):
                about = os.stat(os.path.join(base, leaf))
                parts.append(f"{leaf}:{about.st_size}:{about.st_mtime_ns}")
    return "\n".join(parts)


def _plain(finding: Diagnostic) -> list[Any]:
    fix = finding.fix
    return [
        finding.code,
        finding.severity.value,
        finding.message,
        _place(finding.span),
        finding.caret,
        finding.help,
        [[_place(label.span), label.text] for label in finding.labels],
        [fix.title, [[_place(edit.span), edit.text] for edit in fix.edits], fix.safe] if fix else None,
    ]


def _place(span: Span) -> list[Any]:
    return [span.file.path, span.start, span.end]


def _restored(known: bytes, files: Mapping[str, SourceFile]) -> list[Diagnostic] | None:
    def span(place: list[Any]) -> Span:
        path, start, end = place
        return Span(files[path], start, end)

    try:
        return [
            Diagnostic(
                code,
                Severity(severity),
                message,
                span(place),
                caret,
                hint,
                tuple(Label(span(where), text) for where, text in labels),
                Fix(fix[0], tuple(Edit(span(where), text) for where, text in fix[1]), fix[2]) if fix else None,
            )
            for code, severity, message, place, caret, hint, labels, fix in json.loads(known)
        ]
    except (ValueError, KeyError, TypeError):
        return None

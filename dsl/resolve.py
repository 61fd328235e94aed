"""The documents of all files -> what the project is made of: by kind and name, overlays merged, selection made.

A name stands for one document of its kind. Overlays are merged into their base here, so that every later pass sees
effective mappings only. Without a project document everything that is there is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Diagnostic, Label
from fieldwright.dsl.document import Document, DocumentKind
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.overlay import split_extends
from fieldwright.dsl.project import Project, build_project
from fieldwright.dsl.ruleset import Ruleset, build_ruleset

Effective = Callable[[Document, tuple[Document, ...]], tuple[MappingRules, tuple[Diagnostic, ...]]]
"""Makes the mapping that a document and the overlays on it describe."""

_SHARED = (DocumentKind.FUNCTIONS, DocumentKind.TABLES)


@dataclass(frozen=True, slots=True)
class Resolved:
    """`mappings` are effective (overlays merged), all that are known; `applied` names those the project runs, in its
    order. `documents` keeps every document by kind."""

    project: Project | None
    mappings: Mapping[str, MappingRules]
    rulesets: Mapping[str, Ruleset]
    applied: tuple[str, ...]
    documents: Mapping[DocumentKind, tuple[Document, ...]]


def resolve(
    documents: tuple[Document, ...], project_name: str | None, effective: Effective
) -> tuple[Resolved, tuple[Diagnostic, ...]]:
    """Put documents in their places. With several projects among the files, `project_name` says which one counts."""
    findings = Findings()
    kinds: dict[DocumentKind, dict[str, Document]] = {kind: {} for kind in DocumentKind}
    tests: list[Document] = []
    for document in documents:
        known = kinds[document.kind]
        first = known.get(document.name)
        if document.kind is DocumentKind.TEST:
            tests.append(document)
        elif first is None:
            known[document.name] = document
        else:
            label = (Label(first.name_at, "first here"),)
            message = f"There are two {document.kind.value} documents `{document.name}`"
            findings.error("DM016", message, document.name_at, "second one", "rename one of them", label)
    project = _project(kinds[DocumentKind.PROJECT], project_name)
    mappings = _effective(kinds[DocumentKind.MAPPING], kinds[DocumentKind.OVERLAY], project, effective, findings)
    rulesets = {name: build_ruleset(document) for name, document in kinds[DocumentKind.RULESET].items()}
    every = {kind: tuple(found.values()) for kind, found in kinds.items()}
    every[DocumentKind.TEST] = tuple(tests)
    resolved = Resolved(project, mappings, rulesets, _applied(mappings, project, findings), every)
    return resolved, tuple(findings.found)


def _project(known: Mapping[str, Document], name: str | None) -> Project | None:
    if name is not None and name in known:
        return build_project(known[name])
    return build_project(next(iter(known.values()))) if known else None


def _effective(
    bases: Mapping[str, Document],
    overlays: Mapping[str, Document],
    project: Project | None,
    build: Effective,
    findings: Findings,
) -> dict[str, MappingRules]:
    wanted = list(overlays)
    if project is not None and project.overlays is not None:
        wanted = []
        for node in project.overlays:
            if node.text in overlays:
                wanted.append(node.text)
            else:
                hint = did_you_mean(node.text, overlays)
                findings.error("DM609", f"There is no overlay `{node.text}`", node.span, hint or "unknown overlay")
    by_base: dict[str, list[Document]] = {}
    for name, overlay in overlays.items():
        base, _, span = split_extends(overlay)
        if base not in bases:
            hint = did_you_mean(base, bases)
            findings.error("DM601", f"There is no mapping `{base}` to extend", span, hint or "unknown mapping")
        elif name in wanted:
            by_base.setdefault(base, []).append(overlay)
    effective: dict[str, MappingRules] = {}
    for name, document in bases.items():
        extending = tuple(by_base.get(name, ()))
        effective[name], found = build(document, extending)
        findings.found.extend(found)
    return effective


def _applied(mappings: Mapping[str, MappingRules], project: Project | None, findings: Findings) -> tuple[str, ...]:
    if project is None or project.apply is None:
        return tuple(mappings)
    applied: dict[str, None] = {}
    for node in project.apply:
        if node.text not in mappings:
            hint = did_you_mean(node.text, mappings)
            findings.error("DM410", f"There is no mapping `{node.text}`", node.span, hint or "unknown mapping")
        elif node.text in applied:
            findings.error("DM410", f"`{node.text}` is applied twice", node.span, "second time")
        else:
            applied[node.text] = None
    return tuple(applied)

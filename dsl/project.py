"""A structurally right project document -> what it says: which mappings are applied, with which overlays and settings.

A project without `apply:` applies every mapping it can see. Settings are given by id for all documents that declare
the id, or under the name of one mapping or ruleset for that one alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.document import Document, Entry, Scalar, Table, plain
from fieldwright.dsl.mappingdocument import entries, scalars
from fieldwright.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a project document says. `connections` maps a system to its plain settings (`{"env": "CHARGEBEE"}`),
    `targets` the name of a target to its own; `apply` and `overlays` are None where the document is silent."""

    document: Document
    name: str
    span: Span
    catalog: str
    connections: Mapping[str, Mapping[str, Any]]
    packs: tuple[str, ...] | None
    mappings: tuple[str, ...]
    apply: tuple[Scalar, ...] | None
    overlays: tuple[Scalar, ...] | None
    settings: tuple[Entry, ...]
    targets: Mapping[str, Mapping[str, Any]]
    default_target: str | None
    limits: Mapping[str, int] = field(default_factory=dict)


def build_project(document: Document) -> Project:
    """The project that a document of that kind describes; its structure must have been checked."""
    root = document.root
    packs = root.get("packs")
    apply = root.get("apply")
    overlays = root.get("overlays")
    return Project(
        document=document,
        name=document.name,
        span=document.name_at,
        catalog=root.text("catalog") or "pc1",
        connections=_tables(root, "connections"),
        packs=None if packs is None else tuple(item.text for item in scalars(packs)),
        mappings=tuple(item.text for item in scalars(root.get("mappings"))),
        apply=None if apply is None else scalars(apply),
        overlays=None if overlays is None else scalars(overlays),
        settings=entries(root, "settings"),
        targets={**_tables(root, "environments"), **_tables(root, "targets")},
        default_target=root.text("default_target"),
        limits={name: value for name, value in _table(root.get("limits")).items() if isinstance(value, int)},
    )


def _tables(root: Table, name: str) -> dict[str, Mapping[str, Any]]:
    return {entry.name: _table(entry.value) for entry in entries(root, name)}


def _table(node: object) -> dict[str, Any]:
    found = plain(node) if isinstance(node, Table) else {}
    assert isinstance(found, dict)
    return found

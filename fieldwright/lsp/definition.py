"""A name in a file -> the place that gives it its meaning.

References lead to mappings, calls to functions of mapping files, names to the `let`, `with` or `as` that introduces
them, settings and parameters to their declaration, custom fields to the schema document, fields that an overlay
changes to the base.
"""

from __future__ import annotations

from fieldwright.dsl.document import DocumentKind, Entry, Scalar, Table
from fieldwright.dsl.expressions import tree
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.dsl.types import ERROR
from fieldwright.lsp.hover import Found, part_at
from fieldwright.lsp.names import documents_named
from fieldwright.lsp.places import Place, place_at
from fieldwright.lsp.projects import View
from fieldwright.lsp.scopes import Effective, effective, target_at


def definitions(file: SourceFile, offset: int, view: View) -> tuple[Span, ...]:
    """Where the name at a place is introduced; several where several documents have it."""
    place = place_at(file, offset)
    if place is None:
        return ()
    named = documents_named(place, view)
    if named:
        return tuple(document.name_at for document in named)
    mapping = effective(place, view)
    if place.is_key:
        return _of_key(place, mapping, view)
    if place.is_expression:
        found = part_at(place, offset, view)
        return _of_part(found, place, mapping, view) if found is not None else ()
    if mapping is None:
        return ()
    match mapping.path:
        case (*_, "table"):
            return _shared(DocumentKind.TABLES, place.scalar.text, mapping, view)
        case (*section, int()) if place.path[:1] == ("remove",):
            return _entry(mapping.entries(*[str(step) for step in section]), place.scalar.text)
        case (*_, "by_setting"):
            return _setting(place.scalar.text, mapping, view)
        case (*_, "field" | "parent"):
            owner = target_at(mapping, view)
            return _declared(owner.name if owner else "", place.scalar.text, view)
        case _:
            return ()


def _of_key(place: Place, mapping: Effective | None, view: View) -> tuple[Span, ...]:
    if mapping is None:
        match place.kind, place.path:
            case DocumentKind.PROJECT, (*_, "settings", str(name)):
                found = [view.by_kind[kind].get(name) for kind in (DocumentKind.MAPPING, DocumentKind.RULESET)]
                return tuple(document.name_at for document in found if document is not None)
            case _:
                return ()
    base = view.by_kind[DocumentKind.MAPPING].get(mapping.name)
    if place.kind is DocumentKind.OVERLAY and place.path[:1] == ("change",) and base is not None:
        table: Table | None = base.root
        for step in mapping.path[:-1]:
            table = table.table(str(step)) if table is not None else None
        spans = _entry(tuple(table or ()), place.scalar.text)
        if spans:
            return spans
    match mapping.path:
        case (*_, "fields", str(name)):
            owner = target_at(mapping, view)
            return _declared(owner.name if owner else "", name, view)
        case _:
            return ()


def _of_part(found: Found, place: Place, mapping: Effective | None, view: View) -> tuple[Span, ...]:
    match found.node:
        case tree.Call(name=name):
            if place.kind is DocumentKind.FUNCTIONS:
                return _entry(tuple(place.root.table("define") or ()), name)
            if mapping is not None:
                return _shared(DocumentKind.FUNCTIONS, name, mapping, view)
            return tuple(
                span
                for document in view.documents
                if document.kind is DocumentKind.FUNCTIONS
                for span in _entry(tuple(document.root.table("define") or ()), name)
            )
        case tree.Attr(target=tree.Name(name="settings"), name=name):
            if mapping is not None:
                return _setting(name, mapping, view)
            return _entry(tuple(place.root.table("settings") or ()), name)
        case tree.Attr(target=tree.Name(name="params"), name=name) if mapping is not None:
            return _entry(mapping.entries("params"), name)
        case tree.Attr(target=target, name=name):
            return _declared(found.whole.types.get(target.n, ERROR).object or "", name, view)
        case tree.Name(name=name):
            return binder(name, place, mapping)
        case _:
            return ()


def binder(name: str, place: Place, mapping: Effective | None) -> tuple[Span, ...]:
    """Where a bare name of an expression is introduced in its document."""
    if mapping is None:
        match place.kind, place.path:
            case DocumentKind.FUNCTIONS, ("define", str(function), *_):
                defined = place.root.table("define")
                table = defined.table(function) if defined else None
                return _entry(tuple((table.table("params") if table else None) or ()), name)
            case _:
                return _entry(tuple(place.root.table("let") or ()), name)
    if mapping.path[:1] == ("children",) and len(mapping.path) > 1:
        child = str(mapping.path[1])
        spans = _entry(mapping.entries("children", child, "let"), name)
        item = mapping.get("children", child, "each", "as")
        if not spans and isinstance(item, Scalar) and item.text == name:
            return (item.span,)
        if spans:
            return spans
    for section in ("let", "with"):
        spans = _entry(mapping.entries(section), name)
        if spans:
            return spans
    root = mapping.get("from", "as")
    return (root.span,) if isinstance(root, Scalar) and root.text == name else ()


def _entry(entries: tuple[Entry, ...], name: str) -> tuple[Span, ...]:
    return tuple(entry.key.span for entry in entries if entry.name == name)


def _shared(kind: DocumentKind, name: str, mapping: Effective, view: View) -> tuple[Span, ...]:
    """The function or table of a library that the mapping uses."""
    used = {node.text for node in mapping.items("use")}
    return tuple(
        span
        for document in view.documents
        if document.kind is kind and document.name in used
        for span in _entry(tuple(document.root.table("define") or ()), name)
    )


def _setting(name: str, mapping: Effective, view: View) -> tuple[Span, ...]:
    """A setting of the mapping, else of the ruleset that drives it."""
    spans = _entry(mapping.entries("settings"), name)
    ruleset = view.by_kind[DocumentKind.RULESET].get(mapping.text("driven_by"))
    if not spans and ruleset is not None:
        return _entry(tuple(ruleset.root.table("settings") or ()), name)
    return spans


def _declared(object_name: str, field: str, view: View) -> tuple[Span, ...]:
    """A custom field, where a schema document declares it."""
    for document in view.documents:
        if document.kind is DocumentKind.SCHEMA:
            objects = document.root.table("objects")
            owner = objects.table(object_name) if objects is not None else None
            spans = _entry(tuple((owner.table("fields") if owner else None) or ()), field)
            if spans:
                return spans
    return ()

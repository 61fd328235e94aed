"""A place in a file -> what is known about what stands there: types, limits of target fields, functions, codes.

Where a finding covers the place, the page of its code follows; on a code in a comment there is its page alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import PLAIN_SYSTEM, Scope
from fieldwright.dsl.functions.registry import functions
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.dsl.types import ERROR, Kind
from fieldwright.lsp import wording
from fieldwright.lsp.answers import Hover
from fieldwright.lsp.completion import describe
from fieldwright.lsp.names import documents_named
from fieldwright.lsp.places import Place, place_at
from fieldwright.lsp.projects import View
from fieldwright.lsp.scopes import checked, effective, scope_at, target_at, target_field

_CODE = re.compile(r"\b[A-Z]{2,3}\d{3}\b")


@dataclass(frozen=True, slots=True)
class Found:
    """The part of an expression at a place: the node and the stretch of the file that its name takes."""

    node: tree.Node
    span: Span
    whole: Checked
    scope: Scope


def hover(file: SourceFile, offset: int, view: View) -> Hover | None:
    """What to show at a place; None where nothing is known."""
    commented = _code_in_comment(file, offset)
    if commented is not None:
        return commented
    place = place_at(file, offset)
    said = _about(place, offset, view) if place is not None else None
    findings = [one for one in view.by_path.get(file.path, ()) if one.span.start <= offset <= one.span.end]
    if findings:
        pages = dict.fromkeys(wording.about_code(one.code) for one in findings[:2])
        text = "\n\n---\n\n".join([*([said.text] if said else []), *pages])
        return Hover(said.span if said else findings[0].span, text)
    return said


def part_at(place: Place, offset: int, view: View) -> Found | None:
    """The innermost named part (name, field, call) of an expression at a place."""
    scope = scope_at(place, view) if place.is_expression else None
    found = checked(place.scalar.text, scope) if scope is not None else None
    if scope is None or found is None or found.tree is None:
        return None
    inside = place.inside(offset)
    best: tree.Node | None = None
    for node in tree.walk(found.tree):
        start, end = name_of(node)
        if start <= inside <= end:
            best = node
    if best is None:
        return None
    return Found(best, place.scalar.part(*name_of(best)), found, scope)


def name_of(node: tree.Node) -> tuple[int, int]:
    """Where the name of a node stands in the expression's text; nowhere for nodes without one."""
    match node:
        case tree.Name(start=start, name=name):
            return start, start + len(name)
        case tree.Attr(name_start=start, name=name) | tree.Call(name_start=start, name=name):
            return start, start + len(name)
        case _:
            return 1, 0


def _about(place: Place, offset: int, view: View) -> Hover | None:
    if place.is_key:
        return _key(place, view)
    if place.is_expression:
        found = part_at(place, offset, view)
        text = _part(found, place, view) if found is not None else ""
        return Hover(found.span, text) if found is not None and text else None
    documents = documents_named(place, view)
    if documents:
        document = documents[0]
        title = document.root.text("title") or ""
        goes = f"\n\nwrites {view.mappings[document.name].to.text}" if document.name in view.mappings else ""
        return Hover(place.scalar.span, f"{document.kind.value} **{document.name}**\n\n{title}{goes}")
    rules = place.rules()
    if any(rule.names[:1] == ("object",) for rule in rules):
        known = view.schemas.find(place.scalar.text)
        return Hover(place.scalar.span, wording.about_object(known)) if known is not None else None
    mapping = effective(place, view)
    if mapping is not None and place.path[-1] in ("field", "parent"):
        owner = target_at(mapping, view)
        field = owner.fields.get(place.scalar.text) if owner is not None else None
        if owner is not None and field is not None:
            return Hover(place.scalar.span, wording.about_field(owner.name, field, written=True))
    return None


def _key(place: Place, view: View) -> Hover | None:
    span = place.scalar.span
    mapping = effective(place, view)
    if mapping is not None:
        owner, field = target_at(mapping, view), target_field(mapping, view)
        if owner is not None and field is not None and place.path[-1] == field.name:
            return Hover(span, wording.about_field(owner.name, field, written=True))
        if mapping.path[:1] == ("let",) or (mapping.path[:1] == ("children",) and mapping.path[2:3] == ("let",)):
            return _let(place, view)
    for rule in place.container_rules():
        declared = rule.schema.get("properties", {}).get(place.scalar.text)
        said = describe(declared) if declared is not None else ""
        if said:
            return Hover(span, f"**{place.scalar.text}**\n\n{said}")
    return None


def _let(place: Place, view: View) -> Hover | None:
    container = place.container
    value = container.get(place.scalar.text) if hasattr(container, "get") else None
    scope = scope_at(place, view)
    text = getattr(value, "text", None)
    found = checked(text, scope) if scope is not None and isinstance(text, str) else None
    return Hover(place.scalar.span, wording.code(f"{place.scalar.text}: {found.type}")) if found else None


def _part(found: Found, place: Place, view: View) -> str:
    types = found.whole.types
    match found.node:
        case tree.Call(name=name):
            own = found.scope.functions.get(name)
            if own is not None:
                library = next((one.name for one in view.libraries.values() if one.functions.get(name) is own), "")
                return wording.about_user_function(own, library)
            built_in = functions().get(name)
            return wording.about_function(built_in) if built_in is not None else ""
        case tree.Attr(target=target, name=name, n=n):
            owner_type = types.get(target.n, ERROR)
            owner = found.scope.find(owner_type.object or "") if owner_type.kind is Kind.RECORD else None
            field = owner.fields.get(name) if owner is not None else None
            if owner is None or field is None:
                return _typed(name, found)
            if owner.name.startswith(f"{PLAIN_SYSTEM}."):
                return wording.code(f"{owner.name.removeprefix(PLAIN_SYSTEM + '.')}.{name}: {types.get(n, ERROR)}")
            seen = types.get(n, ERROR)
            more = f"\n\nHere: `{seen}`" if seen.kind is not Kind.ERROR and seen != field.type else ""
            return wording.about_field(owner.name, field, written=False) + more
        case tree.Name(name=name):
            return _typed(name, found)
        case _:
            return ""


def _typed(name: str, found: Found) -> str:
    type_ = found.whole.types.get(found.node.n, ERROR)
    return "" if type_.kind is Kind.ERROR else wording.code(f"{name}: {type_}")


def _code_in_comment(file: SourceFile, offset: int) -> Hover | None:
    line, column = file.position(offset)
    text = file.line(line)
    start = offset - (column - 1)
    for found in _CODE.finditer(text):
        if found.start() <= column - 1 <= found.end() and "#" in text[: found.start()]:
            page = wording.about_code(found.group())
            if page:
                return Hover(Span(file, start + found.start(), start + found.end()), page)
    return None

"""A named value at a place and its new name -> the edits that rename it wherever it is meant.

What can be renamed is what a mapping itself introduces: a `let`, a declared read, the name of the record (`as`), a
parameter of a function in a functions document. Overlays see the names of their base, so those of one mapping are
renamed together. A function's own parameter of the same name is another thing and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fieldwright.dsl.document import Document, DocumentKind, Scalar, Table
from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.inputs import RESERVED
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.lsp.definition import binder
from fieldwright.lsp.hover import part_at
from fieldwright.lsp.places import Place, expressions, place_at, places
from fieldwright.lsp.projects import View
from fieldwright.lsp.scopes import effective

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KEYWORDS = frozenset(
    ["if", "then", "else", "and", "or", "not", "in", "is", "null", "missing", "blank", "true", "false"]
)
_SECTIONS = ("let", "with", "params")


class NotRenamed(Exception):
    """Why a name cannot be changed, in a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name that can be changed: `span` is where the cursor is, `binder` what introduces it."""

    name: str
    span: Span
    binder: Span
    place: Place


def renamable(file: SourceFile, offset: int, view: View) -> Named | None:
    """The name at a place, where it is one that the document introduces."""
    place = place_at(file, offset)
    if place is None:
        return None
    if place.is_expression:
        found = part_at(place, offset, view)
        if found is None or not isinstance(found.node, tree.Name):
            return None
        inner = _parameters_at(found.whole.tree, found.node)
        spans = () if found.node.name in inner else binder(found.node.name, place, effective(place, view))
        return Named(found.node.name, found.span, spans[0], place) if spans else None
    name = place.scalar.text
    introduces = (
        len(place.path) > 1 and place.path[-2] in _SECTIONS
        if place.is_key
        else place.path[-2:] in (("from", "as"), ("each", "as"))
    )
    if not introduces or (place.kind is DocumentKind.MAPPING and "params" in place.path):
        return None
    return Named(name, place.scalar.span, place.scalar.span, place)


def rename(named: Named, new: str, view: View) -> Mapping[str, tuple[tuple[Span, str], ...]]:
    """Edits by file. Raises NotRenamed for a name that is impossible or taken, or that stands in a shipped file."""
    if not _NAME.match(new) or new in _KEYWORDS:
        raise NotRenamed(f"`{new}` cannot be a name: letters, digits and underscores, not starting with a digit")
    if new in RESERVED:
        raise NotRenamed(f"`{new}` is a name of the language")
    edits: dict[str, dict[Span, str]] = {}
    for document, scope in _reach(named, view):
        for place in places(document.root, document.kind):
            if not _within(place, scope, document, view):
                continue
            if _introduces(place) and place.scalar.text == new and place.scalar.span != named.binder:
                raise NotRenamed(f"the name `{new}` is taken already, at {place.scalar.span.at}")
            if place.scalar.span == named.binder:
                edits.setdefault(document.file.path, {})[named.binder] = new
        for place in expressions(document.root, document.kind):
            if _within(place, scope, document, view) and not _hidden(place, named, view):
                for span in _uses(place.scalar, named.name, new):
                    edits.setdefault(document.file.path, {})[span] = new
    edits.setdefault(named.binder.file.path, {})[named.binder] = new
    shipped = [path for path in edits if path not in view.editable]
    if shipped:
        raise NotRenamed(f"`{named.name}` belongs to a shipped file, {shipped[0]}")
    return {path: tuple(found.items()) for path, found in edits.items()}


def _reach(named: Named, view: View) -> Iterator[tuple[Document, tuple[str | int, ...]]]:
    """The documents in which the name is seen, each with the path below which it is."""
    mapping = effective(named.place, view)
    home = next(
        (one for one in view.documents if one.file.path == named.binder.file.path and _holds(one, named.binder)), None
    )
    if home is None:
        return
    owner = next((place for place in places(home.root, home.kind) if place.scalar.span == named.binder), None)
    if owner is None:
        return
    below: tuple[str | int, ...] = ()
    path = owner.path[1:] if home.kind is DocumentKind.OVERLAY else owner.path
    if home.kind is DocumentKind.FUNCTIONS:
        below = owner.path[:2]
    elif path[:1] == ("children",):
        below = path[:2]
    yield home, below
    if mapping is None:
        return
    for document in view.documents:
        extends = (document.root.text("extends") or "").partition("@")[0]
        same = (document.kind is DocumentKind.OVERLAY and extends == mapping.name) or (
            document.kind is DocumentKind.MAPPING and document.name == mapping.name
        )
        if same and document is not home:
            yield document, below


def _holds(document: Document, span: Span) -> bool:
    return document.root.start <= span.start and span.end <= document.root.end


def _within(place: Place, below: tuple[str | int, ...], document: Document, view: View) -> bool:
    path = place.path[1:] if document.kind is DocumentKind.OVERLAY else place.path
    return path[: len(below)] == below


def _introduces(place: Place) -> bool:
    if place.is_key:
        return len(place.path) > 1 and place.path[-2] in ("let", "with")
    return place.path[-2:] in (("from", "as"), ("each", "as"))


def _hidden(place: Place, named: Named, view: View) -> bool:
    """Whether the name means something else at a place: a child list may introduce it anew, and a sum over a set sees
    the fields of its rows only."""
    found = binder(named.name, place, effective(place, view))
    if found and found[0] != named.binder:
        return True
    container = place.container
    return place.path[:1] == ("checks",) and isinstance(container, Table) and container.find("sum_of") is not None


def _uses(scalar: Scalar, name: str, new: str) -> Iterator[Span]:
    root = parse(scalar.text).tree
    if root is None:
        return

    def walk(node: tree.Node, hidden: bool) -> Iterator[Span]:
        match node:
            case tree.Name(name=found, start=start) if found == name and not hidden:
                yield scalar.part(start, start + len(found))
            case tree.Lambda(params=params):
                if new in params and any(isinstance(one, tree.Name) and one.name == name for one in tree.walk(node)):
                    raise NotRenamed(f"`{new}` is a parameter of a function at {scalar.span.at}")
                hidden = hidden or name in params
            case _:
                pass
        for child in tree.children(node):
            yield from walk(child, hidden)

    yield from walk(root, False)


def _parameters_at(root: tree.Node | None, wanted: tree.Node) -> frozenset[str]:
    """The parameters of the functions around a node."""

    def walk(node: tree.Node, params: frozenset[str]) -> frozenset[str] | None:
        if node.n == wanted.n:
            return params
        if isinstance(node, tree.Lambda):
            params |= frozenset(node.params)
        for child in tree.children(node):
            found = walk(child, params)
            if found is not None:
                return found
        return None

    return (walk(root, frozenset()) if root is not None else None) or frozenset()

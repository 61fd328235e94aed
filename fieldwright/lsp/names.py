"""Which documents a name at a place may stand for: `ref:` names a mapping, `use:` a library, `driven_by:` a ruleset."""

from __future__ import annotations

from fieldwright.dsl.document import Document, DocumentKind
from fieldwright.lsp.places import Place
from fieldwright.lsp.projects import View

_MAPPING = (DocumentKind.MAPPING,)
_LIBRARY = (DocumentKind.FUNCTIONS, DocumentKind.TABLES)


def kinds_named(place: Place) -> tuple[DocumentKind, ...]:
    """The kinds of documents that the value at a place names; none where it names no document."""
    if place.is_key:
        return ()
    match place.path:
        case (*_, "ref") | (*_, "after", int()) | ("apply", int()) | ("drives",) | ("extends",):
            return _MAPPING
        case ("rules", int(), "then", "create" | "update"):
            return _MAPPING
        case (*_, "driven_by"):
            return (DocumentKind.RULESET,)
        case ("use", int()) | ("add", "use", int()):
            return _LIBRARY
        case ("overlays", int()):
            return (DocumentKind.OVERLAY,)
        case ("test",):
            return (DocumentKind.MAPPING, DocumentKind.OVERLAY, DocumentKind.RULESET)
        case _:
            return ()


def documents_named(place: Place, view: View) -> tuple[Document, ...]:
    """The documents that the name at a place stands for."""
    name = place.scalar.text.partition("@")[0]
    found = [view.by_kind[kind].get(name) for kind in kinds_named(place)]
    return tuple(document for document in found if document is not None)

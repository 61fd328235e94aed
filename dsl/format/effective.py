"""A document merged from a mapping and its overlays -> one document as text, each line with the place it comes from.

The text is a mapping by itself: reading it again gives what the merged document says. Comments of the files are not in
it; the comments it has are places (`path:line`).
"""

from __future__ import annotations

from fieldwright.dsl.document import Document
from fieldwright.dsl.format.layout import lines_of
from fieldwright.dsl.format.outline import Block, in_order, outline_of
from fieldwright.dsl.format.shapes import shape_of_document


def effective_text(document: Document) -> str:
    """The document in the order and spelling of `interpret fmt`."""
    shape = shape_of_document(document.root)
    block = outline_of(document.root, shape)
    in_order(block, shape)
    _name_places(block)
    return "".join(f"{line}\n" for line in lines_of([block]))


def _name_places(block: Block) -> None:
    """A comment behind every line that holds a value. Values in brackets are of one place: overlays replace them."""
    for item in block.items:
        if item.block is None or item.block.is_flow:
            place = (item.key or item.value).span
            item.behind = [f"# {''.join(char if char.isprintable() else '?' for char in place.line)}"]
        else:
            _name_places(item.block)

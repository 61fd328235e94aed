"""Documents as read and the text of their file -> an outline: the same tree with every comment at what it is about.

YAML's parser drops comments. They are found again in the stretches between scalars, where nothing else can start with
`#`, and given to the entry on whose line they end, to the entry they stand above, or to the end of the table or list
that their indentation puts them in. The outline is what `fieldwright.dsl.format.layout` writes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from fieldwright.dsl.document import Entry, Node, Scalar, Table
from fieldwright.dsl.document import Sequence as List
from fieldwright.dsl.format.shapes import Shape, shape_of_document
from fieldwright.dsl.scalars import Style
from fieldwright.dsl.source import SourceFile

_COMMENT: Final = re.compile(r"#[^\n]*")
_HEADER: Final = re.compile(r"[>|][-+0-9]*[ ]+(#[^\n]*)")
_SEPARATOR: Final = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_ALLOWANCE: Final = re.compile(r"#[ ]*interpret:[ ]*allow\b")


@dataclass(slots=True, eq=False)
class Item:
    """An entry of a table (with `key`) or an item of a list. `before` are comment lines above it, `""` for an empty
    line; `behind` are comments at the end of its line. `block` is the outline of a value that is a table or list."""

    key: Scalar | None
    value: Node
    shape: Shape
    block: Block | None
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Where it begins in the file."""
        return (self.key or self.value).start

    @property
    def is_pinned(self) -> bool:
        """Whether a comment allows a finding on its line, so that what is on that line has to stay there."""
        above = self.before[-1:] if self.before else []
        return any(_ALLOWANCE.match(comment) for comment in (*self.behind, *above))


@dataclass(slots=True, eq=False)
class Block:
    """A table or list: its items in the order to be written, comments after the last one, and how it was written.
    `start`, `end` and `column` are places in the file; `has_comments` says that a comment stands anywhere in it."""

    node: Table | List
    items: list[Item]
    is_flow: bool
    start: int
    end: int
    column: int
    after: list[str] = field(default_factory=list)
    has_comments: bool = False


@dataclass(slots=True)
class Outline:
    """A file: its documents in order, and the comments after (or without) the last one."""

    documents: list[Block]
    rest: list[str]


def outline(file: SourceFile, roots: Sequence[Table]) -> Outline:
    """The outline of the documents of one file; keys are put in order."""
    documents = [outline_of(root, shape_of_document(root)) for root in roots]
    made = Outline(documents, [])
    _Attaching(file, made).attach()
    for document in documents:
        _order(document)
    return made


def outline_of(node: Table | List, shape: Shape, *, in_flow: bool = False) -> Block:
    """The outline of a table or list, without comments and with the keys as they are."""
    is_flow = in_flow or node.file.text[node.start : node.start + 1] in ("{", "[")
    items = []
    members = node.entries if isinstance(node, Table) else node.items
    for member in members:
        key, value = (member.key, member.value) if isinstance(member, Entry) else (None, member)
        below = shape.below(key.text, value) if key is not None else shape.within(value)
        inner = None if isinstance(value, Scalar) else outline_of(value, below, in_flow=is_flow)
        items.append(Item(key, value, below, inner))
    _, column = node.file.position(node.start)
    return Block(node, items, is_flow, node.start, node.end, column)


def in_order(block: Block, shape: Shape) -> None:
    """Put the entries of a table in the order of its schema, and those below it."""
    if isinstance(block.node, Table):
        order = shape.ordered([item.key.text for item in block.items if item.key is not None])
        block.items = [block.items[at] for at in order]
    for item in block.items:
        if item.block is not None:
            in_order(item.block, item.shape)


def _order(document: Block) -> None:
    first = document.items[0] if document.items else None
    assert isinstance(document.node, Table), "documents are tables"
    in_order(document, shape_of_document(document.node))
    if first is not None and document.items[0] is not first:
        # What stands at the top is about the document, unless it allows a finding in the line below.
        own = first.before[-1:] if first.before and _ALLOWANCE.match(first.before[-1]) else []
        head = first.before[: len(first.before) - len(own)]
        first.before = own
        document.items[0].before = head + document.items[0].before


def _note_comments(block: Block) -> bool:
    below = [_note_comments(item.block) for item in block.items if item.block is not None]
    block.has_comments = bool(block.after) or any(below) or any(any(item.before) or item.behind for item in block.items)
    return block.has_comments


class _Attaching:
    """Comments of one file on their way to their places."""

    def __init__(self, file: SourceFile, made: Outline) -> None:
        self.text = file.text
        self.file = file
        self.lines = [line.strip() for line in file.text.split("\n")]
        self.made = made
        self.owners: dict[int, Item] = {}
        self.chains: dict[int, tuple[Block, ...]] = {}
        self.items: list[Item] = []
        self.tokens: list[tuple[Scalar, Item]] = []
        self.separators: dict[int, int] = {}
        for document in made.documents:
            self._collect(document, ())
        # Of items that begin at one place the outer one is collected first, and the sort is stable.
        self.items.sort(key=lambda item: item.start)
        self.tokens.sort(key=lambda pair: pair[0].start)
        self.item_starts = [item.start for item in self.items]
        self.token_starts = [scalar.start for scalar, _ in self.tokens]

    def _collect(self, block: Block, chain: tuple[Block, ...]) -> None:
        chain = (*chain, block)
        for item in block.items:
            self.chains[id(item)] = chain
            self.items.append(item)
            for scalar in (item.key, item.value):
                if isinstance(scalar, Scalar) and scalar.end > scalar.start:
                    self.tokens.append((scalar, item))
            if item.block is not None:
                self.owners[id(item.block)] = item
                self._collect(item.block, chain)

    def attach(self) -> None:
        """Give every comment, and every empty line that stays, to an item or a block."""
        seen = 0
        for at, comment in self._comments():
            while seen < len(self.items) and self.items[seen].start < at:
                self._keep_gap(seen)
                seen += 1
            line, column = self.file.position(at)
            if self.lines[line - 1].startswith("#") or not self._behind(at, line, comment):
                place = self._place(at, column, seen)
                place += ["", comment] if self._is_after_gap(line) else [comment]
        for number in range(seen, len(self.items)):
            self._keep_gap(number)
        for item in self.items:
            if item.block is not None and not item.block.items:
                item.before += item.block.after
                item.block.after = []
        for document in self.made.documents:
            _note_comments(document)

    def _keep_gap(self, number: int) -> None:
        item = self.items[number]
        block = self.chains[id(item)][-1]
        is_first = block.items[0] is item and not item.before
        is_inner = number > 0 and self.items[number - 1].start == item.start
        line, _ = self.file.position(item.start)
        if not (block.is_flow or is_first or is_inner) and self._is_after_gap(line):
            item.before.append("")

    def _is_after_gap(self, line: int) -> bool:
        return line > 1 and not self.lines[line - 2]

    def _comments(self) -> Iterator[tuple[int, str]]:
        at = 0
        for scalar, _ in self.tokens:
            yield from self._between(at, scalar.start)
            if scalar.style in (Style.FOLDED, Style.LITERAL):
                header = _HEADER.match(self.text, scalar.start)
                if header is not None:
                    yield header.start(1), header[1].rstrip()
            at = max(at, scalar.end)
        yield from self._between(at, len(self.text))

    def _between(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        for found in _COMMENT.finditer(self.text, start, end):
            yield found.start(), found.group().rstrip()

    def _behind(self, at: int, line: int, comment: str) -> bool:
        """Give a comment to the item that it stands behind; false where nothing of an item ends on its line."""
        number = bisect_right(self.token_starts, at) - 1
        if number < 0:
            return False
        scalar, item = self.tokens[number]
        end = min(scalar.end, at)
        while (block := self.chains[id(item)][-1]).is_flow and block.end <= at and id(block) in self.owners:
            item, end = self.owners[id(block)], block.end
        last, _ = self.file.position(end - 1)
        if last != line:
            return False
        item.behind.append(comment)
        return True

    def _end_of_document(self, start: int) -> int:
        """Where the next document begins after the last item of one."""
        if start not in self.separators:
            found = _SEPARATOR.search(self.text, start)
            self.separators[start] = found.start() if found is not None else len(self.text)
        return self.separators[start]

    def _place(self, at: int, column: int, number: int) -> list[str]:
        """Where a comment on a line of its own belongs; `number` items begin before it."""
        following = self.items[number] if number < len(self.items) else None
        if number == 0:
            return following.before if following is not None else self.made.rest
        last = self.items[number - 1]
        chain = self.chains[id(last)]
        inner = (last.block,) if last.block is not None and last.block.start < at else ()
        for block in (*inner, *reversed(chain)):
            if block.is_flow and block.start < at < block.end:
                is_inside = following is not None and following.start < block.end
                return following.before if following is not None and is_inside else block.after
        if at < last.value.start and (last.block is None or last.block.is_flow):
            return last.before
        is_same = following is not None and self.chains[id(following)][0] is chain[0]
        if following is not None and not is_same and self._end_of_document(last.start) < at:
            return following.before
        limit = self.chains[id(following)][-1].column if following is not None and is_same else 0
        for number, block in reversed(list(enumerate(chain))):
            # A list may stand in the column of the table it belongs to: a comment there is the table's.
            is_list_of_parent = number > 0 and chain[number - 1].column == block.column
            if limit < block.column <= column and not (block.is_flow or is_list_of_parent):
                return block.after
        return following.before if following is not None and is_same else chain[0].after

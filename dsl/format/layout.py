"""An outline -> the lines of a file: two blanks of indentation, one empty line between documents, one way of writing.

A table or list that was written in brackets stays in brackets where it fits on its line and holds no comment; one that
was written in lines stays in lines. Comments stand above what they are about or two blanks behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldwright.dsl.document import Scalar, Table
from fieldwright.dsl.format.outline import Block, Item
from fieldwright.dsl.format.scalars import WIDTH, flat, in_block, inline

_STEP = 2


def lines_of(documents: Sequence[Block]) -> list[str]:
    """The lines of a file with these documents."""
    writing = _Writing()
    for number, document in enumerate(documents):
        if number:
            writing.gap()
            writing.lines.append("---")
        writing.block(document, 0)
    return writing.lines


class _Writing:
    """Lines as they are written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.brackets: dict[Block, str] = {}

    def gap(self) -> None:
        """An empty line, unless there is one."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def comments(self, comments: Sequence[str], indent: int, *, is_first: bool = False) -> None:
        """Comments on lines of their own; no empty line at the beginning of a block."""
        for comment in comments:
            if comment:
                self.lines.append(" " * indent + comment)
                is_first = False
            elif not is_first:
                self.gap()

    def block(self, block: Block, indent: int, head: str | None = None) -> None:
        """A table or list in lines. Its first line begins with `head` (that of a list item) in place of blanks."""
        for number, item in enumerate(block.items):
            begin = head if head is not None and number == 0 else " " * indent
            # What stands above the first line of a list item stands above its dash.
            above = len(begin) - len(begin.lstrip(" ")) if begin.strip() else indent
            self.comments((*item.before, *self._above(item, begin)), above, is_first=number == 0)
            self._item(item, begin, indent)
        self.comments(block.after, indent)

    def _above(self, item: Item, begin: str) -> list[str]:
        """Comments that cannot stand behind the item: all but the last one; all of a list item that is a block."""
        is_block = item.key is None and item.block is not None and not self._is_inline(item.block, len(begin) + 2, item)
        return item.behind if is_block else item.behind[:-1]

    def _item(self, item: Item, begin: str, indent: int) -> None:
        start = begin + (inline(item.key.text, flow=False) + ":" if item.key is not None else "-")
        comment = f"  {item.behind[-1]}" if item.behind else ""
        if item.block is None:
            assert isinstance(item.value, Scalar), "tables and lists have a block"
            first, more = in_block(
                item.value,
                len(start) + 1,
                indent + _STEP,
                is_expression=item.shape.is_expression,
                pinned=item.is_pinned,
            )
            self.lines.append(f"{start} {first}".rstrip(" ") + comment)
            self.lines += more
        elif self._is_inline(item.block, len(start) + 1, item):
            self.lines.append(f"{start} {self._in_brackets(item.block)}{comment}")
        elif item.key is None:
            self.block(item.block, indent + _STEP, start + " ")
        else:
            self.lines.append(start + comment)
            self.block(item.block, indent + _STEP)

    def _is_inline(self, block: Block, used: int, item: Item) -> bool:
        if not block.items:
            return True
        if not block.is_flow or block.has_comments:
            return False
        span = block.node.file.text[block.start : block.end]
        return used + len(self._in_brackets(block)) <= WIDTH or (item.is_pinned and "\n" not in span)

    def _in_brackets(self, block: Block) -> str:
        """A table or list in brackets, on one line, without its comments; remembered, since every level asks."""
        known = self.brackets.get(block)
        if known is not None:
            return known
        parts = []
        for item in block.items:
            value = self._flat_value(item)
            if item.key is None:
                parts.append(value)
            else:
                name = inline(item.key.text, flow=True)
                parts.append(f"{name}: {value}" if value else name)
        joined = ", ".join(parts)
        made = self.brackets[block] = f"{{{joined}}}" if isinstance(block.node, Table) else f"[{joined}]"
        return made

    def _flat_value(self, item: Item) -> str:
        if item.block is not None:
            return self._in_brackets(item.block)
        assert isinstance(item.value, Scalar), "tables and lists have a block"
        return flat(item.value, is_expression=item.shape.is_expression, flow=True)

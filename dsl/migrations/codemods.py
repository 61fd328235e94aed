"""Files of an older format -> files of the newest, by one codemod a step; and the registry of codemods.

A codemod looks at a document as read and says which stretches of the file to replace, so that comments, order and
layout stay as they are. Steps follow one another: a document of format 1 becomes one of format 2, is read again, and
becomes one of format 3. A format that this version does not know is a finding, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Severity
from fieldwright.dsl.document import Node, Scalar, Table
from fieldwright.dsl.document import Sequence as List
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile, Span

OLDEST: Final = 1
"""The first format there was."""


@dataclass(frozen=True, slots=True)
class Codemod:
    """The step from format `source` to the next one. `edits` says what changes in a document of that format, except
    for its format number."""

    source: int
    title: str
    edits: Callable[[Table], Iterable[Edit]]


CODEMODS: Final[tuple[Codemod, ...]] = ()
"""One for each format but the newest, oldest first. Format 1 is the newest so far."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """`text` is the file in the newest format, `steps` the titles of what was done. With findings the text is the
    file's own."""

    text: str
    steps: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def migrate(file: SourceFile, codemods: Sequence[Codemod] | None = None) -> Migrated:
    """The file with all its documents in the newest format."""
    chain = {codemod.source: codemod for codemod in (CODEMODS if codemods is None else codemods)}
    newest = OLDEST + len(chain)
    if sorted(chain) != list(range(OLDEST, newest)):
        raise ValueError(f"codemods are missing between the formats {OLDEST} and {newest}")
    roots, findings = read(file)
    findings = (*findings, *(finding for root in roots for finding in _unknown(root, newest)))
    if findings:
        return Migrated(file.text, (), findings)
    current = file
    steps: dict[str, None] = {}
    for source in range(OLDEST, newest):
        edits: list[Edit] = []
        for root in read(current)[0]:
            number = root.get("interpret")
            if isinstance(number, Scalar) and number.value == source:
                steps[chain[source].title] = None
                edits += [*chain[source].edits(root), Edit(number.span, str(source + 1))]
        current = SourceFile(file.path, _applied(current.text, edits))
        broken = read(current)[1]
        if broken:
            raise ValueError(f"the step from format {source} broke the file: {broken[0].span.at}: {broken[0].message}")
    return Migrated(current.text, tuple(steps))


def renamed_key(table: Table | None, old: str, new: str) -> Iterator[Edit]:
    """The edit that renames a key of a table, if both are there."""
    entry = table.find(old) if table is not None else None
    if entry is not None:
        yield Edit(entry.key.span, new)


def replaced_text(node: Node | None, old: str, new: str) -> Iterator[Edit]:
    """The edit that replaces a text by another, if it is there."""
    if isinstance(node, Scalar) and node.value == old:
        yield Edit(node.span, new)


def tables(node: Node) -> Iterator[Table]:
    """A table and every table below it, outer ones first."""
    if isinstance(node, Table):
        yield node
        for entry in node:
            yield from tables(entry.value)
    elif isinstance(node, List):
        for item in node.items:
            yield from tables(item)


def _unknown(root: Table, newest: int) -> Iterator[Diagnostic]:
    entry = root.find("interpret")
    start = Span(root.file, root.start, min(root.start + 1, root.end))
    if entry is None:
        message = "This document does not say its format: `interpret:` is missing"
        yield Diagnostic("DM010", Severity.ERROR, message, start, "", f"write `interpret: {newest}` if it is new")
        return
    value = entry.value.value if isinstance(entry.value, Scalar) else None
    if type(value) is not int or not OLDEST <= value <= newest:
        known = f"format {OLDEST}" if newest == OLDEST else f"the formats {OLDEST} to {newest}"
        message = f"This version knows {known}, not this one"
        remedy = "a newer version of this program may know it"
        yield Diagnostic("DM015", Severity.ERROR, message, entry.value.span, "unknown format", remedy)


def _applied(text: str, edits: Iterable[Edit]) -> str:
    last = len(text) + 1
    for edit in sorted(edits, key=lambda one: one.span.start, reverse=True):
        if edit.span.end > last:
            raise ValueError(f"two edits of one place: {edit.span.at}")
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
        last = edit.span.start
    return text

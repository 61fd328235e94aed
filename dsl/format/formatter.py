"""The text of a mapping file -> the same file as everybody's is written, or why it was left alone.

Keys stand in the order of the schema, quotes where they are needed, expressions with the same spacing; comments stay.
Nothing changes its meaning: the written text is read again and compared with what was there, document by document and
comment by comment, before it is returned. Files that are no YAML are not touched; everything else can be formatted,
whatever lint may say about it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.document import Scalar
from fieldwright.dsl.format.expressions import same_text
from fieldwright.dsl.format.layout import lines_of
from fieldwright.dsl.format.outline import Block, Item, Outline, outline
from fieldwright.dsl.reader import MAX_CHARACTERS, read
from fieldwright.dsl.source import SourceFile, Span


class MeaningChanged(Exception):
    """What would be written does not say what was there: a mistake of the formatter. The message names the place."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """`text` is what the file should hold; with findings it is what it holds already."""

    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


def format_file(file: SourceFile) -> Formatted:
    """The file as it is to be written. Raises MeaningChanged rather than return a text that says something else."""
    roots, findings = read(file)
    if findings:
        return Formatted(file.text, findings)
    before = outline(file, roots)
    lines = lines_of(before.documents) if before.documents else [*before.rest]
    while lines and not lines[-1]:
        lines.pop()
    text = "".join(f"{line}\n" for line in lines)
    if len(text) > MAX_CHARACTERS:
        message = f"Written in lines the file would have {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        hint = "split it into several files"
        return Formatted(file.text, (Diagnostic("DM002", Severity.ERROR, message, Span(file, 0, 0), "", hint),))
    if text != file.text:
        _compare(outline(file, roots), SourceFile(file.path, text))
    return Formatted(text.replace("\n", "\r\n") if "\r\n" in file.text else text)


def _compare(before: Outline, file: SourceFile) -> None:
    roots, findings = read(file)
    if findings:
        raise MeaningChanged(f"{findings[0].span.at}: {findings[0].message}")
    after = outline(file, roots)
    if len(before.documents) != len(after.documents):
        raise MeaningChanged(f"{file.path}: {len(before.documents)} documents became {len(after.documents)}")
    for old, new in zip(before.documents, after.documents, strict=True):
        _compare_blocks(old, new)
    if _comments(before) != _comments(after):
        raise MeaningChanged(f"{file.path}: a comment was lost or made up")


def _compare_blocks(old: Block, new: Block) -> None:
    if type(old.node) is not type(new.node) or len(old.items) != len(new.items):
        raise MeaningChanged(f"{new.node.span.at}: a table or list with other entries")
    for one, other in zip(old.items, new.items, strict=True):
        if (one.key and one.key.text) != (other.key and other.key.text):
            raise MeaningChanged(f"{other.value.span.at}: another key")
        if one.block is not None and other.block is not None:
            _compare_blocks(one.block, other.block)
        elif not _is_same(one, other):
            raise MeaningChanged(f"{other.value.span.at}: another value")


def _is_same(one: Item, other: Item) -> bool:
    old, new = one.value, other.value
    if not isinstance(old, Scalar) or not isinstance(new, Scalar):
        return False
    if type(old.value) is type(new.value) and old.text == new.text:
        return True
    texts = isinstance(old.value, str) and isinstance(new.value, str)
    return texts and one.shape.is_expression and same_text(old.text, new.text)


def _comments(made: Outline) -> Counter[str]:
    found = Counter(comment for comment in made.rest if comment)
    waiting = list(made.documents)
    while waiting:
        block = waiting.pop()
        found.update(comment for comment in block.after if comment)
        for item in block.items:
            found.update(comment for comment in (*item.before, *item.behind) if comment)
            if item.block is not None:
                waiting.append(item.block)
    return found

"""Findings -> edits of files that put them right, and texts with those edits made.

An edit replaces an exact stretch of a file. What a fix writes into an expression is written the way its YAML scalar
needs it: where the quick edit would be read back as something else, the scalar is written anew in quotes. Fixes whose
edits overlap are not made together; whoever applies them checks again and takes the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from typing import Final

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix
from fieldwright.dsl.document import Document, Node, Scalar, Sequence, Table
from fieldwright.dsl.nearest import nearest
from fieldwright.dsl.reader import read
from fieldwright.dsl.scalars import Style
from fieldwright.dsl.source import SourceFile, Span

Change = tuple[int, int, str]
"""Replace `[start:end)` of an expression's text by this."""

_MEANT: Final = re.compile(r"\Adid you mean `([^`]+)`\?\Z")
_NAME: Final = re.compile(r"[\w.:/@ -]+")
_WORD: Final = re.compile(r"\w+")
_LIMIT: Final = 400
"""Longest text that a suggestion may replace."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """`texts` are the files that change, by path; `made` the findings whose fixes were applied; `left` is the number
    of fixes that overlap with them and may be tried on the outcome."""

    texts: Mapping[str, str]
    made: tuple[Diagnostic, ...]
    left: int


def apply_fixes(findings: Iterable[Diagnostic], *, unsafe: bool = False, paths: Collection[str] | None = None) -> Fixed:
    """Apply the fixes of findings, in file order; those that are not safe on request only, and only within the files
    named by `paths` (None: all)."""
    wanted = [
        finding
        for finding in findings
        if finding.fix is not None
        and finding.fix.edits
        and (unsafe or finding.fix.safe)
        and (paths is None or all(edit.span.file.path in paths for edit in finding.fix.edits))
    ]
    wanted.sort(key=_place)
    files: dict[str, SourceFile] = {}
    taken: dict[str, list[Edit]] = {}
    made: list[Diagnostic] = []
    left = 0
    for finding in wanted:
        assert finding.fix is not None
        edits = finding.fix.edits
        known = [edit for edit in edits if edit in taken.get(edit.span.file.path, ())]
        if len(known) == len(edits):
            continue  # another finding asked for the very same
        if known or any(_overlaps(edit, taken.get(edit.span.file.path, ())) for edit in edits):
            left += 1
            continue
        for edit in edits:
            files.setdefault(edit.span.file.path, edit.span.file)
            taken.setdefault(edit.span.file.path, []).append(edit)
        made.append(finding)
    texts = {path: _edited(files[path].text, edits) for path, edits in taken.items()}
    return Fixed(texts, tuple(made), left)


def expression_edits(scalar: Scalar, changes: Many[Change]) -> tuple[Edit, ...]:
    """Edits of the file that change the text of an expression; none where that cannot be done without changing more."""
    text = scalar.text
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    edits = tuple(Edit(scalar.part(start, end), _escaped(new, scalar.style)) for start, end, new in changes)
    if all(_WORD.fullmatch(new) for _, _, new in changes) and not _WORD.fullmatch(text):
        return edits  # letters in place of others never change how YAML reads a text; a lone word may be `true`
    if all(edit.span != scalar.span or len(changes) == 1 for edit in edits) and _reads_as(scalar, edits, text):
        return edits
    if scalar.style in (Style.FOLDED, Style.LITERAL) or "\n" in text:
        return ()
    whole = (Edit(scalar.span, _quoted(text)),)
    return whole if _reads_as(scalar, whole, text) else ()


def with_suggestion(finding: Diagnostic) -> Diagnostic:
    """The finding with a fix that does what its words suggest, where they name the one right spelling and the finding
    has no fix of its own. Never a safe one: the name may be right and its declaration missing."""
    if finding.fix is not None:
        return finding
    match = _MEANT.match(finding.caret) or _MEANT.match(finding.help)
    written = finding.span.file.text[finding.span.start : finding.span.end]
    if match is None or not written or len(written) > _LIMIT or "\n" in written:
        return finding
    meant = match[1]
    quote = written[0] if written[0] in "'\"" and written[-1] == written[0] and len(written) > 1 else ""
    name = written[1:-1] if quote else written
    base, at, version = name.partition("@")
    # The finding may be about a whole expression, one of whose values is misspelt at another system.
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(meant) or nearest(base, [meant]) is None:
        return finding
    new = quote + (meant if "@" in meant else meant + at + version) + quote
    return replace(finding, fix=Fix(f"write `{meant}`", (Edit(finding.span, new),), safe=False))


def without_collisions(findings: Iterable[Diagnostic], documents: Iterable[Document]) -> Iterator[Diagnostic]:
    """The findings, those fixes left out that would give a table or list what stands in it already."""
    beside: dict[tuple[str, int], frozenset[str]] | None = None
    for finding in findings:
        fix = finding.fix
        if fix is not None and not fix.safe and len(fix.edits) == 1 and fix.edits[0].span == finding.span:
            beside = _neighbours(documents) if beside is None else beside
            (edit,) = fix.edits
            if edit.text.strip("'\"") in beside.get((edit.span.file.path, edit.span.start), ()):
                yield replace(finding, fix=None)
                continue
        yield finding


def _neighbours(documents: Iterable[Document]) -> dict[tuple[str, int], frozenset[str]]:
    """By place of a key or of a text in a list: what else is there."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    waiting: list[Node] = [document.root for document in documents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Table):
            waiting.extend(entry.value for entry in node)
            places = [entry.key for entry in node]
        elif isinstance(node, Sequence):
            waiting.extend(node.items)
            places = [item for item in node.items if isinstance(item, Scalar)]
        else:
            continue
        texts = frozenset(place.text for place in places)
        found.update(((place.file.path, place.start), texts) for place in places)
    return found


def deletion(name: Span) -> Fix | None:
    """A fix that deletes the entry whose key stands at `name`, with everything below it; None where the entry is not
    on lines of its own or is the only one of its table."""
    file = name.file
    number, column = file.position(name.start)
    first = file.line(number)
    if first[: column - 1].strip() or not file.text[name.end : name.end + 1].startswith(":"):
        return None
    lines = file.text.split("\n")
    indent = column - 1
    last = number
    for at in range(number, len(lines)):
        if lines[at].strip() and _indent(lines[at]) <= indent:
            break
        if lines[at].strip():
            last = at + 1
    siblings = _siblings(lines, number - 1, indent)
    if not siblings:
        return None
    start = sum(len(line) + 1 for line in lines[: number - 1])
    end = min(start + sum(len(line) + 1 for line in lines[number - 1 : last]), len(file.text))
    title = f"delete `{file.text[name.start : name.end]}`"
    return Fix(title, (Edit(Span(file, start, end), ""),), safe=False)


def _siblings(lines: Many[str], at: int, indent: int) -> bool:
    """Whether another entry of the same table stands above or below line `at`."""
    for around in (range(at - 1, -1, -1), range(at + 1, len(lines))):
        for number in around:
            line = lines[number]
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if _indent(line) < indent or line.startswith("---"):
                break
            if _indent(line) == indent and not line.lstrip().startswith("- "):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _place(finding: Diagnostic) -> tuple[str, int, int]:
    assert finding.fix is not None
    first = min(finding.fix.edits, key=lambda edit: edit.span.start).span
    return (first.file.path, first.start, first.end)


def _overlaps(edit: Edit, taken: Iterable[Edit]) -> bool:
    """Whether two edits touch. Two insertions at one place do: which comes first would be chance."""
    span = edit.span
    return any(span.start <= other.span.end and other.span.start <= span.end for other in taken)


def _edited(text: str, edits: Iterable[Edit]) -> str:
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


_ESCAPES: Final[Mapping[Style, Callable[[str], str]]] = {
    Style.SINGLE: lambda text: text.replace("'", "''"),
    Style.DOUBLE: lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
}


def _escaped(text: str, style: Style) -> str:
    escape = _ESCAPES.get(style)
    return text if escape is None else escape(text)


def _quoted(text: str) -> str:
    """The text as a quoted YAML scalar, in the quotes that it does not itself contain."""
    if "'" in text and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + _escaped(text, Style.SINGLE) + "'"


def _reads_as(scalar: Scalar, edits: Many[Edit], text: str) -> bool:
    """Whether the edited scalar is read back as `text`, wherever it stands: even inside brackets. The lines of a block
    scalar are taken as they are, since edits of them stay within a line."""
    if scalar.style in (Style.FOLDED, Style.LITERAL):
        return all("\n" not in edit.text and edit.span != scalar.span for edit in edits)
    old = scalar.file.text[scalar.start : scalar.end]
    moved = [Edit(Span(scalar.file, e.span.start - scalar.start, e.span.end - scalar.start), e.text) for e in edits]
    new = _edited(old, moved)
    if _value(f"k: {new}\n") != text:
        return False
    return _value(f"k: [{old}]\n") != scalar.text or _value(f"k: [{new}]\n") == text


def _value(document: str) -> str | None:
    documents, wrong = read(SourceFile("", document))
    if wrong or len(documents) != 1:
        return None
    found = documents[0].get("k")
    if isinstance(found, Sequence):
        found = found.items[0] if len(found.items) == 1 else None
    return found.text if isinstance(found, Scalar) and isinstance(found.value, str) else None

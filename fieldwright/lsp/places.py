"""A file and an offset -> the place there: which document, which keys lead to it, what the format says belongs there.

Everything about the format comes from the one JSON Schema that lint uses. A place in text that is being typed is found
by putting a marker where the cursor is and, if the YAML is not whole yet, by completing the line in the few ways in
which lines are incomplete: a key without its colon, brackets and quotes that are still open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.dsl.document import DocumentKind, Node, Scalar, Sequence, Table
from fieldwright.dsl.reader import read
from fieldwright.dsl.scalars import value_offsets
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import schema

MARKER: Final = "zzcursorzz"
"""Stands where the cursor is; a name in YAML and in expressions alike."""

EXPRESSIONS: Final = frozenset(["expression", "value", "field", "fieldchange", "keyvalue", "check"])
"""Definitions of the schema whose texts are expressions."""

_KINDS = frozenset(kind.value for kind in DocumentKind)
_REPAIRS = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A part of the schema that applies to a node; `names` are the definitions it was reached by."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scalar stands. `path` holds keys and indexes from the root, its own key or index last; `parents` the
    tables and lists they are looked up in."""

    kind: DocumentKind
    root: Table
    path: tuple[str | int, ...]
    parents: tuple[Node, ...]
    scalar: Scalar
    is_key: bool

    @property
    def name(self) -> str:
        """The name of the document."""
        return self.root.text(self.kind.value) or ""

    @property
    def container(self) -> Node:
        """The table or list that the scalar is a direct part of."""
        return self.parents[-1]

    def rules(self) -> tuple[Rule, ...]:
        """What the schema says about the value at this place (for a key: about its value)."""
        return rules_at(self.kind, self.root, self.path)

    def container_rules(self) -> tuple[Rule, ...]:
        """What the schema says about the table or list around it."""
        return rules_at(self.kind, self.root, self.path[:-1])

    @property
    def is_expression(self) -> bool:
        """Whether the text is an expression."""
        if self.is_key or not isinstance(self.scalar.value, str):
            return False
        return any(is_expression(rule) for rule in self.rules())

    def inside(self, offset: int) -> int:
        """The offset within the scalar's text of an offset in the file."""
        scalar = self.scalar
        places = value_offsets(scalar.file.text, scalar.start, scalar.end, scalar.style, scalar.text)
        if places is None:
            return min(max(offset - scalar.start, 0), len(scalar.text))
        return next((number for number, (_, end) in enumerate(places) if end > offset), len(scalar.text))


def place_at(file: SourceFile, offset: int) -> Place | None:
    """The scalar that an offset touches, or None between them and where the file cannot be read."""
    root = _document_at(read(file)[0], offset)
    kind = kind_of(root) if root is not None else None
    if root is None or kind is None:
        return None
    for place in places(root, kind):
        if place.scalar.start <= offset <= place.scalar.end and (place.scalar.text or place.scalar.start < offset):
            return place
    return None


def place_of_typing(file: SourceFile, offset: int) -> Place | None:
    """The place where something is being typed: its scalar holds `MARKER` where the cursor is. None where the text
    around is too far from YAML to tell."""
    doubtful: Place | None = None
    for text in dict.fromkeys(_completed(file.text, offset)):
        place = _marked(SourceFile(file.path, text))
        if place is not None and _is_allowed(place):
            return place
        doubtful = doubtful or place
    return doubtful


def kind_of(root: Table) -> DocumentKind | None:
    """The kind of a document that may be incomplete."""
    return next((DocumentKind(entry.name) for entry in root if entry.name in _KINDS), None)


def places(root: Table, kind: DocumentKind) -> Iterator[Place]:
    """Every scalar of a document, keys included, in the order of the text."""

    def walk(node: Node, path: tuple[str | int, ...], parents: tuple[Node, ...]) -> Iterator[Place]:
        match node:
            case Table():
                for entry in node:
                    here = (*path, entry.name)
                    yield Place(kind, root, here, (*parents, node), entry.key, True)
                    if isinstance(entry.value, Scalar):
                        yield Place(kind, root, here, (*parents, node), entry.value, False)
                    else:
                        yield from walk(entry.value, here, (*parents, node))
            case Sequence():
                for number, item in enumerate(node.items):
                    here = (*path, number)
                    if isinstance(item, Scalar):
                        yield Place(kind, root, here, (*parents, node), item, False)
                    else:
                        yield from walk(item, here, (*parents, node))
            case _:
                pass

    return walk(root, (), ())


def expressions(root: Table, kind: DocumentKind) -> Iterator[Place]:
    """Every expression of a document."""
    return (place for place in places(root, kind) if place.is_expression)


def rules_at(kind: DocumentKind, root: Table, path: tuple[str | int, ...]) -> tuple[Rule, ...]:
    """What the schema says about the node that a path leads to; several where it depends on keys not written yet."""
    node: Node | None = root
    rules = tuple(_unfold(root, Rule((), {"$ref": f"#/$defs/{kind.value}"})))
    for step in path:
        below: list[Rule] = []
        following = _child(node, step)
        for rule in rules:
            found = _step(rule.schema, step)
            if found is not None:
                below.extend(_unfold(following, Rule((), found)))
        rules, node = tuple(below), following
    return rules


def is_expression(rule: Rule) -> bool:
    """Whether a text under this rule is an expression."""
    return bool(rule.names) and rule.names[0] in EXPRESSIONS


def line_before(text: str, offset: int) -> str:
    """The text of the line up to an offset."""
    return text[text.rfind("\n", 0, offset) + 1 : offset]


def unclosed(text: str) -> str:
    """What closes the brackets and quotes that are open at the end of `text`, in order."""
    waiting: list[str] = []
    for char in text:
        quote = waiting[-1] if waiting and waiting[-1] in "'\"" else ""
        if quote:
            if char == quote:
                waiting.pop()
        elif char in "'\"":
            waiting.append(char)
        elif char in "([{":
            waiting.append({"(": ")", "[": "]", "{": "}"}[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
    return "".join(reversed(waiting))


def _document_at(roots: tuple[Table, ...], offset: int) -> Table | None:
    before = [root for root in roots if root.start <= offset]
    return before[-1] if before else None


def _marked(file: SourceFile) -> Place | None:
    """The place of the marker; lines that cannot be read are blanked, a few at most."""
    for _ in range(_REPAIRS):
        roots, findings = read(file)
        for root in roots:
            kind = kind_of(root)
            if kind is None:
                continue
            for place in places(root, kind):
                if MARKER in place.scalar.text:
                    return place
        broken = next((finding for finding in findings if finding.code == "DM001"), None)
        if broken is None:
            return None
        # What is not closed is told where the parser gave up; the line to leave out is the one that opened it.
        opened = [label.span.start for label in broken.labels if label.text != "in what begins here"]
        for at in (*opened, broken.span.start):
            line, column = file.position(at)
            shown = file.line(line)
            if shown.strip() and MARKER not in shown:
                start = at - (column - 1)
                text = file.text[:start] + " " * len(shown) + file.text[start + len(shown) :]
                file = SourceFile(file.path, text)
                break
        else:
            return None
    return None


def _is_allowed(place: Place) -> bool:
    """Whether the schema has room for what is typed: keys in a table, something at the place of a value."""
    if not place.is_key:
        return bool(place.rules())
    return any("properties" in rule.schema or "additionalProperties" in rule.schema for rule in place.container_rules())


def _completed(text: str, offset: int) -> Iterator[str]:
    """The text with the marker at the cursor, completed in several ways: the likeliest first."""
    before, after = text[:offset], text[offset:]
    rest, newline, below = after.partition("\n")
    below = newline + below
    line = line_before(text, offset)
    closing = unclosed(_value_part(line))
    if re.fullmatch(r" *(?:- +)*[\w.-]*", line):
        # At the start of a line: a key is being typed (or the item of a list, which the second try finds).
        if ":" not in rest:
            yield before + MARKER + ":" + below
        yield before + MARKER + after
    yield before + MARKER + after
    if closing:
        yield before + MARKER + closing + below
        yield before + MARKER + ":" + closing + below
    yield before + MARKER + below
    yield before + MARKER + ":" + below


def _value_part(line: str) -> str:
    """The part of a line in which brackets and quotes are YAML's: what follows the key, if it begins with one. Those
    of an expression written plain mean nothing to YAML."""
    _, colon, value = line.partition(": ")
    value = (value if colon else line.lstrip(" -")).lstrip(" -")
    return value if value[:1] in ("{", "[", "'", '"') else ""


def _child(node: Node | None, step: str | int) -> Node | None:
    match node, step:
        case Table(), str():
            return node.get(step)
        case Sequence(), int():
            return node.items[step] if step < len(node.items) else None
        case _:
            return None


def _unfold(node: Node | None, rule: Rule) -> Iterator[Rule]:
    """The rule without references and conditions, in each way that may still apply to the node."""
    names, found = rule.names, rule.schema
    while "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        names, found = (*names, name), schema()["$defs"][name]
    yield Rule(names, found)
    if "if" not in found:
        return
    condition = found["if"]
    if "type" in condition:
        # A text at the place of a table may become one: both ways are possible until there is more.
        branches = ("then",) if isinstance(node, Table) else ("else", "then")
    elif isinstance(node, Table) and all(node.find(name) is not None for name in condition["required"]):
        branches = ("then",)
    else:
        branches = ("else", "then")
    for branch in branches:
        if branch in found:
            yield from _unfold(node, Rule(names, found[branch]))


def _step(rule: Mapping[str, Any], step: str | int) -> Mapping[str, Any] | None:
    if isinstance(step, int):
        items = rule.get("items")
        return items if isinstance(items, dict) else None
    declared = rule.get("properties", {})
    if step in declared:
        found: Mapping[str, Any] = declared[step]
        return found
    others = rule.get("additionalProperties")
    return others if isinstance(others, dict) else None

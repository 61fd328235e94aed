"""The schema of documents -> the order of keys at each place, and which texts are expressions.

Formatting asks the schema that lint and editors use, so that a new key has its place once it is declared. Keys that are
names (fields, lets, settings) have no order of their own: they stay as written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.dsl.document import DocumentKind, Node, Table
from fieldwright.dsl.structure import schema

_EXPRESSIONS: Final = frozenset(["expression", "value", "field", "fieldchange", "keyvalue", "check"])
"""Definitions of the schema by which a text is an expression."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the schema says about one place. `keys` are the declared ones in their order; `is_expression` says that a
    text there is an expression."""

    keys: Mapping[str, Any]
    others: Any
    items: Any
    is_expression: bool

    def below(self, name: str, node: Node) -> Shape:
        """The shape of the value under a key."""
        rule = self.keys.get(name, self.others)
        return shape_of(rule, node)

    def within(self, node: Node) -> Shape:
        """The shape of an item of a list."""
        return shape_of(self.items, node)

    def ordered(self, names: Sequence[str]) -> list[int]:
        """The order in which to write the entries with these names, as indexes. A key that is not declared stays
        behind the one it follows."""
        ranks = {name: rank for rank, name in enumerate(self.keys)}
        found: list[int] = []
        last = -1
        for name in names:
            last = ranks.get(name, last)
            found.append(last)
        return sorted(range(len(names)), key=found.__getitem__)


NOTHING: Final = Shape({}, None, None, False)
"""The shape of what no schema describes."""


def shape_of_document(root: Table) -> Shape:
    """The shape of a document: that of its kind, if it is clear."""
    kinds = [entry.name for entry in root if entry.name in _KINDS]
    return shape_of({"$ref": f"#/$defs/{kinds[0]}"}, root) if len(kinds) == 1 else NOTHING


_KINDS = frozenset(kind.value for kind in DocumentKind)


def shape_of(rule: Any, node: Node) -> Shape:
    """The shape of a node under a rule of the schema, with references followed and conditions decided."""
    keys: dict[str, Any] = {}
    others = items = None
    is_expression = False
    while isinstance(rule, dict):
        if "$ref" in rule:
            name = rule["$ref"].rpartition("/")[2]
            is_expression = is_expression or name in _EXPRESSIONS
            rule = schema()["$defs"][name]
            continue
        keys.update(rule.get("properties", {}))
        others = rule.get("additionalProperties", others)
        items = rule.get("items", items)
        rule = (rule.get("then") if _holds(node, rule["if"]) else rule.get("else")) if "if" in rule else None
    return Shape(keys, others if isinstance(others, dict) else None, items, is_expression)


def _holds(node: Node, condition: Mapping[str, Any]) -> bool:
    if "type" in condition:
        return isinstance(node, Table) is bool(condition["type"] == "object")
    return not isinstance(node, Table) or all(node.find(name) is not None for name in condition["required"])

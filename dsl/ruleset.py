"""A structurally right ruleset document -> what it says: settings, named values, ordered rules and their actions.

A rule holds when its `when` does (a rule without one always holds); the first that holds decides. `then` is one
action: nothing, create, update_linked, or create/update of a named mapping with its parameters. Names are resolved
and expressions parsed in `linkrules`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.document import Document, Node, Scalar, Sequence, Table, plain
from fieldwright.dsl.mapping import LetRule, SettingRule, Value
from fieldwright.dsl.mappingdocument import build_lets, build_settings, entries, optional_value, scalars, value_of
from fieldwright.dsl.source import Span


@dataclass(frozen=True, slots=True)
class ActionRule:
    """What a rule does. `kind` is create, update or nothing; `mapping` is None for the mapping the ruleset drives."""

    kind: str
    span: Span
    mapping: Scalar | None
    params: tuple[LetRule, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `id` is the number of the product's setting that it implements, as written in the file."""

    name: str
    span: Span
    id: str
    when: Value | None
    then: ActionRule


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything a ruleset document says."""

    document: Document
    name: str
    span: Span
    title: str
    drives: Scalar | None
    use: tuple[Scalar, ...]
    settings: tuple[SettingRule, ...]
    lets: tuple[LetRule, ...]
    rules: tuple[Rule, ...]


def build_ruleset(document: Document) -> Ruleset:
    """The ruleset that a document of that kind describes; its structure must have been checked."""
    root = document.root
    rules = root.get("rules")
    assert isinstance(rules, Sequence), "structure was checked"
    drives = root.get("drives")
    return Ruleset(
        document=document,
        name=document.name,
        span=document.name_at,
        title=root.text("title") or document.name,
        drives=drives if isinstance(drives, Scalar) else None,
        use=scalars(root.get("use")),
        settings=build_settings(root),
        lets=build_lets(root),
        rules=tuple(_rule(item) for item in rules.items),
    )


def _rule(node: Node) -> Rule:
    assert isinstance(node, Table), "structure was checked"
    name, then, number = node.get("rule"), node.get("then"), node.get("id")
    assert isinstance(name, Scalar), "structure was checked"
    assert then is not None, "structure was checked"
    shown = "" if number is None else str(plain(number))
    return Rule(name.text, name.span, shown, optional_value(node.get("when")), _action(then))


def _action(node: Node) -> ActionRule:
    if isinstance(node, Scalar):
        kind = "update" if node.text == "update_linked" else node.text
        return ActionRule(kind, node.span, None, ())
    assert isinstance(node, Table), "structure was checked"
    kind = "create" if node.find("create") is not None else "update"
    target = node.get(kind)
    assert isinstance(target, Scalar), "structure was checked"
    params = tuple(LetRule(entry.name, entry.key.span, value_of(entry.value)) for entry in entries(node, "with"))
    return ActionRule(kind, target.span, target, params)

"""The JSON Schema of mapping files -> tables of keys, as people read them.

Understands the keywords that `grammar/mapping.schema.json` is written in. A rule with branches (`if`, `then`, `else`)
is shown as the forms that it allows, one table each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.dsl.document import DocumentKind

_WORDS: Final = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "null": "null",
    "array": "list",
    "object": "table",
}
_NESTED: Final = ("properties", "if")


@dataclass(frozen=True, slots=True)
class Key:
    """One row: `path` is dotted, with NAME for keys of one's own and [] for items; `takes` is Markdown."""

    path: str
    takes: str
    required: bool


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a thing: `keys` of a table, or just what it `takes`."""

    keys: tuple[Key, ...] = ()
    takes: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A document kind, or something that several of them share. `forms` are alternatives."""

    name: str
    doc: str
    forms: tuple[Form, ...]


def kinds(schema: Mapping[str, Any]) -> tuple[Part, ...]:
    """The kinds of documents, in the order in which the language lists them."""
    return tuple(_part(kind.value, schema["$defs"][kind.value]) for kind in DocumentKind)


def shared_parts(schema: Mapping[str, Any]) -> tuple[Part, ...]:
    """What the kinds refer to, by name."""
    own = {kind.value for kind in DocumentKind}
    return tuple(_part(name, rule) for name, rule in sorted(schema["$defs"].items()) if name not in own)


def _part(name: str, rule: Mapping[str, Any]) -> Part:
    forms = tuple(_form(leaf, wider) for leaf, wider in _leaves(rule, rule))
    return Part(name, rule.get("description", ""), tuple(dict.fromkeys(forms)))


def _leaves(rule: Mapping[str, Any], wider: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The alternatives of a rule, each with the rule around it (which says what a missing branch leaves possible)."""
    if "if" not in rule:
        yield rule, wider
        return
    left = [name for name in _listed(rule.get("type")) if name != rule["if"].get("type")]
    if "else" in rule:
        yield from _leaves(rule["else"], rule)
    elif left:
        yield {"type": left}, rule
    yield from _leaves(rule["then"], rule)


def _form(rule: Mapping[str, Any], wider: Mapping[str, Any]) -> Form:
    keys = tuple(_keys(rule, "", required=False))
    return Form(keys=keys) if keys else Form(takes=_takes(rule) or _takes(wider))


def _keys(rule: Mapping[str, Any], path: str, *, required: bool) -> Iterator[Key]:
    """The rows for everything below `path`; the table itself has a row only where nothing is below it."""
    needed = rule.get("required", ())
    for name, inner in rule.get("properties", {}).items():
        yield from _key(f"{path}.{name}" if path else name, inner, required=name in needed)
    others = rule.get("additionalProperties")
    if isinstance(others, dict):
        yield from _key(f"{path}.NAME" if path else "NAME", others, required=False)


def _key(path: str, rule: Mapping[str, Any], *, required: bool) -> Iterator[Key]:
    inner = rule
    while inner.get("type") == "array" and "$ref" not in inner.get("items", {"$ref": ""}):
        inner, path = inner["items"], f"{path}[]"
    below: list[Key] = []
    for leaf, _ in _leaves(inner, inner):
        below.extend(_keys(leaf, path, required=required))
    if below:
        # Keys of several forms of one table are shown once; which go together is what the linter says.
        yield from dict.fromkeys(below)
    else:
        yield Key(path, _takes(inner), required)


def _takes(rule: Mapping[str, Any]) -> str:
    if "$ref" in rule:
        name = rule["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "const" in rule:
        return f"`{rule['const']}`"
    if "enum" in rule:
        return " or ".join(f"`{'null' if value is None else value}`" for value in dict.fromkeys(rule["enum"]))
    if rule.get("type") == "array":
        return f"list of {_takes(rule['items'])}" if "items" in rule else "list"
    others = rule.get("additionalProperties")
    if rule.get("type") == "object" and isinstance(others, dict):
        return f"table of {_takes(others)}"
    said = " or ".join(_WORDS[name] for name in _listed(rule.get("type")))
    if "minimum" in rule:
        said += f", {rule['minimum']} to {rule['maximum']}" if "maximum" in rule else f" from {rule['minimum']}"
    if "pattern" in rule and "description" in rule:
        said += f" ({rule['description'][:1].lower()}{rule['description'][1:]})"
    return said


def _listed(names: Any) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)

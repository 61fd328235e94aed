"""The whole outcome of a case as a document, and as the text of a golden file.

The text is strict YAML that the reader of mapping files takes back unchanged; texts that could be read as anything
else are quoted. Keys keep the order of the mapping, so that a changed golden file shows as a small difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from fieldwright.dsl.program import Ref
from fieldwright.dsl.testing.outcome import Outcome

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.@/+-]*( [A-Za-z0-9_.@/+-]+)*\Z", re.ASCII)
_WORDS: Final = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])


def as_document(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain values; empty parts are left out."""
    parts: dict[str, Any] = {
        "op": outcome.op,
        "rule": outcome.rule,
        "actions": list(outcome.actions),
        "params": dict(outcome.params),
        "fields": dict(outcome.fields),
        "cleared": sorted(outcome.cleared),
        "children": {name: rows for name, rows in outcome.children.items() if rows},
        "checks": dict(outcome.checks),
        "errors": [{"code": one.code, "where": one.where} for one in outcome.problems],
    }
    return {name: _plain(part) for name, part in parts.items() if part}


def golden_text(outcome: Outcome) -> str:
    """The text of the golden file."""
    return "\n".join(yaml_lines(as_document(outcome), "")) + "\n"


def _plain(value: Any) -> Any:
    match value:
        case Ref():
            return {"ref": value.mapping, "key": value.key}
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def yaml_lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The lines of a table in block style, lists and references on one line where that is possible."""
    for name, part in value.items():
        key = f"{indent}{yaml_scalar(name)}:"
        if isinstance(part, dict) and part and "ref" not in part:
            yield key
            yield from yaml_lines(part, indent + "  ")
        elif isinstance(part, list) and any(isinstance(item, dict) for item in part):
            yield key
            for item in part:
                inner = list(yaml_lines(item, indent + "    ")) if isinstance(item, dict) and item else []
                first = inner[0].strip() if inner else _flow(item)
                yield f"{indent}  - {first}"
                yield from inner[1:]
        else:
            yield f"{key} {_flow(part)}"


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{yaml_scalar(name)}: {_flow(part)}" for name, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(part) for part in value) + "]"
        case _:
            return yaml_scalar(value)


def yaml_scalar(value: Any) -> str:
    """A scalar as strict YAML, quoted where it could be taken for anything but itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
    text = str(value)
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"

"""Documents as read -> documents of a known kind whose structure is right, or findings.

The declarations are `grammar/mapping.schema.json`, the same file that editors use; this module understands just the
keywords it is written in (a test compares the verdicts with a full JSON Schema validator). Doing it here costs a few
milliseconds instead of an import of jsonschema, puts each finding at the key or value it is about, and words it for
people. A document with a finding is not handed on, so that no later pass reports what follows from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

from fieldwright.dsl.diagnostics import Diagnostic, Edit, Fix, Severity
from fieldwright.dsl.document import Document, DocumentKind, Entry, Node, Scalar, Sequence, Table
from fieldwright.dsl.nearest import did_you_mean, nearest
from fieldwright.dsl.source import Span

MAX_FINDINGS: Final = 50
"""Findings of one document after which checking it stops."""

_KINDS = tuple(kind.value for kind in DocumentKind)
_WORDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
    "array": "a list",
    "object": "a table of keys and values",
}


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of all document kinds (draft 2020-12)."""
    text = resources.files("fieldwright.dsl.grammar").joinpath("mapping.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def check_structure(root: Table) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """The document, when its kind is clear and nothing is wrong with its structure; else None and why."""
    kind, finding = _kind(root)
    if kind is None:
        return None, (finding,) if finding else ()
    checker = _Checker(schema()["$defs"])
    checker.check(root, checker.definitions[kind.value], kind.value)
    named = root.find(kind.value)
    if checker.findings or named is None or not isinstance(named.value, Scalar):
        return None, tuple(checker.findings)
    return Document(kind, named.value.text, named.value.span, root, root.file), ()


def _kind(root: Table) -> tuple[DocumentKind | None, Diagnostic | None]:
    version = root.find("interpret")
    present = [entry for entry in root if entry.name in _KINDS]
    start = Span(root.file, root.start, min(root.start + 1, root.end))
    if version is None and not present:
        message = "Not a mapping document: `interpret: 1` and a kind are missing"
        return None, Diagnostic("DM010", Severity.ERROR, message, start, "", "one of: " + ", ".join(_KINDS))
    if version is not None and not (isinstance(version.value, Scalar) and version.value.value == 1):
        message = "This format version is not known; it is `interpret: 1`"
        return None, Diagnostic("DM015", Severity.ERROR, message, version.value.span, "expected 1")
    if not present:
        names = [entry.name for entry in root]
        meant = next((found for name in names if (found := nearest(name, _KINDS))), None)
        hint = f"did you mean `{meant}`?" if meant else "one of: " + ", ".join(_KINDS)
        return None, Diagnostic("DM010", Severity.ERROR, "The kind of this document is missing", start, "", hint)
    if len(present) > 1:
        names_said = " and ".join(f"`{entry.name}`" for entry in present)
        message = f"A document is of one kind, this one says {names_said}"
        return None, Diagnostic(
            "DM010", Severity.ERROR, message, present[1].key.span, "second kind", "split it by `---`"
        )
    return DocumentKind(present[0].name), None


class _Checker:
    """Walks a node and the part of the schema that applies to it. Depth is bounded by the reader."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions
        self.findings: list[Diagnostic] = []

    def add(self, code: str, message: str, span: Span, caret: str = "", hint: str = "", fix: Fix | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Diagnostic(code, Severity.ERROR, message, span, caret, hint, (), fix))

    def check(self, node: Node, rule: Mapping[str, Any], path: str) -> None:
        while "$ref" in rule:
            rule = self.definitions[rule["$ref"].rpartition("/")[2]]
        if not self._check_type(node, rule, path) or not self._check_scalar(node, rule, path):
            return
        if "if" in rule:
            branch = rule.get("then") if _holds(node, rule["if"]) else rule.get("else")
            if branch is not None:
                self.check(node, branch, path)
        if isinstance(node, Table):
            self._check_table(node, rule, path)
        elif isinstance(node, Sequence):
            if len(node.items) < rule.get("minItems", 0):
                self.add("DM019", f"The list under `{path}` is empty", node.span, "nothing in it")
            if "items" in rule:
                for item in node.items:
                    self.check(item, rule["items"], path)

    def _check_type(self, node: Node, rule: Mapping[str, Any], path: str) -> bool:
        wanted = rule.get("type")
        if wanted is None:
            return True
        wanted = [wanted] if isinstance(wanted, str) else wanted
        actual = _type(node)
        if actual in wanted or (actual == "integer" and "number" in wanted):
            return True
        expected = " or ".join(dict.fromkeys(_WORDS[name] for name in wanted))
        hint = ""
        fix = None
        if wanted == ["string"] and isinstance(node, Scalar) and node.value is not None:
            hint = "put it in quotes"
            fix = Fix("put it in quotes", (Edit(node.span, f"'{node.text}'"),))
        self.add(
            "DM013", f"`{path}` must be {expected}, not {_WORDS[actual]}", node.span, f"expected {expected}", hint, fix
        )
        return False

    def _check_scalar(self, node: Node, rule: Mapping[str, Any], path: str) -> bool:
        if not isinstance(node, Scalar):
            if "enum" in rule or "const" in rule:
                choices = rule.get("enum", [rule.get("const")])
                expected = ", ".join(str(choice) for choice in choices)
                self.add("DM013", f"`{path}` must be one of: {expected}", node.span, "expected one word")
                return False
            return True
        value = node.value
        if "enum" in rule and value not in rule["enum"]:
            choices = [str(choice) for choice in rule["enum"]]
            hint = did_you_mean(node.text, choices)
            message = f"`{path}` cannot be `{node.text}`; it is one of: {', '.join(choices)}"
            self.add("DM014", message, node.span, hint or "not one of these")
            return False
        if "const" in rule and value != rule["const"]:
            self.add("DM014", f"`{path}` must be {rule['const']}", node.span)
            return False
        if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
            said = rule.get("description", "")
            self.add("DM017", f"`{node.text}` cannot be the {path}", node.span, "not in this form", said)
            return False
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            low, high = rule.get("minimum"), rule.get("maximum")
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low}" + (f" and at most {high}" if high is not None else "")
                self.add("DM014", f"`{path}` must be {bounds}", node.span)
                return False
        return True

    def _check_table(self, node: Table, rule: Mapping[str, Any], path: str) -> None:
        declared: Mapping[str, Any] = rule.get("properties", {})
        others = rule.get("additionalProperties")
        for required in rule.get("required", ()):
            if node.find(required) is None:
                start = Span(node.file, node.start, min(node.start + 1, node.end))
                self.add("DM012", f"`{required}` is missing in `{path}`", start, f"`{required}` is missing")
        size = len(node.entries)
        if size < rule.get("minProperties", 0):
            self.add("DM019", f"The table under `{path}` is empty", node.span, "nothing in it")
        if size > rule.get("maxProperties", size):
            second = node.entries[rule["maxProperties"]]
            self.add("DM014", f"`{path}` has one entry only", second.key.span, "one too many")
        for entry in node:
            if entry.name in declared:
                self.check(entry.value, declared[entry.name], entry.name)
            elif others is False:
                meant = nearest(entry.name, declared)
                fix = None
                if meant is not None and node.find(meant) is None:
                    fix = Fix(f"rename to `{meant}`", (Edit(entry.key.span, meant),), safe=False)
                hint = "" if meant else "known here: " + ", ".join(sorted(declared))
                if _is_torn_off(node, entry):
                    hint = "inside { } a comma ends the value: put the whole expression in quotes"
                caret = f"did you mean `{meant}`?" if meant else "unknown"
                self.add("DM011", f"`{entry.name}` is not a key of `{path}`", entry.key.span, caret, hint, fix)
            elif isinstance(others, dict):
                self.check(entry.value, others, entry.name)


def _is_torn_off(table: Table, entry: Entry) -> bool:
    """Whether a key without a value is the rest of an expression that a comma inside { } cut off."""
    value = entry.value
    empty = isinstance(value, Scalar) and value.value is None and not value.text
    return empty and table.file.text.startswith("{", table.start)


def _type(node: Node) -> str:
    match node:
        case Table():
            return "object"
        case Sequence():
            return "array"
        case Scalar(value=bool()):
            return "boolean"
        case Scalar(value=int()):
            return "integer"
        case Scalar(value=Decimal()):
            return "number"
        case Scalar(value=None):
            return "null"
        case Scalar():
            return "string"


def _holds(node: Node, condition: Mapping[str, Any]) -> bool:
    """The two conditions that the schema uses: a type, and keys that are present (true of whatever is no table)."""
    if "type" in condition:
        return bool(_type(node) == condition["type"])
    return not isinstance(node, Table) or all(node.find(name) is not None for name in condition["required"])

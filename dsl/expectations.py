"""What an overlay expects of the mapping that it extends -> findings where the mapping says something else by now.

A version number says that something moved; an expectation says what the overlay's author relied on. It is compared with
the mapping as its own author wrote it, before any overlay: expressions by their text with blanks aside, everything
else by value. Names are those of fields, or paths as `let.total` and `children.lines.fields.Quantity`.
"""

from __future__ import annotations

from typing import Any

from fieldwright.dsl.diagnostics import Diagnostic, Label, Severity
from fieldwright.dsl.document import Document, Entry, Node, Scalar, Table, plain
from fieldwright.dsl.nearest import did_you_mean

_SECTIONS = ("fields", "custom_fields")


def check_expectations(base: Document, overlay: Document) -> tuple[Diagnostic, ...]:
    """DM610 for everything under `expects:` that the mapping does not say."""
    expected = overlay.root.table("expects")
    if expected is None:
        return ()
    return tuple(found for entry in expected if (found := _check(base, entry)) is not None)


def _check(base: Document, entry: Entry) -> Diagnostic | None:
    present = _find(base.root, entry.name)
    if present is None:
        known = [row.name for section in _SECTIONS for row in base.root.table(section) or ()]
        message = f"`{base.name}` says nothing about `{entry.name}`, of which this overlay expects something"
        caret = did_you_mean(entry.name, known) or "not there"
        hint = "read what changed in the mapping, then correct the overlay"
        return Diagnostic("DM610", Severity.ERROR, message, entry.key.span, caret, hint)
    wanted = _said(entry.value)
    given = _said(present.value)
    wrong = next((key for key in wanted if wanted[key] != given.get(key)), None)
    if wrong is None:
        return None
    now = "nothing" if wrong not in given else f"`{_shown(given[wrong])}`"
    what = entry.name if wrong == "value" else f"{wrong} of {entry.name}"
    message = f"`{what}` in `{base.name}` is not what this overlay expects: it says {now}"
    hint = "read what changed, adapt the overlay, then write what the mapping says now"
    label = (Label(present.key.span, "what it says now"),)
    return Diagnostic("DM610", Severity.ERROR, message, entry.value.span, "expected this", hint, label)


def _find(root: Table, name: str) -> Entry | None:
    for section in _SECTIONS:
        table = root.table(section)
        found = table.find(name) if table is not None else None
        if found is not None:
            return found
    table, (*before, last) = root, name.split(".")
    for part in before:
        inner = table.table(part)
        if inner is None:
            return None
        table = inner
    return table.find(last) if before else None


def _said(node: Node) -> dict[str, Any]:
    """What a field says by key; the short form is its value alone."""
    if isinstance(node, Table):
        return {row.name: _plain(row.value) for row in node}
    return {"value": _plain(node)}


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return " ".join(node.value.split())
    found = plain(node)
    return (type(found).__name__, found) if isinstance(found, bool | int) else found


def _shown(value: Any) -> str:
    found = value[1] if isinstance(value, tuple) else value
    return str(found).lower() if isinstance(found, bool) else str(found)

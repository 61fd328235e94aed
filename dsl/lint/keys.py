"""Rules about keys: a key tells records apart, is never null unnoticed, and is written."""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.linked import LinkedKey, LinkedMapping
from fieldwright.dsl.lint.registry import mapping_check


@mapping_check
def key_is_unique(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM401: one field alone, not unique at the target, and nothing said about several matches."""
    key = linked.mapping.document.root.table("key")
    if key is None or key.find("on_ambiguous") is not None:
        return
    for parts in linked.keys:
        if len(parts) != 1 or parts[0].target is None:
            continue
        target = parts[0].target
        if target.unique or target.external_id or target.id_lookup:
            continue
        message = f"`{target.name}` is not unique at {linked.mapping.to.text}: several records may match"
        hint = "say what happens then: `on_ambiguous: error` or `newest`"
        yield Diagnostic("DM401", Severity.WARNING, message, parts[0].part.span, "not unique", hint)


@mapping_check
def key_is_written(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM405: a created record that lacks its key is not found again by it."""
    if linked.mapping.on_none != "create" or not linked.mapping.fields:
        return
    written = {field.rule.name for field in linked.fields if field.rule.write != "update_only"}
    for parts in linked.keys:
        for part in parts:
            if part.part.field not in written and part.target is not None and part.target.createable:
                message = f"`{part.part.field}` is a key, but not written: created records are not found again by it"
                yield Diagnostic("DM405", Severity.WARNING, message, part.part.span, "not among the fields")


@mapping_check
def key_type_fits(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM409: a key that can be nothing but null, or of a kind that no field compares with."""
    for parts in linked.keys:
        for part in parts:
            yield from _key_kind(part)


def _key_kind(part: LinkedKey) -> Iterator[Diagnostic]:
    if part.value is None or part.target is None:
        return
    if part.value.type.kind.value in ("list", "record", "any", "null"):
        message = f"A key cannot be {part.value.type}"
        yield Diagnostic("DM409", Severity.ERROR, message, part.place, f"this is {part.value.type}")

"""Rules about what nobody uses: named values, declared reads (each costs API calls), settings."""

from __future__ import annotations

from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.fixes import deletion
from fieldwright.dsl.linked import LinkedMapping
from fieldwright.dsl.lint.registry import mapping_check


@mapping_check
def values_are_used(linked: LinkedMapping) -> Iterator[Diagnostic]:
    """DM701, DM702. Silent while an expression is wrong: it may be the one that uses the name."""
    if linked.spec is None:
        return
    mapping = linked.mapping
    lets = [*mapping.lets, *(let for child in mapping.children for let in child.lets)]
    for let in lets:
        if let.name not in linked.used:
            message, fix = f"`{let.name}` is not used", deletion(let.span)
            yield Diagnostic("DM701", Severity.WARNING, message, let.span, "unused", "delete it", (), fix)
    for read in mapping.reads:
        if read.name not in linked.used:
            message = f"What `{read.name}` reads is not used, and costs calls"
            fix = deletion(read.span)
            yield Diagnostic("DM702", Severity.WARNING, message, read.span, "unused", "delete it", (), fix)

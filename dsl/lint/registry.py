"""The rules that a linked mapping is held against, as a registry of small functions.

A rule looks at one field or at one whole mapping and yields findings; it never raises and never needs another rule's
outcome. Rules of fields run in the order of their declaration and stop at the first that finds an error, so that a
field that does not exist is not also called too long. Importing `fieldwright.dsl.lint.rules` declares them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.linked import LinkedField, LinkedMapping

FieldCheck = Callable[[LinkedField, LinkedMapping], Iterator[Diagnostic]]
MappingCheck = Callable[[LinkedMapping], Iterator[Diagnostic]]

_FIELD_CHECKS: list[FieldCheck] = []
_MAPPING_CHECKS: list[MappingCheck] = []


def field_check(check: FieldCheck) -> FieldCheck:
    """Declare a rule that looks at one field."""
    _FIELD_CHECKS.append(check)
    return check


def mapping_check(check: MappingCheck) -> MappingCheck:
    """Declare a rule that looks at a whole mapping."""
    _MAPPING_CHECKS.append(check)
    return check


def lint_mapping(linked: LinkedMapping) -> tuple[Diagnostic, ...]:
    """What the declared rules find in one mapping."""
    found: list[Diagnostic] = []
    fields = [*linked.fields, *(field for child in linked.children for field in child.fields)]
    for field in fields:
        for check in _FIELD_CHECKS:
            mine = list(check(field, linked))
            found.extend(mine)
            if any(finding.severity is Severity.ERROR for finding in mine):
                break
    for rule in _MAPPING_CHECKS:
        found.extend(rule(linked))
    return tuple(found)

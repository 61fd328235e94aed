"""What a test document tests: a mapping (with its overlays) or a ruleset, and every name that a case may use of it.

An overlay is tested as part of the mapping that it extends. A ruleset is tested on the records of the first mapping
that it drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldwright.dsl.mapping import FieldRule
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.types import Type

MEMBERSHIPS = "memberships.lists"
CUSTOM = "custom_fields."


@dataclass(frozen=True, slots=True)
class Subject:
    """`mapping` is the tested one, for a ruleset the one it drives; `ruleset` the tested or the driving one.
    `settings` are the types of all settings that either asks for."""

    name: str
    mapping: MappingRules
    ruleset: str | None
    is_ruleset: bool
    settings: Mapping[str, Type]
    overlay: str | None = None

    def fields(self) -> dict[str, FieldRule]:
        """The fields of the record by the name that tests use: custom fields as `custom_fields.NAME`."""
        found = {rule.name: rule for rule in self.mapping.fields}
        return found | {CUSTOM + rule.name: rule for rule in self.mapping.custom_fields}

    def field_names(self) -> tuple[str, ...]:
        """Everything that is written to the record, the lists of a contact too."""
        return (*self.fields(), *((MEMBERSHIPS,) if self.mapping.lists else ()))

    def row_fields(self) -> dict[str, list[FieldRule]]:
        """Fields of child rows by set; two lists of one set may both have a field."""
        found: dict[str, list[FieldRule]] = {}
        for child in self.mapping.children:
            found.setdefault(child.set, []).extend(child.fields)
        return found


def find_subject(
    name: str,
    mappings: Mapping[str, MappingRules],
    rulesets: frozenset[str],
    types: Mapping[str, Mapping[str, Type]],
) -> Subject | None:
    """The subject of that name; None where it is unknown, an overlay that nothing applies, or rules that drive no
    mapping."""
    found = mappings.get(name)
    overlay = None
    if found is None:
        found = next((one for one in mappings.values() if name in one.extended_by), None)
        overlay = name if found is not None else None
    if found is not None:
        driver = found.driven_by.text if found.driven_by else None
        return Subject(found.name, found, driver, False, types.get(found.name, {}), overlay)
    if name not in rulesets:
        return None
    driven = next((one for one in mappings.values() if one.driven_by and one.driven_by.text == name), None)
    return None if driven is None else Subject(name, driven, name, True, types.get(name, {}))

"""References of one mapped record, with target ids in their place as far as the ledger knows them.

For looking at one record; a run resolves a batch at a time, in `mapping_run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldwright.dsl.program import MappedRecord, Program, Ref
from fieldwright.dsl.values import MISSING
from fieldwright.runtime.state.ledger import Ledger

UNKNOWN = "(unknown yet)"
"""In the place of the id of a target record that nobody has written yet."""


class Resolution:
    """References of one record, put in as far as the ledger knows them."""

    def __init__(self, ledger: Ledger | None, program: Program, mapped: MappedRecord) -> None:
        self._known: dict[Ref, str] = {}
        self.absent: list[tuple[str, Ref]] = []
        own = {info.name for info in program.fields if info.optional_ref}
        rows = {child.name: {i.name for i in child.fields if i.optional_ref} for child in program.children}
        found = [(name, value, name in own) for name, value in mapped.fields.items()]
        for child, many in mapped.children.items():
            found += [(name, value, name in rows.get(child, ())) for row in many for name, value in row.items()]
        found += [(name, value, False) for key in mapped.keys if key is not None for name, value in key.items()]
        for name, ref, optional in found:
            if not isinstance(ref, Ref) or ref in self._known:
                continue
            target = ledger.target_ids(ref.mapping, [ref.key]).get(ref.key) if ledger else None
            if target is not None:
                self._known[ref] = target
            elif not optional:
                self.absent.append((name, ref))

    def resolved(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with ids in the place of references; those without one are left out."""
        made = {name: self._known.get(v, MISSING) if isinstance(v, Ref) else v for name, v in fields.items()}
        return {name: value for name, value in made.items() if value is not MISSING}

    def shown(self, value: Any) -> tuple[Any, str | None, bool]:
        """A value for people; for references also whom it refers to, and whether the id is not known."""
        if not isinstance(value, Ref):
            return value, None, False
        target = self._known.get(value)
        return target or UNKNOWN, f"{value.mapping} {value.key}", target is None

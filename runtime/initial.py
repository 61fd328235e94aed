"""Which records an initial run looks at: the latest of each driving object, and what they cannot do without.

The latest few records are read newest first. Their declared reads and the parents they refer to are brought along, so
that a first look shows real results instead of missing parents; nothing else is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fieldwright.dsl.program import Program, Ref
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.evaluate import load_roots, map_one
from fieldwright.runtime.reading import Reader
from fieldwright.runtime.state.mirror import Mirror

ROUNDS = 6  # parents of parents; the shipped mappings need three


class InitialReading:
    """Reads the few records of an initial run. `targets` holds the facts of each target system for the `run` root."""

    def __init__(
        self,
        selected: Sequence[Program],
        programs: Mapping[str, Program],
        settings: Mapping[str, Mapping[str, Any]],
        reader: Reader,
        mirror: Mirror,
        used: Mapping[str, frozenset[str]],
        targets: Mapping[str, Mapping[str, Any]],
        run_root: Mapping[str, Any],
    ) -> None:
        self._selected = selected
        self._programs = programs
        self._settings = settings
        self._reader = reader
        self._mirror = mirror
        self._used = used
        self._targets = targets
        self._run_root = run_root

    def read(self, limit: int) -> dict[str, list[str]]:
        """Source ids to apply, by object: the latest `limit` first, then their parents."""
        chosen: dict[str, dict[str, None]] = {}
        for name in dict.fromkeys(program.source_object for program in self._selected):
            chosen[name] = dict.fromkeys(self._reader.latest(name, self._used[name], limit))
        seen: set[tuple[str, str]] = set()
        for _round in range(ROUNDS):
            before = len(seen)
            for program in self._selected:
                ids = [one for one in chosen[program.source_object] if (program.mapping, one) not in seen]
                seen.update((program.mapping, one) for one in ids)
                for mapping, key in self._references(program, ids):
                    parent = self._programs[mapping].source_object
                    found = self._reader.by_id(parent, [key], self._used[parent])
                    chosen.setdefault(parent, {}).update(dict.fromkeys(found))
            if len(seen) == before:
                break
        return {name: list(ids) for name, ids in chosen.items()}

    def _references(self, program: Program, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
        """What these records refer to; brings what their declared reads need into the mirror first."""
        changes = [change for change in self._mirror.load(program.source_object, ids).values() if not change.deleted]
        if not changes:
            return []
        constants = {
            "settings": self._settings.get(program.mapping, {}),
            "run": {**self._run_root, "target": self._targets[program.target_object.partition(".")[0]]},
            "params": dict.fromkeys(program.params),
        }
        for number, read in enumerate(program.reads):
            so_far = replace(program, reads=program.reads[:number])
            keys: dict[str, None] = {}
            for roots in load_roots(so_far, changes, self._mirror, constants):
                try:
                    key = read.key(roots)
                except EvaluationError:
                    continue  # Mapping the record will say so.
                many = key if isinstance(key, list | tuple) else [key]
                keys.update(dict.fromkeys(str(one) for one in many if one is not None))
            if read.where_field:
                self._reader.related(read.object, read.where_field, list(keys), self._used[read.object])
            else:
                self._reader.by_id(read.object, list(keys), self._used[read.object])
        wanted: dict[tuple[str, str], None] = {}
        for roots in load_roots(program, changes, self._mirror, constants):
            mapped = map_one(program, roots)
            rows = [row for many in mapped.children.values() for row in many]
            for fields in [mapped.fields, *(key for key in mapped.keys if key), *rows]:
                for value in fields.values():
                    if isinstance(value, Ref) and value.mapping in self._programs:
                        wanted[value.mapping, value.key] = None
        return list(wanted)

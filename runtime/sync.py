"""The run: start here. One function, `synchronise`, does plans and runs alike.

read -> map -> decide -> identify -> compare -> plan -> write -> record -> report. (being written)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldwright.dsl.program import Program
from fieldwright.runtime.connector import Source, Target


class Mode(StrEnum):
    """Which records a run looks at."""

    INCREMENTAL = "incremental"
    INITIAL = "initial"
    ALL = "all"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run needs, resolved. `programs` in the order of application; `rulesets` by name; `settings` by
    mapping or ruleset name, then setting name. `plan` makes it read only. `select` limits to these mappings."""

    programs: Sequence[Program]
    rulesets: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]
    source: Source
    targets: Mapping[str, Target]
    target_name: str
    mode: Mode = Mode.INCREMENTAL
    plan: bool = False
    select: frozenset[str] = frozenset()
    initial_limit: int = 10
    delete_limit: int = 50
    allow_deletes: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing now, for a progress line."""

    phase: str
    what: str
    done: int
    total: int | None = None


Listener = Callable[[Progress], None]

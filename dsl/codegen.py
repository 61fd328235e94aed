"""A program specification in, generated Python source out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldwright.dsl.program import MappedRecord
from fieldwright.dsl.programspec import ProgramSpec


@dataclass(frozen=True, slots=True)
class Generated:
    """The source text and the function it defines; no function when the mapping is beyond what is generated."""

    text: str
    function: Callable[[Mapping[str, Any]], MappedRecord] | None


def generate(spec: ProgramSpec) -> Generated:
    """Generate the code of a mapping."""
    return Generated("", None)

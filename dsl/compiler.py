"""A linked mapping in checked form in, a `Program` out."""

from __future__ import annotations

from fieldwright.dsl.program import Program
from fieldwright.dsl.programspec import ProgramSpec


def compile_program(spec: ProgramSpec) -> Program:
    """Compile a mapping."""
    raise NotImplementedError

"""The text of an expression in, a syntax tree or problems out."""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.tree import Node


@dataclass(frozen=True, slots=True)
class Parsed:
    """`tree` is None when there are problems."""

    tree: Node | None
    problems: tuple[Problem, ...] = ()


def parse(text: str) -> Parsed:
    """Parse one expression."""
    raise NotImplementedError

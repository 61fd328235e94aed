"""Syntax tree and scope in, checked expression and problems out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.problems import Problem
from fieldwright.dsl.expressions.scope import Scope, Shape
from fieldwright.dsl.expressions.tree import Node
from fieldwright.dsl.types import Type


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of checking one expression. `core` is None when there is an error among the problems. `types` maps
    node numbers to types. `reads` are the source fields used, each as (qualified object, field)."""

    core: core.Core | None
    shape: Shape
    problems: tuple[Problem, ...]
    types: Mapping[int, Type]
    reads: frozenset[tuple[str, str]]
    tree: Node | None = None
    text: str = ""

    @property
    def type(self) -> Type:
        """The static type of the value."""
        return self.shape.type


def check(tree: Node, scope: Scope, expected: Type | None = None, *, text: str = "") -> Checked:
    """Resolve names and types. With `expected` the value must be assignable to it (int becomes decimal)."""
    raise NotImplementedError


def constant(value: Any, type_: Type | None = None) -> Checked:
    """A constant of a mapping file (bool, int, Decimal, str, None) as a checked expression."""
    raise NotImplementedError

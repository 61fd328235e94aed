"""How much the bodies of functions from mapping files may grow all checked expressions of one project together.

A body stands in place of each call, so that a few lines can ask for millions of nodes: functions that call one another
twice, or one large function called in thousands of fields. One expression has a limit of its own; this is the limit for
all of them, which grows with the number of expressions. A project of people stays far below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

START: Final = 25_000
"""Nodes that any project may have put in."""

EACH: Final = 20
"""Nodes that each expression adds to that."""


class TooLarge(Exception):
    """The checked expression grows beyond all bounds."""


@dataclass(slots=True)
class _Allowance:
    left: int = START


_allowance: ContextVar[_Allowance | None] = ContextVar("inlining", default=None)


@contextmanager
def inlining_allowance() -> Iterator[None]:
    """Within this, the bodies put in are counted; without it, they are not."""
    token = _allowance.set(_Allowance())
    try:
        yield
    finally:
        _allowance.reset(token)


def is_used_up() -> bool:
    """Whether no further body may be put in."""
    allowance = _allowance.get()
    return allowance is not None and allowance.left <= 0


def spend(nodes: int) -> None:
    """Count one expression with so many nodes from bodies."""
    allowance = _allowance.get()
    if allowance is not None:
        allowance.left += EACH - nodes

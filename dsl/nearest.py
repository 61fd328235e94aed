"""The name that was probably meant: did-you-mean for keys, fields, mappings, settings.

Comparing names is costly, and a hostile file can hold thousands of wrong ones: each check of a project has a budget of
comparisons, after which no more suggestions are made. The findings themselves are all still shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

BUDGET: Final = 60_000
"""Comparisons of two names in one check of a project."""

_LONGEST = 80
_MOST = 200


@dataclass(slots=True)
class _Budget:
    left: int


_budget: ContextVar[_Budget | None] = ContextVar("suggestions", default=None)


@contextmanager
def suggestions(comparisons: int = BUDGET) -> Iterator[None]:
    """Within this, at most so many comparisons are made."""
    token = _budget.set(_Budget(comparisons))
    try:
        yield
    finally:
        _budget.reset(token)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The closest of `known` to `name`, or None when nothing is close. Case counts least: `Billingcity` finds
    `BillingCity`."""
    budget = _budget.get()
    if not name or len(name) > _LONGEST or (budget is not None and budget.left <= 0):
        return None
    lowered = name.lower()
    candidates: dict[str, str] = {}
    for other in known:
        if other.lower() == lowered:
            return other
        if abs(len(other) - len(name)) <= max(3, len(name) // 3):
            candidates.setdefault(other.lower(), other)
    if len(candidates) > _MOST:
        first, last = lowered[:1], lowered[-4:]
        candidates = {low: name for low, name in candidates.items() if low[:1] == first or low[-4:] == last}
    if budget is not None:
        budget.left -= len(candidates) + 1
    found = get_close_matches(lowered, list(candidates), 1, 0.72)
    return candidates[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean `X`?`` or an empty text."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else ""

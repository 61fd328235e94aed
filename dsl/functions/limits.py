"""The bounds that make every expression end soon and fit in memory, and the checks that keep them.

Both evaluators and the functions use these; a value beyond a bound is an error of the record with a run-time code.
"""

from __future__ import annotations

from typing import Final, TypeVar

from fieldwright.dsl.values import EvaluationError

_T = TypeVar("_T")

MAX_STEPS: Final = 20_000
"""Nodes and list elements visited for one written record (each child row counts afresh)."""
MAX_LIST: Final = 10_000
MAX_TEXT: Final = 128 * 1024
MAX_INT: Final = 2**63 - 1
MIN_INT: Final = -(2**63)


def bounded_text(text: str) -> str:
    """The text itself, if it is not too long."""
    if len(text) > MAX_TEXT:
        raise EvaluationError(
            "RT110", f"a text of {len(text)} characters is longer than {MAX_TEXT}", "shorten the parts it is made of"
        )
    return text


def bounded_list(items: list[_T]) -> list[_T]:
    """The list itself, if it is not too long."""
    if len(items) > MAX_LIST:
        raise EvaluationError("RT109", f"a list of {len(items)} elements is longer than {MAX_LIST}", "filter it first")
    return items


def bounded_int(value: int) -> int:
    """The number itself, if it fits in 64 bits."""
    if not MIN_INT <= value <= MAX_INT:
        raise EvaluationError("RT103", "a whole number does not fit in 64 bits", "compute with decimals")
    return value

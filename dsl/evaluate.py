"""The reference evaluator: a checked expression and inputs in, a value out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldwright.dsl.expressions.check import Checked


def evaluate(checked: Checked, roots: Mapping[str, Any], *, partial: bool = False) -> Any:
    """The value of one expression: a value, None or MISSING. Raises EvaluationError."""
    raise NotImplementedError

"""All codes of findings and errors in one registry; `interpret rule CODE` prints a page of it.

Each module that raises codes declares them as a tuple `CODES` in a module of its own; this one merges them, and refuses
a code that is declared twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from fieldwright.dsl.codeinfo import CodeInfo

_DECLARED_IN = (
    "fieldwright.dsl.documentcodes",
    "fieldwright.dsl.expressions.codes",
    "fieldwright.dsl.lint.codes",
    "fieldwright.dsl.testing.codes",
)


@cache
def registry() -> Mapping[str, CodeInfo]:
    """Every code with its page, sorted by code."""
    merged: dict[str, CodeInfo] = {}
    for module in _DECLARED_IN:
        for info in import_module(module).CODES:
            if info.code in merged:
                raise ValueError(f"the code {info.code} is declared twice")
            merged[info.code] = info
    return MappingProxyType(dict(sorted(merged.items())))


def page(code: str) -> str | None:
    """The page of a code as text; None for a code that does not exist. Upper and lower case are the same."""
    info = registry().get(code.upper())
    if info is None:
        return None
    parts = [f"{info.code} ({info.severity.value}): {info.title}", "", info.explanation]
    for title, example in (("Not like this:", info.example_bad), ("But:", info.example_good)):
        if example:
            parts += ["", title, *(f"    {line}" for line in example.splitlines())]
    return "\n".join(parts) + "\n"

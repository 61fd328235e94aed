"""Functions that search texts by a pattern, in the syntax of RE2: time is linear in the text, whatever the pattern.

The library is loaded when a pattern is first used. A pattern that is written in the mapping is tried out when the
mapping is checked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from fieldwright.dsl.functions.limits import MAX_TEXT
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError

_MAX_PATTERN: Final = 1000
_MAX_MEMORY: Final = 4 * 1024 * 1024
"""Bytes that one compiled pattern may need: repetitions of repetitions grow fast."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """The pattern ready for use. RT118 when it is none."""
    import re2

    if len(pattern) > _MAX_PATTERN:
        raise _no_pattern(pattern, f"it has more than {_MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise _no_pattern(pattern, said.decode() if isinstance(said, bytes) else str(said)) from None


def _no_pattern(pattern: str, why: str) -> EvaluationError:
    return EvaluationError("RT118", f"{pattern[:60]!r} is not a pattern: {why}", "write it in the syntax of RE2")


@function(
    "text",
    "matches(text: string, pattern: string) -> bool",
    ("matches('DE123456789', '[A-Z]{2}[0-9]+')", True),
    ("matches('x DE1', '[A-Z]{2}[0-9]+')", False),
    fallible=True,
)
def matches(text: str, pattern: str) -> bool:
    """Whether the whole text has the form of the pattern."""
    return compiled(pattern).fullmatch(text) is not None


@function(
    "text",
    "extract(text: string, pattern: string, group: int = 0) -> string?",
    ("extract('Order 4711 of May', '[0-9]+')", "4711"),
    ("extract('a=1;b=2', 'b=([0-9])', 1)", "2"),
    ("extract('none', '[0-9]+')", None),
    fallible=True,
)
def extract(text: str, pattern: str, group: int) -> str | None:
    """The first piece that has the form of the pattern, or what stands in one of its round brackets; null for none."""
    ready = compiled(pattern)
    if not 0 <= group <= ready.groups:
        raise EvaluationError(
            "RT105", f"the pattern has {ready.groups} pairs of brackets, not {group}", "use a lower number"
        )
    found = ready.search(text)
    return None if found is None else found.group(group)


@function(
    "text",
    "replace_pattern(text: string, pattern: string, new: string) -> string",
    (r"replace_pattern('+49 (30) 1-2', '[^0-9]', '')", "493012"),
    (r"replace_pattern('Lovelace, Ada', '(\\w+), (\\w+)', '\\2 \\1')", "Ada Lovelace"),
    fallible=True,
)
def replace_pattern(text: str, pattern: str, new: str) -> str:
    r"""Every piece of that form replaced; `\1` in `new` stands for what the first pair of brackets held, written `\\1`
    in a text."""
    ready = compiled(pattern)
    template = _template(new, ready.groups)
    made: list[str] = []
    size = last = 0
    for found in ready.finditer(text):
        piece = [text[last : found.start()]]
        piece += [part if isinstance(part, str) else found.group(part) or "" for part in template]
        made.extend(piece)
        size += sum(map(len, piece))
        # Counted while the text is made: references to a long piece could make it far longer than memory.
        if size > MAX_TEXT:
            raise EvaluationError("RT110", f"replacing makes a text longer than {MAX_TEXT}", "shorten the text first")
        last = found.end()
    made.append(text[last:])
    return "".join(made)


@lru_cache(maxsize=256)
def _template(new: str, groups: int) -> tuple[str | int, ...]:
    if len(new) > _MAX_PATTERN:
        raise EvaluationError("RT110", f"the new text has more than {_MAX_PATTERN} characters", "shorten it")
    parts: list[str | int] = []
    at = 0
    while at < len(new):
        char, following = new[at], new[at + 1 : at + 2]
        if char != "\\":
            parts.append(char)
            at += 1
        elif following == "\\":
            parts.append(following)
            at += 2
        elif following.isascii() and following.isdigit() and int(following) <= groups:
            parts.append(int(following))
            at += 2
        else:
            raise EvaluationError("RT105", f"the pattern has no brackets for \\{following}", "use \\\\ for a backslash")
    return tuple(parts)

"""What stands between quotes -> texts: escapes resolved, f-text taken apart into texts and inner expressions.

The lexer finds where a text ends; what is inside is read here. Offsets are those of the whole expression, so that a
finding inside f-text has its exact place.
"""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.expressions.problems import Problem


class Refused(Exception):
    """Parsing stops with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def pieces_of(raw: str, offset: int) -> list[tuple[str, int | None]]:
    """Texts (with None) and inner expressions (with their offset) of f-text, in order."""
    found: list[tuple[str, int | None]] = []
    fixed = begin = at = 0
    plain: list[str] = []
    while at < len(raw):
        char = raw[at]
        if char == "\\":
            at += 2
        elif raw[at : at + 2] in ("{{", "}}"):
            plain.append(unescaped(raw[fixed:at], offset + fixed) + char)
            at += 2
            fixed = at
        elif char == "}":
            place = offset + at
            raise Refused(Problem("DM108", "a `}` without its `{`", place, place + 1, "write `}}` for a brace"))
        elif char == "{":
            plain.append(unescaped(raw[fixed:at], offset + fixed))
            if text := "".join(plain):
                found.append((text, None))
            plain = []
            begin = at + 1
            at = _closing(raw, begin)
            if at < 0:
                place = offset + begin
                raise Refused(Problem("DM108", "a `{` without its `}`", place - 1, place, "not closed"))
            found.append((raw[begin:at], offset + begin))
            at += 1
            fixed = at
        else:
            at += 1
    plain.append(unescaped(raw[fixed:], offset + fixed))
    if text := "".join(plain):
        found.append((text, None))
    return found


def _closing(raw: str, at: int) -> int:
    """The place of the `}` that ends an inner expression, or -1. Texts inside may hold braces."""
    quoted = False
    while at < len(raw):
        char = raw[at]
        if char == "\\" and quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char == "}" and not quoted:
            return at
        at += 1
    return -1


_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}


def unescaped(raw: str, offset: int) -> str:
    if "\\" not in raw:
        return raw
    made: list[str] = []
    at = 0
    while at < len(raw):
        if raw[at] != "\\":
            made.append(raw[at])
            at += 1
            continue
        meant = _ESCAPES.get(raw[at + 1 : at + 2])
        if meant is None:
            place = offset + at
            raise Refused(
                Problem(
                    "DM117",
                    f"`{raw[at : at + 2]}` is not an escape",
                    place,
                    place + 2,
                    "known are \\\\ \\' \\\" \\n \\t",
                    "write two backslashes for one",
                )
            )
        made.append(meant)
        at += 2
    return "".join(made)

"""A text -> how YAML has to write it, so that every YAML reader takes it for that text.

Plain wherever that is safe, in the reader of this language and in those that still follow YAML 1.1 (to which `on`,
`012`, `12:30` and `2024-01-31` are no texts); else in single quotes, or in double ones where that spares escapes. Texts
of several lines are written as blocks. Line breaks that an author gave a folded text are kept.
"""

from __future__ import annotations

import re
from typing import Final

from fieldwright.dsl.document import Scalar
from fieldwright.dsl.format.expressions import Printed, printed
from fieldwright.dsl.scalars import Style, value_offsets

WIDTH: Final = 120
"""Columns of a line, as far as parts can be moved to the next one."""

_MISREAD: Final = re.compile(
    r"(?:~|null|true|false|yes|no|on|off|y|n|=|<<"
    r"|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?"
    r"|[-+]?\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|nan)"
    r"|[-+]?0[box][0-9a-f_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:t|[ \t]+)[0-9].*)?)",
    re.IGNORECASE,
)
"""What some reader of YAML takes for a boolean, a number, a date or null."""

_NEEDS_ESCAPES: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", '"': '\\"', "\\": "\\\\"}
_INDICATORS: Final = frozenset(",[]{}#&*!|>'\"%@`")


def inline(text: str, *, flow: bool) -> str:
    """A text on one line; `flow` says that it stands inside brackets, where more characters need quotes."""
    if _NEEDS_ESCAPES.search(text):
        return _in_double_quotes(text)
    if _is_plain(text, flow=flow):
        return text
    if "'" in text and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def flat(scalar: Scalar, *, is_expression: bool, flow: bool) -> str:
    """A scalar on one line."""
    if not isinstance(scalar.value, str):
        return scalar.text
    made = printed(scalar.value) if is_expression else None
    return inline(made.flat if made else scalar.value, flow=flow)


def in_block(scalar: Scalar, used: int, indent: int, *, is_expression: bool, pinned: bool) -> tuple[str, list[str]]:
    """A scalar outside of brackets: what stands behind its key, and the lines below. `used` columns of the first line
    are taken, lines below start at `indent`; a `pinned` scalar stays on as many lines as it has, one or several."""
    if not isinstance(scalar.value, str):
        return scalar.text, []
    breaks = author_breaks(scalar)
    made = printed(scalar.value) if is_expression else None
    if made is not None:
        return _expression(scalar, made, breaks, used, indent, pinned=pinned)
    header, lines = _prose(scalar.value, scalar.style, breaks)
    if not lines or (len(lines) == 1 and header in (">-", "|-") and _fits(scalar.value, used)):
        return inline(scalar.value, flow=False), []
    return header, [" " * indent + line if line else "" for line in lines]


def author_breaks(scalar: Scalar) -> tuple[int, ...]:
    """The offsets in the text at which a line of the file ends."""
    text, span = scalar.text, scalar.file.text[scalar.start : scalar.end]
    if "\n" not in span:
        return ()
    places = value_offsets(scalar.file.text, scalar.start, scalar.end, scalar.style, text)
    if places is None:
        return ()
    file = scalar.file.text
    return tuple(at for at, char in enumerate(text) if char == "\n" or "\n" in file[places[at][0] : places[at][1]])


def _expression(
    scalar: Scalar, made: Printed, breaks: tuple[int, ...], used: int, indent: int, *, pinned: bool
) -> tuple[str, list[str]]:
    width = WIDTH - indent
    whole = inline(made.flat, flow=False)
    is_one_line = "\n" not in scalar.file.text[scalar.start : scalar.end]
    if not is_one_line:
        kept = made.lines_like(scalar.value if isinstance(scalar.value, str) else "", breaks, width)
        lines = kept or made.lines(width)
        if len(kept or ()) > 1 or pinned or not _fits(whole, used):
            return ">-", [" " * indent + line for line in lines]
    if (pinned and is_one_line) or _fits(whole, used):
        return whole, []
    lines = made.lines(width)
    if len(lines) == 1 and indent + len(lines[0]) >= used + len(whole):
        return whole, []
    return ">-", [" " * indent + line for line in lines]


def _fits(text: str, used: int) -> bool:
    return used + len(text) <= WIDTH


def _prose(text: str, style: Style, breaks: tuple[int, ...]) -> tuple[str, list[str]]:
    """Header and lines of a block scalar; no lines where the text is better written on one."""
    body = text.removesuffix("\n")
    header = "-" if body == text else ""
    is_block = style in (Style.FOLDED, Style.LITERAL)
    if not (is_block or (breaks and body == text and "\n" not in body)) or not _can_be_block(body):
        return "", []
    paragraphs = body.split("\n")
    if style is Style.LITERAL or any(line[:1] == " " for line in paragraphs):
        return "|" + header, paragraphs
    lines: list[str] = []
    ends = iter([at for at in breaks if _is_lone_blank(text, at)])
    end = next(ends, len(text))
    begin = 0
    for number, paragraph in enumerate(paragraphs):
        if number:
            # A line end of the text is an empty line of a folded one.
            lines.append("")
        stop = begin + len(paragraph)
        while end < stop:
            lines.append(text[begin:end])
            begin, end = end + 1, next(ends, len(text))
        if stop > begin:
            lines.append(text[begin:stop])
        begin = stop + 1
    return ">" + header, lines


def _is_lone_blank(text: str, at: int) -> bool:
    return text[at] == " " and text[at - 1 : at] not in ("", " ", "\n") and text[at + 1 : at + 2] not in ("", " ", "\n")


def _can_be_block(body: str) -> bool:
    """Whether a block can hold the text without an indentation indicator and without blanks that nobody sees."""
    lines = body.split("\n")
    return (
        bool(lines[0])
        and bool(lines[-1])
        and not lines[0].startswith(" ")
        and not any(line.endswith(" ") for line in lines)
        and not _NEEDS_ESCAPES.search(body.replace("\n", ""))
    )


def _is_plain(text: str, *, flow: bool) -> bool:
    if not text or text != text.strip(" ") or _MISREAD.fullmatch(text):
        return False
    first, second = text[0], text[1:2]
    if first in _INDICATORS or text.startswith(("---", "...")):
        return False
    if first in "-?:" and (not second or second == " " or (flow and second in ",[]{}")):
        return False
    if ": " in text or text.endswith(":") or " #" in text:
        return False
    # YAML 1.1 ends a plain text inside brackets at a question mark, and some readers still do.
    return not (flow and (any(char in ",[]{}?" for char in text) or first == ":" or re.search(r":[,\[\]{}]", text)))


def _in_double_quotes(text: str) -> str:
    def escaped(char: str) -> str:
        known = _ESCAPES.get(char)
        if known is not None:
            return known
        if not _NEEDS_ESCAPES.match(char):
            return char
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return '"' + "".join(map(escaped, text)) + '"'

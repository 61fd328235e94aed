"""Where each character of a YAML scalar's value stands in the file.

An expression is a scalar, and a problem inside it is an interval of the *value*. To underline it in the file one must
undo what YAML did: drop quotes, resolve escapes, join lines, strip indentation. Each style is decoded here once more,
keeping positions; if the outcome is not exactly the value that the YAML parser gave, None is returned rather than a
wrong place. Only findings pay for this: nothing is computed while reading.
"""

from __future__ import annotations

from enum import StrEnum

Place = tuple[int, int]
"""File offsets (start, end) of one character of the value."""

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_HEX = {"x": 2, "u": 4, "U": 8}
_DEEPEST_INDENT = 64


class Style(StrEnum):
    """How a scalar is written."""

    PLAIN = "plain"
    SINGLE = "single"
    DOUBLE = "double"
    FOLDED = "folded"
    LITERAL = "literal"


def value_offsets(text: str, start: int, end: int, style: Style, value: str) -> list[Place] | None:
    """One place for each character of `value`, plus one for its end; None when the scalar cannot be retraced."""
    match style:
        case Style.PLAIN:
            if text.startswith(value, start) and "\n" not in value:
                return [(at, at + 1) for at in range(start, start + len(value))] + [(start + len(value),) * 2]
            return _checked(_flow(text, start, end, ""), value, end)
        case Style.SINGLE:
            return _checked(_flow(text, start + 1, end - 1, "'"), value, end - 1)
        case Style.DOUBLE:
            return _checked(_flow(text, start + 1, end - 1, '"'), value, end - 1)
        case Style.FOLDED | Style.LITERAL:
            return _block(text, start, end, style, value)


_Decoded = list[tuple[str, int, int]]


def _checked(decoded: _Decoded, value: str, end: int) -> list[Place] | None:
    if "".join(char for char, _, _ in decoded) != value:
        return None
    places = [(first, last) for _, first, last in decoded]
    stop = places[-1][1] if places else end
    return [*places, (stop, stop)]


def _flow(text: str, at: int, end: int, quote: str) -> _Decoded:
    """Plain and quoted scalars: lines are folded, white space around line ends is dropped."""
    out: _Decoded = []
    kept = 0  # characters of `out` that an escape protects from being dropped as trailing white space
    while at < end:
        char = text[at]
        if char in "\r\n":
            while len(out) > kept and out[-1][0] in " \t":
                out.pop()
            at = _fold(text, at, end, out)
            kept = len(out)
        elif quote == "'" and char == "'":
            out.append(("'", at, at + 2))
            at += 2
        elif quote == '"' and char == "\\":
            at = _escape(text, at, end, out)
            kept = len(out)
        else:
            out.append((char, at, at + 1))
            at += 1
    return out


def _fold(text: str, at: int, end: int, out: _Decoded, *, escaped: bool = False) -> int:
    """Consume line ends and the indentation after them: one becomes a blank, n become n-1 line ends."""
    first = at
    breaks: list[int] = []
    while at < end and text[at] in "\r\n \t":
        if text[at] == "\n":
            breaks.append(at)
        at += 1
    if len(breaks) == 1 and not escaped:
        out.append((" ", first, breaks[0] + 1))
    else:
        out.extend(("\n", place, place + 1) for place in breaks[1:])
    return at


def _escape(text: str, at: int, end: int, out: _Decoded) -> int:
    name = text[at + 1] if at + 1 < end else ""
    if name in _HEX:
        stop = at + 2 + _HEX[name]
        out.append((chr(int(text[at + 2 : stop], 16)), at, stop))
        return stop
    if name in ("\r", "\n"):
        return _fold(text, at + 1, end, out, escaped=True)
    out.append((_ESCAPES.get(name, name), at, at + 2))
    return at + 2


def _block(text: str, start: int, end: int, style: Style, value: str) -> list[Place] | None:
    header_end = text.find("\n", start, end)
    if header_end < 0:
        return [(end, end)] if not value else None
    header = text[start + 1 : header_end].partition("#")[0]
    lines = _lines(text, header_end + 1, end)
    explicit = any(char.isdigit() for char in header)
    widths = [len(line) - len(line.lstrip(" ")) for line, _ in lines if line.strip(" ")]
    indents = range(1, _DEEPEST_INDENT) if explicit else widths[:1]
    for indent in indents:
        decoded = _unblock(lines, indent, folded=style is Style.FOLDED, header=header)
        if len(decoded) == len(value) + 1 and end == len(text):
            decoded.pop()  # the last line of the file has no line end
        places = _checked(decoded, value, end)
        if places is not None:
            return places
    return [(end, end)] if not value else None


def _lines(text: str, at: int, end: int) -> list[tuple[str, int]]:
    lines = []
    while at < end:
        stop = text.find("\n", at, end)
        if stop < 0:
            stop = end
        lines.append((text[at:stop].rstrip("\r"), at))
        at = stop + 1
    return lines


def _unblock(lines: list[tuple[str, int]], indent: int, *, folded: bool, header: str) -> _Decoded:
    """The block scalar algorithm of the YAML specification, with places."""
    out: _Decoded = []
    last_break: _Decoded = []  # the line end of the last content line, not yet written
    blanks: _Decoded = []  # line ends of blank lines since then
    was_indented = False
    for line, at in lines:
        body = line[indent:]
        stop = at + len(line)
        if not line.strip(" ") and not body:
            blanks.append(("\n", stop, stop + 1))
            continue
        if line[:indent].strip(" "):
            break
        indented = body[:1] in (" ", "\t")
        if folded and last_break and not was_indented and not indented:
            if not blanks:
                out.append((" ", last_break[0][1], last_break[0][2]))
        else:
            out.extend(last_break)
        out.extend(blanks)
        blanks = []
        out.extend((char, at + indent + n, at + indent + n + 1) for n, char in enumerate(body))
        last_break = [("\n", stop, stop + 1)]
        was_indented = indented
    if "-" not in header:
        out.extend(last_break)
    if "+" in header:
        out.extend(blanks)
    return out

"""What is wrong with a text that is no expression, in words for an integrator.

Habits from other languages (`&&`, `=`, `? :`), quotes of word processors, forgotten quotes and chained comparisons get
an answer of their own with the right spelling. The parser calls this only after it failed.
"""

from __future__ import annotations

import re
from typing import Any, Final

from fieldwright.dsl.expressions.problems import Problem

_CURLY: Final = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "«": '"', "»": '"'}
_SCAN: Final = re.compile(
    r"""(?P<text>f?'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?P<open>['"])|(?P<curly>[“”„‘’‚«»])"""
    r"""|(?P<foreign>&&|\|\||===|!==|!(?!=)|\?(?!\?)(?<!\?\?))|(?P<coalesce>\?\?)|(?P<other>.)""",
    re.DOTALL,
)
_FOREIGN: Final = {
    "&&": ("DM105", "`&&` is written `and`", "and"),
    "||": ("DM105", "`||` is written `or`; to replace null use `??`", "or"),
    "!": ("DM105", "`!` is written `not`", "not "),
    "?": ("DM105", "`a ? b : c` is written `if a then b else c`", None),
    "===": ("DM106", "`===` is written `==`", "=="),
    "!==": ("DM106", "`!==` is written `!=`", "!="),
}
_WORDS_ONLY: Final = re.compile(r"\s*[A-Za-z]\w*(?: +\w+)+\s*")
_COMPARISONS: Final = frozenset(["COMPARE", "IN", "IS", "NOT"])
_WORDS: Final = {
    "RPAR": "`)`",
    "RSQB": "`]`",
    "LPAR": "`(`",
    "THEN": "`then`",
    "ELSE": "`else`",
    "TEST": "`null`, `missing` or `blank`",
    "COMMA": "`,`",
    "NAME": "a name",
    "IN": "`in`",
}


def prescan(text: str) -> Problem | None:
    """The first piece that can stand nowhere in an expression, if there is one."""
    for match in _SCAN.finditer(text):
        kind, piece, start, end = match.lastgroup, match.group(), match.start(), match.end()
        match kind:
            case "open":
                return Problem(
                    "DM108",
                    "this text is not closed",
                    start,
                    len(text),
                    f"missing `{piece}` at the end",
                    "a quote inside a text is written \\' or the text is put in the other kind of quotes",
                )
            case "curly":
                right = _CURLY[piece]
                return Problem(
                    "DM107",
                    "texts stand in straight quotes",
                    start,
                    end,
                    f"write {right}",
                    "word processors make curly quotes out of straight ones",
                    right,
                    edits=_respelt(text),
                    safe=True,
                )
            case "foreign":
                code, message, right_word = _FOREIGN[piece]
                edits = _respelt(text) if right_word is not None else ()
                return Problem(
                    code, message, start, end, "other spelling", "", right_word, edits=edits, safe=bool(edits)
                )
    return None


def _respelt(text: str) -> tuple[tuple[int, int, str], ...]:
    """Every quote and operator of another spelling at once: put right one by one each would hide the next."""
    edits = []
    for match in _SCAN.finditer(text):
        piece = match.group()
        right = _CURLY.get(piece) if match.lastgroup == "curly" else _FOREIGN.get(piece, ("", "", None))[2]
        if match.lastgroup in ("curly", "foreign") and right is not None:
            edits.append((match.start(), match.end(), right))
    return tuple(edits)


def explain(text: str, error: Any) -> Problem:
    """The problem behind a failure of the parser (lark's UnexpectedInput)."""
    found = prescan(text)
    if found is not None:
        return found
    token = getattr(error, "token", None)
    expected = frozenset(getattr(error, "accepts", None) or getattr(error, "expected", None) or ())
    if token is None:
        return _strange(text, int(error.pos_in_stream))
    if token.type == "$END":
        end = len(text.rstrip())
        add_else = ((end, end, " else null"),) if "ELSE" in expected and "INT" not in expected else ()
        return Problem(
            "DM100",
            "the expression ends too early",
            max(end - 1, 0),
            end,
            f"expected {_wanted(expected)} after this",
            "say what it is otherwise; `else null` for nothing" if add_else else "",
            edits=add_else,
        )
    start, end = int(token.start_pos), int(token.end_pos)
    word = str(token)
    wants_value = "INT" in expected
    if token.type == "EQUAL":
        return Problem("DM106", "equality is written `==`", start, end, "write `==`", "", "==", safe=True)
    if token.type in _COMPARISONS and not wants_value:
        return Problem(
            "DM103",
            "comparisons do not chain",
            start,
            end,
            "second comparison",
            "write `a < b and b < c`",
        )
    before = text[:start].rstrip()
    if token.type == "NAME" and not wants_value:
        number = re.search(r"[0-9]$", before) if before == text[:start] else None
        if number:
            return Problem(
                "DM115", "a number is digits, with at most one point", start, end, "no exponent, no unit", ""
            )
        previous = re.search(r"[A-Za-z_][A-Za-z_0-9]*$", before)
        if previous:
            both = text[previous.start() : end]
            return Problem(
                "DM100",
                f"`{previous.group()}` and `{word}` stand next to each other",
                start,
                end,
                "an operator is missing, or quotes",
                f"if a text is meant, write '{both}'",
                edits=((0, len(text), f"'{text.strip()}'"),) if _WORDS_ONLY.fullmatch(text) else (),
            )
    if token.type in ("INT", "DECIMAL") and not wants_value and before == text[:start] and before[-1:].isdigit():
        return Problem(
            "DM115", "a number does not start with 0", start - 1, end, "leading zero", "an id is a text: '007'"
        )
    if word == "->" or text[start - 1 : start + 1] == "->":
        return Problem("DM114", "`->` stands only in an argument, as in `map(x -> x.id)`", start, end, "not here")
    return Problem("DM100", f"`{word}` does not fit here", start, end, f"expected {_wanted(expected)}")


def _strange(text: str, at: int) -> Problem:
    char = text[at : at + 1]
    message = {
        "&": "`&` is no operator; texts are put together with f'{a}{b}' or join(), conditions with `and`",
        "|": "`|` is no operator; conditions are put together with `or`",
        "{": "there are no braces outside of f'..'; a table of values is written in YAML with `map:`",
        "}": "there are no braces outside of f'..'",
        "=": "equality is written `==`",
        ":": "`:` does not occur in expressions; a condition is `if .. then .. else ..`",
        ";": "one value holds one expression",
        "`": "texts stand in straight quotes",
        "$": "names are written without `$`",
        "@": "names are written without `@`",
        "#": "`#` does not occur in expressions; a YAML comment needs a blank before it",
    }.get(char, f"{char!r} does not occur in expressions" if char.isprintable() else "an unprintable character")
    return Problem("DM109", message, at, at + 1, "not expected")


def _wanted(expected: frozenset[str]) -> str:
    if "INT" in expected:
        return "a value"
    for name in ("RPAR", "RSQB", "THEN", "ELSE", "TEST", "NAME", "LPAR", "IN"):
        if name in expected:
            return _WORDS[name]
    return "an operator or the end"

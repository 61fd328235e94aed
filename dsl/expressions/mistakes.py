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
    found = prescan(text) or _habit(text)
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


_HABITS: Final = (
    (
        r"\{\{|\}\}|\$\{",
        "DM105",
        "this is no template: the whole value is an expression already",
        "leave {0} out",
        None,
    ),
    (r"<>", "DM105", "`<>` is written `!=`", "other spelling", "!="),
    (r"=~", "DM105", "`a =~ pattern` is written `matches(a, pattern)`", "other spelling", None),
    (r"=>", "DM114", "`=>` is written `->`", "other arrow", "->"),
    (r"\*\*", "DM105", "`a ** b` is written `power(a, b)`", "other spelling", None),
    (r"//", "DM105", "`a // b` is written `floor(a / b)`", "other spelling", None),
    (r"\blambda\b", "DM114", "`lambda x: ..` is written `x -> ..`", "other spelling", None),
    (r"\breturn\b", "DM105", "the whole text is the value: nothing is returned", "leave it out", ""),
    (r"\belif\b", "DM105", "`elif` is written `else if`", "other spelling", "else if"),
    (r"\bif(?= *\([^()]*,)", "DM105", "`if(a, b, c)` is written `if a then b else c`", "other spelling", None),
    (r"(?<=[\w)\]'\"] )like\b", "DM105", "`a like 'x%'` is written `a.starts_with('x')`", "other spelling", None),
    (r"\bis +(?:not +)?(?:empty|none|None|undefined|nil|NULL)\b", "DM105", "", "other spelling", None),
    (r"(?<=[\w)\]'\"] )(?:AND|OR|NOT|IN|IS)\b", "DM105", "operators are written in small letters", "capitals", None),
    (r"\bin *\((?=[^()]*,)", "DM105", "a list stands in square brackets: `in [a, b]`", "round brackets", None),
    (
        r"(?<=[\w)\]'\"] )(?<!\belse )(?<!\bthen )(?<!\band )(?<!\bor )(?<!\bnot )if\b",
        "DM105",
        "`a if b else c` is written `if b then a else c`",
        "other order",
        None,
    ),
    (r"(?<=[\w)\]'\"] )(?:eq|ne|gt|ge|lt|le|equals)\b", "DM105", "", "other spelling", None),
    (
        r"(?<![\w.])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])",
        "DM115",
        "a date is written `date('{0}')`",
        "not a number",
        "date('{0}')",
    ),
    (r"(?<![\w.])[0-9]{1,3}(?:,[0-9]{3})+(?![\w(\[])", "DM115", "a number has no thousands mark", "not a number", None),
    (r"(?<![\w.)\]])\.[0-9]+", "DM115", "a number begins with a digit", "not a number", "0{0}"),
    (r"(?<![\w.])[0-9]+\.(?![\w])", "DM115", "a number does not end with a point", "not a number", None),
    (
        r"(?<![\w.])[0-9]+(?:\.[0-9]+)?%\s*$",
        "DM115",
        "per cent are written as a fraction: 10 % is 0.1",
        "no unit",
        None,
    ),
    (r"(?<![\w.])[0-9]+(?:\.[0-9]+)? +[A-Z]{3}\b", "DM115", "an amount is written `money(5, 'EUR')`", "no unit", None),
)
"""Habits of other languages that can only be seen as a whole: pattern, code, message, caret, what is right.
`{0}` stands for the piece found."""

_MEANT: Final = {
    "eq": "==",
    "equals": "==",
    "ne": "!=",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
}


def _habit(text: str) -> Problem | None:
    bare = _blanked(text)
    first: Problem | None = None
    for pattern, code, message, caret, right in _HABITS:
        match = re.search(pattern, bare)
        if match is None or (first is not None and first.start <= match.start()):
            continue
        piece = match.group()
        if piece in _MEANT:
            message, right = f"`{piece}` is written `{_MEANT[piece]}`", _MEANT[piece]
        elif piece in ("AND", "OR", "NOT", "IN", "IS"):
            right = piece.lower()
        elif piece.startswith("is"):
            word = "blank" if piece.endswith("empty") else "null"
            right = f"is not {word}" if " not " in piece else f"is {word}"
            message = f"`{' '.join(piece.split())}` is written `{right}`"
        elif right is not None:
            right = right.format(piece)
        elif "thousands" in message:
            right = piece.replace(",", "")
        elif "end with a point" in message:
            right = piece[:-1]
        first = Problem(code, message.format(piece), match.start(), match.end(), caret.format(f"`{piece}`"), "", right)
    return first


def _blanked(text: str) -> str:
    """The text with what stands in quotes replaced by blanks of the same length, the quotes kept."""

    def blank(match: re.Match[str]) -> str:
        piece = match.group()
        return piece[0] + " " * (len(piece) - 2) + piece[-1] if match.lastgroup == "text" else piece

    return _SCAN.sub(blank, text)


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

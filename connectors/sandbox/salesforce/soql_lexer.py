"""Characters of a SOQL query into tokens with positions.

Keywords are not told apart from names here: SOQL has no reserved words that matter to a lexer. Strings come out
unescaped, except that `\\%` and `\\_` keep their backslash, which only LIKE gives a meaning. What the tokens mean
is for `soql_parser`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused


class Kind(StrEnum):
    """The kinds of tokens."""

    NAME = "name"
    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `position` counts characters from 0."""

    kind: Kind
    text: str
    position: int

    def is_word(self, word: str) -> bool:
        """Whether this is the keyword `word` (given in capitals)."""
        return self.kind is Kind.NAME and self.text.upper() == word


_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d(?![\dT]))
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<symbol><=|>=|!=|<>|[=<>(),.:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "%": "\\%", "_": "\\_"}


def tokens_of(query: str) -> list[Token]:
    """All tokens of a query, the last of kind END. Raises MALFORMED_QUERY on a character that starts none."""
    found: list[Token] = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            if query[position] == "'":
                raise malformed(query, position, "unterminated string literal")
            raise malformed(
                query, position, f"line 1:{position} no viable alternative at character '{query[position]}'"
            )
        kind = match.lastgroup
        text = match.group()
        if kind == "string":
            found.append(Token(Kind.STRING, _unescaped(text[1:-1]), position))
        elif kind is not None and kind != "space":
            found.append(Token(Kind(kind), text, position))
        position = match.end()
    found.append(Token(Kind.END, "", len(query)))
    return found


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), text, flags=re.DOTALL)


def caret(query: str, position: int, message: str) -> str:
    """The message as real orgs word it: the line of the query, a caret below, then row, column and reason."""
    before = query[:position]
    row = before.count("\n") + 1
    start = before.rfind("\n") + 1
    line = query[start:].split("\n", 1)[0]
    column = position - start
    # Real orgs show a window around the place, not the whole of a long query.
    left = max(0, column - 40)
    shown = line[left : column + 40]
    return f"\n{shown}\n{' ' * (column - left)}^\nERROR at Row:{row}:Column:{column + 1}\n{message}"


def malformed(query: str, position: int, message: str) -> RequestRefused:
    """MALFORMED_QUERY with the place."""
    return RequestRefused(400, "MALFORMED_QUERY", caret(query, position, message))

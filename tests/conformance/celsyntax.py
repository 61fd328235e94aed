"""Text of the Common Expression Language in, a tree of tuples out.

Nodes are `("const", kind, value)`, `("name", name)`, `("unary", op, node)`, `("binary", op, left, right)`,
`("choice", asked, then, otherwise)`, `("index", node, node)`, `("field", node, name)`, `("list", nodes)` and
`("call", target or None, name, nodes)`. Maps, messages, bytes and unsigned numbers raise `Foreign`: the mapping
language has nothing that they could become.
"""

from __future__ import annotations

import re
from typing import Any

Tree = tuple[Any, ...]
_TOKEN = re.compile(
    r"""\s*(?:(?P<bytes>[bB][rR]?["'])|(?P<text>[rR]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''
    |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))|(?P<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])|(?P<hex>0x[0-9a-fA-F]+)
    |(?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+)|(?P<int>\d+)|(?P<name>[A-Za-z_]\w*)
    |(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}`]))""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))"
)


class Foreign(Exception):
    """The expression uses something that the mapping language leaves out."""


def parse(text: str) -> Tree:
    """The tree of an expression."""
    parser = _Parser(text)
    made = parser.choice()
    if parser.kind != "end":
        raise Foreign(f"syntax at {parser.word!r}")
    return made


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE).rstrip()
        self.at = 0
        self.advance()

    def advance(self) -> str:
        word = getattr(self, "word", "")
        if self.at >= len(self.text):
            self.kind, self.word = "end", ""
            return word
        found = _TOKEN.match(self.text, self.at)
        if found is None or found.lastgroup is None:
            raise Foreign(f"syntax at {self.text[self.at :][:10]!r}")
        self.kind, self.word, self.at = found.lastgroup, found[found.lastgroup], found.end()
        return word

    def take(self, word: str) -> bool:
        if self.word != word or self.kind not in ("op", "name"):
            return False
        self.advance()
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise Foreign(f"syntax at {self.word!r}")

    def choice(self) -> Tree:
        asked = self.level(0)
        if not self.take("?"):
            return asked
        then = self.level(0)
        self.expect(":")
        return ("choice", asked, then, self.choice())

    def level(self, number: int) -> Tree:
        if number == len(_LEVELS):
            return self.unary()
        made = self.level(number + 1)
        while self.word in _LEVELS[number] and self.kind in ("op", "name"):
            made = ("binary", self.advance(), made, self.level(number + 1))
        return made

    def unary(self) -> Tree:
        if self.kind == "op" and self.word in ("!", "-"):
            return ("unary", self.advance(), self.unary())
        return self.member(self.primary())

    def member(self, made: Tree) -> Tree:
        while True:
            if self.take("."):
                name = self.advance()
                made = ("call", made, name, self.arguments(")")) if self.take("(") else ("field", made, name)
            elif self.take("["):
                made = ("index", made, self.choice())
                self.expect("]")
            elif self.word == "{" and made[0] in ("name", "field"):
                raise Foreign("messages")
            else:
                return made

    def arguments(self, end: str) -> list[Tree]:
        found: list[Tree] = []
        while not self.take(end):
            found.append(self.choice())
            if not self.take(","):
                self.expect(end)
                break
        return found

    def primary(self) -> Tree:
        kind, word = self.kind, self.word
        match kind:
            case "bytes":
                raise Foreign("bytes")
            case "uint":
                raise Foreign("unsigned numbers")
            case "int" | "hex":
                self.advance()
                return ("const", "int", int(word, 0 if kind == "hex" else 10))
            case "double":
                self.advance()
                return ("const", "double", word)
            case "text":
                self.advance()
                return ("const", "text", _unquoted(word))
            case "name":
                self.advance()
                if word in ("true", "false", "null"):
                    return ("const", word, {"true": True, "false": False, "null": None}[word])
                return ("call", None, word, self.arguments(")")) if self.take("(") else ("name", word)
        if self.take("("):
            made = self.choice()
            self.expect(")")
            return made
        if self.take("["):
            return ("list", self.arguments("]"))
        if word == "{":
            raise Foreign("maps")
        raise Foreign(f"syntax at {word!r}")


def _unquoted(word: str) -> str:
    raw = word[0] in "rR"
    word = word[1:] if raw else word
    inner = word[3:-3] if word[:3] in ('"""', "'''") else word[1:-1]
    return inner if raw else _ESCAPE.sub(_character, inner)


def _character(found: re.Match[str]) -> str:
    for group in (1, 2, 3, 4):
        if found[group]:
            return chr(int(found[group], 16))
    return chr(int(found[5], 8)) if found[5] else _SIMPLE.get(found[6], found[6])

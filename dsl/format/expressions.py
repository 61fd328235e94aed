"""The tree of an expression -> its text as one would write it: spacing, quotes and brackets the same everywhere.

Brackets are those that the grammar needs, and those around `and` within `or`, which readers should not have to know.
Long expressions are broken where the tree is shallowest; an author's own line breaks are kept where only blanks differ.
A printed text is read back before it is trusted: an expression whose tree would change keeps the text it has. What
YAML makes of the text (quotes, folding) is for `fieldwright.dsl.format.scalars`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.parser import parse

_IF, _OR, _AND, _NOT, _COMPARISON, _COALESCED, _SUM, _TERM, _SIGNED, _POSTFIX = range(10)
"""How tightly the rules of the grammar bind, loosest first."""

_OPERATORS: Final = {
    "or": (_OR, _OR, _AND),
    "and": (_AND, _AND, _NOT),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), (_COMPARISON, _COALESCED, _COALESCED)),
    "??": (_COALESCED, _SUM, _COALESCED),
    **dict.fromkeys(("+", "-"), (_SUM, _SUM, _TERM)),
    **dict.fromkeys(("*", "/", "%"), (_TERM, _TERM, _SIGNED)),
}
"""Operator -> what it is, what may stand left of it, what may stand right of it."""

_BLANKS: Final = " \t\r\n"


class _Break(NamedTuple):
    """A place where a line may end; `flat` is what stands there otherwise, `depth` how deep in the tree it is."""

    depth: int
    flat: str


_Piece = str | _Break


@dataclass(frozen=True, slots=True)
class Printed:
    """An expression as it is to be written: `flat` in one line."""

    flat: str
    _pieces: tuple[_Piece, ...]

    def lines(self, width: int) -> list[str]:
        """The expression in lines of at most `width` characters where its parts allow it."""
        filling = _Filling(width)
        filling.put(self._pieces)
        return [line.rstrip(" ") for line in filling.lines]

    def lines_like(self, text: str, breaks: Iterable[int], width: int) -> list[str] | None:
        """The expression with line ends where `text` has its own, at the offsets `breaks`; None where the two differ in
        more than blanks or a line would be wider than `width`."""
        if _squeezed(text) != _squeezed(self.flat):
            return None
        ends = frozenset(breaks)
        wanted: set[int] = set()
        seen = 0
        for at, char in enumerate(text):
            if at in ends:
                wanted.add(seen)
            seen += char not in _BLANKS
        free = self._without_blank()
        lines: list[str] = []
        begin = seen = 0
        for at, char in enumerate(self.flat):
            if char in _BLANKS:
                continue
            # One blank has to stand before this character (those inside texts count), or nothing need stand there.
            is_lone = self.flat[at - 1] == " " and self.flat[at - 2] != " "
            if seen in wanted and at > begin and (is_lone or at in free):
                lines.append(self.flat[begin:at].rstrip(" "))
                begin = at
            seen += 1
        lines.append(self.flat[begin:])
        return lines if all(len(line) <= width for line in lines) else None

    def _without_blank(self) -> frozenset[int]:
        """The offsets at which a line may begin although no blank stands before it."""
        found = set()
        offset = 0
        for piece in self._pieces:
            if isinstance(piece, _Break) and not piece.flat:
                found.add(offset)
            offset += len(piece if isinstance(piece, str) else piece.flat)
        return frozenset(found)


@lru_cache(maxsize=8192)
def printed(text: str) -> Printed | None:
    """The expression in `text` as it is to be written; None for a text that is no expression."""
    found = parse(text).tree
    if found is None:
        return None
    pieces = tuple(_Printer().expression(found))
    made = Printed(_flat(pieces), pieces)
    again = parse(made.flat).tree
    if again is None or not same(found, again):
        kept = " ".join(text.split()) if same_text(text, " ".join(text.split())) else text
        return Printed(kept, (kept,))
    return made


def same_text(left: str, right: str) -> bool:
    """Whether two texts are expressions with the same tree."""
    one, other = parse(left).tree, parse(right).tree
    return one is not None and other is not None and same(one, other)


def same(left: object, right: object) -> bool:
    """Whether two trees, or parts of them, say the same, wherever their parts stand."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tree.Node):
        return all(
            same(getattr(left, each.name), getattr(right, each.name)) for each in fields(left) if _is_meaning(each.name)
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, Decimal):
        return str(left) == str(right)
    return left == right


def _is_meaning(name: str) -> bool:
    return name not in ("start", "end", "n", "name_start", "op_start")


def _squeezed(text: str) -> str:
    return "".join(char for char in text if char not in _BLANKS)


def _flat(pieces: Sequence[_Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.flat for piece in pieces)


class _Filling:
    """Lines as they fill up. Parts are put whole where they fit, else their own parts are, and so on."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]

    def put(self, pieces: Sequence[_Piece]) -> None:
        """Add pieces to the current line and as many new ones as they need."""
        breaks = [piece.depth for piece in pieces if isinstance(piece, _Break)]
        if not breaks or self._fits(_flat(pieces)):
            self.lines[-1] += _flat(pieces)
            return
        for before, part in _split(pieces, min(breaks)):
            whole = _flat(part)
            if before is not None:
                first = before.flat + _flat(_head(part))
                alone = len(whole) <= self.width
                if self._fits(before.flat + whole) or (not alone and self._fits(first)):
                    self.lines[-1] += before.flat
                else:
                    self.lines.append("")
            self.put(part)

    def _fits(self, text: str) -> bool:
        return len(self.lines[-1]) + len(text.rstrip(" ")) <= self.width


def _split(pieces: Sequence[_Piece], depth: int) -> list[tuple[_Break | None, list[_Piece]]]:
    parts: list[tuple[_Break | None, list[_Piece]]] = [(None, [])]
    for piece in pieces:
        if isinstance(piece, _Break) and piece.depth == depth:
            parts.append((piece, []))
        else:
            parts[-1][1].append(piece)
    return parts


def _head(pieces: Sequence[_Piece]) -> list[_Piece]:
    """What must stand on one line at the beginning."""
    found: list[_Piece] = []
    for piece in pieces:
        if isinstance(piece, _Break):
            break
        found.append(piece)
    return found


class _Printer:
    """Pieces of one tree. Its depth is bounded by the parser. `quote` is what texts inside f-text stand in."""

    def __init__(self, quote: str = "'") -> None:
        self.quote = quote

    def expression(self, node: tree.Node, level: int = _IF, depth: int = 0) -> list[_Piece]:
        """The pieces of a node in a place where whatever binds looser than `level` needs brackets."""
        pieces = self._bare(node, depth)
        if _level(node) < level:
            return ["(", *pieces, ")"]
        return pieces

    def _bare(self, node: tree.Node, depth: int) -> list[_Piece]:
        match node:
            case tree.Literal(value=value):
                return [self._literal(value)]
            case tree.FText(parts=parts):
                return [_ftext(parts)]
            case tree.Items(items=items):
                return ["[", *self._list([self.expression(item, _IF, depth + 1) for item in items], depth), "]"]
            case tree.Name(name=name):
                return [name]
            case tree.Attr(target=target, name=name):
                return [*self.expression(target, _POSTFIX, depth), f".{name}"]
            case tree.Index(target=target, index=index):
                return [*self.expression(target, _POSTFIX, depth), "[", *self.expression(index, _IF, depth + 1), "]"]
            case tree.Call():
                return self._call(node, depth)
            case tree.Lambda(params=params, body=body):
                names = params[0] if len(params) == 1 else f"({', '.join(params)})"
                return [f"{names} -> ", *self.expression(body, _IF, depth)]
            case tree.Unary(op="not", operand=operand):
                return ["not ", *self.expression(operand, _NOT, depth)]
            case tree.Unary(op=op, operand=operand):
                # A minus before a number makes a negative number; the negation of a number was written with brackets.
                number = isinstance(operand, tree.Literal) and type(operand.value) in (int, Decimal)
                return [op, *self.expression(operand, _POSTFIX + 1 if number else _SIGNED, depth)]
            case tree.Binary():
                return self._binary(node, depth)
            case tree.Test(operand=operand, test=test, negated=negated):
                return [*self.expression(operand, _COALESCED, depth), f" is {'not ' if negated else ''}{test}"]
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                return [
                    "if ",
                    *self.expression(condition, _OR, depth + 1),
                    _Break(depth, " "),
                    "then ",
                    *self.expression(then, _IF, depth + 1),
                    _Break(depth, " "),
                    "else ",
                    *self.expression(otherwise, _IF, depth + 1),
                ]
            case _:
                raise AssertionError(f"a node of an unknown kind: {type(node).__name__}")

    def _binary(self, node: tree.Binary, depth: int) -> list[_Piece]:
        own, left, right = _OPERATORS[node.op]

        def operand(child: tree.Node, level: int) -> list[_Piece]:
            mixed = node.op == "or" and isinstance(child, tree.Binary) and child.op == "and"
            # Operands of a chain are equals, so the breaks between them are of one depth.
            chained = isinstance(child, tree.Binary) and _OPERATORS[child.op][0] == own
            inner = self.expression(child, level, depth if chained else depth + 1)
            return ["(", *inner, ")"] if mixed else inner

        return [*operand(node.left, left), _Break(depth, " "), f"{node.op} ", *operand(node.right, right)]

    def _call(self, node: tree.Call, depth: int) -> list[_Piece]:
        args = node.args[1:] if node.method else node.args
        given = [self.expression(arg, _IF, depth + 2) for arg in args]
        given += [[f"{name}=", *self.expression(value, _IF, depth + 2)] for name, value in node.named]
        called: list[_Piece] = [f"{node.name}(", *self._list(given, depth + 1), ")"]
        if not node.method:
            return called
        target = self.expression(node.args[0], _POSTFIX, depth)
        follows = isinstance(node.args[0], tree.Call)
        return [*target, *([_Break(depth, "")] if follows else []), ".", *called]

    def _list(self, parts: list[list[_Piece]], depth: int) -> list[_Piece]:
        joined: list[_Piece] = []
        for number, part in enumerate(parts):
            if number:
                joined += [",", _Break(depth + 1, " ")]
            joined += part
        return joined

    def _literal(self, value: object) -> str:
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case Decimal():
                return format(value, "f")
            case int():
                return str(value)
            case _:
                return self._text(str(value))

    def _text(self, value: str) -> str:
        quote = self.quote
        if quote == "'" and "'" in value and '"' not in value:
            quote = '"'
        # Inside f-text neither quote can stand as it is: one would end the outer text, the other the inner one.
        closing = "'\"" if self.quote == '"' else quote
        return quote + _escaped(value, closing) + quote


def _level(node: tree.Node) -> int:
    match node:
        case tree.If() | tree.Lambda():
            return _IF
        case tree.Binary(op=op):
            return _OPERATORS[op][0]
        case tree.Test():
            return _COMPARISON
        case tree.Unary(op="not"):
            return _NOT
        case tree.Unary():
            return _SIGNED
        case tree.Literal(value=int() | Decimal() as value) if value < 0:
            return _SIGNED
        case _:
            # A number that is negated on purpose is asked for at a level above this one.
            return _POSTFIX


def _ftext(parts: Sequence[str | tree.Node]) -> str:
    inner = _Printer('"')
    made = [
        _escaped(part, "'").replace("{", "{{").replace("}", "}}")
        if isinstance(part, str)
        else "{" + _flat(inner.expression(part)) + "}"
        for part in parts
    ]
    return "f'" + "".join(made) + "'"


def _escaped(value: str, quotes: str) -> str:
    made = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    for quote in quotes:
        made = made.replace(quote, f"\\{quote}")
    return made

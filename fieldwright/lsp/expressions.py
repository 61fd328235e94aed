"""Proposals inside an expression: names, fields after a dot, methods that fit, values of an enum that is compared.

The expression breaks off at the cursor, so a marker stands for the word being typed, and what is open is closed in the
ways that the grammar allows; the first attempt that parses is checked in the scope of its place. That tells the type
of what stands before the dot, parameters of functions around the cursor included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fieldwright.dsl.expressions import tree
from fieldwright.dsl.expressions.scope import PLAIN_SYSTEM, Scope
from fieldwright.dsl.expressions.shapes import PAIR
from fieldwright.dsl.functions.registry import (
    Function,
    ListPattern,
    PairPattern,
    Param,
    Plain,
    functions,
)
from fieldwright.dsl.types import ERROR, Kind, Type, is_assignable
from fieldwright.lsp import wording
from fieldwright.lsp.answers import Item, ItemKind
from fieldwright.lsp.places import MARKER, unclosed
from fieldwright.lsp.scopes import checked

_KEYWORDS: Final = ("if", "then", "else", "and", "or", "not", "in", "is", "null", "missing", "blank", "true", "false")
_FRESH: Final = re.compile(r"\b(?:if|then|else|and|or|not|in)\b|[=<>!]=|[<>(\[,=]|\?\?|->|[-+*/%{]")
"""After each of these an operand begins, so that the text from there on can be tried alone."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    node: tree.Node
    root: tree.Node
    types: dict[int, Type]
    names: frozenset[str]


def propose(before: str, scope: Scope) -> tuple[Item, ...]:
    """Proposals for an expression that is written up to the cursor."""
    text = before + MARKER
    attempt = next(_attempts(text, scope), None)
    if attempt is None:
        return () if re.search(r"\.\w*\Z", before) else _start(scope, frozenset())
    match attempt.node:
        case tree.Attr(target=target):
            return _after_dot(attempt.types.get(target.n, ERROR), scope)
        case tree.Name():
            return (*_compared(attempt, quoted=False), *_start(scope, attempt.names))
        case _:
            return tuple(_compared(attempt, quoted=True))


def _attempts(text: str, scope: Scope) -> Iterator[_Attempt]:
    for start in (0, *[found.end() for found in _FRESH.finditer(text)]):
        part = text[start:].lstrip()
        closing = unclosed(part)
        for more in ("", " then null else null", " else null"):
            for ending in dict.fromkeys((closing + more, more + closing)):
                found = checked(part + ending, scope)
                if found is None or found.tree is None:
                    continue
                marked = _marked(found.tree, ())
                if marked is not None:
                    node, names = marked
                    yield _Attempt(node, found.tree, dict(found.types), frozenset(names))


def _marked(node: tree.Node, params: tuple[str, ...]) -> tuple[tree.Node, tuple[str, ...]] | None:
    """The node of the marker, with the parameters of the functions around it."""
    match node:
        case tree.Attr(name=name) | tree.Name(name=name) if MARKER in name:
            return node, params
        case tree.Literal(value=str(value)) if MARKER in value:
            return node, params
        case tree.Lambda(params=more):
            params = (*params, *more)
        case _:
            pass
    for child in tree.children(node):
        found = _marked(child, params)
        if found is not None:
            return found
    return None


def _start(scope: Scope, params: frozenset[str]) -> tuple[Item, ...]:
    """What an operand may begin with."""
    items = [Item(name, ItemKind.VARIABLE, name, "parameter", rank=1) for name in sorted(params)]
    for name, binding in scope.names.items():
        detail = "" if binding.type.kind is Kind.ERROR else str(binding.type)
        items.append(Item(name, ItemKind.VARIABLE, name, detail, rank=2))
    for function in scope.functions.values():
        detail = wording.signature_of(function)
        items.append(Item(function.name, ItemKind.FUNCTION, f"{function.name}(", detail, function.doc, 3))
    for built_in in functions().values():
        items.append(_function_item(built_in, 4))
    items += [Item(word, ItemKind.WORD, word, rank=6) for word in _KEYWORDS]
    return tuple(items)


def _after_dot(type_: Type, scope: Scope) -> tuple[Item, ...]:
    """Fields of a record, and functions that take such a value first."""
    items: list[Item] = []
    if type_.kind is Kind.ERROR:
        return ()
    if type_.kind is Kind.RECORD and type_.object == PAIR:
        items += [Item(side, ItemKind.FIELD, side, "side of a joined pair", rank=1) for side in ("left", "right")]
    elif type_.kind is Kind.RECORD:
        found = scope.find(type_.object or "")
        for field in found.fields.values() if found else ():
            doc = "" if found is None else wording.about_field(_shown(found.name), field, written=False)
            rank = 3 if field.deprecated else 1
            items.append(Item(field.name, ItemKind.FIELD, field.name, str(field.type), doc, rank))
    for function in functions().values():
        if any(_takes(signature.params[0], type_) for signature in function.signatures if signature.params):
            items.append(_function_item(function, 4))
    for own in scope.functions.values():
        if own.params and is_assignable(type_.required(), own.params[0][1].required()):
            items.append(Item(own.name, ItemKind.FUNCTION, f"{own.name}(", wording.signature_of(own), own.doc, 3))
    return tuple(items)


def _function_item(function: Function, rank: int) -> Item:
    first = function.signatures[0]
    return Item(
        function.name, ItemKind.FUNCTION, f"{function.name}(", first.text, wording.about_function(function), rank
    )


def _takes(param: Param, type_: Type) -> bool:
    """Whether a value of the type may stand at a parameter; a pattern that takes anything is no reason to propose."""
    match param.pattern:
        case Plain(kinds=kinds):
            return any(is_assignable(type_.required(), Type(kind)) for kind in kinds)
        case ListPattern():
            return type_.kind is Kind.LIST
        case PairPattern():
            return type_.object == PAIR
        case _:
            return False


def _compared(attempt: _Attempt, *, quoted: bool) -> Iterator[Item]:
    """Values of the enum that the marker is compared with; inside quotes the bare value."""
    for node in tree.walk(attempt.root):
        pairs: tuple[tuple[tree.Node, tree.Node], ...]
        match node:
            case tree.Binary(op="==" | "!=", left=left, right=right):
                pairs = ((left, right), (right, left))
            case tree.Binary(op="in" | "not in", left=left, right=tree.Items(items=items)):
                pairs = tuple((left, item) for item in items)
            case _:
                continue
        for known, typed in pairs:
            type_ = attempt.types.get(known.n, ERROR)
            if typed is attempt.node and type_.kind is Kind.ENUM:
                for value in type_.values:
                    text = value if quoted else "'" + value.replace("'", "\\'") + "'"
                    yield Item(value, ItemKind.VALUE, text, str(type_.required()), rank=0)
                return


def _shown(name: str) -> str:
    return name.removeprefix(f"{PLAIN_SYSTEM}.")

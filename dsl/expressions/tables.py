"""The grammar's text in, lark's parser out: built once, after that loaded from its tables.

Building the tables takes a third of a second, most of what linting a small project costs; loading them takes five
milliseconds. They are kept by `fieldwright.dsl.cache` under a key of everything they depend on, in `marshal`'s format:
unlike a pickle it holds plain values only, so that reading it runs nothing.
"""

from __future__ import annotations

import marshal
import sys
from typing import Any

from fieldwright.dsl.cache import keep, key_of, load

_OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "contextual", "keep_all_tokens": True}
_SHAPE = "1"


def build_parser(grammar: str, transformer: Any) -> Any:
    """A parser of this grammar whose reductions are the transformer's methods."""
    from lark import Lark, __version__

    key = key_of(grammar, repr(sorted(_OPTIONS.items())), __version__, sys.version, _SHAPE)
    kept = load("grammar", key)
    if kept is not None:
        parser = _loaded(kept, transformer)
        if parser is not None:
            return parser
    parser = Lark(grammar, transformer=transformer, **_OPTIONS)
    keep("grammar", key, _tables(parser))
    return parser


def _tables(parser: Any) -> bytes:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"] = {**data["options"], "transformer": None}  # the one option that is no plain value
    return marshal.dumps((data, memo))


def _loaded(kept: bytes, transformer: Any) -> Any:
    from lark import Lark

    try:
        data, memo = marshal.loads(kept)
        return Lark.__new__(Lark)._load({"data": data, "memo": memo}, transformer=transformer)
    except (ValueError, EOFError, TypeError, KeyError, AttributeError, AssertionError):
        return None

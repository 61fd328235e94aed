"""Trees of the Common Expression Language in, expressions of the mapping language out.

Translation follows names and operators only. Where the two languages mean different things by the same construct, the
translated expression has another outcome than the case expects, and the list of deviations says why.
"""

from __future__ import annotations

from decimal import Decimal

from tests.conformance.celsyntax import Foreign, Tree

_OPERATORS = {"&&": "and", "||": "or"}
_METHODS = {
    "startsWith": "starts_with",
    "endsWith": "ends_with",
    "contains": "contains",
    "matches": "matches",
    "trim": "trim",
    "lowerAscii": "lower",
    "upperAscii": "upper",
    "replace": "replace",
    "split": "split",
    "reverse": "reverse",
    "distinct": "distinct",
    "sort": "sort",
    "flatten": "flatten",
}
_CONVERSIONS = {"int": "int", "string": "text", "double": "decimal", "bool": "bool", "timestamp": "timestamp"}
_MACROS = {"all": "all", "exists": "any", "filter": "filter", "map": "map"}
_PARTS = {"getFullYear": "year", "getDate": "day", "getMonth": "month"}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


def translate(node: Tree) -> str:
    """The expression. Foreign when a construct has no counterpart."""
    match node:
        case ("const", "int", value):
            return str(value)
        case ("const", "double", text):
            return _decimal(text)
        case ("const", "text", value):
            return quoted(value)
        case ("const", word, _):
            return str(word)
        case ("name", name):
            return str(name)
        case ("unary", op, operand):
            return f"({'not ' if op == '!' else '-'}{translate(operand)})"
        case ("binary", "+", left, right):
            return _sum(left, right)
        case ("binary", "&&" | "||" as op, left, right) if left[:2] == ("binary", op):
            # A chain of one operator needs no parentheses, of which the language allows only so many.
            return f"{translate(left)[:-1]} {_OPERATORS[op]} {translate(right)})"
        case ("binary", op, left, right):
            return f"({translate(left)} {_OPERATORS.get(op, op)} {translate(right)})"
        case ("choice", asked, then, otherwise):
            return f"(if {translate(asked)} then {translate(then)} else {translate(otherwise)})"
        case ("index", target, position):
            return f"{translate(target)}[{translate(position)}]"
        case ("list", items):
            return f"[{', '.join(translate(item) for item in items)}]"
        case ("call", None, name, arguments):
            return _function(name, arguments)
        case ("call", target, name, arguments):
            return _method(target, name, arguments)
        case _:
            raise Foreign(f"{node[0]} of a message or map")


def quoted(value: str) -> str:
    """A text in quotes."""
    made = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    if any(ord(char) < 32 or ord(char) == 127 for char in made):
        raise Foreign("control characters")
    return f"'{made}'"


def kind(node: Tree) -> str:
    """text, list or nothing known: enough to choose between functions of one name."""
    match node:
        case ("const", "text", _) | ("call", None, "string", _):
            return "text"
        case ("list", _):
            return "list"
        case ("binary", "+", left, right):
            return kind(left) or kind(right)
        case ("call", _, "trim" | "lowerAscii" | "upperAscii" | "replace", _):
            return "text"
        case ("call", _, "map" | "filter" | "split", _):
            return "list"
        case _:
            return ""


def _decimal(text: str) -> str:
    value = Decimal(text)
    made = f"{value:f}"
    if len(made) > 40:
        raise Foreign("numbers beyond 34 digits")
    return made if "." in made else f"{made}.0"


def _sum(left: Tree, right: Tree) -> str:
    match kind(left) or kind(right):
        case "text":
            return f"f'{_inside(left)}{_inside(right)}'"
        case "list":
            return f"concat({translate(left)}, {translate(right)})"
        case _:
            return f"({translate(left)} + {translate(right)})"


def _inside(node: Tree) -> str:
    """A text as part of f-text."""
    if node[:2] == ("binary", "+"):
        return _inside(node[2]) + _inside(node[3])
    made = translate(node)
    if node[:2] == ("const", "text"):
        return made[1:-1].replace("{", "{{").replace("}", "}}")
    return "{" + made.replace("'", '"') + "}"


def with_inputs(node: Tree, texts: dict[str, str]) -> Tree:
    """The tree with compared texts as inputs, put into `texts`: the language refuses to compare two constants of which
    it knows the result."""
    match node:
        case ("binary", op, left, right) if op in _COMPARISONS:
            return ("binary", op, _input(left, texts), _input(right, texts))
        case _:
            return tuple(
                with_inputs(part, texts)
                if isinstance(part, tuple)
                else [with_inputs(each, texts) for each in part]
                if isinstance(part, list)
                else part
                for part in node
            )


def _input(node: Tree, texts: dict[str, str]) -> Tree:
    if node[:2] == ("const", "text"):
        name = f"text_{len(texts)}"
        texts[name] = node[2]
        return ("name", name)
    if node[0] == "list" and all(item[:2] == ("const", "text") for item in node[1]):
        return ("list", [_input(item, texts) for item in node[1]])
    return with_inputs(node, texts)


def _function(name: str, arguments: list[Tree]) -> str:
    if name == "size" and len(arguments) == 1:
        return _size(arguments[0])
    if name == "duration" and len(arguments) == 1 and arguments[0][:2] == ("const", "text"):
        return _duration(arguments[0][2])
    if name in _CONVERSIONS and len(arguments) == 1:
        if name == "int" and arguments[0][:3] == ("call", None, "timestamp"):
            return f"epoch({translate(arguments[0])})"
        return f"{_CONVERSIONS[name]}({translate(arguments[0])})"
    if name == "matches" and len(arguments) == 2:
        return _method(arguments[0], name, arguments[1:])
    raise Foreign(f"the function {name}")


def _method(target: Tree, name: str, arguments: list[Tree]) -> str:
    if target[0] == "name" and target[1] in ("math", "strings", "cel", "optional", "base64", "lists", "sets", "google"):
        raise Foreign(f"the library {target[1]}")
    if name == "size" and not arguments:
        return _size(target)
    if name in _MACROS and len(arguments) == 2 and arguments[0][0] == "name":
        return f"{translate(target)}.{_MACROS[name]}({arguments[0][1]} -> {translate(arguments[1])})"
    if name in ("exists_one", "existsOne") and len(arguments) == 2 and arguments[0][0] == "name":
        return f"({translate(target)}.count({arguments[0][1]} -> {translate(arguments[1])}) == 1)"
    if name in _PARTS and len(arguments) <= 1:
        zone = translate(arguments[0]) if arguments else "'UTC'"
        made = f"{translate(target)}.date({zone}).{_PARTS[name]}()"
        return f"({made} - 1)" if name == "getMonth" else made
    if name == "matches" and len(arguments) == 1 and arguments[0][:2] == ("const", "text"):
        # CEL looks for the pattern anywhere in the text, the language compares with the whole text.
        return f"{translate(target)}.matches({quoted(f'.*({arguments[0][2]}).*')})"
    if name in _METHODS:
        return f"{translate(target)}.{_METHODS[name]}({', '.join(translate(each) for each in arguments)})"
    raise Foreign(f"the method {name}")


def _size(node: Tree) -> str:
    return f"{translate(node)}.{'count' if kind(node) == 'list' else 'length'}()"


def _duration(text: str) -> str:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.lstrip("-").isdigit():
        raise Foreign("durations of several or broken units")
    return f"{_UNITS[unit]}({number})"

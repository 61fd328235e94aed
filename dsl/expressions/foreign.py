"""Functions and words of other languages -> what they are called here.

Spreadsheets, SQL, Python and JavaScript name the same few things differently; an integrator who tries one of their
names gets the right one. Names that differ in case only are found without this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_RENAMED: Final = {
    "len": "length",
    "size": "count",
    "strip": "trim",
    "touppercase": "upper",
    "tolowercase": "lower",
    "ucase": "upper",
    "lcase": "lower",
    "str": "text",
    "string": "text",
    "tostring": "text",
    "number": "decimal",
    "float": "decimal",
    "todecimal": "decimal",
    "parseint": "int",
    "integer": "int",
    "boolean": "bool",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "includes": "contains",
    "left": "truncate",
    "padstart": "pad_left",
    "lpad": "pad_left",
    "padend": "pad_right",
    "rpad": "pad_right",
    "some": "any",
    "exists": "any",
    "every": "all",
    "where": "filter",
    "select": "map",
    "foreach": "map",
    "sorted": "sort",
    "orderby": "sort",
    "unique": "distinct",
    "uniq": "distinct",
    "append": "concat",
    "average": "avg",
    "mean": "avg",
    "ceiling": "ceil",
    "regex": "matches",
    "regexp": "matches",
    "match": "matches",
    "regex_replace": "replace_pattern",
    "replaceall": "replace",
    "substitute": "replace",
    "datediff": "days_between",
    "dateadd": "add_days",
    "eomonth": "end_of_month",
    "vlookup": "lookup",
    "todate": "date",
    "datetime": "timestamp",
}
_SAID: Final = {
    "coalesce": "the first that is not null: `a ?? b ?? c`",
    "ifnull": "`a ?? b`",
    "nvl": "`a ?? b`",
    "default": "`a ?? b`",
    "isnull": "`x is null`",
    "isnone": "`x is null`",
    "isblank": "`x is blank`",
    "isempty": "`x is blank`",
    "ispresent": "`x is not blank`",
    "if": "`if condition then a else b`",
    "iif": "`if condition then a else b`",
    "case": "`if a then b else c`, or a table of values in YAML with `map:`",
    "switch": "a table of values in YAML with `map:`",
    "and": "`a and b`",
    "or": "`a or b`",
    "not": "`not a`",
    "now": "there is no clock; when the run began is `run.started_at`",
    "today": "there is no clock; the day of the run is `run.started_at.date(settings.timezone)`",
    "current_date": "there is no clock; the day of the run is `run.started_at.date(settings.timezone)`",
    "concatenate": "`join([a, b], ' ')`, or f'{a} {b}'",
    "format": "f'{a} {b}', or format_number(), format_date(), format_money()",
    "substring": "`truncate(text, n)`, `right(text, n)`, `before(text, mark)`, or `extract(text, pattern)`",
    "substr": "`truncate(text, n)`, `right(text, n)`, `before(text, mark)`, or `extract(text, pattern)`",
    "mid": "`truncate(text, n)`, `right(text, n)`, `before(text, mark)`, or `extract(text, pattern)`",
    "slice": "`take(n)` and `skip(n)` for lists; `truncate(text, n)` and `right(text, n)` for texts",
    "indexof": "`contains(text, part)`, `before(text, mark)`, `after(text, mark)`",
    "reduce": "`.map(x -> ..).sum()`, or another of sum, product, min, max, any, all",
    "fold": "`.map(x -> ..).sum()`, or another of sum, product, min, max, any, all",
    "uuid": "values do not depend on chance: make a key of the record's own fields",
    "random": "values do not depend on chance",
    "print": "see values with `interpret preview` or `interpret explain`",
}


def renamed(name: str, known: Iterable[str]) -> str | None:
    """The name of the function that another language calls `name`."""
    folded = name.replace("_", "").lower()
    found = _RENAMED.get(name.lower()) or _RENAMED.get(folded)
    if found is not None:
        return found
    return next((each for each in known if each.replace("_", "") == folded and each != name), None)


def remedy(name: str) -> str:
    """What is written instead of a function that the language does not have; empty when that is not known."""
    said = _SAID.get(name.lower()) or _SAID.get(name.replace("_", "").lower())
    return f"write {said}" if said and not said.startswith(("there", "values", "see", "the ")) else said or ""

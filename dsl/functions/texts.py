"""Functions on text. Lengths count characters (code points); positions do not occur in the language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fieldwright.dsl.functions.limits import MAX_TEXT, bounded_list, bounded_text
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError


def is_blank(value: Any) -> bool:
    """Whether a value is null, a text without a visible character, or an empty list: what `is blank` asks."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, list | tuple) and not value


@function(
    "text",
    "join(items: list<string?>, by: string) -> string?",
    ("join(['Ada', null, ' ', 'Lovelace'], ' ')", "Ada Lovelace"),
    ("join([null, ''], ', ')", None),
)
def join(items: list[str | None], by: str) -> str | None:
    """The texts put together with `by` between them. Null and blank ones are left out; null when none is left."""
    left = [item for item in items if item and not item.isspace()]
    return bounded_text(by.join(left)) if left else None


@function("text", "upper(text: string) -> string", ("upper('Straße')", "STRASSE"), inline="{0}.upper()")
def upper(text: str) -> str:
    """All letters as capitals."""
    return text.upper()


@function(
    "text", "lower(text: string) -> string", ("lower('Ada@Example.COM')", "ada@example.com"), inline="{0}.lower()"
)
def lower(text: str) -> str:
    """All letters as small letters."""
    return text.lower()


@function("text", "trim(text: string) -> string", ("trim('  a b ')", "a b"), inline="{0}.strip()")
def trim(text: str) -> str:
    """The text without white space at both ends."""
    return text.strip()


@function("text", "truncate(text: string, length: int) -> string", ("'abcdef'.truncate(3)", "abc"), fallible=True)
def truncate(text: str, length: int) -> str:
    """At most the first `length` characters."""
    if length < 0:
        raise EvaluationError("RT105", f"truncate to {length} characters", "use a length of 0 or more")
    return text[:length]


@function(
    "text",
    "replace(text: string, old: string, new: string) -> string",
    ("replace('a-b-c', '-', '')", "abc"),
    fallible=True,
)
def replace(text: str, old: str, new: str) -> str:
    """Every occurrence of `old` replaced by `new`."""
    if not old:
        raise EvaluationError("RT105", "replace was asked to look for an empty text", "give the text to replace")
    if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise EvaluationError("RT110", f"replacing makes a text longer than {MAX_TEXT}", "shorten the text first")
    return text.replace(old, new)


@function(
    "text",
    "split(text: string, by: string) -> list<string>",
    ("split('a, b', ', ')", ["a", "b"]),
    ("split('', ',')", [""]),
    fallible=True,
)
def split(text: str, by: str) -> list[str]:
    """The pieces of the text between occurrences of `by`."""
    if not by:
        raise EvaluationError("RT105", "split was asked to cut at an empty text", "give the text to cut at")
    return bounded_list(text.split(by))


@function(
    "text",
    "before(text: string, mark: string) -> string?",
    ("'ada@example.com'.before('@')", "ada"),
    ("before('ada', '@')", None),
)
def before(text: str, mark: str) -> str | None:
    """What stands before the first `mark`; null when it does not occur."""
    at = text.find(mark)
    return None if at < 0 else text[:at]


@function("text", "after(text: string, mark: string) -> string?", ("'ada@example.com'.after('@')", "example.com"))
def after(text: str, mark: str) -> str | None:
    """What stands after the first `mark`; null when it does not occur."""
    at = text.find(mark)
    return None if at < 0 else text[at + len(mark) :]


@function(
    "text",
    "starts_with(text: string, part: string) -> bool",
    ("'cb_1'.starts_with('cb_')", True),
    inline="{0}.startswith({1})",
)
def starts_with(text: str, part: str) -> bool:
    """Whether the text begins with `part`."""
    return text.startswith(part)


@function(
    "text",
    "ends_with(text: string, part: string) -> bool",
    ("'a.com'.ends_with('.de')", False),
    inline="{0}.endswith({1})",
)
def ends_with(text: str, part: str) -> bool:
    """Whether the text ends with `part`."""
    return text.endswith(part)


@function("text", "contains(text: string, part: string) -> bool", ("contains('abc', 'b')", True), inline="({1} in {0})")
def contains(text: str, part: str) -> bool:
    """Whether `part` occurs in the text."""
    return part in text


@function("text", "length(text: string) -> int", ("length('Grüße')", 5), inline="len({0})")
def length(text: str) -> int:
    """The number of characters."""
    return len(text)


@function(
    "text",
    "text(value: string|int|decimal|bool|date|timestamp) -> string",
    ("text(5)", "5"),
    ("text(1.50)", "1.50"),
    ("text(true)", "true"),
)
def text(value: str | int | Decimal | bool | date | datetime) -> str:
    """The value as text: decimals without an exponent, dates as 2020-01-31, moments as 2020-01-31T12:00:00Z."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            # An exponent of a million digits must not be written out before anyone looks at the length.
            if value.adjusted() > 1000 or value.adjusted() < -1000:
                raise EvaluationError(
                    "RT103", "a number is too large or too small to be written out", "check its origin"
                )
            return format(value, "f")
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value.year > 999 else value.isoformat()
        case date():
            return value.isoformat()

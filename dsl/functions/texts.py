"""Functions on text. Lengths count characters (code points); pieces are found by what stands around them, or by a
pattern, never by their position."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fieldwright.dsl.functions.durations import shown
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


@function("text", "right(text: string, length: int) -> string", ("right('abcdef', 2)", "ef"), fallible=True)
def right(text: str, length: int) -> str:
    """At most the last `length` characters."""
    if length < 0:
        raise EvaluationError("RT105", f"the last {length} characters", "use a length of 0 or more")
    return text[len(text) - length :] if length < len(text) else text


@function(
    "text",
    "pad_left(text: string, length: int, fill: string = '0') -> string",
    ("pad_left('42', 5)", "00042"),
    ("pad_left('x', 3, ' ')", "  x"),
    fallible=True,
)
def pad_left(text: str, length: int, fill: str) -> str:
    """The text with `fill` in front until it has that many characters; a longer one stays as it is."""
    return text.rjust(_padded(length, fill), fill)


@function(
    "text",
    "pad_right(text: string, length: int, fill: string = ' ') -> string",
    ("pad_right('x', 3, '.')", "x.."),
    fallible=True,
)
def pad_right(text: str, length: int, fill: str) -> str:
    """The text with `fill` behind it until it has that many characters; a longer one stays as it is."""
    return text.ljust(_padded(length, fill), fill)


def _padded(length: int, fill: str) -> int:
    if len(fill) != 1:
        raise EvaluationError("RT105", f"a text is padded with {fill[:20]!r}", "use one character")
    if length > MAX_TEXT:
        raise EvaluationError("RT110", f"padding makes a text longer than {MAX_TEXT}", "use a smaller length")
    return length


@function("text", "capitalize(text: string) -> string", ("capitalize('ada LOVELACE')", "Ada LOVELACE"))
def capitalize(text: str) -> str:
    """The first letter as a capital; the others stay as they are."""
    return text[:1].upper() + text[1:]


@function("text", "squeeze(text: string) -> string", ("squeeze('  a   b ')", "a b"))
def squeeze(text: str) -> str:
    """The words with one blank between them and none at the ends."""
    return " ".join(text.split())


@function("text", "digits(text: string) -> string", ("digits('+49 (30) 1-2')", "493012"))
def digits(text: str) -> str:
    """The digits 0 to 9 of the text, everything else left out."""
    return "".join([char for char in text if char in "0123456789"])


@function("text", "ascii(text: string) -> string", ("ascii('Zoë Müller')", "Zoe Muller"), ("ascii('straße')", "strae"))
def plain_letters(text: str) -> str:
    """The text without accents; what has no plain letter at its base is left out."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


@function(
    "text",
    "remove_prefix(text: string, prefix: string) -> string",
    ("remove_prefix('cb_17', 'cb_')", "17"),
    inline="{0}.removeprefix({1})",
)
def remove_prefix(text: str, prefix: str) -> str:
    """The text without `prefix` at its beginning, if it stands there."""
    return text.removeprefix(prefix)


@function(
    "text",
    "remove_suffix(text: string, suffix: string) -> string",
    ("remove_suffix('plan-EUR', '-EUR')", "plan"),
    inline="{0}.removesuffix({1})",
)
def remove_suffix(text: str, suffix: str) -> str:
    """The text without `suffix` at its end, if it stands there."""
    return text.removesuffix(suffix)


@function(
    "text",
    "text(value: string|int|decimal|bool|date|timestamp|duration) -> string",
    ("text(5)", "5"),
    ("text(1.50)", "1.50"),
    ("text(true)", "true"),
    ("text(hours(36))", "P1DT12H"),
)
def text(value: str | int | Decimal | bool | date | datetime | timedelta) -> str:
    """The value as text: decimals without an exponent, 2020-01-31, 2020-01-31T12:00:00Z, durations as P1DT12H."""
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
        case timedelta():
            return shown(value)

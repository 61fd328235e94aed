"""Functions on durations: exact lengths of time in days of 24 hours, down to the microsecond.

Months and years have no fixed length and are no durations: `add_months` moves a date by them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError

_ISO: Final = re.compile(
    r"(?P<minus>-)?P(?:(?P<weeks>[0-9]{1,6})W|(?=.)(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?)",
    re.ASCII,
)
_TICK: Final = timedelta(microseconds=1)


@function(
    "duration",
    "duration(text: string) -> duration",
    ("duration('P1D')", timedelta(days=1)),
    ("duration('P1DT12H')", timedelta(hours=36)),
    ("duration('PT0.5S')", timedelta(milliseconds=500)),
    ("duration('P1M', else=null)", None),
    fallible=True,
)
def duration(text: str) -> timedelta:
    """A duration from ISO text: weeks, or days, hours, minutes and seconds; months and years have no fixed length."""
    found = _ISO.fullmatch(text)
    if found is None:
        hint = "use add_months(day, n)" if re.search(r"[0-9][MY]", text.partition("T")[0]) else "write it as P1DT12H"
        raise EvaluationError("RT105", f"{text[:40]!r} is not a duration", f"{hint}, or give else=")
    whole, _, part = (found["seconds"] or "0").partition(".")
    try:
        made = timedelta(
            weeks=int(found["weeks"] or 0),
            days=int(found["days"] or 0),
            hours=int(found["hours"] or 0),
            minutes=int(found["minutes"] or 0),
            seconds=int(whole),
            microseconds=int(part.ljust(6, "0") or 0),
        )
    except OverflowError:
        raise _too_long() from None
    return -made if found["minus"] else made


@function("duration", "weeks(count: int) -> duration", ("weeks(2)", timedelta(days=14)), fallible=True)
def weeks(count: int) -> timedelta:
    """A duration of that many times seven days."""
    return _times(count, timedelta(weeks=1))


@function("duration", "days(count: int) -> duration", ("days(2)", timedelta(days=2)), fallible=True)
def days(count: int) -> timedelta:
    """A duration of that many days of 24 hours; may be added to a date or a moment."""
    return _times(count, timedelta(days=1))


@function("duration", "hours(count: int) -> duration", ("hours(36)", timedelta(hours=36)), fallible=True)
def hours(count: int) -> timedelta:
    """A duration of that many hours."""
    return _times(count, timedelta(hours=1))


@function("duration", "minutes(count: int) -> duration", ("minutes(90)", timedelta(minutes=90)), fallible=True)
def minutes(count: int) -> timedelta:
    """A duration of that many minutes."""
    return _times(count, timedelta(minutes=1))


@function("duration", "seconds(count: int) -> duration", ("seconds(90)", timedelta(seconds=90)), fallible=True)
def seconds(count: int) -> timedelta:
    """A duration of that many seconds."""
    return _times(count, timedelta(seconds=1))


def _times(count: int, unit: timedelta) -> timedelta:
    try:
        return count * unit
    except OverflowError:
        raise _too_long() from None


@function("duration", "in_days(length: duration) -> decimal", ("in_days(hours(36))", Decimal("1.5")))
def in_days(length: timedelta) -> Decimal:
    """The duration in days, with a fraction."""
    return _in(length, timedelta(days=1))


@function("duration", "in_hours(length: duration) -> decimal", ("in_hours(minutes(90))", Decimal("1.5")))
def in_hours(length: timedelta) -> Decimal:
    """The duration in hours, with a fraction."""
    return _in(length, timedelta(hours=1))


@function("duration", "in_seconds(length: duration) -> decimal", ("in_seconds(minutes(1))", Decimal(60)))
def in_seconds(length: timedelta) -> Decimal:
    """The duration in seconds, with a fraction."""
    return _in(length, timedelta(seconds=1))


def _in(length: timedelta, unit: timedelta) -> Decimal:
    return DECIMAL_CONTEXT.divide(Decimal(length // _TICK), Decimal(unit // _TICK))


def shown(length: timedelta) -> str:
    """The duration as ISO text: P1DT12H."""
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    hours_, rest = divmod(length.seconds, 3600)
    minutes_, whole = divmod(rest, 60)
    part = f".{length.microseconds:06d}".rstrip("0") if length.microseconds else ""
    time = f"{hours_}H" * bool(hours_) + f"{minutes_}M" * bool(minutes_) + f"{whole}{part}S" * bool(whole or part)
    day = f"{length.days}D" * bool(length.days)
    return f"{sign}P{day}{'T' + time if time else ''}" if day or time else "PT0S"


def _too_long() -> EvaluationError:
    return EvaluationError("RT103", "a duration is longer than 999,999,999 days", "check its origin")

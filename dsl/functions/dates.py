"""Functions on dates, moments and durations. A moment becomes a date only in a zone, which the caller names."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})", re.ASCII
)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name (Europe/Berlin). RT111 when there is none."""
    if "/" not in name and name not in ("UTC", "GMT"):
        raise _no_zone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _no_zone(name) from None


def _no_zone(name: str) -> EvaluationError:
    return EvaluationError("RT111", f"{name[:60]!r} is not a time zone", "use a name as Europe/Berlin or UTC")


@function(
    "date",
    "date(moment: timestamp, zone: string) -> date",
    ("timestamp('2020-01-31T23:30:00Z').date('Europe/Berlin')", date(2020, 2, 1)),
    ("timestamp('2020-01-31T23:30:00Z').date('UTC')", date(2020, 1, 31)),
    fallible=True,
)
def local_date(moment: datetime, zone_name: str) -> date:
    """The calendar day of a moment in a time zone."""
    try:
        return moment.astimezone(zone(zone_name)).date()
    except OverflowError:
        raise out_of_range() from None


@function(
    "date",
    "date(text: string) -> date",
    ("date('2020-01-31')", date(2020, 1, 31)),
    ("date('31.1.2020', else=null)", None),
    fallible=True,
)
def parsed_date(text: str) -> date:
    """A date from text in the form 2020-01-31."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise EvaluationError("RT105", f"{text[:40]!r} is not a date", "write dates as 2020-01-31 or give else=")


@function(
    "date",
    "timestamp(text: string) -> timestamp",
    ("timestamp('2020-01-31T12:00:00+01:00')", datetime(2020, 1, 31, 11, tzinfo=UTC)),
    fallible=True,
)
def parsed_moment(text: str) -> datetime:
    """A moment from text in ISO form with an offset: 2020-01-31T12:00:00Z."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise EvaluationError(
        "RT105", f"{text[:40]!r} is not a moment", "write moments as 2020-01-31T12:00:00Z or give else="
    )


@function("date", "timestamp(seconds: int) -> timestamp", ("timestamp(0)", EPOCH), fallible=True)
def moment_of(seconds: int) -> datetime:
    """A moment from seconds since 1970 (UTC)."""
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise out_of_range() from None


@function("date", "epoch(moment: timestamp) -> int", ("epoch(timestamp('1970-01-02T00:00:00Z'))", 86400))
def epoch(moment: datetime) -> int:
    """Seconds since 1970 (UTC), without a fraction."""
    return (moment - EPOCH) // timedelta(seconds=1)


@function(
    "date",
    "days_between(start: date, end: date) -> int",
    ("days_between(date('2020-01-31'), date('2020-03-01'))", 30),
)
def days_between_dates(start: date, end: date) -> int:
    """Days from one date to another; negative when the second is earlier."""
    return (end - start).days


@function("date", "days_between(start: timestamp, end: timestamp) -> int")
def days_between_moments(start: datetime, end: datetime) -> int:
    """Full days of 24 hours from one moment to another, rounded down."""
    return (end - start) // timedelta(days=1)


@function(
    "date",
    "add_days(day: date, count: int) -> date",
    ("add_days(date('2020-02-28'), 2)", date(2020, 3, 1)),
    fallible=True,
)
def add_days(day: date, count: int) -> date:
    """The date that many days later (earlier for a negative number)."""
    try:
        return day + timedelta(days=count)
    except OverflowError:
        raise out_of_range() from None


@function(
    "date",
    "add_months(day: date, count: int) -> date",
    ("add_months(date('2020-01-31'), 1)", date(2020, 2, 29)),
    fallible=True,
)
def add_months(day: date, count: int) -> date:
    """The same day that many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise out_of_range()
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@function("date", "year(day: date) -> int", ("year(date('2020-01-31'))", 2020), inline="{0}.year")
def year(day: date) -> int:
    """The year of a date."""
    return day.year


@function("date", "month(day: date) -> int", ("month(date('2020-01-31'))", 1), inline="{0}.month")
def month(day: date) -> int:
    """The month of a date, 1 to 12."""
    return day.month


@function("date", "day(day: date) -> int", ("day(date('2020-01-31'))", 31), inline="{0}.day")
def day_of_month(day: date) -> int:
    """The day of the month, 1 to 31."""
    return day.day


def out_of_range() -> EvaluationError:
    """The error of a date that the language has no room for."""
    return EvaluationError("RT103", "a date lies outside of the years 1 to 9999", "check its origin")

"""Functions on the calendar: months, quarters and weeks of a date, and dates written in the forms of other systems."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from fieldwright.dsl.functions.dates import add_months, out_of_range, zone
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError


@function("date", "start_of_month(day: date) -> date", ("start_of_month(date('2020-02-15'))", date(2020, 2, 1)))
def start_of_month(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


@function("date", "end_of_month(day: date) -> date", ("end_of_month(date('2020-02-15'))", date(2020, 2, 29)))
def end_of_month(day: date) -> date:
    """The last day of the month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


@function("date", "start_of_quarter(day: date) -> date", ("start_of_quarter(date('2020-05-15'))", date(2020, 4, 1)))
def start_of_quarter(day: date) -> date:
    """The first day of the quarter of the calendar year."""
    return date(day.year, day.month - (day.month - 1) % 3, 1)


@function("date", "start_of_year(day: date) -> date", ("start_of_year(date('2020-05-15'))", date(2020, 1, 1)))
def start_of_year(day: date) -> date:
    """The first of January."""
    return date(day.year, 1, 1)


@function("date", "end_of_year(day: date) -> date", ("end_of_year(date('2020-05-15'))", date(2020, 12, 31)))
def end_of_year(day: date) -> date:
    """The last of December."""
    return date(day.year, 12, 31)


@function(
    "date",
    "start_of_week(day: date) -> date",
    ("start_of_week(date('2020-01-01'))", date(2019, 12, 30)),
    fallible=True,
)
def start_of_week(day: date) -> date:
    """The Monday of the week."""
    try:
        return day - timedelta(days=day.weekday())
    except OverflowError:
        raise out_of_range() from None


@function(
    "date",
    "add_years(day: date, count: int) -> date",
    ("add_years(date('2020-02-29'), 1)", date(2021, 2, 28)),
    fallible=True,
)
def add_years(day: date, count: int) -> date:
    """The same day that many years later; the 29th of February becomes the 28th where there is none."""
    if not -9999 < count < 9999:
        raise out_of_range()
    return add_months(day, 12 * count)


@function(
    "date",
    "months_between(start: date, end: date) -> int",
    ("months_between(date('2020-01-31'), date('2020-03-30'))", 1),
    ("months_between(date('2020-03-01'), date('2020-01-01'))", -2),
)
def months_between(start: date, end: date) -> int:
    """Full months from one date to another; negative when the second is earlier."""
    if end < start:
        return -months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    last = monthrange(end.year, end.month)[1]
    return months - (end.day < min(start.day, last))


@function("date", "quarter(day: date) -> int", ("quarter(date('2020-05-15'))", 2))
def quarter(day: date) -> int:
    """The quarter of the calendar year, 1 to 4."""
    return (day.month + 2) // 3


@function("date", "week(day: date) -> int", ("week(date('2021-01-03'))", 53))
def week(day: date) -> int:
    """The number of the week by ISO 8601, 1 to 53: the week belongs to the year of its Thursday."""
    return day.isocalendar().week


@function("date", "weekday(day: date) -> int", ("weekday(date('2020-01-01'))", 3))
def weekday(day: date) -> int:
    """The day of the week, 1 for Monday to 7 for Sunday."""
    return day.isoweekday()


@function("date", "weekday_name(day: date) -> string", ("weekday_name(date('2020-01-01'))", "Wednesday"))
def weekday_name(day: date) -> str:
    """The English name of the day of the week."""
    return _DAYS[day.weekday()]


@function(
    "date",
    "timestamp(day: date, zone: string) -> timestamp",
    ("timestamp(date('2020-02-01'), 'Europe/Berlin')", datetime(2020, 1, 31, 23, tzinfo=UTC)),
    fallible=True,
)
def start_of_day(day: date, zone_name: str) -> datetime:
    """The moment at which a day begins in a time zone."""
    try:
        return datetime.combine(day, time(), zone(zone_name)).astimezone(UTC)
    except OverflowError:
        raise out_of_range() from None


@function(
    "date",
    "format_date(day: date, form: string) -> string",
    ("format_date(date('2020-02-05'), 'dd.MM.yyyy')", "05.02.2020"),
    ("format_date(date('2020-02-05'), 'd MMMM yyyy')", "5 February 2020"),
    fallible=True,
)
def format_date(day: date, form: str) -> str:
    """The date as text. Fields are yyyy yy MMMM MMM MM M dd d EEEE EEE; other letters stand between single quotes."""
    return _shown(form, datetime.combine(day, time()), _DATE_FIELDS)


@function(
    "date",
    "format_timestamp(moment: timestamp, form: string, zone: string) -> string",
    ("format_timestamp(timestamp('2020-01-31T23:30:00Z'), 'yyyy-MM-dd HH:mm', 'Europe/Berlin')", "2020-02-01 00:30"),
    fallible=True,
)
def format_timestamp(moment: datetime, form: str, zone_name: str) -> str:
    """The moment as text in a time zone. Fields are those of `format_date`, and HH H mm m ss s."""
    try:
        local = moment.astimezone(zone(zone_name))
    except OverflowError:
        raise out_of_range() from None
    return _shown(form, local, _FIELDS)


@function(
    "date",
    "parse_date(text: string, form: string) -> date",
    ("parse_date('05.02.2020', 'dd.MM.yyyy')", date(2020, 2, 5)),
    ("parse_date('2/5/2020', 'M/d/yyyy')", date(2020, 2, 5)),
    ("parse_date('5 Feb', 'dd.MM.yyyy', else=null)", None),
    fallible=True,
)
def parse_date(text: str, form: str) -> date:
    """A date from text of that form. Fields are yyyy MM M dd d, each once; a year has four digits."""
    found = _reader(form).fullmatch(text)
    try:
        if found is not None:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        pass
    raise EvaluationError("RT105", f"{text[:40]!r} is not a date of the form {form[:40]!r}", "correct it or give else=")


def check_form(function_name: str, form: str) -> None:
    """RT105 when the form cannot be used by the function of that name."""
    if function_name == "parse_date":
        _reader(form)
    else:
        _shown(form, datetime(2000, 1, 1), _DATE_FIELDS if function_name == "format_date" else _FIELDS)


_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_PIECE: Final = re.compile(r"(?P<quoted>'[^']*')|(?P<field>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+|')", re.ASCII)
_DATE_FIELDS: Final = frozenset(["yyyy", "yy", "MMMM", "MMM", "MM", "M", "dd", "d", "EEEE", "EEE"])
_FIELDS: Final = _DATE_FIELDS | {"HH", "H", "mm", "m", "ss", "s"}
_READABLE: Final = {
    "yyyy": "(?P<y>[0-9]{4})",
    "MM": "(?P<m>[0-9]{2})",
    "M": "(?P<m>[0-9]{1,2})",
    "dd": "(?P<d>[0-9]{2})",
    "d": "(?P<d>[0-9]{1,2})",
}
_LONGEST: Final = 100


def _shown(form: str, moment: datetime, known: frozenset[str]) -> str:
    made: list[str] = []
    for kind, piece in _pieces(form):
        if kind != "field":
            made.append(piece)
        elif piece in known:
            made.append(_written(piece, moment))
        else:
            raise _no_field(piece, known)
    return "".join(made)


def _pieces(form: str) -> list[tuple[str, str]]:
    if len(form) > _LONGEST:
        raise EvaluationError("RT105", f"a form has more than {_LONGEST} characters", "shorten it")
    found = []
    for match in _PIECE.finditer(form):
        kind, piece = match.lastgroup or "", match.group()
        found.append(("other", piece[1:-1]) if match["quoted"] else ("field" if match["field"] else kind, piece))
    return found


def _written(piece: str, moment: datetime) -> str:
    match piece[0]:
        case "y":
            return f"{moment.year:04d}" if len(piece) == 4 else f"{moment.year % 100:02d}"
        case "M":
            name = _MONTHS[moment.month - 1]
            return name if len(piece) == 4 else name[:3] if len(piece) == 3 else f"{moment.month:0{len(piece)}d}"
        case "E":
            name = _DAYS[moment.weekday()]
            return name if len(piece) == 4 else name[:3]
        case "d":
            number = moment.day
        case "H":
            number = moment.hour
        case "m":
            number = moment.minute
        case _:
            number = moment.second
    return f"{number:0{len(piece)}d}"


@lru_cache(maxsize=64)
def _reader(form: str) -> re.Pattern[str]:
    made: list[str] = []
    for kind, piece in _pieces(form):
        if kind == "field" and piece not in _READABLE:
            raise _no_field(piece, _READABLE)
        made.append(_READABLE[piece] if kind == "field" else re.escape(piece))
    try:
        found = re.compile("".join(made), re.ASCII)
    except re.error:
        raise EvaluationError("RT105", f"{form!r} has a field twice", "use year, month and day once each") from None
    if set(found.groupindex) != {"y", "m", "d"}:
        raise EvaluationError("RT105", f"{form!r} lacks a field", "use year, month and day once each")
    return found


def _no_field(piece: str, known: Iterable[str]) -> EvaluationError:
    fields = " ".join(sorted(known))
    return EvaluationError("RT105", f"`{piece[:20]}` is no field of a date", f"fields are {fields}; quote other words")

"""SOQL date literals into half-open ranges of days, and instants into the text the org stores.

Everything is reckoned in UTC, the time zone of the emulated org and its users; weeks begin on Sunday as in the
en_US locale. Which comparison a range belongs to is for `soql_sql`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from fieldwright.connectors.sandbox.salesforce.soql_syntax import DateRange


def stored_instant(instant: datetime) -> str:
    """`2022-04-05T23:25:39.000+0000`: whole seconds in UTC, so that text order is time order."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_instant(text: str) -> datetime:
    """An ISO instant with `Z`, `+0000` or `+00:00`. Raises ValueError when it is none or has no zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or "T" not in text:
        raise ValueError(text)
    return instant


def days_of(literal: DateRange, today: date) -> tuple[date, date]:
    """The first day of the range and the day after its last."""
    day = timedelta(days=1)
    count = literal.count or 0
    match literal.name.split("_"):
        case ["TODAY"]:
            return today, today + day
        case ["YESTERDAY"]:
            return today - day, today
        case ["TOMORROW"]:
            return today + day, today + 2 * day
        case ["LAST", "90", "DAYS"]:
            return today - 90 * day, today + day
        case ["NEXT", "90", "DAYS"]:
            return today + day, today + 91 * day
        case ["LAST", "N", "DAYS"]:
            return today - count * day, today + day
        case ["NEXT", "N", "DAYS"]:
            return today + day, today + (count + 1) * day
        case ["N", "DAYS", "AGO"]:
            return today - count * day, today - (count - 1) * day
        case ["LAST", "N", units]:
            start = _start(units[:-1], today)
            return _moved(units[:-1], start, -count), start
        case ["NEXT", "N", units]:
            start = _moved(units[:-1], _start(units[:-1], today), 1)
            return start, _moved(units[:-1], start, count)
        case ["N", units, "AGO"]:
            start = _moved(units[:-1], _start(units[:-1], today), -count)
            return start, _moved(units[:-1], start, 1)
        case [when, unit]:
            start = _moved(unit, _start(unit, today), {"LAST": -1, "THIS": 0, "NEXT": 1}[when])
            return start, _moved(unit, start, 1)
        case _:
            raise ValueError(literal.name)


def _start(unit: str, today: date) -> date:
    match unit:
        case "WEEK":
            return today - timedelta(days=(today.weekday() + 1) % 7)
        case "MONTH":
            return today.replace(day=1)
        case "QUARTER":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return today.replace(month=1, day=1)


def _moved(unit: str, start: date, count: int) -> date:
    if unit == "WEEK":
        return start + timedelta(weeks=count)
    months = {"MONTH": 1, "QUARTER": 3}.get(unit, 12) * count
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)

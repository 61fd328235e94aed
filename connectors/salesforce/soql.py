"""Builds the queries of look-ups and reads, packed into few calls, and matches their rows to what was asked for.

Values are bound, never pasted: text goes through simple-salesforce's quoting, everything else must have the shape of
its literal. `IN` lists are filled up to the length an address may have; five queries travel in one composite call.
A compound key is narrowed by its most selective field and matched on the others in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fieldwright.connectors.salesforce.client import SUBREQUESTS, Reply, SalesforceClient, encoded
from fieldwright.dsl.schema import FieldSchema, ObjectSchema
from fieldwright.runtime.records import TargetRecord

LONGEST_URL: Final = 15_000
"""Characters of one query's address. Salesforce refuses 16,384 bytes of address; the rest is left for host and path."""

_NAME: Final = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})")


def select(sobject: str, fields: Iterable[str], field: str, values: Iterable[str]) -> Iterator[str]:
    """Queries for the rows whose `field` is one of the literals `values`, as few as fit."""
    names = list(dict.fromkeys(["Id", *fields]))
    for name in (sobject, field, *names):
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"not a field or object name: {name!r}")
    head = f"SELECT {','.join(names)} FROM {sobject} WHERE {field} IN ("
    room = LONGEST_URL - len(encoded(head)) - 60
    part: list[str] = []
    used = 0
    for value in values:
        size = len(encoded(value)) + 1
        if part and used + size > room:
            yield f"{head}{','.join(part)})"
            part, used = [], 0
        part.append(value)
        used += size
    if part:
        yield f"{head}{','.join(part)})"


def rows(client: SalesforceClient, queries: Sequence[str], check: Callable[[Reply], Any]) -> Iterator[dict[str, Any]]:
    """The rows of all queries, all pages; `check` raises for a reply that failed and gives its body otherwise."""
    for start in range(0, len(queries), SUBREQUESTS):
        replies = client.query(queries[start : start + SUBREQUESTS])
        while replies:
            more: list[str] = []
            for reply in replies:
                body = check(reply)
                yield from body.get("records", ())
                if body.get("nextRecordsUrl"):
                    more.append(body["nextRecordsUrl"])
            replies = client.gets(more) if more else []


def record(row: Mapping[str, Any], fields: Iterable[str]) -> TargetRecord:
    """A row as the runtime sees it; a path such as `Account.Name` becomes a field of that name."""
    return TargetRecord(
        str(row["Id"]), {name: _at(row, name) for name in fields if name != "Id"} | _own_id(row, fields)
    )


def literal(value: Any, field: FieldSchema | None) -> str | None:
    """A value as SOQL literal for the field, or None when no row can have it."""
    from simple_salesforce import format_soql

    native = field.native if field is not None else ""
    if value is None or value == "":
        return None
    if native in ("date", "datetime"):
        return _moment(str(value), native)
    if isinstance(value, bool) or native == "boolean":
        return "true" if value in (True, "true") else "false"
    if isinstance(value, int | Decimal) and native not in (
        "string",
        "textarea",
        "picklist",
        "reference",
        "id",
        "email",
    ):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return str(format_soql("{}", str(value)))


class KeyIndex:
    """Key alternatives of one set of fields: which `IN` query finds their rows, and which row answers which key."""

    def __init__(self, described: ObjectSchema | None, fields: Sequence[str]) -> None:
        self._schemas = {name: described.fields.get(name) if described else None for name in fields}
        self.fields = tuple(fields)
        self._places: dict[tuple[Any, ...], list[int]] = {}
        self._keys: list[Mapping[str, Any]] = []

    def add(self, place: int, key: Mapping[str, Any]) -> None:
        """Ask for a key; one with an empty part matches nothing and is left out."""
        if any(literal(key[name], self._schemas[name]) is None for name in self.fields):
            return
        self._places.setdefault(self._normal(key), []).append(place)
        self._keys.append(key)

    def queries(self, sobject: str, wanted: Iterable[str]) -> list[str]:
        """Queries that find every row any key could mean (and perhaps more)."""
        if not self._keys:
            return []
        field = max(self.fields, key=self._selectivity)
        values = {text: None for key in self._keys if (text := literal(key[field], self._schemas[field])) is not None}
        return list(select(sobject, [*wanted, *self.fields], field, values))

    def places(self, row: Mapping[str, Any]) -> Sequence[int]:
        """The places of the keys that this row answers."""
        return self._places.get(self._normal({name: _at(row, name) for name in self.fields}), ())

    def _selectivity(self, name: str) -> tuple[bool, bool, int]:
        known = self._schemas[name]
        distinct = len({str(key[name]) for key in self._keys})
        return (name == "Id" or bool(known and known.unique), bool(known and known.external_id), distinct)

    def _normal(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(comparable(values[name], self._schemas[name]) for name in self.fields)


def comparable(value: Any, field: FieldSchema | None) -> Any:
    """A value in the form in which Salesforce compares it: ids by their first 15 characters, text without case
    unless the field is case-sensitive, moments in one spelling."""
    native = field.native if field is not None else ""
    if value is None or value == "":
        return None
    if native in ("id", "reference") and isinstance(value, str):
        return value[:15]
    if native in ("date", "datetime"):
        return _moment(str(value), native)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return Decimal(value) if native in ("double", "currency", "percent", "int", "long", "") else str(value)
    text = str(value).strip()
    return text if field is not None and field.case_sensitive else text.casefold()


def _moment(text: str, native: str) -> str | None:
    if native == "date":
        return text[:10] if _DATE.fullmatch(text[:10]) else None
    found = _DATETIME.fullmatch(text)
    if found is None:
        return None
    zone = found[2] if found[2] == "Z" else f"{found[2][:3]}:{found[2][-2:]}"
    return f"{found[1]}{'Z' if zone in ('+00:00', '-00:00') else zone}"


def _at(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _own_id(row: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {"Id": row["Id"]} if "Id" in fields else {}

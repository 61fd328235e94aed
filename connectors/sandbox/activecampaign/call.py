"""What a resource of the emulator is given and what it gives back: `Call`, `Reply`, `Refusal`, and paging.

`app` turns an HTTP request into a `Call` after authentication and rate limiting; a handler answers with a `Reply` or
raises a `Refusal`. Handlers know nothing of HTTP beyond a status. The constructors of refusals are the six body forms
that the real system answers with, because a client that knows only one of them breaks on the others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fieldwright.connectors.sandbox.activecampaign.storage import Storage
from fieldwright.connectors.sandbox.clock import Clock

MAX_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request: path parameters, query pairs in order, decoded JSON body (None without one), and
    the size of the body in bytes. `base` is the address links in replies start with."""

    storage: Storage
    clock: Clock
    zone: ZoneInfo
    base: str
    path: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    body: Any
    size: int

    def stamp(self) -> str:
        """The present instant as stored: UTC, whole seconds."""
        return self.clock.now().astimezone(UTC).isoformat(timespec="seconds")

    def shown(self, stamp: str | None) -> str | None:
        """A stored instant as replies show it: ISO 8601 with the account's offset."""
        return None if stamp is None else datetime.fromisoformat(stamp).astimezone(self.zone).isoformat()

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter, as PHP reads it."""
        found = None
        for key, value in self.query:
            if key == name:
                found = value
        return found

    def parameters(self, name: str) -> list[str]:
        """All values of a repeated parameter (`ids[]=1&ids[]=2`, `ids[0]=1`) or of a comma-separated one."""
        found: list[str] = []
        for key, value in self.query:
            if key == name:
                found.extend(part for part in value.split(",") if part)
            elif key.startswith(f"{name}[") and key.endswith("]"):
                found.append(value)
        return found

    def number(self, name: str) -> int:
        """A number in the path; one that is no number finds nothing."""
        text = self.path[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1

    def part(self, name: str) -> dict[str, Any]:
        """The object under the body's one key (`{"contact": {...}}`)."""
        found = self.body.get(name) if isinstance(self.body, dict) else None
        if not isinstance(found, dict):
            raise fault(422, f"The {name} was not provided.", "field_missing", f"/data/attributes/{name}")
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a status and a JSON body. `plain` sends it as text/plain, as some resources do."""

    status: int
    body: Any
    plain: bool = False


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint below `/api/3`."""

    method: str
    path: str
    handler: Handler


class Refusal(Exception):
    """The request is refused with this status and body; whatever it wrote is rolled back."""

    def __init__(self, status: int, body: Any, *, plain: bool = False) -> None:
        super().__init__(status)
        self.reply = Reply(status, body, plain)


def fault(status: int, title: str, code: str | None = None, pointer: str = "", detail: str = "") -> Refusal:
    """Form 1: `{"errors": [{title, detail, code, source}]}`."""
    error: dict[str, Any] = {"title": title, "detail": detail}
    if code is not None:
        error["code"] = code
    if pointer:
        error["source"] = {"pointer": pointer}
    return Refusal(status, {"errors": [error]})


def status_fault(status: int, title: str, detail: str = "", pointer: str = "") -> Refusal:
    """Form 2: the status is repeated inside the error, and there is no code."""
    error: dict[str, Any] = {"status": status, "title": title}
    if detail:
        error["detail"] = detail
    if pointer:
        error["source"] = {"pointer": pointer}
    return Refusal(status, {"errors": [error]})


def texts_fault(status: int, *texts: str) -> Refusal:
    """Form 3: a list of strings."""
    return Refusal(status, {"errors": list(texts)})


def text_fault(status: int, text: str) -> Refusal:
    """Form 4: one string (seen at fieldOption/bulk)."""
    return Refusal(status, {"errors": text}, plain=True)


def message_fault(status: int, message: str) -> Refusal:
    """Form 5: `{"message": ...}`, used when nothing was found."""
    return Refusal(status, {"message": message})


def import_fault(message: str, reasons: Sequence[Any]) -> Refusal:
    """Form 6: the bulk importer's own, with a lower-case `success` although its acceptance has a capital one."""
    return Refusal(400, {"success": 0, "message": message, "failureReasons": list(reasons)})


def nothing_found(kind: str, number: int | str, *, status: int = 404) -> Refusal:
    """The most common answer to an unknown id. The status differs by resource: 403 for lists, groups, field values.
    Source: notes on recorded replies of public clients."""
    return message_fault(status, f"No Result found for {kind} with id {number}")


def limits(call: Call, default: int = DEFAULT_PAGE) -> tuple[int, int]:
    """`limit` (capped at 100) and `offset` of a list request; nonsense falls back to the default."""
    return min(_natural(call.parameter("limit"), default) or default, MAX_PAGE), _natural(call.parameter("offset"), 0)


def _natural(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else default


def page(
    call: Call,
    table: str,
    where: Sequence[str],
    values: Sequence[Any],
    *,
    order: str = "id",
    default: int = DEFAULT_PAGE,
) -> tuple[list[sqlite3.Row], dict[str, str]]:
    """One page of a table and its `meta`; the total is a string, as in every list of this API."""
    limit, offset = limits(call, default)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    total = call.storage.number(f"SELECT COUNT(*) FROM {table}{condition}", values)
    found = call.storage.rows(
        f"SELECT * FROM {table}{condition} ORDER BY {order} LIMIT ? OFFSET ?", [*values, limit, offset]
    )
    return found, {"total": str(total)}


def as_id(value: Any) -> int:
    """An id given as a number or as text; -1, which no row has, for anything else."""
    if isinstance(value, bool):
        return -1
    if isinstance(value, int):
        return value if abs(value) < 2**62 else -1
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def as_text(value: Any) -> str:
    """A scalar of a JSON body as the text that is stored; PHP shows true as 1 and false as nothing."""
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    return value if isinstance(value, str) else str(value)

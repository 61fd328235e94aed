"""Turns the replies that say no into one family of exceptions, told apart by what happens next.

ActiveCampaign has at least six forms of error body and uses one status for several meanings, so the words decide
where the status does not: "No Result found" is an absent record whether it comes as 403, 404 or 422. `refusal` reads
any reply; `outcome` says what a refusal of one record's write means for that record; `run_error` what it means for
everything else. Texts are the vendor's own, redacted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fieldwright.runtime.errors import AccessRefused, ObjectRefused, RunError, TryAgainLater, Unavailable
from fieldwright.runtime.records import Outcome, Result

SYSTEM: Final = "activecampaign"
_ABSENT: Final = re.compile(r"no result found for|\b(contact|tag|list) not found\b", re.IGNORECASE)
_IMPORT_RATE: Final = "rate limit exceeded"


@dataclass(frozen=True, slots=True)
class Fault:
    """One complaint of a reply: its code (`duplicate`, `field_missing`, ... or empty), words and JSON pointer."""

    text: str
    code: str = ""
    pointer: str = ""

    @property
    def field(self) -> str:
        """The attribute the pointer ends in, or nothing."""
        return self.pointer.rpartition("/")[2]


class Refusal(Exception):
    """ActiveCampaign did not do what was asked. `status` is the HTTP status, `faults` its complaints."""

    def __init__(self, status: int, faults: tuple[Fault, ...], body: Any = None) -> None:
        super().__init__("; ".join(fault.text for fault in faults) or f"HTTP {status} without a reason")
        self.status = status
        self.faults = faults
        self.body = body

    @property
    def code(self) -> str:
        """The first code, or the status."""
        return next((fault.code for fault in self.faults if fault.code), str(self.status))


class KeyRefused(Refusal):
    """The key is wrong, expired, or its user may not do this."""


class Absent(Refusal):
    """The record is not there (any more)."""


class Duplicate(Refusal):
    """Something unique exists already."""


class Invalid(Refusal):
    """The request is wrong and stays wrong."""


class Limited(Refusal):
    """Too many requests; nothing was applied. The transport has waited and given up."""


class Down(Refusal):
    """The server failed, or its reply could not be read; a write may have been applied."""


def refusal(status: int, body: Any, redact: Callable[[str], str] = str) -> Refusal:
    """The exception for a reply with an error status; `body` is decoded JSON, or None when it was not JSON.
    `redact` takes secrets and personal data out of the words."""
    faults = tuple(replace(fault, text=redact(fault.text)) for fault in _faults(body))
    words = " ".join(fault.text for fault in faults)
    if _ABSENT.search(words):
        return Absent(status, faults, body)
    if status == 429 or words.lower().startswith(_IMPORT_RATE):
        return Limited(status, faults, body)
    if status in (401, 402, 403):
        return KeyRefused(status, faults, body)
    if status == 404:
        return Absent(status, faults, body)
    if status >= 500 or status == 408:
        return Down(status, faults, body)
    if any(fault.code == "duplicate" or "already exists" in fault.text for fault in faults):
        return Duplicate(status, faults, body)
    return Invalid(status, faults, body)


def _faults(body: Any) -> list[Fault]:
    if not isinstance(body, Mapping):
        return []
    listed = body.get("errors")
    found: list[Fault] = []
    if isinstance(listed, str):
        found.append(Fault(listed))
    elif isinstance(listed, list):
        found.extend(_fault(item) for item in listed)
    elif isinstance(listed, Mapping):
        found.append(_fault(listed))
    if isinstance(message := body.get("message"), str):
        found.append(Fault(message))
    reasons = body.get("failureReasons")
    if isinstance(reasons, list):
        for reason in reasons:
            text = reason.get("failureReason") if isinstance(reason, Mapping) else reason
            found.append(Fault(str(text), "import_invalid"))
    return found


def _fault(item: Any) -> Fault:
    if not isinstance(item, Mapping):
        return Fault(str(item))
    title, detail = str(item.get("title") or ""), str(item.get("detail") or "")
    source = item.get("source")
    pointer = str(source.get("pointer") or "") if isinstance(source, Mapping) else ""
    # The detail, where there is one, repeats the title with the value in question.
    return Fault(detail if len(detail) > len(title) else title or detail, str(item.get("code") or ""), pointer)


def outcome(error: Refusal, target_id: str | None = None) -> Outcome:
    """What a refused write means for its record."""
    fields = tuple(dict.fromkeys(fault.field for fault in error.faults if fault.field))
    match error:
        case Limited():
            return Outcome(Result.RETRY, target_id, code="rate_limit", reason=str(error), fix="Run again later.")
        case Down():
            return Outcome(Result.AMBIGUOUS, target_id, code=error.code, reason=str(error), fix="Run again.")
        case KeyRefused():
            fix = "Give the key's user the right to edit contacts and lists, or use the key of another user."
            return Outcome(Result.CONFIG, target_id, code="forbidden", reason=str(error), fix=fix)
        case Absent():
            fix = "Restore the contact in ActiveCampaign, or exclude the customer."
            return Outcome(Result.REJECTED, target_id, code="gone", reason=str(error), fix=fix, gone=True)
        case Duplicate():
            fix = "Another contact has this e-mail: merge the two contacts in ActiveCampaign, or correct the e-mail."
            return Outcome(Result.REJECTED, target_id, code=error.code, reason=str(error), fix=fix, fields=fields)
        case _:
            fix = "Correct the value at the source or in the mapping."
            return Outcome(Result.REJECTED, target_id, code=error.code, reason=str(error), fix=fix, fields=fields)


def run_error(error: Refusal, doing: str) -> RunError:
    """What a refusal means when it is not about one record's write."""
    text = f"ActiveCampaign refused {doing}: {error}"
    match error:
        case Limited():
            return TryAgainLater(text, "Run again in a minute; other integrations share the limit.", system=SYSTEM)
        case Down():
            return Unavailable(text, "Run again later.", system=SYSTEM)
        case KeyRefused():
            fix = "Copy URL and key from Settings > Developer in ActiveCampaign; the key has the rights of its user."
            return AccessRefused(text, fix, system=SYSTEM)
        case _:
            return ObjectRefused(text, system=SYSTEM)

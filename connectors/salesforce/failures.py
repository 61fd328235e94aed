"""Says what each Salesforce error means for a run: try again, wait for a parent, give the record or the object up.

`CODES` is the table: vendor code -> outcome class and what the user can do. A record that Salesforce reports as failed
was not saved, so an unknown code is a rejection, not an ambiguity. Two kinds need their message as well:
`INVALID_FIELD` is a wrong column or a parent that is not there yet, and trigger or flow errors are temporary only when
they say so.
Vendor texts quote record values; those are cut out and the rest is redacted.
Source of the codes: Salesforce's API reference and WSDL; recorded traffic for the texts that are matched here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fieldwright.connectors.redaction import Redactor
from fieldwright.runtime.errors import AccessRefused, ObjectRefused, RunError, TryAgainLater, Unavailable
from fieldwright.runtime.records import Outcome, Result

_R, _X, _C = Result.RETRY, Result.REJECTED, Result.CONFIG

_LOCK: Final = "Another transaction holds the record; it is tried again."
_LATER: Final = "Salesforce could not do it now; it is tried again."
_RIGHTS: Final = "Give the integration user the rights to this object and field (permission set, field-level security)."
_LIMIT: Final = "Run again when the limit has reset."

CODES: Final[Mapping[str, tuple[Result, str]]] = {
    "UNABLE_TO_LOCK_ROW": (_R, _LOCK),
    "UNABLE_TO_LOCK_RECORD": (_R, _LOCK),
    "RECORD_IN_USE_BY_WORKFLOW": (_R, _LOCK),
    "SERVER_UNAVAILABLE": (_R, _LATER),
    "SERVICE_UNAVAILABLE": (_R, _LATER),
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": (_R, _LATER),
    "REQUEST_RUNNING_TOO_LONG": (_R, _LATER),
    "QUERY_TIMEOUT": (_R, _LATER),
    "UNKNOWN_EXCEPTION": (_R, _LATER),
    "INTERNAL_SERVER_ERROR": (_R, _LATER),
    "REQUEST_LIMIT_EXCEEDED": (_R, _LIMIT),
    "CONCURRENT_REQUEST_LIMIT": (_R, _LIMIT),
    "EXCEEDED_QUOTA": (_R, _LIMIT),
    "API_CURRENTLY_DISABLED": (_R, "The org is in maintenance; run again later."),
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": (_R, "The org is read-only for maintenance; run later."),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": (_R, "Another row of the same group failed; nothing is wrong with this one."),
    "PROCESSING_HALTED": (_R, "Another row of the same group failed; nothing is wrong with this one."),
    "TXN_SECURITY_NO_ACCESS": (_C, "A transaction security policy blocks the integration user."),
    "STORAGE_LIMIT_EXCEEDED": (_C, "The org's storage is full: free or buy storage."),
    "API_DISABLED_FOR_ORG": (_C, "This edition of Salesforce has no API."),
    "DUPLICATES_DETECTED": (
        _X,
        "A duplicate rule matched another record: merge or correct one of them, exclude the integration user from the "
        "rule, or set `on_duplicate: allow` (works for rules that alert, not for rules that block).",
    ),
    "DUPLICATE_VALUE": (_X, "Another record has this value in a field that must be unique; the text names it."),
    "DUPLICATE_EXTERNAL_ID": (_X, "Several records share this external id: merge them, or make the field unique."),
    "REQUIRED_FIELD_MISSING": (_X, "Map the named fields, or give them a default with `??`."),
    "STRING_TOO_LONG": (_X, "Shorten the value at the source, or set `max_length: truncate` on the field."),
    "NUMBER_OUTSIDE_VALID_RANGE": (_X, "The number has more digits than the field; widen the field in Setup."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (
        _X,
        "Add the value to the field's picklist, or translate it with a `map:` table.",
    ),
    "INVALID_EMAIL_ADDRESS": (_X, "Correct the address at the source; the next run tries it again."),
    "JSON_PARSER_ERROR": (_X, "A value has the wrong type for its field; compare the mapping with the field's type."),
    "MALFORMED_ID": (_X, "The value is not a record id; map a reference with `ref:`."),
    "INVALID_CROSS_REFERENCE_KEY": (_X, "The referenced record is deleted or not visible to the integration user."),
    "INVALID_FIELD": (
        _C,
        "The org lacks this field, or the user may not see it: grant it, or `remove:` it in an overlay.",
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (_C, f"The field may not be written. {_RIGHTS}"),
    "INVALID_TYPE": (_C, f"The org lacks this object, or the user may not see it. {_RIGHTS}"),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": (_X, "A value has the wrong type for its field."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (_X, "A validation rule of the org refused it; the text is the rule's."),
    "FIELD_FILTER_VALIDATION_EXCEPTION": (_X, "A lookup filter of the org refused the referenced record."),
    "FIELD_INTEGRITY_EXCEPTION": (_X, "Values do not fit each other (price and price book, state and country)."),
    "STANDARD_PRICE_NOT_DEFINED": (_X, "The product needs a price in the standard price book first."),
    "PRICE_NOT_FOUND": (_X, "The product has no price in this price book and currency."),
    "INVALID_CURRENCY_ISO": (_X, "Activate the currency in the org (Setup > Manage Currencies)."),
    "UNAVAILABLE_RECORDTYPE_EXCEPTION": (_X, "The integration user has no record type for this object."),
    "INVALID_RECORD_TYPE": (_X, "The record type does not exist or is not assigned to the integration user."),
    "INVALID_PERSON_ACCOUNT_OPERATION": (_X, "Person accounts take LastName and Person fields instead of Name."),
    "INSUFFICIENT_ACCESS": (_C, _RIGHTS),
    "INSUFFICIENT_ACCESS_OR_READONLY": (_X, "The integration user may not edit this record (sharing, or locked)."),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (_X, "The integration user cannot see the referenced record."),
    "ENTITY_IS_DELETED": (_X, "The record is in the recycle bin of the org: restore it there."),
    "ENTITY_IS_LOCKED": (_X, "An approval process locks the record; finish or recall it."),
    "RECORD_LOCKED": (_X, "An approval process locks the record; finish or recall it."),
    "NOT_FOUND": (_X, "The record is gone from the org: restore it from the recycle bin."),
    "INACTIVE_OWNER_OR_USER": (_X, "The owner is an inactive user: map an active one."),
    "DELETE_FAILED": (_X, "Other records depend on it."),
    "CANNOT_DELETE_ENTITY": (_X, "Salesforce does not let this record be deleted."),
    "MISSING_ARGUMENT": (_X, "The key or id is empty."),
    "EXCEEDED_ID_LIMIT": (_C, "Please report this: more rows were sent in one call than Salesforce takes."),
    "LIMIT_EXCEEDED": (_C, "Please report this: more was sent in one call than Salesforce takes."),
    "MALFORMED_QUERY": (_C, "Please report this with the text."),
}
"""Every other code of a failed record is a rejection without advice."""

_AUTOMATION: Final = frozenset(
    {
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "FLOW_EXCEPTION",
        "APEX_ERROR",
        "SELF_REFERENCE_FROM_TRIGGER",
    }
)
_TEMPORARY: Final = re.compile(r"UNABLE_TO_LOCK_ROW|QueryTimeout|QUERY_TIMEOUT|UNABLE_TO_LOCK_RECORD")
_NO_PARENT: Final = re.compile(r"^Foreign key external ID\b.*\bnot found", re.DOTALL)
_INNOCENT: Final = frozenset({"ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"})
_GONE: Final = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND"})
_VALUES: Final = (
    # A refused query is quoted with its literals and a caret line.
    (re.compile(r"\A.*ERROR at Row:\d+:Column:\d+\s*", re.DOTALL), ""),
    (re.compile(r"(data value too large: ).*( \(max length=\d+\))", re.DOTALL), r"\1...\2"),
    (re.compile(r"((?:invalid email address|valid range on numeric field): ).*", re.DOTALL), r"\1..."),
    (re.compile(r"(id value of incorrect type: ).*", re.DOTALL), r"\1..."),
    (re.compile(r"(Foreign key external ID: ).*( not found for field)", re.DOTALL), r"\1...\2"),
    (re.compile(r"( from \w+ value ).*?( or request may be)", re.DOTALL), r"\1...\2"),
)
_LONGEST: Final = 400


def outcome(errors: Sequence[Mapping[str, Any]], redact: Redactor) -> Outcome:
    """The outcome of a record that failed with these errors (`statusCode` or `errorCode`, `message`, `fields`)."""
    # A record may carry several errors: its own come before those that only tell of a neighbour's failure.
    ranked = sorted(errors, key=lambda error: _code(error) in _INNOCENT)
    if not ranked:
        return Outcome(Result.REJECTED, reason="Salesforce refused the record without a reason")
    first = ranked[0]
    code, message = _code(first), str(first.get("message") or "")
    result, fix = judge(code, message)
    fields = tuple(str(name) for name in first.get("fields") or ())
    return Outcome(result, code=code, reason=shown(message, redact), fix=fix, fields=fields, gone=code in _GONE)


def judge(code: str, message: str) -> tuple[Result, str]:
    """Outcome class and advice for one error."""
    if code == "INVALID_FIELD" and _NO_PARENT.search(message):
        return Result.WAITS, "The referenced record is not in Salesforce yet; this one follows once it is."
    if code in _AUTOMATION:
        if _TEMPORARY.search(message):
            return Result.RETRY, _LOCK
        return Result.REJECTED, "A trigger or flow of the org refused it; the text is the automation's."
    return CODES.get(code, (Result.REJECTED, ""))


def innocent(found: Outcome) -> bool:
    """Whether a failed record only shares the fate of its group."""
    return found.code in _INNOCENT


def already_gone(found: Outcome) -> bool:
    """Whether a failed delete found nothing left to delete."""
    return found.code in _GONE


def shown(message: str, redact: Redactor) -> str:
    """The vendor's words without record values, secrets and personal data, shortened."""
    for shape, replacement in _VALUES:
        message = shape.sub(replacement, message)
    return redact(message)[:_LONGEST]


def first_error(body: Any) -> tuple[str, str]:
    """Code and message of an error reply (`[{errorCode, message}]`, or OAuth's `{error, error_description}`)."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return _code(body[0]), str(body[0].get("message") or "")
    if isinstance(body, dict):
        return str(body.get("error") or body.get("errorCode") or ""), str(body.get("error_description") or "")
    return "", ""


def over_limit(status: int, body: Any) -> str:
    """`concurrent`, `daily`, or empty: one code stands for both, the message tells them apart."""
    if status != 403:
        return ""
    code, message = first_error(body)
    if code != "REQUEST_LIMIT_EXCEEDED":
        return ""
    return "concurrent" if "Concurrent" in message else "daily"


def request_error(status: int, body: Any, path: str, redact: Redactor, *, readable: bool) -> RunError:
    """The run's error for a request that failed as a whole."""
    what = path.partition("?")[0]
    if not readable:
        return Unavailable(
            f"salesforce answered {status} with something that is not JSON ({what})",
            "A login or maintenance page may be in the way; run again later.",
            system="salesforce",
        )
    code, message = first_error(body)
    text = f"salesforce refused {what}: {shown(message, redact) or 'no reason given'} ({status} {code})"
    if status == 429:
        return TryAgainLater(text, _LIMIT, system="salesforce")
    if status >= 500 or status == 0:
        return Unavailable(text, "Run again later.", system="salesforce")
    result, fix = judge(code, message)
    if result is Result.RETRY:
        return Unavailable(text, fix, system="salesforce")
    if status == 403 and code not in CODES:
        return AccessRefused(text, _RIGHTS, system="salesforce")
    return ObjectRefused(text, fix, system="salesforce")


def _code(error: Mapping[str, Any]) -> str:
    return str(error.get("statusCode") or error.get("errorCode") or "")

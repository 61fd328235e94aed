"""What each Salesforce error means for a run."""

from __future__ import annotations

from typing import Any

import pytest

from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.salesforce import failures
from fieldwright.runtime.errors import AccessRefused, ObjectRefused, RunError, TryAgainLater, Unavailable
from fieldwright.runtime.records import Outcome, Result

FOREIGN = "Foreign key external ID: c7 not found for field chargebeeapps__CB_Id__c in entity Account"
TRIGGER = "Guard: execution of BeforeInsert caused by: "


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Result.RETRY),
        ("SERVER_UNAVAILABLE", "", Result.RETRY),
        ("UNKNOWN_EXCEPTION", "ErrorId 1", Result.RETRY),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", Result.RETRY),
        ("INVALID_FIELD", "No such column 'X' on sobject of type Account", Result.CONFIG),
        ("INVALID_FIELD", FOREIGN, Result.WAITS),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X", Result.CONFIG),
        ("INVALID_TYPE", "", Result.CONFIG),
        ("STORAGE_LIMIT_EXCEEDED", "", Result.CONFIG),
        ("STRING_TOO_LONG", "", Result.REJECTED),
        ("DUPLICATES_DETECTED", "Use one of these records?", Result.REJECTED),
        ("INVALID_CURRENCY_ISO", "", Result.REJECTED),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", TRIGGER + "System.DmlException", Result.REJECTED),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", TRIGGER + "UNABLE_TO_LOCK_ROW", Result.RETRY),
        ("FLOW_EXCEPTION", "QueryTimeout", Result.RETRY),
        ("A_CODE_NOBODY_KNOWS", "", Result.REJECTED),
    ],
)
def test_codes_are_classed_by_what_happens_next(code: str, message: str, expected: Result) -> None:
    assert failures.judge(code, message)[0] is expected


def test_every_rejection_in_the_table_has_advice() -> None:
    assert [code for code, (_, fix) in failures.CODES.items() if not fix.strip()] == []
    assert len(failures.CODES) >= 55


def test_the_own_error_of_a_record_comes_before_its_neighbours() -> None:
    errors: list[dict[str, Any]] = [
        {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "rolled back", "fields": []},
        {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]},
    ]
    found = failures.outcome(errors, Redactor())
    assert (found.result, found.code, found.fields) == (Result.REJECTED, "REQUIRED_FIELD_MISSING", ("Name",))


def test_a_failure_without_a_reason_is_a_rejection() -> None:
    assert failures.outcome([], Redactor()).result is Result.REJECTED


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "City: data value too large: Llanfairpwllgwyngyll (max length=40)",
            "City: data value too large: ... (max length=40)",
        ),
        ("Email: invalid email address: jane@@x", "Email: invalid email address: ..."),
        (FOREIGN, "Foreign key external ID: ... not found for field chargebeeapps__CB_Id__c in entity Account"),
        (
            "\nSELECT Id FROM X WHERE Email IN ('jane@x.org')\n   ^\nERROR at Row:1:Column:16\nsObject type 'X' is not",
            "sObject type 'X' is not",
        ),
        ("Please call +49 30 90182017 about jane@x.org", "Please call [phone] about [email]"),
    ],
)
def test_the_vendors_words_are_shown_without_record_values(message: str, expected: str) -> None:
    assert failures.shown(message, Redactor()) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}], Unavailable),
        (503, None, Unavailable),
        (429, None, TryAgainLater),
        (400, [{"errorCode": "QUERY_TIMEOUT", "message": "x"}], Unavailable),
        (400, [{"errorCode": "INVALID_TYPE", "message": "x"}], ObjectRefused),
        (403, {"error": "bad_id", "error_description": "x"}, AccessRefused),
        (404, [{"errorCode": "NOT_FOUND", "message": "x"}], ObjectRefused),
    ],
)
def test_a_request_that_failed_as_a_whole_is_an_error_of_the_run(
    status: int, body: Any, expected: type[RunError]
) -> None:
    assert type(failures.request_error(status, body, "/q?q=secret", Redactor(), readable=True)) is expected


def test_the_query_of_an_address_is_not_told() -> None:
    error = failures.request_error(400, None, "/services/data/v59.0/query?q=canary", Redactor(), readable=True)
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "concurrent"),
        (403, "TotalRequests Limit exceeded.", "daily"),
        (400, "TotalRequests Limit exceeded.", ""),
    ],
)
def test_the_two_request_limits_are_told_apart_by_message(status: int, message: str, expected: str) -> None:
    assert failures.over_limit(status, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": message}]) == expected


def test_gone_and_innocent_are_recognised() -> None:
    assert failures.already_gone(Outcome(Result.REJECTED, code="ENTITY_IS_DELETED"))
    assert failures.innocent(Outcome(Result.RETRY, code="PROCESSING_HALTED"))
    assert not failures.innocent(Outcome(Result.RETRY, code="UNABLE_TO_LOCK_ROW"))

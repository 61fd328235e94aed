"""The six forms of error body, told apart by what happens next; addresses that users paste."""

from __future__ import annotations

from typing import Any

import pytest

from fieldwright.connectors.activecampaign.client import base_url
from fieldwright.connectors.activecampaign.errors import (
    Absent,
    Down,
    Duplicate,
    Invalid,
    KeyRefused,
    Limited,
    Refusal,
    outcome,
    refusal,
)
from fieldwright.runtime.errors import ConfigError
from fieldwright.runtime.records import Result

TAKEN = {"title": "Email address already exists in the system", "detail": "", "code": "duplicate"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (422, {"errors": [TAKEN]}, Duplicate, "Email address already exists in the system"),
        (422, {"errors": [{"title": "Bad", "detail": "Bad is bad", "code": 422}]}, Invalid, "Bad is bad"),
        (422, {"errors": [{"status": 422, "title": "Missing attribute"}]}, Invalid, "Missing attribute"),
        (404, {"errors": [{"status": 404, "title": "Not Found", "detail": "Contact not found"}]}, Absent, None),
        (400, {"errors": ["one", "two"]}, Invalid, "one; two"),
        (422, {"errors": "one string"}, Invalid, "one string"),
        (404, {"message": "No Result found for Subscriber with id 1"}, Absent, None),
        (404, {"message": "No result found for contact with id 1"}, Absent, None),
        (403, {"message": "No Result found for List with id 9"}, Absent, None),
        (422, {"message": "No Result found for Group with id 9"}, Absent, None),
        (403, {"message": "Forbidden"}, KeyRefused, "Forbidden"),
        (403, {"errors": [{"status": 403, "title": "Forbidden", "detail": "No permission"}]}, KeyRefused, None),
        (400, {"success": 0, "message": "Rate limit exceeded.", "failureReasons": ["Up to 100"]}, Limited, None),
        (400, {"success": 0, "message": "Refused.", "failureReasons": [{"failureReason": "bad"}]}, Invalid, None),
        (429, None, Limited, "HTTP 429 without a reason"),
        (422, {}, Invalid, "HTTP 422 without a reason"),
        (502, None, Down, "HTTP 502 without a reason"),
    ],
)
def test_a_refusal_is_classed_by_its_words_where_the_status_lies(
    status: int, body: Any, kind: type[Refusal], text: str | None
) -> None:
    found = refusal(status, body)
    assert type(found) is kind
    assert text is None or str(found) == text


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (422, Result.REJECTED),
        (404, Result.REJECTED),
        (403, Result.CONFIG),
        (429, Result.RETRY),
        (500, Result.AMBIGUOUS),
    ],
)
def test_a_refused_record_gets_its_outcome_by_recovery(status: int, result: Result) -> None:
    assert outcome(refusal(status, {"message": "no"})).result is result


def test_personal_data_is_taken_out_of_reasons() -> None:
    body = {"message": "jane@example.com is not valid"}
    assert str(refusal(422, body, lambda text: text.replace("jane@example.com", "[email]"))) == "[email] is not valid"


@pytest.mark.parametrize(
    "given",
    [
        "https://acme.api-us1.com",
        "https://acme.api-us1.com/",
        " https://acme.api-us1.com/api/3",
        "https://acme.api-us1.com/api/3/",
    ],
)
def test_an_address_may_be_pasted_as_it_is_found(given: str) -> None:
    assert base_url(given) == "https://acme.api-us1.com/api/3"


@pytest.mark.parametrize("given", ["acme", "ftp://acme.api-us1.com", "https://acme.api-us1.com/admin", "https://"])
def test_an_address_that_is_none_is_a_configuration_error(given: str) -> None:
    with pytest.raises(ConfigError):
        base_url(given)

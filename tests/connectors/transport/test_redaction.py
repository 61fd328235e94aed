"""What redaction takes out, and what it leaves."""

from __future__ import annotations

import base64

import pytest

from fieldwright.connectors.redaction import Redactor

KEY = "test_AbC/123+x=="


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY} refused", "key [secret] refused"),
        ("key test_AbC%2F123%2Bx%3D%3D refused", "key [secret] refused"),
        ("Authorization: Bearer 00Dxx0000001gPL!AQEAQ.abc_DEF", "Authorization: Bearer [secret]"),
        ('{"access_token": "abcdef", "id": 3}', '{"access_token": "[secret]", "id": 3}'),
        ("password=hunter2&x=1", "password=[secret]&x=1"),
        ("<password>hunter2TOKEN</password>", "<password>[secret]</password>"),
        ("duplicate value found: jane.o'roe+x@mail.example.org on record", "duplicate value found: [email] on record"),
        ("card 4111 1111 1111 1111 declined", "card [number] declined"),
        ("call +49 (30) 901820-17 now", "call [phone] now"),
    ],
)
def test_secrets_and_personal_data_are_taken_out(text: str, expected: str) -> None:
    assert Redactor([KEY])(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "INVALID_FIELD: No such column 'Tier__c' on sobject of type Account",
        "STRING_TOO_LONG (max length=40)",
        "record with id: 001000000000001",
        "2026-11-22T04:55:24.000+0000",
        "chargebeeapps__CB_Id__c: 3 of 200 rows",
    ],
)
def test_codes_names_and_ids_stay(text: str) -> None:
    assert Redactor([KEY])(text) == text


def test_basic_credentials_made_of_a_secret_are_taken_out() -> None:
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    assert KEY not in Redactor([KEY])(f"sent {encoded} to it")
    assert encoded.rstrip("=") not in Redactor([KEY])(f"sent {encoded} to it")


def test_a_token_learned_later_is_taken_out() -> None:
    redact = Redactor()
    redact.learn("abcdefgh12345678")
    assert redact("got abcdefgh12345678") == "got [secret]"

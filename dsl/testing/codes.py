"""Codes of findings about test documents, DM804 and up."""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.codeinfo import CodeInfo

CODES: Final = (
    CodeInfo(
        "DM804",
        "Test names what is not there",
        "A test speaks of a field, a read, a setting, a rule or an input that what it tests does not have. The case "
        "would prove nothing: a slip in `given` is read by nobody, one under `absent` always holds.",
        "expect: {fields: {Nmae: Acme}}",
        "expect: {fields: {Name: Acme}}",
    ),
    CodeInfo(
        "DM805",
        "Value does not fit a test",
        "What a test gives has the wrong shape: a read that brings several records takes a list, a record is a table, "
        "a setting has a type, a moment is written like 2020-01-31T12:00:00Z.",
        "given: {coupons: {id: TEN}}",
        "given: {coupons: [{id: TEN}]}",
    ),
    CodeInfo(
        "DM806",
        "Two cases with one name",
        "Cases are picked and reported by their name, so within one test document each has its own.",
    ),
)

"""Codes of errors that arise while records are written: RT2xx identity and references, RT3xx checks, RT4xx targets.

Errors of expressions (RT1xx) are declared by the language. A target's own codes are passed on as they are and have no
page here: the target's documentation explains them, and the fix printed with the error says what to do.
"""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.codeinfo import CodeInfo

CODES: Final = (
    CodeInfo(
        "RT201",
        "Waits for another record",
        "The field refers to a record that another mapping has not written (yet). Most often that record failed "
        "itself: put that one right, and this one follows by itself in the next run. With `--select`, the other "
        "mapping may simply never have run. A reference that may stay empty is written with `on_missing: skip`.",
        "AccountId: {ref: customer-account, key: customer.id}      # and customer-account rejected the customer",
        "AccountId: {ref: customer-account, key: customer.id, on_missing: skip}",
    ),
    CodeInfo(
        "RT202",
        "Several records match the key",
        "More than one record of the target has the values of the key. Which one was meant is never guessed: merge the "
        "duplicates at the target, or give the mapping a key that tells them apart.",
        "match: [{field: Email, with: customer.email}]",
        "match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]",
    ),
    CodeInfo(
        "RT203",
        "The matching record belongs to another",
        "The key finds a record of the target that is linked to another source record. Two source records that write "
        "one target record would overwrite each other for ever: correct the key of one of them.",
    ),
    CodeInfo(
        "RT204",
        "No record matches, and none is created",
        "The mapping says `on_none: skip`, or a rule asks for an update only, and no record of the target has the "
        "values of the key.",
        "key: {match: [...], on_none: skip}",
        "key: {match: [...], on_none: create}",
    ),
    CodeInfo(
        "RT205",
        "Two source records with one key",
        "Two source records of this run have the same value in the key, as two customers with one e-mail address. Only "
        "one of them can own the target record; the other is listed until its value differs or the two are merged.",
    ),
    CodeInfo(
        "RT301",
        "Written, but not as the check wants",
        "The record was written and read back, and a field does not hold what a check of the mapping works out. Look "
        "for automation at the target that changes the field, or for a difference in rounding.",
        "checks: {Amount: {sum_of: products, value: UnitPrice * Quantity}}",
    ),
    CodeInfo(
        "RT401",
        "Refused without a reason",
        "The target refused the record and gave no code. Try again with `interpret run --retry`; if it stays, write "
        "the record by hand at the target to see what it says.",
    ),
)

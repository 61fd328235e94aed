"""Mapping files come from strangers' pull requests: whatever is in 256 KiB is checked in bounded time, by findings."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fieldwright.dsl.reader import MAX_CHARACTERS

HEAD = """interpret: 1
mapping: m
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: External__c, with: customer.id}]}
"""

FILES = {
    "unknown fields": HEAD + "fields:\n" + "".join(f"  BillingCity{n}__c: 1\n" for n in range(8000)),
    "unknown names": HEAD + "let:\n" + "".join(f"  a{n}: customer.billing_adres{n}\n" for n in range(6000)),
    "unknown kinds of keys": "".join(f"interpret: 1\nmapping: m{n}\nfrmo: 1\n---\n" for n in range(6000)),
    "many mappings in a row": "".join(
        HEAD.replace("mapping: m", f"mapping: m{n}") + f"fields: {{}}\nafter: [m{n - 1}]\n---\n" for n in range(1, 1200)
    ),
    "a long overlay": HEAD
    + "fields:\n"
    + "".join(f"  F{n}: 1\n" for n in range(7000))
    + "---\ninterpret: 1\noverlay: o\nextends: m@1\nadd:\n  fields:\n"
    + "".join(f"    G{n}: 1\n" for n in range(7000)),
    "values that double": HEAD
    + "let:\n  a0: customer.id\n"
    + "".join(f"  a{n}: join([a{n - 1}, a{n - 1}], '')\n" for n in range(1, 200))
    + "fields: {Name: a199}\n",
    "conditions that double": "interpret: 1\nruleset: r\nlet:\n  a0: linked\n"
    + "".join(f"  a{n}: a{n - 1} and a{n - 1}\n" for n in range(1, 300))
    + "rules: [{rule: x, when: a299, then: nothing}]\n---\n"
    + HEAD
    + "driven_by: r\nfields: {Name: customer.id}\n",
    "types within types": "interpret: 1\nfunctions: f\ndefine:\n  g: {params: {a: "
    + "list<" * 5000
    + "}, returns: int, value: 1}\n",
    "brackets in an expression": HEAD + "filter: " + "(" * 900 + "true" + ")" * 900 + "\n",
    "one long line": HEAD + "title: " + "x" * 200_000 + "\n",
    "long names": HEAD + "fields: {" + "N" * 100_000 + ": " + "c" * 100_000 + "}\n",
}


@pytest.mark.parametrize("name", FILES)
def test_any_file_is_checked_in_two_seconds(name: str, check: Any) -> None:
    text = FILES[name][:MAX_CHARACTERS]
    check("interpret: 1\nproject: warm\n", HEAD + "fields: {Name: customer.id}\n")
    spent = []
    for _ in range(3):  # the best of three: the neighbours of a busy machine cost CPU time as well
        started = time.process_time()
        result = check(text)
        spent.append(time.process_time() - started)
        if spent[-1] < 2:
            break
    assert min(spent) < 2
    assert result.diagnostics


def test_attribute_names_of_python_are_unknown_fields(check: Any) -> None:
    result = check(HEAD + "fields: {Name: customer.__class__.__name__}\n")
    assert [finding.code for finding in result.diagnostics if finding.severity == "error"] == ["DM101"]

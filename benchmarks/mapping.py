"""How fast a compiled mapping is, next to a Python function that a careful programmer would write for the same mapping.

Run with `python -m benchmarks.mapping`. Generated records are mapped both ways in one process. The results are asserted
to be equal first; then CPU time is taken in turns, and the median of the paired ratios is printed: below 1 the compiled
mapping is faster. Three measures: customers to Accounts and subscriptions to Opportunities with their products, both
from dictionaries, and customers from JSON text, where the hand-written function has its text parsed by orjson.
Ratios of CPU time bear a busy machine; wall time is not looked at.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping
from decimal import localcontext
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks import hand
from benchmarks.samples import RUN, account_inputs, customers, opportunity_inputs
from fieldwright.connectors.activecampaign import schema as activecampaign
from fieldwright.connectors.chargebee import schema as chargebee
from fieldwright.connectors.salesforce import schema as salesforce
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.program import MappedRecord, Program
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.values import DECIMAL_CONTEXT

RECORDS = 5_000
ROUNDS = 15
TARGETS = {"account": 0.9, "opportunity": 1.2, "bytes": 0.55}
"""The ratios that must not be exceeded."""

Both = tuple[Callable[[Any], Any], Callable[[Any], Any], list[Any]]
"""The compiled way, the hand-written one, and what both are given."""


@cache
def programs() -> Mapping[str, Program]:
    """The shipped mappings, compiled."""
    folder = Path(__file__).parent.parent / "mappings"
    files = [SourceFile(str(path), path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yaml"))]
    catalogs = (chargebee.catalog(), salesforce.catalog(), activecampaign.catalog())
    schemas = Schemas({catalog.system: catalog for catalog in catalogs})
    return check_project(load(files), schemas).programs


def account(count: int) -> Both:
    """Customer dictionaries to Accounts."""
    return programs()["customer-account"].compiled, hand.account, account_inputs(count)


def opportunity(count: int) -> Both:
    """Subscription dictionaries, with the records around them, to Opportunities with products."""
    return programs()["subscription-opportunity"].compiled, hand.opportunity, opportunity_inputs(count)


def from_bytes(count: int) -> Both:
    """Customers in JSON text to Accounts."""
    import orjson

    decoded = programs()["customer-account"].decoding()
    if decoded is None:
        raise AssertionError("the mapping cannot be run from JSON text")
    roots = {"run": RUN}

    def ours(data: bytes) -> MappedRecord:
        return decoded(data, roots)

    def theirs(data: bytes) -> MappedRecord:
        return hand.account({"customer": orjson.loads(data), "run": RUN})

    return ours, theirs, [orjson.dumps(customer) for customer in customers(count)]


MEASURES: Mapping[str, Callable[[int], Both]] = {
    "account": account,
    "opportunity": opportunity,
    "bytes": from_bytes,
}


def measure(function: Callable[[Any], Any], inputs: list[Any]) -> float:
    """CPU seconds to map all inputs."""
    began = process_time()
    for one in inputs:
        function(one)
    return process_time() - began


def ratios(name: str, rounds: int = ROUNDS, count: int = RECORDS) -> list[float]:
    """Compiled by hand-written, one ratio a round, the order changing from round to round. Unequal results raise."""
    compiled, by_hand, inputs = MEASURES[name](count)
    found = []
    with localcontext(DECIMAL_CONTEXT):
        for number, one in enumerate(inputs):
            if compiled(one) != by_hand(one):
                raise AssertionError(f"{name}: different results for record {number}")
        for number in range(rounds):
            if number % 2:
                ours, theirs = measure(compiled, inputs), measure(by_hand, inputs)
            else:
                theirs, ours = measure(by_hand, inputs), measure(compiled, inputs)
            found.append(ours / theirs)
    return found


def main() -> int:
    """Print the median ratios and their spread; exit 1 when a target is missed."""
    print(f"compiled / hand-written, {RECORDS:,} records, {ROUNDS} rounds of CPU time")
    missed = 0
    for name, target in TARGETS.items():
        try:
            found = sorted(ratios(name))
        except ModuleNotFoundError as absent:
            # What the hand-written side is compared with is no dependency of ours.
            print(f"{name:12} left out: `.venv/bin/pip install {absent.name}` brings what it is compared with")
            continue
        median = statistics.median(found)
        missed += median > target
        print(f"{name:12} median {median:.2f}   lowest {found[0]:.2f}   highest {found[-1]:.2f}   target {target}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

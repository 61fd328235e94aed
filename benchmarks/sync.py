"""A full sync, a quiet one and one with 1 % changed, on the sandbox: API calls against the least possible, and where
the time goes.

    python -m benchmarks.sync [--customers 2000] [--runs 3]

The sandbox runs in a process of its own and keeps a call log, which is what is counted; the runtime's own count must
agree. Calls are exact and repeatable and are asserted (at most 1.2 times the minimum); seconds are medians over `runs`
worlds and are printed only, for machines are noisy. The minimum: pages of 100 at Chargebee, 1,000 records a Composite
call of five Collections at Salesforce, 250 contacts an import at ActiveCampaign.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOUND = 1.2
SMALL = 6  # calls a run may make beyond the bound, for what does not grow: log in, count, lists, fields


@dataclass(frozen=True)
class Measured:
    """One run: the calls the sandbox saw by system, the least possible, and seconds."""

    name: str
    calls: dict[str, int]
    least: dict[str, int]
    wall: float
    own: float
    sandbox: float


def interpret(folder: Path, *arguments: str) -> list[str]:
    """The command line, run in `folder`."""
    return [sys.executable, "-m", "fieldwright", *arguments]


def least_calls(report: Mapping[str, Any], read: Mapping[str, int]) -> dict[str, int]:
    """The least calls for what this run read and wrote."""
    least = {"chargebee": sum(max(1, math.ceil(number / 100)) for number in read.values())}
    least["salesforce"] = least["activecampaign"] = 0
    for row in report["objects"]:
        written = row["created"] + row["updated"]
        if row["object"].startswith("salesforce."):
            least["salesforce"] += math.ceil(written / 1000)
        else:
            least["activecampaign"] += math.ceil(written / 250)
    return least


def measured_run(name: str, folder: Path, admin: str) -> tuple[Measured, dict[str, Any]]:
    """Run once and account for it."""
    call(admin, "DELETE", "/calls")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(interpret(folder, "run", "--output", "json"), cwd=folder, capture_output=True, text=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{name}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    detail = call(admin, "GET", "/calls?detail=1")
    seen: dict[str, int] = {}
    for one in detail["detail"]:
        seen[one["system"]] = seen.get(one["system"], 0) + 1
    assert seen == {system: number for system, number in report["api_calls"].items() if number}, (
        seen,
        report["api_calls"],
    )
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sandbox = sum(one["milliseconds"] for one in detail["detail"]) / 1000
    return Measured(name, seen, least_calls(report, report.get("read", {})), wall, own, sandbox), report


def call(admin: str, method: str, path: str) -> Any:
    """Ask the sandbox's admin application."""
    with urllib.request.urlopen(urllib.request.Request(admin + path, method=method)) as answer:
        return json.loads(answer.read() or b"{}")


def touch(endpoints: Mapping[str, Any], share: float, customers: int) -> int:
    """Change some customers at Chargebee through its API; returns how many."""
    from chargebee import Chargebee

    Chargebee.verify_ca_certs = False
    client = Chargebee(api_key=endpoints["chargebee"]["api_key"], site=endpoints["chargebee"]["site"])
    client.env.protocol = "http"
    client.env.api_endpoint = endpoints["chargebee"]["url"].rstrip("/") + "/api/v2"
    wanted = max(1, int(customers * share))
    page = client.Customer.list({"limit": min(100, wanted)})
    for number, entry in enumerate(page.list[:wanted]):
        client.Customer.update(entry.customer.id, {"phone": f"+49 30 {number:06d}"})
    return min(wanted, len(page.list))


def world(customers: int, seed: int) -> list[Measured]:
    """A new world: full, quiet, 1 % changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reset = interpret(folder, "sandbox", "reset", "--customers", str(customers), "--seed", str(seed))
        subprocess.run(reset, cwd=folder, check=True, capture_output=True)
        served = subprocess.Popen(
            interpret(folder, "sandbox", "--output", "json"), cwd=folder, stdout=subprocess.PIPE, text=True
        )
        try:
            assert served.stdout is not None
            endpoints = json.loads(served.stdout.readline())
            admin = endpoints["admin"]["url"].rstrip("/")
            runs = [measured_run("full", folder, admin)[0], measured_run("unchanged", folder, admin)[0]]
            touch(endpoints, 0.01, customers)
            runs.append(measured_run("1 % changed", folder, admin)[0])
            return runs
        finally:
            served.terminate()
            served.wait(20)


def main() -> int:
    """Print the table; exit 1 when a run makes more calls than the bound allows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    worlds = [world(options.customers, seed) for seed in range(1, options.runs + 1)]
    print(f"{options.customers} customers, {options.runs} worlds; calls of the first world, medians of seconds")
    print(f"{'run':<12} {'system':<15} {'calls':>6} {'least':>6} {'ratio':>6}")
    failed = False
    for position, first in enumerate(worlds[0]):
        for system, least in first.least.items():
            calls = first.calls.get(system, 0)
            ratio = f"{calls / least:6.2f}" if least else "     -"
            print(f"{first.name:<12} {system:<15} {calls:>6} {least:>6} {ratio}")
        total, least_total = sum(first.calls.values()), sum(first.least.values())
        over = total > max(BOUND * least_total, least_total + SMALL)
        failed = failed or over
        print(
            f"{first.name:<12} {'all':<15} {total:>6} {least_total:>6} {total / max(least_total, 1):6.2f}"
            + ("  OVER" if over else "")
        )
        rows = [runs[position] for runs in worlds]
        wall = statistics.median(row.wall for row in rows)
        own = statistics.median(row.own for row in rows)
        sandbox = statistics.median(row.sandbox for row in rows)
        print(
            f"{first.name:<12} wall {wall:.2f} s: sandbox {sandbox:.2f} s ({sandbox / wall:.0%}), "
            f"our process {own:.2f} s CPU ({own / wall:.0%}), network and waits {max(0.0, wall - own - sandbox):.2f} s"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

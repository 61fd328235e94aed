"""How long lint takes for a large project: 200 mapping files with 8,000 fields, generated, the same each time.

    python -m benchmarks.lint [--files 200] [--fields 40] [--runs 5]

Whole processes as a user starts them: cold with an empty cache, warm with what the run before has left there, and with
one file changed. Cold and warm runs take turns, so that a busy spell of the machine meets both; medians of CPU time
(which bears company better than wall time) are held against the limits of the design, cold 3 s and warm 1 s. Then the
cost of one expression, by stage.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

COLD, WARM = 3.0, 1.0
"""Seconds."""

_TEXTS = (
    "customer.{field}",
    "upper(customer.{field})",
    "customer.{field} ?? customer.email ?? 'none'",
    "if customer.{field} is blank then customer.id else lower(customer.{field})",
    "truncate(trim(customer.{field} ?? ''), {number})",
    "f'{{customer.{field} ?? customer.id}} ({number})'",
    "if customer.auto_collection == 'on' and customer.{field} is not null then customer.{field} else town",
    "join([customer.first_name ?? '', customer.last_name ?? '', '{number}'], ' ')",
)
_FIELDS = ("first_name", "last_name", "email", "phone", "company", "vat_number", "locale")


def mapping(name: str, fields: int, rnd: random.Random) -> str:
    """A mapping of customers to Accounts with custom fields that the project declares."""
    lines = [
        "interpret: 1",
        f"mapping: {name}",
        "from: {object: chargebee.customer, as: customer}",
        "to: salesforce.Account",
        "key:",
        "  match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]",
        "let:",
        "  town: customer.billing_address.city ?? 'nowhere'",
        "fields:",
        "  Name: customer.company ?? town",
        "  chargebeeapps__CB_Id__c: customer.id",
    ]
    for number in range(fields - 2):
        text = rnd.choice(_TEXTS).format(field=rnd.choice(_FIELDS), number=rnd.randint(1, 200))
        lines.append(f'  Custom_{number}__c: "{text}"')
    return "\n".join(lines) + "\n"


def write_project(folder: Path, files: int, fields: int) -> None:
    """The whole project, without mistakes."""
    rnd = random.Random(20_200_106)
    (folder / "mappings").mkdir(parents=True)
    (folder / "schema").mkdir()
    names = [f"account-{number:03}" for number in range(files)]
    for name in names:
        (folder / "mappings" / f"{name}.map.yaml").write_text(mapping(name, fields, rnd))
    (folder / "interpret.yaml").write_text(f"interpret: 1\nproject: large\napply: [{', '.join(names)}]\n")
    declared = "".join(f"      Custom_{number}__c: {{type: 'string?', length: 200}}\n" for number in range(fields))
    (folder / "schema" / "own.yaml").write_text(
        f"interpret: 1\nschema: own\nobjects:\n  salesforce.Account:\n    fields:\n{declared}"
    )


def lint(folder: Path, cache: str) -> tuple[float, float]:
    """CPU and wall seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "fieldwright", "lint"],
        cwd=folder,
        env={**os.environ, "INTERPRET_CACHE": cache},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or not done.stdout.startswith("No mistakes"):
        raise SystemExit(f"the generated project is not right:\n{done.stdout[:2000]}{done.stderr[:2000]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def stages(folder: Path) -> Iterator[tuple[str, float]]:
    """CPU seconds of each stage for the whole project, in this process; parsing is part of checking as well, and
    costs nothing there because texts are remembered."""
    from fieldwright.connectors.registry import shipped_schemas
    from fieldwright.dsl.compiler import compile_program
    from fieldwright.dsl.expressions.parser import parse
    from fieldwright.dsl.pipeline import check_project, load
    from fieldwright.dsl.source import SourceFile

    schemas = shipped_schemas()
    files = [SourceFile(str(path), path.read_text("utf-8")) for path in sorted(folder.rglob("*.yaml"))]
    texts = [
        line.split('"')[1] for file in files for line in file.text.splitlines() if "Custom_" in line and '"' in line
    ]
    parse("warm")
    yield "read", _seconds(lambda: load(files))
    yield "parse", _seconds(lambda: [parse.__wrapped__(text) for text in texts])
    loaded = load(files)
    for text in texts:
        parse(text)
    yield "check", _seconds(lambda: check_project(loaded, schemas, compiled=False))
    specs = [one.spec for one in check_project(loaded, schemas, compiled=False).linked.values() if one.spec]
    assert len(specs) == len(files) - 2
    yield "compile", _seconds(lambda: [compile_program(spec) for spec in specs])


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    """Print what was measured; 1 where a limit is passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--fields", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "project"
        write_project(folder, given.files, given.fields)
        size = sum(path.stat().st_size for path in folder.rglob("*.yaml"))
        print(f"{given.files} files, {given.files * given.fields} fields, {size / 1e6:.1f} MB")
        touched = folder / "mappings" / "account-000.map.yaml"
        times: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": [], "one file changed": []}
        for number in range(given.runs):
            cache = f"{base}/cache-{number}"
            times["cold"].append(lint(folder, cache))
            times["warm"].append(lint(folder, cache))
            touched.write_text(touched.read_text() + f"# {number}\n")
            times["one file changed"].append(lint(folder, cache))
        slow = False
        for name, limit in (("cold", COLD), ("warm", WARM), ("one file changed", COLD)):
            spent = statistics.median(cpu for cpu, _ in times[name])
            wall = statistics.median(wall for _, wall in times[name])
            slow = slow or spent > limit
            print(f"{name:<17} {spent:6.3f} s CPU, {wall:6.3f} s wall; limit {limit} s")
        fields = given.files * given.fields
        for name, seconds in stages(folder):
            print(f"{name:<17} {seconds:6.3f} s CPU, {seconds / fields * 1e6:6.0f} us a field")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())

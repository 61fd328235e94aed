"""Mapping files of strangers: lint of any of them ends within 2 s and 256 MB, with findings, and touches nothing.

Each attack is a process of its own, forked from one that has imported everything (as a pull request's check would, but
without paying the imports each time), under limits of the operating system. An audit hook notes every connection, every
process started, and every file written or opened outside of where lint has business.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SECONDS = 2
MEGABYTES = 256

HEAD = """\
interpret: 1
mapping: m
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
key: {match: [{field: chargebeeapps__CB_Id__c, with: customer.id}]}
"""


def expression(text: str) -> str:
    return HEAD + "fields:\n  Name: |-\n    " + text + "\n"


ATTACKS = {
    "alias bomb": "a: &a [x, x]\n"
    + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=False)),
    "recursive alias": "a: &a [*a]\n",
    "deep lists": "a: " + "[" * 100_000,
    "deep tables": "".join("  " * n + f"k{n}:\n" for n in range(400)),
    "deep braces": "a: " + "{a: " * 60_000,
    "merge key": HEAD + "fields:\n  <<: {Name: customer.id}\n",
    "python tag": "a: !!python/object/apply:os.system ['touch planted']\n",
    "python name": "a: !!python/name:os.system\n",
    "own tag": HEAD + "fields: !include ../../etc/passwd\n",
    "include": "include: ../../../../../../etc/passwd\n" + HEAD,
    "duplicate keys": HEAD + "fields:\n" + "  Name: customer.id\n" * 12_000,
    "control characters": HEAD + "fields: {Name: \x00\x1b[2J}\n",
    "5,000 digits": HEAD + "fields: {Name: " + "9" * 5_000 + "}\n",
    "digits to the end": HEAD + "version: " + "9" * 250_000 + "\n",
    "exponent": HEAD + "fields: {Name: 1E+1000000}\n",
    "one long word": "x" * 262_000,
    "one long key": "? " + "x" * 200_000 + "\n: 1\n",
    "many documents": "---\n{}\n" * 40_000,
    "many empty documents": "---\n" * 60_000,
    "many comments": "# interpret: allow DM401\n" * 10_000,
    "many allowances": HEAD + "# interpret: allow DM401 -- x\n" * 8_000 + "fields: {}\n",
    "curly quotes": HEAD + "fields:\n" + "".join(f"  F{n}: “a”\n" for n in range(14_000)),
    "wrong operators": HEAD + "fields:\n" + "".join(f"  F{n}: a && b\n" for n in range(12_000)),
    "secrets": HEAD + "title: " + "live_" * 50_000 + "\n",
    "base64": HEAD + "title: " + "bearer " * 30_000 + "\n",
    "operators": expression("customer.id" + " + customer.id" * 290),
    "minus signs": expression("-" * 4_000 + "5"),
    "nots": expression("not " * 900 + "true"),
    "brackets": expression("(" * 900 + "1" + ")" * 900),
    "lists": expression("[" * 900 + "1" + "]" * 900),
    "calls": expression("lower(" * 600 + "customer.id" + ")" * 600),
    "attributes": expression("customer" + ".id" * 1_300),
    "conditions": expression("if true then " * 300 + "1" + " else 2" * 300),
    "coalesce": expression(" ?? ".join(["customer.id"] * 270)),
    "lambdas": expression("[1].map(a -> " * 200 + "1" + ")" * 200),
    "f-texts": expression("f'{" * 500 + "1" + "}'" * 500),
    "f-text of f-texts": expression("f'" + "{customer.id}" * 300 + "'"),
    "python": expression("customer.__class__.__init__.__globals__['os'].system('touch planted')"),
    "format": expression("'{0.__class__}'.format(customer)"),
    "long fill": expression("pad_start('x', 1000000000, 'y')"),
    "long repetition": expression("repeat('x', 1000000000)"),
    "pattern": expression("matches(customer.id, '(a+)+(a+)+(a+)+$')"),
    "long pattern": expression("matches(customer.id, '" + "(a|b)*" * 600 + "')"),
    "power": expression("9" * 18 + " * " + " * ".join(["9" * 18] * 190)),
    "constants that grow": HEAD
    + "let:\n  a0: \"'xxxxxxxx'\"\n"
    + "".join(f"  a{n}: join([a{n - 1}, a{n - 1}], '')\n" for n in range(1, 60))
    + "fields: {Name: a59}\n",
    "examples that grow": "interpret: 1\nfunctions: f\ndefine:\n"
    + "".join(
        f"  g{n}: {{params: {{x: string}}, returns: string, value: \"join([g{n - 1}(x), g{n - 1}(x)], '')\"}}\n"
        if n
        else "  g0: {params: {x: string}, returns: string, value: x}\n"
        for n in range(40)
    ),
    "functions in a circle": "interpret: 1\nfunctions: f\ndefine:\n"
    "  a: {params: {x: int}, returns: int, value: b(x)}\n  b: {params: {x: int}, returns: int, value: a(x)}\n",
    "types in types": "interpret: 1\nfunctions: f\ndefine:\n  g: {params: {a: '"
    + "list<" * 40_000
    + "'}, returns: int, value: 1}\n",
    "a schema of thousands": "interpret: 1\nschema: s\nobjects:\n  salesforce.Account:\n    fields:\n"
    + "".join(f"      F{n}__c: {{type: int}}\n" for n in range(8_000)),
    "bytes": b"\xff\xfe" * 1000,
    "half a letter": HEAD.encode() + b"title: \xe2\x82\n",
    "too large": b"# " + b"x" * 5_000_000,
}

ARENA = r"""
import json, os, resource, sys, time
folder, limits = sys.argv[1], json.loads(sys.argv[2])
from fieldwright.cli import cli
import fieldwright.checked, fieldwright.remembered, fieldwright.commands.lint, fieldwright.dsl.render.formats
from fieldwright.dsl.expressions.parser import parse
from fieldwright.connectors.registry import shipped_schemas
parse("warm"); shipped_schemas()
os.chdir(folder)
package = os.path.dirname(os.path.realpath(fieldwright.__file__))
parts = [os.path.join(package, name) for name in ("", "dsl", "connectors", "mappings", "runtime")]
cache = os.environ["INTERPRET_CACHE"]
allowed = [folder, cache, sys.prefix, sys.base_prefix, "/usr/share/zoneinfo", "/dev/null", *parts]
allowed = [os.path.realpath(one) for one in allowed]
forbidden = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename")
seen = []
def watch(event, arguments):
    if event.startswith(forbidden):
        seen.append(event)
    elif event == "open" and isinstance(arguments[0], str):
        path, mode = os.path.realpath(arguments[0]), arguments[1] or ""
        writes = any(letter in str(mode) for letter in "wax+") and not path.startswith(cache)
        if writes or not any(path.startswith(one) for one in allowed):
            seen.append("open " + path)
told = {}
def attack(name):
    end, begin = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"]))
        if os.path.exists("/proc/self/statm"):
            pages = int(open("/proc/self/statm").read().split()[0])
            most = pages * os.sysconf("SC_PAGE_SIZE") + limits["megabytes"] * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        os.dup2(os.open("shown/" + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        sys.addaudithook(watch)
        code = 0
        try:
            cli.main(["lint", "--format", "concise", "--no-cache", "attacks/" + name])
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
        os.write(begin, json.dumps([code, seen[:5]]).encode())
        os._exit(0)
    os.close(begin)
    said = os.read(end, 65536)
    os.close(end)
    _, status, used = os.wait4(child, 0)
    return [json.loads(said) if said else None, status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
for name in sorted(os.listdir("attacks")):
    # The neighbours of a busy machine cost CPU time as well: an attack may be tried again, the bound stays.
    for attempt in range(3):
        told[name] = attack(name)
        if told[name][0] is not None and told[name][1] == 0 and told[name][2] < limits["seconds"]:
            break
json.dump(told, open("told.json", "w"))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Attack -> [[exit code, what was touched], wait status, CPU seconds, peak MB]."""
    folder = tmp_path_factory.mktemp("arena")
    (folder / "attacks").mkdir()
    (folder / "shown").mkdir()
    for name, text in ATTACKS.items():
        (folder / "attacks" / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    limits = json.dumps({"seconds": SECONDS, "megabytes": MEGABYTES})
    environment = {**os.environ, "INTERPRET_CACHE": str(tmp_path_factory.mktemp("cache"))}
    subprocess.run([sys.executable, "-c", ARENA, str(folder), limits], check=True, env=environment, timeout=300)
    found: dict[str, Any] = json.loads((folder / "told.json").read_text())
    for name in found:
        found[name].append((folder / "shown" / name).read_text("utf-8"))
    return found


ACCEPTED = {
    "many empty documents",
    "a schema of thousands",
    "many allowances",
    "f-text of f-texts",
    "secrets",
    "base64",
}
"""No error is in these: they are only large."""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_with_findings_within_its_limits(name: str, told: dict[str, Any]) -> None:
    outcome, status, seconds, megabytes, shown = told[f"{name}.yaml"]
    assert (status, outcome is not None) == (0, True), "killed by a limit, or crashed"
    assert outcome == [0 if name in ACCEPTED else 1, []]
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
    assert "bug of ours" not in shown
    assert "\x1b" not in shown


def test_modules_planted_in_a_project_are_not_imported(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "mappings").mkdir(parents=True)
    (project / "interpret.yaml").write_text("interpret: 1\nproject: p\napply: []\n")
    for name in ("yaml", "lark", "fieldwright", "sitecustomize", "conftest", "json"):
        (project / f"{name}.py").write_text("open('planted', 'w')\n")
    (project / ".pth").write_text("import os; open('planted', 'w')\n")
    interpret = Path(sys.executable).parent / "interpret"
    done = subprocess.run([str(interpret), "lint"], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, (project / "planted").exists()) == (0, False)

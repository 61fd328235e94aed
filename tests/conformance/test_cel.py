"""The mapping language before an outside judge: the conformance cases of the Common Expression Language.

The cases come from the npm package `@bufbuild/cel-spec`, which is installed when the test runs. Every case whose
constructs the mapping language has is translated and run by the reference evaluator and by generated code. Where the
languages differ on purpose, `deviations.yaml` names the case and the reason; a deviation that is gone must leave the
list.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldwright.dsl.codegen import expression_function
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.types import BOOL, DECIMAL, INT, STRING, Type
from fieldwright.dsl.values import EvaluationError
from tests.conformance import celsyntax
from tests.conformance.celsyntax import Foreign
from tests.conformance.translation import translate, with_inputs

PACKAGE = "@bufbuild/cel-spec@0.6.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fieldwright" / "cel-spec-0.6.1"
DEVIATIONS = Path(__file__).with_name("deviations.yaml")
LEFT_OUT = (
    "proto",
    "enums",
    "dynamic",
    "wrappers",
    "block_ext",
    "optionals",
    "math_ext",
    "network_ext",
    "encoders_ext",
)
TYPES: Mapping[str, Type] = {"INT64": INT, "STRING": STRING, "BOOL": BOOL, "DOUBLE": DECIMAL}
_DUMP = "import {tests} from './node_modules/@bufbuild/cel-spec/dist/esm/testdata/conformance.js';"
ERROR = "an error"


@pytest.fixture(scope="module")
def suites() -> dict[str, Any]:
    """All cases, installed once a machine."""
    found = CACHE / "cases.json"
    if not found.exists():
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            pytest.skip("npm and node are needed to install the conformance cases")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(CACHE)]
        done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-200:]}")
        script = f"{_DUMP} process.stdout.write(JSON.stringify(tests))"
        text = subprocess.run(
            [node, "--input-type=module", "-e", script], cwd=CACHE, capture_output=True, timeout=60, check=True
        ).stdout
        part = found.with_suffix(f".{os.getpid()}")
        part.write_bytes(text)
        part.replace(found)
    made: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return made


def cases(suite: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case under its full name."""
    for each in suite.get("tests", ()):
        yield "/".join((*path, each["original"]["name"])), each["original"]
    for inner in suite.get("suites", ()):
        if path or not inner["name"].startswith(LEFT_OUT):
            yield from cases(inner, (*path, inner["name"]))


def value(given: Mapping[str, Any]) -> Any:
    """An expected or bound value as one of the language."""
    match given:
        case {"int64Value": text}:
            return int(text)
        case {"doubleValue": number} if not isinstance(number, str):
            return Decimal(str(number))
        case {"stringValue": text} | {"boolValue": text}:
            return text
        case {"nullValue": _}:
            return None
        case {"listValue": items}:
            return [value(item) for item in items.get("values", ())]
        case {"objectValue": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": text}}:
            return timedelta(seconds=float(text.rstrip("s")))
        case _:
            raise Foreign(f"a value that is {next(iter(given), 'nothing')}")


def expected(case: Mapping[str, Any]) -> Any:
    """What the case says comes out; `ERROR` for any error."""
    if "evalError" in case or "anyEvalErrors" in case:
        return ERROR
    if "typedResult" in case:
        return value(case["typedResult"].get("result", {}))
    if "unknown" in case or "anyUnknowns" in case or case.get("checkOnly"):
        raise Foreign("unknown values")
    return value(case["value"]) if "value" in case else True


def outcome(case: Mapping[str, Any]) -> Any:
    """What comes out here: a value, or `ERROR` for a mistake that is found before or while it runs."""
    if "container" in case:
        raise Foreign("names that are completed by a container")
    scope, roots = Scope(Schemas({})), {}
    for one in case.get("typeEnv", ()):
        type_ = TYPES.get(one.get("ident", {}).get("type", {}).get("primitive", ""))
        if type_ is None:
            raise Foreign("a variable of a foreign type")
        scope = scope.bind(one["name"], type_)
    for name, one in case.get("bindings", {}).items():
        roots[name] = value(one.get("value", {}))
    texts: dict[str, str] = {}
    text = translate(with_inputs(celsyntax.parse(case["expr"]), texts))
    for name, one in texts.items():
        scope, roots[name] = scope.bind(name, STRING), one
    parsed = parse(text)
    if parsed.tree is None:
        return ERROR
    made = check(parsed.tree, scope, text=text)
    if made.core is None:
        return ERROR
    try:
        slow = evaluate(made, roots)
    except EvaluationError:
        return ERROR
    function = expression_function(made)
    assert function is not None
    try:
        fast = function(roots)
    except Exception:  # noqa: BLE001 - giving up in any way is the contract of generated code
        return slow
    assert (type(fast), fast) == (type(slow), slow), text
    return slow


def agrees(wanted: Any, found: Any) -> bool:
    """Whether the outcome is the expected one, by type and value; an int may stand where a decimal is expected."""
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(agrees(*pair) for pair in zip(wanted, found, strict=True))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    return bool(wanted == found) and (wanted is ERROR) == (found is ERROR)


def test_cases_that_apply_agree_or_are_listed_with_a_reason(
    suites: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    groups: list[dict[str, Any]] = yaml.safe_load(DEVIATIONS.read_text(encoding="utf-8"))["deviations"]
    listed = {name: group["reason"] for group in groups for name in group["cases"]}
    agreed: list[str] = []
    deviating: dict[str, str] = {}
    for name, case in cases(suites):
        try:
            wanted = expected(case)
            found = outcome(case)
        except Foreign:
            continue
        if agrees(wanted, found):
            agreed.append(name)
        else:
            deviating[name] = f"{name}: {case['expr']} gives {found!r}, the case expects {wanted!r}"
    with capsys.disabled():
        applicable = len(agreed) + len(deviating)
        print(f"\ncel-spec: {applicable} applicable, {len(agreed)} agree, {len(deviating)} deviate (listed)")
    assert [text for name, text in deviating.items() if name not in listed] == []
    assert sorted(set(listed) - set(deviating)) == [], "these deviations are gone: take them off the list"
    assert len(agreed) > 350
    assert all(len(reason) > 20 for reason in listed.values())

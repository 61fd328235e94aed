"""What commands print as JSON is what the shipped schemas of documents say."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from tests.cli.conftest import Run


def _validate(name: str, text: str) -> dict[str, Any]:
    schema = json.loads((files("fieldwright.documents") / f"{name}.schema.json").read_text(encoding="utf-8"))
    document: dict[str, Any] = json.loads(text)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, registry=Registry()).validate(document)
    return document


def test_runs_plans_errors_and_status_follow_their_schemas(interpret: Run) -> None:
    interpret("sandbox", "reset", "--scenario", "faults", "--customers", "12")

    plan = _validate("run", interpret("plan", "--output", "json").stdout)
    run = _validate("run", interpret("run", "--output", "json").stdout)
    errors = _validate("errors", interpret("errors", "--output", "json").stdout)
    status = _validate("status", interpret("status", "--output", "json").stdout)

    assert plan["operations"]
    assert run["errors"]
    assert len(errors["errors"]) == status["open_errors"] > 0


def test_status_of_a_fresh_folder_follows_its_schema(interpret: Run) -> None:
    assert _validate("status", interpret("status", "--output", "json").stdout)["last_run"] is None


@pytest.mark.parametrize("arguments", [("run", "--nonsense"), ("run", "--target", "nowhere"), ("errors", "show", "7")])
def test_failures_follow_their_schema(interpret: Run, arguments: tuple[str, ...]) -> None:
    _validate("failure", interpret(*arguments, "--output", "json").stdout)


def test_findings_follow_their_schema(interpret: Run, folder: Any) -> None:
    (folder / "interpret.yaml").write_text("interpret: 1\nproject: acme\naply: []\n")

    assert _validate("lint", interpret("lint", "--output", "json").stdout)["diagnostics"]
    failure = _validate("failure", interpret("run", "--output", "json").stdout)
    assert failure["error"]["diagnostics"][0]["line"] == 3


def test_a_look_at_one_record_follows_its_schema(interpret: Run, folder: Any) -> None:
    (folder / "c.json").write_text('{"id": "c1", "company": "Acme", "billing_address": {"city": "Llan"}}')
    subscription = {"id": "s1", "status": "active", "plan_id": "p", "customer_id": "c1", "currency_code": "USD"}
    (folder / "s.json").write_text(json.dumps({"subscription": subscription, "addons": [], "coupons": []}))

    for mapping, file in (("customer-account", "c.json"), ("subscription-opportunity", "s.json")):
        preview = _validate("preview", interpret("preview", mapping, "--file", file, "--output", "json").stdout)
        explain = _validate("explain", interpret("explain", mapping, "--file", file, "--output", "json").stdout)
        assert len(preview["preview"]["fields"]) == len(explain["explain"]["fields"]) > 5
    for expression in ("1 / 3", "1 / 0", "nope", "[1, 2].map(x -> x * 2)"):
        _validate("eval", interpret("eval", expression, "--output", "json").stdout)


def test_endpoints_follow_their_schema(folder: Any) -> None:
    from tests.cli.test_sandbox import served

    with served(folder) as (_process, endpoints):
        _validate("sandbox", json.dumps(endpoints))

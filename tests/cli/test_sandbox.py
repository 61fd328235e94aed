"""`interpret sandbox`: served until it is told to end, one world for a project, shared with its runs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fieldwright.runtime.state.database import open_file
from tests.cli.conftest import Run


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command in a process of its own, and what it printed when it was up."""
    command = [sys.executable, "-m", "fieldwright", "sandbox", "--output", "json"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


def _get(url: str, path: str) -> Any:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_one_line_tells_everything_and_sigterm_ends_with_0(folder: Path) -> None:
    with served(folder) as (process, endpoints):
        assert list(endpoints) == ["version", "chargebee", "salesforce", "activecampaign", "admin"]
        assert list(endpoints["chargebee"]) == ["url", "site", "api_key"]
        assert _get(endpoints["admin"]["url"], "/health")["pid"] == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_second_sandbox_of_a_project_is_refused_and_the_first_is_told(interpret: Run, folder: Path) -> None:
    with served(folder) as (_process, endpoints):
        second = interpret("sandbox")
        status = json.loads(interpret("sandbox", "status", "--output", "json").stdout)

    assert second.exit_code == 69
    assert endpoints["admin"]["url"] in second.stderr
    assert (status["running"], status["endpoints"]) == (True, endpoints)


def test_run_uses_the_sandbox_that_is_being_served(interpret: Run, folder: Path) -> None:
    with served(folder) as (_process, endpoints):
        interpret("plan", "--select", "plan-product")
        calls = _get(endpoints["admin"]["url"], "/calls")

    assert "chargebee" in json.dumps(calls)
    assert json.loads(interpret("sandbox", "status", "--output", "json").stdout)["running"] is False


def test_reset_waits_for_a_run_that_is_under_way(interpret: Run, folder: Path) -> None:
    interpret("run", "--select", "plan-product")
    state = folder / ".interpret" / "state" / "sandbox.db"
    running = open_file(state)
    running.acquire()

    refused = interpret("sandbox", "reset")
    running.release()
    running.close()
    made = interpret("sandbox", "reset")

    assert (refused.exit_code, made.exit_code) == (69, 0)
    assert "a run on target sandbox is under way" in refused.stderr
    assert not state.exists()


def test_reset_makes_a_new_world_where_the_state_is_damaged(interpret: Run, folder: Path) -> None:
    state = folder / ".interpret" / "state" / "sandbox.db"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"no database at all" * 500)

    run, reset = interpret("run"), interpret("sandbox", "reset", "--customers", "0")

    assert (run.exit_code, reset.exit_code) == (69, 0)
    assert "is damaged: file is not a database" in run.stderr
    assert "move the file away" in run.stderr


def test_port_in_use_is_told_as_such(interpret: Run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = interpret("sandbox", "--port", f"chargebee={taken.getsockname()[1]}")

    assert result.exit_code == 69
    assert "Address already in use" in result.stderr
    assert "--port" in result.stderr


def test_reset_makes_a_world_of_that_size_and_forgets_the_state(interpret: Run, folder: Path) -> None:
    interpret("run", "--select", "plan-product")
    assert (folder / ".interpret" / "state" / "sandbox.db").exists()

    result = interpret("sandbox", "reset", "--customers", "3", "--seed", "5")

    assert result.exit_code == 0
    assert not (folder / ".interpret" / "state" / "sandbox.db").exists()
    planned = json.loads(interpret("plan", "--select", "customer-account", "--output", "json").stdout)
    assert planned["read"]["chargebee.customer"] == 3


def test_reset_forgets_what_every_emulated_target_knows_and_nothing_else(interpret: Run, folder: Path) -> None:
    (folder / "interpret.yaml").write_text(
        "interpret: 1\nproject: acme\ntargets: {trial: {sandbox: true}, staging: {}}\n"
    )
    states = folder / ".interpret" / "state"
    states.mkdir(parents=True)
    for name in ("sandbox.db", "trial.db", "trial.db-wal", "staging.db"):
        (states / name).write_text("")

    interpret("sandbox", "reset", "--customers", "1")

    assert [path.name for path in states.iterdir()] == ["staging.db"]


@pytest.mark.parametrize("arguments", [("--customers", "-1"), ("--scenario", "nonsense")])
def test_impossible_world_ends_with_64(interpret: Run, arguments: tuple[str, ...]) -> None:
    assert interpret("sandbox", "reset", *arguments).exit_code == 64


def test_field_is_added_once(interpret: Run) -> None:
    first = interpret("sandbox", "add-field", "salesforce.Account.Tier__c", "--type", "Text", "--length", "40")
    second = interpret("sandbox", "add-field", "salesforce.Account.Tier__c", "--type", "Text", "--length", "40")

    assert first.exit_code == 0
    assert second.exit_code == 64
    assert "Tier" in second.stderr

"""Every kind of failure ends with a clear message, a fix and its documented exit code; nobody sees a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fieldwright import failures
from fieldwright.runtime.errors import (
    AccessRefused,
    Ambiguous,
    ConfigError,
    ObjectRefused,
    RunError,
    StateUnusable,
    TryAgainLater,
    Unavailable,
)
from tests.cli.conftest import Run


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Makes `interpret status` raise what is put into the list."""
    raised: list[BaseException] = []

    def fail(*_arguments: object, **_options: object) -> None:
        raise raised[0]

    monkeypatch.setattr("fieldwright.commands.status.find_project", fail)
    return raised


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError("it failed", "do that"), 1),
        (ObjectRefused("it failed", "do that"), 1),
        (Ambiguous("it failed", "do that"), 1),
        (Unavailable("it failed", "do that"), 69),
        (StateUnusable("it failed", "do that"), 69),
        (TryAgainLater("it failed", "do that"), 75),
        (AccessRefused("it failed", "do that"), 77),
        (ConfigError("it failed", "do that"), 78),
        (failures.WrongUse("it failed", "do that"), 64),
    ],
)
def test_errors_end_with_their_code_and_fix(
    interpret: Run, failing: list[BaseException], error: Exception, code: int
) -> None:
    failing.append(error)

    text = interpret("status")
    document = interpret("status", "--output", "json")

    assert (text.exit_code, text.stdout) == (code, "")
    assert "error: it failed\nfix: do that\n" in text.stderr
    assert document.exit_code == code
    told = json.loads(document.stdout)
    assert (told["version"], told["error"]["code"], told["error"]["fix"]) == (1, code, "do that")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_ctrl_c_ends_with_130(interpret: Run, failing: list[BaseException], error: BaseException) -> None:
    failing.append(error)

    result = interpret("status")

    assert result.exit_code == 130
    assert "error: interrupted" in result.stderr


def test_bug_of_ours_ends_with_70_and_leaves_a_file_without_values(
    interpret: Run, failing: list[BaseException], folder: Path
) -> None:
    (folder / ".interpret").mkdir()
    failing.append(RuntimeError("secret of a customer"))

    result = interpret("status")

    kept = list((folder / ".interpret").glob("crash-*.txt"))
    assert result.exit_code == 70
    assert "a bug of ours" in result.stderr
    assert len(kept) == 1
    assert str(kept[0].relative_to(folder)) in result.stderr
    assert "RuntimeError" in kept[0].read_text()
    assert "secret" not in kept[0].read_text() + result.stderr


def test_disk_error_names_the_file_and_ends_with_69(interpret: Run, failing: list[BaseException]) -> None:
    failing.append(OSError(28, "No space left on device", "state.db"))

    result = interpret("status")

    assert result.exit_code == 69
    assert "cannot use state.db: No space left on device" in result.stderr


def test_control_characters_in_messages_are_escaped(interpret: Run, failing: list[BaseException]) -> None:
    failing.append(ConfigError("bad name \x1b[31mred"))

    result = interpret("status")

    assert "\x1b" not in result.stderr
    assert "bad name \\x1b[31mred" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plann",), "there is no command `plann`, did you mean `plan`?"),
        (("run", "--targt", "x"), "--target"),
        (("run", "--output", "xml"), "xml"),
        (("run", "--all", "--initial"), "do not go together"),
        (("run", "--all", "--retry"), "do not go together"),
        (("lint", "nowhere.yaml"), "nowhere.yaml"),
        (("run", "--project", "nowhere"), "nowhere"),
        (("rule", "DM99999"), "there is no code"),
        (("show", "custmer-account"), "did you mean `customer-account`?"),
        (("run", "--select", "custmer-account"), "did you mean `customer-account`?"),
        (("run", "--set", "opportunity-sync.stge=x"), "did you mean `stage`?"),
        (("run", "--set", "nonsense"), "is no setting"),
        (("errors", "show", "1"), "there is no open error 1"),
        (("sandbox", "--port", "x=1"), "is no port"),
        (("sandbox", "add-field", "Account.Tier"), "no custom field of Salesforce"),
        (("init", "--name", "No Name"), "no name for a project"),
    ],
)
def test_wrong_use_ends_with_64_and_a_hint(interpret: Run, arguments: tuple[str, ...], words: str) -> None:
    result = interpret(*arguments)

    assert result.exit_code == 64
    assert words in result.stderr
    assert "fix: " in result.stderr


def test_wrong_use_is_told_as_json_too(interpret: Run) -> None:
    told = json.loads(interpret("run", "--nonsense", "--output=json").stdout)

    assert told["error"]["kind"] == "usage"


def test_unknown_target_ends_with_78_and_a_hint(interpret: Run) -> None:
    result = interpret("run", "--target", "sandbx")

    assert result.exit_code == 78
    assert "did you mean `sandbox`?" in result.stderr


def test_reader_that_goes_away_is_no_failure(folder: Path) -> None:
    script = [sys.executable, "-m", "fieldwright", "rule", "--output", "json"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(30), said) == (0, b"")


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldwright.output import paint_for

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint_for(Terminal()).on  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not paint_for(Terminal()).on  # type: ignore[arg-type]


def test_interrupt_of_the_process_ends_with_130(folder: Path) -> None:
    code = "import fieldwright.commands.status as s, os, signal\n" \
        "s.find_project = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n" \
        "from fieldwright.cli import main; main()\n"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, "status"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )

    assert done.returncode == 130
    assert "Traceback" not in done.stderr

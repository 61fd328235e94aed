"""Every way a command can fail -> a clear message and the documented exit code. The one place that does.

Errors of a run carry their own code; wrong use of the command line is 64; Ctrl-C is 130; anything unforeseen is a bug
of ours: 70, a short text, and a file with the traceback for the report. Nobody ever sees a traceback.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from fieldwright import output
from fieldwright.runtime.errors import RunError

OK: Final = 0
FINDINGS: Final = 1
CHANGES: Final = 2
WRONG_USE: Final = 64
UNAVAILABLE: Final = 69
OUR_BUG: Final = 70
TRY_LATER: Final = 75
NOT_PERMITTED: Final = 77
INVALID_PROJECT: Final = 78
INTERRUPTED: Final = 130

_KINDS: Final = {
    FINDINGS: "findings",
    WRONG_USE: "usage",
    UNAVAILABLE: "unavailable",
    OUR_BUG: "bug",
    TRY_LATER: "try_again_later",
    NOT_PERMITTED: "not_permitted",
    INVALID_PROJECT: "invalid_project",
    INTERRUPTED: "interrupted",
}


class WrongUse(click.UsageError):
    """The command line asks for something that does not exist or does not go together. Exit 64."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class Declined(RunError):
    """The user was asked and said no. Exit 130, as for Ctrl-C."""

    exit_code = INTERRUPTED


class ProjectInvalid(RunError):
    """The project has findings; `text` and `document` show them, in this order of preference by format. Exit 78."""

    exit_code = INVALID_PROJECT

    def __init__(self, message: str, fix: str, *, text: str, diagnostics: list[dict[str, Any]]) -> None:
        super().__init__(message, fix)
        self.text = text
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said about a failure. `before` is printed above the message (findings, a usage line)."""

    exit_code: int
    message: str
    fix: str = ""
    system: str = ""
    before: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def failure_of(error: BaseException) -> Failure:
    """What to tell about an exception that ended a command. Unforeseen ones leave a file with their traceback."""
    match error:
        case ProjectInvalid():
            return Failure(
                error.exit_code, str(error), error.fix, before=error.text, more={"diagnostics": error.diagnostics}
            )
        case RunError():
            return Failure(error.exit_code, str(error), error.fix, error.system)
        case click.exceptions.Abort() | KeyboardInterrupt():
            return Failure(
                INTERRUPTED, "interrupted", "what was written is recorded: run the same command again to go on"
            )
        case click.ClickException():
            return _wrong_use(error)
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            where = f" {error.filename}" if error.filename else ""
            return Failure(UNAVAILABLE, f"cannot use{where}: {error.strerror}", "free the disk or change the rights")
        case _:
            return _our_bug(error)


def report(failure: Failure, *, as_json: bool) -> int:
    """Print the failure; returns the exit code."""
    if as_json:
        told: dict[str, Any] = {
            "code": failure.exit_code,
            "kind": _KINDS.get(failure.exit_code, "error"),
            "message": failure.message,
            "fix": failure.fix,
        }
        if failure.system:
            told["system"] = failure.system
        output.write_json({"version": 1, "error": {**told, **failure.more}})
        sys.stdout.flush()
        return failure.exit_code
    paint = output.paint_for(sys.stderr)
    if failure.before:
        sys.stderr.write(failure.before.rstrip("\n") + "\n\n")
    sys.stderr.flush()
    sys.stderr.write(paint.bad("error:") + " ")
    output.remark(failure.message)
    if failure.fix:
        sys.stderr.write(paint.good("fix:") + " ")
        output.remark(failure.fix)
    return failure.exit_code


def _wrong_use(error: click.ClickException) -> Failure:
    message = error.format_message().rstrip(".")
    fix = getattr(error, "fix", "")
    context = getattr(error, "ctx", None)
    before = ""
    if context is not None:
        before = context.get_usage()
        fix = fix or f"`{context.command_path} --help` shows what it takes, with an example"
    return Failure(WRONG_USE, message[:1].lower() + message[1:], fix, before=before)


def _our_bug(error: BaseException) -> Failure:
    kind = type(error).__name__
    place = _keep_traceback(error)
    fix = f"please report it and attach {place}" if place else "please report it with the command you ran"
    return Failure(OUR_BUG, f"this is a bug of ours ({kind}); nothing of it is your doing", fix)


def _keep_traceback(error: BaseException) -> Path | None:
    """The traceback in a file: in `.interpret/` where there is one, else among the temporary files. Values of
    variables are not in it, and the text of the exception is left out: it may hold a customer's data."""
    text = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    text = f"fieldwright, Python {sys.version.split()[0]}\n{text}{type(error).__module__}.{type(error).__qualname__}\n"
    if os.environ.get("INTERPRET_DEBUG"):
        text += f"{error}\n"
    folders = [Path(".interpret")] if Path(".interpret").is_dir() else []
    for folder in (*folders, Path(tempfile.gettempdir())):
        try:
            handle, name = tempfile.mkstemp(prefix="crash-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return Path(name)
    return None

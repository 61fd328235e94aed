"""Errors of a run, grouped by what happens next; connectors raise these and nothing else across the seam.

A failure of one record is not an exception but an `Outcome`. Exceptions end a call, an object or the run. The text of
each is for people: what failed, why, and what to do; never a secret, never a payload.
"""

from __future__ import annotations


class RunError(Exception):
    """Base of all errors that a run reports. `fix` says what the user can do; `exit_code` is documented in the CLI."""

    exit_code = 1

    def __init__(self, message: str, fix: str = "", *, system: str = "") -> None:
        super().__init__(message)
        self.fix = fix
        self.system = system


class Unavailable(RunError):
    """The system cannot be reached or is down: nothing was written by this call. Exit 69."""

    exit_code = 69


class TryAgainLater(RunError):
    """A quota or rate limit that will not clear within the run. `after` is seconds, if known. Exit 75."""

    exit_code = 75

    def __init__(self, message: str, fix: str = "", *, system: str = "", after: float | None = None) -> None:
        super().__init__(message, fix, system=system)
        self.after = after


class AccessRefused(RunError):
    """Credentials are wrong, or the user may not do this. Never retried (a login may be locked). Exit 77."""

    exit_code = 77


class ObjectRefused(RunError):
    """One object cannot be read or written (missing object, field or right): other objects go on. Exit 1."""


class Ambiguous(RunError):
    """A write may or may not have been applied (time-out, connection lost after sending)."""


class StateUnusable(RunError):
    """The state folder or database cannot be used: nothing may be written to a target. Exit 69."""

    exit_code = 69


class ConfigError(RunError):
    """The project, its connections or its settings are not usable. Exit 78."""

    exit_code = 78

"""A target of a project -> open connections to its systems, and the sandbox under them where they are emulated.

Environment variables are read here and nowhere else. A sandbox that the project already serves is used; otherwise one
is started in this process on the same data and stopped with the connections. Nothing here sends a request.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from fieldwright.project import PROJECT_FILE, Project, Target, shown_path
from fieldwright.runtime.errors import ConfigError, StateUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from fieldwright.runtime.connector import Connection


@contextmanager
def connected(
    project: Project, target: Target, systems: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, Connection]]:
    """Connections by system, closed at the end. Raises ConfigError for settings that are missing or wrong and
    StateUnusable where the sandbox cannot keep its data."""
    from fieldwright.connectors.registry import connect, sandbox_settings

    environment = os.environ if environment is None else environment
    # Settings of real systems come first: a missing variable must be told before a sandbox takes time to start.
    settings = {system: _settings(target, system, environment) for system in systems if not target.is_emulated(system)}
    with ExitStack() as stack:
        endpoints: Mapping[str, Any] = {}
        if any(target.is_emulated(system) for system in systems):
            endpoints = stack.enter_context(sandbox_endpoints(project.prepare_private() / "sandbox"))
        opened: dict[str, Connection] = {}
        for system in systems:
            if target.is_emulated(system):
                connection = connect(system, sandbox_settings(system, endpoints[system]), sandbox=True)
            else:
                connection = connect(system, settings[system], sandbox=False)
            stack.callback(connection.close)
            opened[system] = connection
        yield opened


@contextmanager
def sandbox_endpoints(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Where the emulated systems listen, in the shape that `interpret sandbox --output json` prints."""
    from fieldwright.connectors.sandbox.server import Sandbox, SandboxRunning, find_running

    running = find_running(folder)
    if running is not None:
        yield running.to_document()
        return
    try:
        sandbox = Sandbox.start(folder)
    except SandboxRunning as other:
        # Someone else was a moment faster.
        yield other.endpoints.to_document()
        return
    except (OSError, ValueError, sqlite3.Error) as error:
        raise sandbox_unusable(folder, error) from None
    try:
        yield sandbox.endpoints.to_document()
    finally:
        sandbox.stop()


def sandbox_unusable(folder: Path, error: Exception) -> StateUnusable:
    """The error for a sandbox whose data cannot be read or written."""
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES) and error.filename is None:
        return StateUnusable(
            f"the sandbox cannot be served: {reason}", "give another --port, or none: any free one does"
        )
    return StateUnusable(
        f"the sandbox in {shown_path(folder)} cannot be used: {reason}",
        "nothing was sent to any system; make the folder writable, or make a new world with `interpret sandbox reset`",
    )


def _settings(target: Target, system: str, environment: Mapping[str, str]) -> dict[str, str]:
    from fieldwright.connectors.registry import CONNECTORS, settings_from_environment

    if system not in target.connections:
        raise ConfigError(
            f"target {target.name} has no connection to {system}",
            f"add `{system}: {{env: {system.upper()}}}` under `connections:` in {PROJECT_FILE} and set the variables "
            f"{', '.join(f'{system.upper()}_{name.upper()}' for name in CONNECTORS[system].required[0])}; "
            "or leave its mappings out of `apply:`",
            system=system,
        )
    prefix = target.connections[system].get("env") or system.upper()
    return settings_from_environment(system, str(prefix), environment)

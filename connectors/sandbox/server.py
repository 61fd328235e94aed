"""A sandbox: the three emulated systems and their admin application, served on 127.0.0.1 from a data folder.

`Sandbox.start` turns a folder into running servers (a background thread of this process) and `Endpoints`; a folder
without a world gets a new one. `find_running` finds the sandbox that another process runs on the folder. The folder
holds one database per system, `world.json` (what was seeded, keys, the clock) and, while it runs, `running.json`; the
JSON files are readable by their owner only. What the systems do is left to their own packages, what a world contains
to `world`.
"""

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from fieldwright.connectors.sandbox import world
from fieldwright.connectors.sandbox.admin import create_admin
from fieldwright.connectors.sandbox.call_log import CallLog, LoggedApp
from fieldwright.connectors.sandbox.chargebee import lifecycle
from fieldwright.connectors.sandbox.chargebee.app import path_words
from fieldwright.connectors.sandbox.chargebee.commerce import complete_checkout
from fieldwright.connectors.sandbox.chargebee.errors import ApiError
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.endpoints import (
    ActiveCampaignEndpoint,
    AdminEndpoint,
    ChargebeeEndpoint,
    Endpoints,
    SalesforceEndpoint,
)
from fieldwright.connectors.sandbox.faults import SYSTEMS, FaultBook, FaultyApp
from fieldwright.connectors.sandbox.serving import Slot, bind, uvicorn_config

if sys.platform != "win32":
    import fcntl

_HOST = "127.0.0.1"
_WORLD = "world.json"
_RUNNING = "running.json"
# Seconds that a sandbox of another process may take to answer.
_STARTING = 30.0


class SandboxRunning(RuntimeError):
    """Another sandbox serves that folder; `endpoints` says where."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        super().__init__(f"a sandbox is running on {folder} already, its admin address is {endpoints.admin.url}")
        self.endpoints = endpoints


class Sandbox:
    """A running sandbox; use `start` to make one and `stop` or a `with` block to end it."""

    def __init__(self, folder: Path, systems: Iterable[str], configs: Mapping[str, Mapping[str, Any]]) -> None:
        self.folder = folder
        self.log = CallLog()
        self.faults = FaultBook()
        self._systems = tuple(systems)
        self._configs = configs
        self._state = _read(folder / _WORLD)
        self.clock = _clock_of(self._state)
        self._slots = {system: Slot() for system in self._systems}
        self._apps: dict[str, Starlette] = {}
        self._id = secrets.token_hex(8)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._servers: list[uvicorn.Server] = []
        self._thread: threading.Thread | None = None
        self._lock: _Lock
        self.endpoints: Endpoints

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        customers: int = 25,
        seed: int = 1,
        scenario: str | None = None,
        ports: Mapping[str, int] | None = None,
        systems: Iterable[str] = SYSTEMS,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> "Sandbox":
        """Serve a folder; returns when every system answers.

        `customers`, `seed` and `scenario` matter for a folder without a world. `ports` are by system name or `admin`;
        the others are free ones. `configs` go to the `create_app` of each system. Raises SandboxRunning, ValueError for
        an unknown scenario, OSError for a taken port."""
        lock = _Lock(folder)
        try:
            if not (folder / _WORLD).exists():
                _make_world(folder, customers, seed, scenario, systems)
            sandbox = cls(folder, systems, configs or {})
            sandbox._lock = lock
            sandbox._serve(ports or {})
        except BaseException:
            lock.release()
            raise
        return sandbox

    def stop(self) -> None:
        """End the servers and close the databases. Calling it twice is harmless."""
        if self._thread is None:
            return
        for server in self._servers:
            server.should_exit = True
        self._thread.join()
        self._thread = None
        running = self.folder / _RUNNING
        with contextlib.suppress(OSError, ValueError):
            if json.loads(running.read_text())["id"] == self._id:
                running.unlink()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reset(self, *, customers: int = 25, seed: int = 1, scenario: str | None = None) -> None:
        """Make a new world while running; addresses and keys stay. Raises ValueError for an unknown scenario."""
        _post(self.endpoints.admin.url, "/reset", {"customers": customers, "seed": seed, "scenario": scenario})

    # -- what the admin application asks for

    def identity(self) -> dict[str, Any]:
        """Process id, world and addresses, without keys."""
        return {
            "id": self._id,
            "pid": os.getpid(),
            "world": {name: self._state[name] for name in ("customers", "seed", "scenario")},
            "urls": {system: getattr(self.endpoints, system).url for system in (*SYSTEMS, "admin")},
        }

    def clock_moved(self) -> dict[str, int]:
        """Store the clock and let time do its work in the emulated systems."""
        frozen = self.clock.frozen_at
        self._state["clock"] = {
            "offset": self.clock.offset.total_seconds(),
            "frozen_at": None if frozen is None else frozen.isoformat(),
        }
        _write(self.folder / _WORLD, self._state)
        if "chargebee" not in self._apps:
            return {}
        return {"chargebee": lifecycle.catch_up(self._apps["chargebee"].state.site)}

    def complete_checkout(self, hosted_page: str) -> dict[str, Any]:
        """Let a buyer complete a hosted page of the Chargebee site. Raises ValueError with the reason if impossible."""
        site = self._apps["chargebee"].state.site
        try:
            with site.store.transaction():
                return {"hosted_page": complete_checkout(site, hosted_page)}
        except ApiError as error:
            raise ValueError(error.message) from None

    async def rebuild(self, customers: int, seed: int, scenario: str | None) -> None:
        """Replace the world under the running servers."""
        world.check_scenario(scenario)
        await self._close_apps()
        keys = self._state["keys"]
        self.clock.resume()
        self.clock.advance(-self.clock.offset.total_seconds())
        self.faults.clear()
        self.log.clear()
        _make_world(self.folder, customers, seed, scenario, self._systems, keys=keys)
        self._state = _read(self.folder / _WORLD)
        await self._open_apps()

    # -- serving

    def _serve(self, ports: Mapping[str, int]) -> None:
        sockets = {name: bind(_HOST, ports.get(name, 0)) for name in (*self._systems, "admin")}
        urls = {name: f"http://{_HOST}:{bound.getsockname()[1]}" for name, bound in sockets.items()}
        self.endpoints = _endpoints(urls, self._state["keys"])
        self._thread = threading.Thread(target=self._run, args=(sockets,), name="sandbox", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            self._thread = None
            raise self._failure
        _write(
            self.folder / _RUNNING,
            {"id": self._id, "pid": os.getpid(), "endpoints": self.endpoints.to_document()},
        )

    def _run(self, sockets: Mapping[str, socket.socket]) -> None:
        try:
            asyncio.run(self._main(sockets))
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits in _serve
            self._failure = error
        finally:
            for bound in sockets.values():
                bound.close()
            self._ready.set()

    async def _main(self, sockets: Mapping[str, socket.socket]) -> None:
        await self._open_apps()
        apps: dict[str, ASGIApp] = {"admin": create_admin(self)}
        for system, slot in self._slots.items():
            faulty = FaultyApp(slot, system, self.faults)
            words = path_words() if system == "chargebee" else ()
            apps[system] = LoggedApp(faulty, system, self.log, self.clock, words)
        tasks = []
        for name, app in apps.items():
            server = uvicorn.Server(uvicorn_config(app))
            self._servers.append(server)
            tasks.append(asyncio.create_task(server.serve(sockets=[sockets[name]])))
        while not all(server.started for server in self._servers):
            if any(task.done() for task in tasks):
                break
            await asyncio.sleep(0.001)
        self._ready.set()
        try:
            await asyncio.gather(*tasks)
        finally:
            await self._close_apps()

    async def _open_apps(self) -> None:
        for system, slot in self._slots.items():
            config = {**self._state["keys"][system], **self._configs.get(system, {})}
            self._apps[system] = _create(system, _database(self.folder, system), self.clock, config)
            await slot.open(self._apps[system])

    async def _close_apps(self) -> None:
        for system, slot in self._slots.items():
            await slot.close()
            # By a function of its module or by its lifespan. A file left open would, when at last closed, remove the
            # write-ahead log of the world that has taken its place.
            close = getattr(importlib.import_module(_module(system)), "close", None)
            if close is not None and system in self._apps:
                close(self._apps[system])
        self._apps.clear()


def find_running(folder: Path) -> Endpoints | None:
    """The endpoints of the sandbox that serves a folder, or None. A record left behind by a dead process is ignored."""
    try:
        record = json.loads((folder / _RUNNING).read_text())
        endpoints = Endpoints.from_document(record["endpoints"])
        answer = _get(endpoints.admin.url, "/health")
    except (OSError, ValueError, KeyError, HTTPException):
        return None
    return endpoints if answer.get("id") == record["id"] else None


def reset(folder: Path, *, customers: int = 25, seed: int = 1, scenario: str | None = None) -> None:
    """Make a new world in a folder, by its running sandbox if there is one. Raises ValueError as `Sandbox.start`."""
    try:
        lock = _Lock(folder)
    except SandboxRunning as running:
        _post(running.endpoints.admin.url, "/reset", {"customers": customers, "seed": seed, "scenario": scenario})
        return
    try:
        _make_world(folder, customers, seed, scenario, SYSTEMS)
    finally:
        lock.release()


class _Lock:
    """Makes sure that one process at a time works on a folder. The system lets go of it when a process dies."""

    def __init__(self, folder: Path) -> None:
        """Raises SandboxRunning, after a moment for one that is just starting, or TimeoutError if it never answers."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "lock").open("a")
        if sys.platform == "win32":
            return  # Its file locks forbid reading too; there the check is left to find_running.
        deadline = time.monotonic() + _STARTING
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                running = find_running(folder)
                if running is not None:
                    self._file.close()
                    raise SandboxRunning(folder, running) from None
                if time.monotonic() > deadline:
                    self._file.close()
                    raise TimeoutError(f"another process works on {folder} and does not answer") from None
            time.sleep(0.05)

    def release(self) -> None:
        self._file.close()


def _module(system: str) -> str:
    return f"fieldwright.connectors.sandbox.{system}.app"


def _create(system: str, database: Path, clock: Clock, config: Mapping[str, Any]) -> Starlette:
    """The application of a system with the part of the configuration that it takes."""
    create_app = importlib.import_module(_module(system)).create_app
    parameters = inspect.signature(create_app).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        taken = dict(config)
    else:
        known = {parameter.name for parameter in parameters}
        taken = {name: value for name, value in config.items() if name in known}
    app: Starlette = create_app(database, clock, **taken)
    return app


def _make_world(
    folder: Path,
    customers: int,
    seed: int,
    scenario: str | None,
    systems: Iterable[str],
    *,
    keys: Mapping[str, Any] | None = None,
) -> None:
    world.check_scenario(scenario)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _WORLD).unlink(missing_ok=True)
    clock = Clock()
    for system in SYSTEMS:
        path = _database(folder, system)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if system not in systems:
            continue
        if system == "chargebee":
            world.seed(path, clock, customers=customers, seed=seed, scenario=scenario)
        else:
            module = importlib.import_module(f"fieldwright.connectors.sandbox.{system}.world")
            module.seed(path, clock, customers=customers, seed=seed)
    # Written last: a folder with this file has a whole world.
    _write(
        folder / _WORLD,
        {
            "version": 1,
            "customers": customers,
            "seed": seed,
            "scenario": scenario,
            "keys": keys or _new_keys(),
            "clock": {"offset": 0.0, "frozen_at": None},
        },
    )


def _new_keys() -> dict[str, dict[str, str]]:
    return {
        "chargebee": {"site": world.SITE, "api_key": "test_" + secrets.token_urlsafe(24)},
        "salesforce": {
            "access_token": "00D000000000062!" + secrets.token_urlsafe(48),
            "client_id": "3MVG9" + secrets.token_urlsafe(40),
            "client_secret": secrets.token_hex(32).upper(),
            "username": "integration@fieldwright.sandbox",
            "password": secrets.token_urlsafe(18),
        },
        "activecampaign": {"api_key": secrets.token_hex(36)},
    }


def _endpoints(urls: Mapping[str, str], keys: Mapping[str, Any]) -> Endpoints:
    return Endpoints(
        chargebee=ChargebeeEndpoint(url=urls.get("chargebee", ""), **keys["chargebee"]),
        salesforce=SalesforceEndpoint(url=urls.get("salesforce", ""), **keys["salesforce"]),
        activecampaign=ActiveCampaignEndpoint(url=urls.get("activecampaign", ""), **keys["activecampaign"]),
        admin=AdminEndpoint(url=urls["admin"]),
    )


def _clock_of(state: Mapping[str, Any]) -> Clock:
    frozen = state["clock"]["frozen_at"]
    return Clock(state["clock"]["offset"], frozen_at=None if frozen is None else datetime.fromisoformat(frozen))


def _database(folder: Path, system: str) -> Path:
    return folder / f"{system}.sqlite"


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a file in one step; only the owner may read it, because it holds keys."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file, indent=1)
    fresh.replace(path)


def _get(url: str, path: str) -> dict[str, Any]:
    return _call("GET", url, path, None, 1.0)


def _post(url: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return _call("POST", url, path, json.dumps(body), 600.0)


def _call(method: str, url: str, path: str, body: str | None, timeout: float) -> dict[str, Any]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        document: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(document.get("message", f"the sandbox answered {response.status}"))
    return document

"""A scripted HTTP server on this machine: each request is answered by the next step of a script, and remembered.

Steps are `(status, body, headers)`, `"drop"` (connection closed without a reply) or `"truncate"` (half a reply).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import pytest


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


Step = tuple[int, bytes, dict[str, str]] | str
OK: Step = (200, b'{"ok": true}', {})


class Loopback:
    """`script` is used up step by step; the last step repeats."""

    def __init__(self, script: Sequence[Step] = (OK,)) -> None:
        self.script = list(script)
        self.seen: list[Seen] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 65536

            def setup(self) -> None:
                super().setup()
                owner.connections += 1
                self.number = owner.connections

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self.rfile.read(length), self.number)
                owner.seen.append(seen)
                step = owner.script.pop(0) if len(owner.script) > 1 else owner.script[0]
                if step == "drop":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, body, extra = (200, b"x" * 5000, {}) if isinstance(step, str) else step
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:100] if step == "truncate" else body)
                self.wfile.flush()
                if step == "truncate":
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.connections = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(poll_interval=0.01), daemon=True)

    def __enter__(self) -> Loopback:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def time(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture
def serve() -> Iterator[Callable[..., Loopback]]:
    """Starts servers; `serve(step, step, ...)`."""
    with ExitStack() as stack:
        yield lambda *script: stack.enter_context(Loopback(script or (OK,)))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()

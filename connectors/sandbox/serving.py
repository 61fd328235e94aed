"""The HTTP side of the sandbox: how an application is bound, served, exchanged, and cut off in the middle.

Leans on uvicorn's httptools protocol for what ASGI lacks: closing a connection without an answer. Which applications
there are is left to `server`.
"""

import contextlib
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fieldwright.connectors.sandbox.faults import EXTENSION


class Slot:
    """An ASGI application that can be exchanged while its server runs."""

    def __init__(self) -> None:
        self._app: Starlette | None = None
        self._stack = contextlib.AsyncExitStack()

    async def open(self, app: Starlette) -> None:
        """Begin to serve an application."""
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        self._app = app

    async def close(self) -> None:
        """Answer 503 from now on."""
        self._app = None
        await self._stack.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request by the application of the moment."""
        if self._app is None:
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, send)


class Protocol(HttpToolsProtocol):
    """Gives each request the means to close its connection, which ASGI itself lacks."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Not a dictionary, as ASGI asks of extensions: it never leaves this package.
        self.scope["extensions"] = {EXTENSION: self._close_connection}  # type: ignore[dict-item]

    def _close_connection(self, flush: bool) -> None:
        transport = self.transport
        if flush:
            transport.close()
        else:
            transport.abort()


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """How an application is served: quickly and without a word."""
    return uvicorn.Config(
        app,
        http=Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )


def bind(host: str, port: int) -> socket.socket:
    """A socket on a port, 0 for a free one. Raises OSError for a taken one."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Inherited by accepted connections on the platforms that matter; asyncio sets it again.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        bound.close()
        raise
    return bound

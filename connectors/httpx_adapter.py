"""Carries requests of httpx clients (Chargebee, ActiveCampaign) under a transport policy.

The reply is read to its last byte inside the attempt, so that a truncated or endless body counts as a failed attempt
and is repeated like any other. Redirects are off and proxy variables are ignored.
"""

from __future__ import annotations

from typing import Any, Final

import httpx

from fieldwright.connectors.retry import Loss
from fieldwright.connectors.transport import Lost, Policy, Reply

_KEEP_ALIVE: Final = 4.0
"""Seconds an idle connection is kept. Below the 5 s after which common servers close it: a write sent into a closing
connection would be lost and ambiguous for no reason."""

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class PolicyTransport(httpx.BaseTransport):
    """httpx's transport seam: one pool of connections, every request through the policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._pool = httpx.HTTPTransport(
            verify=policy.hosts.base is None,
            trust_env=False,
            retries=0,
            limits=httpx.Limits(max_connections=10, max_keepalive_connections=10, keepalive_expiry=_KEEP_ALIVE),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send under the policy. Raises RunErrors."""
        body = request.read()

        def send(address: str, deadline: float) -> Reply[httpx.Response]:
            url = httpx.URL(address)
            headers = request.headers.copy()
            headers["host"] = url.netloc.decode("ascii")
            extensions = {key: value for key, value in request.extensions.items() if key != "idempotent"}
            sent = httpx.Request(request.method, url, headers=headers, content=body, extensions=extensions)
            return self._send(sent, deadline)

        idempotent = bool(request.extensions.get("idempotent", False))
        return self._policy.exchange(request.method, str(request.url), send, idempotent=idempotent)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _send(self, request: httpx.Request, deadline: float) -> Reply[httpx.Response]:
        clock = self._policy.clock
        try:
            response = self._pool.handle_request(request)
            try:
                response.request = request
                chunks = []
                for chunk in response.iter_raw():
                    chunks.append(chunk)
                    if clock.monotonic() > deadline:
                        raise Lost(Loss.LOST, "the reply took too long")
            finally:
                response.close()
            whole = httpx.Response(
                response.status_code, headers=response.headers, content=b"".join(chunks), request=request
            )
        except _NOT_SENT as error:
            raise Lost(Loss.NOT_SENT, _reason(error)) from None
        except httpx.HTTPError as error:
            raise Lost(Loss.LOST, _reason(error)) from None
        return Reply(whole.status_code, {name.lower(): value for name, value in whole.headers.items()}, whole)


def client(policy: Policy, **options: Any) -> httpx.Client:
    """An httpx client whose every request passes the policy."""
    limits = policy.timeouts
    return httpx.Client(
        transport=PolicyTransport(policy),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(limits.read, connect=limits.connect),
        **options,
    )


def _reason(error: Exception) -> str:
    """The kind of error in words; the text of network errors may quote addresses and is not needed."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return "no connection within the time limit"
        case httpx.ConnectError():
            return "no connection"
        case httpx.TimeoutException():
            return "no reply within the time limit"
        case httpx.DecodingError():
            return "the reply could not be decoded"
        case _:
            return "the connection was closed before the reply was complete"

"""Carries requests of requests sessions (simple-salesforce) under a transport policy.

The reply is read to its last byte inside the attempt, so that a truncated or endless body counts as a failed attempt.
simple-salesforce gives no timeouts, builds https addresses only and follows whatever its session follows: all of that
is settled here, below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from fieldwright.connectors.retry import Loss
from fieldwright.connectors.transport import Lost, Policy, Reply

IDEMPOTENT_MARK: Final = "X-Fieldwright-Idempotent"
"""Request header that declares a write repeatable; never sent."""

_CHUNK: Final = 1 << 16


class PolicyAdapter(HTTPAdapter):
    """requests' transport seam: one pool of connections, every request through the policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        super().__init__(pool_connections=4, pool_maxsize=10, max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send under the policy. Raises RunErrors."""
        headers = CaseInsensitiveDict(request.headers)
        idempotent = headers.pop(IDEMPOTENT_MARK, None) is not None

        def send(address: str, deadline: float) -> Reply[requests.Response]:
            copy = request.copy()
            copy.url = address
            copy.headers = CaseInsensitiveDict(headers)
            return self._exchange(copy, deadline)

        return self._policy.exchange(request.method or "GET", request.url or "", send, idempotent=idempotent)

    def _exchange(self, request: requests.PreparedRequest, deadline: float) -> Reply[requests.Response]:
        policy = self._policy
        limits = (policy.timeouts.connect, policy.timeouts.read)
        try:
            response = super().send(request, stream=True, timeout=limits, verify=policy.hosts.base is None, proxies={})
            chunks = []
            for chunk in response.iter_content(_CHUNK):
                chunks.append(chunk)
                if policy.clock.monotonic() > deadline:
                    response.close()
                    raise Lost(Loss.LOST, "the reply took too long")
        except (requests.exceptions.SSLError, requests.exceptions.ConnectTimeout) as error:
            raise Lost(Loss.NOT_SENT, _reason(error)) from None
        except requests.exceptions.ConnectionError as error:
            raise Lost(_loss(error), _reason(error)) from None
        except requests.exceptions.RequestException as error:
            raise Lost(Loss.LOST, _reason(error)) from None
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]
        return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response)


def session(policy: Policy) -> requests.Session:
    """A requests session whose every request passes the policy."""
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = 0
    made.adapters.clear()
    adapter = PolicyAdapter(policy)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def _loss(error: requests.exceptions.ConnectionError) -> Loss:
    """requests has one class for refused and for broken connections; urllib3's cause tells them apart."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return Loss.NOT_SENT if isinstance(cause, NewConnectionError) else Loss.LOST


def _reason(error: Exception) -> str:
    """The kind of error in words; the text of network errors quotes addresses and is not needed."""
    match error:
        case requests.exceptions.ConnectTimeout():
            return "no connection within the time limit"
        case requests.exceptions.SSLError():
            return "no trusted TLS connection"
        case requests.exceptions.Timeout():
            return "no reply within the time limit"
        case requests.exceptions.ConnectionError() if _loss(error) is Loss.NOT_SENT:
            return "no connection"
        case _:
            return "the connection was closed before the reply was complete"

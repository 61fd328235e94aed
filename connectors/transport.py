"""The one way out: every request of every client passes a `Policy`, whatever HTTP library carries it.

A policy belongs to one connection. It admits the address, waits for the account's rate limit, counts the call, sends,
reads the whole reply within the time limits, and repeats what may be repeated. It keeps the vendor's clock (the `Date`
header) and refuses redirects, because clients send their credentials along with them. The libraries plug in through
`httpx_client` and `requests_session`; both come with keep-alive pools and ignore proxy variables.

Raises Unavailable (nothing was written) and Ambiguous (lost after sending a write that must not be repeated). Replies
with an error status are returned: what they mean is the vendor client's knowledge.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import urlsplit

from fieldwright.connectors import retry
from fieldwright.connectors.hosts import HostRule
from fieldwright.connectors.ratelimit import Clock, SystemClock, TokenBucket
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.retry import Budget, Loss, RetryPolicy
from fieldwright.runtime.errors import Ambiguous, Unavailable

if TYPE_CHECKING:
    import httpx
    import requests

_log = logging.getLogger("fieldwright.transport")

R = TypeVar("R")

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHATTY: Final = ("httpx", "httpcore", "urllib3", "chargebee", "simple_salesforce", "zeep", "requests")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total` limits one attempt from its start to the last byte of the reply."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 120.0


class Lost(Exception):
    """An attempt failed below HTTP. Raised by the library adapters to the policy, never beyond it."""

    def __init__(self, loss: Loss, reason: str) -> None:
        super().__init__(reason)
        self.loss = loss


@dataclass(frozen=True, slots=True)
class Reply(Generic[R]):
    """What an adapter's attempt gave: status and headers (lower-case names), and its own response object."""

    status: int
    headers: Mapping[str, str]
    response: R


@dataclass(slots=True)
class _Counters:
    calls: int = 0
    retries: int = 0
    clock: tuple[datetime, float] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Policy:
    """The rules of one connection. Safe to use from several threads."""

    def __init__(
        self,
        hosts: HostRule,
        *,
        redact: Redactor,
        bucket: TokenBucket | None = None,
        retries: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = retry.default_jitter,
    ) -> None:
        self.hosts = hosts
        self.redact = redact
        self.timeouts = timeouts or Timeouts()
        self.clock: Clock = clock or SystemClock()
        self._bucket = bucket
        self._retries = retries or RetryPolicy()
        self._budget = Budget(self._retries)
        self._jitter = jitter
        self._counters = _Counters()

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._counters.calls

    @property
    def retries(self) -> int:
        """Repeats among the requests sent so far."""
        return self._counters.retries

    def vendor_now(self) -> datetime | None:
        """The vendor's clock: the last `Date` header, moved on by the time since; None before the first reply."""
        known = self._counters.clock
        if known is None:
            return None
        stamp, at = known
        return stamp + timedelta(seconds=self.clock.monotonic() - at)

    def exchange(self, method: str, url: str, send: Callable[[str, float], Reply[R]], *, idempotent: bool) -> R:
        """Send one request by `send(admitted url, deadline)` until it is answered or may not be repeated.

        `idempotent` says that a repeat of this write changes nothing; reads always are. `send` raises `Lost`.
        """
        address = self.hosts.admit(url)
        idempotent = idempotent or method in READS
        self._budget.request()
        attempt, perhaps = 1, False
        while True:
            reply, lost = self._attempt(method, address, send, attempt)
            # Once one attempt was lost after sending, the write may stand, whatever becomes of the repeats.
            perhaps = perhaps or (lost is not None and lost.loss is Loss.LOST and method not in READS)
            if reply is not None:
                if reply.status in REDIRECTS:
                    raise self._unavailable(url, "answered with a redirect, which is never followed")
                if not retry.repeatable(reply.status, idempotent=idempotent):
                    return reply.response
                asked = retry.retry_after(reply.headers, self.clock.time())
            else:
                asked = None
                if lost is not None and lost.loss is Loss.LOST and not idempotent:
                    raise self._ambiguous(url, str(lost))
            wait = self._retries.wait(attempt, asked, self._jitter)
            if attempt >= self._retries.attempts or wait is None or not self._budget.take():
                if reply is not None:
                    return reply.response
                if perhaps:
                    raise self._ambiguous(url, f"{lost} ({attempt} attempts)")
                raise self._unavailable(url, f"{lost} ({attempt} attempts)")
            if asked is not None and self._bucket is not None:
                self._bucket.pause(self.clock.monotonic(), asked)
            self.clock.sleep(wait)
            attempt += 1

    def _attempt(
        self, method: str, address: str, send: Callable[[str, float], Reply[R]], attempt: int
    ) -> tuple[Reply[R] | None, Lost | None]:
        if self._bucket is not None and (wait := self._bucket.reserve(self.clock.monotonic())) > 0:
            self.clock.sleep(wait)
        with self._counters.lock:
            self._counters.calls += 1
            self._counters.retries += attempt > 1
        start = self.clock.monotonic()
        try:
            reply = send(address, start + self.timeouts.total)
        except Lost as lost:
            self._note(method, address, f"failed: {lost}", start, attempt)
            return None, lost
        self._note(method, address, str(reply.status), start, attempt)
        self._see_clock(reply.headers.get("date"))
        return reply, None

    def _see_clock(self, date: str | None) -> None:
        if not date:
            return
        try:
            stamp = parsedate_to_datetime(date)
        except (TypeError, ValueError):
            return
        if stamp.tzinfo is not None:
            self._counters.clock = (stamp.astimezone(UTC), self.clock.monotonic())

    def _note(self, method: str, address: str, outcome: str, start: float, attempt: int) -> None:
        if not _log.isEnabledFor(logging.DEBUG):
            return
        parts = urlsplit(address)
        # The path is redacted too: ids such as e-mail addresses stand in it. The query is left out altogether.
        where = self.redact(f"{parts.hostname}{parts.path}")
        spent = (self.clock.monotonic() - start) * 1000
        _log.debug("%s %s -> %s (%.0f ms, attempt %d)", method, where, self.redact(outcome), spent, attempt)

    def _unavailable(self, url: str, reason: str) -> Unavailable:
        system = self.hosts.system
        return Unavailable(
            f"{system} ({urlsplit(url).hostname}) could not be reached: {self.redact(reason)}",
            "Check the network and the system's status page, then run again; nothing was written by this call.",
            system=system,
        )

    def _ambiguous(self, url: str, reason: str) -> Ambiguous:
        system, why = self.hosts.system, self.redact(reason)
        return Ambiguous(
            f"The connection to {system} ({urlsplit(url).hostname}) was lost after a write was sent: {why}",
            "The next run looks at the target before it writes again.",
            system=system,
        )


def httpx_client(policy: Policy, **options: object) -> httpx.Client:
    """An httpx client under the policy; `options` are httpx.Client's (`base_url`, `headers`, `auth`). Mark a write as
    idempotent with `extensions={"idempotent": True}` on the request."""
    from fieldwright.connectors.httpx_adapter import client

    quiet_wire_logs()
    return client(policy, **options)


def requests_session(policy: Policy) -> requests.Session:
    """A requests session under the policy. Mark a write as idempotent with the header `IDEMPOTENT_MARK`, which is
    taken off before sending."""
    from fieldwright.connectors.requests_adapter import session

    quiet_wire_logs()
    return session(policy)


def quiet_wire_logs() -> None:
    """Raise the level of the HTTP libraries' loggers where nobody set one: at DEBUG and INFO they write addresses
    with queries, headers and whole payloads, which hold personal data."""
    for name in _CHATTY:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)

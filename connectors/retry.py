"""Decides whether a request is sent again, and when.

What is safe depends on what is known: a request that never left, or was refused with 429 or 503, was not applied and
may be repeated; one that was lost after sending may be repeated only when repeating changes nothing. At most four
attempts a request, and a budget over all requests of a connection, so that an outage is not answered with a storm.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

REFUSED: Final = frozenset({429, 503})
"""Statuses of requests that were turned away unprocessed. 503 on a write counts as refused; for Salesforce and
ActiveCampaign that reading is unverified, for Chargebee it is its read-only mode."""

FAILED: Final = frozenset({408, 500, 502, 504})
"""Statuses after which a write may or may not have been applied."""


class Loss(Enum):
    """How much of a failed exchange is known."""

    NOT_SENT = "not sent"
    LOST = "lost after sending"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times are seconds. `longest_wait` caps one wait: a longer Retry-After is not waited for but handed up."""

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 90.0
    longest_backoff: float = 20.0
    spare: int = 20
    share: float = 0.2

    def backoff(self, attempt: int, jitter: Callable[[], float]) -> float:
        """Seconds before attempt number `attempt + 1`: doubling, then a random share of 50-100 % of it, so that
        clients that failed together do not come back together."""
        return float(min(self.longest_backoff, self.first_wait * 2 ** (attempt - 1)) * (0.5 + jitter() / 2))

    def wait(self, attempt: int, retry_after: float | None, jitter: Callable[[], float]) -> float | None:
        """Seconds to wait after a failed attempt, or None when the system asks for more than we wait."""
        own = self.backoff(attempt, jitter)
        if retry_after is None:
            return own
        # A little late rather than a little early: an early repeat is refused again and costs a call.
        wanted = retry_after + jitter() * min(1.0, 0.1 * retry_after)
        return None if retry_after > self.longest_wait else max(wanted, 0.0)


class Budget:
    """Retries that one connection may still spend: `spare`, plus a `share` of all requests so far."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._requests = 0
        self._retries = 0
        self._lock = threading.Lock()

    def request(self) -> None:
        """Count a first attempt."""
        with self._lock:
            self._requests += 1

    def take(self) -> bool:
        """Spend one retry; False when the budget is used up."""
        with self._lock:
            if self._retries >= self._policy.spare + self._policy.share * self._requests:
                return False
            self._retries += 1
            return True


def repeatable(status: int, *, idempotent: bool) -> bool:
    """Whether a reply with this status may be answered by sending the request again."""
    return status in REFUSED or (idempotent and status in FAILED)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from a Retry-After header (seconds or an HTTP date), or None. `now` is Unix seconds."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None


default_jitter: Callable[[], float] = random.random

"""Spaces requests to one vendor account, so that its limit is met rarely instead of hit and repaired.

A token bucket: `rate` requests a second on average, `burst` at once. All connections of this process to the same
account share one bucket. The bucket only computes waits; who calls it does the waiting on an injected clock.
Other processes are not seen: their requests show up as 429 and are handled by `retry`.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Time as the transport sees it; tests give one that does not wait."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def time(self) -> float:
        """Unix seconds."""


class SystemClock:
    """The real clock."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def time(self) -> float:
        """Unix seconds."""
        return time.time()


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up. Starts full."""

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError("rate and burst must be positive")
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at: float | None = None
        self._lock = threading.Lock()

    def reserve(self, now: float) -> float:
        """Take one token; returns the seconds to wait before using it. Reservations are served in order: the bucket
        goes negative rather than letting two callers wait for the same token."""
        with self._lock:
            if self._at is not None:
                self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.rate)
            self._at = now
            self._tokens -= 1.0
            return 0.0 if self._tokens >= 0 else -self._tokens / self.rate

    def pause(self, now: float, seconds: float) -> None:
        """The account asked for silence: no token before `seconds` from `now`."""
        with self._lock:
            self._at = now
            self._tokens = min(self._tokens, 1.0 - seconds * self.rate)


_buckets: dict[tuple[str, str, float, int], TokenBucket] = {}
_lock = threading.Lock()


def bucket_for(system: str, account: str, rate: float, burst: int) -> TokenBucket:
    """The bucket that all connections of this process to the account share."""
    with _lock:
        return _buckets.setdefault((system, account, rate, burst), TokenBucket(rate, burst))

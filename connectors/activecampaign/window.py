"""Keeps requests to one account below its limit of five in any second.

The account counts a sliding second over all its integrations. A token bucket that saves up five would let ten through
in the second that follows a pause, so this one remembers when the last five requests were let go. It is a
`TokenBucket` to the transport. Connections of one process to the same account share a window.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from fieldwright.connectors.ratelimit import TokenBucket

LIMIT: Final = 5
"""Requests a second and account. Source: the vendor's rate limit page."""

_SECOND: Final = 1.05
"""Seconds that count as one: requests may arrive closer together than they left."""


class SlidingWindow(TokenBucket):
    """At most `limit` reservations within any second, in the order they are made."""

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__(limit, limit)
        self._guard = threading.Lock()
        self._times: deque[float] = deque(maxlen=limit)
        self._silent_until = 0.0

    def reserve(self, now: float) -> float:
        """Seconds to wait before sending; the request counts as sent after that wait."""
        with self._guard:
            at = max(now, self._silent_until, self._times[-1] if self._times else now)
            if len(self._times) == self._times.maxlen:
                at = max(at, self._times[0] + _SECOND)
            self._times.append(at)
            return at - now

    def pause(self, now: float, seconds: float) -> None:
        """The account asked for silence."""
        with self._guard:
            self._silent_until = max(self._silent_until, now + seconds)


_windows: dict[str, SlidingWindow] = {}
_lock = threading.Lock()


def window_for(account: str) -> SlidingWindow:
    """The window that all connections of this process to the account share."""
    with _lock:
        return _windows.setdefault(account, SlidingWindow())

"""The account's rate limit: so many requests in any second, counted across all keys.

Turns real monotonic time into yes or no. The window slides, so there is no burst at its edge: a client that sends
five requests at the end of one second and five at the start of the next is refused.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable


class RateLimiter:
    """At most `limit` requests within the last second. `monotonic` gives seconds."""

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        self.limit = limit
        self._monotonic = monotonic
        self._seen: deque[float] = deque()

    def admit(self) -> tuple[int, int | None]:
        """How many more requests fit into this second, and None; or 0 and the whole seconds to wait.
        A refused request is not counted (unverified)."""
        now = self._monotonic()
        while self._seen and self._seen[0] <= now - 1:
            self._seen.popleft()
        if len(self._seen) >= self.limit:
            return 0, max(1, math.ceil(self._seen[0] + 1 - now))
        self._seen.append(now)
        return self.limit - len(self._seen), None

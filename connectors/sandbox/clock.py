"""The one clock that the three emulated systems share.

It turns real time into the sandbox's time: real time plus an offset, or a frozen instant. Time travel (terms,
trials, expiry of links and keys) is an offset changed through the admin application, which also stores it; this
module keeps nothing on disk.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the sandbox's time. Safe to share between threads.

    `offset` is in seconds and is added to real time; `real` gives real time in unix seconds and exists for tests.
    """

    def __init__(
        self, offset: float = 0.0, *, frozen_at: datetime | None = None, real: Callable[[], float] = time.time
    ) -> None:
        self._lock = threading.Lock()
        self._real = real
        self._offset = offset
        self._frozen = None if frozen_at is None else _aware(frozen_at).timestamp()

    def now(self) -> datetime:
        """The sandbox's instant, aware, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """The sandbox's instant in unix seconds, with fraction."""
        with self._lock:
            return self._real() + self._offset if self._frozen is None else self._frozen

    def seconds(self) -> int:
        """Whole unix seconds, as Chargebee writes them."""
        return int(self.timestamp())

    def advance(self, seconds: float) -> None:
        """Move by that many seconds; a negative number goes back. A frozen clock stays frozen, later."""
        with self._lock:
            if self._frozen is None:
                self._offset += seconds
            else:
                self._frozen += seconds

    def set(self, instant: datetime) -> None:
        """Make `now` that instant; it keeps running unless frozen. Raises ValueError for a naive instant."""
        at = _aware(instant).timestamp()
        with self._lock:
            if self._frozen is None:
                self._offset = at - self._real()
            else:
                self._frozen = at

    def freeze(self, instant: datetime | None = None) -> None:
        """Stop the clock, at the given instant or at the present one."""
        at = self.timestamp() if instant is None else _aware(instant).timestamp()
        with self._lock:
            self._frozen = at

    def resume(self) -> None:
        """Let a frozen clock run on from where it stands."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - self._real()
                self._frozen = None

    @property
    def offset(self) -> timedelta:
        """How far the running clock is ahead of real time; what the server stores."""
        with self._lock:
            return timedelta(seconds=self._offset)

    @property
    def frozen_at(self) -> datetime | None:
        """The instant at which the clock stands, or None while it runs."""
        with self._lock:
            return None if self._frozen is None else datetime.fromtimestamp(self._frozen, UTC)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"a clock needs an aware instant, got the naive {instant.isoformat()}")
    return instant

"""What a run is doing while it runs, on the error stream: one line that rewrites itself on a terminal, else a line
every ten seconds.

Called often and from the run's own thread, so it looks at the clock before it formats anything. It writes nothing to
the standard output, which belongs to the report. Left to others: what the phases are.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TextIO

from fieldwright.runtime.reporters.printable import printable

if TYPE_CHECKING:
    from fieldwright.runtime.sync import Progress

_EVERY_LIVE: Final = 0.1
_EVERY_LOGGED: Final = 10.0


class ProgressLine:
    """A listener for `synchronise`. `live` says that the stream is a terminal which can rewrite a line."""

    def __init__(self, stream: TextIO, *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._live = live
        self._clock = clock
        # A run shorter than the interval says nothing in a log: its report follows at once.
        self._next = clock() + (0 if live else _EVERY_LOGGED)
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + (_EVERY_LIVE if self._live else _EVERY_LOGGED)
        of = f" of {progress.total:,}" if progress.total is not None else ""
        text = f"{printable(progress.phase)}: {printable(progress.what)} {progress.done:,}{of}"
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{text[:width]}")
            self._shown = True
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that the report starts on a clean one."""
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._shown = False

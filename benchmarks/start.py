"""How long a person waits before a command does anything: the help page, and lint of the shipped mappings.

    python -m benchmarks.start [--runs 9]

Wall time of whole processes, in an empty folder, medians after one run that fills the caches; asserted against the
limits of the design (help 0.2 s, lint 1 s). Meant for a machine that is not busy otherwise.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

LIMITS = {("--help",): 0.2, ("run", "--help"): 0.2, ("lint",): 1.0}


def seconds(arguments: tuple[str, ...], runs: int, folder: str) -> list[float]:
    """Wall time of each of `runs` processes."""
    command = [sys.executable, "-m", "fieldwright", *arguments]
    found = []
    for number in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        if number:
            found.append(time.perf_counter() - started)
    return found


def main() -> int:
    """Print a line a command; 1 where a limit is passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        for arguments, limit in LIMITS.items():
            times = seconds(arguments, runs, folder)
            median = statistics.median(times)
            slow = slow or median > limit
            said = f"{median:.3f} s (best {min(times):.3f}, worst {max(times):.3f}), limit {limit} s"
            print(f"interpret {' '.join(arguments):<12} {said}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())

"""Where the command line writes: documents and reports to the standard output, everything said on the side to stderr.

Decides about colour (a terminal, and `NO_COLOR` unset) and about escaping what comes from outside. Imports nothing
heavy: every command passes here, `--help` included.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TextIO

from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.printable import printable_text


class Format(StrEnum):
    """What `--output` takes."""

    TEXT = "text"
    JSON = "json"


def paint_for(stream: TextIO) -> Paint:
    """Colours where they show: a terminal that is not `dumb`, unless `NO_COLOR` is set to anything."""
    return Paint(is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is watching the stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def write(text: str) -> None:
    """A finished report to the standard output, as it is (reporters have escaped it)."""
    sys.stdout.write(text)


def say(text: str) -> None:
    """A line of plain text to the standard output; control characters are escaped."""
    sys.stdout.write(printable_text(text) + "\n")


def remark(text: str) -> None:
    """A line on the error stream: progress and hints, no part of the result."""
    sys.stderr.write(printable_text(text) + "\n")
    sys.stderr.flush()


def write_json(document: Mapping[str, Any], *, indent: int = 2) -> None:
    """One JSON document to the standard output."""
    from fieldwright.runtime.reporters.json import dumps

    sys.stdout.write(dumps(document, indent=indent) + "\n")

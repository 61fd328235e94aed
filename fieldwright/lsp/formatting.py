"""A file -> the same file as `interpret fmt` writes it; None where it cannot be formatted as it stands."""

from __future__ import annotations

import logging

from fieldwright.dsl.source import SourceFile

_log = logging.getLogger(__name__)


def formatted(file: SourceFile) -> str | None:
    """The formatted text. A file that is no YAML yet is left alone, and so is one that formatting would change."""
    from fieldwright.dsl.format.formatter import MeaningChanged, format_file

    try:
        return format_file(file).text
    except MeaningChanged as problem:
        # Editors format on every save: a mistake of the formatter must cost nobody the file.
        _log.error("%s was not formatted: %s", file.path, problem)
        return None

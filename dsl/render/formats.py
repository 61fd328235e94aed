"""Every output format of findings by its name: what `lint --format` offers, all made from the same records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.render.machine import render_github, render_json
from fieldwright.dsl.render.reports import render_gitlab, render_junit
from fieldwright.dsl.render.sarif import render_sarif
from fieldwright.dsl.render.text import render_concise, render_text

Renderer = Callable[[Sequence[Diagnostic], Sequence[str]], str]
"""Findings, and the paths of all files that were checked, to a text."""

RENDERERS: Final[Mapping[str, Renderer]] = {
    "text": lambda found, files: render_text(found),
    "concise": lambda found, files: render_concise(found),
    "json": lambda found, files: render_json(found, len(files)),
    "sarif": lambda found, files: render_sarif(found),
    "github": lambda found, files: render_github(found),
    "gitlab": lambda found, files: render_gitlab(found),
    "junit": render_junit,
}
"""`text` is without colour here; who prints to a terminal calls `render_text` itself."""

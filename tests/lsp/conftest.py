"""A project on disk and texts with a cursor: `complete("... customer.|")` asks at the place of the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldwright.dsl.source import SourceFile
from fieldwright.lsp.projects import View, Workshop

PROJECT = "interpret: 1\nproject: shop\napply: [customer-account, own]\n"
SCHEMA = """\
interpret: 1
schema: own-fields
objects:
  chargebee.customer:
    fields:
      cf_segment: {type: 'enum<smb, mid, ent>', label: Segment}
  salesforce.Account:
    fields:
      Segment__c: {type: string, length: 40, label: Segment}
      Tier__c: {type: 'enum<Gold, Silver, Closed tier>', label: Tier, restricted: true}
"""
FUNCTIONS = """\
interpret: 1
functions: own
define:
  shouted:
    doc: The text in capitals.
    params: {text: string?}
    returns: string?
    value: upper(text)
"""


@dataclass(frozen=True)
class At:
    """A file, an offset in it and the project it lies in."""

    file: SourceFile
    offset: int
    view: View


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project."""
    folder = tmp_path_factory.mktemp("shop")
    for path, text in {
        "interpret.yaml": PROJECT,
        "schema/own.yaml": SCHEMA,
        "functions/own.yaml": FUNCTIONS,
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder.resolve()


@pytest.fixture(scope="module")
def workshop(folder: Path) -> Workshop:
    """The project as an editor holds it."""
    return Workshop(folder)


@pytest.fixture
def at(workshop: Workshop, folder: Path) -> Callable[[str], At]:
    """Opens a text with a `|` where the cursor is, as the file mappings/own.map.yaml of the project."""

    def open_at(text: str) -> At:
        offset = text.index("|")
        path = str(folder / "mappings" / "own.map.yaml")
        workshop.open(path, text[:offset] + text[offset + 1 :])
        view = workshop.view()
        return At(view.files[path], offset, view)

    return open_at

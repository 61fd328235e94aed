"""A structurally right test document -> what it says: cases, each with what is given and what is expected.

The parts stay nodes, so that a failure can be shown at the very line that expected something else. Names are held
against mappings in `findings`, values become records in `inputs`, and what comes out is compared in `compare`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldwright.dsl.document import Document, Entry, Scalar, Sequence, Table
from fieldwright.dsl.mappingdocument import entries, plain_bool, scalars
from fieldwright.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `settings` are its own and, before them, those of the document."""

    name: str
    span: Span
    given: Table
    expect: Table
    settings: tuple[Entry, ...]

    def given_table(self, name: str) -> Table | None:
        """A part of `given` that is a table."""
        return self.given.table(name)

    def is_given(self, name: str) -> bool:
        """Whether this part of `given` is the YAML value true."""
        return plain_bool(self.given.get(name))

    def expected_names(self, name: str) -> tuple[Scalar, ...]:
        """The names in a list of `expect`."""
        return scalars(self.expect.get(name))


@dataclass(frozen=True, slots=True)
class TestDocument:
    """One test document. `subject` is the mapping, overlay or ruleset that it tests; `run` what `run` is in
    expressions, as far as the document says."""

    __test__ = False  # pytest takes classes called Test… for tests

    subject: str
    span: Span
    document: Document
    run: Table | None
    cases: tuple[Case, ...]

    @property
    def path(self) -> str:
        """The file it stands in."""
        return self.document.file.path


def build_tests(document: Document) -> TestDocument:
    """The test document that a document of that kind is; its structure must have been checked."""
    root = document.root
    common = entries(root, "settings")
    said = root.get("cases")
    assert isinstance(said, Sequence), "structure was checked"
    cases = tuple(_case(item, common) for item in said.items if isinstance(item, Table))
    return TestDocument(document.name, document.name_at, document, root.table("run"), cases)


def _case(said: Table, common: tuple[Entry, ...]) -> Case:
    name, given, expect = said.get("case"), said.table("given"), said.table("expect")
    assert isinstance(name, Scalar), "structure was checked"
    assert given is not None, "structure was checked"
    assert expect is not None, "structure was checked"
    return Case(name.text, name.span, given, expect, (*common, *entries(said, "settings")))

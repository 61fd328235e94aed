"""Steps between formats, tried with a format 2 that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fieldwright.dsl.diagnostics import Edit
from fieldwright.dsl.document import Table
from fieldwright.dsl.migrations.codemods import CODEMODS, OLDEST, Codemod, migrate, renamed_key, replaced_text, tables
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import schema


def _several(root: Table) -> Iterator[Edit]:
    """Format 2 calls `on_ambiguous` `on_several`, and its `newest` `take_newest`, in mappings and overlays."""
    for table in tables(root):
        key = table.table("key")
        yield from replaced_text(key.get("on_ambiguous") if key else None, "newest", "take_newest")
        yield from renamed_key(key, "on_ambiguous", "on_several")


def _to_three(root: Table) -> Iterator[Edit]:
    key = root.table("key")
    yield from renamed_key(key, "on_several", "several")


TWO = Codemod(1, "on_ambiguous is called on_several", _several)
THREE = Codemod(2, "on_several is called several", _to_three)

OLD = """\
# An account.
interpret: 1   # the format
mapping: one
key: {match: [{field: A, with: a.id}], "on_ambiguous": newest}  # why not
fields:
  on_ambiguous: a.on_ambiguous
---
interpret: 1
overlay: two
extends: one@1
change:
  key:
    match: [{field: B, with: a.id}]
    # Never guess.
    on_ambiguous: error
"""


def test_a_step_changes_what_it_says_and_nothing_else() -> None:
    made = migrate(SourceFile("x.yaml", OLD), (TWO,))

    assert made.steps == ("on_ambiguous is called on_several",)
    assert (
        made.text
        == """\
# An account.
interpret: 2   # the format
mapping: one
key: {match: [{field: A, with: a.id}], on_several: take_newest}  # why not
fields:
  on_ambiguous: a.on_ambiguous
---
interpret: 2
overlay: two
extends: one@1
change:
  key:
    match: [{field: B, with: a.id}]
    # Never guess.
    on_several: error
"""
    )


def test_steps_follow_one_another_and_a_second_time_nothing_is_left() -> None:
    once = migrate(SourceFile("x.yaml", OLD), (TWO, THREE))
    again = migrate(SourceFile("x.yaml", once.text), (TWO, THREE))

    assert once.text.count("interpret: 3") == 2
    assert "several: take_newest" in once.text
    assert (again.text, again.steps) == (once.text, ())


def test_a_newer_document_beside_an_older_one_stays() -> None:
    mixed = "interpret: 2\nmapping: a\nkey: {on_ambiguous: newest}\n---\n" + OLD

    made = migrate(SourceFile("x.yaml", mixed), (TWO,))

    assert made.text.startswith(
        "interpret: 2\nmapping: a\nkey: {on_ambiguous: newest}\n---\n# An account.\ninterpret: 2"
    )


@pytest.mark.parametrize(("number", "code"), [("3", "DM015"), ("0", "DM015"), ("'1'", "DM015"), ("true", "DM015")])
def test_an_unknown_format_is_refused(number: str, code: str) -> None:
    text = OLD.replace("interpret: 1 ", f"interpret: {number} ")

    made = migrate(SourceFile("x.yaml", text), (TWO,))

    assert (made.text, [finding.code for finding in made.diagnostics]) == (text, [code])
    assert "the formats 1 to 2" in made.diagnostics[0].message


def test_a_document_without_a_format_is_refused() -> None:
    made = migrate(SourceFile("x.yaml", "mapping: one\n"))

    assert [finding.code for finding in made.diagnostics] == ["DM010"]


def test_a_file_that_is_no_yaml_is_left_alone() -> None:
    made = migrate(SourceFile("x.yaml", "interpret: 1\na: [\n"), (TWO,))

    assert (made.text, made.diagnostics[0].code) == ("interpret: 1\na: [\n", "DM001")


def test_a_missing_step_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="missing between the formats 1 and 2"):
        migrate(SourceFile("x.yaml", OLD), (THREE,))


def test_edits_of_one_place_are_a_mistake_of_ours() -> None:
    def twice(root: Table) -> Iterator[Edit]:
        yield from renamed_key(root, "key", "a")
        yield from renamed_key(root, "key", "b")

    with pytest.raises(ValueError, match="two edits of one place"):
        migrate(SourceFile("x.yaml", OLD), (Codemod(1, "twice", twice),))


def test_the_registry_reaches_the_format_that_the_language_reads() -> None:
    newest = OLDEST + len(CODEMODS)

    assert schema()["$defs"]["mapping"]["properties"]["interpret"] == {"const": newest}

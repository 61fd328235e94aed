"""What is remembered between two checks never changes the outcome; scopes are those that lint links with."""

from __future__ import annotations

import contextlib
import random

import pytest

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.document import DocumentKind
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.source import SourceFile
from fieldwright.lsp.actions import actions
from fieldwright.lsp.completion import complete
from fieldwright.lsp.definition import definitions
from fieldwright.lsp.hover import hover
from fieldwright.lsp.places import expressions, kind_of
from fieldwright.lsp.positions import Units, to_offset, to_position
from fieldwright.lsp.projects import Workshop
from fieldwright.lsp.remembered import Files, Remembering
from fieldwright.lsp.rename import NotRenamed, renamable, rename
from fieldwright.lsp.scopes import checked, scope_at
from fieldwright.project import pack_files

SCHEMAS = shipped_schemas()
PACKS = tuple(pack_files(with_default=False))
EDITS = (
    ("customer.", "customr."),
    ("version: 1", "version: 2"),
    ("mapping: ", "mapping: new-"),
    ("use: [common]", "use: [comon]"),
    ("ref: ", "ref: x"),
    ("fields:", "feilds:"),
    ("params: {", "params: {extra: string, "),
    ("default: ", "default: no"),
    ("}", ""),
    ("'", ""),
    ("let:", "let:\n  added: 1 +"),
    ("ruleset: ", "ruleset: other-"),
)


@pytest.mark.parametrize("seed", range(4))
def test_a_remembered_check_finds_what_a_fresh_one_finds(seed: int) -> None:
    chance = random.Random(seed)
    files = list(PACKS)
    reading, steps = Files(), Remembering()
    for _ in range(6):
        number = chance.randrange(len(files))
        old, new = chance.choice(EDITS)
        file = files[number]
        at = chance.choice([found for found in range(len(file.text)) if file.text.startswith(old, found)] or [-1])
        if chance.random() < 0.3:
            files[number] = PACKS[number]
        elif at >= 0:
            files[number] = SourceFile(file.path, file.text[:at] + new + file.text[at + len(old) :])
        steps.begin()
        found = check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)
        fresh = check_project(load(files), SCHEMAS)

        assert found.diagnostics == fresh.diagnostics


OWN = """\
interpret: 1
mapping: own
version: 1
from: {object: chargebee.subscription, as: subscription}
to: salesforce.Opportunity
driven_by: own-rules
key:
  match:
    - {field: chargebeeapps__Subscription_Id__c, with: subscription.id}
fields:
  Name: settings.title
  StageName: {const: Closed Won}
  CloseDate: run.started_at.date(settings.timezone)
  AccountId: {ref: customer-account, key: subscription.customer_id}
  chargebeeapps__Subscription_Id__c: subscription.id
"""
RULES = """\
interpret: 1
ruleset: own-rules
settings:
  title: {type: string, default: x}
rules:
  - {rule: always, then: create}
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("to: salesforce.Account\n", "to: salesforce.Contact\n", "DM314"),
        ("mapping: customer-account\n", "mapping: customer-acount\n", "DM403"),
        ("{type: string, default: x}", "{type: bool, default: true}", "DM308"),
        ("{type: string, default: x}", "{type: string?, default: x}", "DM304"),
        ("  title: {type", "  tittle: {type", "DM101"),
    ],
)
def test_a_change_in_another_file_reaches_what_depends_on_it(old: str, new: str, code: str) -> None:
    files = [*PACKS, SourceFile("own.map.yaml", OWN), SourceFile("own.rules.yaml", RULES)]
    number = next(at for at, file in enumerate(files) if old in file.text)
    reading, steps = Files(), Remembering()
    before = check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)
    files[number] = SourceFile(files[number].path, files[number].text.replace(old, new))
    steps.begin()
    after = check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)
    own = [found.code for found in after.diagnostics if found.span.file.path == "own.map.yaml"]

    assert code not in [found.code for found in before.diagnostics if found.span.file.path == "own.map.yaml"]
    assert code in own
    assert after.diagnostics == check_project(load(files), SCHEMAS).diagnostics


def test_a_suggestion_follows_the_names_there_are() -> None:
    wrong = OWN.replace("ref: customer-account", "ref: customer-acco")
    files = [*PACKS, SourceFile("own.map.yaml", wrong), SourceFile("own.rules.yaml", RULES)]
    number = next(at for at, file in enumerate(files) if "mapping: customer-account\n" in file.text)
    reading, steps = Files(), Remembering()
    hints = []
    for name in ("customer-account", "another"):
        file = files[number]
        files[number] = SourceFile(file.path, file.text.replace("mapping: customer-account", f"mapping: {name}"))
        steps.begin()
        found = check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)
        hints += [one.caret for one in found.diagnostics if one.code == "DM403" and "customer-acco`" in one.message]

    assert hints == ["did you mean `customer-account`?", "did you mean `customer-contact`?"]


def test_one_changed_file_is_read_and_linked_alone() -> None:
    files = list(PACKS)
    reading, steps = Files(), Remembering()
    check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)
    number = next(at for at, file in enumerate(files) if "mapping: customer-account" in file.text)
    files[number] = SourceFile(files[number].path, files[number].text.replace("customer.phone", "customer.email"))
    steps.begin()
    check_project(reading.load(files), SCHEMAS, steps=steps, compiled=False)

    # The mapping is built, its references listed, linked, linted; its document is searched for secrets, its file for
    # allowances.
    assert steps.memory.made == 6


def test_every_shipped_expression_is_right_in_the_scope_an_editor_gives_it() -> None:
    view = Workshop(None).view()
    wrong: list[str] = []
    count = 0
    for document in view.documents:
        assert kind_of(document.root) is document.kind
        for place in expressions(document.root, document.kind):
            scope = scope_at(place, view)
            found = checked(place.scalar.text, scope) if scope is not None else None
            count += 1
            if found is None or [one for one in found.problems if one.severity.value == "error"]:
                wrong.append(f"{place.scalar.span.at}: {place.scalar.text} {found and found.problems}")

    assert wrong == []
    assert count > 200
    assert {document.kind for document in view.documents} >= {DocumentKind.RULESET, DocumentKind.FUNCTIONS}


@pytest.mark.parametrize("units", list(Units))
def test_every_position_leads_back_to_its_offset(units: Units) -> None:
    file = SourceFile("x", "aé\n🙂b𝒳\r\n\n€ end")
    for offset in range(len(file.text) + 1):
        if file.text[offset : offset + 1] == "\n" and file.text[offset - 1] == "\r":
            continue  # between the two characters of one line end
        assert to_offset(file, *to_position(file, offset, units), units) == offset


def test_an_emoji_counts_two_units_by_default() -> None:
    file = SourceFile("x", "🙂b")

    assert to_position(file, 1) == (0, 2)
    assert to_offset(file, 0, 2) == 1
    assert to_offset(file, 0, 99) == 2
    assert to_offset(file, 99, 0) == 2


PIECES = (
    ":",
    "{",
    "}",
    "'",
    '"',
    "(",
    ".",
    "\n",
    "  ",
    "- ",
    ": ",
    "|",
    ">",
    "é🙂",
    "a.b.",
    "x -> ",
    "null",
    "[",
    "]",
    "",
)


@pytest.mark.parametrize("seed", range(3))
def test_no_text_and_no_place_is_too_broken_for_an_answer(seed: int) -> None:
    """Answers may be empty, but there is one, whatever is typed where."""
    chance = random.Random(seed)
    workshop = Workshop(None)
    for _ in range(12):
        text = chance.choice(PACKS).text
        for _ in range(chance.randint(0, 3)):
            start = chance.randrange(len(text))
            end = start + chance.choice((0, 1, 1, 5, 40))
            text = text[:start] + chance.choice(PIECES) + text[end:]
        workshop.open("/own.yaml", text)
        view = workshop.view()
        file = view.files["/own.yaml"]
        for _ in range(6):
            offset = chance.randrange(len(text) + 1)
            for item in complete(file, offset, view).items:
                assert item.label
                assert item.text
            for span in definitions(file, offset, view):
                assert 0 <= span.start <= span.end <= len(span.file.text)
            hover(file, offset, view)
            actions(file, offset, offset, view)
            named = renamable(file, offset, view)
            if named is not None:
                with contextlib.suppress(NotRenamed):
                    rename(named, "another", view)

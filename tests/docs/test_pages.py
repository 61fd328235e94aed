"""The documentation does what it says: commands print what is shown, mappings lint, expressions have their values,
links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.values import EvaluationError
from fieldwright.project import pack_files
from fieldwright.reference.pages import literal
from tests.docs.pages import Example, examples, expressions, page_files, steps
from tests.docs.reader import Reader

ROOT = Path(__file__).parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in page_files(ROOT)}
STORIES = [name for name, text in PAGES.items() if steps(text)]
EXAMPLES = [pytest.param(one, id=f"{name}:{one.line}") for name, text in PAGES.items() for one in examples(text)]
ROWS = [pytest.param(*row, id=f"{name}: {row[0]}") for name, text in PAGES.items() for row in expressions(text)]
KEYS = {
    "salesforce.Account": "chargebeeapps__CB_Id__c",
    "salesforce.Opportunity": "chargebeeapps__Subscription_Id__c",
    "salesforce.chargebeeapps__CB_Invoice__c": "chargebeeapps__CB_Id__c",
    "activecampaign.contact": "email",
}


@pytest.mark.parametrize("name", STORIES)
def test_commands_of_the_page_do_what_it_shows(name: str, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        for step in steps(PAGES[name]):
            reader.follow(step)


@pytest.mark.parametrize("example", EXAMPLES)
def test_mapping_text_has_no_finding(example: Example) -> None:
    file = SourceFile("example.yaml", _whole(example))
    packs = pack_files(with_default="project:" not in file.text)
    result = check_project(load((file, *packs)), shipped_schemas())
    # A warning about a part may be about what we put around it.
    counting = {Severity.ERROR} if example.wrap else {Severity.ERROR, Severity.WARNING}

    assert [
        f"line {example.line}: {found.code} {found.message}"
        for found in result.diagnostics
        if found.span.file.path == file.path and found.severity in counting
    ] == []


@pytest.mark.parametrize(("text", "value"), ROWS)
def test_expression_has_the_value_shown(text: str, value: str) -> None:
    tree = parse(text).tree
    assert tree is not None
    checked = check(tree, Scope(Schemas({})))
    assert [problem.code for problem in checked.problems] in ([], ["DM220"])
    try:
        found = literal(evaluate(checked, {}))
    except EvaluationError as error:
        found = f"error {error.code}"
    assert found == value


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for link in re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", PAGES[name], flags=re.DOTALL)):
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / name
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}, link


def test_every_page_of_the_folder_is_in_its_index() -> None:
    index = PAGES["docs/README.md"]

    assert [name for name in PAGES if name.startswith("docs/") and f"({name.removeprefix('docs/')})" not in index] == [
        "docs/README.md"
    ]


def test_targets_of_make_and_tests_that_pages_name_exist() -> None:
    text = "\n".join(PAGES.values())
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }

    assert set(re.findall(r"(?:^|`)make (\w+)", text, flags=re.MULTILINE)) - set(targets) == set()
    assert set(re.findall(r"`(test_\w+)`", text)) - tests == set()


def test_fields_that_the_readme_opens_with_are_those_of_the_shipped_mapping() -> None:
    def fields(text: str) -> dict[str, object]:
        return dict(yaml.load(text, Loader=yaml.BaseLoader)["fields"])

    shipped = (ROOT / "mappings" / "chargebee-salesforce" / "customer-account.map.yaml").read_text(encoding="utf-8")
    shown = fields(examples(PAGES["README.md"])[0].text)

    assert len(shown) == 3
    assert shown.items() <= fields(shipped).items()


def _whole(example: Example) -> str:
    if not example.wrap:
        return example.text
    source, _, target = example.route.partition(" -> ")
    root = source.partition(".")[2]
    head = f"interpret: 1\nmapping: example\nuse: [common]\nfrom: {{object: {source}, as: {root}}}\nto: {target}\n"
    if "\nkey:" not in "\n" + example.text:
        with_ = f"{root}.email" if KEYS[target] == "email" else f"{root}.id"
        head += f"key: {{match: [{{field: {KEYS[target]}, with: {with_}}}]}}\n"
    if example.wrap == "fields":
        return head + "fields:\n" + "".join(f"  {line}\n" for line in example.text.splitlines())
    return head + example.text

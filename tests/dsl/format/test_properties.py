"""What holds for every file: formatting twice is formatting once, nothing is lost, nothing means anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldwright.connectors.registry import shipped_schemas
from fieldwright.dsl.document import plain
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.format.expressions import printed, same
from fieldwright.dsl.format.formatter import format_file
from fieldwright.dsl.format.scalars import inline
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile
from tests.dsl.format.documents import EXPRESSIONS, files

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(path for folder in ("mappings", "examples") for path in (ROOT / folder).rglob("*.yaml"))
CASES = sorted((ROOT / "tests" / "dsl").rglob("*.yaml"))

_QUIET = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _format(text: str) -> str:
    return format_file(SourceFile("x.yaml", text)).text


def _values(text: str) -> list[object]:
    roots, findings = read(SourceFile("x.yaml", text))
    assert findings == ()
    return [_squeezed(plain(root)) for root in roots]


def _squeezed(value: object) -> object:
    """The value with every text that is an expression as its tree, since blanks and brackets in it mean nothing."""
    if isinstance(value, dict):
        return {key: _squeezed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_squeezed(item) for item in value]
    if isinstance(value, str):
        tree = parse(value).tree
        return value if tree is None else _Tree(tree)
    return value


class _Tree:
    def __init__(self, tree: object) -> None:
        self.tree = tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tree) and same(self.tree, other.tree)

    __hash__ = None  # type: ignore[assignment]


def _comments(text: str) -> Counter[str]:
    """Comments as another reader of YAML would find them: what is behind a `#` outside of every token."""
    covered = [False] * (len(text) + 1)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken):
            end = token.end_mark.index
            if token.style in ("|", ">"):
                head = text.index("\n", token.start_mark.index)
                covered[head:end] = [True] * (end - head)
            else:
                covered[token.start_mark.index : end] = [True] * (end - token.start_mark.index)
    found: Counter[str] = Counter()
    at = 0
    while at < len(text):
        if text[at] == "#" and not covered[at]:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            found[text[at:end].rstrip()] += 1
            at = end
        at += 1
    return found


@_QUIET
@given(files())
def test_any_file_says_the_same_afterwards(text: str) -> None:
    made = _format(text)

    assert _values(made) == _values(text)
    assert _comments(made) == _comments(text)


@_QUIET
@given(files())
def test_formatting_twice_changes_nothing_more(text: str) -> None:
    made = _format(text)

    assert _format(made) == made


@_QUIET
@given(EXPRESSIONS)
def test_a_printed_expression_has_the_same_tree(text: str) -> None:
    made = printed(text)
    before = parse(text).tree

    assert (made is None) == (before is None)
    if made is not None:
        assert same(parse(made.flat).tree, before)
        assert printed(made.flat) == made


@_QUIET
@given(EXPRESSIONS)
def test_a_printed_expression_has_no_brackets_to_spare(text: str) -> None:
    made = printed(text)
    if made is None:
        return
    before = parse(made.flat).tree
    pairs: list[int] = []
    for at, char in enumerate(made.flat):
        if char == "(":
            pairs.append(at)
        elif char == ")" and pairs:
            first = pairs.pop()
            fewer = made.flat[:first] + " " + made.flat[first + 1 : at] + " " + made.flat[at + 1 :]
            tree = parse(fewer).tree
            # Brackets around `and` are written for the reader.
            assert " and " in made.flat[first:at] or tree is None or not same(tree, before)


@_QUIET
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
def test_a_text_on_one_line_is_read_as_that_text_by_everybody(text: str, flow: bool) -> None:
    written = inline(text, flow=flow)
    line = f"{{a: {written}, b: 1}}" if flow else f"a: {written}"

    assert yaml.safe_load(line)["a"] == text
    roots, findings = read(SourceFile("x.yaml", line))
    assert (findings, roots[0].text("a")) == ((), text)


@pytest.mark.parametrize("path", [*SHIPPED, *CASES], ids=lambda path: path.stem)
def test_files_of_the_project_say_the_same_afterwards(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    made = _format(text)

    assert _format(made) == made
    if made != text:
        assert _values(made) == _values(text)
        assert _comments(made) == _comments(text)


def test_shipped_mappings_mean_the_same_afterwards() -> None:
    before = check_project(load([_file(path) for path in SHIPPED if "mappings" in path.parts]), shipped_schemas())
    after = check_project(load([_file(path, True) for path in SHIPPED if "mappings" in path.parts]), shipped_schemas())

    assert len(before.programs) > 10
    assert {name: one.digest for name, one in after.programs.items()} == {
        name: one.digest for name, one in before.programs.items()
    }
    assert after.digest == before.digest


def test_cases_have_the_same_findings_afterwards() -> None:
    seen = 0
    for text in _documents():
        if read(SourceFile("x.yaml", text))[1]:
            continue
        seen += 1
        assert _codes(_format(text)) == _codes(text)
    assert seen > 40


def _documents() -> Iterator[str]:
    for path in CASES:
        for part in path.read_text(encoding="utf-8").split("\n---\n"):
            yield part + "\n"


def _codes(text: str) -> Any:
    result = check_project(load([SourceFile("x.yaml", text)]), shipped_schemas())
    return sorted((finding.code, finding.message) for finding in result.diagnostics)


def _file(path: Path, formatted: bool = False) -> SourceFile:
    file = SourceFile(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    return SourceFile(file.path, format_file(file).text) if formatted else file

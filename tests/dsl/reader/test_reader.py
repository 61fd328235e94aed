"""What the reader accepts, refuses and survives."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldwright.dsl.document import Scalar, Sequence, Table, plain
from fieldwright.dsl.reader import MAX_CHARACTERS, decode, read
from fieldwright.dsl.source import SourceFile


def codes(text: str) -> list[tuple[str, str]]:
    _, findings = read(SourceFile("f.yaml", text))
    return [(finding.code, finding.span.at) for finding in findings]


def values(text: str) -> list[object]:
    documents, findings = read(SourceFile("f.yaml", text))
    assert not findings
    return [plain(document) for document in documents]


def test_only_null_true_false_and_plain_numbers_are_more_than_text() -> None:
    text = (
        "a: on\nb: 02134\nc: 12:30\nd: 1e5\ne: 0.10\nf: -5\ng: ~\nh:\ni: true\nj: True\nk: '5'\nl: 0x10\nm: .5\nn: no\n"
    )
    assert values(text) == [
        {
            "a": "on",
            "b": "02134",
            "c": "12:30",
            "d": "1e5",
            "e": Decimal("0.10"),
            "f": -5,
            "g": "~",
            "h": None,
            "i": True,
            "j": "True",
            "k": "5",
            "l": "0x10",
            "m": ".5",
            "n": "no",
        }
    ]


def test_a_file_may_hold_several_documents() -> None:
    assert values("a: 1\n---\nb: 2\n---\n") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", [("DM004", "f.yaml:2:1")]),
        ("a: &x 1\nb: *x\n", [("DM005", "f.yaml:1:4"), ("DM005", "f.yaml:2:4")]),
        ("a: &a [*a]\n", [("DM005", "f.yaml:1:4"), ("DM005", "f.yaml:1:8")]),
        ("<<: {a: 1}\n", [("DM005", "f.yaml:1:1")]),
        ("a: !!python/object:os.system x\n", [("DM005", "f.yaml:1:4")]),
        ("1: a\ntrue: b\nnull: c\n[x]: d\n", [("DM006", f"f.yaml:{line}:1") for line in (1, 2, 3, 4)]),
        ("a: \x00\n", [("DM007", "f.yaml:1:4")]),
        ("a:\tb\n", [("DM007", "f.yaml:1:3")]),
        ("a: b\u2028c\n", [("DM007", "f.yaml:1:5")]),
        ("a: 9223372036854775808\nb: " + "9" * 5000 + "\n", [("DM008", "f.yaml:1:4"), ("DM008", "f.yaml:2:4")]),
        ("- a\n", [("DM013", "f.yaml:1:1")]),
    ],
)
def test_yaml_that_surprises_is_refused_where_it_stands(text: str, expected: list[tuple[str, str]]) -> None:
    assert codes(text) == expected


def test_reading_goes_on_after_a_syntax_error_at_the_next_document() -> None:
    documents, findings = read(SourceFile("f.yaml", "a: [1,\n---\nb: c: d\n---\ne: 5\ne: 6\n"))
    assert [plain(document) for document in documents] == [{"e": 5}]
    assert [(finding.code, finding.span.at) for finding in findings] == [
        ("DM001", "f.yaml:2:1"),
        ("DM001", "f.yaml:3:5"),
        ("DM004", "f.yaml:6:1"),
    ]


def test_an_unquoted_colon_is_explained() -> None:
    _, findings = read(SourceFile("f.yaml", "Name: f'a: {customer.id}'\n"))
    assert [(f.message, f.help) for f in findings] == [
        (
            "`: ` is not possible here: YAML takes it for a second key",
            "put the whole value in single quotes, or indent the line to where its key belongs",
        )
    ]


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 60_000, "- " * 100_000, "a: " + "[" * 50_000 + "]" * 50_000, "? " * 100_000],
)
def test_deep_nesting_is_a_finding_and_costs_little(text: str) -> None:
    started = time.process_time()
    found = codes(text)
    assert [code for code, _ in found] in (["DM003"], ["DM001"])
    assert time.process_time() - started < 2


def test_an_alias_bomb_expands_to_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30))
    documents, findings = read(SourceFile("f.yaml", bomb))
    assert {finding.code for finding in findings} == {"DM005"}
    assert isinstance(documents[0], Table)


def test_files_that_are_too_large_or_not_utf8_are_not_read() -> None:
    assert codes("a: " + "x" * MAX_CHARACTERS) == [("DM002", "f.yaml:1:1")]
    file, findings = decode("f.yaml", b"a: b\nc: \xff\n")
    assert file.text == ""
    assert [(f.code, f.span.at) for f in findings] == [("DM007", "f.yaml:2:4")]
    _, findings = decode("f.yaml", b"x" * (MAX_CHARACTERS + 1))
    assert [f.code for f in findings] == ["DM002"]


def test_a_byte_order_mark_shifts_no_place() -> None:
    documents, findings = read(SourceFile("f.yaml", "\ufeffa: b\n"))
    assert not findings
    entry = documents[0].entries[0]
    assert (entry.key.start, entry.key.end) == (1, 2)


def marked(text: str) -> list[str]:
    """The file text at the place of `[target]` in the one value of the document, for each occurrence."""
    file = SourceFile("f.yaml", text)
    documents, findings = read(file)
    assert not findings
    value = documents[0].entries[0].value
    assert isinstance(value, Scalar)
    at = value.text.index("target")
    span = value.part(at, at + len("target"))
    return [text[span.start : span.end], span.at]


@pytest.mark.parametrize(
    ("style", "text", "place"),
    [
        ("plain", "a: before target after\n", "f.yaml:1:11"),
        ("plain over lines", "a: before\n   and\n\n   é target after\n", "f.yaml:4:6"),
        ("single", "a: 'it''s é target'\n", "f.yaml:1:13"),
        ("single over lines", "a: 'x  \n\n   it''s target'\n", "f.yaml:3:10"),
        ("double", 'a: "\\u00e9 \\"\\t\\x41 target"\n', "f.yaml:1:21"),
        ("double over lines", 'a: "x \\\n   y \\n\n   target"\n', "f.yaml:3:4"),
        ("folded", "a: >-\n  before\n  more\n\n    indented\n  target\n", "f.yaml:6:3"),
        ("folded with header", "a: >2+  # why\n    deep\n  é target\n\n\n", "f.yaml:3:5"),
        ("literal", "a: |\n  one\n   two target\n", "f.yaml:3:8"),
        ("literal to the end", "a: |-\n  target", "f.yaml:2:3"),
        ("windows line ends", "a: >-\r\n  before\r\n  target\r\nb: 1\r\n", "f.yaml:3:3"),
        ("in flow", "a: [1]\n", ""),
    ],
)
def test_a_part_of_a_value_is_found_in_the_file(style: str, text: str, place: str) -> None:
    if style == "in flow":
        documents, _ = read(SourceFile("f.yaml", "a: {b: [x, before target]}\n"))
        outer = documents[0].entries[0].value
        assert isinstance(outer, Table)
        inner = outer.entries[0].value
        assert isinstance(inner, Sequence)
        last = inner.items[1]
        assert isinstance(last, Scalar)
        assert last.part(7, 13).at == "f.yaml:1:19"
        return
    assert marked(text) == ["target", place]


def test_an_escape_is_underlined_as_a_whole() -> None:
    text = "a: 'it''s'\nb: \"x\\u00e9\\ty\"\n"
    documents, _ = read(SourceFile("f.yaml", text))
    single, double = (entry.value for entry in documents[0])
    assert isinstance(single, Scalar)
    assert isinstance(double, Scalar)
    shown = [text[span.start : span.end] for span in (single.part(2, 3), double.part(1, 2), double.part(2, 3))]
    assert shown == ["''", "\\u00e9", "\\t"]


LINES = st.lists(st.text(alphabet="ab' \"é\\:", max_size=6), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(LINES, st.sampled_from(["plain", "single", "double", "literal", "folded"]))
def test_each_character_of_a_value_has_its_place(lines: list[str], style: str) -> None:
    body = "\n".join(lines)
    match style:
        case "plain":
            text = "a: x" + body.replace("\n", "\n  ").replace(":", "").replace("#", "") + "\n"
        case "single":
            text = "a: '" + body.replace("'", "''").replace("\n", "\n  ") + "'\n"
        case "double":
            text = 'a: "' + body.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\n  ") + '"\n'
        case _:
            mark = "|" if style == "literal" else ">"
            text = f"a: {mark}\n" + "".join(f"  {'x' if n == 0 else ''}{line}\n" for n, line in enumerate(lines))
    file = SourceFile("f.yaml", text)
    documents, findings = read(file)
    if findings:
        return  # not every text is a plain scalar
    value = documents[0].entries[0].value
    assert isinstance(value, Scalar)
    last = value.start
    for at, char in enumerate(value.text):
        span = value.part(at, at + 1)
        found = text[span.start : span.end]
        assert span.start >= last, "places go forward"
        assert span != value.span or len(value.text) == 1, "the value can be retraced"
        assert found == char or (char in " \n" and not found.strip()) or found in ("''", '\\"', "\\\\")
        last = span.start

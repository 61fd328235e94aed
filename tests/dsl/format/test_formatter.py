"""What the formatter writes, place by place."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from fieldwright.dsl.format.formatter import format_file
from fieldwright.dsl.source import SourceFile


def _formatted(text: str) -> str:
    made = format_file(SourceFile("x.yaml", text))
    assert made.diagnostics == ()
    assert format_file(SourceFile("x.yaml", made.text)).text == made.text
    return made.text


def _field(text: str) -> str:
    """What is written for one field whose value is given as in a file."""
    before = "interpret: 1\nmapping: a\nfields:\n  F: "
    made = _formatted(before + text.replace("\n", "\n  ") + "\n")
    assert made.startswith(before.rstrip())
    return made.removeprefix(before.rstrip()).strip(" ").removesuffix("\n")


def test_a_folded_expression_is_folded_the_same_way_again() -> None:
    parts = " and ".join(f"customer.field_{number} != 'something'" for number in range(12))

    made = _field(parts)

    assert all(len(line) <= 120 for line in made.split("\n"))
    assert " ".join(made.removeprefix(">-").split()) == parts


def test_keys_stand_in_the_order_of_the_schema_and_names_as_they_were() -> None:
    made = _formatted(
        dedent("""\
        fields:
          Zebra: {write: create_only, value: a}
          Apple: b
        to: salesforce.Account
        mapping: one
        from: {as: customer, object: chargebee.customer}
        interpret: 1
        """)
    )

    assert made == dedent("""\
        interpret: 1
        mapping: one
        from: {object: chargebee.customer, as: customer}
        to: salesforce.Account
        fields:
          Zebra: {value: a, write: create_only}
          Apple: b
        """)


def test_a_misspelt_key_stays_behind_the_key_it_follows() -> None:
    made = _formatted("mapping: one\ninterpret: 1\ntitel: x\nto: a.B\nversion: 1\n")

    assert made == "interpret: 1\ntitel: x\nmapping: one\nversion: 1\nto: a.B\n"


def test_documents_are_parted_by_one_empty_line() -> None:
    made = _formatted("---\ninterpret: 1\nmapping: a\n\n\n---   # second\n\n\ninterpret: 1\nmapping: b\n...\n\n\n")

    assert made == "interpret: 1\nmapping: a\n\n---\n# second\n\ninterpret: 1\nmapping: b\n"


def test_one_empty_line_between_keys_stays_one() -> None:
    made = _formatted("interpret: 1\nmapping: a\n\n\n\nto: a.B\nfields:\n\n  A: b\n\n  C: d\n")

    assert made == "interpret: 1\nmapping: a\n\nto: a.B\nfields:\n  A: b\n\n  C: d\n"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("'customer.name'", "customer.name"),
        ('"customer.name"', "customer.name"),
        ("'''Acme'''", "\"'Acme'\""),
        ("\"f'{a}-{b}'\"", "f'{a}-{b}'"),
        ("\"'a' + b\"", "\"'a' + b\""),
        ("'true'", "'true'"),
        ("true", "true"),
        ("1.50", "1.50"),
        ("{const: 'on'}", "{const: 'on'}"),
        ("{const: on}", "{const: 'on'}"),
        ("{const: No}", "{const: 'No'}"),
        ("{const: 02134}", "{const: '02134'}"),
        ("{const: 12:30}", "{const: '12:30'}"),
        ("{const: 2024-01-31}", "{const: '2024-01-31'}"),
        ("{const: 1e3}", "{const: '1e3'}"),
        ("{const: 0x1F}", "{const: '0x1F'}"),
        ("{const: 'plain words'}", "{const: plain words}"),
        ("{const: 'a, b'}", "{const: 'a, b'}"),
        ('{const: "it\'s"}', "{const: it's}"),
        ("{const: 'a: b'}", "{const: 'a: b'}"),
        ("{const: ''}", "{const: ''}"),
        ('{const: "tab\\there"}', '{const: "tab\\there"}'),
    ],
)
def test_quotes_stand_where_some_reader_needs_them(given: str, wanted: str) -> None:
    assert _field(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a  ??b", "a ?? b"),
        ("(a or b)and(c)", "(a or b) and c"),
        ("a or b and c", "a or (b and c)"),
        ("2*(3+x)/( 4 )", "2 * (3 + x) / 4"),
        ("-(1)", "-(1)"),
        ("(-1).abs()", "(-1).abs()"),
        ("x.map( c->c.y ,)[ 0 ]", "x.map(c -> c.y)[0]"),
        ("l.join(r,( a,b )->a.id==b.id)", "l.join(r, (a, b) -> a.id == b.id)"),
        ("int( x,else = null )", "int(x, else=null)"),
        ("(if a then b else c)??d", "(if a then b else c) ?? d"),
        ("if a then (if b then c else d) else e", "if a then if b then c else d else e"),
        ("a ?? (b ?? c)", "a ?? b ?? c"),
        ("(a ?? b) ?? c", "(a ?? b) ?? c"),
        ("a is  not  blank", "a is not blank"),
        ("a not   in ['x','y']", "a not in ['x', 'y']"),
        ('a ?? "x"', "a ?? 'x'"),
        ('a ?? "it\'s"', 'a ?? "it\'s"'),
        ("join([a,b], ', ' )", "join([a, b], ', ')"),
        ("a ??", "a ??"),
        ("a = b", "a = b"),
    ],
)
def test_expressions_are_spaced_alike_and_what_is_none_is_left(given: str, wanted: str) -> None:
    assert _field(given) == wanted


def test_a_constant_is_not_spaced_like_an_expression() -> None:
    assert _field("{const: a+b}") == "{const: a+b}"
    assert _field("{value: x, map: {a+b: c*d}}") == "{value: x, map: {a+b: c*d}}"


def test_a_long_expression_is_folded_where_the_tree_is_shallow() -> None:
    made = _field(
        "customer.company is not blank and (customer.email is blank or customer.email.ends_with('@example.com'))"
        " and customer.vat_number is not blank"
    )

    assert made == (
        ">-\n"
        "    customer.company is not blank and (customer.email is blank or customer.email.ends_with('@example.com'))\n"
        "    and customer.vat_number is not blank"
    )


def test_line_ends_of_an_author_stay() -> None:
    text = ">-\n  customer.company is not blank\n  and   customer.email is not blank"

    assert _field(text) == ">-\n    customer.company is not blank\n    and customer.email is not blank"


def test_texts_of_several_lines_keep_their_lines() -> None:
    made = _formatted(
        "interpret: 1\nmapping: a\ntitle: |\n    one\n\n      two\n    three\n"
        "description: >\n   one\n   two\n\n   three\n"
    )

    assert made == (
        "interpret: 1\nmapping: a\ntitle: |\n  one\n\n    two\n  three\ndescription: >\n  one\n  two\n\n  three\n"
    )


def test_brackets_stay_while_they_fit() -> None:
    short = "{value: customer.company, write: create_only}"
    long = "{value: customer.company, doc: " + "very " * 20 + "long}"

    assert _field(short) == short
    assert _field("{value: customer.company,\n  write: create_only}") == short
    assert _field(long) == "\n    value: customer.company\n    doc: " + "very " * 20 + "long"
    assert _field("\n  value: a\n  write: always") == "\n    value: a\n    write: always"


def test_comments_stay_where_they_are() -> None:
    made = _formatted(
        dedent("""\
        # The file.

        interpret: 1
        to: salesforce.Account # where to
        # What it is called.
        mapping: one
        fields: # all of them
            # The first.
            A: a     # its end
            B: >-    # folded
              b
              + c
            C: {value: c, # why
                write: always}
            # after the last one
        # before checks

        checks:
        -  x
        -
           # inside
           z: 1
        # the end
        """)
    )

    assert made == dedent("""\
        # The file.

        interpret: 1
        # What it is called.
        mapping: one
        to: salesforce.Account  # where to
        fields:  # all of them
          # The first.
          A: a  # its end
          B: >-  # folded
            b
            + c
          C:
            value: c  # why
            write: always
          # after the last one
        # before checks

        checks:
          - x
          # inside
          - z: 1
        # the end
        """)


def test_what_stands_at_the_top_stays_at_the_top() -> None:
    made = _formatted("# yaml-language-server: $schema=x\n# About a.\nmapping: a\ninterpret: 1\n")

    assert made == "# yaml-language-server: $schema=x\n# About a.\ninterpret: 1\nmapping: a\n"


def test_an_allowance_stays_at_its_line() -> None:
    long = "{value: customer.company, write: create_only, doc: " + "very " * 16 + "long}"
    behind = f"{long}  # interpret: allow DM401 -- for a while"

    assert _field(behind) == behind
    made = _formatted("# Top.\n# interpret: allow DM101 -- soon\nmapping: a\ninterpret: 1\n")
    assert made == "# Top.\ninterpret: 1\n# interpret: allow DM101 -- soon\nmapping: a\n"


def test_an_allowance_above_a_line_keeps_that_line_whole() -> None:
    long = "{value: customer.company, write: create_only, doc: " + "very " * 16 + "long}"
    text = f"interpret: 1\nmapping: a\nfields:\n  # interpret: allow DM401 -- for a while\n  F: {long}\n  G: {long}\n"

    made = _formatted(text)

    assert f"  F: {long}\n" in made
    assert "  G:\n    value: customer.company\n" in made


def test_an_allowance_keeps_a_long_expression_on_its_line_and_a_folded_one_folded() -> None:
    long = " and ".join(["customer.company is not blank"] * 5)
    allowed = "# interpret: allow DM401 -- for a while"

    assert _field(f"{long}  {allowed}") == f"{long}  {allowed}"
    assert _field(f">-  {allowed}\n  a + b") == f">-  {allowed}\n    a + b"


def test_a_comment_between_a_key_and_its_value_goes_above_the_key() -> None:
    assert _formatted("interpret: 1\nmapping: a\nfields:\n  A:\n    # why\n    b\n  C: d\n") == (
        "interpret: 1\nmapping: a\nfields:\n  # why\n  A: b\n  C: d\n"
    )


def test_an_empty_line_between_items_of_a_list_is_one() -> None:
    text = "interpret: 1\nruleset: a\nrules:\n  - rule: b\n    then: nothing\n\n\n  - then: nothing\n    rule: c\n"

    assert _formatted(text) == (
        "interpret: 1\nruleset: a\nrules:\n  - rule: b\n    then: nothing\n\n  - rule: c\n    then: nothing\n"
    )


def test_a_file_that_is_no_yaml_is_left_alone() -> None:
    text = "interpret: 1\nfields: {a: b\n"

    made = format_file(SourceFile("x.yaml", text))

    assert (made.text, [finding.code for finding in made.diagnostics]) == (text, ["DM001"])


def test_comments_without_a_document_stay() -> None:
    assert _formatted("# nothing\n\n# yet") == "# nothing\n\n# yet\n"
    assert _formatted("") == ""


def test_line_ends_of_windows_stay() -> None:
    assert _formatted("mapping: a # x\r\ninterpret: 1\r\n") == "interpret: 1\r\nmapping: a  # x\r\n"


def test_an_expression_torn_apart_by_a_comma_is_not_made_worse() -> None:
    assert _field("{value: join(a, b)}") == "{value: join(a, b)}"


def test_a_file_that_would_grow_too_large_is_left_alone() -> None:
    text = "interpret: 1\nmapping: a\nfrom: " + "[" * 8 + "a," * 20_000 + "]" * 8 + "\n"

    made = format_file(SourceFile("x.yaml", text))

    assert (made.text, [finding.code for finding in made.diagnostics]) == (text, ["DM002"])


@pytest.mark.parametrize(
    ("before", "repeated", "behind"),
    [
        ("to: " + "[" * 30, "a,", "]" * 30),
        ("", "# c\n", "---\ninterpret: 1"),
        ("title: >\n", "  a\n  b\n\n", ""),
        ("let:\n  a: >-\n    join([\n", "    x,\n", "    y])"),
        ("let: {", "a: {b: c}, #\n  ", "}"),
    ],
    ids=["nested", "comments", "paragraphs", "lines", "brackets"],
)
def test_a_file_of_twice_the_size_takes_twice_the_work(before: str, repeated: str, behind: str) -> None:
    def calls(times: int) -> int:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        rows = "".join(repeated.replace("a:", f"a{number}:") for number in range(times))
        text = f"interpret: 1\nmapping: a\n{before}{rows}{behind}\n"
        sys.setprofile(counted)
        try:
            format_file(SourceFile("x.yaml", text))
        finally:
            sys.setprofile(None)
        return count

    calls(1)

    assert calls(500) < 2.5 * calls(250)

"""What makes a page fail: claims about the runner that holds pages against the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Command, Example, FileStep, ServeStep, differences, examples, expressions, steps
from tests.docs.reader import Reader

ROUTE = "chargebee.customer -> salesforce.Account"
PAGE = """\
# Page

<!-- another terminal: interpret sandbox -->

```yaml
# file: a/b.yaml
x: 1
```

```console exit=1
$ interpret one \\
    --two
said
...
$ interpret three
```

<!-- fields: chargebee.customer -> salesforce.Account -->
```yaml
Phone: customer.phone
```

| expression | value |
|---|---|
| `1 + 1` | `2` |
| `'a\\|b'` | `'a\\|b'` | what bars are for |
"""


def test_page_becomes_steps_in_order() -> None:
    assert steps(PAGE) == [
        ServeStep(3),
        FileStep(5, "a/b.yaml", "# file: a/b.yaml\nx: 1\n"),
        Command(11, "interpret one \\\n    --two", ("said", "..."), 0),
        Command(15, "interpret three", (), 1),
    ]
    assert examples(PAGE) == [Example(19, "Phone: customer.phone\n", "fields", ROUTE)]
    assert expressions(PAGE)[0] == ("1 + 1", "2")


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("a\n...", "a\nb\nc\n", True),
        ("a\n...", "b\na\n", False),
        ("...\nc", "a\nb\nc\n", True),
        ("...\nc", "a\nc\nb\n", False),
        ("a\n...\nc\n...\ne", "a\nb\nc\nd\ne\n", True),
        ("a\n...\nx\n...\ne", "a\nb\nc\nd\ne\n", False),
        ("a\n...\na", "a\n", False),
        ("done in 1.2 s", "done in 47 s", True),
        ("done in 1.2 s", "ended in 47 s", False),
        ("at 2026-01-01T00:00:00+00:00", "at 2027-12-31T11:22:33.4Z", True),
        ("API calls: Chargebee 8 (in 1 s)", "API calls: Chargebee 9 (in 2 s)", True),
        ("5 created", "6 created", False),
        ("in ... today", "in /tmp/x today", True),
        ("in ... today", "in /tmp/x\ntoday", False),
    ],
)
def test_output_is_compared_but_for_what_is_left_out_or_volatile(expected: str, actual: str, same: bool) -> None:
    assert (differences(tuple(expected.split("\n") if expected else ()), actual) == "") is same


def test_reader_fails_a_page_whose_command_ends_otherwise_or_prints_otherwise(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.follow(FileStep(1, "bad.yaml", "interpret: 2\n"))
        reader.follow(Command(1, "interpret lint bad.yaml --format concise | wc -l", ("1",), 0))
        with pytest.raises(AssertionError, match=r"line 7: `interpret lint bad.yaml` ended with 1"):
            reader.follow(Command(7, "interpret lint bad.yaml", ("...",), 0))
        with pytest.raises(AssertionError, match=r"line 9: .*\n.*shown:"):
            reader.follow(Command(9, "interpret lint bad.yaml", ("fine",), 1))


def test_commands_run_in_the_folder_that_the_page_went_to(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.follow(FileStep(1, "inner/here.txt", "x\n"))
        reader.follow(Command(2, "cd inner", (), 0))
        reader.follow(Command(3, "ls", ("here.txt",), 0))
        reader.follow(
            Command(
                4, "interpret status", ("...", "State        .interpret/state/sandbox.db (not there yet)", "..."), 0
            )
        )

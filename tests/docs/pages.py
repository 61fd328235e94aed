"""A page of documentation -> the steps that its reader takes, in order.

A fenced block is a step when it says so: `console` holds commands (lines that begin with `$ `) and what they print;
a block of any language whose first line is `# file: PATH` is written to that file; the comment
`<!-- another terminal: interpret sandbox -->` serves the sandbox of the folder from there on, and
`<!-- quiet: COMMAND -->` is a command that the text names and whose output is of no interest. Other `yaml` blocks are
mapping documents, or a part of one: the comment `<!-- fields: SOURCE -> TARGET -->` above a block makes it the fields
of a mapping, `<!-- mapping: SOURCE -> TARGET -->` its top-level keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^<!-- (fields|mapping|another terminal|quiet): (.*) -->$", re.MULTILINE)
_FILE = re.compile(r"# file: (\S+)\n")
_ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what it must print, and its exit code. A line `...` stands for any number of lines, `...` within
    a line for any text."""

    line: int
    text: str
    expected: tuple[str, ...]
    exit_code: int


@dataclass(frozen=True, slots=True)
class FileStep:
    """A file that the reader writes, first line included."""

    line: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ServeStep:
    """The reader serves the sandbox in another terminal."""

    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """Mapping text that is not written to a file. `wrap` is fields or mapping for a part, with its route."""

    line: int
    text: str
    wrap: str
    route: str


Step = Command | FileStep | ServeStep


def steps(page: str) -> list[Step]:
    """What the reader does, from top to bottom."""
    found: list[Step] = []
    for match in _FENCE.finditer(page):
        line = _line(page, match.start())
        language, info, body = match[2], match[3], _dedent(match[4], len(match[1]))
        file = _FILE.match(body)
        if file:
            found.append(FileStep(line, file[1], body))
        elif language == "console":
            found.extend(_commands(body, line, info))
    for match in _COMMENT.finditer(page):
        if match[1] == "another terminal":
            assert match[2] == "interpret sandbox", match[0]
            found.append(ServeStep(_line(page, match.start())))
        elif match[1] == "quiet":
            found.append(Command(_line(page, match.start()), match[2], ("...",), 0))
    return sorted(found, key=lambda step: step.line)


def examples(page: str) -> list[Example]:
    """The mapping texts that only explain."""
    found = []
    for match in _FENCE.finditer(page):
        body = _dedent(match[4], len(match[1]))
        if match[2] != "yaml" or _FILE.match(body):
            continue
        above = page[: match.start()].rstrip("\n").rpartition("\n")[2]
        comment = _COMMENT.fullmatch(above)
        wrap, route = (comment[1], comment[2]) if comment else ("", "")
        found.append(Example(_line(page, match.start()), body, wrap, route))
    return found


def expressions(page: str) -> list[tuple[str, str]]:
    """The rows of tables headed `| expression | value |`."""
    tables = re.findall(r"^\| expression \| value \|.*\n\|[-| ]+\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    return [(left.replace("\\|", "|"), right) for table in tables for left, right in _ROW.findall(table)]


def differences(expected: tuple[str, ...], actual: str) -> str:
    """Empty where the output is as shown, `...` and masked parts aside; else what was printed instead."""
    lines = mask(actual).rstrip("\n").split("\n") if actual.strip() else []
    wanted = [mask(line).rstrip() for line in expected]
    if _matches(wanted, [line.rstrip() for line in lines]):
        return ""
    return "shown:\n" + "\n".join(expected) + "\n\nprinted:\n" + actual


_MASKS = (
    (re.compile(r"\b\d+(\.\d+)? s\b"), "# s"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"), "<time>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:#"),
    (re.compile(r"^API calls: .*"), "API calls: #"),
    (re.compile(r"(fieldwright/mappings/\S+\.yaml):\d+"), r"\1:#"),
    (re.compile(r"# line \d+$"), "# line #"),
)
"""What may differ from what is shown: durations, instants and dates, ports, numbers of calls (a bulk import is asked
about until it is done), and line numbers in shipped mappings."""


def mask(text: str) -> str:
    """The text without its volatile parts."""
    masked = []
    for line in text.split("\n"):
        for pattern, instead in _MASKS:
            line = pattern.sub(instead, line)
        masked.append(line)
    return "\n".join(masked)


def _matches(wanted: list[str], lines: list[str]) -> bool:
    """Whether the lines are as wanted; each stretch between two `...` is taken where it first occurs."""
    gaps = [-1, *(number for number, line in enumerate(wanted) if line == "..."), len(wanted)]
    stretches = [wanted[before + 1 : after] for before, after in pairwise(gaps)]
    if len(stretches) == 1:
        return _same(wanted, lines)
    first, *middle, last = stretches
    if not _same(first, lines[: len(first)]) or (last and not _same(last, lines[-len(last) :])):
        return False
    at, end = len(first), len(lines) - len(last)
    for stretch in middle:
        places = (start for start in range(at, end - len(stretch) + 1) if _same(stretch, lines[start:][: len(stretch)]))
        start = next(places, None)
        if start is None:
            return False
        at = start + len(stretch)
    return at <= end


def _same(wanted: list[str], lines: list[str]) -> bool:
    """Line by line; `...` within a line stands for any text."""
    return len(wanted) == len(lines) and all(
        re.fullmatch(".*".join(re.escape(part) for part in line.split("...")), actual)
        for line, actual in zip(wanted, lines, strict=True)
    )


def _commands(body: str, line: int, info: str) -> list[Command]:
    exit_code = int(info.strip().removeprefix("exit=") or 0)
    found: list[Command] = []
    lines = body.rstrip("\n").split("\n")
    assert lines[0].startswith("$ "), f"line {line}: a console block begins with a command"
    starts = [number for number, text in enumerate(lines) if text.startswith("$ ")]
    for start, end in pairwise([*starts, len(lines)]):
        words = [lines[start].removeprefix("$ ")]
        rest = lines[start + 1 : end]
        while words[-1].endswith("\\"):
            words.append(rest.pop(0))
        last = end == len(lines)
        found.append(Command(line + 1 + start, "\n".join(words), tuple(rest), exit_code if last else 0))
    return found


def _dedent(body: str, width: int) -> str:
    return "".join(line[width:] if line[:width].isspace() else line for line in body.splitlines(keepends=True))


def _line(page: str, offset: int) -> int:
    return page.count("\n", 0, offset) + 1


def page_files(root: Path) -> list[Path]:
    """The pages that are held against the program: the README and everything in docs/ that is written by hand."""
    docs = sorted(path for path in (root / "docs").rglob("*.md") if path.parent.name not in ("reference", "decisions"))
    return [root / "README.md", *docs]

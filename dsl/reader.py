"""Text of a mapping file -> trees of nodes with places, one a document. The strict subset of YAML 1.2.

YAML's event parser does the scanning (libyaml's where it is there); everything that makes YAML surprising is refused
here with a finding: duplicate keys, anchors, aliases, merge keys, tags, keys that are not text, tabs, control
characters. Only an unquoted `null`, `true`, `false`, integer or decimal is more than text, so `on`, `02134` and
`12:30` stay what they look like; binary floats do not exist. Nesting is limited while events come in, before
anything recurses. After a syntax error reading goes on at the next document, so that one run shows all mistakes.
What the documents mean is the business of `structure` and `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import yaml

from fieldwright.dsl.diagnostics import Diagnostic, Label, Severity
from fieldwright.dsl.document import Entry, Node, Scalar, Sequence, Table
from fieldwright.dsl.scalars import Style
from fieldwright.dsl.source import SourceFile, Span

MAX_CHARACTERS: Final = 256 * 1024
"""Largest file read, in characters (and in bytes, for `decode`)."""

MAX_DEPTH: Final = 32
"""Deepest nesting of lists and tables."""

MAX_FINDINGS: Final = 100
"""Findings of one file after which reading it stops."""

_UNWANTED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)")
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_WORDS: Final[dict[str, bool | None]] = {"null": None, "true": True, "false": False, "": None}
_STYLES: Final = {None: Style.PLAIN, "": Style.PLAIN, "'": Style.SINGLE, '"': Style.DOUBLE, ">": Style.FOLDED}
_MAX_DIGITS = 34
_GOES_ON: Final = (
    re.compile(r"[^\s'\"]"),
    re.compile(r"[-+*/%<>=!?.&|]|(?:and|or|if|then|else|in|is|not)\b"),
)
"""What tells, right behind a closing quote and after blanks, that the quote was meant as part of an expression."""


def decode(path: str, data: bytes) -> tuple[SourceFile, tuple[Diagnostic, ...]]:
    """The bytes of a file as text; a file that is too large or not UTF-8 gives an empty text and a finding."""
    if len(data) > MAX_CHARACTERS:
        file = SourceFile(path, "")
        return file, (_too_large(file, len(data)),)
    try:
        return SourceFile(path, data.decode("utf-8")), ()
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8")
        file = SourceFile(path, before)
        message = f"The file is not UTF-8: byte {problem.start + 1} is 0x{data[problem.start]:02x}"
        at = Span(file, len(before), len(before))
        return SourceFile(path, ""), (
            Diagnostic("DM007", Severity.ERROR, message, at, "not UTF-8", "save it as UTF-8"),
        )


def read(file: SourceFile) -> tuple[tuple[Table, ...], tuple[Diagnostic, ...]]:
    """The documents of a file, each a table, and what is wrong with the file as YAML. Empty documents are dropped."""
    if len(file.text) > MAX_CHARACTERS:
        return (), (_too_large(file, len(file.text)),)
    reading = _Reading(file)
    text = reading.clean()
    documents: list[Table] = []
    at = 1 if file.text.startswith("\ufeff") else 0
    while at < len(text) and len(reading.findings) < MAX_FINDINGS:
        start = at
        failed_at = None
        try:
            for node in _documents(reading, text[start:], start):
                if isinstance(node, Table):
                    documents.append(node)
                elif not (isinstance(node, Scalar) and node.value is None):
                    what = "a list" if isinstance(node, Sequence) else "one value"
                    reading.add("DM013", f"A document is a table of keys and values, this one is {what}", node.span)
        except _TooDeep as problem:
            failed_at = problem.at
            message = f"Lists and tables are nested deeper than {MAX_DEPTH}"
            reading.add("DM003", message, Span(file, failed_at, failed_at + 1), "one too many opens here")
        except yaml.MarkedYAMLError as problem:
            failed_at = reading.syntax_error(problem, start)
        if failed_at is None:
            break
        following = re.compile(r"^---(?=\s)", re.MULTILINE).search(text, max(failed_at, start + 1))
        if following is None:
            break
        at = following.start()
    return tuple(documents), tuple(reading.findings)


class _TooDeep(Exception):
    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


@dataclass(slots=True)
class _Reading:
    """The findings of one file as it is read."""

    file: SourceFile
    findings: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        caret: str = "",
        help: str = "",
        labels: tuple[Label, ...] = (),
    ) -> None:
        self.findings.append(Diagnostic(code, Severity.ERROR, message, span, caret, help, labels))

    def clean(self) -> str:
        """The text with every character that may not be there replaced by a blank, so that offsets stay."""
        text = self.file.text
        seen: set[str] = set()
        for found in _UNWANTED.finditer(text):
            char, at = found.group(), found.start()
            if char in seen or (char == "\ufeff" and at == 0):
                continue
            seen.add(char)
            span = Span(self.file, at, at + 1)
            if char == "\t":
                self.add("DM007", "A tab character: YAML indents with blanks", span, "a tab", "use blanks")
            else:
                hint = "delete it; in a text in double quotes it can be written as an escape"
                self.add("DM007", f"The character U+{ord(char):04X} may not be in a file", span, "here", hint)
        return _UNWANTED.sub(" ", text) if seen else text

    def syntax_error(self, problem: yaml.MarkedYAMLError, base: int) -> int:
        """Word what the YAML parser says; returns the offset at which it stopped."""
        mark = problem.problem_mark or problem.context_mark
        at = min((mark.index if mark else 0) + base, len(self.file.text))
        message, help_text = _explain(problem, self.file.text, at)
        labels: tuple[Label, ...] = ()
        if problem.context_mark is not None and problem.context:
            begun = problem.context_mark.index + base
            if begun < at:
                labels = (Label(Span(self.file, begun, begun + 1), _context(problem.context)),)
        self.add("DM001", message, Span(self.file, at, min(at + 1, len(self.file.text))), "", help_text, labels)
        return at


def _too_large(file: SourceFile, size: int) -> Diagnostic:
    message = f"The file is too large: {size:,} characters, at most {MAX_CHARACTERS:,}"
    return Diagnostic("DM002", Severity.ERROR, message, Span(file, 0, 0), "", "split it into several files")


def _explain(problem: yaml.MarkedYAMLError, text: str, at: int) -> tuple[str, str]:
    """A message and a remedy for the mistakes that people make when an expression is written without quotes."""
    said = problem.problem or "not valid YAML"
    char = text[at : at + 1]
    if "mapping values are not allowed" in said:
        return (
            "`: ` is not possible here: YAML takes it for a second key",
            "put the whole value in single quotes, or indent the line to where its key belongs",
        )
    if "cannot start any token" in said:
        if char == "%":
            return "A value cannot start with `%`", "put the value in quotes"
        if char in ("@", "`"):
            return f"A value cannot start with `{char}`", "put the value in quotes"
        return "This character cannot stand here", "put the value in quotes"
    if "unexpected end of stream" in said:
        return "A text in quotes is not closed", "add the closing quote"
    if "unknown escape" in said:
        return "Not an escape of a text in double quotes", "write `\\\\` for a backslash, or use single quotes"
    before = text[:at].rstrip(" ")
    if before[-1:] in ("'", '"') and _GOES_ON[len(before) < at].match(text, at):
        return (
            "The value goes on after its closing quote",
            "a value that starts with a quote ends with it: put the whole expression into the other kind of quotes",
        )
    if "',' or '}'" in said or "',' or ']'" in said:
        close = "}" if "'}'" in said else "]"
        return (
            f"`,` or `{close}` expected",
            "inside { } and [ ] a value with one of , { } [ ] or `: ` needs quotes",
        )
    if "node content" in said:
        return "A list or table is not closed", "add the closing bracket"
    if "'-' indicator" in said or "block end" in said or "block mapping" in (problem.context or ""):
        return "This line does not belong to the table or list above it", "check its indentation"
    if "expected ':'" in said:
        return "A key without `: ` after it", "write `key: value`"
    return f"Not valid YAML: {said}", ""


def _context(said: str) -> str:
    if "flow" in said:
        return "opened here"
    if "quoted" in said:
        return "begins here"
    return "in what begins here" if "block" in said else said


@dataclass(slots=True)
class _Frame:
    """An open list or table; `key` is the key that waits for its value, `skip` says that its value is dropped."""

    start: int
    is_table: bool
    entries: list[Entry] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    seen: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None
    wants_value: bool = False
    skip: bool = False


def _documents(reading: _Reading, text: str, base: int) -> Iterator[Node]:
    """The root node of each document. Raises what the YAML parser raises, and `_TooDeep`."""
    file = reading.file
    stack: list[_Frame] = []
    for event in _events(text):
        name = type(event).__name__
        done: Node
        if name == "ScalarEvent":
            _refuse_marks(reading, event, base)
            done = _scalar(reading, event, base)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            _refuse_marks(reading, event, base)
            if len(stack) >= MAX_DEPTH:
                raise _TooDeep(event.start_mark.index + base)
            stack.append(_Frame(event.start_mark.index + base, name == "MappingStartEvent"))
            continue
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            frame = stack.pop()
            end = event.end_mark.index
            end = base + (len(text[:end].rstrip()) if text[max(end - 1, 0) : end].isspace() else end)
            end = max(end, frame.start + 1)
            if frame.is_table:
                done = Table(file, frame.start, end, tuple(frame.entries))
            else:
                done = Sequence(file, frame.start, end, tuple(frame.items))
        elif name == "AliasEvent":
            at = Span(file, event.start_mark.index + base, event.end_mark.index + base)
            message = f"An alias `*{event.anchor}`: every place says what it means, without pointers"
            reading.add("DM005", message, at, "alias", "write the value here, or name it under `let:`")
            done = Scalar(file, at.start, at.end, "", Style.PLAIN, None)
        else:
            continue
        if not stack:
            yield done
        else:
            _put(reading, stack[-1], done)


def _put(reading: _Reading, frame: _Frame, node: Node) -> None:
    """Add a finished node to the list or table that is open."""
    if not frame.is_table:
        frame.items.append(node)
        return
    if frame.wants_value:
        if not frame.skip and frame.key is not None:
            frame.entries.append(Entry(frame.key, node))
        frame.key, frame.wants_value, frame.skip = None, False, False
        return
    frame.wants_value = True
    if not isinstance(node, Scalar):
        reading.add("DM006", "A key must be a text, not a list or table", node.span, "as a key")
        frame.skip = True
        return
    if node.value is None or not isinstance(node.value, str):
        shown = node.text or "(nothing)"
        if node.style is Style.PLAIN and node.text == "" and node.start == node.end:
            shown = "(nothing)"
        reading.add("DM006", f"A key must be a text; `{shown}` is not", node.span, "", f"write '{node.text}' in quotes")
        frame.skip = True
        return
    if node.text == "<<" and node.style is Style.PLAIN:
        reading.add("DM005", "A merge key `<<`", node.span, "merge key", "write the entries here")
        frame.skip = True
        return
    first = frame.seen.get(node.text)
    if first is not None:
        label = (Label(first.span, "first here"),)
        reading.add("DM004", f"The key `{node.text}` is there twice", node.span, "second time", "", label)
        frame.skip = True
        return
    frame.seen[node.text] = node
    frame.key = node


def _refuse_marks(reading: _Reading, event: Any, base: int) -> None:
    if event.anchor is None and (event.tag is None or event.tag == "!"):
        return
    at = event.start_mark.index + base
    found = re.compile(r"\S+").match(reading.file.text, at)
    span = Span(reading.file, at, found.end() if found else at + 1)
    if event.anchor is not None:
        message = f"An anchor `&{event.anchor}`: every place says what it means, without pointers"
        reading.add("DM005", message, span, "anchor", "delete it")
    if event.tag not in (None, "!"):
        reading.add("DM005", "A tag: types come from the schema, never from tags", span, "tag", "delete it")


def _scalar(reading: _Reading, event: Any, base: int) -> Scalar:
    file = reading.file
    start, end = event.start_mark.index + base, event.end_mark.index + base
    text: str = event.value
    style = _STYLES.get(event.style, Style.LITERAL)
    if style is not Style.PLAIN:
        return Scalar(file, start, end, text, style, text)
    value: str | int | Decimal | bool | None = text
    first = text[:1]
    if text in _WORDS:
        value = _WORDS[text]
    elif first == "-" or "0" <= first <= "9":
        if len(text) > _MAX_DIGITS and (_INT.match(text) or _DECIMAL.match(text)):
            message = f"A number of {len(text)} digits; at most {_MAX_DIGITS}"
            reading.add("DM008", message, Span(file, start, end), "", "put it in quotes if it is a text")
            value = 0
        elif _INT.match(text):
            value = int(text)
            if not -(2**63) <= value < 2**63:
                message = "An integer beyond 64 bits"
                reading.add("DM008", message, Span(file, start, end), "", "put it in quotes if it is a text")
                value = 0
        elif _DECIMAL.match(text):
            value = Decimal(text)
    return Scalar(file, start, end, text, style, value)


def _events(text: str) -> Iterator[Any]:
    """Parser events with marks whose `index` counts characters of `text`."""
    parser = _parser(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _parser(text: str) -> Any:
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)

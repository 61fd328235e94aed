"""`interpret eval`: one expression of the mapping language, tried out: its type, what it reads, its value.

With `--from` a record is in sight under its own name, from the state or a JSON file; `--let` names further values. On
a terminal without an expression it asks for one after the other. Reads only what is named, writes nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.commands.looking import NoSuchRecord, read_json, record_in
from fieldwright.project import find_project

if TYPE_CHECKING:
    from fieldwright.dsl.diagnostics import Diagnostic
    from fieldwright.dsl.expressions.check import Checked
    from fieldwright.dsl.expressions.scope import Scope, UserFunction
    from fieldwright.dsl.schema import Schemas
    from fieldwright.dsl.tracing import Trace
    from fieldwright.dsl.values import EvaluationError

_ASSIGNMENT: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)(.*)", re.DOTALL)
_SHOWN_PATH: Final = "expression"


@click.command(
    "eval",
    short_help="Try an expression: its type, what it reads, its value.",
    epilog="""\b
Examples:
  interpret eval '1000 / 3'
  interpret eval 'a ?? b' --let a=null --let b='"x"'
  interpret eval 'full_name(customer)' --from chargebee.customer --record cus_000001
  interpret eval 'customer.email.lower()' --from chargebee.customer --file customer.json
  interpret eval                                   asks, until Ctrl-D""",
)
@click.argument("expression", required=False)
@click.option("--from", "object_name", metavar="OBJECT", help="The source object in sight, as chargebee.customer.")
@click.option("--record", metavar="ID", help="Its record as last read, by its id.")
@click.option("--file", metavar="FILE", help="Its record from a JSON file; - reads it from stdin.")
@click.option("--let", "lets", multiple=True, metavar="NAME=EXPR", help="A named value; may be repeated.")
@click.option("--tree", is_flag=True, help="Show each part of the expression with its value.")
@options.target_option()
@options.output_option()
@options.project_option()
@options.state_option()
def command(
    expression: str | None,
    object_name: str | None,
    record: str | None,
    file: str | None,
    lets: tuple[str, ...],
    tree: bool,
    target: str | None,
    output_format: str,
    folder: Path | None,
    state: Path | None,
) -> int:
    """Try an expression: its type, what it reads, its value.

    Functions of the project's libraries can be called. Without a record, its fields are missing. Exit code 1 where the
    expression has a mistake or its value cannot be computed.
    """
    as_json = output_format == output.Format.JSON
    session = _session(object_name, record, file, target, folder, state)
    for text in lets:
        failed = _bind(session, text, as_json=as_json)
        if failed:
            return failed
    if expression is not None:
        return _tell(session.evaluate(expression), as_json=as_json, tree=tree)
    if as_json:
        raise failures.WrongUse("which expression?", "give one: interpret eval '1 + 1' --output json")
    return _converse(session, tree=tree)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One expression, tried. `checked` is None, or has no core, where there are mistakes."""

    text: str
    checked: Checked | None
    findings: tuple[Diagnostic, ...]
    value: Any = None
    problem: EvaluationError | None = None
    trace: Trace | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no value."""
        return self.trace is None or self.problem is not None


@dataclass(slots=True)
class _Session:
    """What expressions see: names with their types, and the values behind them."""

    scope: Scope
    roots: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)

    def evaluate(self, text: str) -> _Outcome:
        """Check and evaluate one expression."""
        from fieldwright.dsl.diagnostics import Diagnostic
        from fieldwright.dsl.expressions.check import check
        from fieldwright.dsl.expressions.parser import parse
        from fieldwright.dsl.source import SourceFile, Span
        from fieldwright.dsl.tracing import TracingEvaluator, trace
        from fieldwright.dsl.values import EvaluationError

        parsed = parse(text)
        problems = list(parsed.problems)
        checked = None
        if parsed.tree is not None:
            checked = check(parsed.tree, self.scope, text=text)
            problems += checked.problems
        source = SourceFile(_SHOWN_PATH, text)
        findings = tuple(
            Diagnostic(
                each.code,
                each.severity,
                each.message,
                Span(source, each.start, each.end),
                each.caret,
                self._in_sight(each.code, text[each.start : each.end]) or each.help,
            )
            for each in problems
        )
        if checked is None or checked.core is None:
            return _Outcome(text, None, findings)
        evaluator = TracingEvaluator(self.roots, values=dict(self.values))
        value, problem = None, None
        try:
            value = evaluator.run(checked.core)
        except EvaluationError as error:
            problem = error
        return _Outcome(text, checked, findings, value, problem, trace(checked, evaluator.seen))

    def _in_sight(self, code: str, name: str) -> str:
        known = code == "DM102" and self.scope.schemas.find(f"chargebee.{name}") is not None
        return f"--from chargebee.{name} puts a record in sight" if known else ""

    def bind(self, name: str, text: str) -> _Outcome:
        """Evaluate an expression and give its value a name."""
        made = self.evaluate(text)
        if not made.failed:
            assert made.checked is not None
            self.scope = self.scope.let(name, made.checked)
            self.values[name] = made.value
        return made


def _session(
    object_name: str | None,
    record: str | None,
    file: str | None,
    target: str | None,
    folder: Path | None,
    state: Path | None,
) -> _Session:
    from fieldwright.checked import check
    from fieldwright.dsl.expressions.scope import Scope
    from fieldwright.dsl.inputs import base_scope
    from fieldwright.dsl.types import record as record_type
    from fieldwright.dsl.values import MISSING

    if record is not None and file is not None:
        raise failures.WrongUse("--record and --file do not go together", "give one of them")
    if object_name is None and (record or file):
        raise failures.WrongUse("a record of what?", "add --from, as in --from chargebee.customer")
    project = find_project(folder)
    chosen = project.target(target)
    result = check(project, chosen).result
    known = base_scope(result.schemas, {})
    scope = Scope(known.schemas, known.names, _functions(project.files, result.schemas), known.objects)
    unknown = {"source": _Unknown(MISSING), "target": _Unknown(MISSING)}
    session = _Session(scope, {"run": {"started_at": datetime.now(UTC), **unknown}, "settings": {}})
    if object_name is None:
        return session
    if result.schemas.find(object_name) is None:
        from fieldwright.dsl.nearest import did_you_mean

        hint = did_you_mean(object_name, result.schemas.object_names())
        raise failures.WrongUse(
            f"`{object_name}` is not a known object" + (f", {hint}" if hint else ""), "as chargebee.customer"
        )
    name = object_name.partition(".")[2]
    session.scope = session.scope.bind(name, record_type(object_name))
    if file is not None:
        session.roots[name] = record_in(read_json(file), (name,), file)[0]
    elif record is not None:
        session.roots[name] = _last_read(state or project.state_file(chosen), object_name, record, chosen.name)
    return session


class _Unknown(Mapping[str, Any]):
    """A record of which every field is missing: nobody was asked."""

    def __init__(self, missing: Any) -> None:
        self._missing = missing

    def __getitem__(self, name: str) -> Any:
        return self._missing

    def get(self, name: str, default: Any = None) -> Any:
        """Missing, whatever the field."""
        return self._missing

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _functions(files: Any, schemas: Schemas) -> dict[str, UserFunction]:
    """The functions of every library of the project."""
    from fieldwright.dsl.document import DocumentKind
    from fieldwright.dsl.library import build_libraries
    from fieldwright.dsl.pipeline import load

    documents = tuple(one for one in load(files).documents if one.kind is DocumentKind.FUNCTIONS)
    libraries, _findings = build_libraries(documents, schemas)
    return {name: made for library in libraries.values() for name, made in library.functions.items()}


def _last_read(path: Path, object_name: str, record: str, target: str) -> Mapping[str, Any]:
    noun = object_name.partition(".")[2]
    missing = NoSuchRecord(
        f"the state of target {target} has no {noun} {record}",
        "`interpret run` reads the objects that mappings use; --file takes a record of your own",
    )
    if not path.exists():
        raise missing
    from fieldwright.runtime.onlooking import last_read, look_into

    database = look_into(path)
    try:
        found = last_read(database, object_name, record)
    finally:
        database.close()
    if found is None:
        raise missing
    return found


def _bind(session: _Session, text: str, *, as_json: bool) -> int:
    matched = _ASSIGNMENT.fullmatch(text)
    if matched is None:
        raise failures.WrongUse(f"`{text}` names no value", "write it as --let name=EXPRESSION")
    made = session.bind(matched[1], matched[2].strip())
    return _tell(made, as_json=as_json, tree=False) if made.failed else failures.OK


def _converse(session: _Session, *, tree: bool) -> int:
    """Expressions line by line: asked for on a terminal, else from the standard input until it ends."""
    asks = output.is_terminal(sys.stdin)
    if asks:
        import readline  # noqa: F401 - importing it gives `input` its line editing

        output.say("An expression a line; `name = expression` names a value; Ctrl-D ends.")
    worst = failures.OK
    for line in _lines(asks=asks):
        matched = _ASSIGNMENT.fullmatch(line)
        made = session.bind(matched[1], matched[2].strip()) if matched else session.evaluate(line)
        worst = max(worst, _tell(made, as_json=False, tree=tree, brief=True))
    return failures.OK if asks else worst


def _lines(*, asks: bool) -> Iterator[str]:
    if not asks:
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            output.say("")
            return
        except KeyboardInterrupt:
            output.say("")
            continue
        if line in ("exit", "quit"):
            return
        if line:
            yield line


def _tell(made: _Outcome, *, as_json: bool, tree: bool, brief: bool = False) -> int:
    if as_json:
        output.write_json(_document(made))
        return failures.FINDINGS if made.failed else failures.OK
    from fieldwright.dsl.render.text import render_text
    from fieldwright.runtime.reporters.looking import part_text, tree_lines, value_text

    paint = output.paint_for(sys.stdout)
    if made.findings:
        # Mistakes are the result here, so they go where the value would.
        output.write(render_text(made.findings, colour=paint.on))
    if made.trace is None or made.checked is None:
        return failures.FINDINGS
    shown = part_text(made.trace, paint) if made.trace.state.value in ("null", "missing") else value_text(made.value)
    if made.problem is not None:
        shown = f"{paint.bad(f'error[{made.problem.code}]')}: {made.problem.reason}"
    if brief:
        output.write(f"{shown}  {paint.quiet(': ' + str(made.checked.type))}\n")
    else:
        output.write(f"{shown}\n")
    if made.problem is not None and made.problem.fix:
        output.say(f"fix: {made.problem.fix}")
    if not brief:
        reads = _reads(made.checked)
        output.say(f"type:  {made.checked.type}")
        output.say(f"reads: {', '.join(f'{owner}.{name}' for owner, name in reads) or 'nothing'}")
    if tree:
        output.write("\n".join(tree_lines(made.trace, paint)) + "\n")
    return failures.FINDINGS if made.failed else failures.OK


def _reads(checked: Checked) -> list[tuple[str, str]]:
    return sorted(checked.reads)


def _document(made: _Outcome) -> dict[str, Any]:
    from fieldwright.dsl.render.machine import as_json
    from fieldwright.runtime.reporters.lookingjson import plain_value, trace_document

    problem = made.problem
    told: dict[str, Any] = {
        "expression": made.text,
        "type": None if made.checked is None else str(made.checked.type),
        "reads": []
        if made.checked is None
        else [{"object": owner, "field": name} for owner, name in _reads(made.checked)],
        "state": None if made.trace is None else made.trace.state.value,
        "value": None if made.failed else plain_value(made.value),
        "error": None if problem is None else {"code": problem.code, "message": problem.reason, "fix": problem.fix},
        "tree": None if made.trace is None else trace_document(made.trace),
    }
    return {"version": 1, "eval": told, "diagnostics": as_json(made.findings, 1)["diagnostics"]}

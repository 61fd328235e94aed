"""Functions and tables documents -> functions that expressions can call and tables that fields can use, by library.

A body is checked once here with the declared types, whether or not anybody calls it; calls are checked again where
they stand, with the types of their arguments. A function whose header or body is wrong is still known by name, so that
its callers are not reported too. The examples of a function are tried out: one that does not hold is a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document, Entry, Node, Scalar, Sequence, Table, plain
from fieldwright.dsl.evaluate import evaluate
from fieldwright.dsl.expressions.check import Checked, check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import NamedTable, Scope, UserFunction
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.mapping import Constant, Value
from fieldwright.dsl.mappingdocument import entries, fallback_of, table_rows
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.preferences import refusal
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import Span
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import Kind, Type
from fieldwright.dsl.values import EvaluationError
from fieldwright.dsl.valuetables import table_key


@dataclass(frozen=True, slots=True)
class SharedTable:
    """A value table that several fields use by name."""

    name: str
    span: Span
    key: Type | None
    rows: tuple[tuple[Scalar, Scalar], ...]
    fallback: Value | None
    open_ended: bool

    def named(self) -> NamedTable:
        """The table as expressions see it."""
        rows = tuple((key.text, value.value) for key, value in self.rows)
        otherwise = self.fallback.source.value if isinstance(self.fallback, Constant) else None
        return NamedTable(self.name, rows, self.fallback is not None, otherwise, self.open_ended)


@dataclass(frozen=True, slots=True)
class Library:
    """What `use: [name]` brings. `broken` are functions that have findings of their own."""

    name: str
    functions: Mapping[str, UserFunction]
    tables: Mapping[str, SharedTable]
    broken: frozenset[str] = frozenset()

    def named_tables(self) -> dict[str, NamedTable]:
        """The tables as `lookup` sees them."""
        return {name: table.named() for name, table in self.tables.items()}


def build_libraries(
    documents: tuple[Document, ...], schemas: Schemas
) -> tuple[Mapping[str, Library], tuple[Diagnostic, ...]]:
    """Libraries by name, from documents of the kinds functions and tables (a library may have one of each)."""
    findings = Findings()
    functions: dict[str, dict[str, UserFunction]] = {}
    tables: dict[str, dict[str, SharedTable]] = {}
    bodies: dict[str, list[tuple[UserFunction, Scalar, tuple[Node, ...]]]] = {}
    broken: dict[str, set[str]] = {}
    for document in documents:
        for entry in entries(document.root, "define"):
            if document.kind.value == "tables":
                tables.setdefault(document.name, {})[entry.name] = _table(entry, schemas, findings)
                continue
            made, body = _function(entry, schemas, findings)
            if made is None:
                broken.setdefault(document.name, set()).add(entry.name)
            else:
                functions.setdefault(document.name, {})[entry.name] = made
                if body is not None:
                    bodies.setdefault(document.name, []).append((made, body, _examples(entry)))
    for name, defined in bodies.items():
        for made, body, examples in defined:
            before = len(findings.found)
            named = {key: table.named() for key, table in tables.get(name, {}).items()}
            checked = _check_body(made, body, Scope(schemas, {}, functions[name], tables=named), findings)
            if len(findings.found) > before:
                broken.setdefault(name, set()).add(made.name)
            elif checked is not None:
                for example in examples:
                    _try_example(made, checked, example, findings)
    names = {*functions, *tables, *broken}
    libraries = {
        name: Library(name, functions.get(name, {}), tables.get(name, {}), frozenset(broken.get(name, ())))
        for name in sorted(names)
    }
    return libraries, tuple(findings.found)


def _table(entry: Entry, schemas: Schemas, findings: Findings) -> SharedTable:
    said = entry.value
    assert isinstance(said, Table), "structure was checked"
    key = said.get("key")
    key_type = None
    if isinstance(key, Scalar):
        key_type = _type(key, schemas, findings)
    rows = said.get("rows")
    assert rows is not None, "structure was checked"
    value = said.get("value")
    value_type = _type(value, schemas, findings) if isinstance(value, Scalar) else None
    _check_rows(entry.name, table_rows(rows), key_type, value_type, findings)
    fallback = said.get("else")
    if value_type is not None and isinstance(fallback, Scalar) and fallback.value != "error":
        _check_outcome(entry.name, fallback, value_type, findings)
    open_ended = isinstance(fallback, Scalar) and fallback.value == "error"
    return SharedTable(entry.name, entry.key.span, key_type, table_rows(rows), fallback_of(fallback), open_ended)


def _check_rows(
    name: str, rows: tuple[tuple[Scalar, Scalar], ...], key: Type | None, value: Type | None, findings: Findings
) -> None:
    """Rows of a table against the types that it declares."""
    for given, outcome in rows:
        if key is not None and not table_key(given, key.required())[0]:
            hint = did_you_mean(given.text, key.values) if key.kind is Kind.ENUM else ""
            message = f"`{given.text}` in the table `{name}` is no value of {key.required()}"
            findings.error("DM312", message, given.span, hint or "never matches")
        if value is not None:
            _check_outcome(name, outcome, value, findings)


def _check_outcome(name: str, outcome: Scalar, value: Type, findings: Findings) -> None:
    refused = refusal(outcome, value)
    if refused:
        findings.error("DM308", f"An outcome of the table `{name}` {refused}", outcome.span, f"not {value}")


def _function(entry: Entry, schemas: Schemas, findings: Findings) -> tuple[UserFunction | None, Scalar | None]:
    said = entry.value
    assert isinstance(said, Table), "structure was checked"
    params: list[tuple[str, Type]] = []
    fine = True
    for row in entries(said, "params"):
        assert isinstance(row.value, Scalar), "structure was checked"
        type_ = _type(row.value, schemas, findings)
        if type_ is None:
            fine = False
        else:
            params.append((row.name, type_))
    returns_node, body = said.get("returns"), said.get("value")
    assert isinstance(returns_node, Scalar), "structure was checked"
    assert isinstance(body, Scalar), "structure was checked"
    returns = _type(returns_node, schemas, findings)
    parsed = parse(body.text)
    for problem in parsed.problems:
        findings.problem(body, problem)
    if not fine or returns is None or parsed.tree is None:
        return None, None
    doc = said.text("doc") or ""
    return UserFunction(entry.name, tuple(params), returns, parsed.tree, doc), body


def _check_body(function: UserFunction, body: Scalar, scope: Scope, findings: Findings) -> Checked | None:
    for name, type_ in function.params:
        scope = scope.bind(name, type_, "param")
    checked = check(function.body, scope, function.returns, text=body.text)
    for problem in checked.problems:
        findings.problem(body, problem)
    return None if checked.core is None else checked


def _examples(entry: Entry) -> tuple[Node, ...]:
    said = entry.value
    found = said.get("examples") if isinstance(said, Table) else None
    return found.items if isinstance(found, Sequence) else ()


def _try_example(function: UserFunction, body: Checked, example: Node, findings: Findings) -> None:
    """Evaluate one example; absent parameters are null."""
    assert isinstance(example, Table), "structure was checked"
    given, gives = example.table("given"), example.get("gives")
    assert given is not None, "structure was checked"
    assert gives is not None, "structure was checked"
    names = [name for name, _ in function.params]
    for entry in given:
        if entry.name not in names:
            hint = did_you_mean(entry.name, names)
            message = f"`{function.name}` has no parameter `{entry.name}`"
            findings.error("DM802", message, entry.key.span, hint or "unknown parameter")
            return
    values = {**dict.fromkeys(names), **{entry.name: plain(entry.value) for entry in given}}
    try:
        found = evaluate(body, {}, values=values)
    except EvaluationError as error:
        findings.error("DM802", f"The example fails: {error.reason}", given.span, "fails", error.fix)
        return
    if found != plain(gives):
        shown = "null" if found is None else f"`{found}`"
        findings.error("DM802", f"The example gives {shown}", gives.span, "not this")


def _type(node: Scalar, schemas: Schemas, findings: Findings) -> Type | None:
    try:
        return parse_type(node.text, schemas)
    except NotAType as problem:
        findings.error("DM020", str(problem), node.span, "not a type")
        return None

"""Test documents held against what they test: names that are not there, values that do not fit.

A case with a slip in a name would pass for ever, or fail without saying why; so every name in it is looked up, with
the same did-you-mean as in mappings. Whether the case passes is found out by running it.
"""

from __future__ import annotations

from collections.abc import Iterable

from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Entry, Node, Scalar, Sequence, Table
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.preferences import refusal
from fieldwright.dsl.ruleset import Rule
from fieldwright.dsl.schema import ObjectSchema, Schemas
from fieldwright.dsl.source import Span
from fieldwright.dsl.testing.cases import Case, TestDocument
from fieldwright.dsl.testing.inputs import EVENTS, INPUTS, RUN, Unfit, raw, run_of
from fieldwright.dsl.testing.subject import Subject
from fieldwright.dsl.types import Kind

_ENVELOPE = "object"
"""Chargebee sends the kind of each record along; catalogs do not list it."""


def check_tests(
    test: TestDocument, subject: Subject, rules: Iterable[Rule], schemas: Schemas
) -> tuple[Diagnostic, ...]:
    """What is wrong in one test document. `rules` are those that decide about the record."""
    names = tuple(name for rule in rules for name in (rule.name, f"{rule.id} {rule.name}".strip()))
    checker = _Checker(test, subject, names, schemas, Findings())
    checker.check()
    return tuple(checker.findings.found)


class _Checker:
    def __init__(
        self, test: TestDocument, subject: Subject, rules: tuple[str, ...], schemas: Schemas, findings: Findings
    ) -> None:
        self.test = test
        self.subject = subject
        self.rules = rules
        self.schemas = schemas
        self.findings = findings

    def check(self) -> None:
        if self.test.run is not None:
            self.run(self.test.run)
        seen: set[str] = set()
        for case in self.test.cases:
            if case.name in seen:
                self.findings.error("DM806", f"There are two cases `{case.name}`", case.span, "second one")
            seen.add(case.name)
            self.given(case)
            self.settings(case)
            self.expected(case)

    def unknown(self, what: str, name: str, known: Iterable[str], span: Span) -> None:
        names = sorted(known)
        hint = did_you_mean(name, names)
        few = "one of: " + ", ".join(names) if 0 < len(names) <= 12 else ""
        self.findings.error("DM804", f"{what} `{name}`", span, hint or "unknown", "" if hint else few)

    def run(self, said: Table) -> None:
        for entry in said:
            if entry.name not in RUN:
                self.unknown("`run` has no", entry.name, RUN, entry.key.span)
        started = said.get("started_at")
        if isinstance(started, Scalar):
            try:
                run_of({"started_at": started.value})
            except Unfit as wrong:
                self.findings.error("DM805", str(wrong), started.span, "not a moment")

    def given(self, case: Case) -> None:
        mapping = self.subject.mapping
        objects = {mapping.root.text: mapping.object.text, "previous": mapping.object.text}
        many: set[str] = set()
        for read in mapping.reads:
            objects[read.name] = read.object.text
            if read.kind in ("many", "all"):
                many.add(read.name)
        target = self.schemas.find(mapping.to.text)
        for entry in case.given:
            name = entry.name
            if name in objects:
                self.records(entry, self.schemas.find(objects[name]), name in many)
            elif name not in INPUTS:
                what = f"`{self.subject.name}` reads no"
                self.unknown(what, name, [*objects, *INPUTS], entry.key.span)
            elif name == "event" and isinstance(entry.value, Scalar) and entry.value.text not in EVENTS:
                self.unknown("There is no event", entry.value.text, EVENTS, entry.value.span)
            elif name in ("target", "linked") and isinstance(entry.value, Table):
                self.held(entry.value, target)
            elif name == "targets" and isinstance(entry.value, Sequence):
                for item in entry.value.items:
                    self.held(item, target)
            elif name in ("target", "targets", "rows", "sync", "not_synced", "params"):
                self.shape(name, entry.value)
            if name == "rows" and isinstance(entry.value, Table):
                for row in entry.value:
                    if row.name not in self.subject.row_fields():
                        self.unknown("There is no set", row.name, self.subject.row_fields(), row.key.span)

    def shape(self, name: str, node: Node) -> None:
        wanted = Sequence if name in ("targets", "not_synced") else Table
        if isinstance(node, Scalar) and node.value is None:
            return
        if not isinstance(node, wanted):
            word = "a list" if wanted is Sequence else "a table"
            self.findings.error("DM805", f"`{name}` must be {word}", node.span, f"expected {word}")

    def records(self, entry: Entry, found: ObjectSchema | None, is_list: bool) -> None:
        node = entry.value
        if is_list != isinstance(node, Sequence) and not (isinstance(node, Scalar) and node.value is None):
            word = "a list of records" if is_list else "one record"
            self.findings.error("DM805", f"`{entry.name}` is {word}", node.span, f"expected {word}")
            return
        for one in node.items if isinstance(node, Sequence) else (node,):
            if found is not None:
                self.record(one, found)

    def record(self, node: Node, found: ObjectSchema) -> None:
        if not isinstance(node, Table):
            if not (isinstance(node, Scalar) and node.value is None):
                self.findings.error("DM805", f"A record of {found.name} is a table", node.span, "expected a table")
            return
        for entry in node:
            field = found.fields.get(entry.name)
            if field is None:
                own = found.open_prefix is not None and entry.name.startswith(found.open_prefix)
                if not own and entry.name != _ENVELOPE:
                    self.unknown(f"{found.name} has no field", entry.name, found.fields, entry.key.span)
                continue
            type_ = field.type
            inner = type_.item if type_.kind is Kind.LIST else type_
            nested = self.schemas.find(inner.object) if inner is not None and inner.object else None
            if nested is not None and inner is not None and inner.kind is Kind.RECORD:
                self.records(entry, nested, type_.kind is Kind.LIST)
            elif isinstance(entry.value, Scalar):
                try:
                    raw(entry.value.value, type_, self.schemas)
                except Unfit as wrong:
                    self.findings.error("DM805", str(wrong), entry.value.span, "not a moment")

    def held(self, node: Node, target: ObjectSchema | None) -> None:
        if not isinstance(node, Table):
            self.findings.error("DM805", "A record is a table", node.span, "expected a table")
            return
        names = set(self.subject.field_names()) | (set(target.fields) if target is not None else set())
        for entry in node:
            if entry.name not in names and entry.name not in ("Id", "id") and target is not None:
                self.unknown(f"{target.name} has no field", entry.name, names, entry.key.span)

    def settings(self, case: Case) -> None:
        for entry in case.settings:
            type_ = self.subject.settings.get(entry.name)
            if type_ is None:
                if entry.name not in self.subject.settings:
                    what = f"`{self.subject.name}` has no setting"
                    self.unknown(what, entry.name, self.subject.settings, entry.key.span)
            elif isinstance(entry.value, Scalar) and (refused := refusal(entry.value, type_)):
                self.findings.error("DM805", f"The setting `{entry.name}` {refused}", entry.value.span, f"not {type_}")

    def expected(self, case: Case) -> None:
        subject = self.subject
        fields = subject.field_names()
        mapped = f"`{subject.mapping.name}` writes no field"
        written = () if subject.is_ruleset else fields
        for entry in _entries(case.expect.table("fields")):
            if entry.name not in written:
                self.unknown(mapped, entry.name, written, entry.key.span)
        target = self.schemas.find(subject.mapping.to.text)
        for kind in ("absent", "cleared", "writes"):
            also = target.fields if kind == "absent" and target is not None else ()
            for item in case.expected_names(kind):
                if item.text not in written and item.text not in also:
                    self.unknown(mapped, item.text, written, item.span)
        rows = subject.row_fields()
        for kind in ("children", "rows"):
            for entry in _entries(case.expect.table(kind)):
                if entry.name not in rows:
                    self.unknown(f"`{subject.mapping.name}` has no set", entry.name, rows, entry.key.span)
                elif kind == "children":
                    self.rows(entry, {rule.name for rule in rows[entry.name]})
        checks = {check.name for check in subject.mapping.checks}
        for entry in _entries(case.expect.table("checks")):
            if entry.name not in checks:
                self.unknown(f"`{subject.mapping.name}` has no check", entry.name, checks, entry.key.span)
        rule = case.expect.get("rule")
        if isinstance(rule, Scalar) and rule.text not in self.rules:
            names = [one for one in self.rules if " " not in one]
            self.unknown("There is no rule", rule.text, names, rule.span)

    def rows(self, entry: Entry, names: set[str]) -> None:
        if not isinstance(entry.value, Sequence):
            return
        for row in entry.value.items:
            for part in row if isinstance(row, Table) else ():
                if part.name not in names:
                    self.unknown(f"Rows of `{entry.name}` have no field", part.name, names, part.key.span)


def _entries(table: Table | None) -> tuple[Entry, ...]:
    return table.entries if table is not None else ()

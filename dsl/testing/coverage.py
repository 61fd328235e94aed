"""What there is to test, and what of it the cases reached: fields, rows of value tables, rules, values of settings.

A field is reached by a case that passes judgement on its value: expected under `fields`, `children` or `cleared`, or by
a golden file. A row of a value table is reached when a record took it and the case judged that field. A rule is reached
by a case that names it. A setting is reached value by value where it has a few (true and false, an enum), else by one
case that gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fieldwright.dsl.document import Scalar, Sequence, Table
from fieldwright.dsl.evaluate import Evaluator
from fieldwright.dsl.program import FieldInfo
from fieldwright.dsl.programspec import FieldSpec, ProgramSpec, ValueTable
from fieldwright.dsl.reference import RecordMapper, row_key
from fieldwright.dsl.ruleprogram import RuleInfo
from fieldwright.dsl.testing.cases import Case
from fieldwright.dsl.testing.compare import shown
from fieldwright.dsl.testing.outcome import Outcome
from fieldwright.dsl.testing.subject import MEMBERSHIPS, Subject
from fieldwright.dsl.types import Kind

KINDS: Final = ("fields", "table_rows", "rules", "settings")
ELSE: Final = "else"
_SKIPPED: Final = frozenset(["op", "rule", "actions", "params", "errors"])


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to reach. `kind` is one of `KINDS`; `at` its place in the mapping file (`path:line`)."""

    kind: str
    subject: str
    name: str
    at: str


@dataclass(slots=True)
class Coverage:
    """Everything there is, in order, and what was reached."""

    items: dict[tuple[str, str, str], Item] = field(default_factory=dict)
    reached: set[tuple[str, str, str]] = field(default_factory=set)

    def expect(self, items: Iterable[Item]) -> None:
        """Add what there is to reach."""
        for item in items:
            self.items.setdefault((item.kind, item.subject, item.name), item)

    def reach(self, kind: str, subject: str, names: Iterable[str]) -> None:
        """Note what a case reached; what there is not is let pass."""
        self.reached |= {(kind, subject, name) for name in names}

    def counts(self, kind: str) -> tuple[int, int]:
        """How many of a kind were reached, and how many there are."""
        keys = [key for key in self.items if key[0] == kind]
        return sum(key in self.reached for key in keys), len(keys)

    def missing(self, kind: str) -> list[Item]:
        """What no case reached."""
        return [item for key, item in self.items.items() if key[0] == kind and key not in self.reached]


def mapping_items(subject: Subject, spec: ProgramSpec) -> Iterator[Item]:
    """Fields and table rows of a mapping; for an overlay those that stand in its own file."""
    own = None
    if subject.overlay is not None:
        own = {rule.span.file.path for rule in subject.fields().values()} - {subject.mapping.span.file.path}
    for name, one in _fields(spec):
        if own is not None and one.info.at.rpartition(":")[0] not in own:
            continue
        yield Item("fields", subject.name, name, one.info.at)
        for row in _rows(one.table) if one.table is not None else ():
            yield Item("table_rows", subject.name, f"{name}: {row}", one.info.at)
    if spec.memberships_info is not None and own is None:
        yield Item("fields", subject.name, MEMBERSHIPS, spec.memberships_info.at)


def rule_items(ruleset: str, rules: Iterable[RuleInfo]) -> Iterator[Item]:
    """The rules of a ruleset."""
    for rule in rules:
        yield Item("rules", ruleset, rule.rule, rule.at)


def setting_items(subject: Subject, owner: str, declared: Mapping[str, str]) -> Iterator[Item]:
    """The settings that a mapping or ruleset declares (name and place), value by value where there are few."""
    for name, at in declared.items():
        type_ = subject.settings.get(name)
        if type_ is None:
            continue
        values = [False, True] if type_.kind is Kind.BOOL else list(type_.values)
        if 0 < len(values) <= 6:
            for value in values:
                yield Item("settings", owner, f"{name}: {shown(value)}", at)
        else:
            yield Item("settings", owner, name, at)


def settings_reached(case: Case, values: Mapping[str, Any]) -> Iterator[str]:
    """The settings that a case speaks of, and the values that it ran with."""
    for entry in case.settings:
        yield entry.name
    for name, value in values.items():
        yield f"{name}: {shown(value)}"


def judged(case: Case, outcome: Outcome, golden: Table | None) -> set[str]:
    """The fields on whose value the case passes judgement; those of rows as `set.Field`."""
    found: set[str] = set()
    if golden is not None:
        found |= set(outcome.fields) | outcome.cleared
        for name, rows in outcome.children.items():
            found |= {f"{name}.{part}" for row in rows for part in row}
        return found
    fields, children = case.expect.table("fields"), case.expect.table("children")
    found |= {entry.name for entry in fields} if fields is not None else set()
    found |= {item.text for item in case.expected_names("cleared")}
    for entry in children if children is not None else ():
        rows_said = entry.value.items if isinstance(entry.value, Sequence) else ()
        found |= {f"{entry.name}.{part.name}" for row in rows_said if isinstance(row, Table) for part in row}
    return found


def rules_judged(case: Case, outcome: Outcome, golden: Table | None) -> tuple[str, ...]:
    """The rule that the case names and that decided."""
    named = case.expect.get("rule") if golden is None else golden.get("rule")
    is_named = isinstance(named, Scalar) and named.text in (outcome.rule, outcome.rule_label)
    return (outcome.rule,) if is_named else ()


def rows_taken(spec: ProgramSpec, roots: Mapping[str, Any], *, partial: bool) -> set[tuple[str, str]]:
    """Which row of which value table a record takes: the field (of rows as `set.Field`) and the row."""
    names = {id(one.info): name for name, one in _fields(spec)}
    watching = _Watching(spec, Evaluator(roots, partial=partial))
    watching.map()
    return {(names[id(info)], row) for info, row in watching.taken}


class _Watching(RecordMapper):
    """Maps a record and keeps which rows it took."""

    def __init__(self, spec: ProgramSpec, evaluator: Evaluator) -> None:
        super().__init__(spec, evaluator)
        self.taken: list[tuple[FieldInfo, str]] = []
        self._field: FieldInfo | None = None

    def written(self, one: FieldSpec) -> Any:
        self._field = one.info
        return super().written(one)

    def looked_up(self, table: ValueTable, value: Any, name: str) -> Any:
        assert self._field is not None
        wanted = row_key(value)
        row = next((shown(given) for given, _ in table.rows if row_key(given) == wanted), ELSE)
        self.taken.append((self._field, row))
        return super().looked_up(table, value, name)


def _fields(spec: ProgramSpec) -> Iterator[tuple[str, FieldSpec]]:
    for one in spec.fields:
        yield one.info.name, one
    for child in spec.children:
        for rows in child.lists:
            for one in rows.fields:
                yield f"{child.name}.{one.info.name}", one


def _rows(table: ValueTable) -> Iterator[str]:
    for given, _ in table.rows:
        yield shown(given)
    if table.otherwise is not None:
        yield ELSE

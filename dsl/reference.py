"""The slow way of mapping one record: a program specification and inputs in, a `MappedRecord` out.

Every field is computed by the reference evaluator, with the policies of the mapping applied in the open: value table,
reference, wire form, `on_null`, `on_error`. What cannot be computed becomes a `FieldProblem` with the place in the
mapping file, and all problems of a record are found at once. The generated code must give the same result for every
record that it does not give up on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.dsl.evaluate import Evaluator, StepLimit
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.program import FieldProblem, MappedRecord, Ref
from fieldwright.dsl.programspec import (
    ChildSpec,
    FieldSpec,
    KeyFieldSpec,
    LetSpec,
    OnError,
    OnNull,
    OnTooLong,
    ProgramSpec,
    RowsSpec,
    ValueTable,
)
from fieldwright.dsl.values import MISSING, EvaluationError
from fieldwright.dsl.wire import encode

MAX_ROWS = 10_000
"""Child rows of one record."""


def map_reference(spec: ProgramSpec, roots: Mapping[str, Any], *, partial: bool = False) -> MappedRecord:
    """Map one record. Problems are collected; a record with any must not be written."""
    return RecordMapper(spec, Evaluator(roots, partial=partial)).map()


def row_key(value: Any) -> tuple[type, Any]:
    """How value tables compare: by type and value, so that 1 and true differ."""
    return type(value), value


@dataclass(slots=True)
class RecordMapper:
    """The work on one record. Each step is a method of its own, so that `fieldwright.dsl.explain` can watch it."""

    spec: ProgramSpec
    evaluator: Evaluator
    problems: list[FieldProblem] = field(default_factory=list)

    def map(self) -> MappedRecord:
        spec = self.spec
        made = MappedRecord()
        try:
            self.lets(spec.lets)
            if spec.filter is not None:
                kept = self.asked("filter", spec.filter, spec.filter_at)
                if kept is False:
                    return MappedRecord(included=False)
                if self.problems:
                    return MappedRecord(problems=tuple(self.problems))
            for one in spec.fields:
                self.field(one, made.fields, one.info.name)
            self.memberships(made.fields)
            made.keys = tuple(self.key(parts) for parts in spec.keys)
            for check in spec.checks:
                self.check(check.name, check.value, check.at)
        except StepLimit as error:
            self.problem("record", error, spec.at)
        for child in spec.children:
            made.children[child.name] = self.children(child)
        made.problems = tuple(self.problems)
        return made

    def problem(self, where: str, error: EvaluationError, at: str) -> None:
        self.problems.append(FieldProblem(where, error.code, error.reason, error.fix, at))

    def lets(self, lets: tuple[LetSpec, ...]) -> None:
        """Compute named values in order; one that fails fails whatever uses it, and nothing else."""
        for let in lets:
            try:
                self.evaluator.values[let.slot] = self.value(let.value)
            except StepLimit:
                raise
            except EvaluationError as error:
                self.evaluator.values[let.slot] = error

    def value(self, checked: Checked) -> Any:
        if checked.core is None:
            raise ValueError("a mapping with errors cannot run")
        return self.evaluator.run(checked.core)

    def asked(self, where: str, checked: Checked, at: str) -> bool | None:
        """A condition; None after a problem."""
        try:
            found = self.value(checked)
        except StepLimit:
            raise
        except EvaluationError as error:
            self.problem(where, error, at)
            return None
        if found is MISSING:
            wrong = EvaluationError("RT114", "undecided: a field that decides was not read", "read the whole record")
            self.problem(where, wrong, at)
            return None
        if found is None:
            wrong = EvaluationError("RT107", "the condition is null, neither true nor false", "say what null means")
            self.problem(where, wrong, at)
            return None
        return bool(found)

    def field(self, one: FieldSpec, into: dict[str, Any], where: str) -> None:
        """Compute a field and put it into `into`, or leave it out, or report why not."""
        try:
            found = self.written(one)
        except StepLimit:
            raise
        except EvaluationError as error:
            match one.on_error:
                case OnError.FAIL_RECORD:
                    self.problem(where, error, one.info.at)
                    return
                case OnError.SKIP_FIELD:
                    return
                case OnError.NULL:
                    found = None
        if found is MISSING:
            return
        if found is not None:
            into[one.info.name] = found
            return
        match one.on_null:
            case OnNull.SKIP:
                pass
            case OnNull.CLEAR:
                into[one.info.name] = None
            case OnNull.ERROR:
                wrong = EvaluationError("RT113", f"{one.info.name} must not be null", "correct the source record")
                self.problem(where, wrong, one.info.at)

    def written(self, one: FieldSpec) -> Any:
        found = self.value(one.value)
        if found is MISSING:
            return MISSING
        if one.table is not None and found is not None:
            found = self.looked_up(one.table, found, one.info.name)
            if found is MISSING:
                return MISSING
        if one.info.ref is not None:
            return reference(one.info.ref, found)
        truncate = one.max_length is OnTooLong.TRUNCATE
        return encode(found, one.target, self.spec.system, truncate=truncate, digits=one.round)

    def looked_up(self, table: ValueTable, value: Any, name: str) -> Any:
        wanted = row_key(value)
        for given, result in table.rows:
            if row_key(given) == wanted:
                return result
        if table.otherwise is not None:
            return self.value(table.otherwise)
        raise EvaluationError(
            "RT106", f"the value table of {name} has no row for {str(value)[:60]!r}", "add a row, or `else:`"
        )

    def memberships(self, into: dict[str, Any]) -> None:
        info = self.spec.memberships_info
        if info is None:
            return
        made: list[dict[str, Any]] = []
        for one in self.spec.memberships:
            try:
                found = self.value(one.list)
            except StepLimit:
                raise
            except EvaluationError as error:
                self.problem(info.name, error, one.at)
                continue
            if found is MISSING:
                return
            if found is not None and found != "":
                made.append({"list": found, "status": one.status})
        if made:
            into[info.name] = made

    def key(self, parts: tuple[KeyFieldSpec, ...]) -> dict[str, Any] | None:
        """The values of a key alternative; None when one of them is null, because nothing is matched by nothing."""
        made: dict[str, Any] = {}
        usable = True
        for one in parts:
            try:
                found = self.value(one.value)
                if found is MISSING:
                    raise EvaluationError("RT114", f"the key {one.field} was not read", "read the whole record")
                found = reference(one.ref, found) if one.ref else encode(found, one.target, self.spec.system)
            except StepLimit:
                raise
            except EvaluationError as error:
                self.problem("key", error, one.at)
                return None
            if found is None:
                usable = False
            made[one.field] = found
        return made if usable else None

    def check(self, name: str, checked: Checked, at: str) -> None:
        try:
            found = self.value(checked)
        except StepLimit:
            raise
        except EvaluationError as error:
            self.problem(f"checks.{name}", error, at)
            return
        if found is not True and found is not MISSING:
            wrong = EvaluationError("RT115", f"the check `{name}` does not hold", "correct the source record")
            self.problem(f"checks.{name}", wrong, at)

    def children(self, child: ChildSpec) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for rows in child.lists:
            before = dict(self.evaluator.values)
            try:
                self.rows(child, rows, made)
            except StepLimit as error:
                self.problem(child.name, error, rows.at)
            self.evaluator.values = before
        if len(made) > MAX_ROWS:
            wrong = EvaluationError("RT109", f"more than {MAX_ROWS} rows of `{child.name}`", "filter them")
            self.problem(child.name, wrong, child.at)
        return made

    def rows(self, child: ChildSpec, rows: RowsSpec, made: list[dict[str, Any]]) -> None:
        self.evaluator.steps = 0
        try:
            items = self.value(rows.each)
            if items is MISSING:
                raise EvaluationError("RT114", "the list of rows was not read", "read the whole record")
        except StepLimit:
            raise
        except EvaluationError as error:
            self.problem(child.name, error, rows.at)
            return
        for item in items or ():
            self.evaluator.steps = 0
            self.evaluator.values[rows.item] = item
            self.lets(rows.lets)
            if rows.filter is not None and self.asked(child.name, rows.filter, rows.at) is not True:
                continue
            row: dict[str, Any] = {}
            for one in rows.fields:
                self.field(one, row, f"{child.name}[{len(made)}].{one.info.name}")
            for check in rows.checks:
                self.check(f"{child.name}[{len(made)}].{check.name}", check.value, check.at)
            made.append(row)


def reference(mapping: str, key: Any) -> Ref | None:
    """The reference to the record that `mapping` writes for a source key; null for a null or empty key."""
    if key is None or key == "":
        return None
    if isinstance(key, str):
        return Ref(mapping, key)
    if type(key) is int:
        return Ref(mapping, str(key))
    raise EvaluationError("RT117", "the key of a reference is the id of a source record, a text", "write its id")

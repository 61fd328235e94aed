"""Programs made by hand, so that the runtime is tested without the language."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fieldwright.connectors.memory.source import MemorySource
from fieldwright.connectors.memory.target import MemoryTarget
from fieldwright.dsl.program import (
    ChildInfo,
    FieldInfo,
    FieldProblem,
    KeyAlternative,
    MappedRecord,
    Program,
    ReadInfo,
    Ref,
    Write,
)
from fieldwright.dsl.types import STRING
from fieldwright.dsl.values import EvaluationError
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.state.database import Database, open_file
from fieldwright.runtime.sync import Job, Mode, synchronise

KEPT = frozenset({"id", "name", "parent", "lines", "email", "phone"})
Compute = Callable[[Mapping[str, Any]], Any]


def program(
    mapping: str,
    source: str,
    target: str,
    fields: Mapping[str, Compute],
    *,
    key: tuple[str, ...] = ("Ext",),
    write: Mapping[str, Write] | None = None,
    refs: Mapping[str, str] | None = None,
    reads: tuple[ReadInfo, ...] = (),
    rows: Callable[[Mapping[str, Any]], list[dict[str, Any]]] | None = None,
    used: frozenset[str] = frozenset(),
    on_source_delete: Mapping[str, Any] | None = None,
    digest: str = "1",
) -> Program:
    """A program whose fields are Python functions of the roots (`r` is the driving record)."""
    infos = tuple(
        FieldInfo(
            name, STRING, (write or {}).get(name, Write.ALWAYS), f"{mapping}.yaml:{number}", (refs or {}).get(name)
        )
        for number, name in enumerate(fields, 1)
    )
    children = ()
    if rows is not None:
        row_fields = tuple(FieldInfo(name, STRING, Write.ALWAYS, f"{mapping}.yaml:9") for name in ("Line", "Amount"))
        children = (ChildInfo("lines", f"{target}Line", "ParentId", ("Line",), row_fields, f"{mapping}.yaml:9"),)

    def run(roots: Mapping[str, Any]) -> MappedRecord:
        values: dict[str, Any] = {}
        try:
            for name, compute in fields.items():
                value = compute(roots)
                if value is not None:
                    values[name] = value
        except EvaluationError as error:
            return MappedRecord(
                problems=(FieldProblem(name, error.code, error.reason, error.fix, f"{mapping}.yaml:1"),)
            )
        found = {name: values.get(name) for name in key}
        return MappedRecord(
            fields=values,
            keys=(None if None in found.values() else found,),
            children={"lines": rows(roots)} if rows else {},
        )

    return Program(
        mapping=mapping,
        title=mapping,
        at=f"{mapping}.yaml:1",
        digest=digest,
        source_object=source,
        root="r",
        target_object=target,
        after=(),
        driven_by=None,
        params=(),
        reads=reads,
        used=dict.fromkeys([source, *(read.object for read in reads)], used | KEPT),
        keys=(KeyAlternative(key),),
        on_ambiguous="error",
        on_none="create",
        on_source_delete=on_source_delete or {"action": "keep"},
        fields=infos,
        children=children,
        compiled=run,
        reference=run,
    )


@cache
def _migrated() -> Path:
    """An empty state database, made once: migrations cost more than most runs here."""
    path = Path(tempfile.mkdtemp()) / "state.db"
    open_file(path).close()
    return path


CUSTOMERS = program(
    "customers",
    "chargebee.customer",
    "salesforce.Account",
    {"Ext": lambda x: x["r"]["id"], "Name": lambda x: x["r"].get("name"), "Phone": lambda x: x["r"].get("phone")},
    write={"Ext": Write.CREATE_ONLY, "Phone": Write.IF_EMPTY},
)
ORDERS = program(
    "orders",
    "chargebee.order",
    "salesforce.Order",
    {
        "Ext": lambda x: x["r"]["id"],
        "AccountId": lambda x: Ref("customers", x["r"]["parent"]),
        "Name": lambda x: x["r"].get("name"),
    },
    refs={"AccountId": "customers"},
    rows=lambda x: [{"Line": name, "Amount": amount} for name, amount in x["r"].get("lines", {}).items()],
)


class World:
    """A source, a target and a state, with shortcuts for runs."""

    def __init__(self, folder: Path, *programs: Program) -> None:
        self.folder = folder
        self.source = MemorySource()
        self.target = MemoryTarget()
        self.programs = programs or (CUSTOMERS, ORDERS)
        self.seed()

    def seed(self) -> None:
        for number in range(3):
            self.source.put("chargebee.customer", {"id": f"c{number}", "name": f"Customer {number}"})
            self.source.put(
                "chargebee.order",
                {"id": f"o{number}", "name": f"Order {number}", "parent": f"c{number}", "lines": {"a": 1, "b": 2}},
            )
        self.source.tick()

    def database(self, *, rehearse: bool = False) -> Database:
        if not (self.folder / "state.db").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(_migrated(), self.folder / "state.db")
        return open_file(self.folder / "state.db", rehearse=rehearse)

    def run(self, mode: Mode = Mode.INCREMENTAL, *, plan: bool = False, **options: Any) -> RunReport:
        database = self.database(rehearse=plan)
        try:
            job = Job(
                self.programs, {}, {}, self.source, {"salesforce": self.target}, "memory", mode, plan=plan, **options
            )
            return synchronise(job, database, pause=lambda _seconds: None)
        finally:
            database.close()

    def held(self, object_name: str) -> list[dict[str, Any]]:
        return list(self.target.records.get(f"salesforce.{object_name}", {}).values())

"""What `preview` and `explain` have in common: the same options, the same record, the same read-only surroundings.

The record comes from the state (as last read), from a JSON file, or with `--live` from the source; with `--live` the
target is read too. Whatever is opened is opened for reading: the state refuses changes, and of the target only the
reading methods are handed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from fieldwright import failures
from fieldwright.commands import options
from fieldwright.project import find_project
from fieldwright.runtime.errors import RunError

if TYPE_CHECKING:
    from fieldwright.dsl.program import Program
    from fieldwright.project import Project, Target
    from fieldwright.runtime.explaining import Looked
    from fieldwright.runtime.onlooking import Pairing
    from fieldwright.runtime.records import Change
    from fieldwright.runtime.state.database import Database
    from fieldwright.runtime.state.journal import ErrorRecord

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes of a JSON file with one record."""

_SOURCE_FACTS: Final = ("domain", "name", "time_zone", "currency")
_TARGET_FACTS: Final = ("account", "name", "standard_pricebook_id")


class NoSuchRecord(RunError):
    """The record is not where it was looked for. Exit 1."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, as given."""

    mapping: str
    record: str | None
    file: str | None
    live: bool
    partial: bool
    mask: bool
    target: str | None
    folder: Path | None
    state: Path | None
    given_settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The look, and where the record came from in words."""

    program: Program
    looked: Looked
    origin: str


def record_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both commands, in the order of their help."""
    for add in reversed(
        (
            click.option("--record", metavar="ID", help="The source record, by its id."),
            click.option("--file", metavar="FILE", help="The source record from a JSON file; - reads it from stdin."),
            click.option("--live", is_flag=True, help="Fetch the record and read the target now; still no write."),
            click.option("--partial", is_flag=True, help="With --file: fields that are not there were not read."),
            click.option("--mask", is_flag=True, help="Hide personal values, for a ticket or a shared screen."),
            options.settings_option(),
            options.target_option(),
            options.output_option(),
            options.project_option(),
            options.state_option(),
        )
    ):
        function = add(function)
    return function


def answer(request: Request) -> Answer:
    """Look at the record. Raises WrongUse and NoSuchRecord for what is not there."""
    from fieldwright.checked import check
    from fieldwright.runtime.explaining import Look, look_at
    from fieldwright.runtime.mapping_run import Rules

    if (request.record is None) == (request.file is None):
        raise failures.WrongUse("which record?", "give --record ID, or --file with the record as JSON")
    if request.partial and request.file is None:
        raise failures.WrongUse("--partial goes with --file only", "records that are read are read whole")
    project = find_project(request.folder)
    target = project.target(request.target)
    checked = check(project, target, request.given_settings)
    checked.require()
    checked.selection([request.mapping])
    program = checked.result.programs[request.mapping]
    spec = checked.result.linked[request.mapping].spec
    assert spec is not None, "a mapping with a program has a specification"
    ruleset = checked.rulesets.get(program.driven_by) if program.driven_by else None
    rules = None if ruleset is None else Rules(ruleset, checked.settings.get(program.driven_by or "", {}))
    with ExitStack() as stack:
        scene = _Scene(project, target, request, program, checked.programs)
        scene.open(stack)
        change, given = scene.change()
        constants = {"settings": checked.settings.get(program.mapping, {}), "run": scene.run, **given}
        look = Look(
            program, spec, rules, constants, scene.lookup, scene.ledger, scene.onlooker, partial=request.partial
        )
        looked = look_at(look, change)
        failed = scene.last_failure(change.id)
    looked.notes.extend(scene.notes)
    if failed is not None and looked.action not in ("rejected", "waits"):
        # What the target refused nobody here can foresee: without this the answer would contradict the error list.
        words = "" if request.mask else f" {failed.message}"
        place = f" ({failed.field})" if failed.field else ""
        looked.notes.append(f"the last write was refused: error[{failed.code}]{place}:{words}; `interpret errors`")
    if request.mask:
        from fieldwright.runtime.masking import masked

        looked = masked(looked)
    return Answer(program, looked, scene.origin)


class _Scene:
    """Everything that is opened for one look, and what is known through it."""

    def __init__(
        self, project: Project, target: Target, request: Request, program: Program, programs: tuple[Program, ...]
    ) -> None:
        self._project = project
        self._target = target
        self._request = request
        self._program = program
        self._programs = programs
        self.notes: list[str] = []
        self.origin = ""
        self.lookup: Any = None
        self.ledger: Any = None
        self.onlooker: Any = None
        self.run: dict[str, Any] = {}
        self._pairing: Pairing | None = None
        self._database: Database | None = None

    def open(self, stack: ExitStack) -> None:
        """Open state and, for a live look, the connections."""
        database = self._database = stack.enter_context(
            _state(self._request.state or self._project.state_file(self._target))
        )
        if self._request.live:
            self._open_live(stack, database)
        else:
            self._open_state(database)
        if self._pairing is not None and database is not None:
            self.ledger = self._pairing.ledger(database)

    def change(self) -> tuple[Change, dict[str, Any]]:
        """The record, and declared reads that the file brought along."""
        request, name = self._request, self._program.source_object
        if request.file is not None:
            self.origin = f"from {'standard input' if request.file == '-' else request.file}"
            return _from_file(request.file, self._program)
        assert request.record is not None
        found = self.lookup.load(name, [request.record]).get(request.record) if self.lookup is not None else None
        noun = name.partition(".")[2]
        if found is None and request.live:
            raise NoSuchRecord(f"{name.partition('.')[0]} has no {noun} {request.record}", "check the id")
        if found is None:
            where = f"the state of target {self._target.name}"
            raise NoSuchRecord(
                f"{where} has no {noun} {request.record}"
                + ("" if self.lookup is not None else ": no run has read anything yet"),
                "`--live` fetches it from the source now; `interpret run` reads everything",
            )
        return cast("Change", found), {}

    def last_failure(self, record: str) -> ErrorRecord | None:
        """The open error of this record and mapping, as the last run left it."""
        from fieldwright.runtime.state.journal import Journal

        if self._pairing is None or self._database is None:
            return None
        pair, mapping = self._pairing.pair, self._program.mapping
        return Journal(self._database).by_record(pair, mapping, [record]).get(record)

    def _open_state(self, database: Database | None) -> None:
        from fieldwright.runtime.onlooking import Remembered, pairing, remembered_facts
        from fieldwright.runtime.reading import used_fields
        from fieldwright.runtime.state.mirror import Mirror

        source, target = self._systems()
        facts: dict[str, Mapping[str, Any]] = {}
        if database is not None:
            facts = remembered_facts(database)
            self._pairing = pairing(database, source, target)
        if database is not None and self._pairing is not None:
            self.lookup = Remembered(Mirror(database, self._pairing.source_id, {}), used_fields(self._programs))
            self.origin = f"as last read, from the state of target {self._target.name}"
            if self._pairing.others:
                self.notes.append(f"of {self._pairing.source}; the state knows {', '.join(self._pairing.others)} too")
        self._constants(datetime.now(UTC), facts.get(source, {}), facts.get(target, {}))

    def _open_live(self, stack: ExitStack, database: Database | None) -> None:
        from fieldwright.connections import connected
        from fieldwright.runtime.connector import Source
        from fieldwright.runtime.connector import Target as TargetConnection
        from fieldwright.runtime.onlooking import Asked, Onlooker, pairing
        from fieldwright.runtime.reading import used_fields

        source, target = self._systems()
        connections = stack.enter_context(connected(self._project, self._target, [source, target]))
        reader = cast(Source, connections[source])
        self.onlooker = Onlooker(cast(TargetConnection, connections[target]))
        here, there = reader.check(), self.onlooker.check()
        if database is not None:
            self._pairing = pairing(database, source, target, (here.account, there.account))
        self.lookup = Asked(reader, used_fields(self._programs))
        self.origin = f"read now from {source} {here.account} and {target} {there.account}"
        self._constants(reader.now(), here.facts, there.facts)

    def _constants(self, started: datetime, source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """The root `run`. What nobody told is missing, not null: fields that rest on it are not written."""
        from fieldwright.dsl.values import MISSING

        if not source and not self._request.live:
            self.notes.append("what a run is told about the systems (run.source, run.target) is not known without one")
        self.run = {
            "started_at": started,
            "source": source or dict.fromkeys(_SOURCE_FACTS, MISSING),
            "target": target or dict.fromkeys(_TARGET_FACTS, MISSING),
        }

    def _systems(self) -> tuple[str, str]:
        return self._program.source_object.partition(".")[0], self._program.target_object.partition(".")[0]


@contextmanager
def _state(path: Path) -> Iterator[Database | None]:
    """The state, for reading; None where nothing has run yet: a look must not make a database."""
    if not path.exists():
        yield None
        return
    from fieldwright.runtime.onlooking import look_into

    database = look_into(path)
    try:
        yield database
    finally:
        database.close()


def read_json(name: str) -> Any:
    """The JSON in a file (or the standard input); numbers with a point stay exact. Raises WrongUse."""
    import msgspec

    try:
        if name == "-":
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with open(name, "rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise failures.WrongUse(f"{name} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise failures.WrongUse(f"{name} is larger than {LARGEST_FILE // 1024 // 1024} MiB", "cut out one record")
    try:
        return msgspec.json.Decoder(float_hook=Decimal).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise failures.WrongUse(f"{name} is not JSON: {error}") from None


def record_in(document: Any, names: tuple[str, ...], name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The record in a document, and what stands beside it. Accepted are the record itself, an envelope as the source's
    API sends it (`{"customer": {..}}`), and an event (`{"content": {"customer": {..}}}`)."""
    if isinstance(document, Mapping) and isinstance(document.get("content"), Mapping):
        document = document["content"]
    if isinstance(document, Mapping):
        for each in names:
            if isinstance(document.get(each), Mapping) and "id" not in document:
                return document[each], document
        if document:
            return document, {}
    raise failures.WrongUse(f"{name} holds no record", f'write the record itself, or {{"{names[0]}": {{..}}}}')


def _from_file(name: str, program: Program) -> tuple[Change, dict[str, Any]]:
    from fieldwright.runtime.records import Change

    short = program.source_object.partition(".")[2]
    record, beside = record_in(read_json(name), tuple(dict.fromkeys((program.root, short))), name)
    given = {read.name: beside[read.name] for read in program.reads if read.name in beside}
    for read in program.reads:
        wrong = not isinstance(given.get(read.name, {}), Mapping | list | None)
        if wrong:
            raise failures.WrongUse(f"`{read.name}` in {name} is no record and no list of records")
    version = record.get("resource_version")
    number = version if isinstance(version, int) else 0
    deleted = record.get("deleted") is True
    return Change(program.source_object, str(record.get("id", "(no id)")), number, record, deleted), given

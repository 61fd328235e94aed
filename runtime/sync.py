"""The run: start here. One function, `synchronise`, does plans and runs alike.

read (changes into the mirror) -> for each mapping in order: map, decide, resolve, identify, plan, write, record.
A plan is the same code on a state transaction that is rolled back and on targets that cannot be written to, so a dry
run cannot drift from a run. Connectors and state come in ready made; what comes out is a report.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from fieldwright.dsl.program import Program
from fieldwright.dsl.ruleprogram import RulesetProgram
from fieldwright.runtime.connector import CustomField, Source, Target
from fieldwright.runtime.errors import ObjectRefused, RunError, StateUnusable
from fieldwright.runtime.executor import Executor
from fieldwright.runtime.identity import Identifier, lookup_pays
from fieldwright.runtime.initial import InitialReading
from fieldwright.runtime.mapping_run import MappingRun, Rules
from fieldwright.runtime.reading import Reader, indexed_fields, source_objects, used_fields
from fieldwright.runtime.records import Identity
from fieldwright.runtime.rehearsal import Rehearsal
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.state.database import Database
from fieldwright.runtime.state.journal import Journal
from fieldwright.runtime.state.ledger import Ledger, account_id, pair_id
from fieldwright.runtime.state.mirror import Mirror

CALLS_PER_BATCH = 5


class Mode(StrEnum):
    """Which records a run looks at."""

    INCREMENTAL = "incremental"
    INITIAL = "initial"
    ALL = "all"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run needs, resolved. `programs` in the order of application; `rulesets` by name; `settings` by
    mapping or ruleset name, then setting name. `plan` makes it read only. `select` limits to these mappings."""

    programs: Sequence[Program]
    rulesets: Mapping[str, RulesetProgram]
    settings: Mapping[str, Mapping[str, Any]]
    source: Source
    targets: Mapping[str, Target]
    target_name: str
    mode: Mode = Mode.INCREMENTAL
    retry_initial: bool = False
    plan: bool = False
    select: frozenset[str] = frozenset()
    initial_limit: int = 10
    delete_limit: int = 50
    allow_deletes: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing now, for a progress line."""

    phase: str
    what: str
    done: int
    total: int | None = None


Listener = Callable[[Progress], None]


def synchronise(
    job: Job, database: Database, listener: Listener | None = None, *, pause: Callable[[float], None] = time.sleep
) -> RunReport:
    """Run or plan the job. Failures of records are in the report; an error that ends the run is too (`stopped`), with
    everything done up to then recorded. Raises StateUnusable when the state cannot even record that."""
    run = _Run(job, database, listener or (lambda _progress: None), pause)
    return run.execute()


@dataclass(slots=True)
class _Pair:
    """One target with what the run knows of it."""

    target: Target
    identity: Identity
    ledger: Ledger
    programs: list[Program]
    empty: set[str] = field(default_factory=set)


class _Run:
    def __init__(self, job: Job, database: Database, listener: Listener, pause: Callable[[float], None]) -> None:
        self._job = job
        self._db = database
        self._listen = listener
        self._pause = pause
        self._journal = Journal(database)
        self._programs = {program.mapping: program for program in job.programs}
        self._selected = [p for p in job.programs if not job.select or p.mapping in job.select]
        self._initial: dict[str, list[str]] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}

    def execute(self) -> RunReport:
        job = self._job
        self._db.acquire()
        number = self._journal.begin_run(job.mode.value, job.target_name, _settings_hash(job))
        self._db.commit()
        report = RunReport(number, "plan" if job.plan else job.mode.value, job.target_name)
        connections = [job.source, *job.targets.values()]
        calls_before = {connection.system: connection.calls() for connection in connections}
        started = time.perf_counter()
        try:
            self._go(report)
            report.status = "completed"
        except KeyboardInterrupt:
            self._db.rollback()
            report.status, report.exit_code = "cancelled", 130
            report.stopped, report.stopped_fix = "cancelled by Ctrl-C", "run again: it goes on where it stopped"
        except RunError as error:
            self._db.rollback()
            report.status, report.exit_code = "aborted", error.exit_code
            report.stopped, report.stopped_fix = str(error), error.fix
        except BaseException:
            self._db.rollback()
            self._finish(report, "aborted")
            raise
        for connection in connections:
            report.calls[connection.system] = connection.calls() - calls_before[connection.system]
        report.seconds["total"] = time.perf_counter() - started
        if report.status != "aborted" or report.exit_code != StateUnusable.exit_code:
            report.errors = [error for error in self._journal.errors() if not error.ignored]
            own = [error for error in report.errors if (error.mapping, error.source_id) in self._journal.recorded]
            report.known_bad = len(report.errors) - len(own)
            report.failed_checks = sum(error.kind == "check" for error in own)
        if report.status == "completed" and (report.errors or report.stopped_mappings):
            report.status, report.exit_code = "completed_with_errors", 1
        self._finish(report, report.status)
        return report

    def _finish(self, report: RunReport, status: str) -> None:
        # The facts let a later look at one record compute what depends on them without asking any system.
        summary = {"status": status, "objects": report.objects, "calls": report.calls, "facts": self._facts}
        self._journal.end_run(report.id, status, msgspec.json.encode(summary))
        self._db.commit()
        self._db.release()

    # --- the run ------------------------------------------------------------------------------------------------

    def _go(self, report: RunReport) -> None:
        job = self._job
        source_identity = job.source.check()
        self._facts[source_identity.system] = source_identity.facts
        source_id = account_id(self._db, source_identity.system, source_identity.account)
        # Every program's fields are kept, so that selecting a few mappings does not throw away what others need.
        mirror = Mirror(self._db, source_id, indexed_fields(job.programs))
        pairs = self._connect(source_id, report)
        self._db.commit()
        run_root = {"started_at": job.source.now()}
        started = time.perf_counter()
        reader = Reader(job.source, mirror, self._db)
        if job.mode is not Mode.RETRY:
            self._read(reader, mirror, pairs, {**run_root, "source": source_identity.facts})
        report.reads = dict(reader.read)
        report.seconds["reading"] = time.perf_counter() - started
        self._prepare_targets(pairs, mirror, report)
        started = time.perf_counter()
        upto = mirror.top()
        if not job.allow_deletes and not job.plan:
            self._guard_deletes(pairs, mirror, upto)
        for program in self._selected:
            refused = next((reader.refused[name] for name in source_objects(program) if name in reader.refused), None)
            if refused is not None:
                _stop_mapping(report, program, refused)
                continue
            pair = pairs[program.target_object.partition(".")[0]]
            constants = {
                "settings": job.settings.get(program.mapping, {}),
                "run": {**run_root, "source": source_identity.facts, "target": pair.identity.facts},
            }
            self._apply_mapping(program, pair, mirror, constants, upto, report)
        report.seconds["applying"] = time.perf_counter() - started

    def _connect(self, source_id: int, report: RunReport) -> dict[str, _Pair]:
        pairs: dict[str, _Pair] = {}
        for program in self._selected:
            system = program.target_object.partition(".")[0]
            if system in pairs:
                pairs[system].programs.append(program)
                continue
            real = self._job.targets[system]
            identity = real.check()
            self._facts[system] = identity.facts
            target: Any = Rehearsal(real) if self._job.plan else real
            pair = pair_id(self._db, source_id, account_id(self._db, system, identity.account))
            pairs[system] = _Pair(target, identity, Ledger(self._db, pair, report.id), [program])
        return pairs

    def _read(self, reader: Reader, mirror: Mirror, pairs: Mapping[str, _Pair], run_root: Mapping[str, Any]) -> None:
        job = self._job
        used = used_fields(job.programs)
        if job.mode is Mode.INITIAL:
            facts = {system: pair.identity.facts for system, pair in pairs.items()}
            latest = InitialReading(self._selected, self._programs, job.settings, reader, mirror, used, facts, run_root)
            self._initial = latest.read(job.initial_limit)
            return
        objects = list(dict.fromkeys(name for program in self._selected for name in source_objects(program)))
        for number, name in enumerate(objects):
            self._listen(Progress("reading", name, number, len(objects)))
            reader.incremental(name, used[name], full=job.mode is Mode.ALL)

    def _prepare_targets(self, pairs: Mapping[str, _Pair], mirror: Mirror, report: RunReport) -> None:
        """Count what the targets hold where nothing is linked yet, and create the custom fields that are absent."""
        for system, pair in pairs.items():
            unlinked = [
                program.target_object
                for program in pair.programs
                if pair.ledger.count(program.mapping) == 0 and lookup_pays(program, pair.target)
            ]
            if unlinked:
                counted = pair.target.count(list(dict.fromkeys(unlinked)))
                pair.empty = {name for name, number in counted.items() if number == 0}
            # What an unchanged mapping needs was made when it was first applied.
            fresh = [p for p in pair.programs if not mirror.progress(pair.ledger.pair, p.mapping, self._digest_of(p))]
            wanted = [
                CustomField(program.target_object, info.name.partition(".")[2], info.type)
                for program in fresh
                for info in program.fields
                if info.name.startswith("custom_fields.")
            ]
            if wanted:
                made = pair.target.ensure_fields(wanted)
                verb = "would be created" if self._job.plan else "created"
                report.notes.extend(f"{system}: custom field {one.name} {verb}" for one in made)

    def _guard_deletes(self, pairs: Mapping[str, _Pair], mirror: Mirror, upto: int) -> None:
        """Stop before the first write when the run would delete more than looks like everyday work."""
        for program in self._selected:
            policy = program.on_source_delete
            setting = self._job.settings.get(program.mapping, {}).get(policy.get("by_setting", ""), "")
            if "keep" in (policy.get("action"), setting):
                continue
            ledger = pairs[program.target_object.partition(".")[0]].ledger
            after = mirror.progress(ledger.pair, program.mapping, self._digest_of(program)).get(
                program.source_object, 0
            )
            doomed = len(ledger.links(program.mapping, mirror.deleted_ids(program.source_object, after, upto)))
            linked = ledger.count(program.mapping)
            if doomed > self._job.delete_limit or (doomed > 10 and doomed > linked * 0.05):
                raise RunError(
                    f"{program.mapping} would act on {doomed} of {linked} records because they were deleted at the "
                    f"source; more than {self._job.delete_limit} or 5 % needs your word",
                    "look at `interpret plan`; if it is right, run again with --allow-deletes",
                )

    # --- one mapping --------------------------------------------------------------------------------------------

    def _apply_mapping(
        self,
        program: Program,
        pair: _Pair,
        mirror: Mirror,
        constants: Mapping[str, Any],
        upto: int,
        report: RunReport,
    ) -> None:
        job = self._job
        ruleset = job.rulesets.get(program.driven_by) if program.driven_by else None
        rule_settings = job.settings.get(program.driven_by or "", {})
        uncertain = pair.ledger.uncertain(program.mapping)
        run = MappingRun(
            program,
            None if ruleset is None else Rules(ruleset, rule_settings),
            pair.target,
            self._db,
            mirror,
            pair.ledger,
            self._journal,
            report,
            constants,
            Identifier(pair.target, pair.ledger, empty=program.target_object in pair.empty, uncertain=uncertain),
            Executor(pair.target, pair.ledger, self._pause),
            self._programs,
        )
        digest = self._digest_of(program)
        # Filters and rules leave records out of a batch: a few calls' worth at a time keeps the calls full.
        size = pair.target.capabilities.write_batch * CALLS_PER_BATCH
        try:
            if job.mode is Mode.INITIAL:
                ids = self._initial.get(program.source_object, [])
                if job.retry_initial:
                    ids = list(dict.fromkeys([*self._retries(program, pair), *ids]))
                self._in_batches(run, ids, size)
            elif job.mode is Mode.RETRY:
                self._in_batches(run, self._retries(program, pair), size)
            else:
                self._everything_due(run, program, pair, mirror, digest, upto, size, uncertain)
            self._db.commit()
        except ObjectRefused as error:
            self._db.rollback()
            _stop_mapping(report, program, error)
        run.finish()

    def _everything_due(
        self,
        run: MappingRun,
        program: Program,
        pair: _Pair,
        mirror: Mirror,
        digest: str,
        upto: int,
        size: int,
        uncertain: set[str],
    ) -> None:
        """Records left over from earlier runs, records whose neighbours changed, then the queue of changed records."""
        progress = mirror.progress(pair.ledger.pair, program.mapping, digest)
        start = 0 if self._job.mode is Mode.ALL else progress.get(program.source_object, 0)
        left_over = self._journal.retry_ids(pair.ledger.pair, program.mapping, ["transient", "waiting"])
        concerned = self._concerned(program, mirror, progress, start, upto)
        first = list(dict.fromkeys([*left_over, *sorted(uncertain), *concerned]))
        self._in_batches(run, first, size)
        waiting: list[tuple[int, str]] = []
        done = 0
        for chunk in mirror.changed_ids(program.source_object, start, upto):
            waiting.extend(chunk)
            while len(waiting) >= size:
                batch, waiting = waiting[:size], waiting[size:]
                done += len(batch)
                self._one_batch(run, program, pair, mirror, digest, batch)
                self._listen(Progress("applying", program.mapping, done))
        if waiting:
            self._one_batch(run, program, pair, mirror, digest, waiting)
        for name in source_objects(program):
            mirror.set_progress(pair.ledger.pair, program.mapping, name, upto, digest)
        self._db.commit()

    def _one_batch(
        self,
        run: MappingRun,
        program: Program,
        pair: _Pair,
        mirror: Mirror,
        digest: str,
        batch: Sequence[tuple[int, str]],
    ) -> None:
        run.apply([one for _seq, one in batch])
        mirror.set_progress(pair.ledger.pair, program.mapping, program.source_object, batch[-1][0], digest)
        self._db.renew()
        self._db.commit()

    def _in_batches(self, run: MappingRun, ids: Sequence[str], size: int) -> None:
        for start in range(0, len(ids), size):
            run.apply(ids[start : start + size])
            self._db.commit()

    def _digest_of(self, program: Program) -> str:
        """Changes when the mapping may produce something else from the same record."""
        settings = self._job.settings
        ruleset = self._job.rulesets.get(program.driven_by) if program.driven_by else None
        parts = [
            program.digest,
            ruleset.digest if ruleset else "",
            settings.get(program.mapping, {}),
            settings.get(program.driven_by or "", {}),
        ]
        return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=16).hexdigest()

    def _retries(self, program: Program, pair: _Pair) -> list[str]:
        kinds = ["transient", "waiting", "permanent", "mapping", "check"]
        return self._journal.retry_ids(pair.ledger.pair, program.mapping, kinds)

    def _concerned(
        self, program: Program, mirror: Mirror, progress: Mapping[str, int], start: int, upto: int
    ) -> list[str]:
        """Driving records that did not change themselves, but of which a declared read did."""
        concerned: dict[str, None] = {}
        if start == 0:
            return []
        for read in program.reads:
            seen = progress.get(read.object, 0)
            if not mirror.has_changed(read.object, seen, upto):
                continue
            ids = [one for chunk in mirror.changed_ids(read.object, seen, upto) for _seq, one in chunk]
            if read.where_field and read.key_root_field == "id":
                values: Iterable[str] = mirror.values_of(read.object, read.where_field, ids)
                concerned.update(dict.fromkeys(sorted(values)))
            elif read.kind == "get" and read.key_root_field:
                by_value = mirror.ids_by(program.source_object, read.key_root_field, ids)
                concerned.update(dict.fromkeys(one for many in by_value.values() for one in many))
            else:
                # No path back from the read record: look at all of them; equal results cost no write.
                for chunk in mirror.changed_ids(program.source_object, 0, upto):
                    concerned.update(dict.fromkeys(one for _seq, one in chunk))
        known = mirror.load(program.source_object, list(concerned))
        return [one for one in concerned if one in known]


def _stop_mapping(report: RunReport, program: Program, error: ObjectRefused) -> None:
    report.notes.append(f"{program.mapping}: stopped: {error}" + (f" ({error.fix})" if error.fix else ""))
    report.stopped_mappings += 1


def _settings_hash(job: Job) -> str:
    return hashlib.blake2b(msgspec.json.encode(job.settings, order="deterministic"), digest_size=16).hexdigest()

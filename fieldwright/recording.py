"""A record that a run has read -> a new test case of its mapping, with personal data replaced.

Record and declared reads come from the state, which is opened for reading; no system is asked. What the case expects
is what the mapping makes of the masked record today, so that a later change shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldwright.checked import CheckedProject
from fieldwright.dsl.document import DocumentKind, plain
from fieldwright.dsl.program import Program
from fieldwright.dsl.reader import read
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import check_structure
from fieldwright.dsl.testing.cases import build_tests
from fieldwright.dsl.testing.golden import as_document, yaml_lines, yaml_scalar
from fieldwright.dsl.testing.masking import Masker
from fieldwright.failures import WrongUse
from fieldwright.runtime.evaluate import load_roots
from fieldwright.runtime.reading import used_fields
from fieldwright.trials import Trials


def recorded_case(checked: CheckedProject, mapping: str, record_id: str, state: Path) -> str:
    """The text of a test document with one case. Raises WrongUse for a record that no run has read."""
    checked.selection([mapping])
    program = checked.result.programs[mapping]
    given = _given(checked, program, record_id, state)
    settings = {
        name: value
        for name, value in checked.settings.get(mapping, {}).items()
        if isinstance(value, str | bool | int) and name in checked.result.setting_types.get(mapping, {})
    }
    name = f"a recorded {program.source_object.partition('.')[2]}, masked"
    text = _text(mapping, name, settings, given, {"op": "create"})
    outcome = as_document(Trials(checked).outcome(_parsed(text)))
    outcome.pop("actions", None)
    outcome.pop("params", None)
    errors = outcome.pop("errors", None)
    expect = {"error": errors[0]["code"], "where": errors[0]["where"]} if errors else outcome
    return _text(mapping, name, settings, given, expect)


def save_case(path: Path, text: str) -> None:
    """Write the document to a new file, or after those that a file holds. Raises WrongUse."""
    try:
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        glue = "" if not before else "---\n" if before.endswith("\n") else "\n---\n"
        path.write_text(before + glue + text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path} cannot be written: {error}", "name another file with --to") from None


def _given(checked: CheckedProject, program: Program, record_id: str, state: Path) -> dict[str, Any]:
    from fieldwright.runtime.onlooking import Remembered, look_into, pairing
    from fieldwright.runtime.state.mirror import Mirror

    nowhere = WrongUse(
        f"no run has read {program.source_object.partition('.')[2]} {record_id}", "`interpret run` reads everything"
    )
    if not state.exists():
        raise nowhere
    database = look_into(state)
    try:
        systems = program.source_object.partition(".")[0], program.target_object.partition(".")[0]
        found = pairing(database, *systems)
        if found is None:
            raise nowhere
        lookup = Remembered(Mirror(database, found.source_id, {}), used_fields(checked.programs))
        change = lookup.load(program.source_object, [record_id]).get(record_id)
        if change is None:
            raise nowhere
        roots = load_roots(
            program, [change], lookup, {"settings": checked.settings.get(program.mapping, {}), "run": {}}
        )
    finally:
        database.close()
    return _masked(checked, program, roots[0])


def _masked(checked: CheckedProject, program: Program, roots: Mapping[str, Any]) -> dict[str, Any]:
    masker = Masker(checked.result.schemas)
    objects = {program.root: program.source_object, **{one.name: one.object for one in program.reads}}
    made: dict[str, Any] = {}
    for name, object_name in objects.items():
        used = program.used.get(object_name, frozenset()) | {"id"}
        value = roots.get(name)
        if isinstance(value, Mapping):
            made[name] = masker.record(value, object_name, used)
        elif isinstance(value, list) and value:
            made[name] = [masker.record(one, object_name, used) for one in value]
    return made


def _text(
    mapping: str, name: str, settings: Mapping[str, Any], given: Mapping[str, Any], expect: Mapping[str, Any]
) -> str:
    lines = ["interpret: 1", f"test: {mapping}", "cases:", f"  - case: {yaml_scalar(name)}"]
    if settings:
        lines += ["    settings:", *yaml_lines(settings, "      ")]
    lines += ["    given:", *yaml_lines(given, "      "), "    expect:", *yaml_lines(expect, "      ")]
    return "\n".join(lines) + "\n"


def _parsed(text: str) -> Any:
    roots, wrong = read(SourceFile("recorded", text))
    assert not wrong, f"what is written is read back: {wrong[0].message}"
    document, findings = check_structure(roots[0])
    assert document is not None, f"what is written has the right structure: {findings[0].message}"
    assert document.kind is DocumentKind.TEST, plain(roots[0])
    return build_tests(document)

"""Every file in `cases/` says in comments which findings it must give, and where; nothing else may be found.

`# ! DM302 part of the message` stands on the line of the finding; `# !-2 DM302 ...` two lines below it (for places
where YAML allows no comment). Notes count only where a comment asks for them. The part is looked for in message, caret
words and help together.
"""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from fieldwright.dsl.codes import registry
from fieldwright.dsl.diagnostics import Severity
from fieldwright.dsl.document import plain
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.reader import read
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile
from fieldwright.dsl.structure import check_structure, schema

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*.yaml"))
EXPECTED = re.compile(r"# !([+-]\d+)? (DM\d{3}) ?([^#\n]*)")
UNTESTED_HERE = {"DM002", "DM003", "DM007", "DM650", "DM651", "DM652", "DM653", "DM654", "DM655"}
"""Codes that one readable file cannot show; tests of the reader and of comparing two states do."""


def expected_findings(text: str) -> list[tuple[int, str, str]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        for match in EXPECTED.finditer(line):
            found.append((number + int(match[1] or 0), match[2], match[3].strip()))
    return sorted(found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_findings_stand_where_the_case_says(path: Path, schemas: Schemas) -> None:
    file = SourceFile(path.name, path.read_text("utf-8"))
    expected = expected_findings(file.text)
    asked = {code for _, code, _ in expected}
    result = check_project(load([file]), schemas)
    shown = [
        finding for finding in result.diagnostics if finding.severity is not Severity.NOTE or finding.code in asked
    ]
    actual = sorted((file.position(finding.span.start)[0], finding.code) for finding in shown)
    assert actual == [(line, code) for line, code, _ in expected]
    for line, code, part in expected:
        said = [
            f"{finding.message} {finding.caret} {finding.help}"
            for finding in shown
            if finding.code == code and file.position(finding.span.start)[0] == line
        ]
        assert any(part in one for one in said), (line, code, part, said)


def test_every_code_about_documents_has_a_case() -> None:
    covered = {code for path in CASES for _, code, _ in expected_findings(path.read_text("utf-8"))}
    own = {code for code in registry() if re.match(r"DM[0345678]", code)}
    assert own - covered - UNTESTED_HERE == set()


def test_every_code_has_a_title_and_an_explanation() -> None:
    assert [info.code for info in registry().values() if not info.title or len(info.explanation) < 20] == []


def test_the_quick_check_and_a_full_json_schema_validator_agree() -> None:
    full = jsonschema.Draft202012Validator(schema())
    full.check_schema(schema())
    differing = []
    for path in CASES:
        documents, _ = read(SourceFile(path.name, path.read_text("utf-8")))
        for number, root in enumerate(documents):
            document, findings = check_structure(root)
            if any(finding.code in ("DM010", "DM015") for finding in findings):
                continue  # the kind is told apart before the schema is asked
            if full.is_valid(plain(root)) != (document is not None):
                differing.append((path.name, number, [finding.message for finding in findings]))
    assert differing == []

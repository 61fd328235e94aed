"""What must hold for any bytes whatever: the two doors through which files of strangers come in.

Guided by coverage, where the package atheris is installed (it is no requirement, as it is built for few systems):

    python tests/fuzz/targets.py loader [options of libFuzzer, such as -max_total_time=600]
    python tests/fuzz/targets.py expressions

`test_targets.py` runs both on mutations of the shipped mappings and the cases.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from fieldwright.dsl.expressions.check import check
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope
from fieldwright.dsl.fixes import apply_fixes
from fieldwright.dsl.pipeline import check_project, load
from fieldwright.dsl.reader import decode
from fieldwright.dsl.render.formats import RENDERERS
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.types import record


@cache
def schemas() -> Schemas:
    """The shipped ones."""
    from fieldwright.connectors.registry import shipped_schemas

    return shipped_schemas()


def loader(data: bytes) -> None:
    """Bytes as a mapping file: findings lie within the file and can be shown and fixed; nothing is raised."""
    file, wrong = decode("fuzz.yaml", data)
    found = [*wrong, *check_project(load([file]), schemas(), compiled=False).diagnostics]
    for finding in found:
        assert 0 <= finding.span.start <= finding.span.end <= max(len(finding.span.file.text), 1), finding
        for edit in finding.fix.edits if finding.fix else ():
            assert 0 <= edit.span.start <= edit.span.end <= len(edit.span.file.text), finding
    for render in RENDERERS.values():
        shown = render(found, ["fuzz.yaml"])
        assert "\x1b" not in shown
    apply_fixes(found, unsafe=True)


def expressions(data: bytes) -> None:
    """Bytes as an expression: a tree or a problem within the text; nothing is raised, by checking it neither."""
    text = data.decode("utf-8", "replace")
    parsed = parse(text)
    assert (parsed.tree is None) == bool(parsed.problems)
    problems = parsed.problems
    if parsed.tree is not None:
        problems = check(parsed.tree, _scope()).problems
    for problem in problems:
        assert -1 <= problem.start <= problem.end <= len(text) + 1, problem


@cache
def _scope() -> Scope:
    return Scope(schemas()).bind("customer", record("chargebee.customer"))


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {"loader": loader, "expressions": expressions}


def main(arguments: list[str]) -> None:
    """Run one target under atheris until it finds something or its options say stop. Only this package is watched:
    watching lark and yaml too would take minutes before the first input."""
    import atheris  # type: ignore[import-not-found]

    for name in [each for each in sys.modules if each.partition(".")[0] == "fieldwright"]:
        del sys.modules[name]
    fuzzer: Any = atheris
    with fuzzer.instrument_imports(include=["fieldwright"]):
        watched = runpy.run_path(__file__, run_name="watched")
    fuzzer.Setup([arguments[0], *arguments[2:]], watched["TARGETS"][arguments[1]])
    fuzzer.Fuzz()


if __name__ == "__main__":
    main(sys.argv)

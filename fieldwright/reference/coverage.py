"""The seed documents row by row: what of them is answered where, what is left out for a reason, and what is open.

`coverage.yaml` beside this module is the table. `rows` reads it, `wrong` holds every answer against the program: a row
that names a field, rule, setting, code or command that does not exist is a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files as resource_files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fieldwright.dsl.pipeline import Result

INVARIANTS = frozenset({"I17"})
"""Invariants of a run that answer a row by themselves; each is the name of a test in tests/runtime."""

DOCUMENTS: Mapping[str, str] = {
    "000": "Switching the Salesforce user",
    "001": "Field mapping v1.37",
    "002": "ActiveCampaign",
    "003": "Checkout links",
    "004": "Opportunities and subscriptions",
}
"""What the seed documents are called, by their number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row or sentence of a seed document. Exactly one of `by`, `without` and `open` is filled."""

    seed: str
    table: str
    text: str
    by: tuple[str, ...] = ()
    without: str = ""
    open: str = ""
    why: str = ""

    @property
    def status(self) -> str:
        """answered, left out, or open."""
        return "answered" if self.by else "left out" if self.without else "open"


def rows() -> tuple[Row, ...]:
    """The table, in its order."""
    import yaml

    text = (resource_files("fieldwright.reference") / "coverage.yaml").read_text(encoding="utf-8")
    found = []
    for entry in yaml.safe_load(text):
        given = [name for name in ("by", "not", "open") if entry.get(name)]
        # A comma in a value without quotes makes the rest of it a key.
        if strange := entry.keys() - {"seed", "table", "row", "by", "not", "open", "why"}:
            raise ValueError(f"row {entry} has {sorted(strange)}; a value with a comma needs quotes")
        if len(given) != 1:
            raise ValueError(f"row {entry} must have one of by, not and open")
        found.append(
            Row(
                str(entry["seed"]),
                str(entry["table"]),
                str(entry["row"]),
                tuple(str(entry.get("by", "")).split()),
                str(entry.get("not", "")),
                str(entry.get("open", "")),
                str(entry.get("why", "")),
            )
        )
    return tuple(found)


def counts(table: tuple[Row, ...]) -> Mapping[str, int]:
    """How many rows are answered, left out and open."""
    return Counter(row.status for row in table)


def wrong(table: tuple[Row, ...], result: Result, commands: frozenset[str], codes: frozenset[str]) -> Iterator[str]:
    """What the table says and the program does not keep, one sentence each."""
    for row in table:
        for answer in row.by:
            if not _exists(answer, result, commands, codes):
                yield f"{row.seed} {row.table}: {row.text}: there is no {answer}"


def _exists(answer: str, result: Result, commands: frozenset[str], codes: frozenset[str]) -> bool:
    kind, colon, name = answer.partition(":")
    if colon:
        return name in (commands if kind == "command" else INVARIANTS if kind == "invariant" else ())
    mapping, hash_, aspect = answer.partition("#")
    if hash_:
        what, _, name = aspect.partition("=")
        if what == "code":
            return mapping in result.programs and name in codes
        if what == "setting":
            return name in result.settings.get(mapping, {})
        return what == "checks" and bool(getattr(result.mappings.get(mapping), "checks", None))
    mapping, slash, inside = answer.partition("/")
    if slash and mapping in result.rulesets:
        return any(rule.rule_id == inside for rule in result.rulesets[mapping].rules)
    set_name, dot, field = (inside if slash else mapping).partition(".")
    program = result.programs.get(mapping if slash else set_name)
    if program is None:
        return False
    if not slash:
        return not dot or any(info.name == field for info in program.fields)
    child = next((one for one in program.children if one.name == set_name), None)
    return child is not None and (not dot or any(info.name == field for info in child.fields))

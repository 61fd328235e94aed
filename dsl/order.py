"""Mappings that refer to each other -> the order in which they are applied, or the cycle that forbids one.

A reference and an `after:` both mean that the other mapping comes first. A reference with `on_missing: skip` is a wish:
it is honoured unless that closes a circle. Among mappings that nothing orders, the project's own order stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fieldwright.dsl.diagnostics import Label
from fieldwright.dsl.findings import Findings
from fieldwright.dsl.mapping import AnyValue, Reference
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.source import Span

Edges = dict[str, dict[str, Span]]
"""For each mapping the ones that come before it, each with the place that says so."""


def order(mappings: Mapping[str, MappingRules], applied: tuple[str, ...], findings: Findings) -> tuple[str, ...]:
    """The applied mappings, each after all that it depends on. Members of a cycle keep the project's order."""
    firm: Edges = {name: {} for name in applied}
    wished: Edges = {name: {} for name in applied}
    for name in applied:
        for after in mappings[name].after:
            if after.text not in mappings:
                hint = did_you_mean(after.text, mappings)
                message = f"There is no mapping `{after.text}`"
                findings.error("DM403", message, after.span, hint or "unknown mapping")
            elif after.text in firm and after.text != name:
                firm[name].setdefault(after.text, after.span)
        for reference, optional in _references(mappings[name]):
            before = reference.mapping.text
            if before in firm and before != name:
                (wished if optional else firm)[name].setdefault(before, reference.mapping.span)
    cycle = _cycle(firm)
    if cycle:
        spans = [firm[one][other] for one, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
        shown = " -> ".join(f"`{name}`" for name in [*cycle, cycle[0]])
        labels = tuple(Label(span, "and this") for span in spans[1:])
        hint = "break it: make one reference `on_missing: skip`, or drop an `after:`"
        findings.error("DM402", f"These mappings wait for each other: {shown}", spans[0], "waits for", hint, labels)
        return applied
    for name in applied:
        for before, span in wished[name].items():
            firm[name][before] = firm[name].get(before, span)
            if _cycle(firm):
                del firm[name][before]
    done: dict[str, None] = {}
    while len(done) < len(applied):
        name = next(one for one in applied if one not in done and all(before in done for before in firm[one]))
        done[name] = None
    return tuple(done)


def _references(mapping: MappingRules) -> Iterable[tuple[Reference, bool]]:
    values: list[tuple[AnyValue, bool]] = [(rule.value, rule.on_missing == "skip") for rule in mapping.fields]
    values += [(part.value, False) for parts in mapping.keys for part in parts]
    values += [(rule.value, rule.on_missing == "skip") for child in mapping.children for rule in child.fields]
    return [(value, optional) for value, optional in values if isinstance(value, Reference)]


def _cycle(edges: Edges) -> list[str]:
    """The names of one cycle in the order in which each waits for the next; empty when there is none."""
    state: dict[str, int] = {}
    for start in edges:
        if start in state:
            continue
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, True)]
        while waiting:
            name, entering = waiting.pop()
            if not entering:
                state[name] = 2
                path.pop()
            elif state.get(name) == 1:
                return path[path.index(name) :]
            elif name not in state:
                state[name] = 1
                path.append(name)
                waiting.append((name, False))
                waiting.extend((before, True) for before in edges[name] if state.get(before) != 2)
    return []

"""Two states of a project -> what has changed for those who rely on what is synced.

Compares effective mappings, overlays merged, by name: a field that is no longer written, another key, another
direction, a policy that overwrites more than before. Formatting, order and new things are no findings. A mapping whose
`version` was raised says so itself: its changes are notes then. Mappings that have mistakes in either state are left
out, since the mistakes are what to look at first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from fieldwright.dsl.diagnostics import Diagnostic, Label, Severity, in_file_order
from fieldwright.dsl.document import Node, plain
from fieldwright.dsl.mapping import AnyValue, ChildRule, FieldRule, Mapping, Reference
from fieldwright.dsl.pipeline import Result
from fieldwright.dsl.source import Span

_WIDTH: Final = {"create_only": 0, "if_empty": 1, "update_only": 1, "always": 2}
"""How much of what people entered at the target a write policy may overwrite."""

_NULL_WIDTH: Final = {"error": 0, "skip": 0, "clear": 1}


def compare(old: Result, new: Result, *, leave_out: Collection[str] = ()) -> tuple[Diagnostic, ...]:
    """Findings about the new state, each with the old place as a label. `leave_out` names mappings of the new state
    that could not be read."""
    found: list[Diagnostic] = []
    for name, before in old.mappings.items():
        after = new.mappings.get(name)
        if after is None:
            if name not in leave_out:
                found.append(_removed(before, new))
            continue
        declared = after.version > before.version
        for finding in _changes(before, after):
            found.append(_noted(finding, after.version) if declared else finding)
        if name in old.order and name not in new.order and name not in leave_out:
            message = f"The project does not apply the mapping `{name}` any more"
            found.append(_finding("DM650", message, _place(new, after.span), "not applied", before.span))
    return tuple(in_file_order(found))


def _removed(before: Mapping, new: Result) -> Diagnostic:
    message = f"The mapping `{before.name}` is gone: its records are not kept in step any more"
    return _finding("DM650", message, _place(new, before.span), "without it", before.span)


def _place(new: Result, otherwise: Span) -> Span:
    return new.project.span if new.project is not None else otherwise


def _changes(before: Mapping, after: Mapping) -> Iterator[Diagnostic]:
    if (before.object.text, before.to.text) == (after.to.text, after.object.text):
        message = f"The mapping goes the other way round now: from {after.object.text} to {after.to.text}"
        yield _finding("DM653", message, after.to.span, "reversed", before.to.span)
        return
    if before.direction != after.direction:
        message = f"The direction was `{before.direction}`, now it is `{after.direction}`"
        place = _entry(after, "direction")
        yield _finding("DM653", message, place, "another direction", _entry(before, "direction"))
    for name, was, now in (("from", before.object, after.object), ("to", before.to, after.to)):
        if was.text != now.text:
            message = f"`{name}` was {was.text}, now it is {now.text}: what was synced so far stays behind"
            yield _finding("DM653", message, now.span, "another object", was.span)
    if before.to.text != after.to.text:
        return
    yield from _key(before, after)
    old, new = (*before.fields, *before.custom_fields), (*after.fields, *after.custom_fields)
    yield from _fields(before.to.text, old, new, after.span)
    yield from _children(before, after)
    yield from _deletes(before, after)


def _key(before: Mapping, after: Mapping) -> Iterator[Diagnostic]:
    old = [[(part.field, _text(part.value)) for part in parts] for parts in before.keys]
    new = [[(part.field, _text(part.value)) for part in parts] for parts in after.keys]
    if old != new:
        message = "Records are looked for by another key: those that the new one does not find are created again"
        place = after.keys[0][0].span if after.keys and after.keys[0] else after.span
        was = before.keys[0][0].span if before.keys and before.keys[0] else before.span
        yield _finding("DM652", message, place, "another key", was)
    for name, narrow, old_word, new_word in (
        ("on_ambiguous", "error", before.on_ambiguous, after.on_ambiguous),
        ("on_none", "skip", before.on_none, after.on_none),
        ("on_duplicate", "fail", before.on_duplicate, after.on_duplicate),
    ):
        if old_word == narrow and new_word != narrow:
            message = f"`{name}` was `{old_word}`, now it is `{new_word}`: more is written than before"
            yield _finding("DM654", message, _entry(after, "key"), "wider", _entry(before, "key"))


def _fields(target: str, before: Iterable[FieldRule], after: Iterable[FieldRule], place: Span) -> Iterator[Diagnostic]:
    new = {rule.name: rule for rule in after}
    for old in before:
        now = new.get(old.name)
        if now is None:
            message = f"`{old.name}` of {target} is not written any more; its last value stays at the target"
            yield _finding("DM651", message, place, f"`{old.name}` dropped", old.span)
            continue
        if _WIDTH.get(now.write, 2) > _WIDTH.get(old.write, 2):
            message = f"`{old.name}` was written `{old.write}`, now `{now.write}`: what people entered is overwritten"
            yield _finding("DM654", message, now.span, "wider", old.span)
        if _NULL_WIDTH.get(now.on_null, 1) > _NULL_WIDTH.get(old.on_null, 1):
            message = f"Null was `{old.on_null}` for `{old.name}`, now it is `{now.on_null}`: values are deleted"
            yield _finding("DM654", message, now.span, "clears", old.span)


def _children(before: Mapping, after: Mapping) -> Iterator[Diagnostic]:
    new = {child.name: child for child in after.children}
    for old in before.children:
        now = new.get(old.name)
        if now is None:
            message = f"The rows `{old.name}` of {old.to.text} are not written any more"
            yield _finding("DM651", message, after.span, f"`{old.name}` dropped", old.span)
            continue
        if _child_key(old) != _child_key(now):
            message = f"The rows `{old.name}` are told apart by another key: rows so far are replaced by new ones"
            yield _finding("DM652", message, now.span, "another key", old.span)
        yield from _fields(old.to.text, old.fields, now.fields, now.span)


def _child_key(child: ChildRule) -> tuple[object, ...]:
    return (child.to.text, child.parent.text, tuple(part.text for part in child.key))


def _deletes(before: Mapping, after: Mapping) -> Iterator[Diagnostic]:
    old, new = _said(before.on_source_delete), _said(after.on_source_delete)
    if old != new:
        message = f"Of records deleted at the source was said `{old}`, now `{new}`"
        place = _entry(after, "on_source_delete")
        yield _finding("DM655", message, place, "other handling", _entry(before, "on_source_delete"))


def _said(node: Node | None) -> object:
    return "keep" if node is None else plain(node)


def _text(value: AnyValue) -> str:
    """The words of a value; blanks between them mean nothing."""
    if isinstance(value, Reference):
        return f"ref {value.mapping.text} {_text(value.key)}"
    return f"{type(value).__name__} {' '.join(value.source.text.split())}"


def _entry(mapping: Mapping, name: str) -> Span:
    entry = mapping.document.root.find(name)
    return mapping.span if entry is None else entry.key.span


def _finding(code: str, message: str, span: Span, caret: str, was: Span) -> Diagnostic:
    hint = "raise `version:` of the mapping where this is meant"
    return Diagnostic(code, Severity.ERROR, message, span, caret, hint, (Label(was, "before"),))


def _noted(finding: Diagnostic, version: int) -> Diagnostic:
    hint = f"version {version} of the mapping says so"
    return Diagnostic(finding.code, Severity.NOTE, finding.message, finding.span, finding.caret, hint, finding.labels)

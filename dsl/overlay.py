"""A mapping document and the overlays that extend it -> the effective mapping document, with its findings.

Overlays work on nodes, before the mapping is built: the effective document is a new tree in which every node still
belongs to the file it was written in, so each field keeps its origin and a finding in an overlaid expression points
into the overlay. Three verbs, each of which fails loudly when the base has moved: `add` refuses what is there,
`change` and `remove` refuse what is not. A field may be touched by one overlay only, and never when it is `final`.
Changing a field replaces the keys given and keeps the others; a new value drops the value it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fieldwright.dsl.diagnostics import Diagnostic, Label, Severity
from fieldwright.dsl.document import Document, Entry, Node, Scalar, Sequence, Table
from fieldwright.dsl.expectations import check_expectations
from fieldwright.dsl.mappingdocument import plain_bool
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.source import Span

_VALUES = ("value", "const", "ref")
_BELONGS = {"value": ("map", "else", "table", "round", "max_length"), "ref": ("key", "on_missing"), "const": ()}


def split_extends(overlay: Document) -> tuple[str, int, Span]:
    """Name and version of the mapping that an overlay extends, and the place that says so."""
    node = overlay.root.get("extends")
    assert isinstance(node, Scalar), "structure was checked"
    name, _, version = node.text.partition("@")
    return name, int(version), node.span


def apply_overlays(base: Document, overlays: tuple[Document, ...]) -> tuple[Document, tuple[Diagnostic, ...]]:
    """The effective document. Overlays that pin another version of the base are reported and left out."""
    findings: list[Diagnostic] = []
    touched: dict[str, Span] = {}
    root = base.root
    version_node = base.root.get("version")
    version = version_node.value if isinstance(version_node, Scalar) else 1
    for overlay in overlays:
        _, pinned, span = split_extends(overlay)
        if pinned != version:
            message = f"This overlay extends version {pinned} of `{base.name}`, which is now version {version}"
            hint = f"read what changed, then write {base.name}@{version}"
            label = (Label(base.name_at, "the mapping"),)
            findings.append(Diagnostic("DM602", Severity.ERROR, message, span, "another version", hint, label))
            continue
        findings.extend(check_expectations(base, overlay))
        root = _Merging(overlay, base.name, touched, findings).merge(root)
    return replace(base, root=root), tuple(findings)


@dataclass(slots=True)
class _Merging:
    """One overlay on its way into the effective document. `touched` is shared by all overlays of the mapping."""

    overlay: Document
    base: str
    touched: dict[str, Span]
    findings: list[Diagnostic]
    own: dict[str, Span] = field(default_factory=dict)

    def merge(self, root: Table) -> Table:
        said = self.overlay.root
        for section in ("remove", "change", "add"):
            wanted = said.table(section)
            if wanted is not None:
                root = self._section(root, section, wanted, "")
        settings = said.table("settings")
        if settings is not None:
            root = self._settings(root, settings)
        use = said.get("use")
        if isinstance(use, Sequence):
            root = _put(root, "use", said.find("use"), _joined(root.get("use"), use))
        return root

    def _section(self, root: Table, verb: str, wanted: Table, path: str) -> Table:
        for entry in wanted:
            here = f"{path}{entry.name}"
            found = root.get(entry.name)
            if entry.name == "children" and not path:
                root = self._children(root, verb, entry)
            elif verb == "remove" and isinstance(entry.value, Sequence):
                root = _put(root, entry.name, None, self._remove(found, entry.value, here))
            elif verb == "add" and isinstance(entry.value, Sequence):
                root = _put(root, entry.name, entry, _joined(found, entry.value))
            elif isinstance(entry.value, Table) and entry.name in _NAMED:
                merged = self._named(found, verb, entry.value, here)
                root = _put(root, entry.name, entry, merged)
            elif verb == "change":
                root = self._replace(root, entry, here)
        return root

    def _children(self, root: Table, verb: str, entry: Entry) -> Table:
        """Whole child lists by `add` (with `to`) and `remove` (a list of names); parts of one otherwise."""
        found = root.table("children")
        if isinstance(entry.value, Sequence):
            return _put(root, "children", None, self._remove(found, entry.value, "children"))
        assert isinstance(entry.value, Table), "structure was checked"
        for child in entry.value:
            assert isinstance(child.value, Table), "structure was checked"
            present = found.find(child.name) if found is not None else None
            here = f"children.{child.name}"
            if verb == "add" and child.value.find("to") is not None:
                alone = Table(entry.value.file, entry.value.start, entry.value.end, (child,))
                merged: Node = self._named(found, "add", alone, "children")
            elif present is None or not isinstance(present.value, Table):
                self._absent("DM604" if verb != "remove" else "DM605", child.key, found, here)
                continue
            else:
                inner = self._section(present.value, verb, child.value, f"{here}.")
                assert found is not None, "the child list was found in it"
                merged = _put(found, child.name, None, inner)
            root = _put(root, "children", entry, merged)
            found = root.table("children")
        return root

    def _replace(self, root: Table, entry: Entry, here: str) -> Table:
        """`change` of something that is there once: the filter, the key, a policy."""
        if not self._may_touch(here, entry.key):
            return root
        if root.find(entry.name) is None and entry.name not in _WITH_DEFAULT:
            self._absent("DM604", entry.key, root, here)
            return root
        present = root.get(entry.name)
        if isinstance(entry.value, Table) and isinstance(present, Table) and entry.name in ("each", "defaults"):
            merged = present
            for part in entry.value:
                merged = _put(merged, part.name, part, part.value)
            return _put(root, entry.name, entry, merged)
        return _put(root, entry.name, entry, entry.value)

    def _named(self, found: Node | None, verb: str, wanted: Table, here: str) -> Table:
        """`add` or `change` of named things: fields, lets, reads, checks."""
        base = found if isinstance(found, Table) else Table(wanted.file, wanted.start, wanted.end, ())
        rows = {row.name: row for row in base}
        for entry in wanted:
            present = rows.get(entry.name)
            if not self._may_touch(f"{here}.{entry.name}", entry.key):
                continue
            if verb == "add":
                if present is not None:
                    message = f"`{entry.name}` is already there in `{self.base}`"
                    label = (Label(present.key.span, "here"),)
                    self._add("DM603", message, entry.key.span, "added again", "use `change:`", label)
                else:
                    rows[entry.name] = entry
            elif present is None:
                self._absent("DM604", entry.key, base, here)
            elif not self._is_final(present, entry.key):
                rows[entry.name] = _changed(present, entry) if here.endswith("fields") else entry
        return replace(base, entries=tuple(rows.values()))

    def _remove(self, found: Node | None, names: Sequence, here: str) -> Table:
        base = found if isinstance(found, Table) else Table(names.file, names.start, names.end, ())
        rows = {row.name: row for row in base}
        for item in names.items:
            assert isinstance(item, Scalar), "structure was checked"
            if not self._may_touch(f"{here}.{item.text}", item):
                continue
            present = rows.get(item.text)
            if present is None:
                self._absent("DM605", item, base, here)
            elif not self._is_final(present, item):
                del rows[item.text]
        return replace(base, entries=tuple(rows.values()))

    def _settings(self, root: Table, wanted: Table) -> Table:
        """Settings values of an overlay replace the defaults that the mapping declares."""
        declared = root.table("settings")
        for entry in wanted:
            present = declared.find(entry.name) if declared is not None else None
            if declared is None or present is None or not isinstance(present.value, Table):
                hint = did_you_mean(entry.name, [row.name for row in declared] if declared else [])
                message = f"`{self.base}` has no setting `{entry.name}`"
                self._add("DM608", message, entry.key.span, hint or "unknown setting")
                continue
            if not self._may_touch(f"settings.{entry.name}", entry.key):
                continue
            key = replace(entry.key, text="default", value="default")
            kept = tuple(row for row in present.value.entries if row.name != "default")
            said = replace(present.value, entries=(*kept, Entry(key, entry.value)))
            declared = _put(declared, entry.name, None, said)
            root = _put(root, "settings", None, declared)
        return root

    def _may_touch(self, place: str, at: Scalar) -> bool:
        first = self.touched.get(place)
        if first is not None:
            again = place in self.own
            who = "this overlay twice" if again else "two overlays"
            message = f"`{place}` is touched by {who}"
            self._add("DM607", message, at.span, "second time", "keep one of them", (Label(first, "first here"),))
            return False
        self.touched[place] = self.own[place] = at.span
        return True

    def _is_final(self, present: Entry, at: Scalar) -> bool:
        if not (isinstance(present.value, Table) and plain_bool(present.value.get("final"))):
            return False
        label = (Label(present.key.span, "declared here"),)
        message = f"`{present.name}` is final in `{self.base}`: overlays may not touch it"
        self._add("DM606", message, at.span, "final", "", label)
        return True

    def _absent(self, code: str, at: Scalar, known: Table | None, where: str) -> None:
        hint = did_you_mean(at.text, [row.name for row in known] if known else [])
        verb = "remove" if code == "DM605" else "change"
        message = f"There is no `{at.text}` to {verb} in `{where}` of `{self.base}`"
        add = "use `add:` for what is to be new" if verb == "change" and not hint else ""
        self._add(code, message, at.span, hint or "not there", add)

    def _add(
        self, code: str, message: str, span: Span, caret: str, hint: str = "", labels: tuple[Label, ...] = ()
    ) -> None:
        self.findings.append(Diagnostic(code, Severity.ERROR, message, span, caret, hint, labels))


_NAMED = ("fields", "custom_fields", "let", "with", "checks", "settings")
_WITH_DEFAULT = ("filter", "on_source_delete", "defaults", "memberships")


def _changed(present: Entry, change: Entry) -> Entry:
    """The field after a change: the key's place is the change's, so that messages point to the overlay."""
    before = _as_table(present.value)
    after = _as_table(change.value)
    dropped: set[str] = set()
    if any(after.find(name) is not None for name in _VALUES):
        for name in _VALUES:
            if after.find(name) is None and before.find(name) is not None:
                dropped |= {name, *_BELONGS[name]}
    if after.find("map") is not None or after.find("table") is not None:
        dropped |= {"map", "table", "else"}
    kept = tuple(row for row in before if row.name not in dropped and after.find(row.name) is None)
    return Entry(change.key, replace(after, entries=(*kept, *after.entries)))


def _as_table(node: Node) -> Table:
    """A field as a table of its keys: the short form is `{value: ...}`."""
    if isinstance(node, Table):
        return node
    assert isinstance(node, Scalar), "structure was checked"
    key = replace(node, text="value", value="value")
    return Table(node.file, node.start, node.end, (Entry(key, node),))


def _put(table: Table, name: str, entry: Entry | None, value: Node) -> Table:
    """The table with `value` under `name`; a new key is taken from `entry`."""
    present = table.find(name)
    if present is not None:
        key = present.key
        rows = tuple(Entry(key, value) if row is present else row for row in table.entries)
        return replace(table, entries=rows)
    if entry is None:
        return table
    return replace(table, entries=(*table.entries, Entry(entry.key, value)))


def _joined(found: Node | None, more: Sequence) -> Sequence:
    if not isinstance(found, Sequence):
        return more
    have = {item.text for item in found.items if isinstance(item, Scalar)}
    new = tuple(item for item in more.items if not (isinstance(item, Scalar) and item.text in have))
    return replace(found, items=(*found.items, *new))

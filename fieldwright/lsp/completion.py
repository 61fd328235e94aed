"""A cursor in a file -> what may be written there: keys of the format, names of things, values, parts of expressions.

Which keys and which words are possible is read from the schema; which fields, mappings, settings and picklist values
there are, from the view of the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from fieldwright.dsl.document import DocumentKind, Entry, Scalar, Table
from fieldwright.dsl.format.scalars import inline
from fieldwright.dsl.scalars import Style
from fieldwright.dsl.schema import ObjectSchema
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.dsl.structure import schema
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import Kind, Type
from fieldwright.lsp import wording
from fieldwright.lsp.answers import Item, ItemKind, Proposals
from fieldwright.lsp.expressions import propose
from fieldwright.lsp.names import kinds_named
from fieldwright.lsp.places import MARKER, Place, line_before, place_of_typing, rules_at
from fieldwright.lsp.projects import View
from fieldwright.lsp.scopes import Effective, checked, effective, scope_at, source_of, target_at, target_field

_TYPES: Final = ("string", "bool", "int", "decimal", "money", "date", "timestamp", "duration", "timezone", "any")
_GENERIC: Final = ("enum", "picklist", "list", "record", "ref")


def complete(file: SourceFile, offset: int, view: View) -> Proposals:
    """Proposals at a cursor; none where nothing can be told."""
    place = place_of_typing(file, offset)
    if place is None:
        return Proposals(_word(file, offset), tuple(_kinds(file, offset)))
    if place.is_expression:
        return Proposals(_word(file, offset), tuple(_unique(_expression(place, view))))
    typed, _, after = place.scalar.text.partition(MARKER)
    if len(typed) > offset or file.text[offset - len(typed) : offset] != typed:
        typed = after = ""
    if not file.text.startswith(after, offset):
        after = ""
    span = Span(file, offset - len(typed), offset + len(after))
    if place.is_key:
        return Proposals(span, tuple(_unique([*_keys(place, place.path[:-1]), *_own_keys(place, view)])))
    items = list(_values(place, view, typed))
    if re.fullmatch(r"\s*(- +)*\w*", line_before(file.text, offset)) and place.scalar.style is Style.PLAIN:
        below = Place(place.kind, place.root, (*place.path, MARKER), place.parents, place.scalar, True)
        items += [*_keys(below, place.path), *_own_keys(below, view)]
    return Proposals(span, tuple(_unique(items)))


def yaml_text(value: str, style: Style) -> str:
    """A text as YAML writes it: in quotes where it would be something else without."""
    match style:
        case Style.SINGLE:
            return value.replace("'", "''")
        case Style.DOUBLE:
            return value.replace("\\", "\\\\").replace('"', '\\"')
        case _:
            return inline(value, flow=True)


def _word(file: SourceFile, offset: int) -> Span:
    start = end = offset
    while start > 0 and (file.text[start - 1].isalnum() or file.text[start - 1] == "_"):
        start -= 1
    while end < len(file.text) and (file.text[end].isalnum() or file.text[end] == "_"):
        end += 1
    return Span(file, start, end)


def _unique(items: Iterable[Item]) -> list[Item]:
    return list({item.label: item for item in reversed(list(items))}.values())[::-1]


# --- keys -------------------------------------------------------------------------------------------------------------


def _kinds(file: SourceFile, offset: int) -> Iterator[Item]:
    """How a document begins, where it has no kind yet."""
    if not re.fullmatch(r"[a-z]*", line_before(file.text, offset)):
        return
    yield Item("interpret", ItemKind.KEY, "interpret: 1", "version of the format", rank=0)
    for kind in DocumentKind:
        yield Item(kind.value, ItemKind.KEY, f"{kind.value}: ", f"a {kind.value} document", rank=1)


def _keys(place: Place, path: tuple[str | int, ...]) -> Iterator[Item]:
    """Keys that the format knows at a table; `place` is in it."""
    present = _present(place)
    for rule in rules_at(place.kind, place.root, path):
        required = rule.schema.get("required", ())
        for name, about in rule.schema.get("properties", {}).items():
            if name in present:
                continue
            detail = "required" if name in required else ""
            yield Item(name, ItemKind.KEY, f"{name}: ", detail, describe(about), 1 if name in required else 2)


def describe(about: object) -> str:
    """What the schema says about a key: its own description, else that of the definition it refers to."""
    while isinstance(about, dict):
        if "description" in about:
            return str(about["description"])
        if "enum" in about:
            return "One of: " + ", ".join(str(value) for value in about["enum"] if value is not None)
        reference = about.get("$ref")
        about = schema()["$defs"][reference.rpartition("/")[2]] if reference else None
    return ""


def _present(place: Place) -> frozenset[str]:
    container = place.container
    return frozenset(entry.name for entry in container) if isinstance(container, Table) else frozenset()


def _own_keys(place: Place, view: View) -> Iterator[Item]:
    """Keys that are names of the project's or the target's things."""
    mapping = effective(place, view)
    present = _present(place)
    if mapping is not None:
        yield from _mapping_keys(place, mapping, view, present)
        return
    match place.kind, place.path[:-1]:
        case DocumentKind.PROJECT, ("settings",) | ("targets" | "environments", _, "settings"):
            for name, around in view.around.items():
                yield Item(name, ItemKind.DOCUMENT, f"{name}: ", "settings of one mapping or ruleset", rank=4)
                for setting, type_ in around.preferences.types.items():
                    yield Item(setting, ItemKind.KEY, f"{setting}: ", str(type_), rank=3)
        case DocumentKind.PROJECT, ("settings", str(name)) | ("targets" | "environments", _, "settings", str(name)):
            yield from _setting_keys(name, view)
        case DocumentKind.PROJECT, ("connections",) | ("targets" | "environments", _, "connections"):
            for system in sorted(view.schemas.catalogs):
                yield Item(system, ItemKind.KEY, f"{system}: ")
        case DocumentKind.TEST, ("cases", int(), "expect", "fields"):
            rules = view.mappings.get(place.name)
            owner = view.schemas.find(rules.to.text) if rules else None
            wanted = {rule.name for rule in rules.fields} if rules else set()
            yield from (item for item in _fields(owner, present) if item.label in wanted)
        case DocumentKind.TEST, ("settings",) | ("cases", int(), "settings"):
            yield from _setting_keys(place.name, view)
        case DocumentKind.SCHEMA, ("objects",):
            yield from (Item(name, ItemKind.OBJECT, f"{name}:") for name in view.schemas.object_names())
        case DocumentKind.RULESET, ("rules", int(), "then", "with"):
            container = place.parents[-2] if len(place.parents) > 1 else None
            created = (container.text("create") or container.text("update")) if isinstance(container, Table) else None
            rules = view.mappings.get(created or "")
            for param in rules.params if rules else ():
                yield Item(param.name, ItemKind.KEY, f"{param.name}: ", param.type.text, rank=1)


def _mapping_keys(place: Place, mapping: Effective, view: View, present: frozenset[str]) -> Iterator[Item]:
    match mapping.path[:-1]:
        case ("fields",) | ("children", _, "fields"):
            if place.path[0] == "change":
                for entry in mapping.entries(*[str(step) for step in mapping.path[:-1]]):
                    if entry.name not in present:
                        yield Item(entry.name, ItemKind.FIELD, f"{entry.name}: ", f"of {mapping.name}", rank=1)
                return
            yield from _fields(target_at(mapping, view), present)
        case ("fields", str(), "map") | ("children", _, "fields", str(), "map"):
            type_ = _value_type(place, mapping, view)
            for value in type_.values if type_ is not None and type_.kind is Kind.ENUM else ():
                if value not in present:
                    text = yaml_text(value, place.scalar.style)
                    yield Item(value, ItemKind.VALUE, f"{text}: ", f"value of {type_}", rank=0)
        case ("with", str(read), "where"):
            owner = _read_object(mapping, read, view)
            for field in owner.fields.values() if owner else ():
                yield Item(field.name, ItemKind.FIELD, f"{field.name}: ", str(field.type), rank=1)
        case ("on_source_delete", "set") | ("checks",):
            yield from _fields(target_at(mapping, view), present)
        case ("settings",) if place.kind is DocumentKind.OVERLAY and place.path[0] == "settings":
            yield from _setting_keys(mapping.name, view)


def _fields(owner: ObjectSchema | None, present: frozenset[str]) -> Iterator[Item]:
    """Fields of a target that can be written."""
    for field in owner.fields.values() if owner is not None else ():
        if field.name not in present and (field.createable or field.updateable):
            detail = ", ".join([str(field.type), *(["required"] if field.required else [])])
            doc = wording.about_field(owner.name if owner else "", field, written=True)
            yield Item(field.name, ItemKind.FIELD, f"{field.name}: ", detail, doc, 1 if field.required else 3)


def _setting_keys(name: str, view: View) -> Iterator[Item]:
    preferences = view.preferences(name)
    types = dict(preferences.types) if preferences is not None else {}
    ruleset = view.by_kind[DocumentKind.RULESET].get(name)
    for entry in (ruleset.root.table("settings") or ()) if ruleset else ():
        if isinstance(entry.value, Table):
            doc = entry.value.text("doc") or ""
            yield Item(entry.name, ItemKind.KEY, f"{entry.name}: ", entry.value.text("type") or "", doc, 1)
    for setting, type_ in types.items():
        yield Item(setting, ItemKind.KEY, f"{setting}: ", str(type_), rank=1)


# --- values -----------------------------------------------------------------------------------------------------------


def _expression(place: Place, view: View) -> Iterator[Item]:
    before = place.scalar.text.partition(MARKER)[0]
    mapping = effective(place, view)
    if not before and place.scalar.style is Style.PLAIN and mapping is not None:
        field = target_field(mapping, view)
        if field is not None and place.path[-1] == field.name:
            for value in field.type.values if field.type.kind is Kind.ENUM else ():
                text = f"{{const: {yaml_text(value, Style.PLAIN)}}}"
                yield Item(value, ItemKind.VALUE, text, f"always this value of {field.name}", rank=3)
    scope = scope_at(place, view)
    if scope is not None:
        yield from propose(before, scope)


def _values(place: Place, view: View, typed: str) -> Iterator[Item]:
    """Values that are no expressions."""
    for rule in place.rules():
        about = rule.schema
        if "const" in about:
            yield Item(str(about["const"]), ItemKind.VALUE, str(about["const"]), rank=0)
        for value in about.get("enum", ()):
            if value is not None:
                text = "'null'" if value == "null" else str(value)
                yield Item(str(value), ItemKind.VALUE, text, rank=0)
        if about.get("type") == "boolean":
            yield from (Item(word, ItemKind.VALUE, word, rank=0) for word in ("true", "false"))
        match rule.names[:1]:
            case ("object",):
                yield from _objects(view)
            case ("typename",):
                yield from _types(view, typed)
            case ("name",) | ("id",):
                yield from _names(place, view)
    yield from _named_values(place, view)
    yield from _constants(place, view)


def _objects(view: View) -> Iterator[Item]:
    for name in view.schemas.object_names():
        yield Item(name, ItemKind.OBJECT, name, rank=2 if name.count(".") == 1 else 5)


def _types(view: View, typed: str) -> Iterator[Item]:
    generic, opened, inner = typed.partition("<")
    if not opened:
        for name in _TYPES:
            yield Item(name, ItemKind.TYPE, name, rank=1)
        for name in _GENERIC:
            yield Item(f"{name}<>", ItemKind.TYPE, f"{name}<", rank=2)
        return
    for name in view.schemas.object_names():
        if generic in ("picklist", "enum"):
            found = view.schemas.find(name) if inner.startswith(name + ".") else None
            for field in found.fields.values() if found is not None else ():
                if field.type.kind is Kind.ENUM:
                    text = f"{generic}<{name}.{field.name}>"
                    yield Item(text, ItemKind.TYPE, text, str(field.type), rank=1)
            yield Item(f"{generic}<{name}.", ItemKind.TYPE, f"{generic}<{name}.", rank=3)
        elif generic == "record":
            yield Item(f"record<{name}>", ItemKind.TYPE, f"record<{name}>", rank=2)


def _names(place: Place, view: View) -> Iterator[Item]:
    """Names of fields, child lists and settings at a target."""
    mapping = effective(place, view)
    if mapping is None:
        return
    match mapping.path:
        case ("key", "match", *_, "field") | ("children", _, "parent") | ("children", _, "key", int()):
            owner = target_at(mapping, view)
            for field in owner.fields.values() if owner is not None else ():
                rank = 1 if field.external_id or field.unique or field.id_lookup else 4
                detail = ", ".join([str(field.type), *(["external id"] if field.external_id else [])])
                yield Item(field.name, ItemKind.FIELD, field.name, detail, rank=rank)
        case ("with", str(read), "by"):
            found = _read_object(mapping, read, view)
            for field in found.fields.values() if found else ():
                yield Item(field.name, ItemKind.FIELD, field.name, str(field.type), rank=2)
        case (*_, "table"):
            for name in mapping.items("use"):
                library = view.libraries.get(name.text)
                for table in library.tables if library else ():
                    yield Item(table, ItemKind.VARIABLE, table, f"table of {name.text}", rank=1)
        case ("checks", _, "sum_of"):
            sets = {mapping.text("children", one.name, "set") or one.name for one in mapping.entries("children")}
            yield from (Item(name, ItemKind.VARIABLE, name, "set of child rows", rank=1) for name in sorted(sets))
        case ("on_source_delete", "by_setting"):
            yield from (
                Item(entry.name, ItemKind.VARIABLE, entry.name, rank=1) for entry in mapping.entries("settings")
            )
        case (*section, int()) if place.path[:1] == ("remove",):
            for entry in mapping.entries(*[str(step) for step in section]):
                yield Item(entry.name, ItemKind.FIELD, entry.name, f"of {mapping.name}", rank=1)


def _named_values(place: Place, view: View) -> Iterator[Item]:
    """Names of documents: mappings to refer to, rulesets, libraries, what an overlay extends."""
    for kind in kinds_named(place):
        for name, document in view.by_kind[kind].items():
            if name == place.name and place.kind is kind:
                continue
            text = name
            if place.path == ("extends",):
                version = document.root.get("version")
                text = f"{name}@{version.text if isinstance(version, Scalar) else 1}"
            yield Item(text, ItemKind.DOCUMENT, text, document.root.text("title") or kind.value, rank=0)


def _constants(place: Place, view: View) -> Iterator[Item]:
    """Values of the picklist that a constant is written to, or of the enum that a setting has."""
    mapping = effective(place, view)
    type_: Type | None = None
    if mapping is not None:
        match mapping.path:
            case (*_, "map", str()) | (*_, "const") | (*_, "else"):
                field = target_field(mapping, view)
                type_ = field.type if field is not None else None
            case ("settings", str(name), "default"):
                type_ = _declared_type(mapping.entries("settings"), name, view)
            case ("settings", str(name)):
                preferences = view.preferences(mapping.name)
                type_ = preferences.types.get(name) if preferences else None
    else:
        match place.kind, place.path:
            case DocumentKind.RULESET, ("settings", str(name), "default"):
                type_ = _declared_type(tuple(place.root.table("settings") or ()), name, view)
            case DocumentKind.PROJECT, (*_, "settings", str(owner), str(name)):
                preferences = view.preferences(owner)
                ruleset = view.by_kind[DocumentKind.RULESET].get(owner)
                if preferences is not None:
                    type_ = preferences.types.get(name)
                elif ruleset is not None:
                    type_ = _declared_type(tuple(ruleset.root.table("settings") or ()), name, view)
            case DocumentKind.PROJECT, (*_, "settings", str(name)):
                types = [around.preferences.types.get(name) for around in view.around.values()]
                type_ = next((one for one in types if one is not None), None)
    if type_ is None:
        return
    if type_.kind is Kind.BOOL:
        yield from (Item(word, ItemKind.VALUE, word, rank=0) for word in ("true", "false"))
    for value in type_.values if type_.kind is Kind.ENUM else ():
        yield Item(value, ItemKind.VALUE, yaml_text(value, place.scalar.style), "", rank=0)


def _declared_type(entries: tuple[Entry, ...], name: str, view: View) -> Type | None:
    for entry in entries:
        if entry.name == name and isinstance(entry.value, Table):
            try:
                return parse_type(entry.value.text("type") or "", view.schemas)
            except NotAType:
                return None
    return None


def _value_type(place: Place, mapping: Effective, view: View) -> Type | None:
    """The type of the expression whose values a table of a field translates."""
    field = next((node for node in reversed(place.parents) if isinstance(node, Table) and node.find("map")), None)
    value = field.get("value") if field is not None else None
    if not isinstance(value, Scalar):
        return None
    at = Effective(mapping.name, mapping.tables, (*mapping.path[:-2], "value"))
    scope = scope_at(Place(place.kind, place.root, at.path, place.parents, value, False), view)
    found = checked(value.text, scope) if scope is not None else None
    return found.type.required() if found is not None else None


def _read_object(mapping: Effective, read: str, view: View) -> ObjectSchema | None:
    names = [mapping.text("with", read, kind) for kind in ("get", "newest", "all")]
    return view.schemas.find(next((name for name in names if name), "")) or source_of(mapping, view)

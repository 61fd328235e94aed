"""A place in a document -> what an expression sees there: names with their types, functions, the objects written to.

Works on the tree as read, not on a checked mapping, because a document that is being typed is seldom right. What the
tree does not say (settings of a ruleset, what an overlay extends) comes from the last view of the project. A test holds
these scopes against the ones that lint links with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldwright.dsl.document import DocumentKind, Entry, Node, Scalar, Sequence, Table
from fieldwright.dsl.expressions.check import Checked, check, constant
from fieldwright.dsl.expressions.parser import parse
from fieldwright.dsl.expressions.scope import Scope, UserFunction
from fieldwright.dsl.inputs import base_scope, read_type, rule_scope
from fieldwright.dsl.linkfields import field_at
from fieldwright.dsl.mappingdocument import plain_bool
from fieldwright.dsl.preferences import TIMEZONE
from fieldwright.dsl.proof import narrowed
from fieldwright.dsl.schema import FieldSchema, ObjectSchema, Schemas
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import ERROR, STRING, Kind, Type, record
from fieldwright.lsp.places import Place
from fieldwright.lsp.projects import View

_READS = ("get", "newest", "all")
_VERBS = ("add", "change", "remove")


@dataclass(frozen=True, slots=True)
class Effective:
    """A mapping as far as it is written: its own table, or for an overlay the merged one with what the overlay says
    over it. `path` leads to the place as if the overlay's words stood in the mapping itself."""

    name: str
    tables: tuple[Table, ...]
    path: tuple[str | int, ...]

    def get(self, *names: str) -> Node | None:
        """The value under a path of keys, in the first table that has it."""
        for table in self.tables:
            node: Node | None = table
            for name in names:
                node = node.get(name) if isinstance(node, Table) else None
            if node is not None:
                return node
        return None

    def text(self, *names: str) -> str:
        """The text under a path of keys."""
        found = self.get(*names)
        return found.text if isinstance(found, Scalar) else ""

    def entries(self, *names: str) -> tuple[Entry, ...]:
        """The entries of all tables under a path of keys, each name once."""
        found: dict[str, Entry] = {}
        for table in reversed(self.tables):
            node: Node | None = table
            for name in names:
                node = node.get(name) if isinstance(node, Table) else None
            for entry in node if isinstance(node, Table) else ():
                found[entry.name] = entry
        return tuple(found.values())

    def items(self, name: str) -> tuple[Scalar, ...]:
        """The scalar items of the lists under a key."""
        found = [table.get(name) for table in self.tables]
        return tuple(
            item for node in found if isinstance(node, Sequence) for item in node.items if isinstance(item, Scalar)
        )


def effective(place: Place, view: View) -> Effective | None:
    """The mapping that a place speaks of; None in documents of other kinds."""
    if place.kind is DocumentKind.MAPPING:
        return Effective(place.name, (place.root,), place.path)
    if place.kind is not DocumentKind.OVERLAY:
        return None
    base = (place.root.text("extends") or "").partition("@")[0]
    merged = view.mappings.get(base)
    said = [found for verb in _VERBS if (found := place.root.table(verb)) is not None and verb != "remove"]
    path = place.path[1:] if place.path and place.path[0] in _VERBS else place.path
    tables = (*said, *((merged.document.root,) if merged else ()), place.root)
    return Effective(base, tables, path)


def scope_at(place: Place, view: View) -> Scope | None:
    """What the expression at a place sees; None where there are no expressions."""
    match place.kind:
        case DocumentKind.MAPPING | DocumentKind.OVERLAY:
            mapping = effective(place, view)
            return None if mapping is None else _mapping_scope(mapping, view)
        case DocumentKind.RULESET:
            return _ruleset_scope(place, view)
        case DocumentKind.FUNCTIONS:
            return _function_scope(place, view)
        case _:
            return None


def checked(text: str, scope: Scope, expected: Type | None = None) -> Checked | None:
    """The text as an expression in a scope; None where it has no tree."""
    tree = parse(text).tree
    return None if tree is None else check(tree, scope, expected, text=text)


def target_at(mapping: Effective, view: View) -> ObjectSchema | None:
    """The object whose fields are written at a place: the mapping's, or that of the child list around it."""
    match mapping.path:
        case ("children", str(child), *_):
            return view.schemas.find(mapping.text("children", child, "to"))
        case _:
            return view.schemas.find(mapping.text("to"))


def target_field(mapping: Effective, view: View) -> FieldSchema | None:
    """The target field whose entry a place belongs to."""
    path = mapping.path[2:] if mapping.path[:1] == ("children",) else mapping.path
    owner = target_at(mapping, view)
    if owner is None or len(path) < 2 or path[0] not in ("fields", "checks") or not isinstance(path[1], str):
        return None
    around = view.around.get(mapping.name)
    return owner.fields.get(path[1]) if around is None else field_at(path[1], owner, around)


def source_of(mapping: Effective, view: View) -> ObjectSchema | None:
    """The object that a mapping reads."""
    return view.schemas.find(mapping.text("from", "object"))


def setting_types(name: str, declared: tuple[Entry, ...], view: View) -> Mapping[str, Type] | None:
    """Types of the settings that a document sees; None where some are not known."""
    preferences = view.preferences(name)
    if preferences is not None and preferences.uncertain:
        return None
    types = dict(preferences.types) if preferences is not None else {}
    types.update(_types(declared, view.schemas, settings=True))
    return types


def _mapping_scope(mapping: Effective, view: View) -> Scope:
    path = mapping.path
    settings = setting_types(mapping.name, mapping.entries("settings"), view)
    driven = mapping.get("driven_by") is not None
    params = _types(mapping.entries("params"), view.schemas) if driven else None
    scope = _using(base_scope(view.schemas, settings, params), [node.text for node in mapping.items("use")], view)
    source = source_of(mapping, view)
    scope = scope.bind(mapping.text("from", "as") or "source", ERROR if source is None else record(source.name))
    for entry in mapping.entries("with"):
        if path[:2] == ("with", entry.name):
            return scope
        scope = scope.bind(entry.name, _read(entry.value, view.schemas))
    if path[:1] == ("with",):
        return scope
    scope = _lets(mapping.entries("let"), scope, path)
    if path[:1] in (("let",), ("filter",)):
        return scope
    rules = view.mappings.get(mapping.name)
    condition = mapping.get("filter")
    if rules is not None and isinstance(condition, Scalar) and isinstance(condition.value, str):
        scope = narrowed(scope, checked(condition.text, scope), rules, source)
    match path:
        case ("children", str(child), *rest):
            return _child_scope(mapping, child, tuple(rest), scope, view)
        case ("checks", str(name), *_) if owner := mapping.text("checks", name, "sum_of"):
            return _sum_scope(mapping, owner, scope, settings, view)
        case _:
            return scope


def _child_scope(mapping: Effective, child: str, path: tuple[str | int, ...], scope: Scope, view: View) -> Scope:
    if path[:2] == ("each", "of"):
        return scope
    of = mapping.get("children", child, "each", "of")
    item = mapping.text("children", child, "each", "as") or "item"
    found = checked(of.text, scope) if isinstance(of, Scalar) and isinstance(of.value, str) else None
    if found is not None and found.type.kind is Kind.LIST:
        scope = scope.item(item, found)
    else:
        scope = scope.bind(item, ERROR, "item")
    if path[:1] == ("each",):
        return scope
    return _lets(mapping.entries("children", child, "let"), scope, path)


def _sum_scope(mapping: Effective, name: str, scope: Scope, settings: Mapping[str, Type] | None, view: View) -> Scope:
    """A sum over a set sees the target fields that its rows write."""
    inner = base_scope(view.schemas, settings)
    inner = Scope(inner.schemas, inner.names, scope.functions, inner.objects)
    for child in mapping.entries("children"):
        owner = view.schemas.find(mapping.text("children", child.name, "to"))
        if (mapping.text("children", child.name, "set") or child.name) != name or owner is None:
            continue
        for entry in mapping.entries("children", child.name, "fields"):
            field = owner.fields.get(entry.name)
            if field is not None:
                inner = inner.bind(entry.name, field.type.required())
    return inner


def _ruleset_scope(place: Place, view: View) -> Scope:
    name = place.name
    settings = _types(tuple(place.root.table("settings") or ()), view.schemas, settings=True)
    scope = base_scope(view.schemas, {TIMEZONE: STRING, **settings})
    named = view.mappings.get(place.root.text("drives") or "")
    driven = [one for one in view.mappings.values() if one.driven_by is not None and one.driven_by.text == name]
    main = named or next(iter(driven), None)
    found = view.schemas.find(main.object.text) if main is not None else None
    scope = rule_scope(scope, main.root.text if main else "subscription", found.name if found else None)
    used = place.root.get("use")
    names = [item.text for item in used.items if isinstance(item, Scalar)] if isinstance(used, Sequence) else []
    return _lets(tuple(place.root.table("let") or ()), _using(scope, names, view), place.path)


def _function_scope(place: Place, view: View) -> Scope | None:
    match place.path:
        case ("define", str(name), "value"):
            library = view.libraries.get(place.name)
            scope = Scope(view.schemas, {}, library.functions if library else {})
            defined = place.root.table("define")
            function = defined.table(name) if defined else None
            params = function.table("params") if function else None
            for entry in params or ():
                if isinstance(entry.value, Scalar):
                    scope = scope.bind(entry.name, _type(entry.value.text, view.schemas), "param")
            return scope
        case _:
            return None


def _lets(entries: tuple[Entry, ...], scope: Scope, path: tuple[str | int, ...]) -> Scope:
    """The scope with named values in their order; at a place in one of them, with those before it."""
    stop = path[1] if path[:1] == ("let",) and len(path) > 1 else None
    for entry in entries:
        if entry.name == stop:
            break
        value = entry.value
        found = checked(value.text, scope) if isinstance(value, Scalar) and isinstance(value.value, str) else None
        if found is None and isinstance(value, Scalar) and value.value is not None and value.value is not value.text:
            found = constant(value.value)
        scope = scope.bind(entry.name, ERROR, "let") if found is None else scope.let(entry.name, found)
    return scope


def _using(scope: Scope, names: list[str], view: View) -> Scope:
    functions: dict[str, UserFunction] = {}
    for name in names:
        library = view.libraries.get(name)
        functions.update(library.functions if library else {})
    return Scope(scope.schemas, scope.names, functions, scope.objects)


def _read(node: Node, schemas: Schemas) -> Type:
    if not isinstance(node, Table):
        return ERROR
    kind = next((name for name in _READS if node.find(name) is not None), "get")
    found = schemas.find(node.text(kind) or "")
    return read_type("many" if node.find("ids") is not None else kind, found)


def _types(entries: tuple[Entry, ...], schemas: Schemas, *, settings: bool = False) -> dict[str, Type]:
    """Types of parameters or settings; a setting that need not have a value may be null."""
    found: dict[str, Type] = {}
    for entry in entries:
        if isinstance(entry.value, Table):
            type_ = _type(entry.value.text("type") or "", schemas)
            sure = plain_bool(entry.value.get("required")) or entry.value.get("default") is not None
            found[entry.name] = type_.optional() if settings and not sure else type_
    return found


def _type(text: str, schemas: Schemas) -> Type:
    try:
        return parse_type(text, schemas)
    except NotAType:
        return ERROR

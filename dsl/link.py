"""A mapping whose names are not resolved -> a linked mapping and the specification that a program is compiled from.

Resolves objects, fields, reads, functions, tables, references and settings, and checks every expression in the scope
of its place: reads see the record and earlier reads, named values see reads and earlier ones, rows of a child list see
their item too. Whether a value fits its target field is asked afterwards by the rules in `lint`; whether mappings fit
each other by `order`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fieldwright.dsl.checking import Surroundings
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Node, Scalar, Table, plain
from fieldwright.dsl.expressions import core
from fieldwright.dsl.expressions.check import Checked
from fieldwright.dsl.expressions.scope import Scope, Shape
from fieldwright.dsl.inputs import RESERVED, base_scope, read_type
from fieldwright.dsl.linked import LinkedChild, LinkedMapping
from fieldwright.dsl.linkfields import FieldLinking, field_at, key_spec
from fieldwright.dsl.mapping import CheckRule, ChildRule, Value
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.nearest import did_you_mean
from fieldwright.dsl.preferences import TIMEZONE
from fieldwright.dsl.program import FieldInfo, Write
from fieldwright.dsl.programspec import (
    CheckSpec,
    ChildSpec,
    MembershipSpec,
    ProgramSpec,
    ReadSpec,
    RowsSpec,
)
from fieldwright.dsl.proof import narrowed, usage
from fieldwright.dsl.schema import ObjectSchema
from fieldwright.dsl.source import Span
from fieldwright.dsl.typenotation import NotAType, parse_type
from fieldwright.dsl.types import ANY, DECIMAL, ERROR, NULL, STRING, Kind, Type, list_of

LISTS_FIELD = "memberships.lists"
"""The name of the field that holds list memberships in a program."""


def link_mapping(mapping: MappingRules, around: Surroundings) -> tuple[LinkedMapping, tuple[Diagnostic, ...]]:
    """Resolve one mapping. Its `spec` is None when there are errors among the findings."""
    linking = _Linking(mapping=mapping, around=around)
    linked = linking.link()
    return linked, tuple(linking.findings.found)


@dataclass(slots=True, kw_only=True)
class _Linking(FieldLinking):
    """The work on one mapping."""

    def link(self) -> LinkedMapping:
        mapping = self.mapping
        source = self._object(mapping.object)
        target = self._object(mapping.to)
        params = self._params()
        scope = base_scope(self.around.schemas, self._settings(), params if mapping.driven_by else None)
        scope = self._use(mapping.use, scope)
        self._taken(((mapping.root.text, mapping.root.span),), set(RESERVED))
        scope = scope.bind(mapping.root.text, ERROR if source is None else _record(source))
        taken = {*RESERVED, mapping.root.text}
        self._taken([(read.name, read.span) for read in mapping.reads], taken)
        reads, scope = self._reads(scope)
        self._taken([(let.name, let.span) for let in mapping.lets], taken)
        lets, scope = self._lets(mapping.lets, scope)
        chosen = self._condition(mapping.filter, scope)
        scope = narrowed(scope, chosen, mapping, source)
        keys = tuple(tuple(self._key(part, target, scope) for part in parts) for parts in mapping.keys)
        fields = tuple(self._field(rule, target, scope) for rule in mapping.fields)
        fields += self._custom_fields(target, scope)
        members = [self._membership(rule.list, rule.condition, scope) for rule in mapping.lists]
        children: list[LinkedChild] = []
        rows: list[RowsSpec | None] = []
        for child in mapping.children:
            linked, made = self._child(child, scope, set(taken))
            children.append(linked)
            rows.append(made)
        checks, sums = self._checks(target, children, scope)
        delete = self._on_delete(mapping.on_source_delete, target)
        for name in (*mapping.after, *((mapping.driven_by,) if mapping.driven_by else ())):
            if name.text == mapping.name:
                self.findings.error("DM402", f"`{name.text}` cannot come after itself", name.span, "itself")
        spec = None
        if not self.findings.has_errors() and self.complete and source is not None and target is not None:
            spec = ProgramSpec(
                mapping=mapping.name,
                title=mapping.title,
                at=mapping.span.line,
                system=target.name.partition(".")[0],
                source_object=source.name,
                root=mapping.root.text,
                target_object=target.name,
                fields=tuple(self._field_spec(one) for one in fields),
                keys=tuple(tuple(key_spec(one) for one in parts) for parts in keys),
                lets=lets,
                reads=reads,
                filter=chosen,
                filter_at=_place(mapping.filter).line if mapping.filter else "",
                children=self._child_specs(children, rows),
                checks=checks,
                memberships=tuple(
                    MembershipSpec(value, rule.status, rule.span.line)
                    for value, rule in zip(members, mapping.lists, strict=True)
                    if value is not None
                ),
                memberships_info=self._memberships_info(),
                after=tuple(name.text for name in mapping.after),
                driven_by=mapping.driven_by.text if mapping.driven_by else None,
                params=tuple(param.name for param in mapping.params),
                on_ambiguous=mapping.on_ambiguous,
                on_none=mapping.on_none,
                on_source_delete=delete,
                options=self._options(),
            )
        used, settings = usage(self.checked)
        unknown = spec is None
        return LinkedMapping(
            mapping=mapping,
            source=source,
            target=target,
            fields=fields,
            keys=keys,
            children=tuple(children),
            used=used if not unknown else frozenset(["*"]),
            settings=settings,
            spec=spec,
            sums=sums,
        )

    # --- names --------------------------------------------------------------------------------------------------

    def _params(self) -> dict[str, Type]:
        params: dict[str, Type] = {}
        for rule in self.mapping.params:
            try:
                params[rule.name] = parse_type(rule.type.text, self.around.schemas)
            except NotAType as problem:
                params[rule.name] = ERROR
                self.findings.error("DM020", str(problem), rule.type.span, "not a type")
        return params

    def _taken(self, names: Any, taken: set[str]) -> None:
        for name, span in names:
            if name in taken:
                self.findings.error("DM021", f"The name `{name}` is taken already", span, "second meaning")
            taken.add(name)

    # --- expressions --------------------------------------------------------------------------------------------

    def _reads(self, scope: Scope) -> tuple[tuple[ReadSpec, ...], Scope]:
        reads: list[ReadSpec] = []
        for rule in self.mapping.reads:
            found = self._object(rule.object)
            wanted = list_of(STRING.optional()).optional() if rule.kind == "many" else ANY
            key = self._check(rule.key, scope, wanted if rule.kind == "many" else None)
            self._read_key(rule.key, rule.kind, key)
            if rule.by is not None and found is not None and rule.by.text not in found.fields:
                self._no_field("DM302", rule.by, found)
            if rule.where is not None and found is not None and field_at(rule.where.text, found, self.around) is None:
                self._no_field("DM302", rule.where, found)
            scope = scope.bind(rule.name, read_type(rule.kind, found))
            if key is not None and found is not None:
                reads.append(
                    ReadSpec(
                        name=rule.name,
                        kind=rule.kind,
                        object=found.name,
                        key=key,
                        at=rule.span.line,
                        key_root_field=_root_field(key, self.mapping.root.text),
                        where_field=rule.where.text if rule.where else None,
                        by=rule.by.text if rule.by else None,
                        limit=rule.limit,
                    )
                )
        return tuple(reads), scope

    def _read_key(self, value: Value, kind: str, key: Checked | None) -> None:
        if key is None or kind == "many":
            return
        if key.type.kind not in (Kind.STRING, Kind.ENUM, Kind.ERROR, Kind.INT, Kind.BOOL):
            message = f"A record is looked up by a text, this is {key.type}"
            self.findings.error("DM318", message, value.source.span, f"this is {key.type}")

    # --- fields and keys ----------------------------------------------------------------------------------------

    def _membership(self, value: Value, condition: Value | None, scope: Scope) -> Checked | None:
        checked = self._check(value, scope)
        if checked is not None and checked.type.kind not in (Kind.STRING, Kind.ENUM, Kind.REF, Kind.ERROR):
            self.findings.error("DM318", f"A list is named by a text, this is {checked.type}", value.source.span)
        if condition is None:
            return checked
        chosen = self._condition(condition, scope)
        if checked is None or checked.core is None or chosen is None or chosen.core is None:
            return None
        # A list whose condition does not hold is left out as one without a name is.
        type_ = checked.type.optional()
        none = core.Const(NULL, 0, 0, -1, None)
        made = core.Choice(type_, 0, 0, -1, chosen.core, checked.core, none)
        return replace(checked, core=made, shape=Shape(type_), reads=checked.reads | chosen.reads, tree=None)

    # --- children -----------------------------------------------------------------------------------------------

    def _child(self, rule: ChildRule, scope: Scope, taken: set[str]) -> tuple[LinkedChild, RowsSpec | None]:
        owner = self._object(rule.to)
        if owner is not None:
            for name in (rule.parent, *rule.key):
                if name.text not in owner.fields:
                    self._no_field("DM302", name, owner)
        of = self._check(rule.of, scope)
        self._taken(((rule.item.text, rule.item.span),), taken)
        if of is not None and of.type.kind is Kind.LIST:
            inner = scope.item(rule.item.text, of)
        else:
            inner = scope.bind(rule.item.text, ERROR, "item")
            if of is not None and of.type.kind is not Kind.ERROR:
                message = f"`of` must be a list, this is {of.type}"
                self.findings.error("DM318", message, rule.of.source.span, f"this is {of.type}", "wrap it: `list(x)`")
        # The filter stands under `each`, above the named values: it sees the item, not them.
        chosen = self._condition(rule.filter, inner)
        self._taken([(let.name, let.span) for let in rule.lets], taken)
        lets, inner = self._lets(rule.lets, inner)
        fields = tuple(self._field(one, owner, inner, rule) for one in rule.fields)
        claims = self._claims(rule.checks, inner)
        linked = LinkedChild(rule, owner, fields)
        if of is None or owner is None or any(one.value is None or one.target is None for one in fields):
            return linked, None
        specs = tuple(self._field_spec(one) for one in fields)
        return linked, RowsSpec(of, rule.item.text, chosen, lets, specs, rule.span.line, claims)

    def _claims(self, rules: tuple[CheckRule, ...], inner: Scope) -> tuple[CheckSpec, ...]:
        """What is claimed about each row of a child list."""
        claims: list[CheckSpec] = []
        for rule in rules:
            if rule.sum_of is not None:
                message = "`sum_of` adds up the rows of a set; it stands under the mapping's own `checks:`"
                self.findings.error("DM408", message, rule.sum_of.span, "not inside of a row")
                continue
            checked = self._condition(rule.value, inner)
            if checked is not None:
                claims.append(CheckSpec(rule.name, checked, rule.span.line))
        return tuple(claims)

    def _child_specs(self, children: list[LinkedChild], rows: list[RowsSpec | None]) -> tuple[ChildSpec, ...]:
        sets: dict[str, tuple[LinkedChild, list[RowsSpec]]] = {}
        for child, made in zip(children, rows, strict=True):
            if made is not None:
                sets.setdefault(child.rule.set, (child, []))[1].append(made)
        return tuple(
            ChildSpec(
                name=name,
                object=first.rule.to.text,
                parent=first.rule.parent.text,
                key=tuple(key.text for key in first.rule.key),
                lists=tuple(lists),
                at=first.rule.span.line,
            )
            for name, (first, lists) in sets.items()
        )

    # --- checks, policies, options ------------------------------------------------------------------------------

    def _checks(
        self, target: ObjectSchema | None, children: list[LinkedChild], scope: Scope
    ) -> tuple[tuple[CheckSpec, ...], tuple[tuple[str, str, Checked, str], ...]]:
        claims: list[CheckSpec] = []
        sums: list[tuple[str, str, Checked, str]] = []
        for rule in self.mapping.checks:
            if rule.sum_of is None:
                checked = self._condition(rule.value, scope)
                if checked is not None:
                    claims.append(CheckSpec(rule.name, checked, rule.span.line))
                continue
            name = rule.sum_of.text
            members = [child for child in children if child.rule.set == name]
            if not members:
                hint = did_you_mean(name, {child.rule.set for child in children})
                self.findings.error("DM408", f"There is no set `{name}`", rule.sum_of.span, hint or "unknown set")
                continue
            if target is not None and rule.name not in target.fields:
                hint = did_you_mean(rule.name, target.fields)
                message = f"`{rule.name}` is not a field of {target.name}"
                self.findings.error("DM302", message, rule.span, hint or "unknown field")
            inner = base_scope(self.around.schemas, self._settings())
            inner = replace(inner, functions=scope.functions, tables=scope.tables)
            for child in members:
                for one in child.fields:
                    if one.target is not None and one.rule.name not in inner.names:
                        inner = inner.bind(one.rule.name, one.target.type.required())
            value = self._check(rule.value, inner, DECIMAL)
            if value is not None:
                sums.append((rule.name, name, value, rule.span.line))
        return tuple(claims), tuple(sums)

    def _on_delete(self, node: Node | None, target: ObjectSchema | None) -> dict[str, Any]:
        if node is None:
            return {"action": "keep"}
        if isinstance(node, Scalar):
            return {"action": node.text}
        assert isinstance(node, Table), "structure was checked"
        setting = node.get("by_setting")
        if isinstance(setting, Scalar):
            known = self.around.preferences.types
            if setting.text not in known and not self.around.preferences.uncertain:
                hint = did_you_mean(setting.text, known)
                self.findings.error("DM509", f"There is no setting `{setting.text}`", setting.span, hint or "unknown")
            action = self.around.preferences.values.get(setting.text)
            return {"action": action or "keep", "by_setting": setting.text}
        fields = node.table("set")
        assert fields is not None, "structure was checked"
        if target is not None:
            for entry in fields:
                if entry.name not in target.fields:
                    self._no_field("DM302", entry.key, target)
        return {"action": "set", "set": plain(fields)}

    def _options(self) -> dict[str, Any]:
        """What passes through to the runtime and the connectors."""
        mapping = self.mapping
        _, used = usage(self.checked)
        own = {rule.name for rule in mapping.settings}
        values = self.around.preferences.values
        options: dict[str, Any] = {
            "settings": {name: value for name, value in values.items() if name != TIMEZONE or name in own | used}
        }
        if mapping.lists:
            options["resubscribe"] = mapping.resubscribe
        if mapping.on_duplicate != "fail":
            options["on_duplicate"] = mapping.on_duplicate
        if mapping.direction != "to_target":
            options["direction"] = mapping.direction
        if mapping.echo:
            options["echo"] = mapping.echo
        if mapping.extended_by:
            options["extended_by"] = list(mapping.extended_by)
        return options

    def _memberships_info(self) -> FieldInfo | None:
        if not self.mapping.lists or self.mapping.lists_span is None:
            return None
        return FieldInfo(LISTS_FIELD, list_of(ANY), Write.ALWAYS, self.mapping.lists_span.line)


def _record(found: ObjectSchema) -> Type:
    return Type(Kind.RECORD, object=found.name)


def _place(value: Value) -> Span:
    return value.source.span


def _root_field(key: Checked, root: str) -> str | None:
    """The field of the driving record that the key simply is, so that the runtime can follow it backwards."""
    match key.core:
        case core.Field(target=core.Root(name=name), key=field_name) if name == root:
            return field_name
        case _:
            return None

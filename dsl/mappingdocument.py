"""A structurally right mapping document -> what it says, a `Mapping`.

The input may be the effective document of a base and its overlays, whose nodes come from several files. The pieces
that other kinds of documents share (values, settings, named values, rows of value tables) are public.
"""

from __future__ import annotations

from fieldwright.dsl.document import Document, Entry, Node, Scalar, Sequence, Table, plain
from fieldwright.dsl.mapping import (
    AnyValue,
    CheckRule,
    ChildRule,
    Constant,
    Expression,
    FieldRule,
    KeyPart,
    LetRule,
    Mapping,
    MembershipRule,
    ParamRule,
    ReadRule,
    Reference,
    SettingRule,
    Value,
    ValueTable,
)


def build_mapping(document: Document, extended_by: tuple[str, ...] = ()) -> Mapping:
    """The mapping that a document of kind mapping describes; its structure must have been checked."""
    root = document.root
    source = root.table("from")
    key = root.table("key")
    assert source is not None, "structure was checked"
    assert key is not None, "structure was checked"
    defaults = root.table("defaults")
    memberships = root.table("memberships")
    membership_entry = root.find("memberships")
    return Mapping(
        document=document,
        name=document.name,
        span=document.name_at,
        version=_int(root.get("version")) or 1,
        title=root.text("title") or document.name,
        object=_scalar(source, "object"),
        root=_scalar(source, "as"),
        to=_scalar(root, "to"),
        use=scalars(root.get("use")),
        after=scalars(root.get("after")),
        driven_by=_optional(root, "driven_by"),
        keys=tuple(_key_parts(item) for item in _items(key.get("match"))),
        on_ambiguous=key.text("on_ambiguous") or "error",
        on_none=key.text("on_none") or "create",
        on_source_delete=root.get("on_source_delete"),
        on_duplicate=root.text("on_duplicate") or "fail",
        direction=root.text("direction") or "to_target",
        echo=root.text("echo") or "",
        params=tuple(_param(entry) for entry in entries(root, "params")),
        settings=build_settings(root),
        reads=tuple(_read(entry) for entry in entries(root, "with")),
        lets=build_lets(root),
        filter=optional_value(root.get("filter")),
        fields=_fields(root, "fields", defaults),
        custom_fields=_fields(root, "custom_fields", defaults),
        lists=tuple(_membership(item) for item in _items(memberships.get("lists") if memberships else None)),
        lists_span=membership_entry.key.span if membership_entry else None,
        resubscribe=memberships is not None and plain_bool(memberships.get("resubscribe")),
        children=tuple(_child(entry, defaults) for entry in entries(root, "children")),
        checks=_checks(root),
        extended_by=extended_by,
    )


def value_of(node: Node) -> Value:
    """The expression or constant that a node in value position is."""
    if isinstance(node, Table):
        return Constant(_scalar(node, "const"))
    assert isinstance(node, Scalar), "structure was checked"
    return Expression(node) if isinstance(node.value, str) else Constant(node)


def optional_value(node: Node | None) -> Value | None:
    """As `value_of`; None for nothing."""
    return None if node is None else value_of(node)


def entries(table: Table, name: str) -> tuple[Entry, ...]:
    """The entries of the table under `name`; none where there is no such table."""
    found = table.table(name)
    return found.entries if found else ()


def scalars(node: Node | None) -> tuple[Scalar, ...]:
    """The scalar items of a list; none where there is no list."""
    return tuple(item for item in _items(node) if isinstance(item, Scalar))


def plain_bool(node: Node | None) -> bool:
    """Whether the node is the YAML boolean true."""
    return isinstance(node, Scalar) and node.value is True


def build_lets(table: Table) -> tuple[LetRule, ...]:
    """The `let:` block of a mapping, child list or ruleset."""
    return tuple(LetRule(entry.name, entry.key.span, value_of(entry.value)) for entry in entries(table, "let"))


def build_settings(table: Table) -> tuple[SettingRule, ...]:
    """The `settings:` block of a mapping or ruleset."""
    found = []
    for entry in entries(table, "settings"):
        assert isinstance(entry.value, Table), "structure was checked"
        said = entry.value
        found.append(
            SettingRule(
                name=entry.name,
                span=entry.key.span,
                type=_scalar(said, "type"),
                default=_optional(said, "default"),
                only_if=optional_value(said.get("only_if")),
                required=plain_bool(said.get("required")),
                id=_shown(said.get("id")),
                doc=said.text("doc") or "",
            )
        )
    return tuple(found)


def _key_parts(node: Node) -> tuple[KeyPart, ...]:
    assert isinstance(node, Table), "structure was checked"
    together = node.get("all")
    parts = _items(together) if together is not None else (node,)
    found = []
    for part in parts:
        assert isinstance(part, Table), "structure was checked"
        name = _scalar(part, "field")
        said = part.get("with")
        assert said is not None, "structure was checked"
        found.append(KeyPart(name.text, name.span, _any_value(said)))
    return tuple(found)


def _any_value(node: Node) -> AnyValue:
    if isinstance(node, Table) and node.find("ref") is not None:
        key = node.get("key")
        assert key is not None, "structure was checked"
        return Reference(_scalar(node, "ref"), value_of(key))
    return value_of(node)


def _param(entry: Entry) -> ParamRule:
    assert isinstance(entry.value, Table), "structure was checked"
    return ParamRule(entry.name, entry.key.span, _scalar(entry.value, "type"))


def _read(entry: Entry) -> ReadRule:
    said = entry.value
    assert isinstance(said, Table), "structure was checked"
    if said.find("get") is not None:
        kind = "many" if said.find("ids") is not None else "get"
        key = said.get("ids") if kind == "many" else said.get("id")
        assert key is not None, "structure was checked"
        return ReadRule(entry.name, entry.key.span, kind, _scalar(said, "get"), value_of(key), None, None, None)
    kind = "newest" if said.find("newest") is not None else "all"
    where = said.table("where")
    assert where is not None, "structure was checked"
    condition = where.entries[0]
    limit = _int(said.get("limit"))
    by = _optional(said, "by")
    value = value_of(condition.value)
    return ReadRule(entry.name, entry.key.span, kind, _scalar(said, kind), value, condition.key, by, limit)


def _fields(table: Table, name: str, defaults: Table | None) -> tuple[FieldRule, ...]:
    return tuple(_field(entry, defaults) for entry in entries(table, name))


def _field(entry: Entry, defaults: Table | None) -> FieldRule:
    said = entry.value if isinstance(entry.value, Table) else None

    def policy(name: str, otherwise: str) -> str:
        for table in (said, defaults):
            node = table.get(name) if table else None
            if isinstance(node, Scalar):
                return node.text
        return otherwise

    value: AnyValue
    if said is None:
        value = value_of(entry.value)
    elif said.find("ref") is not None or said.find("const") is not None:
        value = _any_value(said)
    else:
        node = said.get("value")
        assert node is not None, "structure was checked"
        value = value_of(node)
    return FieldRule(
        name=entry.name,
        span=entry.key.span,
        value=value,
        table=_value_table(said) if said else None,
        write=policy("write", "always"),
        on_null=policy("on_null", "skip"),
        on_error=policy("on_error", "fail_record"),
        on_missing=policy("on_missing", "defer"),
        max_length=policy("max_length", "error"),
        round=_int(said.get("round")) if said else None,
        final=said is not None and plain_bool(said.get("final")),
        pii=said is not None and plain_bool(said.get("pii")),
        doc=(said.text("doc") if said else None) or "",
    )


def _value_table(said: Table) -> ValueTable | None:
    rows = said.find("map")
    shared = said.find("table")
    if rows is None and shared is None:
        return None
    other = said.get("else")
    return ValueTable(
        rows=table_rows(rows.value) if rows else (),
        name=_optional(said, "table"),
        fallback=fallback_of(other),
        asks_for_error=isinstance(other, Scalar) and other.value == "error",
        span=(rows or shared).key.span,  # type: ignore[union-attr]
    )


def table_rows(node: Node) -> tuple[tuple[Scalar, Scalar], ...]:
    """Rows of a value table: source value, written value."""
    if not isinstance(node, Table):
        return ()
    return tuple((entry.key, entry.value) for entry in node if isinstance(entry.value, Scalar))


def fallback_of(node: Node | None) -> Value | None:
    """What `else:` says. Texts in a value table are constants on both sides, and so is its `else`; only the word
    `error` (and no `else`) means that other values are an error."""
    if node is None or (isinstance(node, Scalar) and node.value == "error"):
        return None
    return Constant(node) if isinstance(node, Scalar) else value_of(node)


def _membership(node: Node) -> MembershipRule:
    assert isinstance(node, Table), "structure was checked"
    said = node.get("list")
    assert said is not None, "structure was checked"
    status = node.text("status") or "subscribed"
    return MembershipRule(value_of(said), status, optional_value(node.get("if")), node.span)


def _child(entry: Entry, defaults: Table | None) -> ChildRule:
    said = entry.value
    assert isinstance(said, Table), "structure was checked"
    each = said.table("each")
    assert each is not None, "structure was checked"
    source = each.get("of")
    assert source is not None, "structure was checked"
    return ChildRule(
        name=entry.name,
        span=entry.key.span,
        set=said.text("set") or entry.name,
        to=_scalar(said, "to"),
        parent=_scalar(said, "parent"),
        key=scalars(said.get("key")),
        of=value_of(source),
        item=_scalar(each, "as"),
        filter=optional_value(each.get("filter")),
        lets=build_lets(said),
        fields=_fields(said, "fields", said.table("defaults") or defaults),
        checks=_checks(said),
    )


def _checks(table: Table) -> tuple[CheckRule, ...]:
    found = []
    for entry in entries(table, "checks"):
        said = entry.value
        if isinstance(said, Table):
            value = said.get("value")
            assert value is not None, "structure was checked"
            found.append(CheckRule(entry.name, entry.key.span, value_of(value), _scalar(said, "sum_of")))
        else:
            found.append(CheckRule(entry.name, entry.key.span, value_of(said), None))
    return tuple(found)


def _scalar(table: Table, name: str) -> Scalar:
    node = table.get(name)
    assert isinstance(node, Scalar), f"structure was checked: {name}"
    return node


def _optional(table: Table, name: str) -> Scalar | None:
    node = table.get(name)
    return node if isinstance(node, Scalar) else None


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()


def _int(node: Node | None) -> int | None:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(node: Node | None) -> str:
    return "" if node is None else str(plain(node))

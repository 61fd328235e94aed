"""Strategies: mapping files as people write them, with comments, empty lines and every style of scalar."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b1", "customer", "on", "no", "Name", "Field__c", "x_y"])
WORDS = st.sampled_from(["a", "it's", 'say "so"', "x: y", "b #c", "1", "on", "true", "02134", "12:30", "é", "{x}", "-"])
TEXTS = st.lists(WORDS, max_size=4).map(" ".join) | st.text(
    alphabet=st.sampled_from("ab 01.:-?#'\"\\{}[],&*!|>%@`\t\n~=/é_"), max_size=12
)


def _binary(parts: Any) -> Any:
    operators = ["or", "and", "==", "!=", "<", ">=", "in", "not in", "??", "+", "-", "*", "/", "%"]
    return st.tuples(parts, st.sampled_from(operators), parts, st.sampled_from([" ", "  "])).map(
        lambda made: f"({made[0]}){made[3]}{made[1]} ({made[2]})"
    )


def _quoted(text: str) -> str:
    made = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{made}'"


def _expressions(parts: Any) -> Any:
    return st.one_of(
        _binary(parts),
        parts.map(lambda x: f"-({x})"),
        parts.map(lambda x: f"not ({x})"),
        parts.map(lambda x: f"(({x}))"),
        st.tuples(parts, st.sampled_from(["is null", "is  not blank", "is missing"])).map(lambda x: f"({x[0]}) {x[1]}"),
        st.tuples(parts, parts, parts).map(lambda x: f"if ({x[0]}) then {x[1]} else {x[2]}"),
        st.tuples(parts, parts).map(lambda x: f"({x[0]}).map( c->{x[1]} )"),
        st.tuples(parts, parts).map(lambda x: f"join([{x[0]},{x[1]},], else = null)"),
        st.tuples(parts, NAMES).map(lambda x: f"({x[0]}).{x[1]}[0]"),
        st.tuples(parts, NAMES).map(lambda x: f"f'{{{x[1]}}}{{{{}}}}' + ({x[0]})"),
    )


EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.sampled_from(["1", "0.50", "0.0000001", "true", "null"]), TEXTS.map(_quoted)),
    _expressions,
    max_leaves=12,
)

VALUES: Any = st.deferred(lambda: SCALARS | LISTS | TABLES)
SCALARS = st.one_of(
    EXPRESSIONS.map(lambda text: ("text", text)),
    TEXTS.map(lambda text: ("text", text)),
    st.sampled_from(["true", "null", "12", "-1.50", ""]).map(lambda text: ("bare", text)),
)
LISTS = st.lists(st.deferred(lambda: VALUES), max_size=3).map(lambda items: ("list", items))
TABLES = st.lists(st.tuples(NAMES | TEXTS, st.deferred(lambda: VALUES)), max_size=3, unique_by=lambda x: x[0]).map(
    lambda rows: ("table", rows)
)

FIELDS = st.one_of(
    EXPRESSIONS.map(lambda text: ("text", text)),
    st.permutations(["value", "write", "doc", "unknown"]).flatmap(
        lambda keys: st.tuples(
            *(EXPRESSIONS.map(lambda t: ("text", t)) if key == "value" else SCALARS for key in keys)
        ).map(lambda values: ("table", list(zip(keys, values, strict=True))))
    ),
)
MAPPINGS = st.permutations(["interpret", "mapping", "from", "filter", "fields", "key", "title"]).flatmap(
    lambda keys: st.tuples(*(_PARTS[key] for key in keys)).map(
        lambda values: ("table", list(zip(keys, values, strict=True)))
    )
)
_PARTS: dict[str, Any] = {
    "interpret": st.just(("bare", "1")),
    "mapping": st.just(("text", "one")),
    "from": VALUES,
    "filter": EXPRESSIONS.map(lambda text: ("text", text)),
    "fields": st.lists(st.tuples(NAMES, FIELDS), min_size=1, max_size=4, unique_by=lambda x: x[0]).map(
        lambda rows: ("table", rows)
    ),
    "key": VALUES,
    "title": TEXTS.map(lambda text: ("text", text)),
}


class Writer:
    """Writes such a value as YAML, in whatever style the drawn numbers say."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def pick(self, *choices: Any) -> Any:
        """One of these."""
        return self.draw(st.sampled_from(choices))

    def document(self, value: Any) -> str:
        """A document whose root is a table."""
        return self._comments(0) + self._rows(value[1], 0) + self._comments(self.pick(0, 2))

    def _comments(self, indent: int) -> str:
        return self.pick("", "", "", f"{' ' * indent}# above\n", "\n\n", f"\n{' ' * indent}#x\n\n")

    def _end(self) -> str:
        return self.pick("", "", "", " # behind", "   #y") + "\n"

    def _rows(self, rows: Any, indent: int) -> str:
        made = ""
        for name, value in rows:
            made += (
                self._comments(indent) + f"{' ' * indent}{self._text(name, flow=False)}:" + self._below(value, indent)
            )
        return made

    def _items(self, items: Any, indent: int) -> str:
        return "".join(self._comments(indent) + f"{' ' * indent}-" + self._below(item, indent) for item in items)

    def _below(self, value: Any, indent: int) -> str:
        kind, said = value
        if kind in ("list", "table") and said and self.pick(True, False):
            below = indent + self.pick(1, 2, 4)
            body = self._items(said, below) if kind == "list" else self._rows(said, below)
            return self._end() + body + self._comments(self.pick(indent, below))
        if kind == "text" and self.pick(True, False, False):
            block = self._block(said, indent + self.pick(1, 2, 3))
            if block is not None:
                return block
        return " " + self._flow(value) + self._end()

    def _block(self, text: str, indent: int) -> str | None:
        if not text.strip() or any(char in text for char in "\t") or text != text.strip(" \n") or "\n " in text:
            return None
        if " \n" in text:
            return None
        begin = " " * indent
        if self.pick(True, False):
            header = self.pick("|-", "|", "|+", "|- # head")
            return f" {header}\n" + "".join(f"{begin}{line}\n" if line else "\n" for line in text.split("\n"))
        if "\n" in text:
            return None
        at = text.find(" ", len(text) // 2)
        folds = at > 0 and text[at - 1] != " " and text[at + 1 : at + 2] not in ("", " ")
        body = f"{text[:at]}\n{begin}{text[at + 1 :]}" if folds else text
        return f" {self.pick('>-', '>')}\n{begin}{body}\n"

    def _flow(self, value: Any) -> str:
        kind, said = value
        if kind == "bare":
            return str(said) or "null"
        if kind == "text":
            return self._text(said, flow=True)
        gap = self.pick("", " ", " # in brackets\n          ", "\n          ")
        if kind == "list":
            return "[" + f",{gap}".join(self._flow(item) for item in said) + "]"
        return "{" + f",{gap}".join(f"{self._text(name, flow=True)}: {self._flow(item)}" for name, item in said) + "}"

    def _text(self, text: str, *, flow: bool) -> str:
        from fieldwright.dsl.format.scalars import inline

        if "\n" in text or "\t" in text or self.pick(True, False, False):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
            return f'"{escaped}"'
        return inline(text, flow=flow) if self.pick(True, False) else "'" + text.replace("'", "''") + "'"


@st.composite
def files(draw: Any) -> str:
    """The text of a file with one or two documents."""
    writer = Writer(draw)
    documents = [writer.document(draw(MAPPINGS)) for _ in range(writer.pick(1, 1, 2))]
    return "---\n".join(documents)

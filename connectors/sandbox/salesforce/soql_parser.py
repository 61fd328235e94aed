"""SOQL tokens into a syntax tree, by recursive descent.

Reads SELECT with paths, functions, aliases, FIELDS() and child queries, WHERE and HAVING with the AND/OR rule of
real orgs (mixing needs parentheses), semi-joins, date literals, GROUP BY, ORDER BY, LIMIT, OFFSET, ALL ROWS and
the clauses without effect here (USING SCOPE, WITH SECURITY_ENFORCED, FOR VIEW). Not read: TYPEOF, GROUP BY ROLLUP
and CUBE, DISTANCE, data categories. Whether names exist is for `soql_sql`.
"""

from __future__ import annotations

from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.soql_lexer import Kind, Token, malformed, tokens_of
from fieldwright.connectors.sandbox.salesforce.soql_syntax import (
    AllFields,
    Both,
    Call,
    Comparison,
    Condition,
    DateRange,
    Literal,
    Negated,
    Order,
    Path,
    Query,
)

LONGEST_QUERY = 100_000
_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "WITH", "USING", "FOR", "ALL"})
_COMPARISONS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})


def parse(text: str) -> Query:
    """The tree of a query. Raises MALFORMED_QUERY, or QUERY_TOO_COMPLICATED above 100,000 characters."""
    if len(text) > LONGEST_QUERY:
        raise RequestRefused(400, "QUERY_TOO_COMPLICATED", "Query is too long. Maximum length is 100000 characters.")
    reader = _Reader(text)
    query = reader.query(nested=False)
    reader.expect_end()
    return query


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.index = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def unexpected(self, token: Token | None = None) -> RequestRefused:
        at = token or self.token
        shown = at.text if at.kind is not Kind.END else "<EOF>"
        return malformed(self.text, at.position, f"unexpected token: '{shown}'")

    def next(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def symbol(self, text: str) -> bool:
        if self.token.kind is Kind.SYMBOL and self.token.text == text:
            self.index += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.symbol(text):
            raise self.unexpected()

    def word(self, *words: str) -> bool:
        """Takes the given words if all of them follow."""
        for distance, word in enumerate(words):
            index = self.index + distance
            if index >= len(self.tokens) or not self.tokens[index].is_word(word):
                return False
        self.index += len(words)
        return True

    def expect_word(self, word: str) -> None:
        if not self.word(word):
            raise self.unexpected()

    def expect_end(self) -> None:
        if self.token.kind is not Kind.END:
            raise self.unexpected()

    def name(self) -> Token:
        if self.token.kind is not Kind.NAME:
            raise self.unexpected()
        return self.next()

    def whole_number(self) -> int:
        if self.token.kind is not Kind.NUMBER or not self.token.text.isdigit():
            raise self.unexpected()
        return int(self.next().text)

    # Clauses

    def query(self, *, nested: bool) -> Query:
        self.expect_word("SELECT")
        select = [self.selected()]
        while self.symbol(","):
            select.append(self.selected())
        self.expect_word("FROM")
        source = self.name()
        object_name, position = source.text, source.position
        while nested and self.symbol("."):
            object_name += "." + self.name().text
        alias = self.object_alias()
        if self.word("USING"):
            self.expect_word("SCOPE")
            self.name()
        where = self.condition() if self.word("WHERE") else None
        if self.word("WITH"):
            self.name()
        group_by: list[Path | Call] = []
        having = None
        if self.word("GROUP", "BY"):
            group_by.append(self.operand())
            while self.symbol(","):
                group_by.append(self.operand())
            having = self.condition() if self.word("HAVING") else None
        order_by: list[Order] = []
        if self.word("ORDER", "BY"):
            order_by.append(self.order())
            while self.symbol(","):
                order_by.append(self.order())
        limit = self.whole_number() if self.word("LIMIT") else None
        offset = self.whole_number() if self.word("OFFSET") else None
        while self.word("FOR"):
            self.name()
        all_rows = self.word("ALL", "ROWS")
        return Query(
            tuple(select),
            object_name,
            position,
            alias,
            where,
            tuple(group_by),
            having,
            tuple(order_by),
            limit,
            offset,
            all_rows,
        )

    def object_alias(self) -> str | None:
        if self.word("AS"):
            return self.name().text
        if self.token.kind is Kind.NAME and self.token.text.upper() not in _CLAUSES:
            return self.next().text
        return None

    def selected(self) -> Path | Call | AllFields | Query:
        if self.symbol("("):
            query = self.query(nested=True)
            self.expect(")")
            return query
        start = self.token
        if start.is_word("FIELDS") and self.tokens[self.index + 1].text == "(":
            self.index += 2
            group = self.name().text.upper()
            if group not in ("ALL", "STANDARD", "CUSTOM"):
                raise self.unexpected(start)
            self.expect(")")
            return AllFields(group, start.position)
        return self.operand(with_alias=True)

    def operand(self, *, with_alias: bool = False) -> Path | Call:
        first = self.name()
        if self.symbol("("):
            argument = None if self.symbol(")") else self.operand()
            if argument is not None:
                self.expect(")")
            alias = self.field_alias() if with_alias else None
            return Call(first.text.upper(), argument, first.position, alias)
        parts = [first.text]
        while self.symbol("."):
            parts.append(self.name().text)
        return Path(tuple(parts), first.position, self.field_alias() if with_alias else None)

    def field_alias(self) -> str | None:
        if self.token.kind is not Kind.NAME or self.token.text.upper() in _CLAUSES:
            return None
        after = self.tokens[self.index + 1]
        # `SELECT Id FORM Account`: the culprit is the misspelt keyword, not the name behind it.
        if not (after.is_word("FROM") or after.text in (",", ")")):
            raise self.unexpected()
        return self.next().text

    def order(self) -> Order:
        by = self.operand()
        descending = self.word("DESC") or (self.word("ASC") and False)
        if self.word("NULLS", "LAST"):
            return Order(by, descending, False)
        self.word("NULLS", "FIRST")
        return Order(by, descending, True)

    # Conditions

    def condition(self) -> Condition:
        parts = [self.term()]
        joined: str | None = None
        while self.token.is_word("AND") or self.token.is_word("OR"):
            word = self.token.text.upper()
            # Real orgs refuse `a AND b OR c`: the reader would have to guess (unverified wording).
            if joined is not None and word != joined:
                raise self.unexpected()
            joined = word
            self.next()
            parts.append(self.term())
        return parts[0] if joined is None else Both(joined == "AND", tuple(parts))

    def term(self) -> Condition:
        if self.word("NOT"):
            return Negated(self.term())
        if self.symbol("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        left = self.operand()
        if self.word("NOT"):
            self.expect_word("IN")
            return Comparison(left, "NOT IN", self.members())
        if self.word("IN"):
            return Comparison(left, "IN", self.members())
        if self.word("LIKE"):
            return Comparison(left, "LIKE", self.literal())
        for word in ("INCLUDES", "EXCLUDES"):
            if self.word(word):
                return Comparison(left, word, self.members())
        token = self.token
        if token.kind is not Kind.SYMBOL or token.text not in _COMPARISONS:
            raise self.unexpected()
        self.next()
        return Comparison(left, "!=" if token.text == "<>" else token.text, self.literal())

    def members(self) -> tuple[Literal, ...] | Query:
        self.expect("(")
        if self.token.is_word("SELECT"):
            query = self.query(nested=False)
            self.expect(")")
            return query
        found = [self.literal()]
        while self.symbol(","):
            found.append(self.literal())
        self.expect(")")
        return tuple(found)

    def literal(self) -> Literal:
        token = self.next()
        match token.kind:
            case Kind.STRING:
                return Literal("string", token.text, token.position)
            case Kind.NUMBER:
                number = float(token.text)
                whole = number.is_integer() and "." not in token.text and "e" not in token.text.lower()
                return Literal("number", int(token.text) if whole else number, token.position)
            case Kind.DATE:
                return Literal("date", token.text, token.position)
            case Kind.DATETIME:
                return Literal("datetime", token.text, token.position)
            case Kind.NAME:
                return self.word_literal(token)
            case Kind.SYMBOL | Kind.END:
                raise self.unexpected(token)

    def word_literal(self, token: Token) -> Literal:
        word = token.text.upper()
        if word in ("TRUE", "FALSE"):
            return Literal("boolean", word == "TRUE", token.position)
        if word == "NULL":
            return Literal("null", None, token.position)
        if word in PLAIN_RANGES:
            return Literal("range", DateRange(word, None), token.position)
        if word in COUNTED_RANGES:
            self.expect(":")
            return Literal("range", DateRange(word, self.whole_number()), token.position)
        raise self.unexpected(token)


_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR")
PLAIN_RANGES = frozenset(
    {"TODAY", "YESTERDAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"}
    | {f"{when}_{unit}" for when in ("LAST", "THIS", "NEXT") for unit in _UNITS}
)
COUNTED_RANGES = frozenset(
    {f"{when}_N_{unit}S" for when in ("LAST", "NEXT") for unit in ("DAY", *_UNITS)}
    | {f"N_{unit}S_AGO" for unit in ("DAY", *_UNITS)}
)

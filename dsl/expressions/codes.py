"""Codes of findings in expressions (DM1xx, DM2xx) and of values that could not be computed (RT1xx below RT150)."""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.codeinfo import CodeInfo
from fieldwright.dsl.diagnostics import Severity

_WARNING: Final = Severity.WARNING

CODES: Final = (
    CodeInfo(
        "DM100",
        "Not an expression",
        "The text does not follow the grammar of expressions. Two names next to each other are often a text whose "
        "quotes were forgotten.",
        "Closed Won",
        "'Closed Won'",
    ),
    CodeInfo(
        "DM101",
        "Unknown field",
        "The object has no field of this name in the catalog. Custom fields of a project are declared in a `schema` "
        "document.",
        "customer.billing_adress.city",
        "customer.billing_address.city",
    ),
    CodeInfo(
        "DM102",
        "Unknown name",
        "Only the record, declared reads, `let`s, parameters, `settings`, `params` and `run` have names. A bare word "
        "is never taken for a text, so that a forgotten quote cannot write wrong data.",
        "PLAN",
        "'PLAN'",
    ),
    CodeInfo(
        "DM103",
        "Chained comparison",
        "Comparisons do not chain, because languages disagree about what a chain means.",
        "0 < plan.price < 10",
        "0 < x and x < 10",
    ),
    CodeInfo(
        "DM104",
        "Unknown function",
        "There is neither a built-in function of this name nor one from a library under `use:`.",
        "lowre(customer.email)",
        "lower(customer.email)",
    ),
    CodeInfo(
        "DM105",
        "Operator of another language",
        "Operators are words, because signs like `!` and `&` have a meaning of their own in YAML.",
        "a && !b",
        "a and not b",
    ),
    CodeInfo("DM106", "Equality", "Two values are compared with `==`; there is no assignment.", "a = b", "a == b"),
    CodeInfo("DM107", "Curly quotes", "Texts stand in straight quotes, ' or \".", "“Ada”", "'Ada'"),
    CodeInfo(
        "DM108",
        "Not closed",
        "A text needs the quote it began with at its end, and f-text a `}` for each `{`. A brace itself is doubled.",
        "'Ada",
        "'Ada'",
    ),
    CodeInfo("DM109", "Unexpected character", "This character has no meaning in expressions.", "$name", "name"),
    CodeInfo(
        "DM110",
        "Too long",
        "An expression has at most 4096 characters, so that checking an untrusted change stays cheap. Name parts with "
        "`let`.",
    ),
    CodeInfo("DM111", "Too deep", "Operators, calls and brackets nest at most 64 deep. Name parts with `let`."),
    CodeInfo("DM112", "Empty", "An expression is missing.", "f'{}'", "f'{customer.id}'"),
    CodeInfo(
        "DM113",
        "Wrong arguments",
        "The function takes another number of arguments, or other names. `else=` is for functions that can fail.",
        "truncate('abc')",
        "truncate('abc', 2)",
    ),
    CodeInfo(
        "DM114",
        "Arrow out of place",
        "`x -> ..` stands only as an argument of a function that asks for it.",
        "x -> x.id",
        "items.map(x -> x.id)",
    ),
    CodeInfo(
        "DM115",
        "Not a number",
        "Numbers are digits with at most one point: no exponent, no thousands mark, no leading zero, at most 64 bits "
        "(whole) or 34 digits (decimal).",
        "1e3",
        "1000",
    ),
    CodeInfo(
        "DM116",
        "Function calls itself",
        "Functions may call others, never themselves on any way: every expression must end.",
    ),
    CodeInfo("DM117", "Unknown escape", "Known escapes are \\\\ \\' \\\" \\n and \\t.", "'C:\\Users'", "'C:\\\\Users'"),
    CodeInfo(
        "DM118",
        "Name taken",
        "A parameter of `->` may not have the name of something else that is visible.",
        "items.map(customer -> customer.id)",
        "items.map(c -> c.id)",
    ),
    CodeInfo(
        "DM119",
        "Too large with its functions",
        "With the bodies of the functions it calls put in, the expression is too large or too deep.",
    ),
    CodeInfo(
        "DM201",
        "Operator does not fit",
        "The operator is not defined for values of these types. Nothing converts by itself except a whole number to a "
        "decimal.",
        "customer.first_name + customer.last_name",
        "join([customer.first_name, customer.last_name], ' ')",
    ),
    CodeInfo(
        "DM202",
        "Not comparable",
        "Only values of one type are compared; null is asked for with `is null`.",
        "customer.phone == null",
        "customer.phone is null",
    ),
    CodeInfo(
        "DM203",
        "Not a condition",
        "A condition is true or false; no other value counts as either.",
        "if customer.phone then 1 else 2",
        "if customer.phone is not blank then 1 else 2",
    ),
    CodeInfo(
        "DM204",
        "Condition may be null",
        "A condition that turns out null is an error of the record, because neither branch would be right.",
        "if plan.period > 1 then 'a' else 'b'",
        "if (plan.period > 1) ?? false then 'a' else 'b'",
        _WARNING,
    ),
    CodeInfo("DM205", "Argument does not fit", "The function takes a value of another type here."),
    CodeInfo(
        "DM206",
        "Value does not fit",
        "The place needs a value of another type, or one that is never null.",
    ),
    CodeInfo(
        "DM207",
        "Two types",
        "Both branches of `if`, both sides of `??` and all elements of a list have one type.",
        "customer.net_term_days ?? 'none'",
        "customer.net_term_days ?? 0",
    ),
    CodeInfo(
        "DM208",
        "Never equal",
        "The field is an enum, and the text is none of its values: the comparison can never hold.",
        "customer.auto_collection == 'yes'",
        "customer.auto_collection == 'on'",
    ),
    CodeInfo(
        "DM209",
        "Not a record",
        "Only records have fields. What follows a point may also be a function, which is written with brackets.",
        "customer.phone.length",
        "customer.phone.length()",
    ),
    CodeInfo(
        "DM210",
        "Currency not known",
        "Money inside of a nested record is counted in the currency of the record that holds it, which is out of sight "
        "here.",
    ),
    CodeInfo("DM211", "Not a position", "`[..]` takes an element of a list by its number, from 0.", "a['x']", "a[0]"),
    CodeInfo(
        "DM212",
        "Elements may be null",
        "The function needs every element. Replace null, or leave it out with compact().",
        "lines.map(l -> l.quantity).sum()",
        "lines.map(l -> l.quantity ?? 0).sum()",
    ),
    CodeInfo(
        "DM213",
        "Which zone?",
        "A moment is a different calendar day in different places, so a zone must be named.",
        "invoice.date.date()",
        "invoice.date.date(settings.timezone)",
    ),
    CodeInfo("DM214", "Not for f-text", "F-text shows texts, numbers, dates and true or false.", "f'{plan.price}'"),
    CodeInfo(
        "DM215",
        "Never used",
        "The left side of `??` is never null, so the right side is never used.",
        "customer.id ?? 'none'",
        "customer.id",
        _WARNING,
    ),
    CodeInfo(
        "DM216",
        "Type not known",
        "The catalog does not say what is inside of this value (free JSON), so nothing can be checked.",
    ),
    CodeInfo(
        "DM217",
        "Amount times or by 100",
        "Money is exact in its currency, yen and dollars alike: nothing is left to be converted from cents. Where a "
        "number of cents is wanted, minor_units() gives it.",
        "invoice.total / 100",
        "amount(invoice.total)",
        _WARNING,
    ),
    CodeInfo("DM218", "No such time zone", "Zones are named as in the IANA database.", "'Berlin'", "'Europe/Berlin'"),
    CodeInfo(
        "DM219",
        "Not a pattern or form",
        "Patterns of matches(), extract() and replace_pattern() are written in the syntax of RE2, which has no "
        "look-around and no back-references. Forms of dates are made of fixed fields, as yyyy-MM-dd.",
        "format_date(day, 'YYYY-MM-DD')",
        "format_date(day, 'yyyy-MM-dd')",
    ),
    CodeInfo(
        "DM220",
        "Always fails",
        "The values are written in the expression, and it cannot be computed from them: whenever it is reached, the "
        "record fails.",
        "date('31.01.2020')",
        "date('2020-01-31')",
        _WARNING,
    ),
    CodeInfo("RT100", "Wrong type at run time", "An input does not have the type it was declared with."),
    CodeInfo(
        "RT101",
        "Source breaks its schema",
        "A field holds something else than its schema says, as a text where a number should be. Nothing is guessed: "
        "correct the record, or the schema if the system changed.",
    ),
    CodeInfo("RT102", "Division by zero", "Test the divisor first, or use `max(.., 1)`."),
    CodeInfo("RT103", "Out of range", "A number or date is larger than the language or the target field can hold."),
    CodeInfo("RT104", "Two currencies", "Amounts in different currencies cannot be added or compared."),
    CodeInfo("RT105", "Cannot be converted", "A function could not make its result of this value; `else=` may help."),
    CodeInfo("RT106", "No row in the value table", "The value has no row and the table no `else:`."),
    CodeInfo("RT107", "Condition is null", "A condition was neither true nor false; say what null means with `??`."),
    CodeInfo("RT108", "Too many steps", "The record needs more work than is allowed; filter lists earlier."),
    CodeInfo("RT109", "List too long", "A list is longer than the language allows."),
    CodeInfo("RT110", "Text too long", "A text is longer than the language allows."),
    CodeInfo("RT111", "No such time zone", "A zone from a setting or a record does not exist."),
    CodeInfo("RT112", "Too long for the field", "Shorten the value, or say `max_length: truncate`."),
    CodeInfo("RT113", "Null under `on_null: error`", "The mapping forbids null for this field."),
    CodeInfo("RT114", "Not read", "A condition or key depends on a field that was not read."),
    CodeInfo("RT115", "Check does not hold", "A condition under `checks:` does not hold for this record."),
    CodeInfo("RT116", "Amount without currency", "The field that names the currency is empty or no currency code."),
    CodeInfo("RT118", "Not a pattern", "A pattern from a setting or a record is not written in the syntax of RE2."),
    CodeInfo("RT117", "Does not fit the target field", "The value has another type than the target field takes."),
)

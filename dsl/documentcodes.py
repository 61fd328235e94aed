"""Codes of findings about files, structure and overlays: DM0xx and DM6xx."""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.codeinfo import CodeInfo

CODES: Final = (
    CodeInfo(
        "DM001",
        "Not valid YAML",
        "The YAML parser could not go on; the rest of the document is not checked. Most often an expression with `: ` "
        "or `#` in it, or one that starts with a quote and goes on after it, needs quotes around the whole.",
        "Name: a: b",
        "Name: \"f'a: {customer.id}'\"",
    ),
    CodeInfo(
        "DM002",
        "File too large",
        "Mapping files hold at most 256 KiB, so that checking an untrusted change stays cheap. Split the file.",
    ),
    CodeInfo("DM003", "Nested too deep", "Lists and tables nest at most 32 deep.", "[[[[ and 29 more", "[[1]]"),
    CodeInfo(
        "DM004",
        "Key twice",
        "Of two equal keys a YAML library keeps the last without a word. Which one was meant cannot be known.",
        "Phone: customer.phone\nPhone: null",
        "Phone: customer.phone",
    ),
    CodeInfo(
        "DM005",
        "Anchor, alias, merge key or tag",
        "A mapping file says everything where it holds. Pointers make reviews hard and files explode.",
        "a: &x 1\nb: *x",
        "a: 1\nb: 1",
    ),
    CodeInfo(
        "DM006",
        "Key is not a text",
        "A key that YAML takes for a number, a boolean or null must be put in quotes.",
        "map: {1: One}",
        "map: {'1': One}",
    ),
    CodeInfo(
        "DM007",
        "Character that may not be there",
        "Tabs, control characters and unusual line ends make what is shown differ from what is meant. Files are UTF-8.",
    ),
    CodeInfo(
        "DM008",
        "Number too large",
        "An integer has at most 64 bits, a decimal at most 34 digits. A long identifier is a text: put it in quotes.",
        "default: 99999999999999999999",
        "default: '99999999999999999999'",
    ),
    CodeInfo(
        "DM010",
        "Kind of document unclear",
        "A document has exactly one of the keys project, mapping, overlay, functions, tables, ruleset, machine, test, "
        "schema; it tells what the document is, and its name.",
        "interpret: 1\ntitle: Accounts",
        "interpret: 1\nmapping: customer-account",
    ),
    CodeInfo(
        "DM011",
        "Unknown key",
        "A key that nothing reads is a slip of the pen, and what it was to say would silently not hold.",
        "fields: {Phone: {valeu: customer.phone}}",
        "fields: {Phone: {value: customer.phone}}",
    ),
    CodeInfo(
        "DM012",
        "Key missing",
        "Something that has no default is not said.",
        "fields: {Site: {ref: site}}",
        "fields: {Site: {ref: site, key: run.source.domain}}",
    ),
    CodeInfo(
        "DM013",
        "Wrong kind of value",
        "A list where a table is expected, a number where a text is expected, and the like.",
        "after: customer-account",
        "after: [customer-account]",
    ),
    CodeInfo(
        "DM014",
        "Value not among those possible",
        "A policy or option has a fixed set of words.",
        "write: allways",
        "write: always",
    ),
    CodeInfo("DM015", "Unknown format version", "This program reads format 1.", "interpret: 2", "interpret: 1"),
    CodeInfo(
        "DM016",
        "Name used twice",
        "Two documents of one kind, or two rules of a ruleset, have the same name.",
    ),
    CodeInfo(
        "DM017",
        "Not a possible name",
        "Names of documents are lower-case words joined by hyphens; names that expressions use are letters, digits and "
        "underscores; objects are written system.Object.",
        "mapping: Customer Account",
        "mapping: customer-account",
    ),
    CodeInfo(
        "DM018",
        "Looks like a secret",
        "Mapping files are reviewed, shared and kept for ever. Credentials come from environment variables.",
    ),
    CodeInfo("DM019", "Nothing in it", "An empty list or table where at least one entry is needed.", "match: []"),
    CodeInfo(
        "DM020",
        "Not a type",
        "Types are bool, int, decimal, string, date, timestamp, duration, money, any, enum<a, b>, list<T>, "
        "record<object>, ref<mapping>, picklist<object.field>, each with `?` when null is possible.",
        "type: text",
        "type: string",
    ),
    CodeInfo(
        "DM021",
        "Name has a meaning already",
        "One name stands for one thing: the record, a read, a named value, the item of a list, or an input like `run`.",
        "let: {run: 1}",
        "let: {tries: 1}",
    ),
    CodeInfo(
        "DM601",
        "Overlay of an unknown mapping",
        "`extends` names a mapping that is not among the files.",
        "extends: customer-acount@1",
        "extends: customer-account@1",
    ),
    CodeInfo(
        "DM602",
        "Overlay of another version",
        "The mapping has moved on since the overlay was written. Read what changed, then write the new version.",
        "extends: customer-account@1   # the mapping says version: 2",
        "extends: customer-account@2",
    ),
    CodeInfo(
        "DM603",
        "Added thing is there already",
        "`add` never overwrites. If the field is meant to be different, use `change`.",
        "add: {fields: {Phone: customer.phone}}",
        "change: {fields: {Phone: {write: if_empty}}}",
    ),
    CodeInfo(
        "DM604",
        "Changed thing is not there",
        "The mapping has no such field (any more), so the change would do nothing.",
        "change: {fields: {Phon: {write: if_empty}}}",
        "change: {fields: {Phone: {write: if_empty}}}",
    ),
    CodeInfo(
        "DM605",
        "Removed thing is not there",
        "The mapping has no such field (any more), so removing it would do nothing.",
        "remove: {fields: [Phon]}",
        "remove: {fields: [Phone]}",
    ),
    CodeInfo(
        "DM606",
        "Final field",
        "The mapping's author says that others rely on this field as it is.",
        "change: {fields: {Id__c: customer.id}}   # final: true in the mapping",
    ),
    CodeInfo(
        "DM607",
        "Touched twice",
        "Two overlays, or two verbs of one, touch the same thing: which comes last must not decide.",
    ),
    CodeInfo(
        "DM608",
        "Unknown setting in an overlay",
        "An overlay gives a value to a setting that the mapping does not have.",
        "settings: {lsit: Customers}",
        "settings: {list: Customers}",
    ),
    CodeInfo("DM609", "Unknown overlay", "The project names an overlay that is not among the files."),
    CodeInfo(
        "DM610",
        "Mapping is not what the overlay expects",
        "Under `expects:` an overlay says which definitions of the mapping it relies on. One of them is another now, "
        "or gone: what the overlay does may no longer be right.",
        "expects: {Phone: customer.phone}   # the mapping says customer.billing_address.phone",
        "expects: {Phone: customer.billing_address.phone}",
    ),
)

"""Registries -> Markdown: functions, codes, commands, keys of documents, settings and connections.

Each page is a template of this folder, filled with the declarations themselves: signatures and examples that lint and
tests use, the schema that checks files, the options that click parses. Writing the pages to files, and saying which of
them are out of date, is the business of `fieldwright.commands.docs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files as resource_files
from typing import Any, Final

import click
from jinja2 import Environment, StrictUndefined

from fieldwright.cli import COMMANDS, cli
from fieldwright.connectors.registry import CONNECTORS, shipped_schemas
from fieldwright.dsl.codes import registry
from fieldwright.dsl.document import DocumentKind
from fieldwright.dsl.functions.registry import Function, functions
from fieldwright.dsl.mapping import SettingRule
from fieldwright.dsl.mappingdocument import build_mapping, build_settings
from fieldwright.dsl.pipeline import Loaded, load
from fieldwright.dsl.structure import schema
from fieldwright.dsl.values import Money
from fieldwright.project import pack_files
from fieldwright.reference.keys import kinds, shared_parts
from fieldwright.runtime.reporters.printable import shown

PAGES: Final = {
    "README.md": "What is in this folder",
    "commands.md": "The command line",
    "documents.md": "Keys of mapping files",
    "functions.md": "Functions of the language",
    "grammar.md": "Grammar of expressions",
    "codes.md": "Codes of findings and errors",
    "mappings.md": "Shipped mappings and their settings",
    "connections.md": "Connections and environment variables",
}
"""File name -> title, in the order in which the index lists them."""

_HELP_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class HelpPage:
    """What `--help` of one command prints; `name` is `interpret sandbox reset`."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ShippedDocument:
    """A shipped mapping or ruleset with its settings. `route` is `source -> target`, empty for a ruleset."""

    name: str
    kind: str
    title: str
    route: str
    file: str
    settings: tuple[SettingRule, ...]


def render_pages() -> dict[str, str]:
    """Every page, by file name."""
    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"literal": literal, "cell": _cell}
    folder = resource_files("fieldwright.reference")
    values = _values()
    pages = {}
    for name, title in PAGES.items():
        template = environment.from_string((folder / f"{name}.j2").read_text(encoding="utf-8"))
        pages[name] = re.sub(r"\n{3,}", "\n\n", template.render(title=title, **values)).rstrip("\n") + "\n"
    return pages


def literal(value: Any) -> str:
    """A value as an expression of the language would write it, or as reports show it where it has no literal."""
    match value:
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case datetime():
            return f"timestamp('{value.isoformat().replace('+00:00', 'Z')}')"
        case date():
            return f"date('{value.isoformat()}')"
        case timedelta():
            return _duration(value)
        case Money():
            return f"money({value.major()}, '{value.currency}')"
        case _:
            return shown(value)


def _duration(length: timedelta) -> str:
    for unit, size in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("seconds", timedelta(seconds=1))):
        if not length % size:
            return f"{unit}({length // size})"
    return f"duration('PT{Decimal(length // timedelta(microseconds=1)).scaleb(-6).normalize():f}S')"


def _values() -> dict[str, Any]:
    declared = schema()
    loaded = load(tuple(pack_files()))
    return {
        "pages": {name: title for name, title in PAGES.items() if name != "README.md"},
        "categories": _categories(),
        "codes": registry(),
        "commands": list(_help_pages()),
        "exit_codes": (cli.epilog or "").partition("Exit codes: ")[2].replace("\n", " "),
        "kinds": kinds(declared),
        "parts": shared_parts(declared),
        "grammar": (resource_files("fieldwright.dsl.grammar") / "expression.lark").read_text(encoding="utf-8"),
        "mappings": list(_shipped(loaded)),
        "connectors": CONNECTORS,
        "systems": {name: len(catalog.objects) for name, catalog in shipped_schemas().catalogs.items()},
    }


def _categories() -> Mapping[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for function in sorted(functions().values(), key=lambda one: one.name):
        found.setdefault(function.category, []).append(function)
    return dict(sorted(found.items()))


def _help_pages() -> Iterator[HelpPage]:
    settings = {**cli.context_settings, "terminal_width": _HELP_WIDTH, "max_content_width": _HELP_WIDTH}
    group = click.Context(cli, info_name="interpret", **settings)
    for name in COMMANDS:
        command = cli.get_command(group, name)
        assert command is not None, "it is in the table of commands"
        yield from _help_of(command, name, group)


def _help_of(command: click.Command, name: str, above: click.Context) -> Iterator[HelpPage]:
    # Widths come from the context above, the rest from the command.
    context = click.Context(command, parent=above, info_name=name, **command.context_settings)
    yield HelpPage(context.command_path, command.get_help(context).rstrip())
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            inner = command.get_command(context, sub)
            assert inner is not None, "the group lists it"
            yield from _help_of(inner, sub, context)


def _shipped(loaded: Loaded) -> Iterator[ShippedDocument]:
    for document in sorted(loaded.documents, key=lambda one: (one.file.path, one.root.start)):
        if document.kind not in (DocumentKind.MAPPING, DocumentKind.RULESET):
            continue
        route = ""
        if document.kind is DocumentKind.MAPPING:
            rules = build_mapping(document)
            route = f"{rules.object.text} -> {rules.to.text}"
        yield ShippedDocument(
            name=document.name,
            kind=document.kind.value,
            title=document.root.text("title") or document.name,
            route=route,
            file=f"mappings/{document.file.path.rpartition('mappings/')[2]}",
            settings=build_settings(document.root),
        )


def _cell(text: object) -> str:
    """Text in a table of Markdown: a bar would end the cell."""
    return " ".join(str(text).split()).replace("|", "\\|")

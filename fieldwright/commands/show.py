"""`interpret show`: a mapping as it is in effect: every field with its value, its policies and where it comes from.

`--effective` prints the merged mapping as a file, `--unmapped` what the mapping leaves out on both sides.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import find_project
from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.printable import printable, shown

if TYPE_CHECKING:
    from fieldwright.checked import CheckedProject
    from fieldwright.dsl.mapping import AnyValue, FieldRule
    from fieldwright.dsl.mapping import Mapping as MappingRules
    from fieldwright.dsl.unmapped import LeftOut, Unmapped

_USUAL = {"write": "always", "on_null": "skip", "on_error": "fail_record", "max_length": "error"}


@click.command(
    "show",
    short_help="Print a mapping as it is in effect, overlays included.",
    epilog="""\b
Examples:
  interpret show                                the mappings of this project
  interpret show customer-account               one of them: fields, values, policies, origin
  interpret show customer-account --effective   as a file, overlays merged, each line with its place
  interpret show customer-account --unmapped    target fields not written, source fields not read""",
)
@click.argument("name", required=False)
@click.option("--effective", is_flag=True, help="Print it as a file, overlays merged, each line with its place.")
@click.option("--unmapped", is_flag=True, help="Print target fields that are not written and source fields not read.")
@options.target_option()
@options.project_option()
@options.output_option()
def command(
    name: str | None, effective: bool, unmapped: bool, target: str | None, folder: Path | None, output_format: str
) -> int:
    """Print a mapping as it is in effect, overlays included.

    Each field is followed by the file and line that it comes from. Without a name the mappings are listed.
    """
    from fieldwright.checked import check

    if effective and unmapped:
        raise failures.WrongUse("--effective and --unmapped are two different prints", "give one of them")
    if name is None and (effective or unmapped):
        raise failures.WrongUse("which mapping?", "`interpret show` lists the mappings")
    project = find_project(folder)
    checked = check(project, project.target(target))
    if name is None:
        return _list(checked, output_format)
    rules = checked.result.mappings.get(name)
    if rules is None:
        from fieldwright.dsl.nearest import did_you_mean

        hint = did_you_mean(name, checked.result.mappings)
        raise failures.WrongUse(
            f"there is no mapping `{name}`" + (f", {hint}" if hint else ""), "`interpret show` lists the mappings"
        )
    settings = checked.settings.get(name, {})
    if unmapped:
        _print_unmapped(_unmapped(checked, name), rules, output_format)
    elif output_format == output.Format.JSON:
        output.write_json(_document(rules, settings))
    elif effective:
        from fieldwright.dsl.format.effective import effective_text

        output.write(effective_text(rules.document))
    else:
        output.write("\n".join(_lines(rules, settings, output.paint_for(sys.stdout))) + "\n")
    return failures.OK


def _unmapped(checked: CheckedProject, name: str) -> Unmapped:
    from fieldwright.dsl.compiler import compile_program
    from fieldwright.dsl.unmapped import find_unmapped

    result = checked.result
    # What a mapping with mistakes reads is not known, and would be listed as unread.
    if result.linked[name].spec is None:
        checked.require()
    used = {each: program.used for each, program in result.programs.items()}
    spec = result.linked[name].spec
    if name not in used and spec is not None:
        used[name] = compile_program(spec).used
    return find_unmapped(name, result.linked, used, result.schemas)


def _print_unmapped(found: Unmapped, rules: MappingRules, output_format: str) -> None:
    if output_format == output.Format.JSON:
        sides = {"targets": found.targets, "sources": found.sources}
        rows = {
            side: [
                {"object": object_, "fields": [_left_out(one) for one in fields]} for object_, fields in objects.items()
            ]
            for side, objects in sides.items()
        }
        output.write_json({"version": 1, "mapping": rules.name, **rows})
        return
    for objects, sentence, verb in (
        (found.targets, "can be written and are not", "written"),
        (found.sources, "are never read", "read"),
    ):
        for object_, fields in objects.items():
            output.say(f"{object_}: {len(fields)} {'field' if len(fields) == 1 else 'fields'} {sentence}")
            width = max((len(one.field.name) for one in fields), default=0)
            for one in fields:
                facts = [str(one.field.type), *(["required"] if one.field.required and verb == "written" else [])]
                facts += [one.field.label] if one.field.label else []
                facts += [f"only with {one.field.only_if}"] if one.field.only_if else []
                facts += [f"{verb} by {', '.join(one.elsewhere)}"] if one.elsewhere else []
                output.say(f"  {one.field.name.ljust(width)}  {', '.join(facts)}")


def _left_out(one: LeftOut) -> dict[str, Any]:
    return {
        "field": one.field.name,
        "type": str(one.field.type),
        "label": one.field.label,
        "required": one.field.required,
        "elsewhere": list(one.elsewhere),
    }


def _list(checked: CheckedProject, output_format: str) -> int:
    applied = checked.result.order
    known = checked.result.mappings
    ordered = [*applied, *sorted(known.keys() - set(applied))]
    if output_format == output.Format.JSON:
        rows = [
            {
                "mapping": name,
                "from": known[name].object.text,
                "to": known[name].to.text,
                "title": known[name].title,
                "applied": name in applied,
                "overlays": list(known[name].extended_by),
            }
            for name in ordered
        ]
        output.write_json({"version": 1, "mappings": rows})
        return failures.OK
    width = max((len(name) for name in ordered), default=0)
    for name in ordered:
        rules = known[name]
        remarks = [*([] if name in applied else ["not applied"]), *(f"+ {overlay}" for overlay in rules.extended_by)]
        tail = f"  ({', '.join(remarks)})" if remarks else ""
        output.say(f"{name.ljust(width)}  {rules.object.text} -> {rules.to.text}{tail}")
    return failures.OK


def _lines(rules: MappingRules, settings: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    yield paint.strong(f"{rules.name}@{rules.version}: {printable(rules.title)}")
    yield f"{rules.object.text} (as {rules.root.text}) -> {rules.to.text}  {paint.quiet('# ' + rules.span.line)}"
    if rules.extended_by:
        yield f"extended by {', '.join(rules.extended_by)}"
    if rules.driven_by:
        yield f"driven by {rules.driven_by.text}"
    for number, parts in enumerate(rules.keys):
        said = " and ".join(f"{part.field} = {value_text(part.value)}" for part in parts)
        yield f"{'found by' if not number else 'else by '} {printable(said)}"
    if settings:
        yield "settings:"
        for name, value in settings.items():
            yield f"  {printable(name)} = {shown(value)}"
    yield "fields:"
    file = rules.span.file.path
    yield from _field_lines((*rules.fields, *rules.custom_fields), file, paint)
    for child in rules.children:
        place = paint.quiet("# " + child.span.line)
        yield f"rows of {child.to.text} ({child.set}), one for each {child.item.text}:  {place}"
        yield from _field_lines(child.fields, file, paint)


def _field_lines(fields: tuple[FieldRule, ...], file: str, paint: Paint) -> Iterator[str]:
    """A line a field. Fields of the mapping's own file show the line alone, those of overlays the file too."""
    width = max((len(rule.name) for rule in fields), default=0)
    for rule in fields:
        policies = "".join(f"  {name}={value}" for name, value in _policies(rule).items())
        path, _, line = rule.span.line.rpartition(":")
        place = paint.quiet(f"# line {line}" if path == file else f"# {printable(path)}:{line}")
        yield f"  {printable(rule.name).ljust(width)} = {printable(value_text(rule.value))}{policies}  {place}"


def value_text(value: AnyValue) -> str:
    """A value as it stands in the file."""
    from fieldwright.dsl.mapping import Constant, Expression, Reference

    match value:
        case Expression():
            return " ".join(value.source.text.split())
        case Constant():
            return shown(value.source.value)
        case Reference():
            return f"{{ref: {value.mapping.text}, key: {value_text(value.key)}}}"


def _policies(rule: FieldRule) -> dict[str, str]:
    found = {name: str(getattr(rule, name)) for name, usual in _USUAL.items() if getattr(rule, name) != usual}
    if rule.table is not None:
        rows = ", ".join(f"{source.text}: {target.text}" for source, target in rule.table.rows)
        found["map"] = f"table {rule.table.name.text}" if rule.table.name else f"{{{printable(rows)}}}"
    if rule.final:
        found["final"] = "true"
    return found


def _document(rules: MappingRules, settings: Mapping[str, Any]) -> dict[str, Any]:
    def fields(of: tuple[FieldRule, ...]) -> list[dict[str, Any]]:
        return [
            {"field": rule.name, "value": value_text(rule.value), "at": rule.span.line, **_policies(rule)}
            for rule in of
        ]

    return {
        "version": 1,
        "mapping": rules.name,
        "mapping_version": rules.version,
        "title": rules.title,
        "from": rules.object.text,
        "to": rules.to.text,
        "overlays": list(rules.extended_by),
        "settings": dict(settings),
        "fields": fields((*rules.fields, *rules.custom_fields)),
        "children": [
            {"set": child.set, "to": child.to.text, "at": child.span.line, "fields": fields(child.fields)}
            for child in rules.children
        ],
    }

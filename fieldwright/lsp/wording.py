"""Fields, functions, keys and codes -> the few lines of Markdown that an editor shows about them."""

from __future__ import annotations

from fieldwright.dsl.codes import registry
from fieldwright.dsl.expressions.scope import UserFunction
from fieldwright.dsl.functions.registry import Function
from fieldwright.dsl.schema import FieldSchema, ObjectSchema
from fieldwright.dsl.types import Kind

_MOST_VALUES = 40


def about_field(owner: str, field: FieldSchema, *, written: bool) -> str:
    """A field of an object; for a target field (`written`) also what may be written into it."""
    lines = [code(f"{owner}.{field.name}: {field.type}")]
    if field.label:
        lines.append(field.label)
    if written:
        limits = written_limits(field)
        if limits:
            lines.append(", ".join(limits))
    if field.type.kind is Kind.ENUM and field.type.values:
        shown = ", ".join(f"`{value}`" for value in field.type.values[:_MOST_VALUES])
        more = len(field.type.values) - _MOST_VALUES
        lines.append(f"Values: {shown}" + (f" and {more} more" if more > 0 else ""))
    if field.references:
        lines.append(f"Refers to {' or '.join(field.references)}")
    if field.currency:
        lines.append(f"Counted in the currency of `{field.currency}`")
    if field.deprecated:
        lines.append("Deprecated")
    if field.status != "documented":
        lines.append(f"This name is {field.status}")
    return "\n\n".join(lines)


def written_limits(field: FieldSchema) -> list[str]:
    """What a target asks of a value: length, digits, whether it must be there."""
    found = []
    if field.native:
        found.append(f"type {field.native}")
    if field.required:
        found.append("required")
    if field.length is not None:
        found.append(f"at most {field.length} characters")
    if field.precision is not None:
        found.append(f"{field.precision} digits, {field.scale or 0} after the point")
    if field.external_id:
        found.append("external id")
    if field.unique:
        found.append("unique")
    if field.type.kind is Kind.ENUM:
        found.append("restricted picklist" if field.restricted else "open picklist")
    if not (field.createable or field.updateable):
        found.append("read-only")
    elif not field.updateable:
        found.append("written on creation only")
    elif not field.createable:
        found.append("written on update only")
    return found


def about_object(found: ObjectSchema) -> str:
    """An object of a system."""
    title = f" ({found.label})" if found.label else ""
    return f"{code(found.name)}\n\n{len(found.fields)} fields{title}"


def about_function(function: Function) -> str:
    """A built-in function: its signatures, what it does, an example."""
    parts = []
    for signature in function.signatures:
        parts.append(code(signature.text))
        if signature.doc:
            parts.append(signature.doc + (" Takes `else=`." if signature.fallible else ""))
    for example in function.examples[:2]:
        parts.append(f"`{example.text}` gives `{example.value!r}`")
    return "\n\n".join(parts)


def signature_of(function: UserFunction) -> str:
    """The header of a function from a mapping file, as built-in ones are written."""
    params = ", ".join(f"{name}: {type_}" for name, type_ in function.params)
    return f"{function.name}({params}) -> {function.returns}"


def about_user_function(function: UserFunction, library: str) -> str:
    """A function from a mapping file."""
    said = f"\n\n{function.doc}" if function.doc else ""
    return f"{code(signature_of(function))}{said}\n\nFrom `use: [{library}]`"


def about_code(name: str) -> str:
    """The page of a code; empty where there is none."""
    info = registry().get(name)
    if info is None:
        return ""
    parts = [f"**{info.code}** {info.title}", info.explanation]
    for title, example in (("Not like this:", info.example_bad), ("But:", info.example_good)):
        if example:
            parts += [title, code(example)]
    return "\n\n".join(parts)


def code(text: str) -> str:
    """A block of code; a fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"

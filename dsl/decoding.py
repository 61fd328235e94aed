"""Shapes in, msgspec decoders out: JSON text of a source record becomes a struct of just the fields that are read.

The decoder tests texts (also their length), booleans and records; numbers and lists stay as they come, with fractions
as `Decimal`, because msgspec's own numbers are more lenient than the language. Absent and null are both None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from fieldwright.dsl.statements import Shape


def decoder(shapes: Sequence[Shape]) -> tuple[Callable[[bytes], Any], dict[str, Any]]:
    """The decode function of the first shape, and by name the empty structs. Raises what msgspec raises for text that
    does not fit. Shapes within others come after them."""
    import msgspec

    structs: dict[int, Any] = {}
    for shape in reversed(shapes):
        required: list[tuple[str, Any]] = []
        optional: list[tuple[str, Any, Any]] = []
        for key in shape.kinds:
            name, type_ = shape.attribute(key), _type(shape, key, structs)
            if key in shape.required:
                required.append((name, type_))
            else:
                optional.append((name, type_ if type_ is Any else type_ | None, None))
        structs[shape.number] = msgspec.defstruct(
            f"Shape{shape.number}",
            [*required, *optional],
            rename={shape.attribute(key): key for key in shape.kinds},
            gc=False,
        )
    blanks = {shape.blank: structs[shape.number]() for shape in shapes if not shape.required}
    return msgspec.json.Decoder(structs[shapes[0].number], float_hook=Decimal).decode, blanks


@cache
def _dictionaries() -> Any:
    import msgspec

    return msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def record_of(data: bytes) -> dict[str, Any]:
    """The record of a JSON text, fractions as `Decimal`. ValueError for what is no JSON object."""
    found: dict[str, Any] = _dictionaries().decode(data)
    return found


def _type(shape: Shape, key: str, structs: dict[int, Any]) -> Any:
    from typing import Annotated

    from msgspec import Meta

    match shape.kinds[key]:
        case "text" if key in shape.lengths:
            return Annotated[str, Meta(max_length=shape.lengths[key])]
        case "text":
            return str
        case "bool":
            return bool
        case "record":
            return structs[shape.inner[key].number]
        case "dict":
            return dict[str, Any]
        case _:
            return Any

"""Adds a site's custom fields to the shipped Chargebee catalog.

The API lists them by resource (`/custom_field_configs`), with a name (`cf_...`), a data type and options. The client
library has no operation for that, so the source hands in the raw reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from fieldwright.connectors.chargebee.schema import CUSTOM_FIELD_PREFIX, SYSTEM
from fieldwright.dsl import types
from fieldwright.dsl.schema import Catalog, FieldSchema
from fieldwright.dsl.types import Type

_TYPES: Final[Mapping[str, Type]] = {
    "string": types.STRING,
    "email": types.STRING,
    "url": types.STRING,
    "long": types.INT,
    "integer": types.INT,
    "double": types.DECIMAL,
    "boolean": types.BOOL,
    "timestamp": types.TIMESTAMP,
    "date": types.DATE,
}
"""Data types of `custom_field_configs`; another one reads as text."""


def extended(shipped: Catalog, objects: Iterable[str], read: Callable[[str], Any]) -> Catalog:
    """The catalog of the named objects, custom fields included; `read` gives the raw reply for a resource."""
    found = {}
    for name in objects:
        known = shipped.find(name)
        if known is None:
            continue
        if known.open_prefix is not None:
            fields = dict(known.fields)
            for config in _configs(read(name.removeprefix(f"{SYSTEM}."))):
                field = _field(config)
                if field is not None:
                    fields[field.name] = field
            # The site has told all of them: another `cf_` name is a mistake now.
            known = replace(known, fields=fields, open_prefix=None)
        found[name] = known
    return Catalog(SYSTEM, found)


def _configs(reply: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of a reply. The envelope is unverified: the usual list form and a bare list are both read."""
    entries = reply.get("list") or reply.get("custom_field_configs") or ()
    for entry in entries:
        yield entry.get("custom_field_config", entry)


def _field(config: Mapping[str, Any]) -> FieldSchema | None:
    name = config.get("api_name") or config.get("name") or ""
    if not str(name).startswith(CUSTOM_FIELD_PREFIX):
        return None
    native = str(config.get("datatype") or config.get("data_type") or config.get("type") or "string").lower()
    options = config.get("options") or ()
    if options and native == "string":
        kind = types.enum(*(option.get("value", "") if isinstance(option, dict) else str(option) for option in options))
    else:
        kind = _TYPES.get(native, types.STRING)
    return FieldSchema(
        name=str(name),
        # A field that is required today was not always: older records lack it.
        type=kind.optional(),
        label=str(config.get("label") or config.get("display_name") or ""),
        native=native,
        createable=False,
        updateable=False,
        status="seen",
    )

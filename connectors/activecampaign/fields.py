"""The account's custom fields: read once a run, looked up by personalisation tag, made when absent.

Turns `/fields` into `CustomDefinition`s and a mapping's wishes into `POST /fields` and `POST /fieldRels`. A field that
is not related to any list is invisible in the product, so relation 0 (all lists) is part of making one, and a field
that a stopped run left without it gets it later. Two fields cannot share a title, and a tag is changed by the account
when it likes; both are reported before a value could go astray.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.connectors.activecampaign import schema
from fieldwright.connectors.activecampaign.client import Client
from fieldwright.connectors.activecampaign.errors import Duplicate, Refusal, run_error
from fieldwright.dsl.schema import FieldSchema
from fieldwright.runtime.connector import CustomField
from fieldwright.runtime.errors import ConfigError

_ALL_LISTS: Final = 0
_ACRONYMS: Final = frozenset({"CB", "ID", "MRR", "URL", "VAT"})


@dataclass(frozen=True, slots=True)
class CustomDefinition:
    """One custom field of the account. `options` are the values a choice may take; `visible` says that it is related
    to some list."""

    id: str
    tag: str
    title: str
    native: str
    options: tuple[str, ...]
    visible: bool


class CustomFields:
    """The custom fields of one account, as known to this run."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, CustomDefinition] | None = None

    def by_tag(self) -> Mapping[str, CustomDefinition]:
        """All fields by tag; reads them at the first call. Raises Refusal."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def find(self, name: str) -> CustomDefinition | None:
        """The field behind the name `custom_fields.TAG`; tags do not know case."""
        return self.by_tag().get(_tag(name))

    def native(self, name: str) -> str:
        """The account's type of the field; text when it is not known (yet), without asking."""
        known = (self._known or {}).get(_tag(name))
        return "text" if known is None else known.native

    def schemas(self) -> list[FieldSchema]:
        """The fields as a target schema has them."""
        return [
            FieldSchema(
                name=schema.CUSTOM + definition.tag,
                type=schema.custom_type(definition.native, definition.options).optional(),
                label=definition.title,
                native=definition.native,
                restricted=bool(definition.options),
                status="seen",
            )
            for definition in self.by_tag().values()
        ]

    def missing(self, wanted: Iterable[CustomField]) -> list[CustomField]:
        """Those that the account lacks."""
        found: dict[str, CustomField] = {}
        for field in wanted:
            if self.find(field.name) is None:
                found.setdefault(_tag(field.name), field)
        return list(found.values())

    def ensure(self, wanted: Sequence[CustomField]) -> list[CustomField]:
        """Make those that the account lacks; returns them. Raises ConfigError for a collision, RunErrors else."""
        missing = self.missing(wanted)
        titles = {definition.title.lower(): definition for definition in self.by_tag().values()}
        for field in missing:
            other = titles.get(title_of(_tag(field.name)).lower())
            if other is not None:
                raise _collision(_tag(field.name), other.title, other.tag)
        try:
            for field in missing:
                self._create(field)
            for field in wanted:
                definition = self.find(field.name)
                if definition is not None and not definition.visible:
                    self._show(definition.id)
        except Refusal as refused:
            raise run_error(refused, "to make a custom field") from refused
        finally:
            # What was made is read back at the next look: the account decides about tags.
            if missing:
                self._known = None
        return missing

    def _create(self, field: CustomField) -> None:
        tag, title = _tag(field.name), title_of(_tag(field.name))
        native = schema.native_type(field.type)
        body = {"type": native, "title": title, "perstag": tag, "visible": 1, "descript": "", "defval": ""}
        try:
            made = self._client.post("/fields", {"field": body}, idempotent=False)[1].get("field")
        except Duplicate as refused:
            self._known = None
            if self.find(field.name) is not None:  # another run was quicker
                return
            raise _collision(tag, title, "") from refused
        if not isinstance(made, dict) or str(made.get("perstag", "")).upper() != tag:
            given = made.get("perstag") if isinstance(made, dict) else None
            raise ConfigError(
                f"ActiveCampaign made the custom field {title!r} with the tag {given} instead of {tag}",
                f"Use custom_fields.{given} in the mapping, or change the tag in ActiveCampaign to {tag}.",
                system=schema.SYSTEM,
            )
        self._show(str(made["id"]))
        choices = field.type.item.values if native == "listbox" and field.type.item is not None else ()
        if choices:
            options = [
                {"orderid": order, "value": choice, "label": choice, "isdefault": False, "field": str(made["id"])}
                for order, choice in enumerate(choices, 1)
            ]
            self._client.post("/fieldOption/bulk", {"fieldOptions": options}, idempotent=False)

    def _show(self, number: str) -> None:
        self._client.post("/fieldRels", {"fieldRel": {"field": number, "relid": _ALL_LISTS}}, idempotent=True)

    def _read(self) -> dict[str, CustomDefinition]:
        found: dict[str, CustomDefinition] = {}
        for reply in self._client.pages("/fields", "fields"):
            options: dict[str, list[str]] = {}
            for option in reply.get("fieldOptions", ()):
                options.setdefault(str(option["field"]), []).append(str(option["value"]))
            related = {str(relation["field"]) for relation in reply.get("fieldRels", ())}
            for field in reply["fields"]:
                definition = _definition(field, options, related)
                found[definition.tag] = definition
        return found


def title_of(tag: str) -> str:
    """The title a field gets that is made for a tag: `CB_PLAN_NAME` becomes `CB Plan Name`."""
    return " ".join(word if word in _ACRONYMS else word.capitalize() for word in tag.split("_") if word)


def _definition(field: Mapping[str, Any], options: Mapping[str, list[str]], related: set[str]) -> CustomDefinition:
    number = str(field["id"])
    return CustomDefinition(
        id=number,
        tag=str(field["perstag"]).upper(),
        title=str(field["title"]),
        native=str(field["type"]),
        options=tuple(options.get(number, ())),
        visible=number in related or bool(field.get("relations")),
    )


def _tag(name: str) -> str:
    return name.removeprefix(schema.CUSTOM).upper()


def _collision(tag: str, title: str, other: str) -> ConfigError:
    whose = f" with the tag {other}" if other else ""
    return ConfigError(
        f"ActiveCampaign cannot make the custom field {tag}: there is already a field titled {title!r}{whose}",
        f"Rename that field in ActiveCampaign, or map to custom_fields.{other or 'its own tag'}.",
        system=schema.SYSTEM,
    )

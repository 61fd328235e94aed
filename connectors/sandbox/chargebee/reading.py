"""The reading half of the API: lists, single records, custom field metadata.

Works for every resource alike, from its declaration. Where the API sends a record together with its relatives (a
customer with its card, a subscription with customer and card), the relatives are fetched once per page.
"""

from collections.abc import Mapping

from fieldwright.connectors.sandbox.chargebee.errors import not_found, wrong_value
from fieldwright.connectors.sandbox.chargebee.listing import parse_query
from fieldwright.connectors.sandbox.chargebee.resources import resources, takes_custom_fields
from fieldwright.connectors.sandbox.chargebee.site import Operation, Reply, Request, Site, required
from fieldwright.connectors.sandbox.database import encode

# The relatives that come along, with the table's column by which they are found.
_WITH: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer": (("card", "customer_id"),),
    "subscription": (("customer", "id"), ("card", "customer_id")),
}


def lister(resource: str, owner: str | None = None) -> Operation:
    """GET /customers; with an owner GET /customers/{id}/subscriptions."""
    kind = resources()[resource]

    def list_records(site: Site, request: Request) -> Reply:
        fixed = {}
        if owner is not None:
            if site.store.text(owner, request.key) is None:
                raise not_found(owner, request.key)
            fixed = {f"{owner}_id": request.key}
        until = site.now - site.config.lag_seconds if site.config.lag_seconds else None
        query = parse_query(kind, request.params, fixed=fixed, visible_until=until)
        page, offset = site.store.page(resource, query)
        relatives = [
            (name, site.store.texts(name, column, (_owner_of(resource, name, row) for row in page)))
            for name, column in _WITH.get(resource, ())
            if page
        ]
        entries = []
        for row in page:
            entry = f'{{"{resource}":{row[0]}'
            for name, found in relatives:
                text = found.get(_owner_of(resource, name, row))
                if text is not None:
                    entry += f',"{name}":{text}'
            entries.append(entry + "}")
        parts = [("list", "[" + ",".join(entries) + "]")]
        if offset is not None:
            parts.append(("next_offset", encode(offset)))
        return Reply(tuple(parts))

    return list_records


def _owner_of(resource: str, _relative: str, row: tuple[str, str | None, str]) -> str:
    return row[2] if resource == "customer" else row[1] or ""


def retriever(resource: str) -> Operation:
    """GET /customers/{id}. Deleted records are not found, except where the API keeps tombstones readable."""

    def retrieve(site: Site, request: Request) -> Reply:
        text = site.store.text(resource, request.key)
        if text is None:
            raise not_found(resource, request.key)
        parts = [(resource, text)]
        if resource in _WITH:
            owner = request.key
            if resource == "subscription":
                owner = site.store.database.value("SELECT customer_id FROM subscriptions WHERE id = ?", (owner,))
            for name, column in _WITH[resource]:
                found = site.store.texts(name, column, [owner]).get(owner)
                if found is not None:
                    parts.append((name, found))
        return Reply(tuple(parts))

    return retrieve


def custom_field_configs(site: Site, request: Request) -> Reply:
    """GET /custom_field_configs?entity_type=customer: every custom field that any record of that kind came with.

    Deviation: on a real site a custom field is declared in the console first and unknown ones are refused."""
    entity = required(request.params, "entity_type")
    if not takes_custom_fields(entity):
        raise wrong_value("entity_type", f"{entity!r} has no custom fields")
    configs = [_config(site, entity, name, datatype) for name, datatype in site.store.field_types(entity).items()]
    entries = ",".join('{"custom_field_config":' + encode(config) + "}" for config in configs)
    return Reply((("list", f"[{entries}]"),))


def custom_field_config(site: Site, request: Request) -> Reply:
    """GET /custom_field_configs/retrieve?entity_type=customer&api_name=cf_segment"""
    entity, name = required(request.params, "entity_type"), required(request.params, "api_name")
    datatype = site.store.field_types(entity).get(name)
    if datatype is None:
        raise not_found("custom_field_config", name)
    return Reply((("custom_field_config", encode(_config(site, entity, name, datatype))),))


def _config(site: Site, entity: str, name: str, datatype: str) -> dict[str, object]:
    config: dict[str, object] = {
        "object": "custom_field_config",
        "entity_type": entity,
        "api_name": name,
        "label": name.removeprefix("cf_").replace("_", " ").capitalize(),
        "datatype": datatype,
        "required": False,
    }
    options = site.store.database.fact(f"options:{entity}:{name}")
    if options:
        config["options"] = options
    return config

"""Operations on what is sold: plans, addons and coupons."""

from fieldwright.connectors.sandbox.chargebee.errors import ApiError, bad_request, missing
from fieldwright.connectors.sandbox.chargebee.forms import typed
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.site import Operation, Reply, Request, Site, keep_filled, merge, reply

_PLAN: Document = {
    "period": 1,
    "period_unit": "month",
    "pricing_model": "flat_fee",
    "free_quantity": 0,
    "status": "active",
    "enabled_in_hosted_pages": True,
    "enabled_in_portal": True,
    "addon_applicability": "all",
    "is_shippable": False,
    "giftable": False,
    "taxable": True,
    "currency_code": "USD",
    "show_description_in_invoices": False,
    "show_description_in_quotes": False,
    "channel": "web",
}
_ADDON: Document = {
    "pricing_model": "flat_fee",
    "charge_type": "recurring",
    "status": "active",
    "enabled_in_portal": True,
    "is_shippable": False,
    "taxable": True,
    "currency_code": "USD",
    "included_in_mrr": True,
    "show_description_in_invoices": False,
    "show_description_in_quotes": False,
    "channel": "web",
}
_COUPON: Document = {
    "duration_type": "forever",
    "status": "active",
    "apply_on": "invoice_amount",
    "plan_constraint": "not_applicable",
    "addon_constraint": "not_applicable",
    "redemptions": 0,
    "included_in_mrr": False,
    "deleted": False,
}
_DEFAULTS = {"plan": _PLAN, "addon": _ADDON, "coupon": _COUPON}
_ADDON_TYPES = {"flat_fee": "on_off", "per_unit": "quantity"}


def new_product(kind: str, values: Document, key: str, at: int) -> Document:
    """A plan, addon or coupon with the site's defaults beneath the given values. Raises ApiError for a product that
    could not be priced."""
    document = {"id": key, **_DEFAULTS[kind]}
    if kind == "coupon":
        document["created_at"] = at
    merge(document, {name: value for name, value in values.items() if value is not None})
    if not document.get("name"):
        raise missing("name")
    if kind == "coupon":
        _check_coupon(document)
    else:
        _complete(kind, document, values)
    return document


def _complete(kind: str, document: Document, values: Document) -> None:
    """The older fields that mirror newer ones, and what each pricing model needs."""
    if kind == "plan":
        if "charge_model" in values and "pricing_model" not in values:
            document["pricing_model"] = values["charge_model"]
        document["charge_model"] = document["pricing_model"]
    else:
        document["type"] = _ADDON_TYPES.get(document["pricing_model"], document["pricing_model"])
        if document["charge_type"] == "non_recurring":
            document.pop("period", None)
            document["period_unit"] = "not_applicable"
        else:
            document.setdefault("period", 1)
            document.setdefault("period_unit", "month")
    if document["pricing_model"] in ("tiered", "volume", "stairstep"):
        document.pop("price", None)
        tiers = document.get("tiers", [])
        if not tiers:
            raise missing("tiers")
        reached = 0
        for tier in tiers:
            if tier.get("starting_unit") != reached + 1 or "price" not in tier:
                raise bad_request("tiers must follow each other without a gap, each with a price")
            reached = tier.get("ending_unit", reached)
    elif "price" not in document:
        raise missing("price")


def _check_coupon(document: Document) -> None:
    needed = {"percentage": "discount_percentage", "fixed_amount": "discount_amount"}.get(
        document.get("discount_type", "percentage"), "discount_quantity"
    )
    document.setdefault("discount_type", "percentage")
    if needed not in document:
        raise missing(needed)
    if document["duration_type"] == "limited_period" and "period" not in document and "duration_month" not in document:
        raise missing("period")
    if document["discount_type"] == "fixed_amount":
        document.setdefault("currency_code", "USD")


def creator(kind: str) -> Operation:
    """POST /plans, /addons, /coupons"""

    def create(site: Site, request: Request) -> Reply:
        values = site.values(kind, "create", request.params)
        values.pop("id", None)
        key = typed(request.params.get("id", ""), "string", "product_id")
        if key is None:
            raise missing("id")
        document = site.store.insert(kind, new_product(kind, values, key, site.now))
        site.emit(f"{kind}_created", **{kind: document})
        return reply(**{kind: document})

    return create


def updater(kind: str) -> Operation:
    """POST /plans/{id}, /addons/{id}, /coupons/{id}"""

    def update(site: Site, request: Request) -> Reply:
        document = site.store.get(kind, request.key)
        values = site.values(kind, "update", request.params)
        keep_filled(values, (*_DEFAULTS[kind], "name", "price", "discount_type"))
        if merge(document, values):
            if kind != "coupon":
                _complete(kind, document, values)
            site.store.save(kind, document)
            site.emit(f"{kind}_updated", **{kind: document})
        return reply(**{kind: document})

    return update


def deleter(kind: str) -> Operation:
    """POST /plans/{id}/delete and so on: archived while a subscription uses it, else deleted."""

    def delete(site: Site, request: Request) -> Reply:
        document = site.store.get(kind, request.key)
        used = site.store.database.value(
            "SELECT 1 FROM subscriptions WHERE deleted = 0 AND (json_extract(document, '$.plan_id') = ?1 OR EXISTS"
            " (SELECT 1 FROM json_each(document, '$.addons') WHERE json_extract(value, '$.id') = ?1) OR EXISTS"
            " (SELECT 1 FROM json_each(document, '$.coupons') WHERE json_extract(value, '$.coupon_id') = ?1)) LIMIT 1",
            (request.key,),
        )
        if used:
            document |= {"status": "archived", "archived_at": site.now}
        else:
            document["status"] = "deleted"
            if kind == "coupon":
                document["deleted"] = True
        site.store.save(kind, document)
        site.emit(f"{kind}_{'updated' if used else 'deleted'}", **{kind: document})
        return reply(**{kind: document})

    return delete


def unarchiver(kind: str) -> Operation:
    """POST /plans/{id}/unarchive and so on."""

    def unarchive(site: Site, request: Request) -> Reply:
        document = site.store.get(kind, request.key)
        if document["status"] != "archived":
            raise ApiError(409, "invalid_state_for_request", f"{kind} {request.key} is not archived")
        document["status"] = "active"
        document.pop("archived_at", None)
        site.store.save(kind, document)
        site.emit(f"{kind}_updated", **{kind: document})
        return reply(**{kind: document})

    return unarchive

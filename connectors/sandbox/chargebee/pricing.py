"""What things cost: amounts by pricing model, discounts, taxes and the totals of a document. Pure arithmetic.

Money is an integer in the API's minor units (hundredths, except currencies without decimals, which are in major
units); nothing here needs to know which. Rounding is half up, and shares of a discount are cut so that they add up to
it exactly. Which lines a document has and who pays it is left to `billing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

# Percent of tax by the billing country. Enough to have taxed and untaxed documents; not a tax table.
TAXES: Mapping[str, tuple[str, float]] = {
    "DE": ("VAT", 19.0),
    "FR": ("VAT", 20.0),
    "GB": ("VAT", 20.0),
    "AT": ("VAT", 20.0),
    "SE": ("VAT", 25.0),
    "CH": ("VAT", 8.1),
    "JP": ("Consumption Tax", 10.0),
    "IN": ("GST", 18.0),
}


def round_half_up(numerator: int, denominator: int) -> int:
    """An exact quotient rounded to a whole number, halves away from zero for positive numbers."""
    return (2 * numerator + denominator) // (2 * denominator)


def price_of(product: Mapping[str, Any], quantity: int, unit_price: int | None = None) -> int:
    """The amount for that many units of a plan or addon under its pricing model. `unit_price` overrides the catalog
    price of flat and per-unit products."""
    price = product.get("price", 0) if unit_price is None else unit_price
    billable = max(quantity - product.get("free_quantity", 0), 0)
    tiers = product.get("tiers", ())
    match product["pricing_model"]:
        case "flat_fee":
            return int(price)
        case "per_unit":
            return int(price * billable)
        case "tiered":
            return sum(
                tier["price"] * max(min(billable, tier.get("ending_unit", billable)) - tier["starting_unit"] + 1, 0)
                for tier in tiers
            )
        case "volume":
            return int(_tier_at(tiers, billable)["price"] * billable) if billable else 0
        case "stairstep":
            return int(_tier_at(tiers, billable)["price"]) if billable else 0
        case model:
            raise ValueError(f"unknown pricing model {model!r} of {product['id']}")


def _tier_at(tiers: Sequence[Mapping[str, Any]], quantity: int) -> Mapping[str, Any]:
    for tier in tiers:
        if tier["starting_unit"] <= quantity <= tier.get("ending_unit", quantity):
            return tier
    return tiers[-1]


@dataclass(frozen=True, slots=True)
class Totals:
    """The computed part of an invoice, credit note or quote; `fields` goes into the document as it stands."""

    sub_total: int
    discount: int
    tax: int
    total: int
    fields: Document


def total_up(
    lines: Sequence[Document],
    coupons: Sequence[Document],
    *,
    country: str | None,
    taxable: bool,
    currency: str,
) -> Totals:
    """Apply coupons, then taxes, to lines (which get their `discount_amount`, `tax_amount`, `tax_rate`, `is_taxed`) and
    add everything up. Coupons apply one after another to what the earlier ones left."""
    left = [line["amount"] for line in lines]
    discounts: list[Document] = []
    line_discounts: list[Document] = []
    for coupon in coupons:
        shares = _shares(coupon, lines, left, currency)
        whole = sum(shares)
        if not whole:
            continue
        discounts.append(
            {
                "amount": whole,
                "description": coupon["name"],
                "entity_type": "document_level_coupon",
                "discount_type": coupon["discount_type"],
                "entity_id": coupon["id"],
            }
        )
        for index, share in enumerate(shares):
            if share:
                left[index] -= share
                line_discounts.append(
                    {
                        "line_item_id": lines[index]["id"],
                        "discount_type": "document_level_coupon",
                        "coupon_id": coupon["id"],
                        "entity_id": coupon["id"],
                        "discount_amount": share,
                    }
                )
    name, rate = TAXES.get(country or "", ("", 0.0)) if taxable else ("", 0.0)
    line_taxes: list[Document] = []
    for line, net in zip(lines, left, strict=True):
        tax = round_half_up(net * round(rate * 10), 1000) if rate else 0
        line |= {
            "discount_amount": line["amount"] - net,
            "item_level_discount_amount": 0,
            "is_taxed": bool(rate),
            "tax_amount": tax,
        }
        if rate:
            line["tax_rate"] = rate
            line_taxes.append(
                {
                    "line_item_id": line["id"],
                    "tax_name": name,
                    "tax_rate": rate,
                    "taxable_amount": net,
                    "tax_amount": tax,
                    "tax_juris_type": "country",
                    "tax_juris_code": country,
                    "is_partial_tax_applied": False,
                    "is_non_compliance_tax": False,
                }
            )
    sub_total = sum(line["amount"] for line in lines)
    discount = sum(entry["amount"] for entry in discounts)
    tax = sum(entry["tax_amount"] for entry in line_taxes)
    fields: Document = {
        "sub_total": sub_total,
        "tax": tax,
        "total": sub_total - discount + tax,
        "discounts": discounts,
        "line_item_discounts": line_discounts,
        "line_item_taxes": line_taxes,
    }
    if rate:
        fields["taxes"] = [{"name": name, "amount": tax, "description": f"{name} @ {rate:g}%"}]
    return Totals(sub_total, discount, tax, sub_total - discount + tax, fields)


def _shares(coupon: Document, lines: Sequence[Document], left: Sequence[int], currency: str) -> list[int]:
    """What a coupon takes off each line."""
    base = [amount if _applies(coupon, line) else 0 for line, amount in zip(lines, left, strict=True)]
    whole = sum(base)
    if not whole:
        return [0] * len(base)
    if coupon["discount_type"] == "percentage":
        off = round_half_up(whole * round(coupon["discount_percentage"] * 100), 10_000)
    elif coupon["discount_type"] == "fixed_amount" and coupon.get("currency_code", currency) == currency:
        off = min(coupon["discount_amount"], whole)
    else:
        off = 0
    shares = []
    seen = taken = 0
    for amount in base:
        # Cumulative rounding: the shares add up to `off`, and none exceeds its line.
        seen += amount
        upto = off * seen // whole
        shares.append(upto - taken)
        taken = upto
    return shares


def _applies(coupon: Document, line: Document) -> bool:
    if coupon["apply_on"] == "invoice_amount":
        return bool(line["entity_type"] != "plan_setup")
    if line["entity_type"] == "plan":
        return _constrained(coupon.get("plan_constraint", "all"), coupon.get("plan_ids", ()), line)
    if line["entity_type"] == "addon":
        return _constrained(coupon.get("addon_constraint", "all"), coupon.get("addon_ids", ()), line)
    return False


def _constrained(constraint: str, ids: Sequence[str], line: Document) -> bool:
    return constraint == "all" or (constraint == "specific" and line["entity_id"] in ids)

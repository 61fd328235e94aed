"""Business rules of standard objects: what the org derives, and what it refuses because of other records.

Each rule receives the record as it was (None on a create) and the values about to be stored, which it may complete.
Here: names of people, stages, prices, line items, quotes. Rules that an administrator adds (validation and duplicate
rules) are in `org_rules`; sums over children are applied by `totals` after the write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fieldwright.connectors.sandbox.salesforce.errors import RowRefused
from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.storage import Row

NO_ENTRY = (
    "field integrity exception: PricebookEntryId, unknown (versions 3.0 and higher must specify pricebook entry id;"
    " others must specify product id)"
)


@dataclass(slots=True)
class Effects:
    """What a call has to do to other records once its own rows are written."""

    opportunities: set[str] = field(default_factory=set)
    quotes: set[str] = field(default_factory=set)
    books: dict[str, str] = field(default_factory=dict)
    primary_roles: dict[str, str] = field(default_factory=dict)
    standard_prices: set[tuple[str, str]] = field(default_factory=set)
    renamed_products: set[str] = field(default_factory=set)


Rule = Callable[[Org, str, Row | None, Row, Effects], None]


def apply(org: Org, object_name: str, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    """Completes `new` for one record, or raises RowRefused. `record_id` is known before the record is stored."""
    rule = _RULES.get(object_name)
    if rule is not None:
        rule(org, record_id, old, new, effects)


def has_rule(object_name: str) -> bool:
    """Whether records of the object need their stored values at hand when they change."""
    return object_name in _RULES


def _value(old: Row | None, new: Row, name: str) -> Any:
    if name in new:
        return new[name]
    return None if old is None else old.get(name)


def _changed(old: Row | None, new: Row, name: str) -> bool:
    return name in new and (old is None or new[name] != old.get(name))


def _integrity(message: str, *fields: str) -> RowRefused:
    return RowRefused("FIELD_INTEGRITY_EXCEPTION", message, fields)


def _decimal(value: float | int | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(repr(value))


def _money(org: Org, amount: Decimal, currency: str | None) -> float:
    places = max(2, org.currencies.get(currency or "", 2))
    return float(amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _person(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    parts = [_value(old, new, "FirstName"), _value(old, new, "LastName")]
    new["Name"] = " ".join(part for part in parts if part) or None


def _opportunity(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    if _changed(old, new, "StageName"):
        _enter_stage(org, old, new)
    if old is not None and old["HasOpportunityLineItem"]:
        # While products exist the org computes both and silently drops what a client sends.
        new.pop("Amount", None)
        new.pop("TotalOpportunityQuantity", None)
        if _changed(old, new, "Pricebook2Id"):
            # Unverified wording; the refusal is documented.
            text = "field integrity exception: Pricebook2Id (price book cannot change while line items exist)"
            raise _integrity(text, "Pricebook2Id")
        if _changed(old, new, "CurrencyIsoCode"):
            text = "field integrity exception: CurrencyIsoCode (currency cannot change while line items exist)"
            raise _integrity(text, "CurrencyIsoCode")
    closes = _value(old, new, "CloseDate")
    if closes:
        year, month = int(closes[:4]), int(closes[5:7])
        new["FiscalYear"], new["FiscalQuarter"] = year, (month + 2) // 3
        new["Fiscal"] = f"{year} {(month + 2) // 3}"
    amount = _value(old, new, "Amount")
    if amount is not None:
        revenue = _decimal(amount) * _decimal(_value(old, new, "Probability")) / 100
        new["ExpectedRevenue"] = _money(org, revenue, _value(old, new, "CurrencyIsoCode"))
    elif "Amount" in new:
        new["ExpectedRevenue"] = None


def _enter_stage(org: Org, old: Row | None, new: Row) -> None:
    stage = org.storage.one(
        'SELECT "IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName", "DefaultProbability"'
        ' FROM "OpportunityStage" WHERE "MasterLabel" = ? AND "IsActive" = 1',
        (new["StageName"],),
    )
    # A picklist that is not restricted takes any value; such a stage is open and forecasts nothing.
    closed, won, category, category_name, probability = stage or (0, 0, "Pipeline", "Pipeline", 0)
    new["IsClosed"], new["IsWon"], new["ForecastCategory"] = closed, won, category
    new.setdefault("ForecastCategoryName", category_name)
    if new.get("Probability") is None:
        new["Probability"] = probability
    if old is not None:
        new["LastStageChangeDate"] = org.now()


def _contact_role(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    opportunity = _value(old, new, "OpportunityId")
    if new.get("IsPrimary") and opportunity:
        effects.primary_roles[opportunity] = record_id


def _product(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    if old is not None and (_changed(old, new, "Name") or _changed(old, new, "ProductCode")):
        effects.renamed_products.add(record_id)


def _price(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    product, book = _value(old, new, "Product2Id"), _value(old, new, "Pricebook2Id")
    currency = _value(old, new, "CurrencyIsoCode")
    if product is None or book is None:
        return
    is_standard = bool(org.storage.one('SELECT "IsStandard" FROM "Pricebook2" WHERE "Id" = ?', (book,))[0])
    standard = org.storage.one(
        'SELECT e."UnitPrice" FROM "PricebookEntry" e JOIN "Pricebook2" b ON b."Id" = e."Pricebook2Id"'
        ' WHERE e."Product2Id" = ? AND b."IsStandard" = 1 AND e."CurrencyIsoCode" = ? AND e."IsDeleted" = 0',
        (product, currency),
    )
    if old is None:
        if not is_standard and standard is None:
            raise RowRefused("STANDARD_PRICE_NOT_DEFINED", "Before creating a custom price, create a standard price.")
        twin = org.storage.one(
            'SELECT "Id" FROM "PricebookEntry" WHERE "Product2Id" = ? AND "Pricebook2Id" = ?'
            ' AND "CurrencyIsoCode" = ? AND "IsDeleted" = 0',
            (product, book, currency),
        )
        if twin is not None:
            raise RowRefused("DUPLICATE_VALUE", "This price definition already exists in this price book")
        name = org.storage.one('SELECT "Name", "ProductCode" FROM "Product2" WHERE "Id" = ?', (product,))
        new["Name"], new["ProductCode"] = name
    if _value(old, new, "UseStandardPrice"):
        if new.get("UnitPrice") is not None:
            # Documented: the field list of this error is empty.
            raise _integrity("field integrity exception: unknown (cannot set UnitPrice while UseStandardPrice is true)")
        if standard is not None:
            new["UnitPrice"] = standard[0]
    elif is_standard and _changed(old, new, "UnitPrice"):
        effects.standard_prices.add((product, currency))


def _line_item(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    opportunity_id = _value(old, new, "OpportunityId")
    if opportunity_id is None:
        return
    opportunity = org.storage.one(
        'SELECT "Name", "Pricebook2Id", "CurrencyIsoCode" FROM "Opportunity" WHERE "Id" = ?', (opportunity_id,)
    )
    currency = opportunity[2]
    if old is None:
        _choose_entry(org, opportunity_id, opportunity, new, effects)
    _line_total(org, old, new, currency, can_set_total=True)
    effects.opportunities.add(opportunity_id)


def _choose_entry(org: Org, opportunity_id: str, opportunity: tuple[Any, ...], new: Row, effects: Effects) -> None:
    name, book, currency = opportunity
    book = book or effects.books.get(opportunity_id)
    entry_id = new.get("PricebookEntryId")
    if entry_id is None and new.get("Product2Id") is not None and book is not None:
        found = org.storage.one(
            'SELECT "Id" FROM "PricebookEntry" WHERE "Product2Id" = ? AND "Pricebook2Id" = ?'
            ' AND "CurrencyIsoCode" = ? AND "IsDeleted" = 0',
            (new["Product2Id"], book, currency),
        )
        entry_id = found[0] if found else None
    if entry_id is None:
        raise _integrity(NO_ENTRY, "PricebookEntryId")
    entry = org.storage.one(
        'SELECT e."Pricebook2Id", e."CurrencyIsoCode", e."UnitPrice", e."Product2Id", e."ProductCode", p."Name",'
        ' e."IsActive" FROM "PricebookEntry" e JOIN "Product2" p ON p."Id" = e."Product2Id" WHERE e."Id" = ?',
        (entry_id,),
    )
    entry_book, entry_currency, list_price, product, code, product_name, active = entry
    if book is not None and entry_book != book:
        text = "pricebook entry is in a different pricebook than the one assigned to the opportunity"
        raise _integrity(f"field integrity exception: PricebookEntryId ({text})", "PricebookEntryId")
    if entry_currency != currency:
        text = "pricebook entry currency code does not match opportunity currency code"
        raise _integrity(f"field integrity exception: PricebookEntryId ({text})", "PricebookEntryId")
    if not active:
        text = "pricebook entry has been inactivated"  # unverified wording
        raise _integrity(f"field integrity exception: PricebookEntryId ({text})", "PricebookEntryId")
    if book is None:
        effects.books[opportunity_id] = entry_book
    new["PricebookEntryId"], new["Product2Id"], new["ProductCode"] = entry_id, product, code
    new["ListPrice"], new["CurrencyIsoCode"] = list_price, currency
    new["Name"] = f"{name} {product_name}"[:376]


def _line_total(org: Org, old: Row | None, new: Row, currency: str | None, *, can_set_total: bool) -> None:
    quantity = _value(old, new, "Quantity")
    if quantity is None:
        return
    if quantity == 0:
        raise _integrity("field integrity exception: Quantity (quantity must be nonzero)", "Quantity")
    share = (100 - _decimal(_value(old, new, "Discount"))) / 100
    sent_total = new.get("TotalPrice") if can_set_total else None
    sent_price = new.get("UnitPrice")
    if sent_total is not None and sent_price is not None:
        expected = _money(org, _decimal(sent_price) * _decimal(quantity) * share, currency)
        if abs(expected - sent_total) > 0.005:
            # Unverified wording; the facts forbid sending both unless they agree.
            text = "field integrity exception: TotalPrice (does not equal UnitPrice, Quantity and Discount)"
            raise _integrity(text, "TotalPrice")
    if sent_total is not None and sent_price is None:
        if share == 0:
            raise _integrity("field integrity exception: TotalPrice (discount is 100 percent)", "TotalPrice")
        new["UnitPrice"] = _money(org, _decimal(sent_total) / _decimal(quantity) / share, currency)
    price = _value(old, new, "UnitPrice")
    if price is None:
        raise RowRefused("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", ("UnitPrice",))
    subtotal = _decimal(price) * _decimal(quantity)
    new["Subtotal"] = _money(org, subtotal, currency)
    new["TotalPrice"] = sent_total if sent_total is not None else _money(org, subtotal * share, currency)


def _quote(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    if old is None:
        number = org.storage.one('SELECT COUNT(*) FROM "Quote"')[0] + 1
        new["QuoteNumber"] = f"{number:08d}"
        if new.get("OpportunityId"):
            found = org.storage.one(
                'SELECT "AccountId", "Pricebook2Id", "CurrencyIsoCode" FROM "Opportunity" WHERE "Id" = ?',
                (new["OpportunityId"],),
            )
            new["AccountId"], new["CurrencyIsoCode"] = found[0], found[2]
            new.setdefault("Pricebook2Id", found[1])
    effects.quotes.add(record_id)


def _quote_line(org: Org, record_id: str, old: Row | None, new: Row, effects: Effects) -> None:
    quote_id = _value(old, new, "QuoteId")
    entry_id = _value(old, new, "PricebookEntryId")
    if quote_id is None or entry_id is None:
        return
    quote = org.storage.one('SELECT "CurrencyIsoCode", "LineItemCount" FROM "Quote" WHERE "Id" = ?', (quote_id,))
    if old is None:
        entry = org.storage.one(
            'SELECT "UnitPrice", "Product2Id", "CurrencyIsoCode" FROM "PricebookEntry" WHERE "Id" = ?', (entry_id,)
        )
        if entry[2] != quote[0]:
            text = "pricebook entry currency code does not match quote currency code"
            raise _integrity(f"field integrity exception: PricebookEntryId ({text})", "PricebookEntryId")
        new["ListPrice"], new["Product2Id"], new["CurrencyIsoCode"] = entry
        new["LineNumber"] = f"{(quote[1] or 0) + 1:08d}"
    _line_total(org, old, new, quote[0], can_set_total=False)
    effects.quotes.add(quote_id)


_RULES: dict[str, Rule] = {
    "Contact": _person,
    "Lead": _person,
    "Opportunity": _opportunity,
    "OpportunityContactRole": _contact_role,
    "OpportunityLineItem": _line_item,
    "Product2": _product,
    "PricebookEntry": _price,
    "Quote": _quote,
    "QuoteLineItem": _quote_line,
}

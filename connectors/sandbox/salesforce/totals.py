"""Effects of a call on other records: sums over line items, price books set by a first product, copied prices.

Runs once at the end of a call, however many rows it wrote, so that 200 line items of one opportunity cost one sum.
What has to be done was noted by `rules` while the rows were checked.
"""

from __future__ import annotations

from fieldwright.connectors.sandbox.salesforce.org import Org
from fieldwright.connectors.sandbox.salesforce.rules import Effects
from fieldwright.connectors.sandbox.salesforce.storage import Row


def settle(org: Org, effects: Effects, user_id: str) -> None:
    """Applies the noted effects and stamps the records they change."""
    storage = org.storage
    now = org.now()
    stamp: Row = {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
    for product in effects.renamed_products:
        storage.execute(
            'UPDATE "PricebookEntry" SET ("Name", "ProductCode") ='
            ' (SELECT "Name", "ProductCode" FROM "Product2" WHERE "Id" = ?) WHERE "Product2Id" = ?',
            (product, product),
        )
    for product, currency in effects.standard_prices:
        storage.execute(
            'UPDATE "PricebookEntry" SET "UnitPrice" = (SELECT e."UnitPrice" FROM "PricebookEntry" e'
            ' JOIN "Pricebook2" b ON b."Id" = e."Pricebook2Id" WHERE e."Product2Id" = ? AND b."IsStandard" = 1'
            ' AND e."CurrencyIsoCode" = ? AND e."IsDeleted" = 0)'
            ' WHERE "Product2Id" = ? AND "CurrencyIsoCode" = ? AND "UseStandardPrice" = 1',
            (product, currency, product, currency),
        )
    for opportunity, role in effects.primary_roles.items():
        storage.execute(
            'UPDATE "OpportunityContactRole" SET "IsPrimary" = 0 WHERE "OpportunityId" = ? AND "Id" <> ?',
            (opportunity, role),
        )
    for opportunity in effects.opportunities:
        _sum_opportunity(org, opportunity, effects.books.get(opportunity), stamp)
    for quote in effects.quotes:
        _sum_quote(org, quote)


def _sum_opportunity(org: Org, record_id: str, book: str | None, stamp: Row) -> None:
    item = org.schema.get("Opportunity")
    lines, total, quantity = org.storage.one(
        'SELECT COUNT(*), round(SUM("TotalPrice"), 3), SUM("Quantity") FROM "OpportunityLineItem"'
        ' WHERE "OpportunityId" = ? AND "IsDeleted" = 0',
        (record_id,),
    )
    changes: Row = {"HasOpportunityLineItem": int(lines > 0), **stamp}
    if book is not None:
        changes["Pricebook2Id"] = book
    if lines:
        # With the last product gone the amount stays as it was and is writable again (unverified).
        probability = org.storage.one('SELECT "Probability" FROM "Opportunity" WHERE "Id" = ?', (record_id,))[0]
        changes["Amount"] = total
        changes["TotalOpportunityQuantity"] = quantity
        changes["ExpectedRevenue"] = round(total * (probability or 0) / 100, 2)
    org.storage.update(item, record_id, changes)


def _sum_quote(org: Org, record_id: str) -> None:
    lines, subtotal, total = org.storage.one(
        'SELECT COUNT(*), round(SUM("Subtotal"), 3), round(SUM("TotalPrice"), 3) FROM "QuoteLineItem"'
        ' WHERE "QuoteId" = ? AND "IsDeleted" = 0',
        (record_id,),
    )
    extras = org.storage.one('SELECT "Tax", "ShippingHandling" FROM "Quote" WHERE "Id" = ?', (record_id,))
    total = total or 0.0
    subtotal = subtotal or 0.0
    changes: Row = {
        "LineItemCount": lines,
        "Subtotal": subtotal,
        "TotalPrice": total,
        "Discount": round(100 - total * 100 / subtotal, 2) if subtotal else 0.0,
        "GrandTotal": round(total + sum(value or 0 for value in extras), 3),
    }
    org.storage.update(org.schema.get("Quote"), record_id, changes)

"""The shipped mappings as a careful programmer would write them in Python: what compiled mappings are measured against.

The functions make the same records, null for null and digit for digit; the benchmarks assert it before they measure.
They expect `DECIMAL_CONTEXT` to be the current decimal context.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fieldwright.dsl.program import MappedRecord, Ref
from fieldwright.dsl.values import ZERO_DECIMAL_CURRENCIES

_CENT = Decimal("0.01")
_ZERO = Decimal(0)
_HUNDRED = Decimal(100)


def account(roots: Mapping[str, Any]) -> MappedRecord:
    """A customer as an Account, with the mapping's limits of length and its rules for null."""
    customer = roots["customer"]
    domain = roots["run"]["source"]["domain"]
    fields: dict[str, Any] = {}
    name = customer.get("company")
    if name is None:
        names = (customer.get("first_name"), customer.get("last_name"))
        name = " ".join([part for part in names if part and part.strip()])
        name = name or customer.get("email") or customer["id"]
    if name:
        _fits(name, 255)
        fields["Name"] = name
    if phone := customer.get("phone"):
        _fits(phone, 40)
        fields["Phone"] = phone
    fields["chargebeeapps__Auto_Collection__c"] = {"on": "On", "off": "Off"}[customer["auto_collection"]]
    address = customer.get("billing_address")
    if address is not None:
        lines = (address.get("line1"), address.get("line2"), address.get("line3"))
        if street := ", ".join([line for line in lines if line and line.strip()]):
            _fits(street, 255)
            fields["BillingStreet"] = street
        if city := address.get("city"):
            _fits(city, 40)
            fields["BillingCity"] = city
        if code := address.get("zip"):
            _fits(code, 20)
            fields["BillingPostalCode"] = code
        if state := address.get("state"):
            _fits(state, 80)
            fields["BillingState"] = state
        if country := address.get("country"):
            _fits(country, 80)
            fields["BillingCountry"] = country
    if email := customer.get("email"):
        _fits(email, 80)
        fields["chargebeeapps__Email__c"] = email
    if first_name := customer.get("first_name"):
        _fits(first_name, 255)
        fields["chargebeeapps__First_Name__c"] = first_name
    customer_id = customer["id"]
    _fits(customer_id, 255)
    fields["chargebeeapps__CB_Id__c"] = customer_id
    if last_name := customer.get("last_name"):
        _fits(last_name, 255)
        fields["chargebeeapps__Last_Name__c"] = last_name
    fields["chargebeeapps__CB_Site__c"] = Ref("site", domain)
    fields["chargebeeapps__Is_Synced__c"] = True
    if locale := customer.get("locale"):
        _fits(locale, 255)
        fields["chargebeeapps__Locale__c"] = locale
    days = customer.get("net_term_days")
    if days is not None:
        fields["chargebeeapps__Net_Term_Days__c"] = Decimal(days)
    method = customer.get("payment_method") or {}
    status = method.get("status")
    if status:
        _fits(status, 255)
    fields["chargebeeapps__Payment_Method_Status__c"] = status or None
    kind = method.get("type")
    if kind:
        _fits(kind, 255)
    fields["chargebeeapps__Payment_Method_Type__c"] = kind or None
    fields["chargebeeapps__Sync_with_Chargebee__c"] = True
    if taxability := customer.get("taxability"):
        _fits(taxability, 255)
        fields["chargebeeapps__Taxability__c"] = taxability
    number = customer.get("vat_number")
    if number:
        _fits(number, 255)
    fields["chargebeeapps__VAT_Number__c"] = number or None
    return MappedRecord(True, fields, ({"chargebeeapps__CB_Id__c": customer_id},), {})


def opportunity(roots: Mapping[str, Any]) -> MappedRecord:
    """A subscription as an Opportunity with its products, discounts and the amount to expect."""
    subscription, customer, plan = roots["subscription"], roots["customer"] or {}, roots["plan"] or {}
    settings, run, params = roots["settings"], roots["run"], roots["params"]
    limited = settings["count_limited_coupons"]
    counted = [one for one in roots["coupons"] if limited or one["duration_type"] == "forever"]
    whole = [one for one in counted if one["apply_on"] == "invoice_amount"]
    each_item = [one for one in counted if one["apply_on"] == "each_specified_item"]
    kinds = {one["id"]: one["charge_type"] for one in roots["addons"]}
    recurring = [one for one in subscription.get("addons") or () if kinds.get(one["id"]) == "recurring"]
    currency = subscription["currency_code"]
    quantity = subscription.get("plan_quantity")
    if quantity is None:
        quantity = 1
    price = _amount(subscription.get("plan_unit_price"), currency)
    if price is None:
        price = (_amount(subscription.get("plan_amount"), currency) or _ZERO) / max(quantity, 1)
    plan_total = price * quantity
    gross = plan_total
    for line in recurring:
        each = _amount(line.get("unit_price"), currency)
        if each is None:
            gross += _amount(line.get("amount"), currency) or _ZERO
        else:
            gross += each * (1 if line.get("quantity") is None else line["quantity"])
    whole_share = _combined(_percentages(whole), _fixed(whole, gross, currency))
    plan_id = subscription.get("plan_id")
    plan_coupons = [
        one
        for one in each_item
        if (chosen := one.get("plan_constraint")) == "all" or (chosen == "specific" and plan_id in one["plan_ids"])
    ]
    plan_share = _combined(_percentages(plan_coupons), _fixed(plan_coupons, plan_total, currency))
    free = _HUNDRED * min(plan.get("free_quantity") or 0, quantity) / quantity if quantity else _ZERO
    discount = _combined(free, _combined(plan_share, whole_share)).quantize(_CENT)

    names = (customer.get("first_name"), customer.get("last_name"))
    name = customer.get("company") or " ".join([part for part in names if part and part.strip()])
    name = name or customer.get("email") or subscription["customer_id"]
    _fits(name, 120)
    _fits(subscription["id"], 255)
    seconds = subscription.get("activated_at") or subscription.get("current_term_end")
    closed = run["started_at"] if seconds is None else datetime.fromtimestamp(seconds, UTC)
    fields: dict[str, Any] = {
        "Name": name,
        "AccountId": Ref("customer-account", subscription["customer_id"]),
        "CloseDate": closed.astimezone(ZoneInfo(settings["timezone"])).date().isoformat(),
        "CurrencyIsoCode": currency,
        "Pricebook2Id": Ref("site-pricebook", run["source"]["domain"]),
        "StageName": params["stage"],
        "chargebeeapps__CB_Opportunity_Type__c": params["opportunity_type"],
        "chargebeeapps__Subscription_Id__c": subscription["id"],
    }
    rows = [_row("plan-pricebook-entry", plan_id, quantity, price, discount, subscription)]
    for line in recurring:
        own = [
            one
            for one in each_item
            if (chosen := one.get("addon_constraint")) == "all"
            or (chosen == "specific" and line["id"] in one["addon_ids"])
        ]
        count = line.get("quantity")
        if count is None:
            count = 1
        each = _amount(line.get("unit_price"), currency)
        if each is None:
            each = (_amount(line.get("amount"), currency) or _ZERO) / max(count, 1)
        share = _combined(_percentages(own), _fixed(own, each * count, currency))
        off = _combined(share, whole_share).quantize(_CENT)
        rows.append(_row("addon-pricebook-entry", line["id"], count, each, off, line))
    amount = _ZERO
    for row in rows:
        list_price = row["UnitPrice"]
        left = (list_price - list_price * row["Discount"] / _HUNDRED) * row["Quantity"]
        amount += left.quantize(_CENT, ROUND_HALF_UP)
    key = {"chargebeeapps__Subscription_Id__c": subscription["id"]}
    products = [
        _package_row(
            "PLAN", "plan-product", plan_id, quantity, subscription, "plan_unit_price", "plan_amount", currency
        )
    ]
    for line in recurring:
        count = 1 if line.get("quantity") is None else line["quantity"]
        products.append(
            _package_row("ADDON", "addon-product", line["id"], count, line, "unit_price", "amount", currency)
        )
    coupons = [
        {
            "Name": one["coupon_id"][:80],
            "CurrencyIsoCode": currency,
            "chargebeeapps__CB_Coupon__c": Ref("coupon", one["coupon_id"]),
            "chargebeeapps__CB_Coupon_Id__c": one["coupon_id"],
            "chargebeeapps__Apply_Till__c": None,
        }
        for one in subscription.get("coupons") or ()
    ]
    children = {"products": rows, "package_products": products, "package_coupons": coupons}
    return MappedRecord(True, fields, (key,), children, (), {"Amount": amount})


def _row(
    mapping: str, key: str, quantity: int, price: Decimal, discount: Decimal, line: Mapping[str, Any]
) -> dict[str, Any]:
    row = {
        "PricebookEntryId": Ref(mapping, key),
        "Quantity": Decimal(quantity),
        "UnitPrice": price.quantize(_CENT),
        "Discount": discount,
    }
    cycles = line.get("remaining_billing_cycles")
    if cycles is not None:
        row["chargebeeapps__Billing_Cycles__c"] = Decimal(cycles)
    return row


def _package_row(
    kind: str, mapping: str, key: str, count: int, line: Mapping[str, Any], price: str, total: str, currency: str
) -> dict[str, Any]:
    row = {
        "Name": key[:80],
        "CurrencyIsoCode": currency,
        "chargebeeapps__Product__c": Ref(mapping, key),
        "chargebeeapps__Product_Type__c": kind,
        "chargebeeapps__CB_Product_Id__c": key,
        "chargebeeapps__Quantity__c": Decimal(count),
        "chargebeeapps__Currency__c": currency,
    }
    for name, found in (
        ("chargebeeapps__Unit_Price__c", _amount(line.get(price), currency)),
        ("chargebeeapps__Amount__c", _amount(line.get(total), currency)),
    ):
        if found is not None:
            row[name] = found
    cycles = line.get("remaining_billing_cycles")
    if cycles is not None:
        row["chargebeeapps__Billing_Cycles__c"] = Decimal(cycles)
    return row


def _amount(minor: int | None, currency: str) -> Decimal | None:
    if minor is None:
        return None
    return Decimal(minor) if currency in ZERO_DECIMAL_CURRENCIES else Decimal(minor).scaleb(-2)


def _percentages(coupons: list[Any]) -> Decimal:
    left = Decimal(1)
    for one in coupons:
        if one["discount_type"] == "percentage":
            left *= 1 - Decimal(one.get("discount_percentage") or 0) / 100
    return _HUNDRED - _HUNDRED * left


def _fixed(coupons: list[Any], base: Decimal, currency: str) -> Decimal:
    if not base:
        return _ZERO
    total = _ZERO
    for one in coupons:
        if one["discount_type"] == "fixed_amount" and one.get("currency_code") == currency:
            total += _amount(one.get("discount_amount"), currency) or _ZERO
    return min(_HUNDRED, _HUNDRED * total / base)


def _combined(first: Decimal, second: Decimal) -> Decimal:
    return _HUNDRED - (_HUNDRED - first) * (_HUNDRED - second) / _HUNDRED


def _fits(text: str, length: int) -> None:
    if len(text) > length:
        raise ValueError(f"longer than {length}")

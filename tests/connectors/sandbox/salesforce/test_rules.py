"""Business rules: prices, line items, amounts, and what an administrator may add."""

from __future__ import annotations

from tests.connectors.sandbox.salesforce.conftest import Client, Prices


def test_custom_price_needs_a_standard_price_first(client: Client, prices: Prices) -> None:
    other = client.create("Product2", Name="Extra")
    entry = {"Product2Id": other, "Pricebook2Id": prices.book, "UnitPrice": 5, "IsActive": True}
    assert client.error("POST", "sobjects/PricebookEntry", entry) == (
        400,
        "STANDARD_PRICE_NOT_DEFINED",
        "Before creating a custom price, create a standard price.",
    )


def test_one_price_per_product_book_and_currency(client: Client, prices: Prices) -> None:
    entry = {"Product2Id": prices.product, "Pricebook2Id": prices.book, "UnitPrice": 5}
    assert client.error("POST", "sobjects/PricebookEntry", entry)[1] == "DUPLICATE_VALUE"
    prices.entry(prices.standard, 15_000, currency="JPY")
    prices.entry(prices.book, 14_000, currency="JPY")


def test_price_may_not_be_sent_while_the_standard_price_is_used(client: Client, prices: Prices) -> None:
    path = f"sobjects/PricebookEntry/{prices.listed}"
    client.call("PATCH", path, {"UseStandardPrice": True})
    assert client.field("PricebookEntry", prices.listed, "UnitPrice") == 120.0
    status, answer = client.call("PATCH", path, {"UnitPrice": 4})
    assert (status, answer[0]["errorCode"], answer[0]["fields"]) == (400, "FIELD_INTEGRITY_EXCEPTION", [])
    standard = client.rows(f"SELECT Id FROM PricebookEntry WHERE Pricebook2Id = '{prices.standard}'")[0][0]
    client.call("PATCH", f"sobjects/PricebookEntry/{standard}", {"UnitPrice": 130})
    assert client.field("PricebookEntry", prices.listed, "UnitPrice") == 130.0


def test_entry_is_named_after_its_product(client: Client, prices: Prices) -> None:
    client.call("PATCH", f"sobjects/Product2/{prices.product}", {"Name": "Basic 2", "ProductCode": "b2"})
    assert client.rows("SELECT Name, ProductCode FROM PricebookEntry") == [("Basic 2", "b2"), ("Basic 2", "b2")]


def test_amount_is_the_sum_of_the_line_items_and_cannot_be_written_then(client: Client, prices: Prices) -> None:
    first = prices.line(Discount=10)
    prices.line(Quantity=1, UnitPrice=25)
    opportunity = client.call("GET", f"sobjects/Opportunity/{prices.opportunity}")[1]
    assert (opportunity["Amount"], opportunity["HasOpportunityLineItem"]) == (187.0, True)
    assert opportunity["TotalOpportunityQuantity"] == 3.0
    assert opportunity["ExpectedRevenue"] == 18.7
    assert opportunity["Pricebook2Id"] == prices.book
    line = client.call("GET", f"sobjects/OpportunityLineItem/{first}")[1]
    assert (line["ListPrice"], line["Subtotal"], line["TotalPrice"]) == (100.0, 180.0, 162.0)
    assert (line["Product2Id"], line["Name"], line["ProductCode"]) == (prices.product, "Deal Basic", "basic")
    status, _ = client.call("PATCH", f"sobjects/Opportunity/{prices.opportunity}", {"Amount": 5})
    assert (status, client.field("Opportunity", prices.opportunity, "Amount")) == (204, 187.0)
    client.call("PATCH", f"sobjects/OpportunityLineItem/{first}", {"Quantity": 1})
    assert client.field("Opportunity", prices.opportunity, "Amount") == 106.0
    client.call("DELETE", f"sobjects/OpportunityLineItem/{first}")
    assert client.field("Opportunity", prices.opportunity, "Amount") == 25.0


def test_amount_is_writable_again_without_line_items(client: Client, prices: Prices) -> None:
    client.call("DELETE", f"sobjects/OpportunityLineItem/{prices.line()}")
    client.call("PATCH", f"sobjects/Opportunity/{prices.opportunity}", {"Amount": 5})
    assert client.field("Opportunity", prices.opportunity, "Amount") == 5.0
    assert client.field("Opportunity", prices.opportunity, "HasOpportunityLineItem") is False


def test_total_alone_gives_the_unit_price(client: Client, prices: Prices) -> None:
    line = prices.line(UnitPrice=None, TotalPrice=150, Quantity=2)
    assert client.field("OpportunityLineItem", line, "UnitPrice") == 75.0


def test_unit_price_and_total_must_agree(client: Client, prices: Prices) -> None:
    prices.line(UnitPrice=75, TotalPrice=150, Quantity=2)
    bad = {"OpportunityId": prices.opportunity, "PricebookEntryId": prices.listed, "Quantity": 2}
    error = client.error("POST", "sobjects/OpportunityLineItem", {**bad, "UnitPrice": 75, "TotalPrice": 140})
    assert error[1] == "FIELD_INTEGRITY_EXCEPTION"


def test_line_item_needs_a_price_book_entry_of_the_opportunitys_book_and_currency(
    client: Client, prices: Prices
) -> None:
    line = {"OpportunityId": prices.opportunity, "Quantity": 1, "UnitPrice": 1}
    status, answer = client.call("POST", "sobjects/OpportunityLineItem", line)
    assert (status, answer[0]["errorCode"], answer[0]["fields"]) == (
        400,
        "FIELD_INTEGRITY_EXCEPTION",
        ["PricebookEntryId"],
    )
    assert "unknown (versions 3.0 and higher must specify pricebook entry id" in answer[0]["message"]
    prices.line()
    standard = client.rows(f"SELECT Id FROM PricebookEntry WHERE Pricebook2Id = '{prices.standard}'")[0][0]
    wrong_book = client.error("POST", "sobjects/OpportunityLineItem", {**line, "PricebookEntryId": standard})
    assert "in a different pricebook than the one assigned" in wrong_book[2]
    prices.entry(prices.standard, 1, currency="EUR")
    euro = prices.entry(prices.book, 1, currency="EUR")
    wrong_currency = client.error("POST", "sobjects/OpportunityLineItem", {**line, "PricebookEntryId": euro})
    assert "currency code does not match" in wrong_currency[2]


def test_price_book_and_currency_stay_while_line_items_exist(client: Client, prices: Prices) -> None:
    prices.line()
    path = f"sobjects/Opportunity/{prices.opportunity}"
    assert client.error("PATCH", path, {"Pricebook2Id": prices.standard})[1] == "FIELD_INTEGRITY_EXCEPTION"
    assert client.error("PATCH", path, {"CurrencyIsoCode": "EUR"})[1] == "FIELD_INTEGRITY_EXCEPTION"
    assert client.call("PATCH", path, {"Pricebook2Id": prices.book})[0] == 204


def test_sold_price_cannot_be_deleted(client: Client, prices: Prices) -> None:
    prices.line()
    assert client.error("DELETE", f"sobjects/Product2/{prices.product}")[1] == "DELETE_FAILED"
    assert client.query("SELECT COUNT() FROM PricebookEntry")["totalSize"] == 2


def test_stage_change_moves_probability_and_closes(client: Client, prices: Prices) -> None:
    client.call("PATCH", f"sobjects/Opportunity/{prices.opportunity}", {"StageName": "Closed Lost"})
    record = client.call("GET", f"sobjects/Opportunity/{prices.opportunity}")[1]
    found = [record[name] for name in ("IsClosed", "IsWon", "Probability", "ForecastCategoryName", "Amount")]
    assert found == [True, False, 0.0, "Omitted", 7.0]


def test_primary_contact_role_is_one(client: Client, prices: Prices) -> None:
    contacts = [client.create("Contact", LastName=name) for name in "AB"]
    for contact in contacts:
        client.create("OpportunityContactRole", OpportunityId=prices.opportunity, ContactId=contact, IsPrimary=True)
    rows = client.rows("SELECT ContactId FROM OpportunityContactRole WHERE IsPrimary = true")
    assert rows == [(contacts[1],)]


def test_validation_rule_stops_a_record_with_its_own_words(client: Client) -> None:
    rule = {
        "object": "Account",
        "when": [{"field": "Name", "op": "=", "value": "Bad"}, {"field": "Phone", "op": "null"}],
        "message": "Bad accounts need a phone",
        "error_field": "Phone",
    }
    client.configure(validation_rules=[rule])
    status, answer = client.call("POST", "sobjects/Account", {"Name": "Bad"})
    assert status == 400
    assert answer == [
        {
            "message": "Bad accounts need a phone",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["Phone"],
        }
    ]
    record_id = client.create("Account", Name="Bad", Phone="1")
    path = f"sobjects/Account/{record_id}"
    assert client.error("PATCH", path, {"Phone": None})[1] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_alert_rule_yields_to_the_header_and_block_rule_does_not(client: Client) -> None:
    allow = {"sforce_duplicate_rule_header": "allowSave=true; runAsCurrentUser=true"}
    client.create("Account", Name="Acme")
    client.configure(duplicate_rules=[{"object": "Account", "match": ["Name"], "action": "Alert"}])
    status, answer = client.call("POST", "sobjects/Account", {"Name": "ACME"})
    assert (status, answer[0]["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert answer[0]["message"] == "Use one of these records?"
    assert answer[0]["duplicateResult"]["matchResults"][0]["size"] == 1
    assert client.call("POST", "sobjects/Account", {"Name": "ACME"}, **allow)[0] == 201
    client.configure(duplicate_rules=[{"object": "Account", "match": ["Name"], "action": "Block"}])
    assert client.error("POST", "sobjects/Account", {"Name": "acme"}, **allow)[1] == "DUPLICATES_DETECTED"


def test_locked_row_heals_after_as_many_tries_as_told(client: Client) -> None:
    lock = {"object": "Account", "field": "chargebeeapps__CB_Id__c", "value": "c1", "times": 2}
    client.configure(locks=[lock])
    path = "sobjects/Account/chargebeeapps__CB_Id__c/c1"
    codes = [client.call("PATCH", path, {"Name": "A"}) for _ in range(3)]
    assert [status for status, _ in codes] == [400, 400, 201]
    assert codes[0][1][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"


def test_hidden_field_does_not_exist_for_the_user(client: Client) -> None:
    client.configure(hidden_fields={"Account": ["Phone"]})
    describe = client.call("GET", "sobjects/Account/describe")[1]
    assert "Phone" not in [field["name"] for field in describe["fields"]]
    assert client.error("POST", "sobjects/Account", {"Name": "A", "Phone": "1"})[1] == "INVALID_FIELD"
    assert client.error("GET", "query?q=SELECT+Phone+FROM+Account")[1] == "INVALID_FIELD"


def test_without_multi_currency_no_currency_field_exists(client: Client) -> None:
    client.configure(multi_currency=False)
    assert client.error("POST", "sobjects/Account", {"Name": "A", "CurrencyIsoCode": "USD"})[1] == "INVALID_FIELD"
    assert client.error("GET", "sobjects/CurrencyType/describe")[1] == "NOT_FOUND"


def test_quote_totals_follow_its_lines(client: Client, prices: Prices) -> None:
    quote = client.create("Quote", Name="Q", OpportunityId=prices.opportunity, Tax=3)
    client.create(
        "QuoteLineItem", QuoteId=quote, PricebookEntryId=prices.listed, Quantity=2, UnitPrice=100, Discount=10
    )
    record = client.call("GET", f"sobjects/Quote/{quote}")[1]
    assert [record[name] for name in ("Subtotal", "TotalPrice", "GrandTotal", "LineItemCount")] == [200, 180, 183, 1]

"""Many records in one call: collections, composites, batches, graphs and trees."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.connectors.sandbox.salesforce.conftest import Client, V

CB_ID = "chargebeeapps__CB_Id__c"
UPSERT = f"composite/sobjects/Account/{CB_ID}"


def account(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **fields}


def collection(*records: dict[str, Any], all_or_none: bool = False) -> dict[str, Any]:
    return {"allOrNone": all_or_none, "records": list(records)}


def codes(rows: list[Any]) -> list[str]:
    return ["ok" if row["success"] else row["errors"][0]["statusCode"] for row in rows]


def test_upsert_answers_each_row_in_order(client: Client) -> None:
    client.create("Account", Name="Old", **{CB_ID: "c2"})
    body = collection(account(Name="A", **{CB_ID: "c1"}), account(Phone="9", **{CB_ID: "c2"}), account(**{CB_ID: "c3"}))
    status, rows = client.call("PATCH", UPSERT, body)
    assert status == 200
    assert [row["created"] for row in rows] == [True, False, True]
    assert codes(rows) == ["ok", "ok", "REQUIRED_FIELD_MISSING"]
    assert "id" not in rows[2]
    assert client.rows("SELECT Name, Phone FROM Account") == [("Old", "9"), ("A", None)]


def test_one_bad_row_undoes_all_or_none_and_created_stays_true(client: Client) -> None:
    body = collection(account(Name="A", **{CB_ID: "c1"}), account(**{CB_ID: "c2"}), all_or_none=True)
    status, rows = client.call("PATCH", UPSERT, body)
    assert (status, codes(rows)) == (200, ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"])
    assert [row["created"] for row in rows] == [True, True]
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_rollback_also_undoes_sums_over_line_items(client: Client, prices: Any) -> None:
    prices.line()
    item = {"attributes": {"type": "OpportunityLineItem"}, "OpportunityId": prices.opportunity, "UnitPrice": 1}
    rows = [{**item, "PricebookEntryId": prices.listed, "Quantity": 1}, {**item, "Quantity": 1}]
    _, answer = client.call("POST", "composite/sobjects", {"allOrNone": True, "records": rows})
    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "FIELD_INTEGRITY_EXCEPTION"]
    assert client.field("Opportunity", prices.opportunity, "Amount") == 180.0


def test_twins_in_one_call_are_refused(client: Client) -> None:
    body = collection(*(account(Name=name, **{CB_ID: key}) for name, key in (("A", "x"), ("B", "y"), ("C", "x"))))
    _, rows = client.call("PATCH", UPSERT, body)
    assert codes(rows) == ["DUPLICATE_VALUE", "ok", "DUPLICATE_VALUE"]


def test_row_without_its_key_is_refused(client: Client) -> None:
    _, rows = client.call("PATCH", UPSERT, collection(account(Name="A")))
    assert codes(rows) == ["MISSING_ARGUMENT"]


def test_key_of_the_wrong_json_type_fails_the_whole_request(client: Client) -> None:
    body = collection(account(Name="A", **{CB_ID: "c1"}), account(Name="B", **{CB_ID: 7}))
    assert client.error("PATCH", UPSERT, body)[:2] == (400, "JSON_PARSER_ERROR")
    assert client.rows("SELECT Name FROM Account") == []


def test_ambiguous_key_is_refused(client: Client) -> None:
    for name in "AB":
        client.create("Contact", LastName=name, Email="same@x.example")
    row = {"attributes": {"type": "Contact"}, "Email": "same@x.example", "LastName": "C"}
    _, rows = client.call("PATCH", "composite/sobjects/Contact/Email", collection(row))
    assert codes(rows) == ["DUPLICATE_EXTERNAL_ID"]


def test_record_id_is_a_key_too(client: Client) -> None:
    record_id = client.create("Account", Name="A")
    body = collection(account(Id=None, Name="New"), account(Id=record_id, Name="Changed"))
    _, rows = client.call("PATCH", "composite/sobjects/Account/Id", body)
    assert [row["created"] for row in rows] == [True, False]
    assert client.rows("SELECT Name FROM Account ORDER BY Name") == [("Changed",), ("New",)]


def test_badly_typed_value_fails_the_whole_request(client: Client) -> None:
    body = collection(account(Name="A", **{CB_ID: "c1"}), account(Name=5, **{CB_ID: "c2"}))
    assert client.error("PATCH", UPSERT, body)[:2] == (400, "JSON_PARSER_ERROR")
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_more_than_200_records_are_refused(client: Client) -> None:
    body = collection(*(account(Name="A") for _ in range(201)))
    text = "record limit reached. cannot submit more than 200 records in this call"
    assert client.error("POST", "composite/sobjects", body) == (400, "EXCEEDED_ID_LIMIT", text)


def test_update_by_id_reports_unknown_deleted_and_foreign_ids(client: Client) -> None:
    kept, gone = client.create("Account", Name="A"), client.create("Account", Name="B")
    client.call("DELETE", f"sobjects/Account/{gone}")
    ids = [kept, gone, "0015g00000000zzAAA", "0065g0000000001AAA", None]
    rows = client.call("PATCH", "composite/sobjects", collection(*(account(Id=i, Phone="1") for i in ids)))[1]
    assert codes(rows) == ["ok", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "MISSING_ARGUMENT"]


def test_delete_reads_ids_and_all_or_none_from_the_address(client: Client) -> None:
    first, second = client.create("Account", Name="A"), client.create("Account", Name="B")
    address = f"composite/sobjects?ids={first},0015g00000000zzAAA&allOrNone=true"
    assert codes(client.call("DELETE", address)[1]) == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_CROSS_REFERENCE_KEY",
    ]
    assert codes(client.call("DELETE", f"composite/sobjects?ids={first},{second}")[1]) == ["ok", "ok"]


def test_retrieve_answers_null_for_what_is_not_there(client: Client) -> None:
    record_id = client.create("Account", Name="A")
    body = {"ids": [record_id, "0015g00000000zzAAA"], "fields": ["name"]}
    rows = client.call("POST", "composite/sobjects/Account", body)[1]
    assert rows[0]["Name"] == "A"
    assert rows[1] is None


def sub(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"referenceId": name, "method": method, "url": f"{V}/{path}"} | ({"body": body} if body else {})


def test_composite_hands_values_from_one_call_to_the_next(client: Client) -> None:
    parts = [
        sub("acc", "PATCH", f"sobjects/Account/{CB_ID}/c1", {"Name": "A"}),
        sub("con", "POST", "sobjects/Contact", {"LastName": "Ann", "AccountId": "@{acc.id}"}),
        sub("rows", "POST", "composite/sobjects", collection({"attributes": {"type": "Contact"}, "LastName": "Bob"})),
        sub("got", "GET", "sobjects/Contact/@{rows[0].id}"),
        sub("all", "GET", f"query?q={quote('SELECT LastName FROM Contact WHERE AccountId = ')}'@{{acc.id}}'"),
    ]
    status, answer = client.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})
    answers = answer["compositeResponse"]
    assert status == 200
    assert [part["httpStatusCode"] for part in answers] == [201, 201, 200, 200, 200]
    assert [part["referenceId"] for part in answers] == ["acc", "con", "rows", "got", "all"]
    assert answers[3]["body"]["LastName"] == "Bob"
    assert [row["LastName"] for row in answers[4]["body"]["records"]] == ["Ann"]


def test_failed_part_undoes_an_all_or_none_composite(client: Client) -> None:
    parts = [sub("a", "POST", "sobjects/Account", {"Name": "A"}), sub("b", "POST", "sobjects/Account", {"Phone": "1"})]
    answers = client.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})[1]["compositeResponse"]
    found = [(part["httpStatusCode"], part["body"][0]["errorCode"]) for part in answers]
    assert found == [(400, "PROCESSING_HALTED"), (400, "REQUIRED_FIELD_MISSING")]
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_dependents_of_a_failed_part_do_not_run_but_others_do(client: Client) -> None:
    parts = [
        sub("a", "POST", "sobjects/Account", {"Phone": "1"}),
        sub("b", "POST", "sobjects/Contact", {"LastName": "Ann", "AccountId": "@{a.id}"}),
        sub("c", "POST", "sobjects/Account", {"Name": "C"}),
    ]
    answers = client.call("POST", "composite", {"compositeRequest": parts})[1]["compositeResponse"]
    assert [part["httpStatusCode"] for part in answers] == [400, 400, 201]
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert client.rows("SELECT Name FROM Account") == [("C",)]
    assert client.rows("SELECT Name FROM Contact") == []


def test_composite_takes_five_collections_and_no_sixth(client: Client) -> None:
    parts = [sub(f"r{i}", "POST", "composite/sobjects", collection(account(Name=f"A{i}"))) for i in range(6)]
    assert client.call("POST", "composite", {"compositeRequest": parts[:5]})[0] == 200
    assert client.error("POST", "composite", {"compositeRequest": parts})[1] == "LIMIT_EXCEEDED"


def test_composite_counts_as_one_call(client: Client) -> None:
    parts = [sub(f"r{i}", "POST", "sobjects/Account", {"Name": f"A{i}"}) for i in range(25)]
    before = client.org.calls_today
    reply = client.raw("POST", "composite", {"compositeRequest": parts})
    assert client.org.calls_today == before + 1
    assert reply.headers["Sforce-Limit-Info"] == f"api-usage={before + 1}/100000"


def test_batch_parts_are_independent(client: Client) -> None:
    parts = [
        {"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v59.0/sobjects/Account/0015g00000000zzAAA"},
    ]
    answer = client.call("POST", "composite/batch", {"batchRequests": parts})[1]
    assert answer["hasErrors"] is True
    assert [part["statusCode"] for part in answer["results"]] == [201, 404]


def test_each_graph_is_its_own_transaction(client: Client) -> None:
    good = {"graphId": "g", "compositeRequest": [sub("a", "POST", "sobjects/Account", {"Name": "Good"})]}
    parts = [
        sub("a", "POST", "sobjects/Account", {"Name": "Bad"}),
        sub("b", "POST", "sobjects/Account", {"Phone": "1"}),
    ]
    answer = client.call("POST", "composite/graph", {"graphs": [good, {"graphId": "h", "compositeRequest": parts}]})[1]
    assert [part["isSuccessful"] for part in answer["graphs"]] == [True, False]
    assert client.rows("SELECT Name FROM Account") == [("Good",)]


def test_tree_makes_children_below_their_parents_or_nothing(client: Client) -> None:
    ann = {"attributes": {"type": "Contact", "referenceId": "ann"}, "LastName": "Ann"}
    top = {"attributes": {"type": "Account", "referenceId": "acme"}, "Name": "Acme", "Contacts": {"records": [ann]}}
    status, answer = client.call("POST", "composite/tree/Account", {"records": [top]})
    assert (status, [row["referenceId"] for row in answer["results"]]) == (201, ["acme", "ann"])
    assert client.rows("SELECT LastName FROM Contact WHERE Account.Name = 'Acme'") == [("Ann",)]
    del ann["LastName"]
    status, answer = client.call("POST", "composite/tree/Account", {"records": [top]})
    assert (status, answer["results"][0]["referenceId"]) == (400, "ann")
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 1

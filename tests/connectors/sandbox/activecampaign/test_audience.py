"""Lists, tags, accounts, limits and the bulk importer of the emulated account, over raw HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fieldwright.connectors.sandbox.activecampaign.world import mark


def subscribe(account: Any, contact: str, status: int, number: int | str = 1) -> Any:
    return account.post("/contactLists", {"contactList": {"list": number, "contact": contact, "status": status}})


def statuses(account: Any, contact: str) -> dict[str, str]:
    listed = account.get(f"/contacts/{contact}/contactLists").json()["contactLists"]
    return {item["list"]: item["status"] for item in listed}


def test_a_subscription_echoes_what_came_and_reads_back_as_text(account: Any) -> None:
    number = account.contact("a@example.com")
    reply = subscribe(account, number, 1)
    echo = reply.json()["contactList"]
    assert (reply.status_code, echo["list"], echo["contact"], echo["status"]) == (200, 1, number, 1)
    assert statuses(account, number) == {"1": "1"}


def test_contact_lists_takes_back_an_opt_out(account: Any) -> None:
    number = account.contact("a@example.com")
    for status in (1, 2, 1):
        assert subscribe(account, number, status).status_code == 200
    assert statuses(account, number) == {"1": "1"}


def test_an_unknown_list_is_a_403(account: Any) -> None:
    refused = subscribe(account, account.contact("a@example.com"), 1, 99)
    assert (refused.status_code, refused.json()) == (403, {"message": "No Result found for List with id 99"})
    assert account.get("/lists/99").status_code == 403


def test_a_new_list_is_invisible_until_given_to_a_group(account: Any) -> None:
    body = {"name": "New", "stringid": "new", "sender_url": "https://example.com", "sender_reminder": "you signed up"}
    made = account.post("/lists", {"list": body}).json()["list"]

    def visible() -> list[str]:
        return [item["name"] for item in account.get("/lists").json()["lists"]]

    assert visible() == ["Customers", "Newsletter"]
    account.post("/listGroups", {"listGroup": {"listid": made["id"], "groupid": 3}})
    assert visible() == ["Customers", "Newsletter", "New"]
    assert account.post("/lists", {"list": {"name": "x"}}).json()["errors"][0]["code"] == "field_missing"


def test_tags_are_searched_by_part_and_added_once(account: Any) -> None:
    number = account.contact("a@example.com")
    ids = {}
    for name in ("VIP", "VIP gold"):
        ids[name] = account.post("/tags", {"tag": {"tag": name, "tagType": "contact"}}).json()["tag"]["id"]
    assert [tag["tag"] for tag in account.get("/tags", search="vip").json()["tags"]] == ["VIP", "VIP gold"]
    exact = account.get("/tags", **{"filters[search][eq]": "vip"}).json()["tags"]
    assert [tag["tag"] for tag in exact] == ["VIP"]
    body = {"contactTag": {"contact": number, "tag": ids["VIP"]}}
    first, second = account.post("/contactTags", body), account.post("/contactTags", body)
    assert (first.status_code, second.status_code) == (201, 200)
    association = first.json()["contactTag"]["id"]
    assert account.delete(f"/contactTags/{association}").status_code == 200
    gone = account.delete(f"/contactTags/{association}")
    assert gone.json() == {"message": f"No Result found for SubscriberTag with id {association}"}


def test_a_tag_on_nobody_is_refused_in_two_forms(account: Any) -> None:
    tag = account.post("/tags", {"tag": {"tag": "VIP"}}).json()["tag"]["id"]
    missing = account.post("/contactTags", {"contactTag": {"contact": "7", "tag": tag}})
    assert missing.json() == {"errors": [{"status": 404, "title": "Not Found", "detail": "Contact not found"}]}
    incomplete = account.post("/contactTags", {"contactTag": {"tag": tag}})
    assert incomplete.json() == {
        "errors": [{"status": 422, "title": "Missing attribute", "source": {"pointer": "/data/attributes/contact"}}]
    }


def test_one_option_fault_is_a_single_string_in_plain_text(account: Any) -> None:
    refused = account.post("/fieldOption/bulk", {"fieldOptions": [{"field": 999, "value": "x"}]})
    assert isinstance(refused.json()["errors"], str)
    assert refused.headers["content-type"].startswith("text/plain")


def test_a_refused_request_leaves_nothing_behind(account: Any) -> None:
    made = account.post("/fields", {"field": {"type": "dropdown", "title": "Role"}}).json()["field"]
    options = [{"field": made["id"], "value": "kept?"}, {"field": "999", "value": "x"}]
    assert account.post("/fieldOption/bulk", {"fieldOptions": options}).status_code == 422
    assert account.get("/fields").json()["fieldOptions"] == []


def test_a_body_that_is_no_json_is_told_in_a_list_of_strings(account: Any) -> None:
    refused = account.client.post("/api/3/contacts", content=b"{", headers={"content-type": "application/json"})
    assert (refused.status_code, refused.json()) == (400, {"errors": ["The request body is not valid JSON."]})


def test_a_contact_has_one_account(account: Any) -> None:
    contact = account.contact("a@example.com")
    acme, other = (account.post("/accounts", {"account": {"name": n}}).json()["account"]["id"] for n in ("Acme", "B"))
    again = account.post("/accounts", {"account": {"name": "acme"}}).json()["errors"][0]
    assert (again["code"], again["title"][:24]) == ("duplicate", 'An account named "acme" ')
    body = {"accountContact": {"contact": int(contact), "account": acme}}
    assert account.post("/accountContacts", body).json()["accountContact"]["contact"] == int(contact)
    body["accountContact"]["account"] = other
    assert account.post("/accountContacts", body).json()["errors"][0]["source"]["pointer"] == (
        "/data/attributes/account,contact"
    )


def test_the_sixth_request_of_any_second_is_refused(open_account: Callable[..., Any]) -> None:
    account = open_account(rate_limit=5)
    left = []
    for _ in range(5):
        reply = account.get("/users/me")
        left.append((reply.status_code, reply.headers["RateLimit-Remaining"]))
        account.seconds[0] += 0.1
    assert left == [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0")]
    refused = account.get("/users/me")
    assert (refused.status_code, refused.headers["Retry-After"], refused.headers["RateLimit-Limit"]) == (429, "1", "5")
    account.seconds[0] += 0.51
    assert account.get("/users/me").status_code == 200
    assert account.get("/users/me").status_code == 429


def contact_row(email: str, **more: Any) -> dict[str, Any]:
    return {"email": email, **more}


def test_an_import_is_queued_and_done_later(open_account: Callable[..., Any]) -> None:
    account = open_account(import_delay=30)
    tag = int(account.field_id("CB_STATUS"))
    rows = [
        contact_row("a@example.com", first_name="Ann", fields=[{"id": tag, "value": "active"}], tags=["new", "VIP"]),
        contact_row("invalid.email@invalidDomain"),
    ]
    rows[0]["subscribe"] = [{"listid": 1}]
    queued = account.post("/import/bulk_import", {"contacts": rows}).json()
    assert (queued["Success"], queued["queued_contacts"]) == (1, 2)
    info = account.get("/import/info", batchId=queued["batchId"]).json()
    assert (info["status"], info["success"]) == ("waiting", [])
    assert account.get("/contacts").json()["contacts"] == []
    assert account.get("/import/bulk_import").json()["outstanding"][0]["contacts"] == "2"
    account.clock.advance(31)
    done = account.get("/import/info", batchId=queued["batchId"]).json()
    assert done == {"status": "completed", "success": ["1"], "failure": ["invalid.email@invalidDomain"]}
    assert account.custom("1") == {str(tag): "active"}
    assert statuses(account, "1") == {"1": "1"}
    assert [item["tag"] for item in account.get("/tags").json()["tags"]] == ["new", "VIP"]
    assert account.get("/import/bulk_import").json()["outstanding"] == []


@pytest.mark.parametrize("status", [2, 3])
def test_an_import_never_takes_back_an_opt_out_or_a_bounce(account: Any, status: int) -> None:
    number = account.contact("a@example.com")
    subscribe(account, number, 1)
    mark(account.database, "A@example.com", "Customers", status)
    rows = [contact_row("a@example.com", last_name="Ames", subscribe=[{"listid": 1}, {"listid": 2}])]
    account.post("/import/bulk_import", {"contacts": rows})
    assert account.get(f"/contacts/{number}").json()["contact"]["lastName"] == "Ames"
    assert statuses(account, number) == {"1": str(status), "2": "1"}


def test_an_import_keeps_what_it_omits(account: Any) -> None:
    number = account.contact("a@example.com", firstName="Ann", phone="1")
    account.post("/import/bulk_import", {"contacts": [contact_row("A@example.com", phone="2")]})
    kept = account.get(f"/contacts/{number}").json()["contact"]
    assert (kept["firstName"], kept["phone"]) == ("Ann", "2")


def test_one_bad_row_stops_the_whole_import(account: Any) -> None:
    rows = [contact_row("a@example.com"), contact_row("nobody")]
    refused = account.post("/import/bulk_import", {"contacts": rows})
    assert refused.status_code == 400
    body = refused.json()
    assert (body["success"], body["failureReasons"]) == (
        0,
        [{"contact": 1, "failureReason": "Field email incorrect format"}],
    )
    assert account.get("/contacts").json()["meta"]["total"] == "0"


def test_an_import_is_bounded_in_contacts_and_bytes(account: Any) -> None:
    many = [contact_row(f"p{place}@example.com") for place in range(251)]
    assert account.post("/import/bulk_import", {"contacts": many}).status_code == 400
    assert account.post("/import/bulk_import", {"contacts": many[:250]}).status_code == 200
    for size, status in ((399_999, 200), (400_000, 400)):
        body = json.dumps({"contacts": [contact_row("a@example.com", first_name="")]})
        body = body.replace('"first_name": ""', '"first_name": "' + "x" * (size - len(body)) + '"')
        assert len(body) == size
        assert account.client.post("/api/3/import/bulk_import", content=body).status_code == status


def test_imports_have_a_limit_of_their_own_that_is_a_400(account: Any) -> None:
    body = {"contacts": [contact_row("a@example.com")]}
    assert [account.post("/import/bulk_import", body).status_code for _ in range(20)] == [200] * 20
    refused = account.post("/import/bulk_import", body)
    assert (refused.status_code, refused.json()["message"]) == (400, "Rate limit exceeded.")
    account.seconds[0] += 61
    assert account.post("/import/bulk_import", body).status_code == 200


def test_the_account_survives_a_restart(open_account: Callable[..., Any]) -> None:
    number = open_account().contact("a@example.com")
    assert open_account().get(f"/contacts/{number}").json()["contact"]["email"] == "a@example.com"

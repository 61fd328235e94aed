"""Contacts, custom fields and values of the emulated account, over raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest

TAKEN = {
    "errors": [
        {
            "title": "Email address already exists in the system",
            "detail": "",
            "code": "duplicate",
            "source": {"pointer": "/data/attributes/email"},
        }
    ]
}


@pytest.mark.parametrize("headers", [{"Api-Token": "wrong"}, {"Api-Token": ""}])
def test_a_wrong_key_is_refused_with_403(account: Any, headers: dict[str, str]) -> None:
    assert account.client.get("/api/3/users/me", headers=headers).status_code == 403


def test_the_key_names_its_user(account: Any) -> None:
    assert account.get("/users/me").json()["user"]["email"] == "sandbox@example.com"


def test_an_email_is_unique_whatever_its_case(account: Any) -> None:
    account.contact("Jane@Example.com")
    refused = account.post("/contacts", {"contact": {"email": "jANE@example.com"}})
    assert (refused.status_code, refused.json()) == (422, TAKEN)
    assert account.get("/contacts", email="JANE@EXAMPLE.COM").json()["contacts"][0]["email"] == "Jane@Example.com"


def test_sync_updates_by_email_and_keeps_what_is_omitted(account: Any) -> None:
    tag = account.field_id("CB_COMPANY")
    body = {
        "email": "a@example.com",
        "firstName": "Ann",
        "phone": "1",
        "fieldValues": [{"field": tag, "value": "Acme"}],
    }
    first = account.post("/contact/sync", {"contact": body})
    account.clock.advance(5)
    second = account.post("/contact/sync", {"contact": {"email": "A@example.com", "lastName": "Ames"}})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["contact"]["id"] == second.json()["contact"]["id"]
    kept = account.get(f"/contacts/{first.json()['contact']['id']}").json()["contact"]
    assert (kept["firstName"], kept["lastName"], kept["phone"]) == ("Ann", "Ames", "1")
    assert kept["cdate"] != kept["udate"]
    assert account.custom(kept["id"]) == {tag: "Acme"}


def test_an_empty_value_clears_a_custom_field(account: Any) -> None:
    tag = account.field_id("CB_COMPANY")
    number = account.contact("a@example.com", fieldValues=[{"field": tag, "value": "Acme"}])
    account.post("/contact/sync", {"contact": {"email": "a@example.com", "fieldValues": [{"field": tag, "value": ""}]}})
    assert account.custom(number) == {tag: ""}


def test_the_plural_sync_is_a_plain_create(account: Any) -> None:
    account.contact("a@example.com")
    assert account.post("/contacts/sync", {"contact": {"email": "a@example.com"}}).status_code == 422


def test_an_email_changes_only_to_a_free_one(account: Any) -> None:
    first, second = account.contact("a@example.com"), account.contact("b@example.com")
    assert account.put(f"/contacts/{first}", {"contact": {"email": "c@example.com"}}).status_code == 200
    refused = account.put(f"/contacts/{second}", {"contact": {"email": "C@example.com", "firstName": "lost"}})
    assert (refused.status_code, refused.json()) == (422, TAKEN)
    assert account.get(f"/contacts/{second}").json()["contact"]["firstName"] == ""


def test_reading_and_deleting_nothing_use_different_words(account: Any) -> None:
    assert account.get("/contacts/1").json() == {"message": "No Result found for Subscriber with id 1"}
    gone = account.delete("/contacts/1")
    assert (gone.status_code, gone.json()) == (404, {"message": "No result found for contact with id 1"})


def test_a_deleted_contact_comes_back_with_a_new_id_and_without_its_opt_out(account: Any) -> None:
    number = account.contact("a@example.com")
    account.post("/contactLists", {"contactList": {"list": 1, "contact": number, "status": 2}})
    assert account.delete(f"/contacts/{number}").json() == {}
    assert account.put(f"/contacts/{number}", {"contact": {"firstName": "late"}}).status_code == 404
    again = account.contact("a@example.com")
    assert again != number
    assert account.get(f"/contacts/{again}/contactLists").json() == {"contactLists": []}


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com"])
def test_a_bad_email_is_refused(account: Any, email: str) -> None:
    assert account.post("/contacts", {"contact": {"email": email}}).status_code == 422


def test_lists_of_contacts_are_paged_and_counted_in_text(account: Any) -> None:
    numbers = [account.contact(f"p{place}@example.com") for place in range(103)]
    assert all(isinstance(number, str) for number in numbers)
    default = account.get("/contacts").json()
    assert (len(default["contacts"]), default["meta"]["total"]) == (20, "103")
    assert len(account.get("/contacts", limit=500).json()["contacts"]) == 100
    assert account.get("/contacts", offset=103).json()["contacts"] == []
    rest = account.get("/contacts", **{"id_greater": numbers[99], "orders[id]": "ASC"}).json()["contacts"]
    assert [contact["id"] for contact in rest] == numbers[100:]


def test_filters_choose_contacts(account: Any) -> None:
    ann = account.contact("ann@example.com", firstName="Ann")
    account.clock.advance(3600)
    bob = account.contact("bob@example.com", phone="030-1")
    account.post("/contactLists", {"contactList": {"list": 1, "contact": bob, "status": 1}})

    def found(**query: Any) -> list[str]:
        return [contact["id"] for contact in account.get("/contacts", **query).json()["contacts"]]

    assert found(email_like="ann@") == [ann]
    assert found(search="030") == [bob]
    assert found(listid=1, status=1) == [bob]
    assert found(listid=1, status=2) == []
    assert found(**{"ids[]": [ann, bob]}) == [ann, bob]
    assert found(**{"filters[email]": "bob@example.com"}) == [bob]
    assert found(**{"filters[updated_after]": "2024-11-01T13:30:00-05:00"}) == [bob]
    assert found(**{"filters[created_before]": "2024-11-01T13:30:00-05:00"}) == [ann]


def test_side_loads_stand_beside_the_contacts_which_hold_ids_only(account: Any) -> None:
    tag = account.field_id("CB_STATUS")
    account.contact("a@example.com", fieldValues=[{"field": tag, "value": "active"}])
    reply = account.get("/contacts", include="fieldValues,contactLists").json()
    assert reply["contacts"][0]["fieldValues"] == [reply["fieldValues"][0]["id"]]
    assert (reply["fieldValues"][0]["field"], reply["fieldValues"][0]["value"]) == (tag, "active")
    assert reply["contactLists"] == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2024-11-01T13:05:00-06:00", "2024-11-01T14:05:00-05:00"),
        ("2024-12-01T13:05:00Z", "2024-12-01T07:05:00-06:00"),
        ("not a moment", "not a moment"),
        ("", ""),
    ],
)
def test_a_datetime_is_kept_in_the_zone_of_the_account(account: Any, sent: str, kept: str) -> None:
    made = account.post("/fields", {"field": {"type": "datetime", "title": "Seen at"}}).json()["field"]
    number = account.contact("a@example.com", fieldValues=[{"field": made["id"], "value": sent}])
    assert account.custom(number) == {made["id"]: kept}


def test_an_option_that_does_not_exist_is_stored_as_it_came(account: Any) -> None:
    made = account.post("/fields", {"field": {"type": "dropdown", "title": "Role"}}).json()["field"]
    for path in ("/fieldOption/bulk", "/fieldOptions/bulk"):
        options = {"fieldOptions": [{"orderid": 1, "value": "X", "label": "Option X", "field": made["id"]}]}
        assert account.post(path, options).status_code == 201
    number = account.contact("a@example.com", fieldValues=[{"field": int(made["id"]), "value": "||Boss||"}])
    assert account.custom(number) == {made["id"]: "||Boss||"}


def test_a_value_of_an_unknown_field_is_passed_over(account: Any) -> None:
    number = account.contact("a@example.com", fieldValues=[{"field": "999", "value": "x"}])
    assert account.custom(number) == {}


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ({"title": "Another Test Title"}, "ANOTHER_TEST_TITLE"),
        ({"title": "Any", "perstag": "Personalized Tag"}, "PERSONALIZEDTAG"),
        ({"title": "cb.status"}, "CB_STATUS_2"),
    ],
)
def test_a_field_has_a_tag(account: Any, given: dict[str, str], tag: str) -> None:
    reply = account.post("/fields", {"field": {"type": "text", **given}})
    assert (reply.status_code, reply.json()["field"]["perstag"]) == (201, tag)


def test_a_title_is_taken_once(account: Any) -> None:
    body = {"field": {"type": "text", "title": "Test Title"}}
    account.post("/fields", body)
    refused = account.post("/fields", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["detail"] == "There is already a field named 'Test Title' -- choose another name"


def test_a_field_is_invisible_until_related(account: Any) -> None:
    made = account.post("/fields", {"field": {"type": "text", "title": "New"}}).json()["field"]
    assert made["relations"] == []
    related = account.post("/fieldRels", {"fieldRel": {"field": made["id"], "relid": 0}}).json()["fieldRel"]
    assert (related["field"], related["relid"]) == (made["id"], 0)
    assert account.get(f"/fields/{made['id']}").json()["field"]["relations"] == [related["id"]]


def test_the_fields_of_a_connected_account_are_there_and_visible(account: Any) -> None:
    fields = account.get("/fields").json()["fields"]
    assert len(fields) == 14
    assert all(field["relations"] for field in fields)
    assert {field["perstag"]: field["type"] for field in fields if field["type"] != "text"} == {
        "CB_MRR": "number",
        "CB_CREATED": "date",
        "CB_TRIAL_END": "date",
        "CB_NEXT_BILLING": "date",
        "CB_CANCELLED": "date",
    }


def test_field_values_have_their_own_resource(account: Any) -> None:
    number, tag = account.contact("a@example.com"), account.field_id("CB_STATUS")
    made = account.post("/fieldValues", {"fieldValue": {"contact": int(number), "field": tag, "value": "active"}})
    assert made.status_code == 200
    value = made.json()["fieldValue"]
    assert (value["contact"], value["field"]) == (int(number), tag)
    account.put(f"/fieldValues/{value['id']}", {"fieldValue": {"value": "cancelled"}})
    found = account.get("/fieldValues", **{"filters[fieldid]": tag}).json()["fieldValues"]
    assert [item["value"] for item in found] == ["cancelled"]
    account.delete(f"/fieldValues/{value['id']}")
    gone = account.get(f"/fieldValues/{value['id']}")
    assert (gone.status_code, gone.json()["message"][:15]) == (403, "No Result found")

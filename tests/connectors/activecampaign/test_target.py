"""The connector against the emulated account: what is written, what is asked, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fieldwright.connectors.activecampaign.audience import Wish, wanted_status
from fieldwright.connectors.sandbox.activecampaign.world import mark
from fieldwright.dsl import types
from fieldwright.runtime.connector import CustomField, FindRequest
from fieldwright.runtime.errors import AccessRefused, ConfigError, ObjectRefused, Unavailable
from fieldwright.runtime.records import Op, Outcome, Result, TargetRecord

CONTACT = "activecampaign.contact"
ON = [{"list": "Customers", "status": "subscribed"}]
OFF = [{"list": "Customers", "status": "unsubscribed"}]


def test_the_check_says_whose_key_it_is(bench: Any) -> None:
    identity = bench.target.check()
    assert (identity.system, identity.account, identity.user) == ("activecampaign", "sandbox", "sandbox@example.com")


def test_a_wrong_key_is_refused_access(bench: Any) -> None:
    bench.switch.script.append(("GET /users/me", 403, {}, b'{"message":"Unauthorized"}'))
    with pytest.raises(AccessRefused):
        bench.target.check()


def test_a_login_page_with_status_200_is_a_wrong_key(bench: Any) -> None:
    page = b"<!doctype html><html><body>Log in</body></html>"
    bench.switch.script.append(("GET /users/me", 200, {"content-type": "text/html"}, page))
    with pytest.raises(AccessRefused, match="web page"):
        bench.target.check()


def test_a_403_after_the_key_has_worked_is_asked_once_more(bench: Any) -> None:
    bench.target.check()
    bench.switch.script.append(("GET /contacts", 403, {}, b'{"message":"Authentication"}'))
    assert bench.target.count([CONTACT]) == {CONTACT: 0}
    bench.switch.script += [("GET /contacts", 403, {}, b"{}")] * 2
    with pytest.raises(AccessRefused):
        bench.target.count([CONTACT])


def test_a_reply_that_is_no_json_is_a_failure(bench: Any) -> None:
    bench.switch.script.append(("GET /contacts", 200, {}, b"OK"))
    with pytest.raises(Unavailable, match="not JSON"):
        bench.target.count([CONTACT])


def test_json_sent_as_plain_text_is_read(bench: Any) -> None:
    bench.switch.script.append(("GET /contacts", 200, {"content-type": "text/plain"}, b'{"meta":{"total":"7"}}'))
    assert bench.target.count([CONTACT]) == {CONTACT: 7}


def test_a_new_contact_is_written_with_fields_and_list_in_two_calls(bench: Any, op: Any) -> None:
    bench.target.missing_fields([])
    [outcome] = bench.target.apply(
        [op("ann@example.com", firstName="Ann", cf_CB_MRR=Decimal("12.50"), cf_CB_CREATED="2024-10-31", lists=ON)]
    )
    assert outcome == Outcome(Result.DONE, "1", created=True)
    assert bench.seen() == ["GET /fields", "GET /lists", "POST /contact/sync", "POST /contactLists"]
    assert bench.custom("1") == {"CB_MRR": "12.50", "CB_CREATED": "2024-10-31"}
    assert bench.statuses("1") == {"1": "1"}


def test_an_existing_contact_is_told_from_a_new_one(bench: Any, op: Any) -> None:
    bench.add("Ann@example.com", phone="1")
    [outcome] = bench.target.apply([op("ann@example.com", firstName="Ann")])
    assert outcome == Outcome(Result.DONE, "1", created=False)
    assert bench.get("/contacts/1")["contact"]["phone"] == "1"


def test_null_clears_a_custom_field_and_omitting_keeps_it(bench: Any, op: Any) -> None:
    bench.target.apply([op("a@example.com", cf_CB_COMPANY="Acme", cf_CB_STATUS="active")])
    bench.target.apply([op("a@example.com", op=Op.UPDATE, target_id="1", cf_CB_COMPANY=None)])
    assert bench.custom("1") == {"CB_COMPANY": "", "CB_STATUS": "active"}


@pytest.mark.parametrize("known", [True, False])
def test_a_changed_email_moves_the_contact_and_makes_no_second_one(bench: Any, op: Any, known: bool) -> None:
    number = bench.add("old@example.com")
    change = op("new@example.com", op=Op.UPDATE, old="old@example.com", target_id=number if known else None)
    assert bench.target.apply([change]) == [Outcome(Result.DONE, number, created=False)]
    assert bench.emails() == ["new@example.com"]
    assert f"PUT /contacts/{number}" in bench.seen()


def test_an_email_that_is_taken_rejects_the_record_and_names_the_field(bench: Any, op: Any) -> None:
    number = bench.add("old@example.com")
    bench.add("taken@example.com")
    [outcome] = bench.target.apply([op("taken@example.com", op=Op.UPDATE, old="old@example.com", target_id=number)])
    assert (outcome.result, outcome.code, outcome.fields) == (Result.REJECTED, "duplicate", ("email",))
    assert bench.emails() == ["old@example.com", "taken@example.com"]


def test_a_contact_deleted_at_the_target_is_rejected_not_retried(bench: Any, op: Any) -> None:
    [outcome] = bench.target.apply([op("a@example.com", op=Op.UPDATE, target_id="77", firstName="late")])
    assert (outcome.result, outcome.code) == (Result.REJECTED, "gone")


@pytest.mark.parametrize("status", [2, 3, 91])
def test_who_left_a_list_is_never_subscribed_again(bench: Any, op: Any, status: int) -> None:
    number = bench.add("a@example.com")
    mark(bench.database, "a@example.com", "Customers", status)
    assert bench.target.apply([op("a@example.com", lists=ON)])[0].result is Result.DONE
    assert bench.statuses(number) == {"1": str(status)}


@pytest.mark.parametrize(
    ("subscribed", "resubscribe", "present", "status"),
    [
        (True, False, None, 1),
        (True, False, 0, None),
        (True, False, 1, None),
        (True, False, 2, None),
        (True, False, 91, None),
        (True, True, 1, None),
        (True, True, 2, 1),
        (True, True, 3, 1),
        (True, True, 91, 1),
        (False, False, None, 2),
        (False, False, 1, 2),
        (False, True, 2, None),
        (False, False, 3, None),
        (False, False, 91, None),
    ],
)
def test_a_subscription_is_touched_only_where_the_table_says(
    subscribed: bool, resubscribe: bool, present: int | None, status: int | None
) -> None:
    assert wanted_status(Wish("1", subscribed, resubscribe), present) == status


def test_who_left_a_list_is_subscribed_again_only_by_name(bench: Any, op: Any) -> None:
    number = bench.add("a@example.com")
    bench.subscribe(number, 2)
    bench.target.apply([op("a@example.com", lists=ON, options={"resubscribe": True})])
    assert bench.statuses(number) == {"1": "1"}


def test_an_unsubscribed_membership_unsubscribes(bench: Any, op: Any) -> None:
    number = bench.add("a@example.com")
    bench.subscribe(number, 1)
    bench.target.apply([op("a@example.com", lists=OFF)])
    assert bench.statuses(number) == {"1": "2"}


def test_an_unknown_list_stops_the_object_and_names_the_known_ones(bench: Any, op: Any) -> None:
    [outcome] = bench.target.apply([op("a@example.com", lists=[{"list": "Custmers", "status": "subscribed"}])])
    assert (outcome.result, outcome.code) == (Result.CONFIG, "unknown_list")
    assert "Customers, Newsletter" in outcome.fix
    assert bench.emails() == []


def test_one_bad_record_delays_no_other(bench: Any, op: Any) -> None:
    outcomes = bench.target.apply([op("a@no-domain"), op("b@example.com"), op("c@example.com", cf_CB_MRR="much")])
    assert [outcome.result for outcome in outcomes] == [Result.REJECTED, Result.DONE, Result.REJECTED]
    assert outcomes[0].fields == ("email",)
    assert outcomes[2].reason == "custom_fields.CB_MRR: 'much' is not a number"
    assert bench.emails() == ["b@example.com"]


def test_an_unknown_custom_field_is_not_dropped_silently(bench: Any, op: Any) -> None:
    [outcome] = bench.target.apply([op("a@example.com", cf_NOPE="x")])
    assert (outcome.result, outcome.fields) == (Result.CONFIG, ("custom_fields.NOPE",))


@pytest.mark.parametrize(
    ("policy", "emails", "statuses"),
    [
        ("keep", ["a@example.com"], {"1": "1", "2": "1"}),
        ("unsubscribe", ["a@example.com"], {"1": "2", "2": "2"}),
        ("tag", ["a@example.com"], {"1": "1", "2": "1"}),
        ("delete", [], None),
    ],
)
def test_a_delete_does_what_the_policy_says(
    bench: Any, op: Any, policy: str, emails: list[str], statuses: dict[str, str] | None
) -> None:
    number = bench.add("a@example.com")
    for list_id in (1, 2):
        bench.subscribe(number, 1, list_id)
    deletion = op("a@example.com", op=Op.DELETE, target_id=number, options={"on_delete": policy})
    for _ in range(2):  # a second time nothing is left to do
        assert bench.target.apply([deletion]) == [Outcome(Result.DONE, number, created=False)]
    assert bench.emails() == emails
    if statuses is not None:
        assert bench.statuses(number) == statuses
    tags = [tag["tag"] for tag in bench.get("/tags")["tags"]]
    assert tags == (["chargebee-deleted"] if policy == "tag" else [])


@pytest.mark.parametrize("scope", [{"lists": ["customers"]}, {"settings": {"list": "Customers"}}])
def test_a_delete_unsubscribes_from_the_mapped_lists_only(bench: Any, op: Any, scope: dict[str, Any]) -> None:
    number = bench.add("a@example.com")
    for list_id in (1, 2):
        bench.subscribe(number, 1, list_id)
    options = {"on_delete": "unsubscribe", **scope}
    bench.target.apply([op("a@example.com", op=Op.DELETE, options=options)])
    assert bench.statuses(number) == {"1": "2", "2": "1"}


def test_a_tag_is_found_by_its_whole_name(bench: Any, op: Any) -> None:
    bench.raw.post("/tags", json={"tag": {"tag": "gone for good", "tagType": "contact"}})
    number = bench.add("a@example.com")
    deletion = op("a@example.com", op=Op.DELETE, target_id=number, options={"on_delete": "tag", "tag": "Gone"})
    bench.target.apply([deletion])
    assert [tag["tag"] for tag in bench.get("/tags")["tags"]] == ["gone for good", "Gone"]
    assert [item["tag"] for item in bench.get(f"/contacts/{number}/contactTags")["contactTags"]] == ["2"]


def test_only_contacts_are_written(bench: Any, op: Any) -> None:
    with pytest.raises(ObjectRefused):
        bench.target.read("activecampaign.list", ["1"], ["name"]).__next__()


FIELDS = ("email", "firstName", "custom_fields.CB_STATUS", "custom_fields.NEW", "memberships.lists")


def test_contacts_are_found_by_email_without_case_and_with_everything_asked(bench: Any) -> None:
    tag = next(item["id"] for item in bench.get("/fields")["fields"] if item["perstag"] == "CB_STATUS")
    number = bench.add("Ann@example.com", firstName="Ann", fieldValues=[{"field": tag, "value": "active"}])
    bench.subscribe(number, 2)
    bench.add("bob@example.com")
    keys = [{"email": "nobody@example.com"}, {"email": "ANN@example.com"}]
    found = list(bench.target.find(FindRequest(CONTACT, keys, FIELDS)))
    record = TargetRecord(
        number,
        {
            "email": "Ann@example.com",
            "firstName": "Ann",
            "custom_fields.CB_STATUS": "active",
            "custom_fields.NEW": None,
            "memberships.lists": [{"list": "Customers", "status": "unsubscribed"}],
        },
    )
    assert found == [(1, record)]
    assert list(bench.target.read(CONTACT, [number, "99"], FIELDS)) == [record]


def test_many_are_found_by_walking_in_as_few_calls_as_there_are_pages(bench: Any) -> None:
    for place in range(101):
        bench.add(f"p{place}@example.com")
    keys = [{"email": f"P{place}@example.com"} for place in range(0, 101, 10)]
    found = list(bench.target.find(FindRequest(CONTACT, keys, ("email",))))
    assert [index for index, _ in found] == list(range(11))
    assert bench.seen() == ["GET /contacts"] * 3  # the count, and two pages


def test_a_walk_misses_nobody_when_contacts_are_deleted_meanwhile(bench: Any) -> None:
    for place in range(101):
        bench.add(f"p{place}@example.com")
    keys = [{"email": "p0@example.com"}, {"email": "p100@example.com"}, {"email": "nobody@example.com"}]
    walk = bench.target.find(FindRequest(CONTACT, keys, ("email",)))
    assert next(walk)[1].id == "1"
    bench.raw.delete("/contacts/1")
    assert [record.id for _, record in walk] == ["101"]


def test_contacts_are_found_by_a_custom_field(bench: Any, op: Any) -> None:
    bench.target.apply([op("a@example.com", cf_CB_CUSTOMER_ID="c1"), op("b@example.com", cf_CB_CUSTOMER_ID="c2")])
    request = FindRequest(CONTACT, [{"custom_fields.CB_CUSTOMER_ID": "c2"}], ("email",))
    assert [(index, record.id) for index, record in bench.target.find(request)] == [(0, "2")]


def test_a_reply_without_the_side_load_is_completed(bench: Any) -> None:
    tag = next(item["id"] for item in bench.get("/fields")["fields"] if item["perstag"] == "CB_STATUS")
    bench.add("a@example.com", fieldValues=[{"field": tag, "value": "active"}])
    bench.switch.script.append(
        ("GET /contacts", 200, {}, b'{"contacts":[{"id":"1","email":"a@example.com"}],"meta":{"total":"1"}}')
    )
    request = FindRequest(CONTACT, [{"email": "a@example.com"}], ("custom_fields.CB_STATUS",))
    assert [record.fields for _, record in bench.target.find(request)] == [{"custom_fields.CB_STATUS": "active"}]


def test_an_ignored_filter_finds_nobody_else(bench: Any) -> None:
    bench.add("b@example.com")
    everybody = b'{"contacts":[{"id":"1","email":"b@example.com"}],"meta":{"total":"1"}}'
    bench.switch.script += [("GET /contacts", 200, {}, everybody)] * 2
    request = FindRequest(CONTACT, [{"email": "a@example.com"}], ("email",))
    assert list(bench.target.find(request)) == []


def fields(*names: str, kind: types.Type = types.STRING) -> list[CustomField]:
    return [CustomField(CONTACT, f"custom_fields.{name}", kind) for name in names]


def test_missing_fields_are_made_once_visible_and_of_the_right_type(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(fields=False)
    wanted = [
        *fields("CB_PLAN_NAME"),
        *fields("CB_MRR", kind=types.DECIMAL.optional()),
        *fields("CB_CREATED", kind=types.DATE),
        *fields("SEEN_AT", kind=types.TIMESTAMP),
        *fields("IS_VIP", kind=types.BOOL),
        *fields("ADDONS", kind=types.list_of(types.enum("a", "b"))),
    ]
    assert bench.target.missing_fields(wanted) == wanted
    assert bench.target.ensure_fields(wanted) == wanted
    made = bench.get("/fields")
    assert [(field["perstag"], field["type"], field["title"]) for field in made["fields"]] == [
        ("CB_PLAN_NAME", "text", "CB Plan Name"),
        ("CB_MRR", "number", "CB MRR"),
        ("CB_CREATED", "date", "CB Created"),
        ("SEEN_AT", "datetime", "Seen At"),
        ("IS_VIP", "text", "Is Vip"),
        ("ADDONS", "listbox", "Addons"),
    ]
    assert [relation["relid"] for relation in made["fieldRels"]] == ["0"] * 6
    assert [option["value"] for option in made["fieldOptions"]] == ["a", "b"]
    bench.seen()
    assert bench.target.ensure_fields(wanted) == []
    assert bench.target.missing_fields(wanted) == []
    assert bench.seen() == ["GET /fields"]


def test_a_field_left_invisible_by_a_stopped_run_is_made_visible(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(fields=False)
    bench.raw.post("/fields", json={"field": {"type": "text", "title": "CB Plan", "perstag": "CB_PLAN"}})
    assert bench.target.ensure_fields(fields("CB_PLAN")) == []
    assert len(bench.get("/fields")["fieldRels"]) == 1


def test_a_title_that_is_taken_by_another_tag_is_reported_before_anything_is_made(
    open_bench: Callable[..., Any],
) -> None:
    bench = open_bench(fields=False)
    bench.raw.post("/fields", json={"field": {"type": "text", "title": "CB Plan", "perstag": "PLAN"}})
    with pytest.raises(ConfigError, match=r"CB_PLAN.*titled 'CB Plan' with the tag PLAN"):
        bench.target.ensure_fields(fields("CB_NEW", "CB_PLAN"))
    assert len(bench.get("/fields")["fields"]) == 1


def test_a_field_that_another_run_made_meanwhile_is_taken(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(fields=False)
    assert bench.target.missing_fields(fields("CB_PLAN")) != []
    bench.raw.post("/fields", json={"field": {"type": "text", "title": "CB Plan", "perstag": "CB_PLAN"}})
    bench.target.ensure_fields(fields("CB_PLAN"))
    assert bench.target.missing_fields(fields("CB_PLAN")) == []


def test_the_live_catalog_has_the_custom_fields_of_the_account(bench: Any) -> None:
    made = bench.raw.post("/fields", json={"field": {"type": "dropdown", "title": "Role"}}).json()["field"]
    option = {"orderid": 1, "value": "CEO", "label": "CEO", "field": made["id"]}
    bench.raw.post("/fieldOption/bulk", json={"fieldOptions": [option]})
    contact = bench.target.live_catalog([CONTACT]).objects[CONTACT]
    assert contact.fields["custom_fields.CB_MRR"].type == types.DECIMAL.optional()
    assert contact.fields["custom_fields.ROLE"].type == types.enum("CEO").optional()
    assert bench.target.catalog().objects[CONTACT].fields["email"].required


def test_an_option_that_does_not_exist_is_rejected_here_as_the_account_would_store_it(bench: Any, op: Any) -> None:
    made = bench.raw.post("/fields", json={"field": {"type": "dropdown", "title": "Role"}}).json()["field"]
    option = {"orderid": 1, "value": "CEO", "label": "CEO", "field": made["id"]}
    bench.raw.post("/fieldOption/bulk", json={"fieldOptions": [option]})
    outcomes = bench.target.apply([op("a@example.com", cf_ROLE="Boss"), op("b@example.com", cf_ROLE="CEO")])
    assert [outcome.result for outcome in outcomes] == [Result.REJECTED, Result.DONE]


def test_a_datetime_read_back_in_the_zone_of_the_account_is_no_change(bench: Any, op: Any) -> None:
    bench.raw.post("/fields", json={"field": {"type": "datetime", "title": "Seen at"}})
    sent = "2024-11-01T13:05:00+00:00"
    bench.target.apply([op("a@example.com", cf_SEEN_AT=sent)])
    request = FindRequest(CONTACT, [{"email": "a@example.com"}], ("custom_fields.SEEN_AT",))
    [(_, record)] = bench.target.find(request)
    held = record.fields["custom_fields.SEEN_AT"]
    assert held == "2024-11-01T08:05:00-05:00"
    assert bench.target.same(CONTACT, "custom_fields.SEEN_AT", sent, held)
    assert not bench.target.same(CONTACT, "custom_fields.SEEN_AT", "2024-11-01T13:06:00+00:00", held)


@pytest.mark.parametrize(
    ("field", "ours", "theirs", "equal"),
    [
        ("email", "A@Example.com", "a@example.com", True),
        ("firstName", " Ann ", "Ann", True),
        ("firstName", None, "", True),
        ("firstName", "ann", "Ann", False),
        ("memberships.lists", ON, [{"list": "Customers", "status": "unsubscribed"}], True),
        ("memberships.lists", ON, [], False),
        ("memberships.lists", OFF, [{"list": "Customers", "status": "subscribed"}], False),
        ("memberships.lists", OFF, [{"list": "Customers", "status": "bounced"}], True),
        (
            "memberships.lists",
            [{"list": "Customers", "status": "subscribed", "resubscribe": True}],
            [{"list": "Customers", "status": "unsubscribed"}],
            False,
        ),
    ],
)
def test_values_are_compared_as_the_account_compares_them(
    bench: Any, field: str, ours: Any, theirs: Any, equal: bool
) -> None:
    assert bench.target.same(CONTACT, field, ours, theirs) is equal

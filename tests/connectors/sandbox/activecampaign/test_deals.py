"""Deals of the emulated account, over raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest


def deal(account: Any, **more: Any) -> dict[str, Any]:
    body = {"title": "New", "value": 45678, "currency": "USD", "group": "1", "owner": "1", **more}
    return {name: value for name, value in body.items() if value is not None}


def test_a_deal_holds_minor_units_and_a_lower_case_currency(account: Any) -> None:
    contact = account.contact("a@example.com")
    reply = account.post("/deals", {"deal": deal(account, contact=contact)})
    made = reply.json()["deal"]
    assert (reply.status_code, made["value"], made["currency"]) == (201, "45678", "usd")
    assert (made["group"], made["stage"], made["status"]) == ("1", "1", "0")
    assert account.get(f"/contacts/{contact}").json()["contact"]["deals"] == [made["id"]]
    won = account.put(f"/deals/{made['id']}", {"deal": {"status": 1, "stage": "2"}}).json()["deal"]
    assert (won["status"], won["stage"], won["title"], won["contact"]) == ("1", "2", "New", contact)
    assert account.get("/deals", **{"filters[stage]": 2, "filters[status]": 1}).json()["meta"]["total"] == "1"
    account.delete(f"/deals/{made['id']}")
    assert account.get(f"/deals/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"title": ""}, "title"),
        ({"value": "12.50"}, "value"),
        ({"currency": "dollars"}, "currency"),
        ({"owner": None}, "owner"),
        ({"group": None}, "group"),
        ({"stage": "4"}, "stage"),
        ({"stage": "99"}, "stage"),
        ({"contact": "99"}, "contact"),
        ({"contact": None}, "contact"),
        ({"status": 3}, "status"),
    ],
)
def test_a_deal_that_cannot_be_is_refused_by_field(account: Any, change: dict[str, Any], pointer: str) -> None:
    contact = account.contact("a@example.com")
    other = account.post("/dealGroups", {"dealGroup": {"title": "Renewals", "currency": "eur"}}).json()["dealGroup"]
    stage = account.post("/dealStages", {"dealStage": {"title": "First", "group": other["id"]}}).json()["dealStage"]
    assert stage["id"] == "4"
    refused = account.post("/deals", {"deal": deal(account, **{"contact": contact, **change})})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["source"]["pointer"] == f"/data/attributes/{pointer}"


def test_a_deal_does_not_move_to_a_stage_of_another_pipeline(account: Any) -> None:
    contact = account.contact("a@example.com")
    made = account.post("/deals", {"deal": deal(account, contact=contact)}).json()["deal"]
    other = account.post("/dealGroups", {"dealGroup": {"title": "Renewals", "currency": "eur"}}).json()["dealGroup"]
    stage = account.post("/dealStages", {"dealStage": {"title": "First", "group": other["id"]}}).json()["dealStage"]
    assert account.put(f"/deals/{made['id']}", {"deal": {"stage": stage["id"]}}).status_code == 422
    moved = account.put(f"/deals/{made['id']}", {"deal": {"group": other["id"], "stage": stage["id"]}})
    assert moved.json()["deal"]["group"] == other["id"]


def test_pipelines_come_with_their_stages(account: Any) -> None:
    reply = account.get("/dealGroups").json()
    assert reply["dealGroups"][0]["stages"] == [stage["id"] for stage in reply["dealStages"]] == ["1", "2", "3"]
    listed = account.get("/dealStages", **{"filters[d_groupid]": 1, "filters[title]": "follow up"}).json()
    assert [stage["id"] for stage in listed["dealStages"]] == ["3"]

"""Lists: filters, order, paging."""

import httpx
import pytest
from chargebee import Chargebee

from fieldwright.connectors.sandbox.server import Sandbox


@pytest.fixture(scope="module", autouse=True)
def customers(http: httpx.Client, sandbox: Sandbox) -> None:
    """c1..c5, made a day apart; c4 has no company, c5 has another letter case."""
    for number, company in enumerate(("Apple", "Banana", "Apricot", "", "apple"), 1):
        http.post("/customers", data={"id": f"c{number}", "company": company, "cf_tier": f"t{number % 2}"})
        sandbox.clock.advance(86_400)


def ids(http: httpx.Client, **params: str) -> list[str]:
    response = http.get("/customers", params={"limit": "100", **params})
    assert response.status_code == 200, response.text
    return [entry["customer"]["id"] for entry in response.json()["list"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"company[is]": "Apple"}, ["c1"]),
        ({"company[is_not]": "Apple"}, ["c2", "c3", "c4", "c5"]),
        ({"company[starts_with]": "Ap"}, ["c1", "c3"]),
        ({"company[is_present]": "false"}, ["c4"]),
        ({"company[is_present]": "true"}, ["c1", "c2", "c3", "c5"]),
        ({"company[in]": "['Apple', 'Banana']"}, ["c1", "c2"]),
        ({"company[in]": '["Apple","Banana"]'}, ["c1", "c2"]),
        ({"company[in]": "[Apple,Banana]"}, ["c1", "c2"]),
        ({"company[not_in]": "['Apple', 'Banana']"}, ["c3", "c4", "c5"]),
        ({"auto_collection[is]": "off"}, []),
        ({"cf_tier[is]": "t0"}, ["c2", "c4"]),
        ({"id[in]": "['c5', 'c1']"}, ["c1", "c5"]),
        ({"sort_by[desc]": "created_at"}, ["c5", "c4", "c3", "c2", "c1"]),
    ],
)
def test_a_filter_gives_the_matching_records(http: httpx.Client, filters: dict[str, str], expected: list[str]) -> None:
    assert ids(http, **filters) == expected


def test_filters_of_time_are_strict_and_between_is_inclusive(http: httpx.Client) -> None:
    born = [entry["customer"]["created_at"] for entry in http.get("/customers").json()["list"]]
    assert ids(http, **{"created_at[after]": str(born[1])}) == ["c3", "c4", "c5"]
    assert ids(http, **{"created_at[before]": str(born[1])}) == ["c1"]
    assert ids(http, **{"updated_at[between]": str([str(born[1]), str(born[3])])}) == ["c2", "c3", "c4"]
    assert ids(http, **{"created_at[on]": str(born[2])}) == ["c3"]


def test_the_sdk_sends_filters_that_are_understood(cb: Chargebee) -> None:
    found = cb.Customer.list({"id": {"in": ["c1", "c2"]}, "sort_by": {"desc": "updated_at"}, "limit": 1})
    assert [entry.customer.id for entry in found.list] == ["c2"]
    rest = cb.Customer.list(
        {"id": {"in": ["c1", "c2"]}, "sort_by": {"desc": "updated_at"}, "offset": found.next_offset}
    )
    assert [entry.customer.id for entry in rest.list] == ["c1"]
    assert rest.next_offset is None


def test_numbers_compare_as_numbers(http: httpx.Client) -> None:
    plans = http.get("/plans", params={"price[gte]": "45000", "limit": "100"}).json()["list"]
    assert sorted(entry["plan"]["id"] for entry in plans) == ["enterprise-annual", "quarterly-review"]
    few = http.get("/plans", params={"price[lt]": "1000", "limit": "100"}).json()["list"]
    assert [entry["plan"]["id"] for entry in few] == ["starter-kwd"]
    gift = http.get("/plans", params={"giftable[is]": "true"}).json()["list"]
    assert [entry["plan"]["id"] for entry in gift] == ["gift-box"]


def test_the_default_page_has_ten_records(http: httpx.Client) -> None:
    page = http.get("/plans").json()
    assert len(page["list"]) == 10
    rest = http.get("/plans", params={"offset": page["next_offset"]}).json()
    assert len(rest["list"]) == 4
    assert "next_offset" not in rest


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"offset": "page-two"},
        {"sort_by[asc]": "company"},
        {"company[like]": "A"},
        {"colour[is]": "red"},
        {"updated_at[between]": "['5', '5']"},
        {"updated_at[after]": "soon"},
        {"company": "Apple"},
    ],
)
def test_a_list_request_that_makes_no_sense_is_refused(http: httpx.Client, params: dict[str, str]) -> None:
    response = http.get("/customers", params=params)
    assert response.status_code == 400
    assert response.json()["api_error_code"] == "param_wrong_value"


def test_pages_neither_repeat_nor_lose_a_record_when_others_come_and_go(http: httpx.Client) -> None:
    first = http.get("/customers", params={"limit": "2"}).json()
    http.post("/customers/c1/delete")
    http.post("/customers", data={"id": "c6"})
    seen = [entry["customer"]["id"] for entry in first["list"]]
    page = first
    while "next_offset" in page:
        page = http.get("/customers", params={"limit": "2", "offset": page["next_offset"]}).json()
        seen += [entry["customer"]["id"] for entry in page["list"]]
    assert seen == ["c1", "c2", "c3", "c4", "c5", "c6"]


def test_a_lagging_list_hides_what_is_newer(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("lag")
    with Sandbox.start(
        folder, customers=0, systems=("chargebee",), configs={"chargebee": {"lag_seconds": 300}}
    ) as slow:
        endpoint = slow.endpoints.chargebee
        with httpx.Client(base_url=endpoint.url + "/api/v2", auth=(endpoint.api_key, "")) as http:
            http.post("/customers", data={"id": "new"})
            assert ids(http) == []
            slow.clock.advance(301)
            assert ids(http) == ["new"]

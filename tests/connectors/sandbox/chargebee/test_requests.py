"""What the site makes of a request: forms, types, idempotency, methods, metadata, limits, time."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from fieldwright.connectors.sandbox.chargebee.errors import ApiError
from fieldwright.connectors.sandbox.chargebee.forms import decode
from fieldwright.connectors.sandbox.server import Sandbox


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        ("ids[0]=x&ids[1]=y", {"ids": ["x", "y"]}),
        (
            "addons[id][1]=b&addons[id][0]=a&addons[quantity][1]=2",
            {"addons": [{"id": "a"}, {"id": "b", "quantity": "2"}]},
        ),
        ("ids%5B0%5D=%C3%BC", {"ids": ["ü"]}),
    ],
)
def test_bracket_keys_become_nested_values(text: str, value: object) -> None:
    assert decode(text) == value


@pytest.mark.parametrize("text", ["a[=1", "a]b=1", "a=1&a[b]=2", "a[b]=1&a=2"])
def test_brackets_that_do_not_match_are_refused(text: str) -> None:
    with pytest.raises(ApiError):
        decode(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("net_term_days", "soon"),
        ("allow_direct_debit", "yes"),
        ("auto_collection", "sometimes"),
        ("email", "not-an-email"),
        ("meta_data", "{'python': 'text'}"),
        ("first_name", "x" * 151),
        ("billing_address", "a street"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_parameter(http: httpx.Client, field: str, value: str) -> None:
    response = http.post("/customers", data={field: value})
    assert response.status_code == 400
    assert (response.json()["api_error_code"], response.json()["param"]) == ("param_wrong_value", field)


def test_a_refused_write_leaves_nothing_behind(http: httpx.Client) -> None:
    data = {"customer[id]": "half", "plan_id": "no-such-plan"}
    assert http.post("/subscriptions", data=data).status_code == 404
    assert http.get("/customers/half").status_code == 404


def test_a_repeated_idempotency_key_is_answered_from_memory(http: httpx.Client, sandbox: Sandbox) -> None:
    headers = {"chargebee-idempotency-key": "k1"}
    replies = [http.post("/customers", data={"company": "Once"}, headers=headers) for _ in range(2)]
    assert replies[0].content == replies[1].content
    assert [reply.headers["chargebee-idempotency-replayed"] for reply in replies] == ["false", "true"]
    other = http.post("/customers", data={"company": "Twice"}, headers=headers)
    assert other.status_code == 400
    sandbox.clock.advance(31 * 60)
    again = http.post("/customers", data={"company": "Once"}, headers=headers)
    assert again.json()["customer"]["id"] != replies[0].json()["customer"]["id"]
    assert http.get("/customers", params={"company[is]": "Once"}).json().keys() == {"list"}


def test_a_refused_request_does_not_use_up_its_key(http: httpx.Client) -> None:
    headers = {"chargebee-idempotency-key": "k2"}
    assert http.post("/customers", data={"email": "bad"}, headers=headers).status_code == 400
    assert http.post("/customers", data={"email": "a@good.example"}, headers=headers).status_code == 200


def test_writes_of_a_sync_can_switch_webhooks_off(http: httpx.Client) -> None:
    http.post("/customers", data={"id": "quiet"}, headers={"chargebee-event-webhook": "all-disabled"})
    http.post("/customers", data={"id": "loud"})
    events = [entry["event"] for entry in http.get("/events", params={"limit": "100"}).json()["list"]]
    status = {event["content"]["customer"]["id"]: event["webhook_status"] for event in events}
    assert (status["quiet"], status["loud"]) == ("disabled", "not_configured")


def test_custom_fields_are_listed_once_they_were_used(http: httpx.Client) -> None:
    http.post("/customers", data={"cf_colour": "red"})
    configs = http.get("/custom_field_configs", params={"entity_type": "customer"}).json()["list"]
    found = {entry["custom_field_config"]["api_name"]: entry["custom_field_config"] for entry in configs}
    assert found["cf_colour"]["datatype"] == "string"
    assert found["cf_segment"]["options"] == ["smb", "mid", "ent"]
    one = http.get("/custom_field_configs/retrieve", params={"entity_type": "customer", "api_name": "cf_colour"})
    assert one.json()["custom_field_config"] == found["cf_colour"]


def test_an_id_may_hold_any_character_of_a_path_segment(http: httpx.Client) -> None:
    http.post("/customers", data={"id": "ä b+c%d"})
    assert http.get("/customers/%C3%A4%20b%2Bc%25d").json()["customer"]["id"] == "ä b+c%d"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/customers", 405),
        ("GET", "/customers/a/cancel", 404),
        ("PUT", "/plans/x", 405),
    ],
)
def test_unknown_paths_and_methods_are_refused(http: httpx.Client, method: str, path: str, status: int) -> None:
    assert http.request(method, path).status_code == status


def test_the_date_header_is_the_time_of_the_sandbox(http: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.clock.advance(400 * 86_400)
    date = parsedate_to_datetime(http.get("/plans").headers["date"])
    assert abs((date - sandbox.clock.now()).total_seconds()) < 5
    sandbox.clock.advance(-400 * 86_400)


def test_a_site_with_a_limit_refuses_the_rest_of_the_minute(tmp_path_factory: pytest.TempPathFactory) -> None:
    configs = {"chargebee": {"requests_per_minute": 3}}
    with Sandbox.start(
        tmp_path_factory.mktemp("limit"), customers=0, systems=("chargebee",), configs=configs
    ) as strict:
        strict.clock.freeze()
        endpoint = strict.endpoints.chargebee
        with httpx.Client(base_url=endpoint.url + "/api/v2", auth=(endpoint.api_key, "")) as http:
            replies = [http.get("/plans") for _ in range(4)]
            assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
            assert replies[3].json()["api_error_code"] == "api_request_limit_exceeded"
            assert 1 <= int(replies[3].headers["retry-after"]) <= 60
            strict.clock.advance(60)
            assert http.get("/plans").status_code == 200

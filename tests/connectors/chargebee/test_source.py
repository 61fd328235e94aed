"""Reading a site through the official SDK and our transport, against the emulated site."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fieldwright.connectors import contract
from fieldwright.connectors.chargebee import schema
from fieldwright.connectors.chargebee.source import ChargebeeSource
from fieldwright.connectors.contract import SourceCase
from fieldwright.connectors.sandbox.server import Sandbox
from fieldwright.dsl import types
from fieldwright.runtime.errors import AccessRefused, ConfigError, ObjectRefused, TryAgainLater, Unavailable
from fieldwright.runtime.records import Batch, Change, Cursor

CUSTOMER = "chargebee.customer"
ALL: frozenset[str] = frozenset()


def changes(batches: Iterable[Batch]) -> list[Change]:
    return [change for batch in batches for change in batch.changes]


def test_a_full_reading_takes_one_call_a_hundred_records_and_is_unfiltered(
    source: ChargebeeSource, site: Sandbox
) -> None:
    found = changes(source.changes(CUSTOMER, None, fields=ALL))
    calls = [(call.method, call.path) for call in site.log.calls()]
    assert len(calls) == source.calls() == -(-len(found) // 100) == 3
    assert {change.object for change in found} == {CUSTOMER}
    assert len({change.id for change in found}) == len(found)


def test_a_full_reading_asks_for_no_update_time(source: ChargebeeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    send = source._sdk.list
    monkeypatch.setattr(source._sdk, "list", lambda kind, params: asked.append(dict(params)) or send(kind, params))
    changes(source.changes(CUSTOMER, None, fields=ALL))
    assert asked[0] == {"limit": 100, "include_deleted": "true"}
    assert all("updated_at[after]" not in params for params in asked)


def test_records_changed_at_the_cursor_are_read_again(source: ChargebeeSource) -> None:
    everything = changes(source.changes(CUSTOMER, None, fields=ALL))
    stamps = sorted(change.record["updated_at"] for change in everything)
    middle = stamps[len(stamps) // 2]
    found = changes(source.changes(CUSTOMER, Cursor(datetime.fromtimestamp(middle, UTC)), fields=ALL))
    assert {change.id for change in found} == {
        change.id for change in everything if change.record["updated_at"] >= middle
    }
    assert [change.record["updated_at"] for change in found] == sorted(stamps[stamps.index(middle) :])


def test_the_latest_records_come_newest_first_in_one_call(source: ChargebeeSource) -> None:
    everything = changes(source.changes(CUSTOMER, None, fields=ALL))
    newest = sorted((change.record["updated_at"] for change in everything if not change.deleted), reverse=True)
    before = source.calls()
    found = changes(source.changes(CUSTOMER, None, fields=ALL, limit=10))
    assert source.calls() - before == 1
    assert [change.record["updated_at"] for change in found] == newest[:10]


def test_the_latest_of_a_resource_without_order_are_found_by_reading_it(source: ChargebeeSource) -> None:
    everything = changes(source.changes("chargebee.plan", None, fields=ALL))
    found = changes(source.changes("chargebee.plan", None, fields=ALL, limit=2))
    newest = sorted((change.record["updated_at"] for change in everything), reverse=True)[:2]
    assert [change.record["updated_at"] for change in found] == newest


def test_fetch_takes_one_call_a_hundred_ids_and_leaves_out_the_unknown(source: ChargebeeSource) -> None:
    ids = [change.id for change in changes(source.changes(CUSTOMER, None, fields=ALL))][:150]
    before = source.calls()
    found = changes(source.fetch(CUSTOMER, [*ids, "no-such-customer"], fields=ALL))
    assert source.calls() - before == 2
    assert {change.id for change in found} == set(ids)


def test_ids_that_look_like_paths_or_lists_find_nothing(source: ChargebeeSource) -> None:
    strange = ["../plans/x", "a/b", "x']", 'x"]', "a,b", "", "%2e%2e"]
    assert changes(source.fetch(CUSTOMER, strange, fields=ALL)) == []
    assert changes(source.fetch("chargebee.gift", strange, fields=ALL)) == []


def test_related_records_are_filtered_by_the_site(source: ChargebeeSource) -> None:
    subscriptions = changes(source.changes("chargebee.subscription", None, fields=ALL))
    owners = sorted({change.record["customer_id"] for change in subscriptions})[:5]
    before = source.calls()
    found = changes(source.related("chargebee.subscription", "customer_id", owners, fields=ALL))
    assert source.calls() - before == 1
    expected = {change.id for change in subscriptions if change.record["customer_id"] in owners}
    assert {change.id for change in found} == expected


def test_related_by_a_field_without_filter_gives_all(source: ChargebeeSource) -> None:
    everything = changes(source.changes("chargebee.coupon", None, fields=ALL))
    found = changes(source.related("chargebee.coupon", "invoice_notes", ["x"], fields=ALL))
    assert len(found) == len(everything)


def test_a_deleted_record_is_a_tombstone(source: ChargebeeSource) -> None:
    created = source._sdk.api.Customer.create({"id": "to-be-deleted", "email": "gone@example.org"})
    source._sdk.api.Customer.delete(created.customer.id)
    (change,) = changes(source.fetch(CUSTOMER, ["to-be-deleted"], fields=ALL))
    assert change.deleted
    cursor = Cursor(datetime.fromtimestamp(change.record["updated_at"], UTC))
    assert "to-be-deleted" in {c.id for c in changes(source.changes(CUSTOMER, cursor, fields=ALL)) if c.deleted}


def test_the_version_is_the_resource_version_in_milliseconds(source: ChargebeeSource) -> None:
    for change in changes(source.changes(CUSTOMER, None, fields=ALL, limit=5)):
        assert change.version == change.record["resource_version"]
        assert change.version // 1000 == pytest.approx(change.record["updated_at"], abs=2)


def test_custom_fields_are_kept(source: ChargebeeSource) -> None:
    values = {change.record.get("cf_segment") for change in changes(source.changes(CUSTOMER, None, fields=ALL))}
    assert values & {"smb", "mid", "ent"}


def test_numbers_with_a_point_are_exact(source: ChargebeeSource, fault: Callable[..., None]) -> None:
    body = '{"list": [{"coupon": {"id": "c", "discount_percentage": 33.3333333333333333333, "redemptions": 3}}]}'
    fault("status", match="GET /api/v2/coupons", status=200, body=body)
    (change,) = changes(source.changes("chargebee.coupon", None, fields=ALL))
    assert change.record == {"id": "c", "discount_percentage": Decimal("33.3333333333333333333"), "redemptions": 3}


def test_the_site_is_one_record_made_of_the_settings(source: ChargebeeSource, site: Sandbox) -> None:
    name = site.endpoints.chargebee.site
    (change,) = changes(source.changes("chargebee.site", None, fields=ALL))
    assert change.id == change.record["domain"] == f"{name}.chargebee.com"
    assert change.record["currency_code"] == "USD"
    for known in (name, change.id):
        assert changes(source.fetch("chargebee.site", [known, "other"], fields=ALL)) == [change]
    assert changes(source.fetch("chargebee.site", ["other"], fields=ALL)) == []
    assert source.calls() == 0


def test_the_clock_is_the_sites(source: ChargebeeSource, site: Sandbox) -> None:
    source.check()
    assert abs(source.now() - site.clock.now()) < timedelta(seconds=5)


def test_a_resource_without_a_list_is_refused_by_name(source: ChargebeeSource) -> None:
    with pytest.raises(ObjectRefused, match=r"chargebee\.contact"):
        changes(source.changes("chargebee.contact", None, fields=ALL))


def test_every_listed_resource_of_the_catalog_exists_in_the_sdk(source: ChargebeeSource) -> None:
    listed = [name for name in schema.shipped() if schema.listing(name) is not None]
    assert len(listed) >= 18
    for name in listed:
        source._sdk._send = None  # type: ignore[assignment, method-assign]
        assert hasattr(source._sdk.api, "".join(part.capitalize() for part in name.split("_"))), name


def test_custom_fields_of_the_site_are_in_the_live_catalog(source: ChargebeeSource) -> None:
    live = source.live_catalog([CUSTOMER, "chargebee.coupon_code", "chargebee.nothing"])
    assert sorted(live.objects) == ["chargebee.coupon_code", CUSTOMER]
    customer = live.objects[CUSTOMER]
    assert customer.fields["cf_segment"].type.nullable
    assert customer.fields["email"].type == types.STRING.optional()
    assert customer.open_prefix is None


def test_429_is_waited_for_as_long_as_retry_after_says(
    source: ChargebeeSource, fault: Callable[..., None], clock: Any
) -> None:
    limit = {"message": "too many", "api_error_code": "api_request_limit_exceeded"}
    fault("status", status=429, headers={"Retry-After": "17"}, body=limit, times=2)
    assert len(changes(source.changes(CUSTOMER, None, fields=ALL, limit=3))) == 3
    assert clock.waits == [17.0, 17.0]


def test_a_limit_that_stays_ends_the_run_with_the_time(source: ChargebeeSource, fault: Callable[..., None]) -> None:
    limit = {"message": "too many", "api_error_code": "api_request_limit_exceeded"}
    fault("status", status=429, headers={"Retry-After": "3600"}, body=limit, times=10)
    with pytest.raises(TryAgainLater) as raised:
        source.check()
    assert raised.value.after == 3600
    assert source.calls() == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate"])
def test_a_broken_page_is_read_again(source: ChargebeeSource, fault: Callable[..., None], kind: str) -> None:
    fault(kind, skip=1)
    found = changes(source.changes(CUSTOMER, None, fields=ALL))
    assert len({change.id for change in found}) == len(found) >= 230
    assert source.calls() == 4


def test_a_page_that_is_not_json_is_unavailable(source: ChargebeeSource, fault: Callable[..., None]) -> None:
    fault("html")
    with pytest.raises(Unavailable, match="not JSON"):
        source.check()


def test_an_error_of_another_system_is_not_taken_for_chargebees(
    source: ChargebeeSource, fault: Callable[..., None]
) -> None:
    fault("status", status=404, body={"detail": "no route for canary@example.org"})
    with pytest.raises(ObjectRefused) as raised:
        changes(source.changes(CUSTOMER, None, fields=ALL))
    assert "canary" not in str(raised.value)


def test_pages_stay_stable_while_records_are_added(source: ChargebeeSource) -> None:
    before = {change.id for change in changes(source.changes(CUSTOMER, None, fields=ALL))}
    pages = source.changes(CUSTOMER, None, fields=ALL)
    seen = [change.id for change in next(pages).changes]
    for place in range(3):
        source._sdk.api.Customer.create({"id": f"added-{place}", "email": f"added{place}@example.org"})
    seen += [change.id for change in changes(pages)]
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_other_users_of_the_sdk_keep_their_own_requests(source: ChargebeeSource) -> None:
    import chargebee
    from chargebee import http_request

    source.check()
    seen: list[str] = []
    other = chargebee.Chargebee(api_key="other", site="other-site")
    make = http_request._make_request
    http_request._make_request = lambda arguments: seen.append(arguments["url"]) or ({"list": []}, {}, 200)
    try:
        other.Customer.list({"limit": 1})
    finally:
        http_request._make_request = make
    assert seen == ["https://other-site.chargebee.com/api/v2/customers"]
    assert chargebee.Chargebee.verify_ca_certs is True


def test_a_real_site_is_addressed_by_https_at_its_own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ChargebeeSource({"site": "acme", "api_key": "k"})
    seen: list[str] = []

    def refuse(method: str, url: str, send: object, *, idempotent: bool) -> None:
        seen.append(source._policy.hosts.admit(url))
        raise Unavailable("no network in tests")

    monkeypatch.setattr(source._policy, "exchange", refuse)
    with pytest.raises(Unavailable):
        source.check()
    assert seen == ["https://acme.chargebee.com/api/v2/customers?limit=1"]
    source.close()


def test_no_secret_and_no_personal_data_is_told(
    settings: dict[str, str], fault: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = ChargebeeSource({**settings, "api_key": "test_canary_key_1"}, sandbox=True)
    elsewhere = ChargebeeSource({**settings, "url": "http://127.0.0.1:9"}, sandbox=True)
    good = ChargebeeSource(settings, sandbox=True)
    fault(
        "status", match="/invoices", status=400, body={"api_error_code": "x", "message": "no canary.jane@example.org"}
    )
    list(good.fetch(CUSTOMER, ["canary.jane@example.org"], fields=ALL))
    canaries = ["canary", settings["api_key"]]
    reading = good.changes("chargebee.invoice", None, fields=ALL)
    contract.secrets_stay_hidden([wrong.check, elsewhere.check, lambda: list(reading)], canaries)
    logged = "".join(entry.getMessage() for entry in caplog.records if not entry.name.startswith("uvicorn"))
    assert "/api/v2/customers" in logged
    assert not [canary for canary in canaries if canary in logged + repr(good) + repr(wrong)]
    for connection in (wrong, elsewhere, good):
        connection.close()


def test_a_wrong_key_is_refused_in_one_call(settings: dict[str, str]) -> None:
    wrong = ChargebeeSource({**settings, "api_key": "wrong"}, sandbox=True)
    with pytest.raises(AccessRefused, match="API key"):
        wrong.check()
    assert wrong.calls() == 1
    wrong.close()


@pytest.mark.parametrize("site", ["evil.example/#", "acme.chargebee.com", "ACME", "", "a" * 64, "-acme", "acme\n"])
def test_a_site_name_that_is_not_one_is_refused(site: str) -> None:
    with pytest.raises(ConfigError):
        ChargebeeSource({"site": site, "api_key": "k"})


def test_an_address_is_taken_in_the_sandbox_only() -> None:
    with pytest.raises(ConfigError):
        ChargebeeSource({"site": "acme", "api_key": "k", "url": "http://127.0.0.1:1"})
    with pytest.raises(ConfigError):
        ChargebeeSource({"site": "acme", "api_key": "k", "url": "http://10.0.0.1:1"}, sandbox=True)
    with pytest.raises(ConfigError):
        ChargebeeSource({"site": "acme", "api_key": "k"}, sandbox=True)


def test_the_source_passes_the_acceptance_kit(source: ChargebeeSource) -> None:
    contract.accept_source(source, SourceCase(CUSTOMER, "no-such-customer"))

"""Many contacts at once, and what happens when the account says wait, or nothing at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fieldwright.connectors.activecampaign.imports import MAX_BYTES, Row, pack
from fieldwright.connectors.activecampaign.window import SlidingWindow
from fieldwright.connectors.sandbox.activecampaign.world import mark
from fieldwright.runtime.errors import Unavailable
from fieldwright.runtime.records import Op, Outcome, Result

ON = [{"list": "Customers", "status": "subscribed"}]


def many(op: Any, number: int, **fields: Any) -> list[Any]:
    return [op(f"p{place}@example.com", firstName=f"P{place}", **fields) for place in range(number)]


def test_ten_go_one_by_one_and_eleven_by_one_import(bench: Any, op: Any) -> None:
    bench.target.apply(many(op, 10))
    assert Counter(bench.seen()) == {"POST /contact/sync": 10}
    outcomes = bench.target.apply(many(op, 11))
    assert outcomes == [Outcome(Result.DONE)] * 11
    assert bench.seen() == ["POST /import/bulk_import", "GET /import/info"]
    assert len(bench.emails()) == 11


def test_an_import_carries_fields_and_lists(bench: Any, op: Any) -> None:
    bench.target.apply(many(op, 11, cf_CB_STATUS="active", cf_CB_COMPANY=None, lists=ON))
    assert bench.custom("7") == {"CB_STATUS": "active", "CB_COMPANY": ""}
    assert bench.statuses("7") == {"1": "1"}


def test_an_import_leaves_opt_outs_alone_and_a_resubscription_goes_single(bench: Any, op: Any) -> None:
    for place in range(2):
        bench.subscribe(bench.add(f"p{place}@example.com"), 1)
        mark(bench.database, f"p{place}@example.com", "Customers", 2)
    operations = many(op, 12, lists=ON)
    operations[1] = op("p1@example.com", lists=ON, options={"resubscribe": True})
    assert {outcome.result for outcome in bench.target.apply(operations)} == {Result.DONE}
    assert (bench.statuses("1"), bench.statuses("2")) == ({"1": "2"}, {"1": "1"})


def test_six_hundred_contacts_cost_three_imports_and_three_looks(bench: Any, op: Any) -> None:
    outcomes = bench.target.apply(many(op, 600))
    assert len(outcomes) == 600
    assert bench.seen() == ["POST /import/bulk_import"] * 3 + ["GET /import/info"] * 3
    assert bench.get("/contacts")["meta"]["total"] == "600"


def test_batches_stay_within_both_limits() -> None:
    rows = [Row(place, "", b"x" * size) for place, size in enumerate([150_000] * 5 + [10] * 600)]
    batches = list(pack(rows))
    assert [row.place for batch in batches for row in batch] == list(range(605))
    sizes = [len(b'{"contacts":[' + b",".join(row.data for row in batch) + b"]}") for batch in batches]
    assert max(sizes) <= MAX_BYTES
    assert max(len(batch) for batch in batches) == 250
    exact = [Row(0, "", b"x" * 199_992), Row(1, "", b"x" * 199_991)]
    assert len(list(pack(exact))) == 1
    assert len(list(pack([exact[0], exact[0]]))) == 2


def test_large_contacts_are_split_by_bytes(bench: Any, op: Any) -> None:
    outcomes = bench.target.apply(many(op, 12, cf_CB_COMPANY="ü" * 30_000))
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert Counter(bench.seen())["POST /import/bulk_import"] == 2


def test_a_contact_that_fits_no_request_is_rejected_alone(bench: Any, op: Any) -> None:
    operations = [*many(op, 11), op("big@example.com", cf_CB_COMPANY="x" * 400_000)]
    outcomes = bench.target.apply(operations)
    assert [outcome.result for outcome in outcomes] == [Result.DONE] * 11 + [Result.REJECTED]
    assert outcomes[-1].code == "too_large"


def test_a_row_that_is_refused_does_not_take_the_others_with_it(bench: Any, op: Any) -> None:
    operations = [*many(op, 12), op("a@nowhere")]
    reasons = b'[{"contact":6,"failureReason":"Field first_name incorrect format"}]'
    refused = b'{"success":0,"message":"JSON payload did not pass validation.","failureReasons":' + reasons + b"}"
    bench.switch.script.append(("POST /import/bulk_import", 400, {}, refused))
    outcomes = bench.target.apply(operations)
    assert [outcome.result for outcome in outcomes] == [
        *[Result.DONE] * 6,
        Result.REJECTED,
        *[Result.DONE] * 5,
        Result.REJECTED,
    ]
    assert (outcomes[6].code, outcomes[6].reason, outcomes[6].fields) == (
        "import_invalid",
        "Field first_name incorrect format",
        ("firstName",),
    )
    assert (outcomes[12].code, outcomes[12].fields) == ("import_failed", ("email",))
    assert len(bench.emails()) == 11


def test_what_is_no_email_is_refused_before_it_spoils_an_import(bench: Any, op: Any) -> None:
    outcomes = bench.target.apply([*many(op, 11), op("nobody")])
    assert (outcomes[11].result, outcomes[11].code, outcomes[11].fields) == (
        Result.REJECTED,
        "email_invalid",
        ("email",),
    )
    assert bench.seen() == ["POST /import/bulk_import", "GET /import/info"]


def test_an_import_is_watched_until_it_is_done(open_bench: Callable[..., Any], op: Any) -> None:
    bench = open_bench(import_delay=5)
    bench.time.tick = bench.clock.advance
    outcomes = bench.target.apply(many(op, 11))
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert bench.time.slept == [0.5, 1.0, 2.0, 4.0]
    assert len(bench.emails()) == 11


def test_an_import_that_never_ends_leaves_its_contacts_in_doubt(open_bench: Callable[..., Any], op: Any) -> None:
    bench = open_bench(import_delay=1e6)
    outcomes = bench.target.apply(many(op, 11))
    assert {outcome.result for outcome in outcomes} == {Result.AMBIGUOUS}
    assert 600 < sum(bench.time.slept) < 700


def test_the_limit_of_imports_a_minute_is_waited_out(bench: Any, op: Any) -> None:
    refused = b'{"success":0,"message":"Rate limit exceeded.","failureReasons":["Up to 100 imports may be requested"]}'
    bench.switch.script.append(("POST /import/bulk_import", 400, {}, refused))
    outcomes = bench.target.apply(many(op, 11))
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert bench.time.slept == [20.0]


def test_one_email_twice_goes_in_order(bench: Any, op: Any) -> None:
    operations = [*many(op, 11), op("P3@example.com", firstName="Second")]
    bench.target.apply(operations)
    # The order of rows within an import is not promised, so the second one follows on its own.
    assert bench.seen() == ["POST /import/bulk_import", "GET /import/info", "POST /contact/sync"]
    assert len(bench.emails()) == 11
    assert bench.get("/contacts", email="p3@example.com")["contacts"][0]["firstName"] == "Second"


def test_a_contact_renamed_in_the_account_gets_no_twin_from_an_import(bench: Any, op: Any) -> None:
    numbers = [bench.add(f"p{place}@example.com") for place in range(12)]
    bench.raw.put(f"/contacts/{numbers[4]}", json={"contact": {"email": "other@example.com"}})
    operations = [op(f"p{place}@example.com", op=Op.UPDATE, target_id=numbers[place], phone="1") for place in range(12)]
    outcomes = bench.target.apply(operations)
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert len(bench.emails()) == 12
    assert bench.get(f"/contacts/{numbers[4]}")["contact"]["email"] == "p4@example.com"


def test_a_new_customer_outlives_a_deleted_one_with_the_same_email(bench: Any, op: Any) -> None:
    number = bench.add("p3@example.com")
    gone = op("p3@example.com", op=Op.DELETE, target_id=number, options={"on_delete": "delete"})
    outcomes = bench.target.apply([*many(op, 11), gone])
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert len(bench.emails()) == 11


def test_many_contacts_refused_by_the_account_limit_are_repeated(bench: Any, op: Any) -> None:
    for _ in range(2):
        bench.switch.script.append(("POST /contact/sync", 429, {"Retry-After": "1"}, b'{"message":"slow down"}'))
    assert bench.target.apply([op("a@example.com")])[0].result is Result.DONE
    assert [1.0 <= seconds <= 1.2 for seconds in bench.time.slept] == [True, True]


def test_a_write_whose_answer_was_lost_is_repeated_without_a_duplicate(bench: Any, op: Any) -> None:
    bench.switch.swallow.append("POST /contact/sync")
    assert bench.target.apply([op("a@example.com", lists=ON)])[0].result is Result.DONE
    assert bench.emails() == ["a@example.com"]


def test_a_server_that_stays_down_leaves_done_what_is_done(bench: Any, op: Any) -> None:
    bench.target.apply([op("z@example.com", cf_CB_STATUS="x")])
    operations = [op("a@example.com"), op("b@example.com", op=Op.UPDATE, target_id="1"), op("c@example.com")]
    bench.switch.script += [("PUT /contacts/1", 500, {}, b"oops")] * 4
    outcomes = bench.target.apply(operations)
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.AMBIGUOUS, Result.DONE]


def test_an_account_that_cannot_be_reached_stops_the_call(bench: Any, op: Any) -> None:
    bench.target.check()
    bench.target._client._http._transport._pool.close()

    class Dead(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no")

    bench.target._client._http._transport._pool = Dead()
    with pytest.raises(Unavailable):
        bench.target.apply([op("a@example.com")])
    with pytest.raises(Unavailable):
        bench.target.apply(many(op, 11))


def test_the_window_lets_five_go_in_any_second() -> None:
    window, sent = SlidingWindow(5), []
    for now in [0.0] * 12 + [10.0] * 3:
        sent.append(round(now + window.reserve(now), 2))
    assert sent == [0.0] * 5 + [1.05] * 5 + [2.1] * 2 + [10.0] * 3
    window.pause(10.0, 30)
    assert window.reserve(11.0) == 29.0


def test_the_window_meets_no_refusal_from_the_account(open_bench: Callable[..., Any], op: Any) -> None:
    bench = open_bench(rate_limit=5, bucket=SlidingWindow(5))
    assert {outcome.result for outcome in bench.target.apply(many(op, 10))} == {Result.DONE}
    assert len(bench.seen()) == 10
    assert sum(bench.time.slept) == pytest.approx(1.05)

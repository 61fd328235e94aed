"""Writing to an org through simple-salesforce and our transport, against the emulated org."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fieldwright.connectors.salesforce.target import SalesforceTarget
from fieldwright.connectors.sandbox.server import Sandbox
from fieldwright.runtime.connector import FindRequest
from fieldwright.runtime.errors import AccessRefused, TryAgainLater, Unavailable
from fieldwright.runtime.records import Op, Operation, Result

KEY = "chargebeeapps__CB_Id__c"
ACCOUNT = "salesforce.Account"
CONTACT = "salesforce.Contact"
Unique = Callable[[], str]


def account(number: str, **fields: Any) -> Operation:
    values = {"Name": f"Acme {number}", KEY: number, **fields}
    return Operation(Op.CREATE, "m", ACCOUNT, number, values, key={KEY: number})


def contact(name: str | None, parent: str, aggregate: str | None = None, **options: Any) -> Operation:
    fields = {"LastName": name, "AccountId": parent}
    return Operation(Op.CREATE, "m", CONTACT, str(name), fields, aggregate=aggregate, **options)


def update(target_id: str, **fields: Any) -> Operation:
    return Operation(Op.UPDATE, "m", ACCOUNT, "s", fields, target_id=target_id)


def delete(object_name: str, target_id: str, aggregate: str | None = None) -> Operation:
    return Operation(Op.DELETE, "m", object_name, "s", {}, target_id=target_id, aggregate=aggregate)


def made(target: SalesforceTarget, operations: list[Operation]) -> list[str]:
    outcomes = target.apply(operations)
    assert {outcome.result for outcome in outcomes} == {Result.DONE}, outcomes
    return [outcome.target_id or "" for outcome in outcomes]


def names_under(target: SalesforceTarget, parents: list[str]) -> Counter[str]:
    rows = target.children(CONTACT, "AccountId", parents, ["LastName"])
    return Counter(record.fields["LastName"] for _, record in rows)


def test_a_thousand_rows_travel_in_one_call(target: SalesforceTarget, unique: Unique) -> None:
    before = target.calls()
    ids = made(target, [account(unique()) for _ in range(1000)])
    assert target.calls() - before == 1
    assert len(set(ids)) == 1000


def test_a_repeated_create_by_external_id_updates_and_says_so(target: SalesforceTarget, unique: Unique) -> None:
    operations = [account(unique()) for _ in range(3)]
    first = target.apply(operations)
    second = target.apply(operations)
    assert [outcome.created for outcome in first] == [True] * 3
    assert [outcome.created for outcome in second] == [False] * 3
    assert [outcome.target_id for outcome in first] == [outcome.target_id for outcome in second]


def test_two_rows_for_one_external_id_do_not_refuse_each_other(target: SalesforceTarget, unique: Unique) -> None:
    number = unique()
    outcomes = target.apply([account(number), account(number, Name="Later")])
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.DONE]
    (record,) = target.read(ACCOUNT, [outcomes[0].target_id or ""], ["Name"])
    assert record.fields == {"Name": "Later"}


def test_amounts_are_written_and_read_exactly(target: SalesforceTarget, unique: Unique) -> None:
    amount = Decimal("12345678901234.56")
    (number,) = made(target, [account(unique(), AnnualRevenue=amount)])
    (record,) = target.read(ACCOUNT, [number], ["AnnualRevenue"])
    assert record.fields["AnnualRevenue"] == amount


def test_amounts_travel_as_exact_numbers(
    target: SalesforceTarget, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = target._client._session
    assert session is not None
    bodies: list[bytes] = []
    send = session.send
    monkeypatch.setattr(session, "send", lambda request, **known: bodies.append(request.body) or send(request, **known))
    made(target, [account(unique(), AnnualRevenue=Decimal("9007199254740993.10"))])
    assert b'"AnnualRevenue":9007199254740993.10' in bodies[0]


def test_one_bad_record_delays_no_other(target: SalesforceTarget, unique: Unique) -> None:
    operations = [account(unique()), account(unique(), Name="x" * 300), account(unique())]
    outcomes = target.apply(operations)
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.REJECTED, Result.DONE]
    refused = outcomes[1]
    assert (refused.code, refused.fields) == ("STRING_TOO_LONG", ("Name",))
    assert "x" * 20 not in refused.reason
    assert "truncate" in refused.fix


def test_a_wrong_json_type_stops_only_its_own_row(target: SalesforceTarget, unique: Unique) -> None:
    ids = made(target, [account(unique()) for _ in range(40)])
    operations = [update(number, NumberOfEmployees=place) for place, number in enumerate(ids)]
    operations[17] = update(ids[17], NumberOfEmployees="many")
    outcomes = target.apply(operations)
    assert [place for place, outcome in enumerate(outcomes) if outcome.result is not Result.DONE] == [17]
    assert outcomes[17].code == "JSON_PARSER_ERROR"


def test_a_missing_parent_makes_the_record_wait(target: SalesforceTarget, unique: Unique) -> None:
    fields = {"LastName": "Roe", "Account": {KEY: f"nobody-{unique()}"}}
    (outcome,) = target.apply([Operation(Op.CREATE, "m", CONTACT, "s", fields)])
    assert (outcome.result, outcome.code) == (Result.WAITS, "INVALID_FIELD")


def test_an_unknown_column_stops_the_object(target: SalesforceTarget, unique: Unique) -> None:
    outcomes = target.apply([account(unique(), Nope__c=1), account(unique(), Nope__c=2)])
    assert {(outcome.result, outcome.code) for outcome in outcomes} == {(Result.CONFIG, "INVALID_FIELD")}


def test_deleting_what_is_gone_is_done(target: SalesforceTarget, unique: Unique) -> None:
    (number,) = made(target, [account(unique())])
    for _ in range(2):
        (outcome,) = target.apply([delete(ACCOUNT, number)])
        assert outcome.result is Result.DONE
    assert list(target.read(ACCOUNT, [number], ["Name"])) == []


def test_an_update_without_an_id_is_refused_without_a_call(target: SalesforceTarget) -> None:
    before = target.calls()
    (outcome,) = target.apply([Operation(Op.UPDATE, "m", ACCOUNT, "s", {"Name": "x"})])
    assert (outcome.result, outcome.code, target.calls()) == (Result.REJECTED, "MISSING_ARGUMENT", before)


def test_rows_of_one_aggregate_stand_or_fall_together(target: SalesforceTarget, unique: Unique) -> None:
    parents = made(target, [account(unique()) for _ in range(30)])
    bad = {(7, 1), (21, 0)}
    operations = [
        contact(None if (place, row) in bad else f"row {row}", parent, aggregate=parent)
        for place, parent in enumerate(parents)
        for row in range(3)
    ]
    before = target.calls()
    outcomes = target.apply(operations)
    failed = {place // 3 for place, outcome in enumerate(outcomes) if outcome.result is not Result.DONE}
    assert failed == {7, 21}
    assert [outcome.rolled_back for outcome in outcomes[21:24]] == [True, False, True]
    assert {outcome.result for outcome in outcomes[21:24]} == {Result.REJECTED}
    assert names_under(target, [parents[7], parents[21]]) == Counter()
    assert names_under(target, parents) == Counter({"row 0": 28, "row 1": 28, "row 2": 28})
    # Both culprits show in the first call, the innocent go in the second; the rest are reads.
    assert target.calls() - before == 2 + 2


def test_a_set_is_replaced_in_one_all_or_none_call(target: SalesforceTarget, unique: Unique) -> None:
    parents = made(target, [account(unique()) for _ in range(20)])
    made(target, [contact("old", parent, aggregate=parent) for parent in parents for _ in range(2)])
    rows = list(target.children(CONTACT, "AccountId", parents, ["LastName"]))
    replace = [delete(CONTACT, record.id, aggregate=parent) for parent, record in rows]
    replace += [contact("new", parent, aggregate=parent) for parent in parents]
    before = target.calls()
    assert {outcome.result for outcome in target.apply(replace)} == {Result.DONE}
    assert target.calls() - before == 1
    assert names_under(target, parents) == Counter({"new": 20})


def test_a_failed_replacement_keeps_the_old_set_whole(target: SalesforceTarget, unique: Unique) -> None:
    parents = made(target, [account(unique()) for _ in range(5)])
    made(target, [contact("old", parent, aggregate=parent) for parent in parents for _ in range(2)])
    rows = list(target.children(CONTACT, "AccountId", parents, ["LastName"]))
    replace = [delete(CONTACT, record.id, aggregate=parent) for parent, record in rows]
    replace += [contact(None if parent == parents[3] else "new", parent, aggregate=parent) for parent in parents]
    outcomes = target.apply(replace)
    assert names_under(target, parents[3:4]) == Counter({"old": 2})
    assert names_under(target, parents) == Counter({"old": 2, "new": 4})
    failed = [outcome for outcome in outcomes if outcome.result is not Result.DONE]
    assert [(outcome.code, outcome.rolled_back) for outcome in failed] == [
        ("PROCESSING_HALTED", True),
        ("PROCESSING_HALTED", True),
        ("REQUIRED_FIELD_MISSING", False),
    ]


@pytest.mark.parametrize("mixed", [False, True])
def test_a_wrong_json_type_fails_only_its_own_aggregate(target: SalesforceTarget, unique: Unique, mixed: bool) -> None:
    parents = made(target, [account(unique()) for _ in range(12)])
    made(target, [contact("old", parent, aggregate=parent) for parent in parents])
    operations = []
    if mixed:
        rows = target.children(CONTACT, "AccountId", parents, ["LastName"])
        operations = [delete(CONTACT, record.id, aggregate=parent) for parent, record in rows]
    for parent in parents:
        fields = {
            "LastName": "new",
            "AccountId": parent,
            "Birthdate": 1 if parent == parents[5] else "1990-01-01",
        }
        operations.append(Operation(Op.CREATE, "m", CONTACT, "s", fields, aggregate=parent))
    outcomes = target.apply(operations)
    failed = {operation.aggregate for operation, outcome in zip(operations, outcomes, strict=True) if outcome.code}
    assert failed == {parents[5]}
    assert "JSON_PARSER_ERROR" in {outcome.code for outcome in outcomes}
    assert names_under(target, parents[5:6]) == Counter({"old": 1})
    expected = Counter({"new": 11, "old": 1 if mixed else 12})
    assert names_under(target, parents) == expected


@pytest.mark.parametrize("mixed", [False, True])
def test_a_lost_aggregate_is_ambiguous_as_a_whole(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None], mixed: bool
) -> None:
    parents = made(target, [account(unique()) for _ in range(3)])
    (old,) = made(target, [contact("old", parents[0])])
    operations = [delete(CONTACT, old, aggregate=parents[0])] if mixed else []
    operations += [contact("new", parent, aggregate=parent) for parent in parents for _ in range(2)]
    # Aggregates of one kind go first, mixed ones after them.
    fault("drop_after", match="POST /composite", skip=int(mixed))
    before = target.calls()
    outcomes = target.apply(operations)
    first = [
        outcome for operation, outcome in zip(operations, outcomes, strict=True) if operation.aggregate == parents[0]
    ]
    assert {outcome.result for outcome in first} == {Result.AMBIGUOUS}
    assert names_under(target, parents)["new"] == 6
    assert target.calls() - before == (3 if mixed else 2)


def test_an_aggregate_that_fits_no_call_is_refused_whole(target: SalesforceTarget, unique: Unique) -> None:
    (parent,) = made(target, [account(unique())])
    outcomes = target.apply([contact(f"n{row}", parent, aggregate="big") for row in range(1001)])
    assert {(outcome.result, outcome.code) for outcome in outcomes} == {(Result.REJECTED, "AGGREGATE_TOO_LARGE")}
    assert names_under(target, [parent]) == Counter()


def test_a_lost_create_without_a_key_is_ambiguous_and_was_sent_once(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    (parent,) = made(target, [account(unique())])
    before = target.calls()
    fault("drop_after", match="POST /composite")
    (outcome,) = target.apply([contact("Once", parent)])
    assert outcome.result is Result.AMBIGUOUS
    assert target.calls() - before == 1
    assert names_under(target, [parent]) == Counter({"Once": 1})


def test_a_lost_upsert_is_repeated_and_makes_no_duplicate(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    number = unique()
    fault("drop_after", match="POST /composite")
    (outcome,) = target.apply([account(number)])
    assert outcome.result is Result.DONE
    found = list(target.find(FindRequest(ACCOUNT, [{KEY: number}], ["Name"])))
    assert [record.id for _, record in found] == [outcome.target_id]


def test_an_upsert_that_stays_lost_may_be_sent_again(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    fault("drop_after", match="POST /composite", times=4)
    (outcome,) = target.apply([account(unique())])
    assert (outcome.result, outcome.code) == (Result.RETRY, "NO_REPLY")


@pytest.mark.parametrize(("kind", "status"), [("html", 200), ("status", 500), ("status", 502)])
def test_a_write_answered_by_something_else_is_ambiguous(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None], kind: str, status: int
) -> None:
    (parent,) = made(target, [account(unique())])
    fault(kind, match="POST /composite", **({"status": status} if kind == "status" else {}))
    (outcome,) = target.apply([contact("Perhaps", parent)])
    assert outcome.result is Result.AMBIGUOUS


def test_a_refused_batch_raises_because_nothing_was_applied(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    fault("status", match="POST /composite", status=503, times=4)
    with pytest.raises(Unavailable):
        target.apply([account(unique())])


def test_what_follows_a_refusal_is_retried_not_lost(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    fault("status", match="POST /composite", status=503, times=4, skip=1)
    outcomes = target.apply([account(unique()) for _ in range(1200)])
    assert Counter(outcome.result for outcome in outcomes) == {Result.DONE: 1000, Result.RETRY: 200}


def test_the_daily_limit_stops_the_run_with_advice(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None]
) -> None:
    fault("daily_limit", match="POST /composite")
    with pytest.raises(TryAgainLater, match="24 hours"):
        target.apply([account(unique())])


def test_too_many_long_requests_are_waited_for(
    target: SalesforceTarget, unique: Unique, fault: Callable[..., None], clock: Any
) -> None:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}]
    fault("status", match="POST /composite", status=403, body=body, times=2)
    made(target, [account(unique())])
    assert clock.waits == [2.0, 5.0]


def test_an_expired_session_is_renewed_once_and_keeps_its_headers(
    target: SalesforceTarget, org: Sandbox, unique: Unique, fault: Callable[..., None]
) -> None:
    seen: list[str | None] = []
    session = target._client._session
    assert session is not None
    send = session.send

    def spy(request: Any, **options: Any) -> Any:
        seen.append(request.headers.get("Sforce-Duplicate-Rule-Header") if "/composite" in request.url else None)
        return send(request, **options)

    session.send = spy  # type: ignore[method-assign]
    fault("expire_token")
    operation = account(unique())
    allowed = Operation(
        Op.CREATE, "m", ACCOUNT, "s", operation.fields, key=operation.key, options={"on_duplicate": "allow"}
    )
    made(target, [allowed])
    # The write, the login, and the same write once more.
    assert seen == ["allowSave=true", None, "allowSave=true"]
    assert sum("oauth2/token" in call.path for call in org.log.calls()) == 1


def test_a_session_that_is_refused_again_ends_the_call(
    target: SalesforceTarget, unique: Unique, org: Sandbox, fault: Callable[..., None]
) -> None:
    body = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
    fault("status", match="POST /composite", status=401, body=body, times=100)
    with pytest.raises(AccessRefused):
        target.apply([account(unique())])
    assert sum("/composite" in call.path for call in org.log.calls()) == 2


def test_a_duplicate_rule_that_alerts_lets_a_mapping_pass_that_allows_it(
    target: SalesforceTarget, org: Sandbox, unique: Unique
) -> None:
    name = f"Twin {unique()}"
    made(target, [account(unique(), Name=name)])
    emulated = org._apps["salesforce"].state.org
    emulated.configure(duplicate_rules=[{"object": "Account", "match": ["Name"], "action": "Alert"}])
    try:
        second, third = account(unique(), Name=name), account(unique(), Name=name)
        allowed = Operation(
            Op.CREATE, "m", ACCOUNT, "s", third.fields, key=third.key, options={"on_duplicate": "allow"}
        )
        before = target.calls()
        outcomes = target.apply([second, allowed])
    finally:
        emulated.configure(duplicate_rules=[])
    assert [(outcome.result, outcome.code) for outcome in outcomes] == [
        (Result.REJECTED, "DUPLICATES_DETECTED"),
        (Result.DONE, ""),
    ]
    assert "on_duplicate: allow" in outcomes[0].fix
    # The header counts for a whole call, so the two kinds of rows never share one.
    assert target.calls() - before == 2


def test_calls_are_counted_as_the_org_counts_them(target: SalesforceTarget, org: Sandbox, unique: Unique) -> None:
    before = target.calls()
    made(target, [account(unique()) for _ in range(450)])
    list(target.find(FindRequest(ACCOUNT, [{KEY: unique()}], ["Name"])))
    assert target.calls() - before == len(org.log.calls())
    assert target.usage is not None

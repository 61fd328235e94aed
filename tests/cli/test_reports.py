"""Reports of runs and plans against golden files; the reports are made by hand, so that every part shows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from fieldwright.runtime.records import FieldChange, Op, Operation
from fieldwright.runtime.report import RunReport
from fieldwright.runtime.reporters.json import dumps, run_document
from fieldwright.runtime.reporters.paint import Paint
from fieldwright.runtime.reporters.plan import render_plan
from fieldwright.runtime.reporters.printable import KNOWN_AFTER_APPLY, LONGEST, printable, shown
from fieldwright.runtime.reporters.progress import ProgressLine
from fieldwright.runtime.reporters.text import ERRORS_SHOWN, render_run
from fieldwright.runtime.state.journal import ErrorRecord
from fieldwright.runtime.sync import Progress

GOLDEN = Path(__file__).parent / "golden"


class PlannedId(str):
    """As the planner makes them: a text of a class of its own."""

    __slots__ = ()


def error(number: int = 1, **changes: object) -> ErrorRecord:
    values: dict[str, object] = {
        "mapping": "customer-account",
        "object": "salesforce.Account",
        "source_id": f"cust_{number}",
        "field": "BillingCity",
        "code": "STRING_TOO_LONG",
        "kind": "permanent",
        "message": "Billing City: data value too large (max length=40)",
        "fix": "Shorten it at Chargebee, or write max_length: truncate.",
        "at": "mappings/chargebee-salesforce/customer-account.map.yaml:23",
        "id": number,
    }
    return ErrorRecord(**{**values, **changes})  # type: ignore[arg-type]


def report(status: str = "completed", mode: str = "incremental") -> RunReport:
    made = RunReport(7, mode, "sandbox", status=status)
    made.calls = {"chargebee": 12, "salesforce": 9, "activecampaign": 31}
    made.seconds = {"total": 1.234}
    return made


def run_with_everything() -> RunReport:
    made = report("completed_with_errors")
    for mapping, name, created, updated, unchanged, deleted, rejected in (
        ("plan-product", "salesforce.Product2", 8, 1, 0, 0, 0),
        ("addon-product", "salesforce.Product2", 4, 0, 2, 0, 0),
        ("customer-account", "salesforce.Account", 1234, 0, 20, 0, 2),
        ("invoice", "salesforce.chargebeeapps__CB_Invoice_Line_Item__c", 0, 0, 3, 5, 0),
        ("activecampaign-contact", "activecampaign.contact", 23, 0, 0, 0, 0),
    ):
        row = made.counts(mapping, name)
        row.created, row.updated, row.unchanged, row.deleted, row.rejected = (
            created,
            updated,
            unchanged,
            deleted,
            rejected,
        )
    made.counts("activecampaign-contact", "activecampaign.contact").skipped = 4
    made.errors = [error(1), error(2, field="", fix="", at="", message="two\nlines")]
    made.notes = ["created the ActiveCampaign field CB_SEGMENT"]
    made.known_bad = 3
    made.exit_code = 1
    return made


def quiet_run() -> RunReport:
    made = report()
    made.counts("customer-account", "salesforce.Account").unchanged = 1025
    return made


def aborted_run() -> RunReport:
    made = report("aborted")
    made.counts("customer-account", "salesforce.Account").created = 200
    made.stopped = "salesforce cannot be reached: connection refused"
    made.stopped_fix = "try again later"
    made.exit_code = 69
    return made


def cancelled_run() -> RunReport:
    made = report("cancelled")
    made.counts("customer-account", "salesforce.Account").updated = 1
    made.exit_code = 130
    return made


def plan() -> RunReport:
    made = report(mode="plan")
    made.counts("customer-account", "salesforce.Account").updated = 1
    made.counts("customer-account", "salesforce.Account").unchanged = 24
    made.counts("subscription-opportunity", "salesforce.Opportunity").created = 1
    made.counts("subscription-opportunity", "salesforce.OpportunityLineItem").deleted = 1
    place = "mappings/chargebee-salesforce/customer-account.map.yaml"
    made.operations = [
        Operation(
            Op.UPDATE,
            "customer-account",
            "salesforce.Account",
            "cust_1",
            {"Name": "Acme \x1b[31mLtd", "Phone": None, "chargebeeapps__VAT_Number__c": "DE1"},
            target_id="001000000000001AAA",
            changes={
                "Name": FieldChange("Acme", "Acme \x1b[31mLtd", f"{place}:18"),
                "Phone": FieldChange("+49 30 1", None, f"{place}:19"),
                "chargebeeapps__VAT_Number__c": FieldChange(None, "DE1", f"{place}:39"),
                "BillingCity": FieldChange("Bonn", "Bonn", f"{place}:22"),
            },
        ),
        Operation(
            Op.CREATE,
            "subscription-opportunity",
            "salesforce.Opportunity",
            "sub_1",
            {"Name": "Basic", "Amount": Decimal("1200.50"), "AccountId": PlannedId(f"{KNOWN_AFTER_APPLY} of sub_1")},
            changes={"Name": FieldChange(None, "Basic", "opportunity.map.yaml:12")},
            key={"chargebeeapps__CB_Id__c": "sub_1"},
            rule="2.1.1",
        ),
        Operation(
            Op.DELETE,
            "subscription-opportunity",
            "salesforce.OpportunityLineItem",
            "sub_1",
            {},
            target_id="00k000000000001AAA",
        ),
    ]
    return made


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run-with-everything.txt", lambda: render_run(run_with_everything())),
        ("run-quiet.txt", lambda: render_run(quiet_run())),
        ("run-aborted.txt", lambda: render_run(aborted_run())),
        ("run-cancelled.txt", lambda: render_run(cancelled_run())),
        ("plan.txt", lambda: render_plan(plan())),
        ("run.json", lambda: dumps(run_document(run_with_everything())) + "\n"),
        ("plan.json", lambda: dumps(run_document(plan())) + "\n"),
    ],
)
def test_report_is_as_the_golden_file_says(name: str, text: object) -> None:
    assert callable(text)
    assert text() == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["run-with-everything.txt", "run-quiet.txt", "plan.txt"])
def test_tables_are_readable_at_100_columns(name: str) -> None:
    table = [line for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines() if "error[" not in line]

    assert max(len(line) for line in table if "#" not in line) <= 100


def test_every_status_says_what_to_do_next() -> None:
    assert "no write was sent" in render_run(quiet_run())
    assert "goes on" in render_run(aborted_run())
    assert "interpret run --retry" in render_run(run_with_everything())


def test_only_the_first_errors_are_printed_and_the_rest_counted() -> None:
    made = report("completed_with_errors")
    made.errors = [error(number, message=f"reason {number}") for number in range(ERRORS_SHOWN + 5)]

    text = render_run(made)

    assert text.count("error[") == ERRORS_SHOWN
    assert "... and 5 more" in text


def test_records_that_fail_alike_share_a_block() -> None:
    made = report("completed_with_errors")
    made.errors = [error(number) for number in range(9)]

    text = render_run(made)

    assert text.count("error[") == 1
    assert "8 more like it: cust_1, cust_2, cust_3, cust_4, cust_5, ..." in text


def test_records_that_only_wait_are_counted_behind_the_causes() -> None:
    made = report("completed_with_errors")
    made.errors = [
        error(1, kind="waiting", mapping="customer-contact", message="waits"),
        error(2),
        error(3, kind="waiting", mapping="invoice", message="waits"),
        error(4, kind="waiting", mapping="invoice", message="waits too"),
    ]

    text = render_run(made)

    assert text.count("error[") == 1
    assert "3 records wait for others and will follow: customer-contact 1, invoice 2" in text


def test_records_that_wait_are_shown_where_nothing_else_failed() -> None:
    made = report("completed_with_errors")
    made.errors = [error(1, kind="waiting", message="waits")]

    assert "error[STRING_TOO_LONG]: customer-account cust_1" in render_run(made)


def test_failed_check_is_told_apart_from_a_rejected_record() -> None:
    made = report("completed_with_errors")
    made.counts("subscription-opportunity", "salesforce.Opportunity").created = 1
    made.errors = [error(1, kind="check")]
    made.failed_checks = 1

    told = render_run(made)

    assert "1 created. 1 record written, but not as its checks want." in told
    assert "earlier runs" not in told


def test_a_mapping_that_stopped_is_not_called_as_it_should_be() -> None:
    made = report("completed_with_errors")
    made.notes = ["coupon-promo: stopped: no such column"]
    made.stopped_mappings = 1

    told, planned = render_run(made), render_plan(made)

    assert "Completed with errors. Nothing written. 1 mapping stopped: see the notes.\nNext: put right" in told
    assert "interpret errors" not in told
    assert "as far as it goes" in planned
    assert "1 mapping could not be planned: see the notes." in planned


def test_errors_that_this_run_did_not_meet_are_those_of_earlier_runs() -> None:
    made = report("completed_with_errors")
    made.errors = [error(1, kind="check"), error(2)]
    made.known_bad = 2

    told = render_run(made)

    assert "Completed with errors. Nothing written.\n" in told
    assert "2 records known to fail from earlier runs" in told


def test_colour_adds_escapes_and_changes_no_word() -> None:
    import re

    coloured = render_run(run_with_everything(), Paint(True))

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_run(run_with_everything())


def test_json_keeps_decimals_exact_and_planned_ids_as_text() -> None:
    fields = json.loads(dumps(run_document(plan())), parse_float=Decimal)["operations"][1]["fields"]

    assert fields["Amount"]["new"] == Decimal("1200.50")
    assert fields["AccountId"]["new"].startswith(KNOWN_AFTER_APPLY)


def test_json_of_a_run_has_no_operations() -> None:
    assert "operations" not in run_document(quiet_run())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (Decimal("10"), "10"),
        (Decimal("1E+2"), "100"),
        ('say "hi"', '"say \\"hi\\""'),
        ("\x1b]0;x\x07", '"\\x1b]0;x\\x07"'),
        ("a\u202eb", '"a\\u202eb"'),
        ([{"list": "Customers"}], '[{list: "Customers"}]'),
    ],
)
def test_values_are_shown_safely(value: object, text: str) -> None:
    assert shown(value) == text


def test_long_values_are_cut_in_text() -> None:
    assert len(shown("x" * 5000)) == LONGEST + 2


def test_names_never_hold_line_ends() -> None:
    assert printable("a\nb\tc") == "a\\nb\\tc"


class _Stream:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def _progress(live: bool) -> str:
    now = [0.0]
    stream = _Stream()
    line = ProgressLine(stream, live=live, clock=lambda: now[0])  # type: ignore[arg-type]
    for step in range(25):
        now[0] = float(step)
        line(Progress("read", "chargebee.customer", step * 100, 2500))
    line.clear()
    return stream.text


def test_progress_in_a_log_is_a_line_every_ten_seconds() -> None:
    assert _progress(live=False).splitlines() == [
        "read: chargebee.customer 1,000 of 2,500",
        "read: chargebee.customer 2,000 of 2,500",
    ]


def test_progress_on_a_terminal_rewrites_one_line_and_leaves_nothing() -> None:
    text = _progress(live=True)

    assert "\n" not in text
    assert text.endswith("\r\x1b[2K")

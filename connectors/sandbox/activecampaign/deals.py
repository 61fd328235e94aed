"""Deals, the pipelines they run through and the stages they stand in.

Turns `/dealGroups`, `/dealStages` and `/deals` into rows. Money is in minor units and the currency comes back in lower
case. A stage belongs to one pipeline, and a deal cannot stand in a stage of another. Values of custom deal fields are
left out.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from fieldwright.connectors.sandbox.activecampaign.call import (
    Call,
    Reply,
    Route,
    as_id,
    as_text,
    fault,
    nothing_found,
    page,
)

_STATUSES: Final = ("0", "1", "2")
_OPEN: Final = 0
_FILTERS: Final = {
    "search": "instr(lower(title), lower(?)) > 0",
    "filters[title]": "lower(title) = lower(?)",
    "filters[stage]": "stage = CAST(? AS INTEGER)",
    "filters[group]": "pipeline = CAST(? AS INTEGER)",
    "filters[status]": "status = CAST(? AS INTEGER)",
    "filters[owner]": "owner = ?",
}


def shown_deal(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """A deal as replies show it."""
    return {
        "title": row["title"],
        "description": row["description"],
        "value": str(row["value"]),
        "currency": row["currency"],
        "contact": None if row["contact"] is None else str(row["contact"]),
        "account": None if row["account"] is None else str(row["account"]),
        "group": str(row["pipeline"]),
        "stage": str(row["stage"]),
        "owner": row["owner"],
        "status": str(row["status"]),
        "percent": "0",
        "cdate": call.shown(row["cdate"]),
        "mdate": call.shown(row["udate"]),
        "links": {
            name: f"{call.base}/deals/{row['id']}/{name}" for name in ("contact", "account", "group", "stage", "owner")
        },
        "id": str(row["id"]),
    }


def _shown_pipeline(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    stages = call.storage.rows("SELECT id FROM deal_stages WHERE pipeline = ? ORDER BY place, id", (row["id"],))
    return {
        "title": row["title"],
        "currency": row["currency"],
        "cdate": call.shown(row["cdate"]),
        "udate": call.shown(row["cdate"]),
        "stages": [str(stage["id"]) for stage in stages],
        "links": {"stages": f"{call.base}/dealGroups/{row['id']}/stages"},
        "id": str(row["id"]),
    }


def _shown_stage(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "title": row["title"],
        "group": str(row["pipeline"]),
        "order": str(row["place"]),
        "cdate": call.shown(row["cdate"]),
        "udate": call.shown(row["cdate"]),
        "links": {"group": f"{call.base}/dealStages/{row['id']}/group"},
        "id": str(row["id"]),
    }


def list_pipelines(call: Call) -> Reply:
    """`GET /dealGroups`, with the stages beside the pipelines."""
    rows, meta = page(call, "deal_groups", (), ())
    marks = ",".join("?" * len(rows))
    stages = call.storage.rows(
        f"SELECT * FROM deal_stages WHERE pipeline IN ({marks}) ORDER BY pipeline, place, id",
        [row["id"] for row in rows],
    )
    return Reply(
        200,
        {
            "dealStages": [_shown_stage(call, stage) for stage in stages],
            "dealGroups": [_shown_pipeline(call, row) for row in rows],
            "meta": meta,
        },
    )


def create_pipeline(call: Call) -> Reply:
    """`POST /dealGroups`."""
    given = call.part("dealGroup")
    title = _required(given, "title")
    number = call.storage.insert(
        "INSERT INTO deal_groups (title, currency, cdate) VALUES (?, ?, ?)", (title, _currency(given), call.stamp())
    )
    row = call.storage.row("SELECT * FROM deal_groups WHERE id = ?", (number,))
    assert row is not None
    return Reply(201, {"dealGroup": _shown_pipeline(call, row)})


def list_stages(call: Call) -> Reply:
    """`GET /dealStages`, by `filters[d_groupid]` and `filters[title]`."""
    where, values = [], []
    for name, condition in (("d_groupid", "pipeline = CAST(? AS INTEGER)"), ("title", "lower(title) = lower(?)")):
        wanted = call.parameter(f"filters[{name}]")
        if wanted is not None:
            where.append(condition)
            values.append(wanted)
    rows, meta = page(call, "deal_stages", where, values, order="pipeline, place, id")
    return Reply(200, {"dealStages": [_shown_stage(call, row) for row in rows], "meta": meta})


def create_stage(call: Call) -> Reply:
    """`POST /dealStages`: at the end of its pipeline."""
    given = call.part("dealStage")
    title, pipeline = _required(given, "title"), as_id(given.get("group"))
    if call.storage.row("SELECT 1 FROM deal_groups WHERE id = ?", (pipeline,)) is None:
        raise fault(422, "The group does not exist.", "related_missing", "/data/attributes/group")
    number = call.storage.insert(
        "INSERT INTO deal_stages (title, pipeline, place, cdate)"
        " VALUES (?, ?, (SELECT COUNT(*) + 1 FROM deal_stages WHERE pipeline = ?), ?)",
        (title, pipeline, pipeline, call.stamp()),
    )
    row = call.storage.row("SELECT * FROM deal_stages WHERE id = ?", (number,))
    assert row is not None
    return Reply(201, {"dealStage": {**_shown_stage(call, row), "group": given["group"]}})


def list_deals(call: Call) -> Reply:
    """`GET /deals` with its filters."""
    where, values = [], []
    for name, condition in _FILTERS.items():
        wanted = call.parameter(name)
        if wanted is not None:
            where.append(condition)
            values.append(wanted)
    rows, meta = page(call, "deals", where, values)
    return Reply(200, {"deals": [shown_deal(call, row) for row in rows], "meta": meta})


def create_deal(call: Call) -> Reply:
    """`POST /deals`: title, value, currency, a contact or an account, a stage or a pipeline, and an owner."""
    given = call.part("deal")
    title, currency, value = _required(given, "title"), _currency(given), _minor_units(given)
    parties = _parties(call, given)
    if not any(parties.values()):
        raise fault(422, "A deal needs a contact or an account.", "field_missing", "/data/attributes/contact")
    pipeline, stage = _place(call, given, None)
    number = call.storage.insert(
        "INSERT INTO deals (title, description, value, currency, contact, account, pipeline, stage, owner, status,"
        " cdate, udate) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            title,
            as_text(given.get("description")),
            value,
            currency,
            parties["contact"],
            parties["account"],
            pipeline,
            stage,
            _required(given, "owner"),
            _status(given, _OPEN),
            call.stamp(),
            call.stamp(),
        ),
    )
    return Reply(201, {"deal": shown_deal(call, _deal(call, number))})


def _deal(call: Call, number: int) -> sqlite3.Row:
    row = call.storage.row("SELECT * FROM deals WHERE id = ?", (number,))
    if row is None:
        raise nothing_found("Deal", call.path.get("id", number))
    return row


def read_deal(call: Call) -> Reply:
    """`GET /deals/{id}`."""
    return Reply(200, {"deal": shown_deal(call, _deal(call, call.number("id")))})


def update_deal(call: Call) -> Reply:
    """`PUT /deals/{id}`: what is omitted keeps its value."""
    row, given = _deal(call, call.number("id")), call.part("deal")
    pipeline, stage = _place(call, given, row)
    parties = {**{name: row[name] for name in ("contact", "account")}, **_parties(call, given)}
    call.storage.write(
        "UPDATE deals SET title = ?, description = ?, value = ?, currency = ?, contact = ?, account = ?, pipeline = ?,"
        " stage = ?, owner = ?, status = ?, udate = ? WHERE id = ?",
        (
            _required(given, "title") if "title" in given else row["title"],
            as_text(given.get("description", row["description"])),
            _minor_units(given) if "value" in given else row["value"],
            _currency(given) if "currency" in given else row["currency"],
            parties["contact"],
            parties["account"],
            pipeline,
            stage,
            as_text(given.get("owner", row["owner"])),
            _status(given, row["status"]),
            call.stamp(),
            row["id"],
        ),
    )
    return Reply(200, {"deal": shown_deal(call, _deal(call, row["id"]))})


def delete_deal(call: Call) -> Reply:
    """`DELETE /deals/{id}`."""
    row = _deal(call, call.number("id"))
    call.storage.write("DELETE FROM deals WHERE id = ?", (row["id"],))
    return Reply(200, {})


def _required(given: Mapping[str, Any], name: str) -> str:
    text = as_text(given.get(name)).strip()
    if not text:
        raise fault(422, f"The {name} was not provided.", "field_missing", f"/data/attributes/{name}")
    return text


def _currency(given: Mapping[str, Any]) -> str:
    code = _required(given, "currency").lower()
    if not re.fullmatch(r"[a-z]{3}", code):
        raise fault(422, "The currency is not valid.", "field_invalid", "/data/attributes/currency")
    return code


def _minor_units(given: Mapping[str, Any]) -> int:
    text = _required(given, "value")
    if not re.fullmatch(r"\d{1,15}", text):
        raise fault(422, "The value is not valid.", "field_invalid", "/data/attributes/value")
    return int(text)


def _status(given: Mapping[str, Any], default: int) -> int:
    text = as_text(given.get("status", default))
    if text not in _STATUSES:
        raise fault(422, "The status is not valid.", "field_invalid", "/data/attributes/status")
    return int(text)


def _parties(call: Call, given: Mapping[str, Any]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for name, table in (("contact", "contacts"), ("account", "accounts")):
        if given.get(name) in (None, ""):
            if name in given or "id" not in call.path:
                found[name] = None
            continue
        number = as_id(given[name])
        if call.storage.row(f"SELECT 1 FROM {table} WHERE id = ?", (number,)) is None:
            raise fault(422, f"The {name} does not exist.", "related_missing", f"/data/attributes/{name}")
        found[name] = number
    return found


def _place(call: Call, given: Mapping[str, Any], before: sqlite3.Row | None) -> tuple[int, int]:
    """The pipeline and stage a deal is to stand in. A pipeline alone means its first stage."""
    pipeline = as_id(given["group"]) if given.get("group") not in (None, "") else None
    if given.get("stage") not in (None, ""):
        row = call.storage.row("SELECT * FROM deal_stages WHERE id = ?", (as_id(given["stage"]),))
        if row is None:
            raise fault(422, "The stage does not exist.", "related_missing", "/data/attributes/stage")
        if pipeline is None:
            pipeline = row["pipeline"] if before is None else before["pipeline"]
        if row["pipeline"] != pipeline:
            raise fault(422, "The stage is not part of the group.", "field_invalid", "/data/attributes/stage")
        return pipeline, row["id"]
    if before is not None and pipeline in (None, before["pipeline"]):
        return before["pipeline"], before["stage"]
    if pipeline is None:
        raise fault(422, "A deal needs a group or a stage.", "field_missing", "/data/attributes/group")
    row = call.storage.row("SELECT * FROM deal_stages WHERE pipeline = ? ORDER BY place, id", (pipeline,))
    if row is None:
        raise fault(422, "The group has no stage.", "related_missing", "/data/attributes/group")
    return pipeline, row["id"]


ROUTES: Final = (
    Route("GET", "/dealGroups", list_pipelines),
    Route("POST", "/dealGroups", create_pipeline),
    Route("GET", "/dealStages", list_stages),
    Route("POST", "/dealStages", create_stage),
    Route("GET", "/deals", list_deals),
    Route("POST", "/deals", create_deal),
    Route("GET", "/deals/{id}", read_deal),
    Route("PUT", "/deals/{id}", update_deal),
    Route("DELETE", "/deals/{id}", delete_deal),
)

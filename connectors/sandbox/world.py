"""The seeded world of a sandbox, Chargebee's side: a consistent site of any size, the same for the same numbers.

Turns (customers, seed, scenario) into rows of the emulator's database: catalog, customers with cards and contacts,
subscriptions in every status, invoices, payments, credit notes, quotes, gifts, checkout links and events. Each
customer is made from a generator of its own, so that nothing but running numbers is kept in memory. Instants lie in
the two years before `EPOCH`; a sandbox whose clock is earlier gets the two years before its own present.

In the default world every record can be synced. The scenario `faults` adds records that cannot: a shared e-mail, an
invalid one, a city too long for Salesforce, a currency that no org has.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from fieldwright.connectors.sandbox import world_billing as shop
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.store import Row, Store, row
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.database import encode
from fieldwright.connectors.sandbox.world_catalog import products
from fieldwright.connectors.sandbox.world_people import SEGMENTS, currency_of, make_card, make_customer

EPOCH = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
SITE = "fieldwright-test"
SCENARIOS = ("faults",)
# Chargebee's lists lag by minutes, and a careful reader stays behind them: the newest record is older than this.
_QUIET = 15 * 60
_SPAN = 730 * shop.DAY
_BATCH = 400

Entry = tuple[str, Document]


def check_scenario(scenario: str | None) -> None:
    """Raises ValueError for a scenario that does not exist."""
    if scenario is not None and scenario not in SCENARIOS:
        raise ValueError(f"no scenario {scenario!r}; there is {', '.join(SCENARIOS)}")


def seed(database: Path, clock: Clock, *, customers: int = 25, seed: int = 1, scenario: str | None = None) -> None:
    """Fill an empty emulator database, batch by batch. Raises ValueError for an unknown scenario."""
    check_scenario(scenario)
    faulty = scenario == "faults"
    store = Store(database, clock)
    try:
        _fill(store, clock, customers, seed, faulty)
    finally:
        store.close()


def _fill(store: Store, clock: Clock, customers: int, seed: int, faulty: bool) -> None:
    epoch = min(EPOCH, clock.seconds() - _QUIET)
    start = epoch - _SPAN
    sales = shop.Sales(
        epoch=epoch,
        plans=products("plan", start, faulty=faulty),
        addons=products("addon", start),
        coupons=products("coupon", start),
        site=SITE,
    )
    entries = _entries(sales, customers, seed, faulty)
    while batch := list(islice(entries, _BATCH)):
        _insert(store, batch, epoch)
    # Last, because they count what was sold.
    _insert(store, list(_catalog(sales, start)), epoch)
    for name in ("cf_segment", "cf_account_manager"):
        store.define_field("customer", name, "string")
    store.database.set_fact("options:customer:cf_segment", list(SEGMENTS))
    numbers = {"invoice": sales.invoices, "credit_note": sales.credit_notes, "quote": sales.quotes}
    for name, number in numbers.items():
        store.database.set_fact(f"number:{name}", number)


def _catalog(sales: shop.Sales, start: int) -> Iterator[Entry]:
    for kind, found in (("plan", sales.plans), ("addon", sales.addons), ("coupon", sales.coupons)):
        for index, document in enumerate(found.values()):
            document["updated_at"] = start + index
            if kind == "coupon":
                document["redemptions"] = sales.redemptions.get(document["id"], 0)
            yield kind, document


def _entries(sales: shop.Sales, customers: int, seed: int, faulty: bool) -> Iterator[Entry]:
    previous: Document | None = None
    for index in range(1, customers + 1):
        rng = random.Random(f"{seed}:{index}")
        # In order of creation, as a site grows, with the newest some days before the present.
        created = sales.epoch - _SPAN + (_SPAN - 14 * shop.DAY) * index // (customers + 1) + rng.randrange(3600)
        customer = make_customer(index, rng, created)
        customer["updated_at"] = rng.randrange(created, sales.epoch)
        plan_id = None
        if faulty:
            plan_id = _spoil(index, customer, previous)
        yield "customer", customer
        if customer["card_status"] == "valid":
            yield "card", make_card(customer)
        bought = [
            shop.sell(sales, customer, currency_of(index), rng, plan_id=plan_id)
            for _ in range({3: 0, 7: 2}.get(index % 10, 1))
        ]
        if previous is not None and index % 25 == 12:
            gift, purchase = shop.give(sales, customer, previous, index // 25, rng)
            yield "gift", gift
            bought.append(purchase)
        for purchase in bought:
            yield from _parts(purchase)
        if index % 10 == 6:
            yield "quote", shop.offer(sales, customer, rng)
        if index % 8 == 5:
            used = bought[0].subscription if bought and index % 16 == 5 else None
            yield "hosted_page", shop.checkout_link(sales, customer, used, index, rng)
        previous = customer


def _parts(purchase: shop.Purchase) -> Iterator[Entry]:
    yield "subscription", purchase.subscription
    for kind, documents in (
        ("invoice", purchase.invoices),
        ("transaction", purchase.transactions),
        ("credit_note", purchase.credit_notes),
    ):
        for document in documents:
            yield kind, document


def _spoil(index: int, customer: Document, previous: Document | None) -> str | None:
    """Make the early customers of the scenario `faults` bad; gives the plan to sell instead of the usual one."""
    match index:
        case 2 if previous is not None:
            customer["email"] = previous["email"]
        case 4:
            customer["email"] = "not-an-email"
        case 6:
            customer["billing_address"]["city"] = "Llanfairpwllgwyngyllgogerychwyrndrobwllllanty"
        case 8:
            customer["preferred_currency_code"] = "XTS"
            return "starter-xts"
    return None


def _insert(store: Store, entries: Iterable[Entry], epoch: int) -> None:
    """Store a batch, each record versioned by its last change, and an event for each customer and subscription."""
    tables: dict[str, list[Row]] = {}
    events: list[Row] = []
    for resource, document in entries:
        if resource != "card":
            # Milliseconds within the second differ, as they do when people work on a site.
            document["resource_version"] = document["updated_at"] * 1000 + sum(document["id"].encode()) * 7 % 1000
        made = row(resource, document, epoch)
        tables.setdefault(resource, []).append(made)
        if resource in ("customer", "subscription"):
            events.append(_event(resource, made))
    # One commit a batch, not one a world: the write-ahead log of a large world would outgrow its database.
    with store.transaction():
        for resource, rows in tables.items():
            store.bulk(resource, rows)
        store.bulk("event", events)


def _event(resource: str, made: Row) -> Row:
    """The event of a record's creation; its text is assembled, not encoded again."""
    key, text, born = made[0], made[1], made[2]
    head = {
        "id": f"ev_{key}",
        "occurred_at": born,
        "source": "admin_console",
        "user": "owner@fieldwright.example",
        "webhook_status": "not_configured",
        "event_type": f"{resource}_created",
        "api_version": "v2",
        "object": "event",
    }
    document = f'{encode(head)[:-1]},"content":{{"{resource}":{text}}}}}'
    return f"ev_{key}", document, born, None, born, None, None, 0, None

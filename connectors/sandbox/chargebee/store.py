"""The records of the emulated site on disk.

Turns documents into rows and back: one table per resource with the finished JSON text (so that a page of a list is
joined text, not rebuilt objects) beside the few columns that lists are sorted and filtered by. Also the side registers:
custom fields seen so far, idempotent replies, counters. Gives every write a `resource_version` that never repeats.
What a write means is left to the operations.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldwright.connectors.sandbox.chargebee.errors import duplicate, not_found
from fieldwright.connectors.sandbox.chargebee.listing import Query, next_offset
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.resources import resources
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.database import decode, encode, open_database

_TABLE = """
CREATE TABLE IF NOT EXISTS {0} (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, born_at INTEGER NOT NULL,
    updated_at INTEGER, changed_at INTEGER NOT NULL, customer_id TEXT, subscription_id TEXT,
    deleted INTEGER NOT NULL, due_at INTEGER);
CREATE INDEX IF NOT EXISTS {0}_born ON {0} (born_at, seq);
CREATE INDEX IF NOT EXISTS {0}_updated ON {0} (updated_at, seq);
CREATE INDEX IF NOT EXISTS {0}_customer ON {0} (customer_id, seq) WHERE customer_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS {0}_subscription ON {0} (subscription_id, seq) WHERE subscription_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS {0}_due ON {0} (due_at) WHERE due_at IS NOT NULL;
"""
_REGISTERS = """
CREATE INDEX IF NOT EXISTS customers_email ON customers (json_extract(document, '$.email'));
CREATE TABLE IF NOT EXISTS custom_field (
    entity TEXT NOT NULL, name TEXT NOT NULL, datatype TEXT NOT NULL, PRIMARY KEY (entity, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS idempotent_reply (
    key TEXT NOT NULL, path TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (key, path)) WITHOUT ROWID;
"""
_COLUMNS = "id, document, born_at, updated_at, changed_at, customer_id, subscription_id, deleted, due_at"
_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
Row = tuple[str, str, int, int | None, int, str | None, str | None, int, int | None]


class Store:
    """Everything the site knows. Writes belong inside `transaction`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        schema = "".join(_TABLE.format(kind.plural) for kind in resources().values()) + _REGISTERS
        self.database = open_database(path, schema)
        self.clock = clock
        self._fields = {(row[0], row[1]) for row in self.database.all("SELECT entity, name FROM custom_field")}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing for the writes of one request."""
        with self.database.transaction():
            yield

    # -- reading

    def text(self, resource: str, key: str) -> str | None:
        """The finished JSON text of a record, deleted or not."""
        text: str | None = self.database.value(f"SELECT document FROM {table(resource)} WHERE id = ?", (key,))
        return text

    def find(self, resource: str, key: str) -> Document | None:
        """A live record as a document of its own, or None."""
        text = self.database.value(f"SELECT document FROM {table(resource)} WHERE id = ? AND deleted = 0", (key,))
        return None if text is None else decode(text)

    def get(self, resource: str, key: str) -> Document:
        """A live record. Raises ApiError 404."""
        document = self.find(resource, key)
        if document is None:
            raise not_found(resource, key)
        return document

    def matching(self, resource: str, column: str, value: str) -> list[Document]:
        """Live records by customer_id or subscription_id, oldest first."""
        rows = self.database.all(
            f"SELECT document FROM {table(resource)} WHERE {column} = ? AND deleted = 0 ORDER BY seq", (value,)
        )
        return [decode(row[0]) for row in rows]

    def page(self, resource: str, query: Query) -> tuple[list[tuple[str, str | None, str]], str | None]:
        """The rows of one page (text, customer id, id) and the offset of the next page."""
        rows = self.database.all(query.sql(table(resource), "document, customer_id, id"), query.values)
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        offset = next_offset(int(rows[-1][3] or 0), rows[-1][4]) if more else None
        return [(row[0], row[1], row[2]) for row in rows], offset

    def texts(self, resource: str, column: str, keys: Iterable[str]) -> dict[str, str]:
        """The texts of records by their id or customer_id; of several the last one."""
        wanted = sorted(set(keys))
        marks = ", ".join("?" * len(wanted))
        rows = self.database.all(
            f"SELECT {column}, document FROM {table(resource)} WHERE {column} IN ({marks})", wanted
        )
        return {row[0]: row[1] for row in rows}

    # -- writing

    def insert(self, resource: str, document: Document) -> Document:
        """Store a new record, versioned now. Raises ApiError `duplicate_entry`, also for the id of a deleted record."""
        if self.text(resource, document["id"]) is not None:
            raise duplicate("id", document["id"])
        self._stamp(resource, document)
        self.database.execute(
            f"INSERT INTO {table(resource)} ({_COLUMNS}) VALUES {_PLACES}",
            row(resource, document, self.clock.seconds()),
        )
        return document

    def save(self, resource: str, document: Document) -> Document:
        """Store a changed record with a new version."""
        self._stamp(resource, document)
        key, text, _born, *rest = row(resource, document, self.clock.seconds())
        self.database.execute(
            f"UPDATE {table(resource)} SET document = ?, updated_at = ?, changed_at = ?, customer_id = ?,"
            " subscription_id = ?, deleted = ?, due_at = ? WHERE id = ?",
            (text, *rest, key),
        )
        return document

    def bulk(self, resource: str, rows: Iterable[Row]) -> None:
        """Store many finished rows (see `row`) as they are."""
        self.database.many(f"INSERT INTO {table(resource)} ({_COLUMNS}) VALUES {_PLACES}", rows)

    def _stamp(self, resource: str, document: Document) -> None:
        fields = resources()[resource].fields
        if "updated_at" in fields:
            document["updated_at"] = self.clock.seconds()
        if "resource_version" in fields:
            document["resource_version"] = self.next_version()

    def next_version(self) -> int:
        """Milliseconds now, or one more than the last version given."""
        version = max(int(self.clock.timestamp() * 1000), int(self.database.fact("version", 0)) + 1)
        self.database.set_fact("version", version)
        return version

    def next_number(self, name: str) -> int:
        """The next number of a running series, from 1."""
        number = int(self.database.fact(f"number:{name}", 0)) + 1
        self.database.set_fact(f"number:{name}", number)
        return number

    # -- registers

    def register_fields(self, entity: str, names: Iterable[str]) -> None:
        """Remember the custom fields a record came with, as texts."""
        for name in names:
            if name.startswith("cf_") and (entity, name) not in self._fields:
                self.define_field(entity, name, "string")

    def define_field(self, entity: str, name: str, datatype: str) -> None:
        """Declare a custom field."""
        self.database.execute("INSERT OR IGNORE INTO custom_field VALUES (?, ?, ?)", (entity, name, datatype))
        self._fields.add((entity, name))

    def field_types(self, entity: str) -> dict[str, str]:
        """The custom fields of an entity with their datatypes, by name."""
        return dict(
            self.database.all("SELECT name, datatype FROM custom_field WHERE entity = ? ORDER BY name", (entity,))
        )

    def replay(self, key: str, path: str, oldest: float) -> tuple[str, int, bytes] | None:
        """The request fingerprint, status and body stored under an idempotency key not before `oldest`."""
        row = self.database.one(
            "SELECT request, status, body FROM idempotent_reply WHERE key = ? AND path = ? AND at >= ?",
            (key, path, oldest),
        )
        return None if row is None else (row[0], row[1], row[2])

    def remember(self, key: str, path: str, request: str, status: int, body: bytes) -> None:
        """Keep a reply for its idempotency key."""
        self.database.execute(
            "INSERT OR REPLACE INTO idempotent_reply VALUES (?, ?, ?, ?, ?, ?)",
            (key, path, request, status, body, self.clock.timestamp()),
        )

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def table(resource: str) -> str:
    """The table of a resource: its plural, because `transaction` is a word of SQL."""
    return resources()[resource].plural


def row(resource: str, document: Document, now: int) -> Row:
    """A record as a row. `finish` is applied to the document, which is changed in place."""
    finish(resource, document)
    kind = resources()[resource]
    updated = document.get("updated_at")
    born = document.get(kind.born, now) if kind.born else (updated or now)
    customer = document.get("customer_id")
    if resource == "gift":
        customer = document.get("gifter", {}).get("customer_id")
    return (
        document["payment_source_id"] if resource == "card" else document["id"],
        encode(document),
        born,
        updated,
        updated or born,
        customer,
        document.get("subscription_id"),
        int(document.get("deleted") is True or document.get("status") == "deleted"),
        due_at(resource, document),
    )


def due_at(resource: str, document: Document) -> int | None:
    """When time alone will change a record next: the end of a trial, a term, a pause, the life of a link."""
    if document.get("deleted"):
        return None
    if resource == "subscription":
        match document["status"]:
            case "future":
                return int(document["start_date"])
            case "in_trial" | "active" | "non_renewing":
                return int(min(document["current_term_end"], document.get("pause_date", document["current_term_end"])))
            case "paused":
                return document.get("resume_date")
    return None


def finish(resource: str, document: Document) -> None:
    """Bring a document into the form in which the API shows it: no empty attributes, `object` on every part."""
    for name in [
        name for name, value in document.items() if value is None or value == "" or value == [] or value == {}
    ]:
        if name != "content":
            del document[name]
    for name, value in document.items():
        if name in ("meta_data", "content", "checkout_info", "exemption_details"):
            continue
        if isinstance(value, dict):
            _label(value, name)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            singular = _singular(name)
            for part in value:
                _label(part, singular)
    document["object"] = resource


def _label(part: Document, name: str) -> None:
    for key in [key for key, value in part.items() if value is None or value == ""]:
        del part[key]
    part["object"] = name


def _singular(name: str) -> str:
    return name[:-2] if name.endswith("xes") else name.removesuffix("s")

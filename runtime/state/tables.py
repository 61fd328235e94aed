"""The tables of the state database, declared once; `runtime/migrations` creates and changes them.

Everything is keyed by where it belongs: `source` rows name a system and its account (site, org), `pair` rows a source
and a target account. The user who is logged in is part of no key, so replacing the Salesforce user changes no row.
Instants are ISO 8601 text in UTC; payloads and bases are JSON bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# SQLite counts rows up only for INTEGER, PostgreSQL wants 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")

sources = Table(
    "sources",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("system", String(40), nullable=False),
    Column("account", String(255), nullable=False),
    UniqueConstraint("system", "account"),
)

pairs = Table(
    "pairs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("target_id", ForeignKey("sources.id"), nullable=False),
    UniqueConstraint("source_id", "target_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("mode", String(20), nullable=False),
    Column("target", String(255), nullable=False),
    Column("status", String(40), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("finished_at", String(40)),
    Column("settings_hash", String(64), nullable=False, default=""),
    Column("report", LargeBinary),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", String(40), nullable=False),
)

# How far each source object has been read, and with which fields (a new field needs a full read).
watermarks = Table(
    "watermarks",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("object", String(120), primary_key=True),
    Column("instant", String(40)),
    Column("fields", Text, nullable=False),
)

# The latest version read of every source record, cut down to the fields in use. `seq` grows with every change and is
# the durable queue: a mapping has seen everything up to its own number in `progress`.
records = Table(
    "records",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("object", String(120), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("payload", LargeBinary, nullable=False),
    Index("records_by_seq", "source_id", "object", "seq"),
    sqlite_with_rowid=False,
)

# Values of the few fields that declared reads look records up by.
record_keys = Table(
    "record_keys",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("object", String(120), primary_key=True),
    Column("field", String(120), primary_key=True),
    Column("value", String(255), primary_key=True),
    Column("id", String(255), primary_key=True),
    Index("record_keys_by_id", "source_id", "object", "id"),
    sqlite_with_rowid=False,
)

progress = Table(
    "progress",
    metadata,
    Column("pair_id", ForeignKey("pairs.id"), primary_key=True),
    Column("mapping", String(120), primary_key=True),
    Column("object", String(120), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

# Which target record a source record became, and what was last written to it.
links = Table(
    "links",
    metadata,
    Column("pair_id", ForeignKey("pairs.id"), primary_key=True),
    Column("mapping", String(120), primary_key=True),
    Column("source_id", String(255), primary_key=True),
    Column("target_id", String(120)),
    Column("target_key", String(500)),
    Column("base", LargeBinary, nullable=False),
    Column("children_base", LargeBinary),
    Column("whole", Boolean, nullable=False, default=True),
    Column("version", BigInteger, nullable=False, default=0),
    Column("run_id", RowId, nullable=False),
    Index("links_by_key", "pair_id", "mapping", "target_key"),
    Index("links_by_target", "pair_id", "mapping", "target_id"),
    sqlite_with_rowid=False,
)

child_links = Table(
    "child_links",
    metadata,
    Column("pair_id", ForeignKey("pairs.id"), primary_key=True),
    Column("mapping", String(120), primary_key=True),
    Column("source_id", String(255), primary_key=True),
    Column("child_set", String(80), primary_key=True),
    Column("child_key", String(500), primary_key=True),
    Column("target_id", String(120), nullable=False),
    Column("base", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# A write that may be on its way. Rows are removed when its outcome is recorded; what a crash leaves is looked up.
intents = Table(
    "intents",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pair_id", ForeignKey("pairs.id"), nullable=False),
    Column("mapping", String(120), nullable=False),
    Column("source_id", String(255), nullable=False),
    Column("op", String(10), nullable=False),
    Column("run_id", RowId, nullable=False),
    Column("epoch", Integer, nullable=False),
    Index("intents_by_record", "pair_id", "mapping", "source_id"),
)

errors = Table(
    "errors",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pair_id", ForeignKey("pairs.id"), nullable=False),
    Column("mapping", String(120), nullable=False),
    Column("object", String(120), nullable=False),
    Column("source_id", String(255), nullable=False),
    Column("field", String(120), nullable=False, default=""),
    Column("code", String(120), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("fix", Text, nullable=False, default=""),
    Column("at", String(500), nullable=False, default=""),
    Column("tries", Integer, nullable=False, default=1),
    Column("next_try", String(40)),
    Column("first_seen", String(40), nullable=False),
    Column("last_seen", String(40), nullable=False),
    Column("payload", LargeBinary),
    Column("ignored", Boolean, nullable=False, default=False),
    UniqueConstraint("pair_id", "mapping", "source_id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("pair_id", ForeignKey("pairs.id"), primary_key=True),
    Column("mapping", String(120), primary_key=True),
    Column("source_id", String(255), primary_key=True),
    Column("rule", String(120), nullable=False),
    Column("rule_id", String(40), nullable=False, default=""),
    Column("action", String(40), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("at", String(500), nullable=False, default=""),
    Column("run_id", RowId, nullable=False),
    sqlite_with_rowid=False,
)

# Single values: the sequence of `records.seq` and the like.
counters = Table(
    "counters",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

"""The first schema, as version 0.1 has it.

Spelt out and never changed again: a state made by this revision must be what later revisions expect to change. That
all revisions together lead to `runtime.state.tables` is held by a test.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "counters",
    "leases",
    "runs",
    "sources",
    "pairs",
    "record_keys",
    "records",
    "watermarks",
    "child_links",
    "decisions",
    "errors",
    "intents",
    "links",
    "progress",
)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "runs",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("finished_at", sa.String(40)),
        sa.Column("settings_hash", sa.String(64), nullable=False),
        sa.Column("report", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sources",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("system", sa.String(40), nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system", "account"),
    )
    op.create_table(
        "pairs",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("source_id", _ROW_ID, nullable=False),
        sa.Column("target_id", _ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "target_id"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["target_id"], ["sources.id"]),
    )
    op.create_table(
        "record_keys",
        sa.Column("source_id", _ROW_ID, nullable=False),
        sa.Column("object", sa.String(120), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("source_id", "object", "field", "value", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("record_keys_by_id", "record_keys", ["source_id", "object", "id"], unique=False)
    op.create_table(
        "records",
        sa.Column("source_id", _ROW_ID, nullable=False),
        sa.Column("object", sa.String(120), nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("source_id", "object", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("records_by_seq", "records", ["source_id", "object", "seq"], unique=False)
    op.create_table(
        "watermarks",
        sa.Column("source_id", _ROW_ID, nullable=False),
        sa.Column("object", sa.String(120), nullable=False),
        sa.Column("instant", sa.String(40)),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("source_id", "object"),
    )
    op.create_table(
        "child_links",
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("source_id", sa.String(255), nullable=False),
        sa.Column("child_set", sa.String(80), nullable=False),
        sa.Column("child_key", sa.String(500), nullable=False),
        sa.Column("target_id", sa.String(120), nullable=False),
        sa.Column("base", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
        sa.PrimaryKeyConstraint("pair_id", "mapping", "source_id", "child_set", "child_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("source_id", sa.String(255), nullable=False),
        sa.Column("rule", sa.String(120), nullable=False),
        sa.Column("rule_id", sa.String(40), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(500), nullable=False),
        sa.Column("run_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
        sa.PrimaryKeyConstraint("pair_id", "mapping", "source_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "errors",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("object", sa.String(120), nullable=False),
        sa.Column("source_id", sa.String(255), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("code", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("at", sa.String(500), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.String(40)),
        sa.Column("first_seen", sa.String(40), nullable=False),
        sa.Column("last_seen", sa.String(40), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("ignored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pair_id", "mapping", "source_id"),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
    )
    op.create_table(
        "intents",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("source_id", sa.String(255), nullable=False),
        sa.Column("op", sa.String(10), nullable=False),
        sa.Column("run_id", _ROW_ID, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("intents_by_record", "intents", ["pair_id", "mapping", "source_id"], unique=False)
    op.create_table(
        "links",
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("source_id", sa.String(255), nullable=False),
        sa.Column("target_id", sa.String(120)),
        sa.Column("target_key", sa.String(500)),
        sa.Column("base", sa.LargeBinary(), nullable=False),
        sa.Column("children_base", sa.LargeBinary()),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("run_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
        sa.PrimaryKeyConstraint("pair_id", "mapping", "source_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("links_by_key", "links", ["pair_id", "mapping", "target_key"], unique=False)
    op.create_index("links_by_target", "links", ["pair_id", "mapping", "target_id"], unique=False)
    op.create_table(
        "progress",
        sa.Column("pair_id", _ROW_ID, nullable=False),
        sa.Column("mapping", sa.String(120), nullable=False),
        sa.Column("object", sa.String(120), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"]),
        sa.PrimaryKeyConstraint("pair_id", "mapping", "object"),
    )


def downgrade() -> None:
    """Drop all tables: the state is lost."""
    for name in reversed(_TABLES):
        op.drop_table(name)

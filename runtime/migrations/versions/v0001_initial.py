"""The first schema: everything `runtime.state.tables` declared in version 0.1."""

from __future__ import annotations

from alembic import op

from fieldwright.runtime.state.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop all tables: the state is lost."""
    metadata.drop_all(op.get_bind())

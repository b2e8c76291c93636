"""How far consumers got, what they could not apply yet, and the last position given."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "relay_leases",
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_index("ix_outbox_topic", "outbox", ["topic", "position"], unique=False)
    op.create_table(
        "consumer_cursors",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "topic", name=op.f("pk_consumer_cursors")),
    )
    op.create_table(
        "delayed_events",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_delayed_events")),
    )
    op.create_index("ix_delayed_events_event_id", "delayed_events", ["event_id"], unique=False)
    op.create_index(
        "ix_delayed_events_waiting",
        "delayed_events",
        ["consumer", "topic", "key", "position"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("delayed_events")
    op.drop_table("consumer_cursors")
    op.drop_index("ix_outbox_topic", table_name="outbox")
    op.drop_column("relay_leases", "position")

"""The saga journal and incidents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saga_journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("saga_kind", sa.String(), nullable=False),
        sa.Column("saga_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "started",
                "succeeded",
                "retrying",
                "failed",
                "compensated",
                "signaled",
                name="journalevent",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("shop_now()"), nullable=False
        ),
        sa.CheckConstraint(
            "event IN ('started', 'succeeded', 'retrying', 'failed', 'compensated', 'signaled')",
            name=op.f("ck_saga_journal_event_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saga_journal")),
    )
    op.create_index("ix_saga_journal_saga", "saga_journal", ["saga_id", "id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.execute(
        "CREATE TRIGGER saga_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON saga_journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index(
        "uq_incidents_open", table_name="incidents", postgresql_where=sa.text("closed_at IS NULL")
    )
    op.drop_table("incidents")
    op.drop_index("ix_saga_journal_saga", table_name="saga_journal")
    op.drop_table("saga_journal")

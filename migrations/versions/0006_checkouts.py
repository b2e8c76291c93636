"""Checkouts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkouts",
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("coupon", sa.String(), nullable=True),
        sa.Column("shipping_service", sa.String(), nullable=True),
        sa.Column("expected_total", sa.BigInteger(), nullable=True),
        sa.Column("payment_method_token", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "parked",
                "confirmed",
                "failed",
                "expired",
                "canceled",
                "needs_attention",
                name="sagastate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "direction",
            sa.Enum("forward", "undo", name="direction", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column(
            "nudge_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("key_attempt", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("signaled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "direction IN ('forward', 'undo')", name=op.f("ck_checkouts_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_checkouts_state_known"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_checkouts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
    )
    op.create_index(
        "ix_checkouts_before_reservation",
        "checkouts",
        ["id"],
        unique=False,
        postgresql_where=sa.text(
            "state = 'running' AND direction = 'forward' AND step = 'reserve'"
        ),
    )
    op.create_index("ix_checkouts_cart_id", "checkouts", ["cart_id"], unique=False)
    op.create_index(
        "ix_checkouts_deadline",
        "checkouts",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_checkouts_due",
        "checkouts",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(op.f("ix_checkouts_user_id"), "checkouts", ["user_id"], unique=False)
    op.create_index(
        "uq_checkouts_cart",
        "checkouts",
        ["cart_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('failed', 'expired', 'canceled')"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_checkouts_cart",
        table_name="checkouts",
        postgresql_where=sa.text("state NOT IN ('failed', 'expired', 'canceled')"),
    )
    op.drop_index(op.f("ix_checkouts_user_id"), table_name="checkouts")
    op.drop_index(
        "ix_checkouts_due", table_name="checkouts", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index(
        "ix_checkouts_deadline",
        table_name="checkouts",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_index("ix_checkouts_cart_id", table_name="checkouts")
    op.drop_index(
        "ix_checkouts_before_reservation",
        table_name="checkouts",
        postgresql_where=sa.text(
            "state = 'running' AND direction = 'forward' AND step = 'reserve'"
        ),
    )
    op.drop_table("checkouts")

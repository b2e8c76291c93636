"""Orders that will not be sent, and goods that come back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cancellations",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
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
            "direction IN ('forward', 'undo')", name=op.f("ck_cancellations_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_cancellations_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_cancellations_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellations")),
    )
    op.create_index(
        "ix_cancellations_deadline",
        "cancellations",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_cancellations_due",
        "cancellations",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_cancellations_order_id", "cancellations", ["order_id"], unique=False)
    op.create_index(
        "uq_cancellations_live",
        "cancellations",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('failed', 'expired', 'canceled')"),
    )
    op.create_table(
        "returns",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum("approved", "refused", name="decision", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by", sa.String(), nullable=True),
        sa.Column("warehouse_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
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
            "decision IN ('approved', 'refused')", name=op.f("ck_returns_decision_known")
        ),
        sa.CheckConstraint(
            "direction IN ('forward', 'undo')", name=op.f("ck_returns_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_returns_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_returns_merchant_id_merchants")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_returns_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_returns_refund_id_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["warehouses.id"], name=op.f("fk_returns_warehouse_id_warehouses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
    )
    op.create_index(
        "ix_returns_deadline",
        "returns",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_returns_due",
        "returns",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_returns_merchant", "returns", ["merchant_id", "id"], unique=False)
    op.create_index("ix_returns_order_id", "returns", ["order_id"], unique=False)
    op.create_index(op.f("ix_returns_refund_id"), "returns", ["refund_id"], unique=False)
    op.create_index(op.f("ix_returns_warehouse_id"), "returns", ["warehouse_id"], unique=False)
    op.create_table(
        "return_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=True),
        sa.Column("restock", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_return_items_qty_positive")),
        sa.CheckConstraint(
            "received IS NULL OR (0 <= restock AND restock <= received AND received <= qty)",
            name=op.f("ck_return_items_units_in_range"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_return_items_order_item",
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.id"], name=op.f("fk_return_items_return_id_returns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_items")),
        sa.UniqueConstraint("return_id", "line", name=op.f("uq_return_items_return_id_line")),
    )
    op.create_index(
        "ix_return_items_order_item", "return_items", ["order_id", "line"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_return_items_order_item", table_name="return_items")
    op.drop_table("return_items")
    op.drop_index(op.f("ix_returns_warehouse_id"), table_name="returns")
    op.drop_index(op.f("ix_returns_refund_id"), table_name="returns")
    op.drop_index("ix_returns_order_id", table_name="returns")
    op.drop_index("ix_returns_merchant", table_name="returns")
    op.drop_index(
        "ix_returns_due", table_name="returns", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index(
        "ix_returns_deadline",
        table_name="returns",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_table("returns")
    op.drop_index(
        "uq_cancellations_live",
        table_name="cancellations",
        postgresql_where=sa.text("state NOT IN ('failed', 'expired', 'canceled')"),
    )
    op.drop_index("ix_cancellations_order_id", table_name="cancellations")
    op.drop_index(
        "ix_cancellations_due",
        table_name="cancellations",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.drop_index(
        "ix_cancellations_deadline",
        table_name="cancellations",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_table("cancellations")

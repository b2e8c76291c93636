"""Money taken before anything is sent, and money on its way back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "captures",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
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
            "direction IN ('forward', 'undo')", name=op.f("ck_captures_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_captures_state_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_captures_amount_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_captures_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_captures_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captures")),
    )
    op.create_index(
        "ix_captures_deadline",
        "captures",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_captures_due",
        "captures",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_captures_payment_id", "captures", ["payment_id"], unique=False)
    op.create_index("uq_captures_order_id", "captures", ["order_id"], unique=True)
    op.create_table(
        "refunds",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("psp_ref", sa.String(), nullable=True),
        sa.Column("keyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("came_back_at", sa.DateTime(timezone=True), nullable=True),
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
            "direction IN ('forward', 'undo')", name=op.f("ck_refunds_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_refunds_state_known"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND released >= 0", name=op.f("ck_refunds_amounts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_refunds_merchant_id_merchants")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_refunds_idempotency_key")),
    )
    op.create_index(
        "ix_refunds_deadline",
        "refunds",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_refunds_due",
        "refunds",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(op.f("ix_refunds_merchant_id"), "refunds", ["merchant_id"], unique=False)
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"], unique=False)
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"], unique=False)
    op.create_index("uq_refunds_psp_ref", "refunds", ["psp_ref"], unique=True)
    op.create_table(
        "refund_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("unshipped", sa.BigInteger(), nullable=False),
        sa.Column("astray", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("restock", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_refund_items_amount_not_negative")),
        sa.CheckConstraint(
            "qty > 0 AND 0 <= astray AND astray <= unshipped AND unshipped <= qty",
            name=op.f("ck_refund_items_units_in_range"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_refund_items_order_item",
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_refund_items_refund_id_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id"],
            ["warehouses.id"],
            name=op.f("fk_refund_items_warehouse_id_warehouses"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_items")),
        sa.UniqueConstraint("refund_id", "line", name=op.f("uq_refund_items_refund_id_line")),
    )
    op.create_index(
        "ix_refund_items_order_item", "refund_items", ["order_id", "line"], unique=False
    )
    op.create_index(
        op.f("ix_refund_items_warehouse_id"), "refund_items", ["warehouse_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_refund_items_warehouse_id"), table_name="refund_items")
    op.drop_index("ix_refund_items_order_item", table_name="refund_items")
    op.drop_table("refund_items")
    op.drop_index("uq_refunds_psp_ref", table_name="refunds")
    op.drop_index("ix_refunds_payment_id", table_name="refunds")
    op.drop_index("ix_refunds_order_id", table_name="refunds")
    op.drop_index(op.f("ix_refunds_merchant_id"), table_name="refunds")
    op.drop_index(
        "ix_refunds_due", table_name="refunds", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index(
        "ix_refunds_deadline",
        table_name="refunds",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_table("refunds")
    op.drop_index("uq_captures_order_id", table_name="captures")
    op.drop_index("ix_captures_payment_id", table_name="captures")
    op.drop_index(
        "ix_captures_due", table_name="captures", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index(
        "ix_captures_deadline",
        table_name="captures",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_table("captures")

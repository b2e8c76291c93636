"""Parcels, what is in them, and what carriers told of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shipments",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "shipped",
                "delivered",
                "canceled",
                name="shipmentstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("tracking_number", sa.String(), nullable=True),
        sa.Column("tracking_url", sa.String(), nullable=True),
        sa.Column("label_key", sa.String(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("units_left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
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
            "direction IN ('forward', 'undo')", name=op.f("ck_shipments_direction_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'parked', 'confirmed', 'failed', 'expired', 'canceled', 'needs_attention')",
            name=op.f("ck_shipments_state_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'shipped', 'delivered', 'canceled')",
            name=op.f("ck_shipments_status_known"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND cost >= 0", name=op.f("ck_shipments_amounts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_shipments_merchant_id_merchants")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["warehouses.id"], name=op.f("fk_shipments_warehouse_id_warehouses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
    )
    op.create_index(
        "ix_shipments_deadline",
        "shipments",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.create_index(
        "ix_shipments_due",
        "shipments",
        ["nudge_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(op.f("ix_shipments_merchant_id"), "shipments", ["merchant_id"], unique=False)
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"], unique=False)
    op.create_index(op.f("ix_shipments_warehouse_id"), "shipments", ["warehouse_id"], unique=False)
    op.create_index(
        "uq_shipments_tracking_number", "shipments", ["carrier", "tracking_number"], unique=True
    )
    op.create_table(
        "shipment_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_shipment_items_qty_positive")),
        sa.ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_items.order_id", "order_items.line"],
            name="fk_shipment_items_order_item",
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_items_shipment_id_shipments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_items")),
        sa.UniqueConstraint("shipment_id", "line", name=op.f("uq_shipment_items_shipment_id_line")),
    )
    op.create_index(
        "ix_shipment_items_order_item", "shipment_items", ["order_id", "line"], unique=False
    )
    op.create_table(
        "tracking_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "in_transit",
                "out_for_delivery",
                "delivered",
                "failed",
                name="trackingstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("shop_now()"), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('in_transit', 'out_for_delivery', 'delivered', 'failed')",
            name=op.f("ck_tracking_events_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_tracking_events_shipment_id_shipments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_events")),
        sa.UniqueConstraint(
            "carrier", "event_id", name=op.f("uq_tracking_events_carrier_event_id")
        ),
    )
    op.create_index(
        "ix_tracking_events_shipment_id", "tracking_events", ["shipment_id"], unique=False
    )
    op.execute(
        "CREATE TRIGGER tracking_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tracking_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index("ix_tracking_events_shipment_id", table_name="tracking_events")
    op.drop_table("tracking_events")
    op.drop_index("ix_shipment_items_order_item", table_name="shipment_items")
    op.drop_table("shipment_items")
    op.drop_index("uq_shipments_tracking_number", table_name="shipments")
    op.drop_index(op.f("ix_shipments_warehouse_id"), table_name="shipments")
    op.drop_index("ix_shipments_order_id", table_name="shipments")
    op.drop_index(op.f("ix_shipments_merchant_id"), table_name="shipments")
    op.drop_index(
        "ix_shipments_due", table_name="shipments", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index(
        "ix_shipments_deadline",
        table_name="shipments",
        postgresql_where=sa.text("state IN ('running', 'parked') AND direction = 'forward'"),
    )
    op.drop_table("shipments")

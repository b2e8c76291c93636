"""Warehouses, balances, ledger and reservations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "warehouses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_warehouses_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouses")),
    )
    op.create_index(op.f("ix_warehouses_merchant_id"), "warehouses", ["merchant_id"], unique=False)
    op.create_table(
        "inventory",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("stock_available", sa.BigInteger(), nullable=False),
        sa.Column("stock_reserved", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "stock_available >= 0", name=op.f("ck_inventory_available_not_negative")
        ),
        sa.CheckConstraint("stock_reserved >= 0", name=op.f("ck_inventory_reserved_not_negative")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_inventory_sku_id_skus")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["warehouses.id"], name=op.f("fk_inventory_warehouse_id_warehouses")
        ),
        sa.PrimaryKeyConstraint("sku_id", "warehouse_id", name=op.f("pk_inventory")),
    )
    op.create_index(op.f("ix_inventory_warehouse_id"), "inventory", ["warehouse_id"], unique=False)
    op.create_table(
        "inventory_ledger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("delta_available", sa.BigInteger(), nullable=False),
        sa.Column("delta_reserved", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "receive",
                "reserve",
                "release",
                "fulfil",
                "adjust",
                "return",
                name="ledgerreason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("shop_now()"), nullable=False
        ),
        sa.CheckConstraint(
            "reason IN ('receive', 'reserve', 'release', 'fulfil', 'adjust', 'return')",
            name=op.f("ck_inventory_ledger_reason_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_ledger")),
        sa.UniqueConstraint(
            "reference",
            "reason",
            "sku_id",
            "warehouse_id",
            name=op.f("uq_inventory_ledger_reference_reason_sku_id_warehouse_id"),
        ),
    )
    op.create_index(
        "ix_inventory_ledger_balance", "inventory_ledger", ["sku_id", "warehouse_id"], unique=False
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "released",
                "fulfilled",
                name="reservationstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('active', 'released', 'fulfilled')",
            name=op.f("ck_reservations_status_known"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_reservations_qty_positive")),
        sa.ForeignKeyConstraint(
            ["checkout_id"], ["checkouts.id"], name=op.f("fk_reservations_checkout_id_checkouts")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_reservations_sku_id_skus")),
        sa.ForeignKeyConstraint(
            ["warehouse_id"],
            ["warehouses.id"],
            name=op.f("fk_reservations_warehouse_id_warehouses"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    op.create_index(
        "ix_reservations_balance",
        "reservations",
        ["sku_id", "warehouse_id"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_reservations_checkout_id", "reservations", ["checkout_id"], unique=False)
    op.create_index(
        "ix_reservations_expiry",
        "reservations",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'active' AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "uq_reservations_active",
        "reservations",
        ["checkout_id", "sku_id", "warehouse_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.execute(
        "CREATE TRIGGER inventory_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inventory_ledger FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_foreign_key(
        op.f("fk_merchants_default_warehouse_id_warehouses"),
        "merchants",
        "warehouses",
        ["default_warehouse_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("fk_merchants_default_warehouse_id_warehouses"), "merchants", type_="foreignkey"
    )
    op.drop_index(
        "uq_reservations_active",
        table_name="reservations",
        postgresql_where=sa.text("status = 'active'"),
    )
    op.drop_index(
        "ix_reservations_expiry",
        table_name="reservations",
        postgresql_where=sa.text("status = 'active' AND expires_at IS NOT NULL"),
    )
    op.drop_index("ix_reservations_checkout_id", table_name="reservations")
    op.drop_index(
        "ix_reservations_balance",
        table_name="reservations",
        postgresql_where=sa.text("status = 'active'"),
    )
    op.drop_table("reservations")
    op.drop_index("ix_inventory_ledger_balance", table_name="inventory_ledger")
    op.drop_table("inventory_ledger")
    op.drop_index(op.f("ix_inventory_warehouse_id"), table_name="inventory")
    op.drop_table("inventory")
    op.drop_index(op.f("ix_warehouses_merchant_id"), table_name="warehouses")
    op.drop_table("warehouses")

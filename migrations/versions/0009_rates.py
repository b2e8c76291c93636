"""Tax and shipping rates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("tax_code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rate_ppm", sa.BigInteger(), nullable=False),
        sa.Column("included", sa.Boolean(), nullable=False),
        sa.Column(
            "valid_from",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "rate_ppm >= 0 AND rate_ppm < 1000000", name=op.f("ck_tax_rates_rate_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_tax_rates_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rates")),
    )
    op.create_index("ix_tax_rates_country", "tax_rates", ["country", "tax_code"], unique=False)
    op.create_index(op.f("ix_tax_rates_merchant_id"), "tax_rates", ["merchant_id"], unique=False)
    op.create_table(
        "shipping_zones",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.String(length=2)), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_shipping_zones_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_zones")),
    )
    op.create_index(
        "ix_shipping_zones_countries",
        "shipping_zones",
        ["countries"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_shipping_zones_merchant_id"), "shipping_zones", ["merchant_id"], unique=False
    )
    op.create_table(
        "shipping_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("days_min", sa.BigInteger(), nullable=False),
        sa.Column("days_max", sa.BigInteger(), nullable=False),
        sa.Column("weight_from_g", sa.BigInteger(), nullable=False),
        sa.Column("weight_until_g", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_code", sa.String(), nullable=False),
        sa.Column(
            "valid_from",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price >= 0", name=op.f("ck_shipping_rates_price_not_negative")),
        sa.CheckConstraint(
            "weight_until_g IS NULL OR weight_until_g > weight_from_g",
            name=op.f("ck_shipping_rates_weights_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["zone_id"],
            ["shipping_zones.id"],
            name=op.f("fk_shipping_rates_zone_id_shipping_zones"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_rates")),
    )
    op.create_index(op.f("ix_shipping_rates_zone_id"), "shipping_rates", ["zone_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_shipping_rates_zone_id"), table_name="shipping_rates")
    op.drop_table("shipping_rates")
    op.drop_index(op.f("ix_shipping_zones_merchant_id"), table_name="shipping_zones")
    op.drop_index(
        "ix_shipping_zones_countries", table_name="shipping_zones", postgresql_using="gin"
    )
    op.drop_table("shipping_zones")
    op.drop_index(op.f("ix_tax_rates_merchant_id"), table_name="tax_rates")
    op.drop_index("ix_tax_rates_country", table_name="tax_rates")
    op.drop_table("tax_rates")

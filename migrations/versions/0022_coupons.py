"""Promotions, the codes that open them, and each use of one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "percent",
                "amount",
                "free_shipping",
                name="promotionkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('percent', 'amount', 'free_shipping')", name=op.f("ck_promotions_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_promotions_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    op.create_index(op.f("ix_promotions_merchant_id"), "promotions", ["merchant_id"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("code", postgresql.CITEXT(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "disabled", name="couponstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("uses_max", sa.BigInteger(), nullable=True),
        sa.Column("uses_per_customer", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column(
            "valid_from",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('active', 'disabled')", name=op.f("ck_coupons_status_known")
        ),
        sa.CheckConstraint(
            "(uses_max IS NULL OR uses_max > 0) AND (uses_per_customer IS NULL OR uses_per_customer > 0)",
            name=op.f("ck_coupons_limits_positive"),
        ),
        sa.CheckConstraint(
            "used >= 0 AND (uses_max IS NULL OR used <= uses_max)",
            name=op.f("ck_coupons_used_in_limit"),
        ),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until > valid_from",
            name=op.f("ck_coupons_window_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_coupons_merchant_id_merchants")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotions.id"], name=op.f("fk_coupons_promotion_id_promotions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        sa.UniqueConstraint("code", name=op.f("uq_coupons_code")),
    )
    op.create_index(op.f("ix_coupons_merchant_id"), "coupons", ["merchant_id"], unique=False)
    op.create_index(op.f("ix_coupons_promotion_id"), "coupons", ["promotion_id"], unique=False)
    op.create_table(
        "coupon_customers",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_key", sa.String(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_coupon_customers_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_customers_coupon_id_coupons")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "customer_key", name=op.f("pk_coupon_customers")),
    )
    op.create_table(
        "coupon_redemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("customer_key", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "held", "used", "released", name="redemptionstatus", native_enum=False, length=32
            ),
            nullable=False,
        ),
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
            "status IN ('held', 'used', 'released')",
            name=op.f("ck_coupon_redemptions_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["checkout_id"],
            ["checkouts.id"],
            name=op.f("fk_coupon_redemptions_checkout_id_checkouts"),
        ),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_redemptions_coupon_id_coupons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_redemptions")),
        sa.UniqueConstraint(
            "checkout_id", "coupon_id", name=op.f("uq_coupon_redemptions_checkout_id_coupon_id")
        ),
    )
    op.create_index(
        "ix_coupon_redemptions_coupon",
        "coupon_redemptions",
        ["coupon_id", "customer_key"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_coupon_redemptions_coupon", table_name="coupon_redemptions")
    op.drop_table("coupon_redemptions")
    op.drop_table("coupon_customers")
    op.drop_index(op.f("ix_coupons_promotion_id"), table_name="coupons")
    op.drop_index(op.f("ix_coupons_merchant_id"), table_name="coupons")
    op.drop_table("coupons")
    op.drop_index(op.f("ix_promotions_merchant_id"), table_name="promotions")
    op.drop_table("promotions")

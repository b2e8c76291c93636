"""What each line and each merchant's parcel adds to an order's total, and how it may be captured."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "order_items",
        sa.Column("tax_included", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "orders",
        sa.Column(
            "shipping_lines",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("orders", sa.Column("locale", sa.String(), server_default="en", nullable=False))
    op.add_column(
        "payments",
        sa.Column("multicapture", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "payments", sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True)
    )
    op.drop_constraint(op.f("ck_order_items_amounts_not_negative"), "order_items", type_="check")
    op.execute(
        """
        UPDATE order_items i SET tax_included = coalesce((l.line ->> 'tax_included')::bigint, 0)
        FROM orders o, checkouts c, jsonb_array_elements(c.totals -> 'lines') AS l(line)
        WHERE o.id = i.order_id AND c.id = o.checkout_id AND (l.line ->> 'line')::bigint = i.line
        """
    )
    op.execute(
        """
        UPDATE orders o SET shipping_lines = c.totals -> 'shipping_lines'
        FROM checkouts c
        WHERE c.id = o.checkout_id AND jsonb_typeof(c.totals -> 'shipping_lines') = 'array'
        """
    )
    op.create_check_constraint(
        op.f("ck_order_items_amounts_not_negative"),
        "order_items",
        "price_snapshot >= 0 AND discount >= 0 AND tax_included >= 0 AND tax >= tax_included",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_order_items_amounts_not_negative"), "order_items", type_="check")
    op.create_check_constraint(
        op.f("ck_order_items_amounts_not_negative"),
        "order_items",
        "price_snapshot >= 0 AND discount >= 0 AND tax >= 0",
    )
    op.drop_column("payments", "capture_before")
    op.drop_column("payments", "multicapture")
    op.drop_column("orders", "locale")
    op.drop_column("orders", "shipping_lines")
    op.drop_column("order_items", "tax_included")

"""What a parcel's capture asked for under its key, and refunded units that were home before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

_BEFORE = "qty > 0 AND 0 <= astray AND astray <= unshipped AND unshipped <= qty"
_AFTER = f"{_BEFORE} AND 0 <= at_home AND at_home <= qty - unshipped"


def upgrade() -> None:
    op.add_column(
        "shipments",
        sa.Column("capture_request", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.add_column(
        "refund_items",
        sa.Column("at_home", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.drop_constraint(op.f("ck_refund_items_units_in_range"), "refund_items")
    op.create_check_constraint(op.f("ck_refund_items_units_in_range"), "refund_items", _AFTER)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_refund_items_units_in_range"), "refund_items")
    op.create_check_constraint(op.f("ck_refund_items_units_in_range"), "refund_items", _BEFORE)
    op.drop_column("refund_items", "at_home")
    op.drop_column("shipments", "capture_request")

"""Payments know their checkout, and why an outcome is unknown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("checkout_id", sa.Uuid(), nullable=True))
    op.add_column(
        "payments", sa.Column("unknown", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.execute(
        "UPDATE payments SET checkout_id = orders.checkout_id"
        " FROM orders WHERE orders.id = payments.order_id"
    )
    op.alter_column("payments", "checkout_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_payments_checkout_id_checkouts"), "payments", "checkouts", ["checkout_id"], ["id"]
    )
    op.create_index("ix_payments_checkout_id", "payments", ["checkout_id"], unique=False)
    op.create_index(
        "ix_psp_events_object",
        "psp_events",
        ["object_id"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_psp_events_object",
        table_name="psp_events",
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.drop_index("ix_payments_checkout_id", table_name="payments")
    op.drop_constraint(op.f("fk_payments_checkout_id_checkouts"), "payments", type_="foreignkey")
    op.drop_column("payments", "unknown")
    op.drop_column("payments", "checkout_id")

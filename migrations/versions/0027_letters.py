"""Languages of letters, and the letters people do not want."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opt_outs",
        sa.Column("recipient", postgresql.CITEXT(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("shop_now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("recipient", "topic", name=op.f("pk_opt_outs")),
    )
    op.add_column(
        "notifications", sa.Column("locale", sa.String(), server_default="en", nullable=False)
    )
    op.add_column(
        "checkouts", sa.Column("locale", sa.String(), server_default="en", nullable=False)
    )
    _know("queued", "sent", "failed", "withheld")
    op.create_index("ix_notifications_recipient", "notifications", ["recipient"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_notifications_recipient", table_name="notifications")
    op.execute("UPDATE notifications SET status = 'failed' WHERE status = 'withheld'")
    _know("queued", "sent", "failed")
    op.drop_column("checkouts", "locale")
    op.drop_column("notifications", "locale")
    op.drop_table("opt_outs")


def _know(*statuses: str) -> None:
    """Let a letter have one of these statuses."""
    listed = ", ".join(f"'{status}'" for status in statuses)
    op.drop_constraint(op.f("ck_notifications_status_known"), "notifications", type_="check")
    op.create_check_constraint(
        op.f("ck_notifications_status_known"), "notifications", f"status IN ({listed})"
    )

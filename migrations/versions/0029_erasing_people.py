"""What erasing a person has to find: labels to be deleted, and letters by what they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "shipments", sa.Column("label_erased_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_shipments_erased_labels",
        "shipments",
        ["label_erased_at"],
        postgresql_where=sa.text("label_erased_at IS NOT NULL AND label_key IS NOT NULL"),
    )
    op.create_index("ix_notifications_subject_id", "notifications", ["subject_id"])
    op.create_index("ix_notifications_mailbox", "notifications", [sa.text("lower(recipient)")])
    op.drop_index("ix_notifications_recipient", "notifications")


def downgrade() -> None:
    op.create_index("ix_notifications_recipient", "notifications", ["recipient"])
    op.drop_index("ix_notifications_mailbox", "notifications")
    op.drop_index("ix_notifications_subject_id", "notifications")
    op.drop_index("ix_shipments_erased_labels", "shipments")
    op.drop_column("shipments", "label_erased_at")

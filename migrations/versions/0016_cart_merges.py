"""What guests' carts gave to people's carts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cart_merges",
        sa.Column("guest_cart_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("units", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "merged_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("shop_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_cart_merges_user_id_users")
        ),
        sa.PrimaryKeyConstraint("guest_cart_id", name=op.f("pk_cart_merges")),
    )
    op.create_index(op.f("ix_cart_merges_user_id"), "cart_merges", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_cart_merges_user_id"), table_name="cart_merges")
    op.drop_table("cart_merges")

"""Indexes for the newest products and for a merchant's own."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_products_newest", "products", ["status", "created_at", "id"], unique=False)
    op.create_index("ix_products_owner", "products", ["merchant_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_products_owner", table_name="products")
    op.drop_index("ix_products_newest", table_name="products")

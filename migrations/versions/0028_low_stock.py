"""When a merchant is told that a SKU runs low."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("skus", sa.Column("low_stock_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "skus", sa.Column("is_low", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("skus", "is_low")
    op.drop_column("skus", "low_stock_at")

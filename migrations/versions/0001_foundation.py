"""The shop's clock, its extensions, and the rule that journals are never rewritten."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# STABLE, so that an index can serve `nudge_at <= shop_now()`. The offset counts in test databases
# alone.
_SHOP_NOW = """
CREATE FUNCTION shop_now() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF current_database() LIKE 'test\\_%' THEN
        RETURN clock_timestamp()
            + coalesce(nullif(current_setting('shop.clock_offset', true), ''), '0')::interval;
    END IF;
    RETURN clock_timestamp();
END $$
"""

_REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE =
    'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    for extension in ("citext", "pg_trgm", "unaccent"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.execute(_SHOP_NOW)
    op.execute(_REFUSE_CHANGE)


def downgrade() -> None:
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION shop_now()")
    for extension in ("unaccent", "pg_trgm", "citext"):
        op.execute(f"DROP EXTENSION IF EXISTS {extension}")

"""What PostgreSQL itself says about the tables."""

import psycopg
import pytest

from app.tables import metadata

APPEND_ONLY = [
    "inventory_ledger",
    "invoices",
    "order_transitions",
    "saga_journal",
    "tracking_events",
]
# SKUs and warehouses are archived, never deleted, so nothing looks reservations up by them alone;
# an index more would be written in the hottest transaction of the shop.
UNINDEXED_ON_PURPOSE = ["reservations (sku_id)", "reservations (warehouse_id)"]
_UNINDEXED = """
    SELECT conrelid::regclass::text || ' (' || string_agg(attname, ', ') || ')'
    FROM pg_constraint
    JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = conrelid AND indisvalid
          AND (indkey::smallint[])[0:cardinality(conkey) - 1] @> conkey
          AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) LIKE '%IS NOT NULL%')
    )
    GROUP BY conrelid, pg_constraint.oid
"""


def test_every_foreign_key_is_indexed(catalogs: psycopg.Connection) -> None:
    unindexed = sorted(row[0] for row in catalogs.execute(_UNINDEXED))

    assert unindexed == UNINDEXED_ON_PURPOSE


def test_the_journals_are_the_tables_that_refuse_to_be_rewritten(
    catalogs: psycopg.Connection,
) -> None:
    found = catalogs.execute(
        "SELECT tgrelid::regclass::text FROM pg_trigger"
        " JOIN pg_proc ON pg_proc.oid = tgfoid WHERE proname = 'refuse_change' ORDER BY 1"
    )

    assert [row[0] for row in found] == APPEND_ONLY


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "rewrite",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"],
    ids=["update", "delete", "truncate"],
)
def test_a_journal_is_never_rewritten(
    catalogs: psycopg.Connection, table: str, rewrite: str
) -> None:
    column = metadata.tables[table].columns.keys()[0]

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        catalogs.execute(rewrite.format(table=table, column=column))


def test_every_table_has_a_primary_key(catalogs: psycopg.Connection) -> None:
    without = catalogs.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace AND NOT EXISTS"
        " (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')"
    )

    assert [row[0] for row in without] == []


def test_every_time_has_its_zone_and_no_amount_is_a_fraction(catalogs: psycopg.Connection) -> None:
    found = catalogs.execute(
        "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type IN"
        " ('timestamp without time zone', 'real', 'double precision', 'money')"
    ).fetchall()

    assert found == []


def test_no_default_reads_another_clock_than_the_shops(catalogs: psycopg.Connection) -> None:
    found = catalogs.execute(
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
        " AND column_default ~* '(^|[^_a-z])now\\(|current_timestamp|clock_timestamp'"
    ).fetchall()

    assert found == []

"""Everything the shop remembers, as one value: what was refused must leave it as it was."""

from typing import Any

from psycopg import sql
from sqlalchemy import text

from app.platform.db import Database
from app.platform.redis import ShopRedis
from app.tables import metadata

_ROWS = sql.SQL(
    "SELECT {name} AS name, count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), ''))"
    " FROM {table} t"
)


def rows(db: Database) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them."""
    every = sql.SQL(" UNION ALL ").join(
        _ROWS.format(name=sql.Literal(name), table=sql.Identifier(name))
        for name in sorted(metadata.tables)
    )
    with db.reading() as session:
        found = session.execute(text(every.as_string().replace(":", r"\:")))
        return {name: (count, digest) for name, count, digest in found}


def guest_carts(redis: ShopRedis) -> dict[str, Any]:
    """What guests have in their carts, as Redis keeps it."""
    return {key: redis.hgetall(key) for key in sorted(redis.scan_iter("cart:*"))}


def flights(redis: ShopRedis) -> dict[str, list[str]]:
    """The admissions in flight, by key."""
    return {key: redis.zrange(key, 0, -1) for key in sorted(redis.scan_iter("{g*:flight:*"))}

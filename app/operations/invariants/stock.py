"""Units: balances are what the ledger says, reservations are what is reserved, and no order goes
without."""

from app.inventory.queries import imbalances
from app.operations.breaches import Breach, Broken, public_id
from app.platform.db import ShopSession

_NUMBER = {"reserved_unlike_reservations": 2}

HELD_FOR_NOTHING = Broken(
    2,
    "units_held_for_nothing",
    "chk",
    "{units} units are still held, and the checkout is {state}",
    """
    SELECT c.id AS subject, c.state, sum(r.qty) AS units
    FROM checkouts c JOIN reservations r ON r.checkout_id = c.id AND r.status = 'active'
    WHERE c.state IN ('failed', 'expired', 'canceled')
    GROUP BY c.id ORDER BY c.id
    """,
)
SOLD_AND_NOT_HELD = Broken(
    2,
    "units_of_order_not_held",
    "ord",
    "{ordered} of SKU {sku} were sold and not let go, {held} are held or sent",
    """
    WITH let_go AS (
        SELECT r.order_id, i.sku_id, sum(i.unshipped - i.astray) AS qty
        FROM refunds r JOIN refund_items i ON i.refund_id = r.id
        WHERE r.state = 'confirmed'
        GROUP BY r.order_id, i.sku_id
    ), bought AS (
        SELECT o.id, o.checkout_id, i.sku_id, sum(i.qty) AS qty
        FROM orders o JOIN order_items i ON i.order_id = o.id
        WHERE o.state IN ('confirmed', 'shipped', 'delivered')
        GROUP BY o.id, i.sku_id
    ), held AS (
        SELECT checkout_id, sku_id, sum(qty) AS qty
        FROM reservations
        WHERE status = 'fulfilled' OR (status = 'active' AND expires_at IS NULL)
        GROUP BY checkout_id, sku_id
    )
    SELECT b.id AS subject, s.code AS sku, b.qty - coalesce(g.qty, 0) AS ordered,
        coalesce(h.qty, 0) AS held
    FROM bought b
    JOIN skus s ON s.id = b.sku_id
    LEFT JOIN held h ON h.checkout_id = b.checkout_id AND h.sku_id = b.sku_id
    LEFT JOIN let_go g ON g.order_id = b.id AND g.sku_id = b.sku_id
    WHERE coalesce(h.qty, 0) <> b.qty - coalesce(g.qty, 0)
    ORDER BY b.id
    """,
)


def balances(session: ShopSession, limit: int) -> list[Breach]:
    """Balances below zero, unlike their ledger, or unlike what is reserved."""
    return [
        Breach(
            _NUMBER.get(found.check, 1),
            found.check,
            public_id("sku", found.sku_id),
            f"{found.found} units where {found.expected} are right,"
            f" in warehouse {public_id('whs', found.warehouse_id)}",
        )
        for found in imbalances(session, limit=limit)
    ]


STOCK = (balances, HELD_FOR_NOTHING, SOLD_AND_NOT_HELD)

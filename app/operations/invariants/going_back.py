"""What goes back: never more units than were sold, money and goods where their sagas say."""

from app.operations.breaches import Broken

TOO_MANY_BACK = Broken(
    2,
    "more_back_than_sold",
    "ord",
    "of line {line}, {ordered} were sold, {refunded} are refunded, {coming} more are coming back",
    """
    WITH refunded AS (
        SELECT i.order_id, i.line, sum(i.qty) AS qty
        FROM refund_items i JOIN refunds r ON r.id = i.refund_id
        WHERE r.state NOT IN ('failed', 'expired', 'canceled')
        GROUP BY i.order_id, i.line
    ), coming AS (
        SELECT i.order_id, i.line, sum(i.qty) AS qty
        FROM return_items i JOIN returns r ON r.id = i.return_id
        WHERE r.state IN ('running', 'parked', 'needs_attention')
        GROUP BY i.order_id, i.line
    )
    SELECT o.order_id AS subject, o.line, o.qty AS ordered, coalesce(f.qty, 0) AS refunded,
        coalesce(c.qty, 0) AS coming
    FROM order_items o
    LEFT JOIN refunded f ON f.order_id = o.order_id AND f.line = o.line
    LEFT JOIN coming c ON c.order_id = o.order_id AND c.line = o.line
    WHERE coalesce(f.qty, 0) + coalesce(c.qty, 0) > o.qty
    ORDER BY o.order_id, o.line
    """,
)
NEVER_LEFT = Broken(
    2,
    "units_back_that_never_left",
    "ord",
    "of line {line}, {sent} are in parcels, {back} of such units are refunded or coming back",
    """
    WITH sent AS (
        SELECT i.order_id, i.line, sum(i.qty) AS qty
        FROM shipment_items i JOIN shipments s ON s.id = i.shipment_id
        WHERE s.status <> 'canceled' GROUP BY i.order_id, i.line
    ), back AS (
        SELECT order_id, line, sum(qty) AS qty FROM (
            SELECT i.order_id, i.line, i.qty - i.unshipped AS qty
            FROM refund_items i JOIN refunds r ON r.id = i.refund_id
            WHERE r.state NOT IN ('failed', 'expired', 'canceled')
          UNION ALL
            SELECT i.order_id, i.line, i.qty
            FROM return_items i JOIN returns r ON r.id = i.return_id
            WHERE r.state IN ('running', 'parked', 'needs_attention')
        ) AS each GROUP BY order_id, line
    )
    SELECT b.order_id AS subject, b.line, coalesce(s.qty, 0) AS sent, b.qty AS back
    FROM back b LEFT JOIN sent s ON s.order_id = b.order_id AND s.line = b.line
    WHERE b.qty > coalesce(s.qty, 0)
    ORDER BY b.order_id, b.line
    """,
)
CANCELED_AND_HELD = Broken(
    2,
    "canceled_order_holds_units",
    "ord",
    "it was canceled, and {units} units are still held for it",
    """
    SELECT o.id AS subject, sum(r.qty) AS units
    FROM orders o JOIN reservations r ON r.checkout_id = o.checkout_id AND r.status = 'active'
    WHERE o.state IN ('canceled', 'refunded') AND o.number IS NOT NULL
      AND NOT EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id AND s.status = 'pending')
      AND NOT EXISTS (SELECT FROM refunds f WHERE f.order_id = o.id
          AND f.state IN ('running', 'parked', 'needs_attention'))
    GROUP BY o.id ORDER BY o.id
    """,
)
CANCELED_AND_PAID = Broken(
    3,
    "canceled_order_keeps_money",
    "ord",
    "its cancellation is {state}, its payment {status}",
    """
    SELECT o.id AS subject, coalesce(c.state, 'missing') AS state,
        coalesce(p.status, 'missing') AS status
    FROM orders o
    LEFT JOIN cancellations c ON c.order_id = o.id
        AND c.state NOT IN ('failed', 'expired', 'canceled')
    LEFT JOIN payments p ON p.order_id = o.id
        AND p.status IN ('pending', 'requires_action', 'authorized', 'captured')
    WHERE o.state = 'canceled' AND o.number IS NOT NULL
      AND (c.id IS NULL OR (c.state = 'confirmed' AND p.id IS NOT NULL))
    ORDER BY o.id
    """,
)
UNLIKE_CANCELLATION = Broken(
    6,
    "order_unlike_cancellation",
    "can",
    "it is {state} at {step}, its order {order_state}",
    """
    SELECT c.id AS subject, c.state, c.step, o.state AS order_state
    FROM cancellations c JOIN orders o ON o.id = c.order_id
    WHERE c.state NOT IN ('failed', 'expired', 'canceled')
      AND (c.step <> 'close') <> (o.state = 'canceled')
    ORDER BY c.id
    """,
)
UNLIKE_MONEY = Broken(
    5,
    "order_unlike_its_money",
    "ord",
    "it is {state}, and its payment {status}",
    """
    SELECT o.id AS subject, o.state, coalesce(p.status, 'missing') AS status
    FROM orders o
    LEFT JOIN LATERAL (
        SELECT id, status FROM payments WHERE order_id = o.id
        ORDER BY status IN ('failed', 'voided'), id DESC LIMIT 1
    ) p ON true
    WHERE (o.state = 'refunded' AND o.total > 0 AND p.status IS DISTINCT FROM 'refunded'
           AND NOT EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id
               AND r.came_back_at IS NOT NULL))
       OR (o.state IN ('confirmed', 'shipped', 'delivered') AND p.status = 'refunded')
    ORDER BY o.id
    """,
)
RESTOCK = Broken(
    1,
    "restock_unlike_ledger",
    "",
    "{expected} units of it went back on the shelf, the ledger says {found}",
    """
    WITH told AS (
        SELECT reference, sum(delta_available) AS qty
        FROM inventory_ledger WHERE reason = 'return' GROUP BY reference
    ), expected AS (
        SELECT 'ret' AS prefix, r.id AS subject, i.id AS item,
            CASE WHEN r.state = 'confirmed' OR r.step = 'refund' THEN i.restock ELSE 0 END AS qty
        FROM returns r JOIN return_items i ON i.return_id = r.id
      UNION ALL
        SELECT 'ref', r.id, i.id, CASE WHEN r.state <> 'confirmed' THEN 0
            ELSE i.astray + CASE WHEN i.restock THEN i.qty - i.unshipped - i.at_home ELSE 0 END
                END
        FROM refunds r JOIN refund_items i ON i.refund_id = r.id
    )
    SELECT e.prefix, e.subject, e.qty AS expected, coalesce(t.qty, 0) AS found
    FROM expected e LEFT JOIN told t ON t.reference = e.item
    WHERE e.qty <> coalesce(t.qty, 0)
    ORDER BY e.subject
    """,
)
UNPAID_RETURN = Broken(
    5,
    "return_without_refund",
    "ret",
    "it was received and is done, and {units} of its {received} units were refunded",
    """
    SELECT r.id AS subject, came.units AS received, coalesce(paid.units, 0) AS units
    FROM returns r
    JOIN LATERAL (
        SELECT sum(received) AS units FROM return_items WHERE return_id = r.id
    ) came ON true
    LEFT JOIN LATERAL (
        SELECT sum(qty) AS units FROM refund_items WHERE refund_id = r.refund_id
    ) paid ON true
    WHERE r.state = 'confirmed' AND came.units IS DISTINCT FROM coalesce(paid.units, 0)
    ORDER BY r.id
    """,
)

GOING_BACK = (
    TOO_MANY_BACK,
    NEVER_LEFT,
    CANCELED_AND_HELD,
    CANCELED_AND_PAID,
    UNLIKE_CANCELLATION,
    UNLIKE_MONEY,
    RESTOCK,
    UNPAID_RETURN,
)

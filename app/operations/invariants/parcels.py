"""Parcels: no unit leaves that was not ordered, no cent is taken that was not agreed, and orders
stand where their parcels do."""

from app.operations.breaches import Broken

BEYOND_ORDER = Broken(
    2,
    "parcels_beyond_order",
    "ord",
    "of line {line} {ordered} units were ordered, {shipped} are in parcels, {canceled} canceled",
    """
    WITH shipped AS (
        SELECT i.order_id, i.line, sum(i.qty) AS qty
        FROM shipment_items i JOIN shipments s ON s.id = i.shipment_id
        WHERE s.status <> 'canceled' GROUP BY i.order_id, i.line
    ), canceled AS (
        SELECT i.order_id, i.line, sum(i.unshipped) AS qty
        FROM refund_items i JOIN refunds r ON r.id = i.refund_id
        WHERE r.state NOT IN ('failed', 'expired', 'canceled') GROUP BY i.order_id, i.line
    )
    SELECT o.order_id AS subject, o.line, o.qty AS ordered,
        coalesce(s.qty, 0) AS shipped, coalesce(c.qty, 0) AS canceled
    FROM order_items o
    LEFT JOIN shipped s USING (order_id, line)
    LEFT JOIN canceled c USING (order_id, line)
    WHERE coalesce(s.qty, 0) + coalesce(c.qty, 0) > o.qty
    ORDER BY o.order_id, o.line
    """,
)
LEFT_UNLIKE_FULFILLED = Broken(
    2,
    "units_left_unlike_fulfilled",
    "ord",
    "{gone} units of SKU {sku} left in parcels, {fulfilled} reserved ones are fulfilled",
    """
    WITH gone AS (
        SELECT o.checkout_id, i.sku_id, s.warehouse_id, sum(i.qty) AS qty
        FROM shipments s
        JOIN shipment_items i ON i.shipment_id = s.id
        JOIN orders o ON o.id = s.order_id
        WHERE s.units_left_at IS NOT NULL
        GROUP BY o.checkout_id, i.sku_id, s.warehouse_id
    ), fulfilled AS (
        SELECT checkout_id, sku_id, warehouse_id, sum(qty) AS qty
        FROM reservations WHERE status = 'fulfilled'
        GROUP BY checkout_id, sku_id, warehouse_id
    )
    SELECT o.id AS subject, k.code AS sku,
        coalesce(g.qty, 0) AS gone, coalesce(f.qty, 0) AS fulfilled
    FROM gone g
    FULL JOIN fulfilled f USING (checkout_id, sku_id, warehouse_id)
    JOIN orders o USING (checkout_id)
    JOIN skus k ON k.id = sku_id
    WHERE coalesce(g.qty, 0) <> coalesce(f.qty, 0)
    ORDER BY o.id, k.code
    """,
)
BEYOND_TOTAL = Broken(
    5,
    "parcels_beyond_total",
    "ord",
    "its parcels take {taken} and {released} are released, of a total of {total} {currency}",
    """
    WITH taken AS (
        SELECT order_id, sum(amount) AS amount FROM shipments GROUP BY order_id
    ), released AS (
        SELECT order_id, sum(released) AS amount FROM refunds
        WHERE state NOT IN ('failed', 'expired', 'canceled') GROUP BY order_id
    )
    SELECT o.id AS subject, o.total, o.currency, t.amount AS taken,
        coalesce(r.amount, 0) AS released
    FROM orders o
    JOIN taken t ON t.order_id = o.id
    LEFT JOIN released r ON r.order_id = o.id
    WHERE t.amount > 0 AND t.amount + coalesce(r.amount, 0) > o.total
    ORDER BY o.id
    """,
)
GONE_UNPAID = Broken(
    5,
    "units_left_unpaid",
    "ord",
    "its parcels that left took {taken} {currency}, and {captured} were captured",
    """
    WITH taken AS (
        SELECT order_id, sum(amount) AS amount FROM shipments
        WHERE units_left_at IS NOT NULL GROUP BY order_id
    ), paid AS (
        SELECT order_id, max(captured) AS captured FROM payments GROUP BY order_id
    )
    SELECT o.id AS subject, o.currency, t.amount AS taken, coalesce(p.captured, 0) AS captured
    FROM taken t
    JOIN orders o ON o.id = t.order_id
    LEFT JOIN paid p ON p.order_id = o.id
    WHERE t.amount > coalesce(p.captured, 0)
    ORDER BY o.id
    """,
)
SENT_UNPAID = Broken(
    5,
    "order_sent_unpaid",
    "ord",
    "it is {state} for {total} {currency}; {captured} were captured and {released} let go",
    """
    WITH paid AS (
        SELECT order_id, max(captured) AS captured FROM payments GROUP BY order_id
    ), released AS (
        SELECT order_id, sum(released) AS amount FROM refunds
        WHERE state NOT IN ('failed', 'expired', 'canceled') GROUP BY order_id
    )
    SELECT o.id AS subject, o.state, o.total, o.currency,
        coalesce(p.captured, 0) AS captured, coalesce(r.amount, 0) AS released
    FROM orders o
    LEFT JOIN paid p ON p.order_id = o.id
    LEFT JOIN released r ON r.order_id = o.id
    WHERE o.state IN ('shipped', 'delivered')
      AND coalesce(p.captured, 0) + coalesce(r.amount, 0) < o.total
        -- shares are whole cents: each line and each part of it let go may lose one
        - (SELECT count(*) FROM order_items i WHERE i.order_id = o.id)
        - (SELECT count(*) FROM refund_items i WHERE i.order_id = o.id)
    ORDER BY o.id
    """,
)
ASTRAY = Broken(
    1,
    "units_astray",
    "ord",
    "of line {line}, {lost} units left in parcels called off, and {back} were put back",
    """
    WITH lost AS (
        SELECT i.order_id, i.line, sum(i.qty) AS qty, sum(coalesce(l.back, 0)) AS back
        FROM shipment_items i
        JOIN shipments s ON s.id = i.shipment_id
        LEFT JOIN LATERAL (
            SELECT sum(delta_available) AS back FROM inventory_ledger
            WHERE reference = i.id AND reason = 'return'
        ) l ON true
        WHERE s.status = 'canceled' AND s.units_left_at IS NOT NULL
        GROUP BY i.order_id, i.line
    ), refunded AS (
        SELECT i.order_id, i.line, sum(i.astray) AS qty,
            bool_or(r.state <> 'confirmed' AND i.astray > 0) AS under_way
        FROM refund_items i JOIN refunds r ON r.id = i.refund_id
        WHERE r.state NOT IN ('failed', 'expired', 'canceled') GROUP BY i.order_id, i.line
    )
    SELECT o.id AS subject, x.line, x.qty AS lost, x.back + coalesce(f.qty, 0) AS back
    FROM lost x
    JOIN orders o ON o.id = x.order_id
    LEFT JOIN refunded f ON f.order_id = x.order_id AND f.line = x.line
    WHERE x.back + coalesce(f.qty, 0) > x.qty
       OR (o.state IN ('canceled', 'refunded') AND f.under_way IS NOT TRUE
           AND x.back + coalesce(f.qty, 0) < x.qty)
    ORDER BY o.id, x.line
    """,
)
ORDER_UNLIKE_PARCELS = Broken(
    6,
    "order_unlike_parcels",
    "ord",
    "it is {state}, with {left_over} units left to send and parcels {parcels}",
    """
    WITH parcels AS (
        SELECT order_id, count(*) AS parcels,
            count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'delivered') AS delivered,
            string_agg(status, ', ' ORDER BY id) AS told
        FROM shipments WHERE status <> 'canceled' GROUP BY order_id
    ), taken AS (
        SELECT i.order_id, i.qty, 'settled' AS how
        FROM shipment_items i JOIN shipments s ON s.id = i.shipment_id
        WHERE s.status <> 'canceled'
      UNION ALL
        SELECT i.order_id, i.unshipped, CASE r.state WHEN 'confirmed' THEN 'settled' END
        FROM refund_items i JOIN refunds r ON r.id = i.refund_id
        WHERE r.state NOT IN ('failed', 'expired', 'canceled')
    ), standing AS (
        SELECT o.id, o.state, coalesce(p.told, 'none') AS told,
            coalesce(p.parcels, 0) AS parcels, coalesce(p.pending, 0) AS pending,
            coalesce(p.delivered, 0) AS delivered,
            (SELECT sum(qty) FROM order_items i WHERE i.order_id = o.id) AS ordered,
            (SELECT coalesce(sum(qty), 0) FROM taken t WHERE t.order_id = o.id) AS gone,
            (SELECT coalesce(sum(qty), 0) FROM taken t
                WHERE t.order_id = o.id AND t.how = 'settled') AS settled
        FROM orders o LEFT JOIN parcels p ON p.order_id = o.id
    )
    SELECT id AS subject, state, ordered - gone AS left_over, told AS parcels
    FROM standing
    WHERE (state IN ('shipped', 'delivered') AND (parcels = 0 OR pending > 0 OR gone < ordered))
       OR (state = 'delivered' AND delivered < parcels)
       OR (state = 'shipped' AND parcels > 0 AND delivered = parcels)
       OR (state = 'confirmed' AND parcels > 0 AND pending = 0 AND settled = ordered)
       OR (state IN ('created', 'canceled') AND parcels > 0)
    ORDER BY id
    """,
)
UNLIKE_SAGA = Broken(
    6,
    "parcel_unlike_saga",
    "shp",
    "it is {status}, and its saga {state} at {step}",
    """
    SELECT id AS subject, status, state, step FROM shipments
    WHERE (status IN ('shipped', 'delivered')) <> (state = 'confirmed')
       OR (status = 'canceled') <> (state = 'canceled')
       OR (status IN ('shipped', 'delivered')
           AND (units_left_at IS NULL OR tracking_number IS NULL OR shipped_at IS NULL))
       OR (status = 'delivered') <> (delivered_at IS NOT NULL)
       OR (step <> 'capture') <> (units_left_at IS NOT NULL)
    ORDER BY id
    """,
)
NOT_ANNOUNCED = Broken(
    10,
    "parcel_not_announced",
    "shp",
    "it was sent, and there is no shipment.created for it in the outbox",
    """
    SELECT s.id AS subject FROM shipments s
    WHERE s.shipped_at > shop_now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM outbox o
          WHERE o.key = s.order_id::text AND o.type = 'shipment.created'
            AND o.payload->'data'->>'shipment_id' = s.id::text)
    ORDER BY s.id
    """,
    {"days": 6},  # published events are pruned after a week
)

PARCELS = (
    BEYOND_ORDER,
    LEFT_UNLIKE_FULFILLED,
    BEYOND_TOTAL,
    GONE_UNPAID,
    SENT_UNPAID,
    ASTRAY,
    ORDER_UNLIKE_PARCELS,
    UNLIKE_SAGA,
    NOT_ANNOUNCED,
)

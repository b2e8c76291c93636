"""Facts: every committed change is announced, once, and every consumer has applied what it
passed."""

from app.events import registry
from app.operations.breaches import Breach, Broken
from app.platform.db import ShopSession

_RECENT_DAYS = 6  # published events are pruned after a week

NOT_ANNOUNCED = Broken(
    10,
    "change_not_announced",
    "",
    "there is no {type} for it in the outbox",
    """
    WITH since AS (SELECT shop_now() - make_interval(days => :days) AS at), changes AS (
        SELECT 'ord' AS prefix, t.order_id AS id, t.order_id AS key, 'order.' || t."to" AS type,
            '{}'::jsonb AS about
        FROM order_transitions t, since
        WHERE t.at > since.at AND (t."to" <> 'canceled' OR t."from" <> 'created')
      UNION ALL
        SELECT 'chk', c.id, c.id, 'checkout.' || CASE c.state WHEN 'expired' THEN 'expired'
            ELSE 'failed' END, '{}'
        FROM checkouts c, since
        WHERE c.created_at > since.at AND c.state IN ('failed', 'expired', 'canceled')
      UNION ALL
        SELECT 'pay', p.id, p.id, told.type, told.about
        FROM payments p, since, LATERAL (VALUES
            ('payment.authorized', p.status = 'authorized', '{}'),
            ('payment.action_required', p.status = 'requires_action', '{}'),
            ('payment.failed', p.status = 'failed', '{}'),
            ('payment.voided', p.status = 'voided', '{}'),
            ('payment.captured', p.captured > 0, jsonb_build_object('captured', p.captured)),
            ('payment.refunded', p.refunded > 0, '{}')
        ) AS told(type, is_true, about)
        WHERE p.created_at > since.at AND told.is_true
      UNION ALL
        SELECT DISTINCT 'chk', r.checkout_id, r.checkout_id, told.type,
            jsonb_build_object('sku_ids', jsonb_build_array(r.sku_id))
        FROM reservations r, since, LATERAL (VALUES
            ('stock.reserved', true),
            ('stock.released', r.status = 'released'),
            ('stock.fulfilled', r.status = 'fulfilled')
        ) AS told(type, is_true)
        WHERE r.created_at > since.at AND told.is_true
      UNION ALL
        SELECT 'sku', l.sku_id, l.sku_id, 'stock.returned',
            jsonb_build_object('warehouse_id', l.warehouse_id, 'qty', l.delta_available)
        FROM inventory_ledger l, since WHERE l.at > since.at AND l.reason = 'return'
      UNION ALL
        SELECT 'shp', s.id, s.order_id, 'shipment.tracking_updated',
            jsonb_build_object('shipment_id', s.id, 'status', told.status)
        FROM shipments s, since, LATERAL (
            SELECT t.status FROM tracking_events t WHERE t.shipment_id = s.id AND t.at > since.at
            UNION SELECT 'delivered' WHERE s.status = 'delivered' AND s.updated_at > since.at
        ) AS told(status)
      UNION ALL
        SELECT 'rev', r.id, r.id, 'review.published', jsonb_build_object('product_id', r.product_id)
        FROM reviews r, since
        WHERE r.updated_at > since.at AND r.status = 'published' AND r.order_id IS NOT NULL
      UNION ALL
        SELECT 'usr', u.id, u.id, 'account.erased', '{}'
        FROM users u, since WHERE u.erased_at > since.at
    )
    SELECT DISTINCT c.prefix, c.id AS subject, c.type FROM changes c
    WHERE NOT EXISTS (SELECT FROM outbox o
        WHERE o.key = c.key::text AND o.type = c.type AND o.payload -> 'data' @> c.about)
    ORDER BY c.id, c.type
    """,
    {"days": _RECENT_DAYS},
)
ANNOUNCED_TWICE = Broken(
    10,
    "change_announced_twice",
    "",
    "{type} is in the outbox {times} times",
    """
    SELECT CASE split_part(type, '.', 1) WHEN 'order' THEN 'ord' WHEN 'payment' THEN 'pay'
        ELSE 'chk' END AS prefix, key AS subject, type, count(*) AS times
    FROM outbox
    WHERE type IN ('order.created', 'order.confirmed', 'order.canceled', 'checkout.failed',
        'checkout.expired', 'payment.authorized')
    GROUP BY key, type HAVING count(*) > 1
    ORDER BY key, type
    """,
)
NOT_TRUE = Broken(
    10,
    "fact_not_true",
    "",
    "{type} was announced, and it is not so",
    """
    WITH untrue AS (
        SELECT 'ord' AS prefix, e.key, e.type
        FROM outbox e LEFT JOIN orders o ON o.id::text = e.key
        WHERE e.type = 'order.confirmed' AND o.number IS NULL
      UNION ALL
        SELECT 'chk', e.key, e.type
        FROM outbox e LEFT JOIN checkouts c ON c.id::text = e.key
            AND c.state IN ('failed', 'expired', 'canceled')
        WHERE e.type IN ('checkout.failed', 'checkout.expired') AND c.id IS NULL
    )
    SELECT prefix, key AS subject, type FROM untrue ORDER BY key
    """,
)


def not_applied(session: ShopSession, limit: int) -> list[Breach]:
    """Facts a consumer has passed and neither applied nor put off.

    Only those after the first it has applied of that type: before, it may not have cared for it.
    """
    return [
        breach
        for consumer in registry.consumers()
        for breach in _passed_over(consumer)(session, limit)
    ]


FACTS = (NOT_ANNOUNCED, ANNOUNCED_TWICE, NOT_TRUE, not_applied)


def _passed_over(consumer: str) -> Broken:
    return Broken(
        10,
        "fact_not_applied",
        "evt",
        "{consumer} went past {type} at position {position} without applying it",
        """
        WITH cared AS (
            SELECT e.type, min(e.position) AS since
            FROM consumer_inbox i JOIN outbox e ON e.id = i.event_id
            WHERE i.consumer = :consumer GROUP BY e.type
        )
        SELECT e.id AS subject, CAST(:consumer AS text) AS consumer, e.type, e.position
        FROM outbox e
        JOIN consumer_cursors c ON c.consumer = :consumer AND c.topic = e.topic
        JOIN cared ON cared.type = e.type
        WHERE e.type = ANY(:types) AND e.position <= c.position AND e.position > cared.since
          AND NOT EXISTS (SELECT FROM consumer_inbox i
              WHERE i.consumer = :consumer AND i.event_id = e.id)
          AND NOT EXISTS (SELECT FROM delayed_events d
              WHERE d.consumer = :consumer AND d.event_id = e.id)
        ORDER BY e.position
        """,
        {"consumer": consumer, "types": registry.types_of(consumer)},
    )

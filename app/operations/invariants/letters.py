"""Facts of goods and money on their way back, and the letters that facts cause."""

from app.notifications.reactions import CONSUMER
from app.operations.breaches import Broken

_RECENT_DAYS = 6  # published events are pruned after a week

REFUND_NOT_ANNOUNCED = Broken(
    10,
    "refund_not_announced",
    "ref",
    "it is through, and there is no refund.settled for it in the outbox",
    """
    SELECT r.id AS subject FROM refunds r
    WHERE r.state = 'confirmed' AND r.created_at > shop_now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM outbox o
          WHERE o.key = r.order_id::text AND o.type = 'refund.settled'
            AND o.payload -> 'data' ->> 'refund_id' = r.id::text)
    ORDER BY r.id
    """,
    {"days": _RECENT_DAYS},
)
RETURN_NOT_ANNOUNCED = Broken(
    10,
    "return_not_announced",
    "ret",
    "there is no {type} for it in the outbox",
    """
    SELECT r.id AS subject, told.type
    FROM returns r LEFT JOIN refunds f ON f.id = r.refund_id, LATERAL (VALUES
        ('return.requested', true),
        ('return.approved', r.decision = 'approved'),
        ('return.refused', r.decision = 'refused'),
        ('return.received', r.received_at IS NOT NULL),
        ('return.refunded', f.state = 'confirmed')
    ) AS told(type, is_true)
    WHERE told.is_true AND r.created_at > shop_now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = r.id::text AND o.type = told.type)
    ORDER BY r.id, told.type
    """,
    {"days": _RECENT_DAYS},
)
# One letter at least for each of these. That of a return's refund is the return's own, and about
# stock nobody is told where a merchant has no people.
LETTER_MISSING = Broken(
    10,
    "letter_missing",
    "evt",
    "{type} was applied by notifications, and no letter was written",
    """
    SELECT e.id AS subject, e.type
    FROM consumer_inbox i JOIN outbox e ON e.id = i.event_id
    WHERE i.consumer = :consumer AND (
        e.type = ANY(:types)
        OR e.type = 'refund.settled' AND NOT EXISTS (SELECT FROM returns r
            WHERE r.refund_id::text = e.payload -> 'data' ->> 'refund_id')
        OR e.type = 'stock.low' AND EXISTS (SELECT FROM users u
            WHERE u.merchant_id::text = e.payload -> 'data' ->> 'merchant_id'
              AND u.role = 'merchant' AND u.erased_at IS NULL AND u.created_at < i.at)
      )
      AND NOT EXISTS (SELECT FROM notifications n WHERE n.event_id = e.id)
    ORDER BY e.seq
    """,
    {
        "consumer": CONSUMER,
        "types": [
            "order.confirmed", "order.delivered", "order.canceled", "order.review_invited",
            "shipment.created", "return.requested", "return.approved", "return.refused",
            "return.received", "return.refunded",
        ],
    },
)  # fmt: skip
LETTERS = (REFUND_NOT_ANNOUNCED, RETURN_NOT_ANNOUNCED, LETTER_MISSING)

"""Facts of goods and money on their way back, and the letters that facts cause."""

from app.notifications.reactions import CONSUMER
from app.operations.breaches import Broken

_RECENT_DAYS = 6  # published events are pruned after a week

REFUND_NOT_ANNOUNCED = Broken(
    10,
    "refund_not_announced",
    "ref",
    "it is {state}, and there is no {type} for it in the outbox",
    """
    SELECT r.id AS subject, r.state, told.type
    FROM refunds r JOIN (VALUES
        ('confirmed', 'refund.settled'), ('failed', 'refund.failed')
    ) AS told(state, type) ON told.state = r.state
    WHERE r.created_at > shop_now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM outbox o
          WHERE o.key = r.order_id::text AND o.type = told.type
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
        ('return.refunded', f.state = 'confirmed'),
        ('return.canceled', r.state = 'canceled'),
        ('return.expired', r.state = 'expired')
    ) AS told(type, is_true)
    WHERE told.is_true AND r.created_at > shop_now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = r.id::text AND o.type = told.type)
    ORDER BY r.id, told.type
    """,
    {"days": _RECENT_DAYS},
)
# One letter at least to the customer for each of these; that of a return's refund is the return's
# own. Of low stock and of a return to decide on, everybody who sells for the merchant is told.
LETTER_MISSING = Broken(
    10,
    "letter_missing",
    "evt",
    "{type} was applied by notifications, and no letter was written",
    """
    SELECT e.id AS subject, e.type
    FROM consumer_inbox i JOIN outbox e ON e.id = i.event_id
    WHERE i.consumer = :consumer AND (
        (e.type = ANY(:types)
            OR e.type = 'refund.settled' AND NOT EXISTS (SELECT FROM returns r
                WHERE r.refund_id::text = e.payload -> 'data' ->> 'refund_id'))
        AND NOT EXISTS (SELECT FROM notifications n
            WHERE n.event_id = e.id AND n.template <> 'return_to_decide')
      OR
        e.type IN ('stock.low', 'return.requested')
        AND EXISTS (SELECT FROM users u
            WHERE u.merchant_id::text = CASE e.type
                    WHEN 'stock.low' THEN e.payload -> 'data' ->> 'merchant_id'
                    ELSE (SELECT r.merchant_id::text FROM returns r WHERE r.id::text = e.key) END
              AND u.role = 'merchant' AND u.erased_at IS NULL AND u.created_at < i.at
              AND NOT EXISTS (SELECT FROM notifications n
                  WHERE n.event_id = e.id AND n.recipient = u.email))
      )
    ORDER BY e.seq
    """,
    {
        "consumer": CONSUMER,
        "types": [
            "order.confirmed", "order.delivered", "order.canceled", "order.review_invited",
            "shipment.created", "return.requested", "return.approved", "return.refused",
            "return.received", "return.refunded", "return.canceled", "return.expired",
        ],
    },
)  # fmt: skip
LETTERS = (REFUND_NOT_ANNOUNCED, RETURN_NOT_ANNOUNCED, LETTER_MISSING)

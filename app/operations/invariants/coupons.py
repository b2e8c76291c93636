"""Coupons: their counters are their redemptions, within their limits, and each use belongs to a
purchase that stands where the use says."""

from app.operations.breaches import Broken

USES_COUNTED = Broken(
    9,
    "coupon_unlike_redemptions",
    "cpn",
    "it counts {used} uses, and {taken} are held or used",
    """
    SELECT c.id AS subject, c.used, count(r.id) AS taken
    FROM coupons c
    LEFT JOIN coupon_redemptions r ON r.coupon_id = c.id AND r.status IN ('held', 'used')
    GROUP BY c.id HAVING c.used <> count(r.id)
    ORDER BY c.id
    """,
)
WITHIN_LIMIT = Broken(
    9,
    "coupon_beyond_limit",
    "cpn",
    "{taken} uses are held or used of the {most} there are",
    """
    SELECT c.id AS subject, c.uses_max AS most, count(r.id) AS taken
    FROM coupons c
    JOIN coupon_redemptions r ON r.coupon_id = c.id AND r.status IN ('held', 'used')
    GROUP BY c.id HAVING count(r.id) > c.uses_max
    ORDER BY c.id
    """,
)
CUSTOMERS_COUNTED = Broken(
    9,
    "customer_unlike_redemptions",
    "cpn",
    "of one customer it counts {used} uses, {taken} are held or used, {most} may be",
    """
    SELECT c.id AS subject, coalesce(k.used, 0) AS used, coalesce(r.taken, 0) AS taken,
        coalesce(c.uses_per_customer::text, 'any number') AS most
    FROM (
        SELECT coupon_id, customer_key, count(*) AS taken
        FROM coupon_redemptions WHERE status IN ('held', 'used')
        GROUP BY coupon_id, customer_key
    ) r
    FULL JOIN coupon_customers k USING (coupon_id, customer_key)
    JOIN coupons c ON c.id = coupon_id
    WHERE coalesce(k.used, 0) <> coalesce(r.taken, 0)
       OR coalesce(r.taken, 0) > c.uses_per_customer
    ORDER BY c.id
    """,
)
STANDS_AS_PURCHASE = Broken(
    9,
    "redemption_unlike_checkout",
    "chk",
    "the use of its coupon is {status}, and it is {state}",
    """
    SELECT k.id AS subject, r.status, k.state
    FROM coupon_redemptions r JOIN checkouts k ON k.id = r.checkout_id
    WHERE (r.status = 'held' AND k.state IN ('confirmed', 'failed', 'expired', 'canceled'))
       OR (r.status = 'used' AND k.state <> 'confirmed')
       OR (r.status = 'released' AND k.direction = 'forward')
    ORDER BY k.id
    """,
)
TAKEN_OFF = Broken(
    9,
    "coupon_not_taken",
    "chk",
    "its total is {off} lower by a coupon, of which {amount} were taken",
    """
    SELECT k.id AS subject, (k.totals -> 'coupon' ->> 'amount')::bigint AS off,
        coalesce(r.amount, 0) AS amount
    FROM checkouts k
    LEFT JOIN coupon_redemptions r ON r.checkout_id = k.id
    WHERE jsonb_typeof(k.totals -> 'coupon') = 'object'
      AND (r.id IS NULL OR r.amount <> (k.totals -> 'coupon' ->> 'amount')::bigint)
    ORDER BY k.id
    """,
)

COUPONS = (USES_COUNTED, WITHIN_LIMIT, CUSTOMERS_COUNTED, STANDS_AS_PURCHASE, TAKEN_OFF)

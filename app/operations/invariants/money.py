"""Money: an order is paid once, a cart buys once, no more goes back than was taken, and amounts add
up. Amounts are in minor units."""

from app.operations.breaches import Broken

PAID_ONCE = Broken(
    3,
    "order_not_paid_once",
    "ord",
    "{covering} of {live} live payments cover its {total} {currency}; exactly one should",
    """
    SELECT o.id AS subject, o.total, o.currency, count(p.id) AS live,
        count(p.id) FILTER (
            WHERE p.status IN ('authorized', 'captured')
            AND p.amount >= o.total AND p.currency = o.currency
        ) AS covering
    FROM orders o
    LEFT JOIN payments p ON p.order_id = o.id
        AND p.status IN ('pending', 'requires_action', 'authorized', 'captured')
    WHERE o.state IN ('confirmed', 'shipped', 'delivered') AND o.total > 0
    GROUP BY o.id
    HAVING (count(p.id) <> 1 OR count(p.id) FILTER (
        WHERE p.status IN ('authorized', 'captured')
        AND p.amount >= o.total AND p.currency = o.currency
    ) <> 1)
    -- Where nothing is held any more, a parcel may wait for a person, or a cancellation be at it.
    AND NOT (count(p.id) = 0 AND o.state = 'confirmed' AND (
        EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id AND s.step = 'capture'
            AND s.state IN ('running', 'needs_attention'))
        OR EXISTS (SELECT FROM cancellations c WHERE c.order_id = o.id
            AND c.state IN ('running', 'parked', 'needs_attention'))))
    ORDER BY o.id
    """,
)
BOUGHT_TWICE = Broken(
    3,
    "cart_bought_twice",
    "crt",
    "{times} orders of this cart were confirmed",
    """
    SELECT c.cart_id AS subject, count(*) AS times
    FROM checkouts c JOIN orders o ON o.checkout_id = c.id
    WHERE o.number IS NOT NULL
    GROUP BY c.cart_id HAVING count(*) > 1
    ORDER BY c.cart_id
    """,
)
HELD_FOR_NOTHING = Broken(
    3,
    "money_held_for_nothing",
    "pay",
    "it is {status} ({psp_ref}), and its checkout is {state}",
    """
    SELECT p.id AS subject, p.status, coalesce(p.psp_ref, 'no reference') AS psp_ref, c.state
    FROM payments p JOIN checkouts c ON c.id = p.checkout_id
    WHERE c.state IN ('failed', 'expired', 'canceled')
      AND (p.status IN ('pending', 'requires_action', 'authorized', 'captured')
           OR (p.status = 'failed' AND p.psp_ref IS NOT NULL))
    ORDER BY p.id
    """,
)
AMOUNTS_IN_ORDER = Broken(
    5,
    "payment_amounts_out_of_order",
    "pay",
    "it is {status} with {amount} authorized, {captured} captured, {refunded} refunded",
    """
    SELECT id AS subject, status, amount, captured, refunded
    FROM payments
    WHERE NOT (0 <= refunded AND refunded <= captured AND captured <= amount)
       OR (status = 'captured' AND refunded >= captured)
       OR (status = 'refunded' AND refunded < captured)
       OR (status IN ('pending', 'requires_action', 'failed', 'voided') AND captured > refunded)
    ORDER BY id
    """,
)
_PROMISES = """
    WITH promises AS (
        SELECT p.id, p.amount, p.captured, p.refunded, p.currency,
            coalesce(sum(r.amount) FILTER (WHERE r.came_back_at IS NULL), 0) AS promised,
            coalesce(sum(r.amount) FILTER (
                WHERE r.state = 'confirmed' AND r.came_back_at IS NULL), 0) AS confirmed,
            coalesce(sum(r.released), 0) AS released
        FROM payments p JOIN refunds r ON r.payment_id = p.id
        WHERE r.state NOT IN ('failed', 'expired', 'canceled')
        GROUP BY p.id
    )
    SELECT id AS subject, * FROM promises WHERE {broken} ORDER BY id
"""
PROMISED_TOO_MUCH = Broken(
    5,
    "more_promised_back_than_taken",
    "pay",
    "{promised} {currency} are promised back, and {captured} were taken",
    _PROMISES.format(broken="promised > captured"),
)
CONFIRMED_NOT_GIVEN = Broken(
    5,
    "refund_not_given_back",
    "pay",
    "its refunds that are done make {confirmed} {currency}, and {refunded} were given back",
    _PROMISES.format(broken="confirmed > refunded"),
)
RELEASED_AND_TAKEN = Broken(
    5,
    "released_money_taken",
    "pay",
    "{released} of {amount} {currency} were never to be taken, and {captured} were",
    _PROMISES.format(broken="captured + released > amount"),
)
REFUND_UNKNOWN_THERE = Broken(
    5,
    "refund_without_reference",
    "ref",
    "it is done, and nobody knows where its {amount} {currency} are at the provider",
    """
    SELECT id AS subject, amount, currency FROM refunds
    WHERE state = 'confirmed' AND amount > 0 AND psp_ref IS NULL
    ORDER BY id
    """,
)
REFUND_OF_ANOTHER = Broken(
    5,
    "refund_unlike_payment",
    "ref",
    "{amount} {currency} go back, and {paid} was paid for that order",
    """
    SELECT r.id AS subject, r.amount, r.currency, coalesce(p.currency, 'nothing') AS paid
    FROM refunds r LEFT JOIN payments p ON p.id = r.payment_id AND p.order_id = r.order_id
    WHERE (p.id IS NULL AND (r.amount > 0 OR r.payment_id IS NOT NULL))
       OR r.currency <> p.currency
    ORDER BY r.id
    """,
)
CAPTURE_NOT_TAKEN = Broken(
    5,
    "capture_not_taken",
    "cap",
    "it is done for {amount}, and {captured} of its payment were taken",
    """
    SELECT c.id AS subject, c.amount, p.captured
    FROM captures c JOIN payments p ON p.id = c.payment_id
    WHERE c.state = 'confirmed' AND p.captured < c.amount
    ORDER BY c.id
    """,
)
TOTAL_ADDS_UP = Broken(
    5,
    "order_total_wrong",
    "ord",
    "the total is {total}; its parts make {parts}",
    """
    SELECT id AS subject, total,
        items_total + shipping - discount + tax - tax_included AS parts
    FROM orders
    WHERE total <> items_total + shipping - discount + tax - tax_included
    ORDER BY id
    """,
)
LINES_ADD_UP = Broken(
    5,
    "order_lines_wrong",
    "ord",
    "{what} is {told}; its lines and parcels make {lines}",
    """
    WITH goods AS (
        SELECT order_id, sum(qty * price_snapshot) AS price, sum(discount) AS discount,
            sum(tax) AS tax, sum(tax_included) AS included
        FROM order_items GROUP BY order_id
    ), parcels AS (
        SELECT o.id AS order_id, sum((part->>'price')::bigint) AS price,
            sum((part->>'tax')::bigint) AS tax, sum((part->>'tax_included')::bigint) AS included,
            sum((part->>'total')::bigint) AS total
        FROM orders o, jsonb_array_elements(o.shipping_lines) part GROUP BY o.id
    ), sums AS (
        SELECT o.*, coalesce(g.price, 0) AS goods, coalesce(g.discount, 0) AS less,
            coalesce(g.tax, 0) AS goods_tax, coalesce(g.included, 0) AS goods_included,
            coalesce(p.price, 0) AS sending, coalesce(p.tax, 0) AS sending_tax,
            coalesce(p.included, 0) AS sending_included, coalesce(p.total, 0) AS sending_total
        FROM orders o
        LEFT JOIN goods g ON g.order_id = o.id
        LEFT JOIN parcels p ON p.order_id = o.id
    )
    SELECT s.id AS subject, each.what, each.told, each.lines
    FROM sums s, LATERAL (VALUES
        ('items_total', items_total, goods),
        ('discount', discount, less),
        ('shipping', shipping, sending),
        ('tax', tax, goods_tax + sending_tax),
        ('tax_included', tax_included, goods_included + sending_included),
        ('all of shipping', sending + sending_tax - sending_included, sending_total)
    ) AS each(what, told, lines)
    WHERE each.told <> each.lines
    ORDER BY s.id, each.what
    """,
)
HELD_AND_NOT_OWED = Broken(
    3,
    "hold_nobody_takes",
    "pay",
    "{captured} {currency} of {amount} were taken and {released} let go, and its hold still stands",
    """
    SELECT p.id AS subject, p.amount, p.captured, p.currency, coalesce(r.released, 0) AS released
    FROM payments p
    LEFT JOIN (
        SELECT payment_id, sum(released) AS released, max(updated_at) AS at,
            bool_or(state <> 'confirmed') AS under_way
        FROM refunds WHERE state NOT IN ('failed', 'expired', 'canceled') GROUP BY payment_id
    ) r ON r.payment_id = p.id
    WHERE p.status = 'authorized' AND p.captured + coalesce(r.released, 0) >= p.amount
      AND r.under_way IS NOT TRUE
      AND greatest(p.updated_at, r.at) < shop_now() - make_interval(hours => :hours)
    ORDER BY p.id
    """,
    {"hours": 24},  # the refund or the capture that closes it may have to be asked again
)

MONEY = (
    PAID_ONCE,
    BOUGHT_TWICE,
    HELD_FOR_NOTHING,
    AMOUNTS_IN_ORDER,
    PROMISED_TOO_MUCH,
    CONFIRMED_NOT_GIVEN,
    RELEASED_AND_TAKEN,
    REFUND_UNKNOWN_THERE,
    REFUND_OF_ANOTHER,
    CAPTURE_NOT_TAKEN,
    TOTAL_ADDS_UP,
    LINES_ADD_UP,
    HELD_AND_NOT_OWED,
)

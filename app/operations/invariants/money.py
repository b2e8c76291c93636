"""Money: an order is paid once, a cart buys once, amounts add up. Amounts are in minor units."""

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
    HAVING count(p.id) <> 1 OR count(p.id) FILTER (
        WHERE p.status IN ('authorized', 'captured')
        AND p.amount >= o.total AND p.currency = o.currency
    ) <> 1
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
       OR (status = 'captured' AND captured = 0)
       OR (status = 'refunded' AND refunded < captured)
       OR (status IN ('pending', 'requires_action', 'failed', 'voided') AND captured > refunded)
    ORDER BY id
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
    "items_total is {items_total}; its lines make {lines}",
    """
    SELECT o.id AS subject, o.items_total, coalesce(sum(i.qty * i.price_snapshot), 0) AS lines
    FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
    GROUP BY o.id HAVING o.items_total <> coalesce(sum(i.qty * i.price_snapshot), 0)
    ORDER BY o.id
    """,
)

MONEY = (
    PAID_ONCE,
    BOUGHT_TWICE,
    HELD_FOR_NOTHING,
    AMOUNTS_IN_ORDER,
    TOTAL_ADDS_UP,
    LINES_ADD_UP,
)

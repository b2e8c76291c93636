"""Invoices: each merchant counts its own without a gap, and what is printed adds up. Amounts are in
minor units."""

from app.operations.breaches import Broken

NUMBERED = Broken(
    11,
    "invoice_numbers_with_gap",
    "mer",
    "its counter stands at {last}; {count} invoices have the numbers {first} to {highest}",
    """
    SELECT m.id AS subject, coalesce(c.last, 0) AS last, count(i.id) AS count,
        coalesce(min(i.number), 0) AS first, coalesce(max(i.number), 0) AS highest
    FROM merchants m
    LEFT JOIN invoice_counters c ON c.merchant_id = m.id
    LEFT JOIN invoices i ON i.merchant_id = m.id
    GROUP BY m.id, c.last
    HAVING count(DISTINCT i.number) <> coalesce(c.last, 0)
        OR count(i.id) <> coalesce(c.last, 0)
        OR coalesce(max(i.number), 0) <> coalesce(c.last, 0)
    ORDER BY m.id
    """,
)
FIGURES_ADD_UP = Broken(
    5,
    "invoice_figures_wrong",
    "inv",
    "its total is {total}; what is printed makes {printed}, by rates {by_rate}",
    """
    WITH printed AS (
        SELECT i.id, i.total, (i.figures #>> '{totals,total}')::bigint AS said,
            (SELECT coalesce(sum((part ->> 'total')::bigint), 0)
             FROM jsonb_array_elements(i.figures -> 'lines' || (i.figures -> 'shipping')) part
            ) AS printed,
            (SELECT coalesce(sum((rate ->> 'net')::bigint + (rate ->> 'tax')::bigint), 0)
             FROM jsonb_array_elements(i.figures -> 'taxes') rate) AS by_rate
        FROM invoices i
    )
    SELECT id AS subject, total, printed, by_rate FROM printed
    WHERE total <> printed OR total <> by_rate OR total <> said
    ORDER BY id
    """,
)
ORDER_BILLED = Broken(
    5,
    "invoices_unlike_order",
    "ord",
    "the total is {total} {currency}; its {count} invoices make {billed}",
    """
    SELECT o.id AS subject, o.total, o.currency, count(i.id) AS count, sum(i.total) AS billed
    FROM orders o JOIN invoices i ON i.order_id = o.id
    GROUP BY o.id
    HAVING sum(i.total) > o.total OR bool_or(i.currency <> o.currency)
        OR (sum(i.total) <> o.total AND count(i.id) = (
            SELECT count(DISTINCT merchant_id) FROM order_items WHERE order_id = o.id
        ))
    ORDER BY o.id
    """,
)

DOCUMENTS = (NUMBERED, FIGURES_ADD_UP, ORDER_BILLED)

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
    "the total is {total} {currency}, of which units for {unbilled} were never sent; its {count}"
    " invoices make {billed}",
    """
    WITH billed AS (
        SELECT order_id, count(*) AS count, sum(total) AS billed, array_agg(currency) AS currencies
        FROM invoices GROUP BY order_id
    ), printed AS (
        SELECT i.order_id, (part ->> 'line')::int AS line, (part ->> 'qty')::int AS qty
        FROM invoices i, jsonb_array_elements(i.figures -> 'lines') part
    ), lines AS (
        SELECT t.order_id, count(DISTINCT t.merchant_id) AS merchants,
            sum(t.total * (t.qty - coalesce(p.qty, 0)) / t.qty)::bigint AS unbilled
        FROM billed b
        JOIN (
            SELECT *, price_snapshot * qty - discount + tax - tax_included AS total
            FROM order_items
        ) t ON t.order_id = b.order_id
        LEFT JOIN printed p ON p.order_id = t.order_id AND p.line = t.line
        GROUP BY t.order_id
    )
    SELECT o.id AS subject, o.total, o.currency, b.count, b.billed, l.unbilled
    FROM orders o
    JOIN billed b ON b.order_id = o.id
    JOIN lines l ON l.order_id = o.id
    WHERE b.billed > o.total OR o.currency <> ALL(b.currencies)
        OR (b.count = l.merchants AND b.billed <> o.total - l.unbilled)
    ORDER BY o.id
    """,
)

DOCUMENTS = (NUMBERED, FIGURES_ADD_UP, ORDER_BILLED)

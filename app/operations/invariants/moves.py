"""Orders move along legal edges only, each move is written down, and the last one is where they
stand."""

from app.operations.breaches import Broken
from app.orders.states import ORDER

_LEGAL = [f">{ORDER.initial}"] + [
    f"{here}>{there}" for here, ways in ORDER.moves.items() for there in ways
]

ILLEGAL = Broken(
    6,
    "illegal_move",
    "ord",
    "it went from {here} to {there}, by {actor}",
    """
    SELECT order_id AS subject, coalesce("from", 'nothing') AS here, "to" AS there, actor
    FROM order_transitions
    WHERE coalesce("from", '') || '>' || "to" <> ALL(:legal)
    ORDER BY id
    """,
    {"legal": _LEGAL},
)
BROKEN_STORY = Broken(
    6,
    "moves_not_contiguous",
    "ord",
    "a move starts at {here}, the one before ended at {before}",
    """
    WITH told AS (
        SELECT id, order_id, "from" AS here,
            lag("to") OVER (PARTITION BY order_id ORDER BY id) AS before
        FROM order_transitions
    )
    SELECT order_id AS subject, coalesce(here, 'nothing') AS here,
        coalesce(before, 'nothing') AS before
    FROM told WHERE here IS DISTINCT FROM before
    ORDER BY id
    """,
)
NOT_WHERE_TOLD = Broken(
    6,
    "state_not_journaled",
    "ord",
    "it is {state}; the last move written down ended at {told}",
    """
    SELECT o.id AS subject, o.state, coalesce(t."to", 'nothing') AS told
    FROM orders o
    LEFT JOIN (
        SELECT DISTINCT ON (order_id) order_id, "to" FROM order_transitions
        ORDER BY order_id, id DESC
    ) t ON t.order_id = o.id
    WHERE t."to" IS DISTINCT FROM o.state
    ORDER BY o.id
    """,
)
UNLIKE_CHECKOUT = Broken(
    6,
    "order_unlike_checkout",
    "chk",
    "the checkout is {state}, its order {order_state}",
    """
    SELECT c.id AS subject, c.state, coalesce(o.state, 'missing') AS order_state
    FROM checkouts c LEFT JOIN orders o ON o.checkout_id = c.id
    WHERE (c.state = 'confirmed') <> (o.number IS NOT NULL)
       OR (c.state IN ('failed', 'expired', 'canceled') AND o.state <> 'canceled')
       OR c.order_id IS DISTINCT FROM o.id
    ORDER BY c.id
    """,
)

MOVES = (ILLEGAL, BROKEN_STORY, NOT_WHERE_TOLD, UNLIKE_CHECKOUT)

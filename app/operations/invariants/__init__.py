"""Every invariant PostgreSQL can answer for by itself, in the order of their numbers."""

from app.operations.breaches import Check
from app.operations.invariants.coupons import COUPONS
from app.operations.invariants.documents import DOCUMENTS
from app.operations.invariants.facts import FACTS
from app.operations.invariants.going_back import GOING_BACK
from app.operations.invariants.letters import LETTERS
from app.operations.invariants.money import MONEY
from app.operations.invariants.moves import MOVES
from app.operations.invariants.parcels import PARCELS
from app.operations.invariants.reviews import REVIEWS
from app.operations.invariants.sagas import SAGAS
from app.operations.invariants.stock import STOCK

CHECKS: tuple[Check, ...] = (
    *STOCK,
    *MONEY,
    *MOVES,
    *SAGAS,
    *COUPONS,
    *PARCELS,
    *GOING_BACK,
    *FACTS,
    *LETTERS,
    *DOCUMENTS,
    *REVIEWS,
)
NUMBERS = frozenset({1, 2, 3, 5, 6, 7, 9, 10, 11, 12})

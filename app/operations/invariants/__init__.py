"""Every invariant PostgreSQL can answer for by itself, in the order of their numbers."""

from app.operations.breaches import Check
from app.operations.invariants.facts import FACTS
from app.operations.invariants.money import MONEY
from app.operations.invariants.moves import MOVES
from app.operations.invariants.sagas import SAGAS
from app.operations.invariants.stock import STOCK

CHECKS: tuple[Check, ...] = (*STOCK, *MONEY, *MOVES, *SAGAS, *FACTS)
NUMBERS = frozenset({1, 2, 3, 5, 6, 7, 10})

"""A state machine is a table: every state listed, terminal ones with an empty set."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.platform.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Conflict):
    """The thing cannot go from where it is to where it was sent."""

    code = "illegal_move"


@dataclass(frozen=True)
class StateMachine(Generic[S]):
    """The permitted moves of one kind of thing. A state left out is found at import."""

    initial: S
    moves: Mapping[S, frozenset[S]]

    def __post_init__(self) -> None:
        missing = set(type(self.initial)) - set(self.moves)
        if missing:
            raise ValueError(f"states without a row: {sorted(missing)}")

    def may(self, here: S, there: S) -> bool:
        """Whether the move is permitted."""
        return there in self.moves[here]

    def check(self, here: S, there: S) -> None:
        """Raise IllegalMove unless the move is permitted."""
        if not self.may(here, there):
            raise IllegalMove(
                f"It is {here} and cannot become {there}.", state=str(here), wanted=str(there)
            )

    def is_terminal(self, state: S) -> bool:
        """Whether nothing can follow."""
        return not self.moves[state]

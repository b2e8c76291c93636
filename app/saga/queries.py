"""What can be asked of sagas of every kind."""

from collections import Counter

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.saga import registry
from app.saga.states import LIVE, SagaState


def count_stuck(session: Session) -> dict[str, int]:
    """Sagas that need a person, or are live past their deadline, by state; 0 where none are."""
    stuck: Counter[str] = Counter(dict.fromkeys((*LIVE, SagaState.NEEDS_ATTENTION), 0))
    for saga in registry.sagas():
        row = saga.model
        overdue = row.state.in_(LIVE) & (row.deadline < func.shop_now())
        found = session.execute(
            select(row.state, func.count())
            .where(or_(row.state == SagaState.NEEDS_ATTENTION, overdue))
            .group_by(row.state)
        )
        for state, count in found:
            stuck[state] += count
    return {str(state): count for state, count in stuck.items()}

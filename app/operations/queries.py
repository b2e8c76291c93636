"""What operations asks: open incidents, and sagas of every kind by where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.operations.breaches import public_id
from app.saga import registry
from app.saga.models import Incident
from app.saga.states import SagaState

PREFIXES = {  # what the sagas of a kind are to those outside
    "purchase": "chk",
    "capture": "cap",
    "fulfilment": "shp",
    "refund": "ref",
    "cancel": "can",
    "return": "ret",
}


@dataclass(frozen=True)
class IncidentView:
    """Something a person must look at; `subject` is a public id where it is one of ours."""

    id: UUID
    kind: str
    subject: str
    detail: dict[str, Any]
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class SagaView:
    """Where a saga of any kind stands. `key` is its id in the database, by which lists page."""

    key: UUID
    id: str
    kind: str
    state: SagaState
    direction: str
    step: str
    attempts: int
    deadline: datetime
    next_attempt_at: datetime
    failure: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


def saga_id(kind: str, identity: UUID | str) -> str:
    """The public id of a saga; of a kind without a prefix of its own, the plain UUID."""
    return public_id(PREFIXES.get(kind, ""), identity)


def incidents(
    session: Session, *, is_open: bool | None, after: UUID | None, limit: int
) -> list[IncidentView]:
    """Incidents, the newest first; open ones, closed ones, or with None both."""
    wanted = select(Incident).order_by(Incident.id.desc()).limit(limit)
    if is_open is not None:
        wanted = wanted.where(Incident.closed_at.is_(None) == is_open)
    if after is not None:
        wanted = wanted.where(Incident.id < after)
    return [incident_view(row) for row in session.scalars(wanted)]


def sagas(
    session: Session, *, states: Sequence[SagaState], after: UUID | None, limit: int
) -> list[SagaView]:
    """Sagas of every kind that stand in one of these states, the newest first."""
    found: list[SagaView] = []
    for saga in registry.sagas():
        row = saga.model
        wanted = select(row).where(row.state.in_(states)).order_by(row.id.desc()).limit(limit)
        if after is not None:
            wanted = wanted.where(row.id < after)
        found += [saga_view(saga.kind, each) for each in session.scalars(wanted)]
    return sorted(found, key=lambda view: view.key, reverse=True)[:limit]


def incident_view(row: Incident) -> IncidentView:
    """An incident as operations sees it."""
    detail = row.detail or {}
    return IncidentView(
        id=row.id,
        kind=row.kind,
        subject=saga_id(detail["saga"], row.subject) if "saga" in detail else row.subject,
        detail=detail,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def saga_view(kind: str, row: Any) -> SagaView:
    """A saga as operations sees it."""
    failure = {name: value for name, value in (row.failure or {}).items() if name != "undone"}
    return SagaView(
        key=row.id,
        id=saga_id(kind, row.id),
        kind=kind,
        state=row.state,
        direction=str(row.direction),
        step=row.step,
        attempts=row.attempts,
        deadline=row.deadline,
        next_attempt_at=row.next_attempt_at,
        failure=failure or None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

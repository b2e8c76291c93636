"""What a person decides where the shop could not: a saga goes on, an incident is over."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.operations.errors import IncidentNotFound, SagaNotFound, SagaNotStuck, SagaStillStuck
from app.operations.queries import PREFIXES, IncidentView, SagaView, incident_view, saga_view
from app.platform.db import ShopSession
from app.platform.ids import decode
from app.saga import registry, signals
from app.saga.models import Incident
from app.saga.states import SagaState


def resume(session: ShopSession, public_id: str, *, actor: str) -> SagaView:
    """Let a saga that needed a person go on from the step it stands at, with a new deadline; its
    incident is closed.

    What its last call did is looked up first, as always, so that nothing happens twice. Raises
    SagaNotFound, SagaNotStuck.
    """
    kind, identity = _named(public_id)
    model = registry.saga_of(kind).model
    row: Any = session.scalars(select(model).where(model.id == identity).with_for_update()).first()
    if row is None:
        raise SagaNotFound("There is no such saga.")
    if row.state != SagaState.NEEDS_ATTENTION:
        raise SagaNotStuck(f"It is {row.state}: it needs nobody.", state=str(row.state))
    signals.resume(session, kind, row, actor=actor)
    session.flush()
    session.refresh(row)
    return saga_view(kind, row)


def close(session: Session, incident_id: UUID, *, note: str, actor: str) -> IncidentView:
    """Say of an incident that it is over, and how; closed already, it stays as it was.

    Raises IncidentNotFound; SagaStillStuck for one of a saga that waits for a person, which closes
    it by going on.
    """
    row = session.scalars(
        select(Incident).where(Incident.id == incident_id).with_for_update()
    ).first()
    if row is None:
        raise IncidentNotFound("There is no such incident.")
    if row.closed_at is None:
        if _is_stuck(session, row):
            raise SagaStillStuck("Its saga still waits: let that go on.")
        row.closed_at = func.shop_now()
        row.detail = (row.detail or {}) | {"closed_by": actor, "note": note}
        session.flush()
        session.refresh(row)
    return incident_view(row)


def _is_stuck(session: Session, incident: Incident) -> bool:
    kind = (incident.detail or {}).get("saga")
    if kind is None:
        return False
    model = registry.saga_of(kind).model
    state = session.scalar(select(model.state).where(model.id == UUID(incident.subject)))
    return bool(state == SagaState.NEEDS_ATTENTION)


def _named(public_id: str) -> tuple[str, UUID]:
    prefix = public_id.partition("_")[0]
    for kind, known in PREFIXES.items():
        if known == prefix:
            try:
                return kind, decode(prefix, public_id)
            except ValueError:
                break
    raise SagaNotFound("There is no such saga.")

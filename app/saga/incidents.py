"""Things a person must look at: opened once for a kind and subject, closed when they are over."""

from typing import Any

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.saga.models import Incident


def open_incident(session: Session, *, kind: str, subject: str, detail: dict[str, Any]) -> None:
    """Tell operations. While one of this kind and subject is open, only its detail is renewed."""
    session.execute(
        insert(Incident)
        .values(kind=kind, subject=subject, detail=detail)
        .on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=text("closed_at IS NULL"),
            set_={"detail": detail},
        )
    )


def close_incident(session: Session, *, kind: str, subject: str) -> bool:
    """Close what has come right by itself; gives whether one was open."""
    closed = session.scalars(
        update(Incident)
        .where(Incident.kind == kind, Incident.subject == subject, Incident.closed_at.is_(None))
        .values(closed_at=func.shop_now())
        .returning(Incident.id)
    )
    return closed.first() is not None

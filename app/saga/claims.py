"""Who works on a saga: claims under row locks, leases around calls, fencing by version."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.platform.db import Database
from app.saga.models import SagaRow
from app.saga.states import Direction, SagaState
from app.saga.table import Effect, Saga

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=3)  # short, so that a killed worker's saga goes on within five seconds
_RENEW_SECONDS = 1.0


Locked = tuple[Any, bool]
"""A locked row, and whether its deadline has passed."""


@dataclass(frozen=True)
class Claim:
    """A call about to be made for one saga: what to ask, and the version that proves the right to
    finish."""

    saga_id: UUID
    version: int
    index: int
    direction: Direction
    effect: Effect
    request: Any


def lease_is_free(model: type[SagaRow]) -> ColumnElement[bool]:
    """Nobody is calling for this saga, or whoever did has gone silent."""
    return or_(model.lease_until.is_(None), model.lease_until <= func.shop_now())


def waiting(
    session: Session,
    saga: Saga,
    direction: Direction | None,
    *,
    ids: Sequence[UUID] | None,
    step: str | None = None,
    limit: int = 100,
) -> list[Locked]:
    """Lock the sagas that wait for this work: those named, or the oldest.

    Gives each row and whether its deadline has passed. Rows that another holds are skipped: it does
    the work.
    """
    model = saga.model
    wanted = (
        select(model, (model.deadline <= func.shop_now()).label("overdue"))
        .where(
            model.state == SagaState.RUNNING,
            model.next_attempt_at <= func.shop_now(),
            lease_is_free(model),
        )
        .order_by(model.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if direction is not None:
        wanted = wanted.where(model.direction == direction)
    if step is not None:
        wanted = wanted.where(model.step == step)
    if ids is not None:
        wanted = wanted.where(model.id.in_(ids))
    return [(row, overdue) for row, overdue in session.execute(wanted)]


def still_held(session: Session, saga: Saga, claims: Sequence[Claim]) -> list[Locked]:
    """Lock the sagas whose claims still stand; who lost the lease to another finds nothing here."""
    model = saga.model
    held = (
        select(model, (model.deadline <= func.shop_now()).label("overdue"))
        .where(tuple_(model.id, model.version).in_([(c.saga_id, c.version) for c in claims]))
        .order_by(model.id)
        .with_for_update()
    )
    return [(row, overdue) for row, overdue in session.execute(held)]


@contextmanager
def kept(db: Database, saga: Saga, claims: Sequence[Claim]) -> Iterator[None]:
    """Renew the leases each second while the block runs: a slow answer is not a dead worker."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_RENEW_SECONDS):
            try:
                _renew(db, saga, claims)
            except Exception:
                log.exception("lease_not_renewed", extra={"saga": saga.kind})

    keeper = threading.Thread(target=renew, name="lease-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()


def _renew(db: Database, saga: Saga, claims: Sequence[Claim]) -> None:
    model = saga.model
    until = func.shop_now() + LEASE
    with db.transaction() as session:
        session.execute(
            update(model)
            .where(tuple_(model.id, model.version).in_([(c.saga_id, c.version) for c in claims]))
            .values(lease_until=until, nudge_at=until)
        )

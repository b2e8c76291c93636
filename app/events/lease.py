"""The right to work alone: one row a name, a token that rises with each holder and fences the
rest."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.events.errors import LeaseLost
from app.events.models import RelayLease
from app.platform.db import Database
from app.platform.ids import new_id


class Lease:
    """Held by at most one process at a time, for `seconds` after each renewal.

    What the holder writes, it writes in a transaction that began with `confirm`: the row stays
    locked until the commit, so nobody can take over in between, and one whose lease was taken
    writes nothing.
    """

    def __init__(self, db: Database, name: str, *, seconds: float = 10) -> None:
        self._db, self._name, self._seconds = db, name, seconds
        self._holder = new_id().hex
        self._token: int | None = None

    def take(self) -> bool:
        """Take it if it is free, run out or ours; False while another holds it."""
        with self._db.transaction() as session:
            session.execute(
                insert(RelayLease).values(name=self._name, token=0).on_conflict_do_nothing()
            )
            free = (
                select(RelayLease.name)
                .where(RelayLease.name == self._name)
                .where(
                    RelayLease.lease_until.is_(None)
                    | (RelayLease.lease_until <= func.shop_now())
                    | (RelayLease.holder == self._holder)
                )
                .with_for_update(skip_locked=True)
            )
            self._token = session.scalar(
                update(RelayLease)
                .where(RelayLease.name.in_(free))
                .values(
                    holder=self._holder,
                    token=RelayLease.token + 1,
                    lease_until=_later(self._seconds),
                )
                .returning(RelayLease.token)
            )
        return self._token is not None

    def confirm(self, session: Session) -> None:
        """Renew it and keep its row locked until the commit. Raises LeaseLost."""
        renewed = session.scalar(
            update(RelayLease)
            .where(RelayLease.name == self._name, RelayLease.token == self._token)
            .values(lease_until=_later(self._seconds))
            .returning(RelayLease.token)
        )
        if renewed is None:
            self._token = None
            raise LeaseLost(self._name)

    def advance(self, session: Session, count: int) -> int:
        """Draw the next `count` positions; gives the last one before them."""
        last: int = session.execute(
            update(RelayLease)
            .where(RelayLease.name == self._name)
            .values(position=RelayLease.position + count)
            .returning(RelayLease.position)
        ).scalar_one()
        return last - count

    def give_back(self) -> None:
        """Let another take it at once."""
        with self._db.transaction() as session:
            session.execute(
                update(RelayLease)
                .where(RelayLease.name == self._name, RelayLease.token == self._token)
                .values(holder=None, lease_until=None)
            )
        self._token = None


def _later(seconds: float) -> ColumnElement[datetime]:
    return func.shop_now() + text(f"interval '{float(seconds)} seconds'")

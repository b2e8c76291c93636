"""One transaction per act, committed at the door, and here alone."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Enum, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeEngine, Uuid

from app.platform.errors import Unavailable
from app.platform.queue import Nudge, Queue
from app.platform.seams import seam, transaction_open

log = logging.getLogger(__name__)


def _values(kind: Any) -> list[str]:
    return [member.value for member in kind]


# A StrEnum is kept as its text, so that a new state is a changed CHECK and not an ALTER TYPE.
_STATE = Enum(
    StrEnum, native_enum=False, length=32, create_constraint=False, values_callable=_values
)


class Base(DeclarativeBase):
    """Where all tables meet. Times are timestamptz, whole numbers bigint, states text."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        UUID: Uuid(),
        StrEnum: _STATE,
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class ShopSession(Session):
    """A session that also collects the nudges its commit will cause."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.nudges: list[Nudge] = []
        self.aftermath: list[Callable[[], object]] = []

    def nudge(self, *tasks: str, id: UUID | str) -> None:
        """Send tasks for an id once this transaction has committed; the same nudge twice goes
        once."""
        nudge = Nudge(tasks=tasks, id=str(id))
        if nudge not in self.nudges:
            self.nudges.append(nudge)

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something once this transaction has committed; it may be lost, so something else must
        heal it."""
        self.aftermath.append(act)


class Database:
    """The shop's PostgreSQL: hands out transactions, and is the only one to commit them."""

    def __init__(self, url: str, *, pool_size: int = 10, statement_seconds_max: int = 30) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            hide_parameters=True,  # what people entrusted to the shop stays out of logs
            connect_args={
                "connect_timeout": 5,
                "application_name": "cartwright",
                "options": f"-c statement_timeout={statement_seconds_max}s"
                " -c idle_in_transaction_session_timeout=60s -c timezone=UTC",
            },
        )
        _announce_commits(self.engine)

    @contextmanager
    def transaction(self, queue: Queue | None = None) -> Iterator[ShopSession]:
        """One act of the shop: commits at the end of the block, then sends the nudges it collected.

        A queue that cannot be reached is logged and left to the sweep: what is committed stays
        committed.
        """
        with ShopSession(self.engine, expire_on_commit=False) as session:
            with transaction_open(), session.begin():
                yield session
            nudges, aftermath = session.nudges, session.aftermath
        for act in aftermath:
            _try(act)
        if nudges and queue is not None:
            _send(queue, nudges)

    @contextmanager
    def reading(self) -> Iterator[ShopSession]:
        """Look without touching: a read-only transaction that is rolled back."""
        with ShopSession(self.engine, expire_on_commit=False) as session, transaction_open():
            session.connection(execution_options={"postgresql_readonly": True})
            yield session
            session.expunge_all()  # a rollback empties what it knows; what was read stays read
            session.rollback()

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """One statement at a time with no transaction around it: the cheapest way to look at a
        row."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def dispose(self) -> None:
        """Close every pooled connection; used after a fork and at the end of a process."""
        self.engine.dispose()


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        log.exception("afterwards_failed")


def _send(queue: Queue, nudges: list[Nudge]) -> None:
    try:
        queue.send(nudges)
    except Exception:
        log.exception("nudge_not_sent", extra={"nudges": len(nudges)})


def _announce_commits(engine: Engine) -> None:
    """SQLAlchemy tells just before a COMMIT; the other side of it is told by `after_commit` of the
    session."""

    @event.listens_for(engine, "commit")
    def _before(_connection: Any) -> None:
        seam("commit:before")


@event.listens_for(ShopSession, "after_commit")
def _after_commit(_session: Session) -> None:
    seam("commit:after")


class DatabaseAway(Unavailable):
    """PostgreSQL does not answer; nothing was changed."""

    code = "unavailable"


def one_of(column: str, kind: type[StrEnum], *, name: str) -> CheckConstraint:
    """A CHECK that the column holds a listed state: the table refuses what the code does not
    know."""
    listed = ", ".join(f"'{member.value}'" for member in kind)
    return CheckConstraint(f"{column} IN ({listed})", name=name)

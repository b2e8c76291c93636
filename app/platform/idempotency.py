"""One key, one act: the row of a key commits with what it did, so a crash leaves neither or both.

Source: draft-ietf-httpapi-idempotency-key-header; scope = principal + method + route.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.platform.db import Base
from app.platform.errors import Conflict, Invalid

KEEP = timedelta(hours=24)


class IdempotencyKey(Base):
    """What a key did: the hash of its request and the answer that was given, or what it made."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None]
    response: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class KeyReused(Invalid):
    """The key was used before with another request."""

    code = "idempotency_key_reused"


class KeyInFlight(Conflict):
    """The first request with this key has not finished."""

    code = "idempotency_key_in_flight"
    retryable = True


def find(session: Session, *, scope: str, key: str, request_hash: str) -> IdempotencyKey | None:
    """The finished act of this key, or None. Raises KeyReused for another body."""
    row = session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.scope == scope,
            IdempotencyKey.key == key,
            IdempotencyKey.expires_at > func.shop_now(),
        )
    )
    if row is not None and row.request_hash != request_hash:
        raise KeyReused("This Idempotency-Key was used before with another request.")
    return row


def write(
    session: Session,
    *,
    scope: str,
    key: str,
    request_hash: str,
    status: int | None,
    response: dict[str, Any] | None,
) -> bool:
    """Write the key in the act's own transaction; False when a twin committed first.

    A concurrent twin waits here on the unique index until the first commits or rolls back. A row
    that has expired is taken over.
    """
    values = {
        "request_hash": request_hash,
        "status": status,
        "response": response,
        "expires_at": func.shop_now() + KEEP,
    }
    written = session.execute(
        insert(IdempotencyKey)
        .values(scope=scope, key=key, **values)
        .on_conflict_do_update(
            index_elements=["scope", "key"],
            set_=values,
            where=IdempotencyKey.expires_at <= func.shop_now(),
        )
        .returning(IdempotencyKey.key)
    )
    return written.first() is not None


def finish(
    session: Session, *, scope: str, key: str, status: int, response: dict[str, Any]
) -> None:
    """Keep the answer with a key written earlier in this transaction."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
        .values(status=status, response=response)
    )


def forget_old(session: Session, *, limit: int = 5_000) -> int:
    """Delete keys past their day, some at a time; gives how many."""
    old = (
        select(IdempotencyKey.scope, IdempotencyKey.key)
        .where(IdempotencyKey.expires_at <= func.shop_now())
        .limit(limit)
        .subquery()
    )
    gone = session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.scope == old.c.scope, IdempotencyKey.key == old.c.key)
        .returning(IdempotencyKey.key)
    )
    return len(gone.all())

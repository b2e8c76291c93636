"""Which machine shows this API key: looked up by its prefix, compared by its hash, remembered for
some seconds.

A busy machine costs one statement in those seconds, and one write a minute that says it was here.
"""

import hmac
import logging
import threading
import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import ApiKeyRefused
from app.accounts.models import ApiKey, Merchant, MerchantStatus
from app.accounts.tokens import digest, prefix_of
from app.platform.db import Database

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 3.0  # a key taken back opens something for so long at most
_REMEMBERED_MAX = 1_000
_IS_STALE = or_(
    ApiKey.last_used_at.is_(None),
    ApiKey.last_used_at < func.shop_now() - text("interval '1 minute'"),
)


@dataclass(frozen=True)
class KeyBearer:
    """Whose machine it is and what it may do."""

    key_id: UUID
    merchant_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True)
class _Known:
    """A key as it was looked up, and until when that is believed (monotonic seconds)."""

    key_hash: str
    bearer: KeyBearer
    until: float


class Keyring:
    """Reads API keys for the doors of one process."""

    def __init__(self, db: Database, *, seconds: float = REMEMBERED_SECONDS) -> None:
        self._db, self._seconds = db, seconds
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def read(self, api_key: str) -> KeyBearer:
        """Who shows this key. Raises ApiKeyRefused for one that is unknown, revoked, expired or a
        suspended merchant's: from outside they look the same."""
        prefix, shown = prefix_of(api_key), digest(api_key)
        known = self._known.get(prefix)
        if known is None or known.until < time.monotonic():
            known = self._look_up(prefix) if prefix else None
        if known is None or not hmac.compare_digest(known.key_hash, shown):
            raise ApiKeyRefused("The API key is not known, or not valid any more.")
        return known.bearer

    def _look_up(self, prefix: str) -> _Known | None:
        good = (
            select(ApiKey.id, ApiKey.merchant_id, ApiKey.key_hash, ApiKey.scopes, _IS_STALE)
            .join(Merchant, Merchant.id == ApiKey.merchant_id)
            .where(
                ApiKey.prefix == prefix,
                ApiKey.revoked_at.is_(None),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.shop_now()),
                Merchant.status == MerchantStatus.ACTIVE,
            )
        )
        with self._db.glance() as connection:
            row = connection.execute(good).first()
        if row is None:
            with self._lock:
                self._known.pop(prefix, None)
            return None
        key_id, merchant_id, key_hash, scopes, is_stale = row
        if is_stale:
            self._note_use(key_id)
        bearer = KeyBearer(key_id, merchant_id, frozenset(scopes))
        known = _Known(key_hash, bearer, time.monotonic() + self._seconds)
        with self._lock:
            if len(self._known) >= _REMEMBERED_MAX:
                self._known.clear()
            self._known[prefix] = known
        return known

    def _note_use(self, key_id: UUID) -> None:
        """Say that the key was used; that it could not be said keeps nobody out."""
        try:
            with self._db.transaction() as session:
                session.execute(
                    update(ApiKey)
                    .where(ApiKey.id == key_id, _IS_STALE)
                    .values(last_used_at=func.shop_now())
                )
        except SQLAlchemyError:
            log.warning("api_key_use_not_noted", extra={"key_id": str(key_id)})

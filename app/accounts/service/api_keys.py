"""Keys for merchants' machines: made, shown once, taken back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.errors import ApiKeyNotFound, TooManyApiKeys
from app.accounts.models import ApiKey
from app.accounts.tokens import digest, new_api_key
from app.platform.errors import Invalid

API_KEYS_MAX = 50


class ExpiryPassed(Invalid):
    """The key would have expired before it was made."""

    code = "expiry_passed"


@dataclass(frozen=True)
class NewApiKey:
    """A key just made, and what its holder must show: here alone, and never again."""

    row: ApiKey
    secret: str


def make_api_key(
    session: Session,
    merchant_id: UUID,
    *,
    created_by: UUID | None,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
) -> NewApiKey:
    """Make a key for a merchant's machine, asked by one of its people. Only its hash is kept.

    Raises NotOfMerchant, ExpiryPassed, TooManyApiKeys.
    """
    queries.lock_merchant_of(session, merchant_id, created_by)
    if len(queries.api_keys_of(session, merchant_id)) >= API_KEYS_MAX:
        raise TooManyApiKeys(f"A merchant holds {API_KEYS_MAX} keys.", most=API_KEYS_MAX)
    now = session.scalar(func.shop_now())
    if expires_at is not None and now is not None and expires_at <= now:
        raise ExpiryPassed("The key would have expired already.", fields=[_PASSED])
    prefix, secret = new_api_key()
    row = ApiKey(
        merchant_id=merchant_id,
        created_by=created_by,
        name=name,
        prefix=prefix,
        key_hash=digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()  # the answer says when it was made
    return NewApiKey(row, secret)


def revoke_api_key(
    session: Session, merchant_id: UUID, key_id: UUID, *, revoked_by: UUID | None
) -> None:
    """Take a key back, for good: it opens nothing some seconds later at the latest.

    Raises NotOfMerchant, and ApiKeyNotFound, also for one taken back before.
    """
    queries.lock_merchant_of(session, merchant_id, revoked_by)
    revoked = session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.merchant_id == merchant_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.shop_now())
        .returning(ApiKey.id)
    )
    if revoked is None:
        raise ApiKeyNotFound("There is no such key.")


_PASSED = {"field": "expires_at", "detail": "Must lie in the future."}

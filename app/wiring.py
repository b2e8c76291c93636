"""Which adapter stands behind each port: the only module that knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app import tables
from app.accounts.passwords import Passwords
from app.accounts.tokens import CartTokens, Tokens
from app.adapters.payments.stripe import StripePayments
from app.config import Settings, settings
from app.payments.ports import PaymentProvider
from app.platform.db import Database
from app.platform.queue import Queue
from app.platform.redis import ShopRedis, connect

__all__ = ["Providers", "build", "providers", "tables", "use"]


PAYMENTS: Mapping[str, Callable[[Settings], PaymentProvider]] = {
    "stripe": StripePayments.from_settings
}


@dataclass(frozen=True)
class Providers:
    """Everything the doors hand to the core."""

    settings: Settings
    db: Database
    redis: ShopRedis
    queue: Queue | None
    passwords: Passwords
    tokens: Tokens
    cart_tokens: CartTokens
    payments: PaymentProvider


def build(
    settings: Settings,
    *,
    queue: Queue | None = None,
    db: Database | None = None,
    redis: ShopRedis | None = None,
) -> Providers:
    """Choose one adapter for each port. Nothing is contacted before it is needed.

    What is given stands in place of what the settings name.
    """
    secret = settings.secret_key.get_secret_value()
    db = db or Database(settings.database_url, pool_size=settings.database_pool_size)
    redis = redis or connect(settings.redis_url)
    return Providers(
        settings=settings,
        db=db,
        redis=redis,
        queue=queue,
        passwords=Passwords(settings.password_hashing),
        tokens=Tokens(secret, access_seconds=settings.access_token_seconds),
        cart_tokens=CartTokens(secret),
        payments=PAYMENTS[settings.payments](settings),
    )


_providers: Providers | None = None


def providers() -> Providers:
    """The providers of this process, built from its environment when first asked for."""
    global _providers
    if _providers is None:
        _providers = build(settings())
    return _providers


def use(wired: Providers | None) -> None:
    """Put other providers in place, for a test; None lets the next caller build anew, as after a
    fork."""
    global _providers
    _providers = wired

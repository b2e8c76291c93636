"""Which adapter stands behind each port: the only module that knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app import tables
from app.accounts.keyring import Keyring
from app.accounts.passwords import Passwords
from app.accounts.tokens import CartTokens, MailedTokens, Tokens
from app.adapters.carriers.table import TableCarrier
from app.adapters.files.local import LocalFiles
from app.adapters.mail.smtp import SmtpMail
from app.adapters.payments.stripe import StripePayments
from app.adapters.search.postgres import PostgresSearch
from app.adapters.streams.redis_streams import RedisStreams
from app.cart.service import Carts
from app.catalog import reactions as catalog_reactions
from app.catalog.cache import ProductCache
from app.catalog.ports import ProductSearch
from app.checkout.ports import Terms
from app.checkout.queries import CheckoutDemand, CheckoutsOfCarts
from app.checkout.saga import PURCHASE
from app.config import Settings, settings
from app.documents import reactions as document_reactions
from app.events.ports import EventBus
from app.inventory.gate import Gate
from app.notifications import reactions as notification_reactions
from app.notifications.links import Links
from app.notifications.ports import MailSender
from app.orders import reactions as order_reactions
from app.orders.saga import SAGAS as ORDER_SAGAS
from app.payments.ports import PaymentProvider
from app.platform.db import Database
from app.platform.files import Files
from app.platform.queue import Queue
from app.platform.redis import ShopRedis, connect
from app.reviews import events as review_events
from app.saga import registry
from app.shipping.ports import Carrier

__all__ = ["FACTS", "REACTIONS", "Providers", "build", "providers", "tables", "use"]

REACTIONS = (
    catalog_reactions,
    order_reactions,
    document_reactions,
    notification_reactions,
)  # importing them is what makes them react
FACTS = (review_events,)  # nobody inside reacts to these; importing them declares them all the same


PAYMENTS: Mapping[str, Callable[[Settings], PaymentProvider]] = {
    "stripe": StripePayments.from_settings
}


@dataclass(frozen=True)
class Providers:
    """Everything the doors hand to the core."""

    settings: Settings
    db: Database
    redis: ShopRedis
    queue: Queue
    gate: Gate
    terms: Terms
    passwords: Passwords
    tokens: Tokens
    cart_tokens: CartTokens
    mailed_tokens: MailedTokens
    api_keys: Keyring
    payments: PaymentProvider
    carts: Carts
    carriers: Carrier
    files: Files
    search: ProductSearch
    products: ProductCache
    bus: EventBus
    mail: MailSender | None
    links: Links


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
    for saga in (PURCHASE, *ORDER_SAGAS):
        registry.register(saga)
    secret = settings.secret_key.get_secret_value()
    db = db or Database(settings.database_url, pool_size=settings.database_pool_size)
    redis = redis or connect(settings.redis_url, answer_seconds=settings.redis_seconds_max)
    products = ProductCache(redis, db)
    catalog_reactions.keep_fresh(products)
    return Providers(
        settings=settings,
        db=db,
        redis=redis,
        queue=queue or _celery_queue(),
        gate=Gate(redis, db, CheckoutDemand(), groups=settings.gate_groups),
        terms=_terms(settings),
        passwords=Passwords(settings.password_hashing),
        tokens=Tokens(secret, access_seconds=settings.access_token_seconds),
        cart_tokens=CartTokens(secret),
        mailed_tokens=_mailed_tokens(settings),
        api_keys=Keyring(db),
        payments=PAYMENTS[settings.payments](settings),
        carts=Carts(redis, CheckoutsOfCarts(), days=settings.cart_days),
        carriers=_carrier(settings, db),
        files=LocalFiles.at(settings.files_url),
        search=PostgresSearch(db),
        products=products,
        bus=RedisStreams(settings.events),
        mail=_mail(settings),
        links=_links(settings),
    )


def _celery_queue() -> Queue:
    """The queue of `celeryconfig`; imported late, for it costs and tests bring their own."""
    from celery import Celery

    from app.adapters.queue.celery import CeleryQueue

    celery = Celery("nudges", set_as_current=False)
    celery.config_from_object("celeryconfig")
    return CeleryQueue(celery)


def _carrier(settings: Settings, db: Database) -> Carrier:
    return TableCarrier(
        db,
        public_url=settings.public_url,
        webhook_secret=settings.carrier_webhook_secret.get_secret_value(),
    )


def _mail(settings: Settings) -> MailSender | None:
    """None while no server is named: letters wait in their table."""
    return SmtpMail(settings.mail_url, sender=settings.mail_from) if settings.mail_url else None


def _mailed_tokens(settings: Settings) -> MailedTokens:
    secret = settings.secret_key.get_secret_value()
    return MailedTokens(secret, storefront_url=settings.storefront_url)


def _links(settings: Settings) -> Links:
    """Where letters lead."""
    return Links(
        settings.secret_key.get_secret_value(),
        public_url=settings.public_url,
        storefront_url=settings.storefront_url,
        tokens=_mailed_tokens(settings),
    )


def _terms(settings: Settings) -> Terms:
    return Terms(
        reservation_seconds=settings.reservation_seconds,
        checkout_seconds_max=settings.checkout_seconds_max,
        psp_seconds_max=settings.psp_seconds_max,
        public_url=settings.public_url.rstrip("/"),
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

"""A boot, people who were sent it, and what they say."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Product, Sku
from app.events.models import OutboxEvent
from app.platform.db import Database, ShopSession
from app.reviews import service
from app.reviews.models import Review
from app.reviews.service import ReviewDraft
from tests.documents.trade import sell, send
from tests.factories import make_sku, make_user

Say = Callable[..., Review]


@pytest.fixture
def sku(db: Database) -> Sku:
    """What everybody buys."""
    with db.transaction() as session:
        return make_sku(session, stock=100)


@pytest.fixture
def buyer(db: Database, sku: Sku) -> Callable[..., User]:
    """Somebody who was sent the boot."""

    def buyer(name: str = "Ada Lovelace") -> User:
        with db.transaction() as session:
            user = make_user(session, name=name)
            order = sell(session, (sku, 1), user_id=user.id)
            send(session, order, sku.merchant_id)
            return user

    return buyer


@pytest.fixture
def say(db: Database, sku: Sku, buyer: Callable[..., User]) -> Say:
    """Somebody's review of the boot, published unless it is to wait."""

    def say(rating: int = 5, *, by: User | None = None, published: bool = True) -> Review:
        by = by or buyer()
        with db.transaction() as session:
            draft = ReviewDraft(rating, "Fine", "Dry feet.")
            review = service.write(
                session, sku.product_id, user_id=by.id, merchant_id=None, draft=draft
            )
        if published:
            with db.transaction() as session:
                return service.publish(session, review.id, moderator="user:ops")
        return review

    return say


def rating_of(db: Database, sku: Sku) -> tuple[float, int]:
    """What the product shows."""
    with db.reading() as session:
        product = session.get_one(Product, sku.product_id)
        return product.rating, product.rating_count


def facts(session: ShopSession, type_: str) -> list[str]:
    """The keys of all facts of a type, in order."""
    wanted = select(OutboxEvent.key).where(OutboxEvent.type == type_).order_by(OutboxEvent.seq)
    return list(session.scalars(wanted))

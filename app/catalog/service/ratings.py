"""What buyers think of a product, as it is shown beside its name: written here, known by
reviews."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from app.catalog.errors import ProductNotFound
from app.catalog.events import ProductUpdated
from app.catalog.models import Product
from app.events.outbox import announce
from app.platform.db import ShopSession
from app.platform.money import round_half_up


def lock_product(session: ShopSession, product_id: UUID) -> Product:
    """A product, locked until the transaction ends: whoever counts its stars counts alone.

    Raises ProductNotFound.
    """
    product = session.scalar(
        select(Product)
        .where(Product.id == product_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if product is None:
        raise ProductNotFound("There is no such product.")
    return product


def write_rating(session: ShopSession, product: Product, *, stars: Mapping[int, int]) -> bool:
    """Rate a locked product by how many gave it how many stars; gives whether that is new.

    Not a write of its merchant: the version stays, so that nobody's If-Match fails by it.
    """
    rating, count = average(stars), sum(stars.values())
    if (product.rating, product.rating_count) == (rating, count):
        return False
    product.rating, product.rating_count = rating, count
    announce(session, ProductUpdated(product.id, product.merchant_id, product.version))
    return True


def average(stars: Mapping[int, int]) -> float:
    """The mean of the stars, to two places, halves up; 0 where nobody gave any."""
    count = sum(stars.values())
    total = sum(each * times for each, times in stars.items())
    return round_half_up(100 * total, count) / 100 if count else 0.0

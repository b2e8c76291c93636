"""A merchant comes: what it needs to sell is made in one transaction, across the domains that keep
it."""

from app.accounts import service as accounts
from app.accounts.models import Merchant
from app.inventory.models import Warehouse
from app.platform.db import ShopSession
from app.platform.metrics import MERCHANTS_ONBOARDED


def open_merchant(
    session: ShopSession, *, name: str, slug: str, currency: str, country: str, owner_email: str
) -> Merchant:
    """Let a merchant in, with a warehouse in its country (ISO 3166-1 alpha-2), and invite its
    owner. Raises SlugTaken, EmailTaken."""
    merchant = accounts.open_merchant(session, name=name, slug=slug, currency=currency)
    warehouse = Warehouse(merchant_id=merchant.id, name="Main", country=country, priority=10)
    session.add(warehouse)
    session.flush()  # the merchant points at it
    merchant.default_warehouse_id = warehouse.id
    accounts.invite(session, merchant.id, email=owner_email.strip())
    session.afterwards(MERCHANTS_ONBOARDED.inc)
    return merchant

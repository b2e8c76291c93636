"""Makers of valid rows: keyword-only, one line each, flushed but not committed."""

from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import Merchant, Role, User
from app.catalog.models import Product, Sku
from app.inventory.models import Inventory, LedgerEntry, LedgerReason, Warehouse
from app.platform.ids import new_id

ADDRESS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "line2": "",
    "city": "Berlin",
    "region": "",
    "postal_code": "10117",
    "country": "DE",
    "phone": "+4930123456",
}


def make_merchant(session: Session, **given: Any) -> Merchant:
    """A merchant with a warehouse of its own as its default."""
    tag = new_id().hex[-8:]
    merchant = Merchant(**{"name": "Blue Barn", "slug": f"shop-{tag}", "currency": "EUR"} | given)
    session.add(merchant)
    session.flush()
    warehouse = make_warehouse(session, merchant_id=merchant.id)
    merchant.default_warehouse_id = warehouse.id
    session.flush()
    return merchant


def make_warehouse(session: Session, **given: Any) -> Warehouse:
    """A warehouse; without `merchant_id` it is shared."""
    warehouse = Warehouse(**{"name": "Main", "country": "DE", "priority": 10} | given)
    session.add(warehouse)
    session.flush()
    return warehouse


def make_user(session: Session, **given: Any) -> User:
    """A customer nobody can sign in as (no real hash), unless one is given."""
    tag = new_id().hex[-8:]
    values = {"email": f"user-{tag}@example.com", "password_hash": "!", "role": Role.CUSTOMER}
    user = User(**values | given)
    session.add(user)
    session.flush()
    return user


def make_sku(
    session: Session,
    *,
    merchant: Merchant | None = None,
    stock: int = 0,
    price: int = 1999,
    **given: Any,
) -> Sku:
    """An active SKU of a product of its own, with stock in the default warehouse by the ledger."""
    merchant = merchant or make_merchant(session)
    tag = new_id().hex[-8:]
    product = Product(
        merchant_id=merchant.id,
        name=f"Walking boot {tag}",
        slug=f"boot-{tag}",
        price=price,
        currency=merchant.currency,
        stock_total=stock,
    )
    session.add(product)
    session.flush()
    values = {"code": f"SKU-{tag}", "weight_g": 500, "currency": merchant.currency}
    sku = Sku(product_id=product.id, merchant_id=merchant.id, price=price, **values | given)
    session.add(sku)
    session.flush()
    if stock and merchant.default_warehouse_id:
        put_stock(session, sku=sku, warehouse_id=merchant.default_warehouse_id, qty=stock)
    return sku


def put_stock(session: Session, *, sku: Sku, warehouse_id: Any, qty: int) -> None:
    """Stock in a warehouse, with the ledger row that explains it."""
    session.add(Inventory(sku_id=sku.id, warehouse_id=warehouse_id, stock_available=qty))
    session.add(
        LedgerEntry(
            sku_id=sku.id,
            warehouse_id=warehouse_id,
            delta_available=qty,
            delta_reserved=0,
            reason=LedgerReason.RECEIVE,
            reference=new_id(),
        )
    )
    session.flush()

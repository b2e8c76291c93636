"""Makers of valid rows: keyword-only, one line each, flushed but not committed."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from app.accounts.models import Merchant, Role, User
from app.catalog.models import Product, Sku
from app.checkout.models import Checkout
from app.inventory.models import Inventory, LedgerEntry, LedgerReason, Warehouse
from app.orders.models import Order
from app.payments.models import Payment
from app.platform.ids import new_id
from app.pricing.models import Coupon, Promotion, TaxRate
from app.pricing.states import PromotionKind
from app.shipping.models import ShippingRate, ShippingZone

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


def make_tax_rate(session: Session, **given: Any) -> TaxRate:
    """German VAT contained in prices, for every merchant, unless something else is given."""
    values = {"country": "DE", "tax_code": "standard", "name": "VAT 19 %", "rate_ppm": 190_000}
    rate = TaxRate(**values | {"included": True} | given)
    session.add(rate)
    session.flush()
    return rate


def make_coupon(
    session: Session,
    *,
    merchant_id: Any = None,
    kind: PromotionKind = PromotionKind.PERCENT,
    rule: dict[str, int] | None = None,
    currency: str = "EUR",
    **given: Any,
) -> Coupon:
    """A coupon of 10 % off the whole cart, unless something else is given."""
    promotion = Promotion(merchant_id=merchant_id, name="Spring", kind=kind, currency=currency)
    promotion.rule = {"rate_ppm": 100_000} if rule is None else rule
    session.add(promotion)
    session.flush()
    values = {"code": f"C-{new_id().hex[-8:]}", "merchant_id": merchant_id}
    coupon = Coupon(promotion_id=promotion.id, **values | given)
    session.add(coupon)
    session.flush()
    return coupon


def make_shipping_rate(
    session: Session,
    *,
    merchant: Merchant,
    countries: tuple[str, ...] = ("DE",),
    priority: int = 100,
    zone: ShippingZone | None = None,
    **given: Any,
) -> ShippingRate:
    """A standard service of one merchant, in a zone of its own unless one is given."""
    if zone is None:
        zone = ShippingZone(merchant_id=merchant.id, name="Zone", countries=list(countries))
        zone.priority = priority
        session.add(zone)
        session.flush()
    values = {"service": "standard", "carrier": "DHL", "name": "Standard", "price": 490}
    values |= {"days_min": 2, "days_max": 4, "currency": merchant.currency}
    rate = ShippingRate(zone_id=zone.id, **values | given)
    session.add(rate)
    session.flush()
    return rate


def make_checkout(session: Session, **given: Any) -> Checkout:
    """A guest's checkout, priced at 42.00 EUR and about to be paid."""
    values = {"cart_id": new_id(), "email": "ada@example.com", "currency": "EUR", "lines": []}
    values |= {"address": ADDRESS, "payment_method_token": "pm_card_visa", "digest": "-"}
    values |= {"step": "authorize", "deadline": func.shop_now() + timedelta(minutes=14)}
    checkout = Checkout(**values | {"totals": {"total": 4_200}} | given)
    session.add(checkout)
    session.flush()
    return checkout


def make_order(session: Session, *, checkout: Checkout | None = None, **given: Any) -> Order:
    """An order of 42.00 that waits for its confirmation, without lines."""
    checkout = checkout or make_checkout(session)
    amounts = {"items_total": 4_200, "total": 4_200, "shipping": 0, "discount": 0}
    amounts |= {"tax": 0, "tax_included": 0}
    values = {"checkout_id": checkout.id, "email": checkout.email, "address": checkout.address}
    order = Order(**values | amounts | {"currency": checkout.currency} | given)
    session.add(order)
    session.flush()
    checkout.order_id = order.id
    session.flush()
    return order


def make_payment(session: Session, *, order: Order | None = None, **given: Any) -> Payment:
    """A payment whose key is written and whose outcome nobody knows."""
    order = order or make_order(session)
    identity = new_id()
    values = {"id": identity, "order_id": order.id, "checkout_id": order.checkout_id}
    values |= {"provider": "stripe", "amount": order.total, "currency": order.currency}
    values |= {"request": {}, "idempotency_key": f"{identity}:authorize:1"}
    payment = Payment(**values | given)
    session.add(payment)
    session.flush()
    return payment

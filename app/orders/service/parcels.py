"""What is done with parcels under way: helped on or called off where they are stuck, seen to
arrive."""

from uuid import UUID

from app.events.outbox import announce
from app.orders.errors import CaptureUnderWay, ShipmentNotSent, ShipmentNotStuck
from app.orders.events import OrderDelivered, OrderShipped
from app.orders.models import Order
from app.orders.queries import is_left, lock_order
from app.orders.service import refund
from app.orders.service.books import look
from app.orders.service.cancel import expire
from app.orders.service.lifecycle import move
from app.orders.service.rest import let_rest_go
from app.orders.service.ship import check_service
from app.orders.states import AT_END, ORDER, OrderState
from app.platform.db import ShopSession
from app.saga import signals
from app.saga.states import SagaState
from app.shipping import service as shipping
from app.shipping.errors import ShipmentNotFound
from app.shipping.models import Shipment
from app.shipping.ports import CarrierEvent
from app.shipping.queries import lock_parcel, lock_shipment, shipments_of
from app.shipping.states import SHIPMENT, ShipmentStatus

UNKNOWN = "overdue"  # whoever was asked gave no answer in time


def retry(
    session: ShopSession,
    shipment_id: UUID,
    *,
    merchant_id: UUID | None,
    service: str | None,
    actor: str,
) -> Shipment:
    """Go on with a parcel that is stuck, by another service where one is named.

    Raises ShipmentNotFound, ShipmentNotStuck, and as `check_service` does.
    """
    shipment, order = _stuck(session, shipment_id, merchant_id)
    if service is not None:
        parts = {item.line: item.qty for item in shipment.items}
        shipment.service = check_service(session, order, shipment.merchant_id, parts, service)
    signals.resume(session, "fulfilment", shipment, actor=actor)
    return shipment


def cancel(
    session: ShopSession,
    shipment_id: UUID,
    *,
    merchant_id: UUID | None,
    reason: str,
    actor: str,
) -> Shipment:
    """Call a parcel off that is stuck: its money goes back, its units lie on the shelf again.

    One whose money was refused takes nothing, and its units stay with the order; where they can be
    paid no more they are let go, and with the last of them the order. Raises ShipmentNotFound,
    ShipmentNotStuck, and CaptureUnderWay while it is not known whether its money was taken.
    """
    shipment, order = _stuck(session, shipment_id, merchant_id)
    if shipment.units_left_at is None:
        if (shipment.failure or {}).get("code") == UNKNOWN:
            raise CaptureUnderWay("Whether its money was taken is not known yet: try it again.")
        shipment.amount = 0
    shipping.call_off(session, shipment)
    signals.give_up(session, "fulfilment", shipment, actor=actor)
    if shipment.units_left_at is None:
        _never_paid(session, shipment, order, reason=reason, actor=actor)
    else:
        _begin_refund(session, shipment, order, reason=reason, actor=actor)
    catch_up(session, order, actor="fulfilment", reason="the rest was called off")
    return shipment


def delivered(
    session: ShopSession, shipment_id: UUID, *, merchant_id: UUID | None, actor: str
) -> Shipment:
    """The merchant knows that a parcel arrived; saying it again changes nothing.

    Raises ShipmentNotFound, and ShipmentNotSent for one that has not left.
    """
    shipment = _own(lock_shipment(session, shipment_id), merchant_id)
    if shipment.status == ShipmentStatus.DELIVERED:
        return shipment
    if not SHIPMENT.may(shipment.status, ShipmentStatus.DELIVERED):
        raise ShipmentNotSent(
            f"The parcel is {shipment.status}.", shipment_status=str(shipment.status)
        )
    order = lock_order(session, shipment.order_id)
    shipping.deliver(session, shipment)
    catch_up(session, order, actor=actor, reason="delivered")
    return shipment


def hear(session: ShopSession, carrier: str, event: CarrierEvent) -> bool:
    """Take in what a carrier tells of a parcel; False where it was told before.

    Raises ParcelNotFound for a number that is none of ours.
    """
    shipment = lock_parcel(session, carrier, event.tracking_number)
    order = lock_order(session, shipment.order_id)
    if not shipping.track(session, shipment, event):
        return False
    catch_up(session, order, actor="carrier", reason="delivered")
    return True


def catch_up(session: ShopSession, order: Order, *, actor: str, reason: str) -> None:
    """Move a locked order to where its parcels are: shipped when the last has left, delivered when
    the last has arrived."""
    session.flush()  # the statements below must see what was just done, also within a saga's step
    parcels = {
        parcel.status
        for parcel in shipments_of(session, [order.id])
        if parcel.status != ShipmentStatus.CANCELED
    }
    if not parcels or ShipmentStatus.PENDING in parcels:
        return
    if ORDER.may(order.state, OrderState.SHIPPED) and not is_left(session, order.id):
        move(session, order, OrderState.SHIPPED, actor=actor, reason=reason)
        announce(session, OrderShipped(order.id))
    arrived = parcels == {ShipmentStatus.DELIVERED}
    if arrived and ORDER.may(order.state, OrderState.DELIVERED):
        move(session, order, OrderState.DELIVERED, actor=actor, reason=reason)
        announce(session, OrderDelivered(order.id))


def _never_paid(
    session: ShopSession, shipment: Shipment, order: Order, *, reason: str, actor: str
) -> None:
    """What becomes of the units of a parcel that took no money: where there is none to take any
    more they are sold again, else they wait for another parcel."""
    if order.state in AT_END:
        for sku_id in sorted(let_rest_go(session, order)):
            session.nudge("inventory.load_gate", id=sku_id)
    elif look(session, order).has_lapsed:
        _begin_refund(session, shipment, order, reason=reason, actor=actor)
    else:
        expire(session, order.id)  # where the money is gone for good, the order goes with it


def _begin_refund(
    session: ShopSession, shipment: Shipment, order: Order, *, reason: str, actor: str
) -> None:
    has_left = shipment.units_left_at is not None
    refund.of_units(
        session,
        order,
        units={item.line: item.qty for item in shipment.items},
        reason=reason,
        actor=actor,
        restock_to=shipment.warehouse_id if has_left else None,
        unshipped=True,
    )


def _stuck(
    session: ShopSession, shipment_id: UUID, merchant_id: UUID | None
) -> tuple[Shipment, Order]:
    shipment = _own(lock_shipment(session, shipment_id), merchant_id)
    if shipment.state != SagaState.NEEDS_ATTENTION:
        raise ShipmentNotStuck(
            f"The parcel is {shipment.status} and needs nobody.",
            shipment_status=str(shipment.status),
        )
    return shipment, lock_order(session, shipment.order_id)


def _own(shipment: Shipment, merchant_id: UUID | None) -> Shipment:
    if merchant_id not in (None, shipment.merchant_id):
        raise ShipmentNotFound("There is no such shipment.")
    return shipment

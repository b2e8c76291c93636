"""What can be done with a checkout on its way: cancel it, or go on with it."""

from uuid import UUID

from app.checkout.errors import CheckoutNotFound, TooLateToCancel
from app.checkout.models import Checkout
from app.platform.db import ShopSession
from app.saga import engine
from app.saga.states import SagaState


def cancel(session: ShopSession, checkout_id: UUID, *, reason: str = "canceled") -> Checkout:
    """Ask a checkout to turn back; what it held is given back by its saga.

    One that ended undone stays so. Raises TooLateToCancel once the order is confirmed.
    """
    asked = engine.ask_to_stop(session, "purchase", checkout_id, reason=reason)
    checkout = _reread(session, checkout_id)
    if not asked and checkout.state == SagaState.CONFIRMED:
        raise TooLateToCancel("The order is confirmed; cancel the order instead.")
    return checkout


def resume(session: ShopSession, checkout_id: UUID) -> Checkout:
    """Go on with a parked checkout after 3-D Secure, or nudge one that waits; an ended one stays as
    it is."""
    engine.wake(session, "purchase", checkout_id, detail={"by": "resume"})
    return _reread(session, checkout_id)


def expire_holds(session: ShopSession, checkout_ids: list[UUID]) -> int:
    """Ask the checkouts whose units were held too long to turn back; gives how many still could.

    Only their own sagas release what they hold.
    """
    return sum(
        engine.ask_to_stop(session, "purchase", checkout_id, reason="expired")
        for checkout_id in sorted(checkout_ids)  # everyone locks in this order
    )


def _reread(session: ShopSession, checkout_id: UUID) -> Checkout:
    checkout = session.get(Checkout, checkout_id, populate_existing=True)
    if checkout is None:
        raise CheckoutNotFound("There is no such checkout.")
    return checkout

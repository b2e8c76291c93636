"""Nudges for what happens to orders after they are bought, and what the clock does to them."""

from app.orders.saga import SAGAS
from app.orders.service import cancel
from app.wiring import providers
from tasks import celery
from tasks.steps import declare

LAPSED_MAX = 100  # orders a run; the next goes on

for saga in SAGAS:
    declare(saga)


@celery.task(name="orders.cancel_expired")
def cancel_expired() -> int:
    """Cancel the orders whose money can be taken no more; gives how many were."""
    ports = providers()
    with ports.db.reading() as session:
        lapsed = cancel.lapsed_orders(session, limit=LAPSED_MAX)
    canceled = 0
    for order_id in lapsed:
        with ports.db.transaction(ports.queue) as session:
            canceled += cancel.expire(session, order_id) is not None
    return canceled

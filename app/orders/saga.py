"""What happens to an order after it is bought, as tables: start reading here.

Each parcel, each refund and so on is a saga of its own; the order's row lock keeps them apart.
"""

from app.orders.models import Cancellation, Return
from app.orders.steps import cancel, capture, fulfilment, refund, returns
from app.payments.models import Capture, Refund
from app.saga.table import NOTHING, Saga, Step
from app.shipping.models import Shipment

FULFILMENT = Saga(
    kind="fulfilment",
    task_prefix="fulfilment",
    model=Shipment,
    steps=(
        Step("capture", do=fulfilment.CAPTURE, undo=NOTHING, pivot=True),
        Step("label", do=fulfilment.LABEL, undo=NOTHING),
        Step("notify", do=fulfilment.notify, undo=NOTHING),
    ),
    seconds_max=6 * 3600,
)

CAPTURE = Saga(
    kind="capture",
    task_prefix="capture",
    model=Capture,
    steps=(Step("capture", do=capture.WHOLE, undo=NOTHING, pivot=True),),
    seconds_max=6 * 3600,
)

REFUND = Saga(
    kind="refund",
    task_prefix="refund",
    model=Refund,
    steps=(
        Step("repay", do=refund.REPAY, undo=NOTHING, pivot=True),
        Step("settle", do=refund.settle, undo=NOTHING),
    ),
    seconds_max=6 * 3600,
    ended=refund.told_at_end,
)

CANCEL = Saga(
    kind="cancel",
    task_prefix="cancel",
    model=Cancellation,
    steps=(
        Step("close", do=cancel.close, undo=NOTHING, pivot=True),
        Step("repay", do=cancel.REPAY, undo=NOTHING),
        Step("settle", do=cancel.settle, undo=NOTHING),
    ),
    seconds_max=24 * 3600,
)

RETURN = Saga(
    kind="return",
    task_prefix="return",
    model=Return,
    steps=(
        Step("approve", do=returns.approve, undo=NOTHING),
        Step("receive", do=returns.receive, undo=NOTHING, pivot=True),
        Step("refund", do=returns.refund, undo=NOTHING),
    ),
    seconds_max=60 * 24 * 3600,
    ended=returns.told_at_end,
)

SAGAS = (FULFILMENT, CAPTURE, REFUND, CANCEL, RETURN)

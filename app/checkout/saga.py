"""The purchase as a table: start reading here.

A cart buys once. Before `confirm` everything can be taken back, and each undo takes back only what
its own checkout recorded; after it only forward.
"""

from app.checkout import steps
from app.checkout.models import Checkout
from app.saga.table import NOTHING, Saga, Step

PURCHASE = Saga(
    kind="purchase",
    task_prefix="checkout",
    model=Checkout,
    steps=(
        Step("reserve", do=steps.reserve, undo=steps.release),
        Step("price", look=steps.rates, do=steps.price, undo=steps.cancel_order),
        Step("authorize", do=steps.AUTHORIZE, undo=steps.VOID),
        Step("confirm", do=steps.confirm, undo=NOTHING, pivot=True),
    ),
    seconds_max=840,
    ended=steps.give_cart_back,
)

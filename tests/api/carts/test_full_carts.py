"""A cart holds so many different things, and says so."""

from app.cart.ports import LINES_MAX
from app.platform.db import Database
from app.platform.ids import encode
from tests.api.carts.conftest import Caller, body, refusal
from tests.factories import make_merchant, make_sku


def test_a_full_cart_takes_more_of_what_is_in_it_and_nothing_else(
    caller: Caller, db: Database
) -> None:
    with db.transaction() as session:
        merchant = make_merchant(session)
        skus = [make_sku(session, merchant=merchant, stock=9) for _ in range(LINES_MAX + 1)]
    *fitting, last = [encode("sku", sku.id) for sku in skus]
    answers = {caller.add(sku_id).status_code for sku_id in fitting}

    one_more = caller.add(last)
    more_of_one = caller.add(fitting[0])

    assert answers <= {200, 201}
    assert refusal(one_more) == (422, "too_many_lines")
    assert body(one_more)["most"] == LINES_MAX
    assert more_of_one.status_code == 200
    assert len(body(more_of_one)["lines"]) == LINES_MAX

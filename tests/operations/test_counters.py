"""Each act of the shop moves the counters it should, and no other."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import delete, select, update

from app.accounts.models import TokenPurpose
from app.adapters.mail.smtp import SmtpMail
from app.catalog.models import Sku
from app.checkout.saga import PURCHASE
from app.notifications import service as letters
from app.notifications.models import Notification
from app.operations import onboarding
from app.orders.service import parcels, returns
from app.orders.service.returns import Wanted
from app.orders.states import Decision
from app.platform.db import Database
from app.platform.ids import new_id
from app.reviews import service as reviews
from app.saga import engine
from app.shipping.models import ShippingRate
from app.wiring import Providers
from tests.api.mailed import mailed
from tests.factories import make_coupon
from tests.notifications.conftest import mail, smtp
from tests.orders.conftest import Bought, Desk, ahead, desk, psp, settings, shop, till
from tests.postbox import Postbox
from tests.reviews.conftest import Say, buyer, say, sku

__all__ = [
    "ahead", "buyer", "desk", "mail", "psp", "say", "settings", "shop", "sku", "smtp", "till",
]  # fmt: skip

COUNTED = {
    "shipments_total", "payment_captures_total", "refunds_total", "order_cancellations_total",
    "returns_total", "coupons_total", "reviews_total", "invoices_total", "letters_total",
    "accounts_total", "merchants_onboarded_total", "reservation_expired_total",
}  # fmt: skip
MONTHS, WEEK, QUARTER_HOUR = 61 * 24 * 3600, 7 * 24 * 3600, 900
PASSWORD = "correct horse battery"

Numbers = dict[str, float]
Act = Callable[[Desk, Any], object]


def _numbers() -> Numbers:
    """Each counted number by its name and the values of its labels."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name in COUNTED
    }


def _grown(before: Numbers) -> Numbers:
    after = _numbers()
    return {
        name: after[name] - before.get(name, 0)
        for name in after
        if after[name] != before.get(name, 0)
    }


def _bought(desk: Desk) -> Bought:
    return desk.buy(2)


def _sent(desk: Desk) -> tuple[Bought, UUID]:
    order = desk.buy(2)
    parcel = desk.ship(order)
    return order, parcel


def _asked(desk: Desk) -> UUID:
    return desk.ask_return(_sent(desk)[0], {1: 1})


def _approved(desk: Desk) -> UUID:
    asked = _asked(desk)
    desk.decide(asked)
    return asked


def _stuck(desk: Desk) -> UUID:
    """A parcel nobody carries; its money was taken."""
    parcel = desk.begin_ship(desk.buy(2))
    with desk.wired.db.transaction() as session:
        session.execute(delete(ShippingRate))
    desk.work()
    return parcel


def _given_elsewhere(desk: Desk) -> Bought:
    """A sent order whose money somebody gave back at the provider."""
    order, _ = _sent(desk)
    payment = desk.payment(order)
    assert payment is not None
    desk.wired.payments.repay(str(payment.psp_ref), 6_000, refund_id=new_id(), key="elsewhere")
    return order


def _offered(desk: Desk) -> str:
    with desk.wired.db.transaction() as session:
        return make_coupon(session, code="ONCE", uses_max=1).code


def _challenged(desk: Desk) -> None:
    """A purchase that waits for its shopper's bank."""
    desk.shop.buy(desk.shop.cart(2), token="pm_card_authenticationRequired")
    desk.work()


def _deliver(desk: Desk, sent: tuple[Bought, UUID]) -> None:
    with desk.wired.db.transaction(desk.wired.queue) as session:
        parcels.delivered(session, sent[1], merchant_id=None, actor="ops")


def _call_off_parcel(desk: Desk, parcel: UUID) -> None:
    desk.call_parcel_off(parcel)
    desk.work()


def _wait(desk: Desk, seconds: float) -> None:
    desk.till.pass_time(seconds)
    desk.shop.sweep()


def _cancel(desk: Desk, order: Bought) -> None:
    desk.cancel(order)
    desk.work()


def _lapse(desk: Desk, _: Bought) -> None:
    desk.till.pass_time(WEEK + 60)
    desk.wired.queue.tasks["orders.cancel_expired"]()
    desk.work()


def _buy(desk: Desk, **given: Any) -> None:
    desk.shop.buy(desk.shop.cart(1), **given)
    desk.work()


def _buy_twice(desk: Desk, code: str) -> None:
    """Two shoppers at once, for whose purchases the same worker looks at the coupon."""
    for _ in range(2):
        desk.shop.buy(desk.shop.cart(1), coupon=code)
    engine.run(PURCHASE, "reserve", None, desk.wired)
    desk.work()


def _take_too_late(desk: Desk, order: Bought) -> None:
    """The provider's week is over before anything is sent."""
    desk.begin_ship(order)
    desk.till.ahead[0] += WEEK + 60
    desk.work()


ACTS: dict[str, tuple[Callable[[Desk], Any], Act, Numbers]] = {
    "a purchase": (lambda _: None, lambda desk, _: desk.buy(2), {}),
    "a parcel leaves": (
        _bought,
        lambda desk, order: desk.ship(order),
        {"shipments_total shipped": 1, "payment_captures_total captured": 1},
    ),
    "a parcel arrives": (_sent, _deliver, {"shipments_total delivered": 1}),
    "a parcel is called off": (
        _stuck,
        _call_off_parcel,
        {"shipments_total canceled": 1, "refunds_total repaid": 1},
    ),
    "money is taken too late": (_bought, _take_too_late, {"payment_captures_total refused": 1}),
    "money goes back": (
        _sent,
        lambda desk, sent: desk.refunded(sent[0], amount=1_000),
        {"refunds_total repaid": 1},
    ),
    "money does not go back": (
        _given_elsewhere,
        lambda desk, order: desk.refunded(order, lines={1: 2}),
        {"refunds_total refused": 1},
    ),
    "an order is canceled": (_bought, _cancel, {"order_cancellations_total ops": 1}),
    "an order lapses": (
        _bought,
        _lapse,
        {"order_cancellations_total expiry": 1, "reservation_expired_total": 1},
    ),
    "a return is asked for": (
        lambda desk: _sent(desk)[0],
        lambda desk, order: desk.ask_return(order, {1: 1}),
        {"returns_total requested": 1},
    ),
    "a return is approved": (
        _asked,
        lambda desk, asked: desk.decide(asked),
        {"returns_total approved": 1},
    ),
    "a return is refused": (
        _asked,
        lambda desk, asked: desk.decide(asked, Decision.REFUSED),
        {"returns_total refused": 1},
    ),
    "a return arrives": (
        _approved,
        lambda desk, asked: desk.receive(asked, {1: (1, 1)}),
        {"returns_total received": 1, "returns_total refunded": 1, "refunds_total repaid": 1},
    ),
    "a return is called off": (
        _asked,
        lambda desk, asked: desk.call_off(asked),
        {"returns_total canceled": 1},
    ),
    "a return never comes": (
        _approved,
        lambda desk, _: _wait(desk, MONTHS),
        {"returns_total expired": 1},
    ),
    "a coupon is used": (
        _offered,
        lambda desk, code: _buy(desk, coupon=code),
        {"coupons_total held": 1, "coupons_total used": 1},
    ),
    "a coupon comes back": (
        _offered,
        lambda desk, code: _buy(desk, coupon=code, token="pm_card_chargeDeclined"),
        {"coupons_total held": 1, "coupons_total released": 1},
    ),
    "a coupon is used up": (
        _offered,
        _buy_twice,
        {"coupons_total held": 1, "coupons_total used": 1, "coupons_total refused": 1},
    ),
    "a declined purchase gives its units back in time": (
        lambda _: None,
        lambda desk, _: _buy(desk, token="pm_card_chargeDeclined"),
        {},
    ),
    "a purchase runs out of time": (
        _challenged,
        lambda desk, _: _wait(desk, QUARTER_HOUR),
        {"reservation_expired_total": 1},
    ),
}


@pytest.mark.parametrize(("before", "act", "grown"), ACTS.values(), ids=ACTS)
def test_an_act_moves_its_counters_and_no_other(
    desk: Desk, before: Callable[[Desk], Any], act: Act, grown: Numbers
) -> None:
    given = before(desk)
    numbers = _numbers()

    act(desk, given)

    assert _grown(numbers) == grown


def test_an_act_that_is_taken_back_is_not_counted(desk: Desk) -> None:
    order, _ = _sent(desk)
    numbers = _numbers()

    with pytest.raises(RuntimeError):
        _ask_and_fail(desk, order)

    assert _grown(numbers) == {}


def _ask_and_fail(desk: Desk, order: Bought) -> None:
    with desk.wired.db.transaction() as session:
        returns.request(session, order.id, lines=[Wanted(1, 1)], reason="size", actor="ops")
        raise RuntimeError("the power failed")


def test_an_order_that_is_sent_has_its_invoice_counted(desk: Desk) -> None:
    desk.ship(desk.buy(2))
    numbers = _numbers()

    desk.publish()
    desk.publish()

    assert _grown(numbers) == {"invoices_total": 1}


def test_letters_are_counted_by_what_became_of_them(
    desk: Desk, mail: SmtpMail, smtp: Postbox
) -> None:
    for _ in range(3):
        desk.buy(1)
    desk.publish()
    numbers = _numbers()

    with desk.wired.db.reading() as session:
        first, second, third = session.scalars(select(Notification.id)).all()
    links = desk.wired.links
    letters.deliver(first, desk.wired.db, mail, links)
    smtp.answer_recipients("550 nobody of that name")
    letters.deliver(second, desk.wired.db, mail, links)
    _erase_recipient(desk.wired.db, third)
    letters.deliver(third, desk.wired.db, mail, links)

    assert _grown(numbers) == {
        "letters_total sent": 1, "letters_total failed": 1, "letters_total withheld": 1,
    }  # fmt: skip


def _erase_recipient(db: Database, letter_id: UUID) -> None:
    with db.transaction() as session:
        session.execute(
            update(Notification)
            .where(Notification.id == letter_id)
            .values(recipient="erased@erased.invalid")
        )


@pytest.mark.unaudited(
    "order_not_paid_once",
    "order_unlike_parcels",
    "parcel_unlike_saga",
    "saga_unlike_journal",
    "units_left_unlike_fulfilled",
    "units_of_order_not_held",
)
def test_reviews_are_counted_by_what_became_of_them(db: Database, sku: Sku, say: Say) -> None:
    written = say(published=False)
    numbers = _numbers()

    with db.transaction() as session:
        reviews.publish(session, written.id, moderator="user:ops")
        reviews.publish(session, written.id, moderator="user:ops")
    with db.transaction() as session:
        reviews.reject(session, written.id, moderator="user:ops", reason="rude")
    with db.transaction() as session:
        words = {"text": "Dry feet."}
        reviews.change(session, written.id, user_id=written.user_id, changes=words)

    assert _grown(numbers) == {
        "reviews_total published": 1, "reviews_total rejected": 1, "reviews_total pending": 1,
    }  # fmt: skip


def test_accounts_are_counted_from_their_opening_to_their_end(
    client: FlaskClient, providers: Providers
) -> None:
    numbers = _numbers()

    who = {"email": "ada@example.com", "password": PASSWORD}
    session = client.post("/v1/auth/register", json=who).json or {}
    proof = {"Authorization": f"Bearer {session['access_token']}"}
    token = mailed(providers, TokenPurpose.VERIFY)
    for _ in range(2):  # a token works once
        client.post("/v1/auth/verify", json={"token": token})
    client.get("/v1/account/export", headers=proof).get_data()
    opened = _grown(numbers)
    client.post("/v1/account/erase", json={"password": PASSWORD}, headers=proof)

    assert opened == {
        "accounts_total registered": 1, "accounts_total verified": 1, "accounts_total exported": 1,
    }  # fmt: skip
    assert _grown(numbers) == opened | {"accounts_total erased": 1}


def test_a_merchant_let_in_is_counted(db: Database) -> None:
    numbers = _numbers()

    with db.transaction() as session:
        onboarding.open_merchant(
            session, name="Mill", slug="mill", currency="EUR", country="DE", owner_email="m@x.org"
        )

    assert _grown(numbers) == {"merchants_onboarded_total": 1}


def test_a_parcel_nobody_carries_is_an_order_that_is_stuck(desk: Desk) -> None:
    before = _stuck_orders(desk)

    _stuck(desk)

    assert before == {"running": 0, "parked": 0, "needs_attention": 0}
    assert _stuck_orders(desk) == before | {"needs_attention": 1}


def _stuck_orders(desk: Desk) -> dict[str, float]:
    lines = desk.shop.client.get("/metrics").text.splitlines()
    told = [line.split() for line in lines if line.startswith("orders_stuck{")]
    return {name.split('"')[1]: float(value) for name, value in told}

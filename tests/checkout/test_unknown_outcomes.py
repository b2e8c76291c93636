"""While money is unknown nothing is released, and nothing is asked for twice."""

import pytest
from sqlalchemy import select

from app.payments.ports import StoredRequest
from app.saga.models import Incident
from app.wiring import Providers
from tests.checkout.conftest import Till


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_before", "error_after"])
def test_one_hold_comes_of_a_call_whose_outcome_was_unknown(till: Till, kind: str) -> None:
    till.psp.emulator.fault(kind=kind, operation="payment_intents.create")
    cart = till.shop.cart()
    answer = till.shop.buy(cart)
    till.shop.work()
    unknown = till.stock(), till.payment().status

    till.wait_out()

    assert unknown == ((9, 1), "pending")
    assert till.shop.look(cart, answer)["state"] == "confirmed"
    assert till.intents() == ["requires_capture"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_cancel_while_money_is_unknown_keeps_the_units_until_it_is_known(
    till: Till, kind: str
) -> None:
    till.psp.emulator.fault(kind=kind, operation="payment_intents.create")
    till.psp.emulator.fault(kind="error_before", operation="payment_intents.list")
    cart = till.shop.cart()
    answer = till.shop.buy(cart)
    till.shop.work()

    status = till.post(cart, answer.json["id"], "cancel")
    till.shop.work()
    kept = till.stock()
    till.wait_out()

    assert (status, kept) == (202, (9, 1))
    assert till.shop.look(cart, answer)["state"] == "canceled"
    assert set(till.intents()) <= {"canceled"}
    assert till.stock() == (10, 0)


def test_at_the_deadline_order_and_units_go_and_the_void_goes_on(till: Till) -> None:
    till.psp.emulator.fault(kind="cut_after", operation="payment_intents.create", times=1_000)
    till.psp.emulator.fault(kind="error_before", operation="payment_intents.list", times=1_000)
    cart = till.shop.cart()
    answer = till.shop.buy(cart)
    till.shop.work()
    till.pass_time(841)
    till.shop.sweep()
    at_deadline = till.stock(), till.orders(), till.shop.look(cart, answer)["state"]

    till.psp.emulator.faults.clear()
    till.wait_out()

    assert at_deadline == ((10, 0), ["canceled"], "running")
    assert till.shop.look(cart, answer)["state"] == "expired"
    assert till.intents() == ["canceled"]
    assert till.stock() == (10, 0)
    assert till.story().count("reserve:compensated") == 1


def test_money_that_arrives_after_its_checkout_is_over_is_let_go_and_journaled(
    till: Till, providers: Providers
) -> None:
    till.psp.emulator.fault(kind="cut_before", operation="payment_intents.create")
    cart = till.shop.cart()
    answer = till.shop.buy(cart)
    till.shop.work()
    till.post(cart, answer.json["id"], "cancel")
    till.wait_out()
    over = till.shop.look(cart, answer)["state"], till.intents()
    payment = till.payment()
    late = StoredRequest(payment.request)
    providers.payments.authorize(late, key=payment.idempotency_key)

    status = till.tell("amount_capturable_updated", till.intent())
    till.shop.work()

    assert over == ("canceled", [])
    assert status == 200
    assert till.intents() == ["canceled"]
    assert till.story()[-1] == "authorize:compensated"
    assert till.shop.look(cart, answer)["state"] == "canceled"


def test_an_event_of_a_payment_nobody_knows_is_answered_and_waits(till: Till) -> None:
    status = till.tell("amount_capturable_updated", "pi_of_nobody")

    till.shop.work()

    assert status == 200
    with till.shop.db.reading() as session:
        assert session.scalars(select(Incident)).all() == []

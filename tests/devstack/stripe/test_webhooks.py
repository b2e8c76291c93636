"""Webhooks: signed, repeated until taken, and in trouble on request."""

import time

import pytest
import stripe

from devstack.stripe import StripeEmulator
from tests.devstack.stripe.shop import SECRET

AUTHORIZED = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
]


@pytest.fixture
def server(open_server, shop):
    return open_server(webhook_url=shop.url, webhook_secret=SECRET)


def test_the_events_of_a_purchase_arrive_in_order_and_signed(payments, shop):
    intent = payments.authorize(metadata={"payment": "p1"})
    payments.intents.capture(intent.id)
    payments.refunds.create({"payment_intent": intent.id})

    arrived = shop.wait_for(8)

    assert arrived == [
        *AUTHORIZED,
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    assert shop.events[2].data.object.amount_capturable == 2000
    assert shop.events[2].data.object.metadata.payment == "p1"


def test_an_event_carries_the_request_that_caused_it(payments, shop):
    intent = payments.authorize(key="k1")

    shop.wait_for(3)

    assert shop.events[0].request.idempotency_key == "k1"
    assert shop.events[0].request.id == intent.last_response.request_id


def test_an_event_shows_the_object_as_it_was_then(payments, shop):
    intent = payments.create()
    payments.intents.cancel(intent.id)

    shop.wait_for(2)

    assert [event.data.object.status for event in shop.events] == [
        "requires_payment_method",
        "canceled",
    ]


def test_a_wrong_secret_is_noticed(payments, shop):
    payments.create()
    shop.wait_for(1)
    payload = str(shop.events[0]).encode()

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, "t=1,v1=00", SECRET)


def test_an_event_is_repeated_until_it_is_taken(payments, shop, emulator):
    shop.answers = [500, 503]

    payments.create()

    shop.wait_for(3)
    assert len({event.id for event in shop.events}) == 1
    _settled(emulator)
    assert payments.events.retrieve(shop.events[0].id).type == "payment_intent.created"


def test_a_replay_sends_nothing_again(payments, shop, emulator):
    payments.authorize(key="k1")
    payments.authorize(key="k1")
    _settled(emulator)

    assert shop.wait_for(3) == AUTHORIZED


def test_an_event_may_come_twice(payments, shop, emulator):
    emulator.fault(operation="payment_intent.created", kind="webhook_repeat")

    payments.create()

    shop.wait_for(2)
    _settled(emulator)
    assert [event.id for event in shop.events] == [shop.events[0].id] * 2


def test_an_event_may_come_late(payments, shop, emulator):
    emulator.fault(operation="payment_intent.created", kind="webhook_delay", seconds=0.3)

    payments.authorize()

    assert shop.wait_for(3) == [*AUTHORIZED[1:], AUTHORIZED[0]]


def test_events_may_overtake_each_other(payments, shop, emulator):
    emulator.fault(operation="payment_intents.create", kind="webhook_reorder", seconds=30)

    payments.authorize()

    assert shop.wait_for(3) == [AUTHORIZED[1], AUTHORIZED[0], AUTHORIZED[2]]


def test_an_event_nothing_overtakes_comes_by_itself(payments, shop, emulator):
    emulator.fault(operation="*", kind="webhook_reorder", seconds=0.1)

    payments.create()

    assert shop.wait_for(1) == ["payment_intent.created"]


def test_a_cut_answer_still_sends_its_events(payments, shop, emulator):
    emulator.fault(operation="payment_intents.create", kind="cut_after")

    with pytest.raises(stripe.APIConnectionError):
        payments.authorize()

    assert shop.wait_for(3) == AUTHORIZED


def test_an_answered_question_sends_its_events(payments, shop, emulator):
    intent = payments.authorize("pm_card_threeDSecure2Required")

    emulator.answer_authentication(intent.id, approved=True)

    assert shop.wait_for(4)[1:] == ["payment_intent.requires_action", *AUTHORIZED[1:]]


def test_events_not_taken_are_sent_after_a_restart(open_payments, open_server, tmp_path, shop):
    data = str(tmp_path / "stripe.sqlite3")
    nobody = "http://127.0.0.1:9/events"
    first = open_server(data=data, webhook_url=nobody, webhook_secret=SECRET)
    open_payments(first.url).create()

    second = StripeEmulator(data, webhook_url=shop.url, webhook_secret=SECRET)

    assert shop.wait_for(1) == ["payment_intent.created"]
    _settled(second)
    second.close()


def _settled(emulator: StripeEmulator) -> None:
    deadline = time.monotonic() + 20
    while not emulator.state()["webhooks_idle"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)

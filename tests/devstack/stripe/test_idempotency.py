"""Idempotency keys: the same key is the same act once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe


def test_the_same_key_and_body_is_answered_with_the_first_answer(payments):
    first = payments.authorize(key="k1")

    second = payments.authorize(key="k1")

    assert second.id == first.id
    assert second.last_response.body == first.last_response.body
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert second.last_response.headers["Original-Request"] == first.last_response.request_id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(payments.intents.list().data) == 1


def test_without_a_key_each_request_is_an_act(payments):
    payments.authorize()
    payments.authorize()

    assert len(payments.intents.list().data) == 2


def test_the_replay_shows_the_intent_as_it_was(payments):
    intent = payments.authorize(key="k1")
    payments.intents.cancel(intent.id)

    assert payments.authorize(key="k1").status == "requires_capture"


def test_the_same_key_with_another_body_is_refused(payments):
    payments.authorize(key="k1")

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        payments.authorize(key="k1", amount=2001)

    assert refusal.value.http_status == 400
    assert refusal.value.error.type == "idempotency_error"
    assert len(payments.intents.list().data) == 1


def test_the_same_key_for_another_call_is_refused(payments):
    intent = payments.authorize(key="k1")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        payments.intents.cancel(intent.id, options={"idempotency_key": "k1"})

    assert payments.intents.retrieve(intent.id).status == "requires_capture"


def test_a_decline_is_kept_under_its_key(payments):
    answers = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            payments.authorize("pm_card_chargeDeclined", key="k1")
        answers.append(refusal.value)

    assert answers[0].http_body == answers[1].http_body
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len(payments.intents.list().data) == 1


def test_a_refusal_of_the_act_is_kept_under_its_key(payments):
    intent = payments.create(payment_method="pm_card_visa")
    capture = {"options": {"idempotency_key": "k1"}}
    with pytest.raises(stripe.InvalidRequestError):
        payments.intents.capture(intent.id, **capture)
    payments.intents.confirm(intent.id, {"capture_method": "manual"})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.capture(intent.id, **capture)

    assert refusal.value.headers["Idempotent-Replayed"] == "true"
    assert payments.intents.retrieve(intent.id).status == "requires_capture"


def test_a_body_that_was_never_right_is_not_kept(payments):
    with pytest.raises(stripe.InvalidRequestError, match="Invalid integer"):
        payments.authorize(key="k1", amount="a lot")

    assert payments.authorize(key="k1").status == "requires_capture"


def test_a_stored_500_is_answered_again(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="error_after")
    answers = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as trouble:
            payments.authorize(key="k1")
        answers.append(trouble.value)

    assert [answer.http_status for answer in answers] == [500, 500]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    (intent,) = payments.intents.list().data
    assert intent.status == "requires_capture"


def test_a_key_in_use_is_refused(payments, emulator, server, open_payments):
    emulator.fault(operation="payment_intents.create", kind="slow", seconds=0.5)
    other = open_payments(server.url)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(payments.authorize, key="k1")
        while emulator.faults:  # the first holds its key before it uses the fault up
            threading.Event().wait(0.01)

        with pytest.raises(stripe.APIError) as refusal:
            other.authorize(key="k1")

        assert first.result().status == "requires_capture"
    assert refusal.value.http_status == 409
    assert refusal.value.error.code == "idempotency_key_in_use"
    assert other.authorize(key="k1").id == first.result().id


def test_a_key_used_by_many_at_once_acts_once(server, open_payments):
    clients = [open_payments(server.url) for _ in range(8)]

    def attempt(client):
        try:
            return client.authorize(key="k1").id
        except stripe.APIError as refusal:
            return refusal.http_status

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, clients))

    (intent,) = clients[0].intents.list().data
    assert set(answers) - {409} == {intent.id}


def test_a_key_is_forgotten_after_a_day(payments, clock):
    first = payments.authorize(key="k1")
    clock.forward(86399)
    assert payments.authorize(key="k1").id == first.id
    clock.forward(1)

    assert payments.authorize(key="k1", amount=2500).id != first.id


def test_a_key_has_at_most_255_characters(payments):
    assert payments.authorize(key="k" * 255).id

    with pytest.raises(stripe.InvalidRequestError, match="255 characters"):
        payments.authorize(key="k" * 256)


def test_reading_takes_no_key(payments):
    intent = payments.authorize()

    for state in ("requires_capture", "canceled"):
        read = payments.intents.retrieve(intent.id, options={"idempotency_key": "k1"})
        assert read.status == state
        if state == "requires_capture":
            payments.intents.cancel(intent.id)


def test_captures_cancels_and_refunds_keep_their_answers(payments):
    intent = payments.pay()
    body, options = {"payment_intent": intent.id, "amount": 100}, {"idempotency_key": "r1"}

    refunds = {payments.refunds.create(body, options).id for _ in range(3)}

    assert len(refunds) == 1
    assert payments.charges.retrieve(intent.latest_charge).amount_refunded == 100

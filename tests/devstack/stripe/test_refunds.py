"""Refunds: their limits, and what they leave on the charge."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe


def test_a_refund_gives_all_of_it_back(payments):
    intent = payments.pay()

    refund = payments.refunds.create(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"r": "1"}}
    )

    assert (refund.amount, refund.status, refund.charge) == (
        2000,
        "succeeded",
        intent.latest_charge,
    )
    charge = payments.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (True, 2000)
    assert payments.refunds.retrieve(refund.id).metadata.to_dict() == {"r": "1"}
    assert payments.happened()[-2:] == ["refund.created", "charge.refunded"]


def test_refunds_in_parts_stop_at_what_was_captured(payments):
    intent = payments.pay()
    payments.refunds.create({"charge": intent.latest_charge, "amount": 1500})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.refunds.create({"payment_intent": intent.id, "amount": 501})

    assert refusal.value.param == "amount"
    assert refusal.value.user_message == (
        "Refund amount ($5.01) is greater than unrefunded amount on charge ($5.00)"
    )
    assert payments.refunds.create({"payment_intent": intent.id}).amount == 500


def test_a_refund_above_the_charge_is_refused(payments):
    intent = payments.pay()

    with pytest.raises(stripe.InvalidRequestError, match=r"greater than charge amount \(\$20.00\)"):
        payments.refunds.create({"payment_intent": intent.id, "amount": 2001})

    assert payments.charges.retrieve(intent.latest_charge).amount_refunded == 0


def test_a_refunded_charge_is_not_refunded_again(payments):
    intent = payments.pay()
    payments.refunds.create({"payment_intent": intent.id})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.refunds.create({"payment_intent": intent.id})

    assert refusal.value.code == "charge_already_refunded"


def test_only_what_was_captured_can_be_refunded(payments):
    intent = payments.authorize()
    payments.intents.capture(intent.id, {"amount_to_capture": 1500})

    with pytest.raises(stripe.InvalidRequestError, match=r"\(\$15.00\)"):
        payments.refunds.create({"payment_intent": intent.id, "amount": 1501})

    assert payments.refunds.create({"payment_intent": intent.id}).amount == 1500
    assert payments.charges.retrieve(intent.latest_charge).refunded


def test_captured_parts_can_be_refunded_before_the_last(payments):
    several = {"card": {"request_multicapture": "if_available"}}
    intent = payments.authorize(payment_method_options=several)
    payments.intents.capture(intent.id, {"amount_to_capture": 700, "final_capture": False})

    payments.refunds.create({"payment_intent": intent.id, "amount": 700})

    assert not payments.charges.retrieve(intent.latest_charge).refunded
    with pytest.raises(stripe.InvalidRequestError):
        payments.refunds.create({"payment_intent": intent.id, "amount": 1})


@pytest.mark.parametrize("state", ["requires_payment_method", "requires_capture", "canceled"])
def test_what_was_not_taken_cannot_be_given_back(payments, state):
    intent = payments.create() if state == "requires_payment_method" else payments.authorize()
    if state == "canceled":
        payments.intents.cancel(intent.id)

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        payments.refunds.create({"payment_intent": intent.id})


@pytest.mark.parametrize("name", ["payment_intent", "charge"])
def test_a_refund_of_something_unknown_is_missing(payments, name):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.refunds.create({name: "xx_no"})

    assert (refusal.value.code, refusal.value.param) == ("resource_missing", name)


def test_a_refund_says_of_what(payments):
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        payments.refunds.create({"amount": 100})


def test_a_charge_of_another_payment_is_refused(payments):
    first, second = payments.pay(), payments.pay()

    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        payments.refunds.create({"payment_intent": first.id, "charge": second.latest_charge})


def test_refunds_are_listed_by_payment_and_by_charge(payments):
    first, second = payments.pay(), payments.pay()
    parts = [
        payments.refunds.create({"payment_intent": first.id, "amount": 100}).id for _ in range(2)
    ]
    payments.refunds.create({"payment_intent": second.id})

    by_intent = payments.refunds.list({"payment_intent": first.id, "expand": ["data.charge"]})
    by_charge = payments.refunds.list({"charge": first.latest_charge})

    assert [refund.id for refund in by_intent.data] == parts[::-1]
    assert by_intent.data[0].charge.amount_refunded == 200
    assert [refund.id for refund in by_charge.data] == parts[::-1]


def test_refunds_at_once_give_back_no_more_than_was_taken(server, open_payments):
    clients = [open_payments(server.url) for _ in range(8)]
    intent = clients[0].pay()

    def attempt(client):
        try:
            return client.refunds.create({"payment_intent": intent.id, "amount": 600}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        given_back = list(pool.map(attempt, clients))

    assert sum(given_back) == 1800
    assert clients[0].charges.retrieve(intent.latest_charge).amount_refunded == 1800


def test_a_refund_to_a_closed_card_succeeds_and_comes_back_later(payments, clock):
    intent = payments.pay("pm_card_refundFail")
    refund = payments.refunds.create({"payment_intent": intent.id, "amount": 800})

    clock.forward(3600)
    failed = payments.refunds.retrieve(refund.id)

    assert (refund.status, failed.status) == ("succeeded", "failed")
    assert failed.failure_reason == "expired_or_canceled_card"
    assert payments.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert payments.happened()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert payments.refunds.create({"payment_intent": intent.id}).amount == 2000


def test_a_pending_refund_arrives_later(payments, clock):
    intent = payments.pay("pm_card_pendingRefund")
    refund = payments.refunds.create({"payment_intent": intent.id})
    counted = payments.charges.retrieve(intent.latest_charge).amount_refunded

    clock.forward(3600)

    assert (refund.status, counted) == ("pending", 2000)
    assert payments.refunds.retrieve(refund.id).status == "succeeded"
    assert payments.happened()[-2:] == ["refund.updated", "charge.refund.updated"]


@pytest.mark.parametrize(("answer", "status"), [("succeed", "succeeded"), ("fail", "failed")])
def test_a_test_may_answer_a_refund_for_the_bank(payments, server, answer, status):
    intent = payments.pay()
    refund = payments.refunds.create({"payment_intent": intent.id})

    told = requests.post(f"{server.url}/_test/refunds/{refund.id}/{answer}", timeout=5)

    assert told.json() == {"id": refund.id, "status": status}
    assert payments.refunds.retrieve(refund.id).status == status


def test_a_refund_that_failed_is_over(payments, server):
    intent = payments.pay()
    refund = payments.refunds.create({"payment_intent": intent.id})
    address = f"{server.url}/_test/refunds"
    requests.post(f"{address}/{refund.id}/fail", timeout=5)

    again = requests.post(f"{address}/{refund.id}/succeed", timeout=5)
    unknown = requests.post(f"{address}/re_no/fail", timeout=5)

    assert (again.status_code, unknown.status_code) == (400, 404)
    assert payments.refunds.retrieve(refund.id).status == "failed"

"""Faults on request: what goes wrong, and what was done by then."""

import time
from contextlib import suppress

import pytest
import requests
import stripe


def test_a_429_did_nothing_and_can_be_repeated(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="rate_limit")
    with pytest.raises(stripe.RateLimitError):
        payments.authorize(key="k1")
    assert payments.intents.list().data == []

    assert payments.authorize(key="k1").status == "requires_capture"


def test_a_500_before_acting_did_nothing(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="error_before")
    with pytest.raises(stripe.APIError):
        payments.authorize(key="k1")
    assert payments.intents.list().data == []

    assert payments.authorize(key="k1").status == "requires_capture"


def test_a_connection_cut_before_acting_did_nothing(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="cut_before")

    with pytest.raises(stripe.APIConnectionError):
        payments.authorize(key="k1")

    assert payments.intents.list().data == []
    assert payments.authorize(key="k1").id


def test_a_connection_cut_after_acting_did_it_and_the_key_tells(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="cut_after")
    with pytest.raises(stripe.APIConnectionError):
        payments.authorize(key="k1")

    again = payments.authorize(key="k1")

    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert [intent.id for intent in payments.intents.list().data] == [again.id]


def test_a_cut_without_a_key_leaves_an_orphan(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="cut_after")
    with pytest.raises(stripe.APIConnectionError):
        payments.authorize()

    payments.authorize()

    assert len(payments.intents.list().data) == 2


def test_a_fault_happens_as_often_as_it_says(payments, emulator):
    emulator.fault(operation="payment_intents.capture", kind="error_before", times=2)
    intent = payments.authorize()

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            payments.intents.capture(intent.id)

    assert payments.intents.capture(intent.id).status == "succeeded"


def test_a_fault_may_be_meant_for_one_payment(payments, emulator):
    mine = {"metadata": {"payment": "mine"}}
    emulator.fault(operation="*", kind="rate_limit", times=2, match=mine)
    other = payments.authorize(metadata={"payment": "other"})

    with pytest.raises(stripe.RateLimitError):
        payments.authorize(metadata={"payment": "mine"})

    assert payments.intents.cancel(other.id).status == "canceled"
    emulator.faults.clear()
    intent = payments.authorize(metadata={"payment": "mine"})
    emulator.fault(operation="payment_intents.cancel", kind="rate_limit", match=mine)
    with pytest.raises(stripe.RateLimitError):
        payments.intents.cancel(intent.id)


def test_a_slow_answer_comes_all_the_same(payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="slow", seconds=0.05)

    assert payments.authorize().status == "requires_capture"
    assert emulator.faults.waiting() == []


def test_a_client_that_gives_up_on_a_slow_answer_finds_it_under_its_key(server, payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="slow", seconds=0.3)
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{server.url}/v1/payment_intents",
            data={"amount": "2000", "currency": "usd", "payment_method_types[0]": "card"},
            headers={"Authorization": "Bearer sk_test_x", "Idempotency-Key": "k1"},
            timeout=0.1,
        )
    emulator.faults.clear()

    intent = _answer_once_the_key_is_free(payments)

    assert intent.last_response.headers["Idempotent-Replayed"] == "true"
    assert [one.id for one in payments.intents.list().data] == [intent.id]


def test_faults_are_asked_for_over_http(server, payments):
    faults = f"{server.url}/_faults"
    wanted = {"operation": "payment_intents.create", "kind": "rate_limit", "times": 3}

    added = requests.post(faults, json=wanted, timeout=5)

    assert added.status_code == 200
    with pytest.raises(stripe.RateLimitError):
        payments.create()
    (waiting,) = requests.get(faults, timeout=5).json()["faults"]
    assert (waiting["kind"], waiting["times"]) == ("rate_limit", 2)
    assert requests.delete(faults, timeout=5).json() == {"faults": []}
    assert payments.create().id


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", "kind must be a string"),
        (b'{"kind": "earthquake"}', "unknown kind"),
        (b'{"kind": "slow", "operation": "teapots.brew"}', "unknown operation"),
        (b'{"kind": "webhook_delay", "operation": "teapot.brewed"}', "unknown operation"),
        (b'{"kind": "slow", "times": 0}', "times"),
        (b'{"kind": "slow", "times": "2"}', "whole number"),
        (b'{"kind": "slow", "seconds": -1}', "seconds"),
        (b'{"kind": "slow", "seconds": "x"}', "seconds must be a number"),
        (b'{"kind": "slow", "match": {"id": {}}}', "metadata only"),
        (b'{"kind": "slow", "match": {"metadata": 1}}', "match must look like"),
        (b'{"kind": "slow", "colour": "red"}', "unknown field"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(server, emulator, body, reason):
    answer = requests.post(f"{server.url}/_faults", data=body, timeout=5)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]
    assert emulator.faults.waiting() == []


def test_requests_are_counted_by_operation_and_key(server, payments):
    payments.authorize(key="k1")
    intent = payments.authorize(key="k1")
    payments.intents.retrieve(intent.id)

    counted = requests.get(f"{server.url}/_test/requests", timeout=5).json()["requests"]

    assert {"operation": "payment_intents.create", "idempotency_key": "k1", "count": 2} in counted
    assert {
        "operation": "payment_intents.retrieve",
        "idempotency_key": None,
        "count": 1,
    } in counted


def test_the_state_is_counted_and_a_reset_forgets_it(server, payments, emulator):
    payments.authorize(key="k1")
    payments.pay()
    emulator.fault(kind="slow", seconds=1)

    state = requests.get(f"{server.url}/_test/state", timeout=5).json()
    after = requests.post(f"{server.url}/_test/reset", timeout=5).json()

    assert state["payment_intents"] == {"requires_capture": 1, "succeeded": 1}
    assert state["objects"]["charge"] == 2
    assert (after["payment_intents"], after["objects"], after["faults"]) == ({}, {}, [])
    assert "Idempotent-Replayed" not in payments.authorize(key="k1").last_response.headers


def _answer_once_the_key_is_free(payments):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(stripe.APIError):  # 409: the act goes on after its client has gone
            return payments.create(key="k1")
        time.sleep(0.02)
    return pytest.fail("the key stayed in use")

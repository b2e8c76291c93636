"""The contract of the payment port: holding money, and not knowing whether it is held."""

from threading import Thread

import pytest

from app.payments.errors import NotAtProvider, OutcomeUnknown, Silence
from app.payments.ports import StoredRequest
from app.platform.ids import new_id
from app.platform.seams import CallInsideTransaction, transaction_open
from tests.adapters.payments.conftest import World

DECLINES = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedLostCard": "lost_card",
    "pm_card_chargeDeclinedStolenCard": "stolen_card",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
    "pm_card_chargeDeclinedIncorrectCvc": "incorrect_cvc",
    "pm_card_chargeDeclinedProcessingError": "processing_error",
    "pm_card_chargeDeclinedFraudulent": "fraudulent",
}


def test_money_is_held_and_not_taken(world: World) -> None:
    hold = world.hold()

    assert (hold.status, hold.amount, hold.currency) == ("authorized", 4_200, "EUR")
    assert (hold.captured, hold.refunded) == (0, 0)
    assert hold.metadata["payment_id"] == str(world.ids["payment_id"])


@pytest.mark.parametrize(("token", "reason"), DECLINES.items())
def test_a_declined_card_is_an_answer_with_the_banks_reason(
    world: World, token: str, reason: str
) -> None:
    hold = world.hold(token)

    assert hold.status == "declined"
    assert hold.reference is not None
    assert hold.decline is not None
    assert hold.decline["reason"] == reason
    assert hold.decline["message"]


def test_an_unknown_card_is_refused_and_leaves_nothing_behind(world: World) -> None:
    hold = world.hold("pm_card_of_nobody")

    assert (hold.status, hold.reference) == ("declined", None)
    assert hold.decline is not None
    assert hold.decline["reason"] == "resource_missing"
    assert world.made() == 0


def test_an_amount_too_small_is_refused(world: World) -> None:
    hold = world.provider.authorize(world.request(amount=1), key="key-1")

    assert (hold.status, hold.reference) == ("declined", None)
    assert hold.decline is not None
    assert hold.decline["reason"] == "amount_too_small"


def test_three_d_secure_shows_where_the_shopper_must_go(world: World) -> None:
    hold = world.hold("pm_card_authenticationRequired")

    assert hold.status == "requires_action"
    assert hold.next_action is not None
    assert hold.next_action["type"] == "redirect_to_url"
    assert hold.next_action["url"].startswith("http://")


@pytest.mark.parametrize(("approved", "status"), [(True, "authorized"), (False, "declined")])
def test_the_shoppers_answer_to_three_d_secure_is_seen(
    world: World, approved: bool, status: str
) -> None:
    asked = world.hold("pm_card_authenticationRequired")
    assert asked.reference is not None
    world.emulator.answer_authentication(asked.reference, approved=approved)

    hold = world.provider.retrieve(asked.reference)

    assert hold.status == status
    assert (hold.decline is not None) == (status == "declined")


def test_the_same_key_twice_makes_one_hold(world: World) -> None:
    request = world.request()

    holds = [world.provider.authorize(request, key="key-1") for _ in range(2)]

    assert holds[0].reference == holds[1].reference
    assert world.made() == 1


def test_a_request_kept_in_another_order_is_the_same_request(world: World) -> None:
    request = world.request()
    reordered = StoredRequest(dict(reversed(request.body.items())))

    holds = [world.provider.authorize(one, key="key-1") for one in (request, reordered)]

    assert holds[0].reference == holds[1].reference


def test_a_repeat_gives_the_hold_as_it_is_now(world: World) -> None:
    request = world.request("pm_card_authenticationRequired")
    asked = world.provider.authorize(request, key="key-1")
    assert asked.reference is not None
    world.emulator.answer_authentication(asked.reference, approved=True)

    hold = world.provider.authorize(request, key="key-1")

    assert (hold.reference, hold.status) == (asked.reference, "authorized")


def test_a_repeated_decline_keeps_its_reason(world: World) -> None:
    request = world.request("pm_card_chargeDeclinedLostCard")

    holds = [world.provider.authorize(request, key="key-1") for _ in range(2)]

    assert [hold.decline and hold.decline["reason"] for hold in holds] == ["lost_card"] * 2
    assert holds[0].reference == holds[1].reference


def test_a_key_with_another_request_leaves_only_looking(world: World) -> None:
    world.hold(key="key-1")

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.authorize(world.request(amount=4_300), key="key-1")

    assert (unknown.value.silence, unknown.value.look) == (Silence.KEY_MISMATCH, True)
    assert world.made() == 1


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "rate_limit"])
def test_trouble_before_anything_was_done_is_unknown_and_a_repeat_makes_the_hold(
    world: World, kind: str
) -> None:
    world.emulator.fault(kind=kind, operation="payment_intents.create")
    request = world.request()

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.authorize(request, key="key-1")
    made_before = world.made()
    hold = world.provider.authorize(request, key="key-1")

    assert not unknown.value.look
    assert made_before == 0
    assert hold.status == "authorized"


def test_a_connection_cut_after_the_hold_was_made_finds_it_by_the_same_key(world: World) -> None:
    world.emulator.fault(kind="cut_after", operation="payment_intents.create")
    request = world.request()

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.authorize(request, key="key-1")
    hold = world.provider.authorize(request, key="key-1")

    assert unknown.value.silence == Silence.NO_ANSWER
    assert hold.status == "authorized"
    assert world.made() == 1


def test_a_failure_stored_under_the_key_leaves_only_looking(world: World) -> None:
    world.emulator.fault(kind="error_after", operation="payment_intents.create")
    request = world.request()

    silences = []
    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as unknown:
            world.provider.authorize(request, key="key-1")
        silences.append((unknown.value.silence, unknown.value.look))
    found = world.find()

    assert silences == [(Silence.SERVER_ERROR, False), (Silence.STORED_FAILURE, True)]
    assert found is not None
    assert found.status == "authorized"
    assert world.made() == 1


def test_a_slow_provider_is_not_waited_for_for_ever(world: World) -> None:
    world.emulator.fault(kind="slow", operation="payment_intents.create", seconds=1.0)

    with pytest.raises(OutcomeUnknown) as unknown:
        world.impatient.authorize(world.request(), key="key-1")

    assert unknown.value.silence == Silence.NO_ANSWER


def test_a_key_still_in_use_is_unknown_and_can_be_repeated(world: World) -> None:
    world.emulator.fault(kind="slow", operation="payment_intents.create", seconds=1.0)
    request = world.request()
    first = Thread(target=world.provider.authorize, args=(request,), kwargs={"key": "key-1"})
    first.start()
    while not world.emulator.requests():
        first.join(0.01)

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.authorize(request, key="key-1")
    first.join()
    hold = world.provider.authorize(request, key="key-1")

    assert (unknown.value.silence, unknown.value.look) == (Silence.KEY_IN_USE, False)
    assert hold.status == "authorized"
    assert world.made() == 1


def test_a_bank_that_has_not_answered_is_processing(world: World) -> None:
    world.emulator.fault(kind="processing", operation="payment_intents.create")

    hold = world.hold()

    assert hold.status == "processing"


def test_a_provider_that_is_not_there_is_unknown(world: World) -> None:
    from tests.adapters.payments.conftest import ADAPTERS

    nobody = ADAPTERS[world.provider.name]("http://127.0.0.1:9", 1.0)

    with pytest.raises(OutcomeUnknown) as unknown:
        nobody.authorize(world.request(), key="key-1")

    assert unknown.value.silence == Silence.NO_ANSWER


def test_a_reference_nobody_made_is_not_at_the_provider(world: World) -> None:
    with pytest.raises(NotAtProvider):
        world.provider.retrieve("pi_of_nobody")


def test_no_call_leaves_while_a_transaction_is_open(world: World) -> None:
    request = world.request()
    calls = [
        lambda: world.provider.authorize(request, key="key-1"),
        lambda: world.provider.retrieve("pi_1"),
        lambda: world.provider.void("pi_1", key="key-2"),
        lambda: world.provider.refund("pi_1", key="key-3"),
        lambda: world.provider.capture("pi_1", 1, capture_id=new_id(), final=True, key="key-4"),
        lambda: world.provider.repay("pi_1", 1, refund_id=new_id(), key="key-5"),
        lambda: world.provider.repayments("pi_1"),
        world.find,
    ]

    for call in calls:
        with transaction_open(), pytest.raises(CallInsideTransaction):
            call()

    assert world.emulator.requests() == []

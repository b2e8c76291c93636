"""The contract of the payment port: held money is taken once, whole or in parts."""

from datetime import timedelta

import pytest

from app.payments.errors import CaptureRefused, NotAtProvider, OutcomeUnknown, Silence
from app.payments.ports import Hold
from app.platform.ids import new_id
from tests.adapters.payments.conftest import World

WEEK = 7 * 86_400


def _held(world: World, *, several: bool = True) -> str:
    if not several:
        world.emulator.fault(kind="multicapture_off", operation="payment_intents.create")
    made = world.hold()
    assert made.reference is not None
    return made.reference


def _take(
    world: World, reference: str, amount: int, *, final: bool = False, key: str = "c-1"
) -> Hold:
    return world.provider.capture(reference, amount, capture_id=new_id(), final=final, key=key)


@pytest.mark.parametrize("several", [True, False])
def test_a_hold_tells_whether_it_is_taken_in_parts_and_until_when(
    world: World, several: bool
) -> None:
    if not several:
        world.emulator.fault(kind="multicapture_off", operation="payment_intents.create")

    made = world.hold()
    looked = world.provider.retrieve(str(made.reference))

    assert made.multicapture is looked.multicapture is several
    assert made.capture_before == looked.capture_before
    assert made.capture_before is not None
    assert abs(made.capture_before - world.ago(-WEEK)) < timedelta(minutes=1)


def test_a_hold_nobody_can_take_tells_neither(world: World) -> None:
    asked = world.hold("pm_card_authenticationRequired")

    assert (asked.multicapture, asked.capture_before) == (False, None)


def test_the_whole_hold_is_taken_at_once(world: World) -> None:
    reference, capture_id = _held(world), new_id()

    hold = world.provider.capture(reference, 4_200, capture_id=capture_id, final=True, key="c-1")

    assert (hold.status, hold.captured, hold.refunded) == ("captured", 4_200, 0)
    assert hold.captures == {capture_id}
    assert hold.metadata["payment_id"] == str(world.ids["payment_id"])


def test_a_hold_is_taken_in_parts_and_remembers_each(world: World) -> None:
    reference, ids = _held(world), [new_id() for _ in range(3)]

    holds = [
        world.provider.capture(
            reference, amount, capture_id=identity, final=amount == 700, key=f"c-{amount}"
        )
        for identity, amount in zip(ids, (1_000, 2_000, 700), strict=True)
    ]

    assert [hold.captured for hold in holds] == [1_000, 3_000, 3_700]
    assert [hold.status for hold in holds] == ["authorized", "authorized", "captured"]
    assert holds[-1].captures == set(ids)
    assert holds[-1].refunded == 0  # what was never taken was not given back either


def test_a_last_part_that_is_all_that_was_left_closes_the_hold(world: World) -> None:
    reference = _held(world)
    _take(world, reference, 1_000, key="c-1")

    hold = _take(world, reference, 3_200, key="c-2")

    assert (hold.status, hold.captured) == ("captured", 4_200)


def test_where_it_is_taken_once_the_rest_is_let_go_and_is_no_refund(world: World) -> None:
    reference = _held(world, several=False)

    hold = _take(world, reference, 3_000, final=True)

    assert (hold.status, hold.captured, hold.refunded) == ("captured", 3_000, 0)


def test_the_same_key_twice_takes_the_money_once(world: World) -> None:
    reference, capture_id = _held(world), new_id()

    holds = [
        world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")
        for _ in range(2)
    ]

    assert [hold.captured for hold in holds] == [1_000, 1_000]


def test_a_repeat_gives_the_hold_as_it_is_now(world: World) -> None:
    reference, capture_id = _held(world), new_id()
    world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")
    _take(world, reference, 2_000, key="c-2")

    hold = world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")

    assert hold.captured == 3_000


def test_a_capture_tells_what_was_given_back_meanwhile(world: World) -> None:
    reference = _held(world)
    _take(world, reference, 1_000, key="c-1")
    world.provider.repay(reference, 400, refund_id=new_id(), key="r-1")

    hold = _take(world, reference, 2_000, key="c-2")

    assert (hold.captured, hold.refunded) == (3_000, 400)


def test_what_was_taken_in_full_already_is_given_as_it_is(world: World) -> None:
    reference = _held(world)
    world.capture(reference)

    hold = _take(world, reference, 1_000)

    assert (hold.status, hold.captured, hold.captures) == ("captured", 4_200, frozenset())


def test_a_hold_whose_time_is_over_cannot_be_taken(world: World) -> None:
    reference = _held(world)
    world.advance(WEEK)

    with pytest.raises(CaptureRefused) as refusal:
        _take(world, reference, 4_200, final=True)

    assert refusal.value.reason == "authorization_expired"


def test_an_expired_authorization_is_a_no_before_its_hold_is_gone(world: World) -> None:
    reference = _held(world)
    world.emulator.fault(kind="capture_expired", operation="payment_intents.capture")

    with pytest.raises(CaptureRefused) as refusal:
        _take(world, reference, 4_200, final=True)

    assert refusal.value.reason == "authorization_expired"
    assert world.provider.retrieve(reference).status == "authorized"


def test_a_part_of_a_hold_that_cannot_be_taken_in_parts_is_refused(world: World) -> None:
    reference = _held(world, several=False)

    with pytest.raises(CaptureRefused) as refusal:
        _take(world, reference, 1_000, final=False)

    assert refusal.value.reason == "multicapture_unavailable"
    assert world.provider.retrieve(reference).captured == 0


def test_more_than_is_held_cannot_be_taken(world: World) -> None:
    reference = _held(world)
    _take(world, reference, 4_000, key="c-1")

    with pytest.raises(CaptureRefused) as refusal:
        _take(world, reference, 201, key="c-2")

    assert refusal.value.reason == "amount_too_large"
    assert world.provider.retrieve(reference).captured == 4_000


def test_what_waits_for_the_shopper_cannot_be_taken(world: World) -> None:
    asked = world.hold("pm_card_authenticationRequired")

    with pytest.raises(CaptureRefused) as refusal:
        _take(world, str(asked.reference), 4_200, final=True)

    assert refusal.value.reason == "payment_intent_unexpected_state"


def test_a_hold_nobody_made_cannot_be_taken(world: World) -> None:
    with pytest.raises(NotAtProvider):
        _take(world, "pi_of_nobody", 1_000)


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "cut_after", "rate_limit"])
def test_a_capture_without_an_answer_is_unknown_and_its_key_tells(world: World, kind: str) -> None:
    reference, capture_id = _held(world), new_id()
    world.emulator.fault(kind=kind, operation="payment_intents.capture")

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")
    seen = world.provider.retrieve(reference)
    hold = world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")

    assert not unknown.value.look
    assert (capture_id in seen.captures) is (kind == "cut_after")
    assert (hold.captured, hold.captures) == (1_000, {capture_id})


def test_a_capture_that_failed_after_acting_is_seen_by_looking(world: World) -> None:
    reference, capture_id = _held(world), new_id()
    world.emulator.fault(kind="error_after", operation="payment_intents.capture")

    silences = []
    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as unknown:
            world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")
        silences.append(unknown.value.silence)

    assert silences == [Silence.SERVER_ERROR, Silence.STORED_FAILURE]
    assert world.provider.retrieve(reference).captures == {capture_id}


def test_a_key_used_for_another_amount_leaves_only_looking(world: World) -> None:
    reference, capture_id = _held(world), new_id()
    world.provider.capture(reference, 1_000, capture_id=capture_id, final=False, key="c-1")

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.capture(reference, 1_001, capture_id=capture_id, final=False, key="c-1")

    assert (unknown.value.silence, unknown.value.look) == (Silence.KEY_MISMATCH, True)
    assert world.provider.retrieve(reference).captured == 1_000


@pytest.mark.parametrize("second_key", ["void-1", "void-2"])
def test_the_rest_of_a_hold_taken_in_part_is_let_go_once(world: World, second_key: str) -> None:
    reference = _held(world)
    _take(world, reference, 1_000)

    holds = [world.provider.void(reference, key=key) for key in ("void-1", second_key)]

    assert [(hold.status, hold.captured) for hold in holds] == [("captured", 1_000)] * 2
    assert holds[-1].refunded == 0


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "cut_after", "rate_limit"])
def test_letting_the_rest_go_without_an_answer_can_be_repeated(world: World, kind: str) -> None:
    reference = _held(world)
    _take(world, reference, 1_000)
    world.emulator.fault(kind=kind, operation="payment_intents.capture")

    with pytest.raises(OutcomeUnknown):
        world.provider.void(reference, key="void-1")
    hold = world.provider.void(reference, key="void-1")

    assert (hold.status, hold.captured) == ("captured", 1_000)

"""The contract of the payment port: finding holds, voiding them, giving money back."""

import pytest

from app.payments.errors import NotAtProvider, OutcomeUnknown, ProviderAway, Silence
from app.platform.ids import new_id
from tests.adapters.payments.conftest import World


def test_a_hold_is_found_by_the_payment_it_carries_at_once(world: World) -> None:
    made = world.hold()

    found = world.find()

    assert found is not None
    assert found.reference == made.reference


def test_a_hold_is_found_among_more_than_a_page_of_others(world: World) -> None:
    made = world.hold()
    for number in range(120):
        other = world.request(payment_id=new_id())
        world.provider.authorize(other, key=f"other-{number}")

    found = world.find()

    assert found is not None
    assert found.reference == made.reference


def test_every_hold_of_a_window_is_listed_once_as_it_is(world: World) -> None:
    taken = world.hold()
    assert taken.reference is not None
    world.capture(taken.reference)
    world.provider.refund(taken.reference, key="refund-1")
    others = [world.request(payment_id=new_id()) for _ in range(110)]
    for number, other in enumerate(others):
        world.provider.authorize(other, key=f"other-{number}")

    holds = list(world.provider.holds(since=world.ago(60), until=world.ago(-60)))

    assert len(holds) == len({hold.reference for hold in holds}) == 111
    first = next(hold for hold in holds if hold.reference == taken.reference)
    assert (first.status, first.captured, first.refunded) == ("captured", 4_200, 4_200)


def test_what_was_never_made_is_not_found(world: World) -> None:
    other = world.request(payment_id=new_id())
    world.provider.authorize(other, key="other")

    found = world.find()

    assert found is None


def test_a_hold_outside_the_window_is_not_found(world: World) -> None:
    world.hold()
    world.advance(2 * 3600)

    found = world.find()

    assert found is None


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "rate_limit", "error_after"])
def test_a_look_that_fails_says_the_provider_is_away(world: World, kind: str) -> None:
    world.hold()
    world.emulator.fault(kind=kind, operation="payment_intents.list")

    with pytest.raises(ProviderAway):
        world.find()


def test_a_voided_hold_is_gone(world: World) -> None:
    made = world.hold()
    assert made.reference is not None

    hold = world.provider.void(made.reference, key="void-1")

    assert hold.status == "canceled"
    assert world.provider.retrieve(made.reference).status == "canceled"


@pytest.mark.parametrize(
    "token",
    ["pm_card_authenticationRequired", "pm_card_chargeDeclined", "pm_card_visa"],
)
@pytest.mark.parametrize("second_key", ["void-1", "void-2"])
def test_voiding_twice_is_voiding_once(world: World, token: str, second_key: str) -> None:
    made = world.hold(token)
    assert made.reference is not None

    holds = [world.provider.void(made.reference, key=key) for key in ("void-1", second_key)]

    assert [hold.status for hold in holds] == ["canceled", "canceled"]


def test_a_processing_payment_can_be_voided(world: World) -> None:
    world.emulator.fault(kind="processing", operation="payment_intents.create")
    made = world.hold()
    assert made.reference is not None

    hold = world.provider.void(made.reference, key="void-1")

    assert hold.status == "canceled"


def test_money_already_taken_cannot_be_voided_and_is_given_back(world: World) -> None:
    made = world.hold()
    assert made.reference is not None
    world.capture(made.reference)

    kept = world.provider.void(made.reference, key="void-1")
    returned = world.provider.refund(made.reference, key="void-1:refund")

    assert (kept.status, kept.captured, kept.refunded) == ("captured", 4_200, 0)
    assert (returned.status, returned.captured, returned.refunded) == ("captured", 4_200, 4_200)


@pytest.mark.parametrize("second_key", ["refund-1", "refund-2"])
def test_giving_back_twice_is_giving_back_once(world: World, second_key: str) -> None:
    made = world.hold()
    assert made.reference is not None
    world.capture(made.reference)

    holds = [world.provider.refund(made.reference, key=key) for key in ("refund-1", second_key)]

    assert [hold.refunded for hold in holds] == [4_200, 4_200]


def test_what_a_partial_capture_let_go_is_not_a_refund(world: World) -> None:
    world.emulator.fault(kind="multicapture_off", operation="payment_intents.create")
    made = world.hold()
    assert made.reference is not None
    world.capture(made.reference, amount=3_000)

    hold = world.provider.retrieve(made.reference)
    returned = world.provider.refund(made.reference, key="refund-1")

    assert (hold.status, hold.captured, hold.refunded) == ("captured", 3_000, 0)
    assert (returned.captured, returned.refunded) == (3_000, 3_000)


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "cut_after", "rate_limit"])
def test_a_void_without_an_answer_can_be_repeated_with_its_key(world: World, kind: str) -> None:
    made = world.hold()
    assert made.reference is not None
    world.emulator.fault(kind=kind, operation="payment_intents.cancel")

    with pytest.raises(OutcomeUnknown) as unknown:
        world.provider.void(made.reference, key="void-1")
    hold = world.provider.void(made.reference, key="void-1")

    assert not unknown.value.look
    assert hold.status == "canceled"


def test_a_void_that_failed_after_acting_is_seen_by_looking(world: World) -> None:
    made = world.hold()
    assert made.reference is not None
    world.emulator.fault(kind="error_after", operation="payment_intents.cancel")

    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as unknown:
            world.provider.void(made.reference, key="void-1")

    assert unknown.value.silence == Silence.STORED_FAILURE
    assert world.provider.retrieve(made.reference).status == "canceled"


@pytest.mark.parametrize("act", ["void", "refund"])
def test_what_nobody_made_can_be_neither_voided_nor_refunded(world: World, act: str) -> None:
    with pytest.raises(NotAtProvider):
        getattr(world.provider, act)("pi_of_nobody", key="key-1")

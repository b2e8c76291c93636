"""The contract of the payment port: taken money is given back once, and never too much."""

from uuid import UUID

import pytest

from app.payments.errors import (
    NotAtProvider,
    OutcomeUnknown,
    ProviderAway,
    RepaymentRefused,
    Silence,
)
from app.payments.ports import Repaid
from app.platform.ids import new_id
from tests.adapters.payments.conftest import VISA, World


def _taken(world: World, token: str = VISA, *, amount: int | None = None) -> str:
    made = world.hold(token)
    assert made.reference is not None
    world.capture(made.reference, amount=amount)
    return made.reference


def _repay(
    world: World, reference: str, amount: int, *, refund_id: UUID | None = None, key: str = "r-1"
) -> Repaid:
    return world.provider.repay(reference, amount, refund_id=refund_id or new_id(), key=key)


def _listed(world: World, reference: str) -> list[tuple[UUID | None, int]]:
    return [(one.refund_id, one.amount) for one in world.provider.repayments(reference)]


def test_a_part_is_given_back_and_carries_the_shops_own_id(world: World) -> None:
    reference, refund_id = _taken(world), new_id()

    repaid = _repay(world, reference, 1_000, refund_id=refund_id)
    hold = world.provider.retrieve(reference)

    assert (repaid.status, repaid.amount, repaid.refund_id) == ("succeeded", 1_000, refund_id)
    assert (hold.status, hold.captured, hold.refunded) == ("captured", 4_200, 1_000)


def test_parts_add_up_to_all_that_was_taken_and_no_more(world: World) -> None:
    reference = _taken(world)
    _repay(world, reference, 4_000, key="r-1")

    with pytest.raises(RepaymentRefused):
        _repay(world, reference, 201, key="r-2")
    _repay(world, reference, 200, key="r-3")
    with pytest.raises(RepaymentRefused) as refusal:
        _repay(world, reference, 1, key="r-4")

    assert refusal.value.reason == "charge_already_refunded"
    assert world.provider.retrieve(reference).refunded == 4_200


def test_more_than_was_taken_is_refused(world: World) -> None:
    reference = _taken(world, amount=3_000)

    with pytest.raises(RepaymentRefused):
        _repay(world, reference, 3_001)

    assert _repay(world, reference, 3_000, key="r-2").status == "succeeded"


def test_what_was_not_taken_cannot_be_given_back(world: World) -> None:
    made = world.hold()

    with pytest.raises(RepaymentRefused):
        _repay(world, str(made.reference), 1_000)

    assert world.provider.repayments(str(made.reference)) == []


def test_the_same_key_twice_gives_back_once(world: World) -> None:
    reference, refund_id = _taken(world), new_id()

    repaid = [_repay(world, reference, 1_000, refund_id=refund_id) for _ in range(2)]

    assert repaid[0].reference == repaid[1].reference
    assert world.provider.retrieve(reference).refunded == 1_000


def test_what_was_given_back_is_listed_at_once_whoever_did_it(world: World) -> None:
    reference, refund_id = _taken(world), new_id()
    _repay(world, reference, 1_000, refund_id=refund_id)
    world.provider.refund(reference, key="at the dashboard")

    listed = _listed(world, reference)

    assert listed == [(None, 3_200), (refund_id, 1_000)]


def test_more_refunds_than_a_page_are_all_listed(world: World) -> None:
    reference, ids = _taken(world), [new_id() for _ in range(105)]
    for number, refund_id in enumerate(ids):
        _repay(world, reference, 1, refund_id=refund_id, key=f"r-{number}")

    listed = _listed(world, reference)

    assert listed == [(refund_id, 1) for refund_id in reversed(ids)]


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "cut_after", "rate_limit"])
def test_a_refund_without_an_answer_is_unknown_and_its_key_tells(world: World, kind: str) -> None:
    reference, refund_id = _taken(world), new_id()
    world.emulator.fault(kind=kind, operation="refunds.create")

    with pytest.raises(OutcomeUnknown) as unknown:
        _repay(world, reference, 1_000, refund_id=refund_id)
    found = _listed(world, reference)
    repaid = _repay(world, reference, 1_000, refund_id=refund_id)

    assert not unknown.value.look
    assert found == ([(refund_id, 1_000)] if kind == "cut_after" else [])
    assert repaid.refund_id == refund_id
    assert world.provider.retrieve(reference).refunded == 1_000


def test_a_refund_that_failed_after_acting_is_found_by_its_id(world: World) -> None:
    reference, refund_id = _taken(world), new_id()
    world.emulator.fault(kind="error_after", operation="refunds.create")

    silences = []
    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as unknown:
            _repay(world, reference, 1_000, refund_id=refund_id)
        silences.append(unknown.value.silence)

    assert silences == [Silence.SERVER_ERROR, Silence.STORED_FAILURE]
    assert _listed(world, reference) == [(refund_id, 1_000)]


def test_a_key_used_for_another_amount_leaves_only_looking(world: World) -> None:
    reference, refund_id = _taken(world), new_id()
    _repay(world, reference, 1_000, refund_id=refund_id)

    with pytest.raises(OutcomeUnknown) as unknown:
        _repay(world, reference, 1_001, refund_id=refund_id)

    assert (unknown.value.silence, unknown.value.look) == (Silence.KEY_MISMATCH, True)
    assert _listed(world, reference) == [(refund_id, 1_000)]


@pytest.mark.parametrize("kind", ["error_before", "cut_before", "rate_limit"])
def test_a_list_that_fails_says_the_provider_is_away(world: World, kind: str) -> None:
    reference = _taken(world)
    world.emulator.fault(kind=kind, operation="refunds.list")

    with pytest.raises(ProviderAway):
        world.provider.repayments(reference)


def test_a_refund_on_its_way_counts_as_given_back(world: World) -> None:
    reference = _taken(world, "pm_card_pendingRefund")

    repaid = _repay(world, reference, 1_000)

    assert repaid.status == "pending"
    assert world.provider.retrieve(reference).refunded == 1_000


def test_a_refund_the_bank_sends_back_has_failed_and_says_why(world: World) -> None:
    reference, refund_id = _taken(world, "pm_card_refundFail"), new_id()
    repaid = _repay(world, reference, 1_000, refund_id=refund_id)
    world.advance(3_600)

    (failed,) = world.provider.repayments(reference)

    assert (repaid.status, failed.status) == ("succeeded", "failed")
    assert (failed.reference, failed.refund_id) == (repaid.reference, refund_id)
    assert failed.reason == "expired_or_canceled_card"
    assert world.provider.retrieve(reference).refunded == 0


def test_of_a_hold_nobody_made_nothing_can_be_given_back(world: World) -> None:
    with pytest.raises(NotAtProvider):
        _repay(world, "pi_of_nobody", 1_000)

"""The PSP in all its moods: 3-D Secure, webhooks in any order, answers that never come."""

from typing import Any
from uuid import UUID

import pytest

from tests.stack.people import Buyer, Purchased
from tests.stack.shop import StackShop

ASKS = "pm_card_authenticationRequired"
BOUGHT = Purchased("confirmed", 1, ["requires_capture"], None)


def _parked(stack: StackShop, buyer: Buyer) -> tuple[UUID, str]:
    """A purchase that waits for its shopper, and the page where the shopper approves it."""
    checkout_id = stack.accepted(buyer, token=ASKS)
    # The PSP's own event may wake a purchase that has just been parked: it is parked again.
    action: dict[str, Any] = stack.until(
        lambda: stack.look(buyer, checkout_id)["next_action"], "nothing is asked of the shopper"
    )
    return checkout_id, action["redirect_to_url"]["url"]


def test_the_signed_webhook_alone_resumes_a_purchase_approved_by_its_shopper(
    stack: StackShop,
) -> None:
    buyer = stack.guest(stack.new_sku())
    checkout_id, page = _parked(stack, buyer)
    shown = stack.psp.open_page(page)

    approved = stack.psp.approve(page)

    assert b"Approve" in shown.body
    assert approved.status == 303
    assert stack.purchased(checkout_id) == BOUGHT
    assert ("authorize", "signaled") in stack.journal(checkout_id)


@pytest.mark.parametrize("trouble", ["webhook_repeat", "webhook_delay", "webhook_reorder"])
def test_webhooks_repeated_delayed_or_out_of_order_are_applied_once(
    stack: StackShop, trouble: str
) -> None:
    sku = stack.new_sku()
    buyer = stack.guest(sku)
    stack.psp.fault(trouble, times=6, seconds=0.5)
    checkout_id, page = _parked(stack, buyer)

    stack.psp.approve(page)

    assert stack.purchased(checkout_id) == BOUGHT
    stack.until(stack.psp.has_told_everything, "webhooks are still on their way")
    stack.until(lambda: not _unapplied(stack, checkout_id), "events were not applied")
    assert stack.journal(checkout_id).count(("authorize", "succeeded")) == 1
    assert _announced(stack, checkout_id, "payment.authorized") == 1
    assert stack.stock(sku) == (9, 1)


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        ("cut_before", 0.0),
        ("cut_after", 0.0),
        ("error_before", 0.0),
        ("error_after", 0.0),
        ("rate_limit", 0.0),
        ("slow", 6.0),
    ],
)
def test_a_hold_is_made_once_whatever_becomes_of_the_answer(
    stack: StackShop, trouble: str, seconds: float
) -> None:
    sku = stack.new_sku()
    stack.psp.fault_authorizations(trouble, seconds=seconds)

    checkout_id = stack.accepted(stack.guest(sku))

    assert stack.purchased(checkout_id) == BOUGHT
    assert stack.psp.waiting_faults() == []
    assert stack.stock(sku) == (9, 1)


def _unapplied(stack: StackShop, checkout_id: UUID) -> list[Any]:
    return stack.statement(
        "SELECT e.type FROM psp_events e JOIN payments p ON p.psp_ref = e.object_id"
        " WHERE p.checkout_id = :checkout AND e.applied_at IS NULL",
        checkout=checkout_id,
    )


def _announced(stack: StackShop, checkout_id: UUID, kind: str) -> int:
    (row,) = stack.statement(
        "SELECT count(*) FROM outbox"
        " WHERE payload -> 'data' ->> 'checkout_id' = :checkout AND type = :kind",
        checkout=str(checkout_id),
        kind=kind,
    )
    return int(row[0])

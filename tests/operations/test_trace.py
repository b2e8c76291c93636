"""The story of a purchase, by whatever word it goes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.operations.trace import NothingKnown, Story, story_of
from app.platform.db import Database
from app.platform.ids import encode
from devstack.stripe.server import RunningServer
from tests.conftest import Clock
from tests.journeys.conftest import Shop
from tests.operations.conftest import ASKS_THE_SHOPPER, DECLINED, Sold

Buy = Callable[..., dict[str, Any]]


def _told(story: Story) -> list[tuple[str, str]]:
    return [(entry.source, entry.what) for entry in story.entries]


def _in_order(story: Story, *wanted: tuple[str, str]) -> bool:
    """Whether these were told, in this order, whatever was told between."""
    told = iter(_told(story))
    return all(each in told for each in wanted)


def test_a_confirmed_purchase_is_told_from_the_checkout_to_the_letter(
    sold: Sold, db: Database
) -> None:
    story = story_of(db, sold.first["order"]["number"])

    assert _in_order(
        story,
        ("checkout", "accepted"),
        ("stock", "reserve"),
        ("saga", "reserve succeeded"),
        ("order", "created"),
        ("saga", "price succeeded"),
        ("saga", "authorize started"),
        ("outbox", "payment.authorized"),
        ("saga", "authorize succeeded"),
        ("saga", "confirm succeeded"),
        ("bus", "order.confirmed published"),
    )
    assert ("order", "confirmed") in _told(story)
    assert ("letter", "order_confirmed queued") in _told(story)
    assert ("consumer", "order.confirmed applied") in _told(story)
    assert {("payment", "pending"), ("payment", "authorized")} < set(_told(story))
    assert [entry.at for entry in story.entries] == sorted(entry.at for entry in story.entries)


def test_one_story_goes_by_five_words(sold: Sold, db: Database) -> None:
    (purchase,) = story_of(db, sold.first["id"]).purchases
    words = [
        purchase.order_id,
        purchase.number,
        purchase.checkout_id,
        purchase.payment_id,
        purchase.cart_id,
    ]

    stories = [story_of(db, str(word)) for word in words]

    assert [story.purchases for story in stories] == [[purchase]] * 5
    assert (purchase.state, purchase.order_state) == ("confirmed", "confirmed")
    assert (purchase.total, purchase.payment_status) == (10_490, "authorized")


def test_a_declined_purchase_tells_why_and_what_was_given_back(buy: Buy, db: Database) -> None:
    declined = buy(token=DECLINED)

    story = story_of(db, declined["id"])

    assert _in_order(
        story,
        ("saga", "authorize failed"),
        ("saga", "authorize undo started"),
        ("stock", "release"),
        ("saga", "reserve compensated"),
    )
    assert ("order", "canceled") in _told(story)
    assert ("outbox", "checkout.failed") in _told(story)
    (purchase,) = story.purchases
    assert purchase.state == "failed"
    assert purchase.failure is not None
    assert purchase.failure["code"] == "payment_declined"


def test_a_cart_tells_of_every_attempt_to_buy_it(buy: Buy, shop: Shop, db: Database) -> None:
    declined = buy(token=DECLINED)
    shop.buy(declined["cart"])
    shop.work()

    story = story_of(db, declined["cart"]["id"])

    assert [purchase.state for purchase in story.purchases] == ["failed", "confirmed"]
    assert _told(story).count(("checkout", "accepted")) == 2


def test_3d_secure_is_told_with_what_the_provider_said(
    buy: Buy,
    shop: Shop,
    db: Database,
    psp: RunningServer,
    tell: Callable[..., None],
    intent_of: Callable[[str], str],
) -> None:
    parked = buy(token=ASKS_THE_SHOPPER)
    intent = intent_of(parked["id"])
    psp.emulator.answer_authentication(intent, approved=True)
    tell("payment_intent.amount_capturable_updated", intent)

    story = story_of(db, parked["id"])

    assert _in_order(
        story,
        ("outbox", "payment.action_required"),
        ("provider", "tells payment_intent.amount_capturable_updated"),
        ("saga", "authorize signaled"),
        ("order", "confirmed"),
    )
    assert ("provider", "heard payment_intent.amount_capturable_updated") in _told(story)


def test_an_expired_purchase_tells_that_its_time_was_over(
    buy: Buy, shop: Shop, db: Database, clock: Clock
) -> None:
    parked = buy(token=ASKS_THE_SHOPPER)
    clock.advance(900)
    shop.sweep()

    story = story_of(db, parked["id"])

    assert story.purchases[0].state == "expired"
    assert _in_order(
        story,
        ("saga", "authorize signaled"),
        ("saga", "authorize compensated"),
    )
    assert ("stock", "release") in _told(story)
    assert ("outbox", "checkout.expired") in _told(story)
    assert (story.entries[-1].at - story.began_at).total_seconds() >= 900


def test_people_are_not_named_in_a_story(sold: Sold, db: Database) -> None:
    story = story_of(db, sold.first["id"])

    assert "ada@example.com" not in str(story)
    assert "a***@e***.com" in str(story)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "100000",
        "chk_",
        encode("chk", UUID(int=7)),
        encode("usr", UUID(int=7)),
        "%",
        "żółw",
        "'",
    ],
)
def test_a_word_nothing_goes_by_is_refused(shop: Shop, db: Database, word: str) -> None:
    with pytest.raises(NothingKnown):
        story_of(db, word)

"""Letters nobody's order or account needs can be stopped; the others are always sent."""

import pytest
from sqlalchemy import select, update

from app.catalog.models import Product
from app.events.outbox import announce
from app.notifications import service
from app.notifications.errors import LinkNotGood
from app.notifications.letters import LETTERS, Topic
from app.notifications.models import Notification, NotificationStatus
from app.notifications.queries import opted_out
from app.orders.models import Order
from app.orders.states import OrderState
from app.platform.ids import new_id
from app.reviews.models import Review
from tests.factories import make_user
from tests.notifications.world import CUSTOMER, FACTS, SELLER, make_world

pytestmark = pytest.mark.unaudited

WEEK = 8 * 24 * 3600


@pytest.fixture
def world(db):
    with db.transaction() as session:
        return make_world(session)


@pytest.fixture
def tell(db, react):
    """Announce facts and let the consumer hear them."""

    def tell(*facts):
        with db.transaction() as session:
            announce(session, *facts)
        react()

    return tell


def choose(db, recipient, topic, *, is_wanted):
    with db.transaction() as session:
        service.choose(session, recipient, {topic: is_wanted})


def rows(db):
    with db.reading() as session:
        return session.scalars(select(Notification).order_by(Notification.id)).all()


def test_who_does_not_want_a_letter_gets_none_and_it_is_written_down(
    db, world, tell, mail, links, arrived, basket
):
    choose(db, SELLER.upper(), Topic.LOW_STOCK, is_wanted=False)

    tell(FACTS["low_stock"](world))
    service.deliver_due(db, mail, links)

    (row,) = rows(db)
    assert (row.status, row.last_error) == (NotificationStatus.WITHHELD, "opted_out")
    assert arrived() == []
    assert basket.nudges == []


def test_who_stops_a_letter_that_is_queued_already_does_not_get_it(
    db, world, tell, mail, links, arrived
):
    tell(FACTS["low_stock"](world))
    choose(db, SELLER, Topic.LOW_STOCK, is_wanted=False)

    service.deliver_due(db, mail, links)

    assert [(row.status, row.last_error) for row in rows(db)] == [
        (NotificationStatus.WITHHELD, "opted_out")
    ]
    assert arrived() == []


def test_who_wants_letters_again_gets_them(db, world, tell, mail, links, arrived):
    choose(db, SELLER, Topic.LOW_STOCK, is_wanted=False)
    choose(db, SELLER, Topic.LOW_STOCK, is_wanted=True)

    tell(FACTS["low_stock"](world))
    service.deliver_due(db, mail, links)

    assert len(arrived()) == 1


def test_what_an_order_or_an_account_needs_is_sent_whatever_was_chosen(
    db, world, tell, mail, links, arrived
):
    for topic in Topic:
        choose(db, CUSTOMER, topic, is_wanted=False)
    needed = [
        name for name, kind in LETTERS.items() if kind.topic is None and name != "account_invited"
    ]

    tell(*dict.fromkeys(FACTS[name](world) for name in needed))
    service.deliver_due(db, mail, links)

    assert len(arrived()) == len(needed)


def test_the_link_of_a_letter_stops_its_kind_and_no_other(db, world, tell, links):
    tell(FACTS["low_stock"](world))
    (row,) = rows(db)

    with db.transaction() as session:
        service.stop(session, links.letter_of(links.token(row.id)))
        service.stop(session, links.letter_of(links.token(row.id)))

    with db.reading() as session:
        assert opted_out(session, SELLER) == {Topic.LOW_STOCK}


def test_a_letter_that_is_needed_cannot_be_stopped(db, world, tell):
    tell(FACTS["order_confirmed"](world))

    with db.transaction() as session, pytest.raises(LinkNotGood):
        service.stop(session, rows(db)[0].id)


@pytest.mark.parametrize("token", ["", "ntf_x", "ntf_01h455vb4pex5vsknk084sn02q.AAAA", "ü.ü"])
def test_a_link_that_was_not_made_here_leads_nowhere(links, token):
    with pytest.raises(LinkNotGood):
        links.letter_of(token)


def test_the_link_of_one_letter_is_no_link_of_another(links):
    one, other = links.token(new_id()), links.token(new_id())

    with pytest.raises(LinkNotGood):
        links.letter_of(f"{one.partition('.')[0]}.{other.partition('.')[2]}")


def test_nobody_writes_to_who_was_erased(db, world, tell, mail, links, arrived):
    tell(FACTS["order_shipped"](world))
    with db.transaction() as session:
        gone = f"erased-{new_id()}@erased.invalid"
        session.execute(update(Notification).values(recipient=gone, facts={}))
        session.execute(update(Order).values(email=gone))

    tell(FACTS["order_delivered"](world))
    service.deliver_due(db, mail, links)

    assert {(row.status, row.last_error) for row in rows(db)} >= {
        (NotificationStatus.WITHHELD, "erased")
    }
    assert arrived() == []


def test_an_invitation_to_review_comes_a_week_after_the_goods(
    db, world, tell, mail, links, arrived, clock
):
    tell(FACTS["review_invitation"](world))

    at_once = service.deliver_due(db, mail, links)
    clock.advance(WEEK)
    later = service.deliver_due(db, mail, links)

    assert (at_once, later) == (0, 1)
    assert arrived()[0].message["To"] == CUSTOMER


def test_who_has_said_everything_is_not_invited(db, world, tell, mail, links, arrived, clock):
    tell(FACTS["review_invitation"](world))
    with db.transaction() as session:
        for product_id in session.scalars(select(Product.id)).all():
            words = {"product_id": product_id, "user_id": world.customer.id, "rating": 5}
            session.add(Review(order_id=world.order.id, **words))

    clock.advance(WEEK)
    service.deliver_due(db, mail, links)

    assert [row.last_error for row in rows(db)] == ["reviewed"]
    assert arrived() == []


def test_who_sent_everything_back_is_not_invited(db, world, tell, mail, links, clock):
    tell(FACTS["review_invitation"](world))
    with db.transaction() as session:
        session.get_one(Order, world.order.id).state = OrderState.REFUNDED

    clock.advance(WEEK)
    service.deliver_due(db, mail, links)

    assert [row.last_error for row in rows(db)] == ["not_delivered"]


def test_a_guest_cannot_review_and_is_not_invited(db, tell, react):
    with db.transaction() as session:
        world = make_world(session, by_guest=True)

    tell(FACTS["order_delivered"](world))
    react()

    assert [row.template for row in rows(db)] == ["order_delivered"]


def test_everyone_who_sells_for_a_merchant_is_told_in_their_own_language(db, world, tell):
    with db.transaction() as session:
        for email, erased in (("konrad@example.org", False), ("gone@erased.invalid", True)):
            make_user(
                session, email=email, locale="de", role="merchant", merchant_id=world.barn.id,
                erased_at=world.order.created_at if erased else None,
            )  # fmt: skip

    tell(FACTS["low_stock"](world))

    found = {(row.recipient, row.locale) for row in rows(db)}
    assert found == {(SELLER, "en"), ("konrad@example.org", "de")}


def test_a_merchant_without_people_is_told_at_its_support_address(db, world, tell):
    with db.transaction() as session:
        session.merge(world.seller).merchant_id = world.invited.merchant_id
        session.merge(world.barn).settings = {"support_email": "help@example.org"}

    tell(FACTS["low_stock"](world))

    assert [row.recipient for row in rows(db)] == ["help@example.org"]

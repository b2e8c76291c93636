"""Who leaves takes the letters about their own things along, not those that sellers got."""

import pytest
from sqlalchemy import select

from app.events.outbox import announce
from app.notifications.models import Notification
from app.operations.mailboxes import TO_SELLERS
from tests.notifications.world import FACTS, SELLER, make_world

pytestmark = pytest.mark.unaudited


def test_every_letter_that_comes_to_sellers_is_known_as_one(db, react):
    with db.transaction() as session:
        world = make_world(session)
        for fact in FACTS.values():
            announce(session, fact(world))

    react()

    with db.reading() as session:
        came = session.scalars(
            select(Notification.template).where(Notification.recipient == SELLER)
        )
        assert set(came) == set(TO_SELLERS)

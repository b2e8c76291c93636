"""The street with parcels on the way, for what is tested of money and goods that go back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.models import Role
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.orders.models import Cancellation, Return
from app.payments.models import Refund
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Street, paying, street
from tests.statements import statements


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient, audited: None) -> Street:
    """A shop whose people all own something, and a customer who owns nothing of theirs."""
    shop = street(providers, queue, client)
    shop.people["stranger"] = shop.buyer(shop.person(Role.CUSTOMER))
    return shop


def sent(shop: Street, who: str = "customer") -> str:
    """The order of somebody, sent; gives its id."""
    order_id = shop.people[who].ids["order_id"]
    answer = shop.people["merchant"].post(f"/v1/orders/{order_id}/shipments", {})
    assert answer.status_code == 202, answer.json
    shop.queue.drain()
    return order_id


def made(shop: Street) -> int:
    """How many refunds, cancellations and returns there are."""
    kinds = (Refund, Cancellation, Return)
    with shop.wired.db.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds)


def statuses(
    shop: Street, method: str, path: str, body: Any = None, *, but: tuple[str, ...] = ()
) -> dict[str, int]:
    """What everybody on the street is answered, but those who may."""
    found = {}
    for name, person in shop.people.items():
        if name not in but:
            answer = person.get(path) if method == "GET" else person.post(path, body)
            found[name] = answer.status_code
    return found


def code(answer: Any) -> tuple[int, str]:
    """The status of a refusal and its code."""
    assert answer.mimetype == "application/problem+json", answer.json
    return answer.status_code, answer.json["code"]


@contextmanager
def at_most(shop: Street, budget: int) -> Iterator[None]:
    """What happens inside costs so many statements at most."""
    with statements(shop.wired.db) as sql:
        yield
    assert len(sql) <= budget, "\n".join(sql)

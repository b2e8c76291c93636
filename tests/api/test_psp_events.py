"""What a payment provider may tell the shop, through the door."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import create_app, wiring
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.payments import service
from app.payments.models import Payment, PspEvent
from app.payments.ports import StoredRequest
from app.payments.states import PaymentStatus
from app.platform.db import Database
from app.platform.money import Money
from app.platform.redis import ShopRedis
from app.saga.states import SagaState
from devstack.stripe.server import RunningServer
from devstack.stripe.webhooks import signature
from tests.conftest import WEBHOOK_SECRET
from tests.factories import make_checkout, make_order

ADDRESS = "/v1/psp/stripe/events"


@pytest.fixture
def door(
    settings: Settings, db: Database, redis: ShopRedis, queue: InlineQueue, psp: RunningServer
) -> Iterator[FlaskClient]:
    """A web door that knows the provider and its secret; whoever knocks claims to be it."""
    told = {
        "stripe_api_key": "sk_test_door",
        "stripe_api_base": psp.url,
        "stripe_webhook_secret": WEBHOOK_SECRET,
    }
    known = Settings.model_validate(settings.model_dump() | told)
    wired = wiring.build(known, queue=queue, db=db, redis=redis)
    wiring.use(wired)
    yield create_app().test_client()
    wiring.use(None)


def _event(kind: str = "payment_intent.succeeded", *, reference: str = "pi_1") -> bytes:
    thing = {"id": reference, "object": "payment_intent"}
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": thing}}).encode()


def _post(client: FlaskClient, body: bytes, *, signed: str | None = None) -> TestResponse:
    header = signature(body, WEBHOOK_SECRET, at=time.time()) if signed is None else signed
    return client.post(
        ADDRESS, data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )


def _kept(db: Database) -> list[PspEvent]:
    with db.reading() as session:
        return list(session.scalars(select(PspEvent)))


def test_a_signed_event_is_kept_and_answered(door: FlaskClient, db: Database) -> None:
    answer = _post(door, _event())

    assert (answer.status_code, answer.json) == (200, {"received": True})
    (kept,) = _kept(db)
    assert (kept.provider, kept.event_id, kept.object_id) == ("stripe", "evt_1", "pi_1")
    assert kept.applied_at is None


def test_the_same_event_twice_is_answered_twice_and_kept_once(
    door: FlaskClient, db: Database
) -> None:
    answers = [_post(door, _event()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(_kept(db)) == 1


@pytest.mark.unaudited(
    "order_lines_wrong", "order_unlike_checkout", "saga_unlike_journal", "state_not_journaled"
)
def test_the_nudged_task_makes_the_payment_what_its_hold_is(
    door: FlaskClient, db: Database, queue: InlineQueue
) -> None:
    payments = wiring.providers().payments
    with db.transaction() as session:
        done = make_checkout(session, state=SagaState.CONFIRMED, step="confirm")
        order = make_order(session, checkout=done)
        payment = service.open_payment(
            session,
            payments,
            order_id=order.id,
            checkout_id=order.checkout_id,
            amount=Money(order.total, order.currency),
            token="pm_card_visa",
            key="key-1",
            return_url="https://shop.example/return",
        )
    hold = payments.authorize(StoredRequest(payment.request), key="key-1")
    kind = "payment_intent.amount_capturable_updated"

    _post(door, _event(kind, reference=str(hold.reference)))
    nudges = list(queue.waiting)
    queue.drain()
    queue.send(nudges)  # the broker delivers it twice
    queue.drain()

    with db.reading() as session:
        assert session.get_one(Payment, payment.id).status == PaymentStatus.AUTHORIZED
    assert [event.outcome for event in _kept(db)] == ["applied"]


def test_an_unknown_type_is_kept_and_answered(door: FlaskClient, db: Database) -> None:
    answer = _post(door, _event("radar.early_fraud_warning.created"))

    assert answer.status_code == 200
    assert _kept(db)[0].outcome == "unknown_type"


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "v1=00",
        signature(_event(), "whsec_other", at=time.time()),
        signature(_event(), WEBHOOK_SECRET, at=time.time() - 3_600),
    ],
    ids=["none", "nonsense", "foreign", "replayed"],
)
def test_a_bad_signature_is_refused_and_nothing_is_kept(
    door: FlaskClient, db: Database, signed: str
) -> None:
    answer = _post(door, _event(), signed=signed)

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert _problem(answer)["code"] == "bad_signature"
    assert _kept(db) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"id": 1}', b"\xff\x00"])
def test_a_signed_body_that_is_no_event_is_refused(
    door: FlaskClient, db: Database, body: bytes
) -> None:
    answer = _post(door, body)

    assert answer.status_code == 400
    assert _kept(db) == []


def test_a_body_over_the_limit_is_refused(door: FlaskClient, db: Database) -> None:
    answer = _post(door, b" " * (256 * 1024 + 1))

    assert answer.status_code == 413
    assert _problem(answer)["code"] == "body_too_large"
    assert _kept(db) == []


def test_a_character_that_cannot_be_kept_does_not_break_the_inbox(
    door: FlaskClient, db: Database
) -> None:
    body = _event().replace(b'"object": "payment_intent"', b'"description": "a\\u0000b"')

    answer = _post(door, body)

    assert answer.status_code == 200
    assert len(_kept(db)) == 1


def test_a_provider_the_shop_does_not_have_is_not_found(door: FlaskClient) -> None:
    answer = door.post("/v1/psp/nobody/events", data=_event())

    assert answer.status_code == 404
    assert _problem(answer)["code"] == "not_found"


def _problem(answer: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.data)
    return body

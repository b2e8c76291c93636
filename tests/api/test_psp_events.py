"""What a payment provider may tell the shop, through the door."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import create_app, wiring
from app.config import Settings
from app.payments.models import PspEvent
from app.platform.db import Database
from app.platform.redis import ShopRedis
from devstack.stripe.webhooks import signature

SECRET = "whsec_door"
ADDRESS = "/v1/psp/stripe/events"


@pytest.fixture
def psp_app(settings: Settings, db: Database, redis: ShopRedis) -> Iterator[Flask]:
    """A web door that knows the provider's secret."""
    told = {"stripe_webhook_secret": SECRET, "stripe_api_base": "http://127.0.0.1:9"}
    known = Settings.model_validate(settings.model_dump() | told)
    wiring.use(wiring.build(known, db=db, redis=redis))
    yield create_app()
    wiring.use(None)


@pytest.fixture
def psp(psp_app: Flask) -> FlaskClient:
    """Whoever claims to be the provider."""
    return psp_app.test_client()


def _event(kind: str = "payment_intent.succeeded", *, event_id: str = "evt_1") -> bytes:
    thing = {"id": "pi_1", "object": "payment_intent"}
    return json.dumps({"id": event_id, "type": kind, "data": {"object": thing}}).encode()


def _post(client: FlaskClient, body: bytes, *, signed: str | None = None) -> TestResponse:
    header = signature(body, SECRET, at=time.time()) if signed is None else signed
    return client.post(
        ADDRESS, data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )


def _kept(db: Database) -> list[PspEvent]:
    with db.reading() as session:
        return list(session.scalars(select(PspEvent)))


def test_a_signed_event_is_kept_and_answered(psp: FlaskClient, db: Database) -> None:
    answer = _post(psp, _event())

    assert (answer.status_code, answer.json) == (200, {"received": True})
    (kept,) = _kept(db)
    assert (kept.provider, kept.event_id, kept.object_id) == ("stripe", "evt_1", "pi_1")
    assert kept.applied_at is None


def test_the_same_event_twice_is_answered_twice_and_kept_once(
    psp: FlaskClient, db: Database
) -> None:
    answers = [_post(psp, _event()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(_kept(db)) == 1


def test_an_unknown_type_is_kept_and_answered(psp: FlaskClient, db: Database) -> None:
    answer = _post(psp, _event("radar.early_fraud_warning.created"))

    assert answer.status_code == 200
    assert _kept(db)[0].outcome == "unknown_type"


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "v1=00",
        signature(_event(), "whsec_other", at=time.time()),
        signature(_event(), SECRET, at=time.time() - 3_600),
    ],
    ids=["none", "nonsense", "foreign", "replayed"],
)
def test_a_bad_signature_is_refused_and_nothing_is_kept(
    psp: FlaskClient, db: Database, signed: str
) -> None:
    answer = _post(psp, _event(), signed=signed)

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert _problem(answer)["code"] == "bad_signature"
    assert _kept(db) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"id": 1}', b"\xff\x00"])
def test_a_signed_body_that_is_no_event_is_refused(
    psp: FlaskClient, db: Database, body: bytes
) -> None:
    answer = _post(psp, body)

    assert answer.status_code == 400
    assert _kept(db) == []


def test_a_body_over_the_limit_is_refused(psp: FlaskClient, db: Database) -> None:
    answer = _post(psp, b" " * (256 * 1024 + 1))

    assert answer.status_code == 413
    assert _problem(answer)["code"] == "body_too_large"
    assert _kept(db) == []


def test_a_character_that_cannot_be_kept_does_not_break_the_inbox(
    psp: FlaskClient, db: Database
) -> None:
    body = _event().replace(b'"object": "payment_intent"', b'"description": "a\\u0000b"')

    answer = _post(psp, body)

    assert answer.status_code == 200
    assert len(_kept(db)) == 1


def test_a_provider_the_shop_does_not_have_is_not_found(psp: FlaskClient) -> None:
    answer = psp.post("/v1/psp/nobody/events", data=_event())

    assert answer.status_code == 404
    assert _problem(answer)["code"] == "not_found"


def _problem(answer: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.data)
    return body

"""The contract of the payment port: only what the provider signed, lately, is believed."""

import json
import time
from typing import Any

import pytest

from app.payments.errors import BadSignature
from devstack.stripe.webhooks import signature
from tests.adapters.payments.conftest import WEBHOOK_SECRET, World


def _event(kind: str = "payment_intent.succeeded", **thing: Any) -> bytes:
    body = {"id": "evt_1", "type": kind, "data": {"object": {"id": "pi_1", **thing}}}
    return json.dumps(body).encode()


def _signed(payload: bytes, *, secret: str = WEBHOOK_SECRET, age: float = 0.0) -> str:
    return signature(payload, secret, at=time.time() - age)


def test_a_signed_event_names_what_to_look_at(world: World) -> None:
    payload = _event()

    event = world.provider.verify_event(payload, _signed(payload))

    assert (event.id, event.type, event.object_id) == ("evt_1", "payment_intent.succeeded", "pi_1")
    assert event.known
    assert event.worth_a_look


def test_an_event_of_a_charge_names_its_hold(world: World) -> None:
    payload = _event("charge.refunded", id="ch_1", payment_intent="pi_2")

    event = world.provider.verify_event(payload, _signed(payload))

    assert event.object_id == "pi_2"


def test_an_event_of_another_kind_is_not_known(world: World) -> None:
    payload = _event("customer.created", id="cus_1")

    event = world.provider.verify_event(payload, _signed(payload))

    assert not event.known
    assert event.object_id is None


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "nonsense",
        "t=1,v1=",
        _signed(_event(), secret="whsec_other"),
        _signed(b"another payload"),
        _signed(_event(), age=3_600),
    ],
    ids=["none", "nonsense", "empty", "foreign", "other_payload", "old"],
)
def test_what_the_provider_did_not_sign_lately_is_refused(world: World, signed: str) -> None:
    with pytest.raises(BadSignature):
        world.provider.verify_event(_event(), signed)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{", b"\xff\xfe", b'{"id": "evt_1"}', b'{"id": 1, "type": 2}']
)
def test_a_signed_body_that_is_no_event_is_refused(world: World, payload: bytes) -> None:
    with pytest.raises(BadSignature):
        world.provider.verify_event(payload, _signed(payload))

"""What every carrier must do, held by the one that sends by the merchants' own tables."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from app.adapters.carriers.table import TableCarrier
from app.platform.db import Database
from app.platform.ids import encode, new_id
from app.platform.seams import CallInsideTransaction
from app.shipping.errors import BadCarrierEvent, BadCarrierSignature, LabelRefused
from app.shipping.ports import Content, Parcel
from tests.factories import ADDRESS, make_merchant, make_shipping_rate

SECRET = "whsec_b2YgdGhlc2UgdGVzdHMgYW5kIG5vIG90aGVycw=="
TOLD = {"tracking_number": "CW1", "status": "in_transit", "happened_at": "2026-03-01T10:00:00Z"}


@pytest.fixture
def carrier(db: Database) -> TableCarrier:
    """The carrier, and the secret agreed with it."""
    return TableCarrier(db, public_url="https://shop.example/", webhook_secret=SECRET)


@pytest.fixture
def parcel(db: Database) -> Parcel:
    """A parcel of up to a kilogram; its merchant sends no heavier ones."""
    with db.transaction() as session:
        merchant = make_merchant(session)
        make_shipping_rate(session, merchant=merchant, price=490, weight_until_g=1_000)
    return Parcel(
        merchant_id=merchant.id,
        service="standard",
        currency="EUR",
        weight_g=900,
        sender={"name": merchant.name, "warehouse": "Main", "country": "DE"},
        recipient=ADDRESS,
        order_number="100001",
        contents=[Content("BOOT-42", "Walking boot", 1)],
    )


def _reference() -> str:
    return encode("shp", new_id())


def _signed(body: Any, *, secret: str = SECRET, age: int = 0) -> tuple[bytes, dict[str, str]]:
    text = body if isinstance(body, str) else json.dumps(body)
    at = datetime.now(UTC) - timedelta(seconds=age)
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", at, text),
    }
    return text.encode(), headers


def test_a_label_costs_what_the_table_says_and_leads_to_its_tracking(
    carrier: TableCarrier, parcel: Parcel
) -> None:
    label = carrier.buy(parcel, reference=_reference())

    assert label.cost == 490
    assert label.tracking_url == f"https://shop.example/v1/tracking/table/{label.tracking_number}"
    assert label.pdf is not None
    assert label.pdf.startswith(b"%PDF")


def test_the_same_reference_twice_is_the_same_label(carrier: TableCarrier, parcel: Parcel) -> None:
    reference = _reference()

    assert carrier.buy(parcel, reference=reference) == carrier.buy(parcel, reference=reference)


def test_numbers_of_neighbours_have_nothing_in_common(
    carrier: TableCarrier, parcel: Parcel
) -> None:
    numbers = {carrier.buy(parcel, reference=_reference()).tracking_number for _ in range(20)}

    assert len({number[:6] for number in numbers}) == 20
    assert {len(number) for number in numbers} == {18}


@pytest.mark.parametrize(
    "change",
    [
        {"service": "express"},
        {"weight_g": 1_000},
        {"currency": "CHF"},
        {"recipient": ADDRESS | {"country": "US"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_the_table_has_no_price_for_is_refused_for_good(
    carrier: TableCarrier, parcel: Parcel, change: dict[str, Any]
) -> None:
    with pytest.raises(LabelRefused):
        carrier.buy(replace(parcel, **change), reference=_reference())


def test_nothing_is_found_that_was_never_bought(carrier: TableCarrier) -> None:
    assert carrier.find(_reference()) is None


def test_no_label_is_bought_inside_a_transaction(
    carrier: TableCarrier, parcel: Parcel, db: Database
) -> None:
    def buy_inside() -> None:
        with db.transaction():
            carrier.buy(parcel, reference=_reference())

    with pytest.raises(CallInsideTransaction):
        buy_inside()


def test_what_the_carrier_signed_is_read(carrier: TableCarrier) -> None:
    event = carrier.verify_event(*_signed(TOLD | {"place": "Köln"}))

    assert (event.id, event.tracking_number, event.status) == ("msg_1", "CW1", "in_transit")
    assert (event.happened_at, event.place) == (datetime(2026, 3, 1, 10, tzinfo=UTC), "Köln")


Tamper = Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]
TAMPERED: dict[str, Tamper] = {
    "another body": lambda body, headers: (body + b" ", headers),
    "another id": lambda body, headers: (body, headers | {"Webhook-Id": "msg_2"}),
    "no signature": lambda body, headers: (body, headers | {"Webhook-Signature": ""}),
    "nonsense": lambda body, headers: (body, headers | {"Webhook-Signature": "v1"}),
    "not base64": lambda body, headers: (body, headers | {"Webhook-Signature": "v1,é"}),
    "no time": lambda body, headers: (body, headers | {"Webhook-Timestamp": "soon"}),
    "no text": lambda _body, headers: (b"\xff\xfe", headers),
    "no headers": lambda body, _headers: (body, {}),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_what_the_carrier_did_not_sign_is_not_believed(
    carrier: TableCarrier, tamper: Tamper
) -> None:
    with pytest.raises(BadCarrierSignature):
        carrier.verify_event(*tamper(*_signed(TOLD)))


def test_what_was_signed_by_another_or_long_ago_is_not_believed(carrier: TableCarrier) -> None:
    other = "whsec_c29tZWJvZHkgZWxzZSBlbnRpcmVseQ=="

    for payload, headers in (_signed(TOLD, secret=other), _signed(TOLD, age=301)):
        with pytest.raises(BadCarrierSignature):
            carrier.verify_event(payload, headers)


def test_without_a_secret_nothing_is_believed(db: Database) -> None:
    with pytest.raises(BadCarrierSignature):
        TableCarrier(db, public_url="https://shop.example").verify_event(*_signed(TOLD))


BAD = {
    "not JSON": "{",
    "a list": [],
    "a word": "1",
    "no number": {k: v for k, v in TOLD.items() if k != "tracking_number"},
    "an empty number": TOLD | {"tracking_number": ""},
    "a number that is none": TOLD | {"tracking_number": 1},
    "an endless number": TOLD | {"tracking_number": "x" * 201},
    "an unknown status": TOLD | {"status": "eaten"},
    "a time without a zone": TOLD | {"happened_at": "2026-03-01T10:00:00"},
    "no time": TOLD | {"happened_at": None},
    "the beginning of time": TOLD | {"happened_at": "0001-01-01T00:00:00+14:00"},
    "the end of time": TOLD | {"happened_at": "9999-12-31T23:59:59-14:00"},
    "a place with a NUL": TOLD | {"place": "a\0b"},
    "a place with half a character": TOLD | {"place": "a\ud800"},
    "a number with half a character": TOLD | {"tracking_number": "CW1\udfff"},
}


@pytest.mark.parametrize("told", BAD.values(), ids=BAD)
def test_what_is_signed_and_means_nothing_is_refused(carrier: TableCarrier, told: Any) -> None:
    with pytest.raises(BadCarrierEvent):
        carrier.verify_event(*_signed(told))

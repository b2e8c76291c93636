"""JSON can hold half a character; what a carrier signs is refused then, not choked on."""

import json
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook

from tests.conftest import CARRIER_SECRET


@pytest.mark.parametrize(
    "change", [{"tracking_number": "\ud800"}, {"place": "K\udfffln"}], ids=["number", "place"]
)
def test_half_a_character_from_a_carrier_is_no_text(
    client: FlaskClient, change: dict[str, str]
) -> None:
    at = datetime.now(UTC)
    told = {"tracking_number": "CW1", "status": "in_transit", "happened_at": at.isoformat()}
    body = json.dumps(told | change)
    headers = {
        "webhook-id": "e1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(CARRIER_SECRET).sign("e1", at, body),
    }

    answer = client.post("/v1/carriers/table/events", data=body, headers=headers)

    assert (answer.status_code, (answer.json or {})["code"]) == (422, "bad_carrier_event")

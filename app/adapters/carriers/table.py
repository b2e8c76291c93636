"""Sending by the merchants' own tables: the shop issues the numbers and prints the labels itself.

What carriers tell comes as Standard Webhooks: `webhook-id`, `webhook-timestamp` and
`webhook-signature` around `{"tracking_number", "status", "happened_at", "place"?}`
(https://github.com/standard-webhooks/standard-webhooks).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.adapters.carriers.table_rates import TableRates
from app.platform.db import Database
from app.platform.errors import Invalid
from app.platform.seams import calling_out
from app.shipping import label
from app.shipping.errors import BadCarrierEvent, BadCarrierSignature, LabelRefused
from app.shipping.ports import CarrierEvent, Label, Parcel
from app.shipping.rates import chosen, offers
from app.shipping.states import TrackingStatus

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing looks like another
_NUMBER_LENGTH = 16  # 80 bits of a digest: as many as were random in the reference, and more
_TEXT_LENGTH_MAX = 200
_FIRST_YEAR = 2000


class TableCarrier(TableRates):
    """Takes every parcel the merchant's table has a price for; that price is the label's cost.

    A number is a digest of our reference, so that asking again is the same act and no number can be
    told from another. There is nobody who could have bought a label without our knowing.
    """

    name = "table"

    def __init__(self, db: Database, *, public_url: str, webhook_secret: str = "") -> None:
        self._db, self._public_url = db, public_url.rstrip("/")
        self._webhook_secret = webhook_secret

    def buy(self, parcel: Parcel, *, reference: str) -> Label:
        """Issue the number and print the label; refused where the table has no such service."""
        with calling_out("carrier.buy"):
            cost = self._price(parcel)
            number = _number(reference)
            return Label(
                tracking_number=number,
                tracking_url=f"{self._public_url}/v1/tracking/{self.name}/{number}",
                cost=cost,
                pdf=label.draw(parcel, number),
            )

    def find(self, reference: str) -> Label | None:  # noqa: ARG002
        """Nothing is bought anywhere, so nothing can be found."""
        return None

    def verify_event(self, payload: bytes, headers: Mapping[str, str]) -> CarrierEvent:
        """Check the signature and its age, then read what it tells."""
        if not self._webhook_secret:
            raise BadCarrierSignature("No secret is agreed with this carrier.")
        try:
            told = Webhook(self._webhook_secret).verify(payload, dict(headers))
        except json.JSONDecodeError as error:
            raise BadCarrierEvent("The body is not valid JSON.") from error
        except (WebhookVerificationError, ValueError) as error:
            wrong = "This was not signed by the carrier, or more than five minutes ago."
            raise BadCarrierSignature(wrong) from error
        identity = next(value for name, value in headers.items() if name.lower() == "webhook-id")
        return _event(identity, told)

    def _price(self, parcel: Parcel) -> int:
        try:
            with self._db.reading() as session:
                offered = offers(
                    session,
                    merchants={parcel.merchant_id: parcel.weight_g},
                    country=str(parcel.recipient["country"]),
                    currency=parcel.currency,
                )
            return chosen(offered, parcel.service).price
        except Invalid as refused:
            raise LabelRefused(refused.detail, **refused.facts) from refused


def _number(reference: str) -> str:
    digest = int.from_bytes(hashlib.sha256(f"parcel:{reference}".encode()).digest(), "big")
    letters = (_ALPHABET[digest >> 5 * place & 31] for place in range(_NUMBER_LENGTH))
    return f"CW{''.join(letters)}"


def _event(identity: str, told: Any) -> CarrierEvent:
    try:
        happened_at = datetime.fromisoformat(told["happened_at"])
        if happened_at.tzinfo is None or happened_at.year < _FIRST_YEAR:
            raise ValueError("a time has its zone, and lies in this age")  # noqa: TRY301
        return CarrierEvent(
            id=_text(identity),
            tracking_number=_text(told["tracking_number"]),
            status=TrackingStatus(told["status"]),
            happened_at=happened_at.astimezone(UTC),
            place=None if told.get("place") is None else _text(told["place"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadCarrierEvent(
            "It must have tracking_number, status and happened_at (ISO 8601 with its zone).",
            statuses=[status.value for status in TrackingStatus],
        ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_LENGTH_MAX or "\0" in value:
        raise ValueError("text, and not too much of it")
    value.encode()  # half a character of JSON's is a str, and no text that could be kept
    return value

"""A merchant's own choices, kept as one object: what is not said stands at its default."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from app.accounts.models import Merchant


class CaptureMode(StrEnum):
    """When the money of an order is taken: at once, or when its parcels leave."""

    AUTOMATIC = "automatic"
    ON_SHIPMENT = "on_shipment"


@dataclass(frozen=True)
class MerchantSettings:
    """What a merchant chose. `low_stock_at` is in units available of a SKU; `sender_name` stands on
    letters and labels, `legal_name`, `address` and `vat_id` on invoices."""

    name: str
    currency: str
    capture: CaptureMode = CaptureMode.ON_SHIPMENT
    low_stock_at: int | None = None
    sender_name: str | None = None
    legal_name: str | None = None
    address: Mapping[str, str] | None = None
    vat_id: str | None = None
    support_email: str | None = None


CHOICES = frozenset(MerchantSettings.__dataclass_fields__) - {"name", "currency"}


def settings_of(session: Session, merchant_id: UUID) -> MerchantSettings:
    """What a merchant chose, defaults filled in."""
    row = session.execute(
        select(Merchant.name, Merchant.currency, Merchant.settings).where(
            Merchant.id == merchant_id
        )
    ).one()
    return _settings(row.name, row.currency, row.settings)


def change_settings(
    session: Session, merchant_id: UUID, changes: Mapping[str, Any]
) -> MerchantSettings:
    """Write some choices over, in one statement, so that two writers at once lose nothing of each
    other; None goes back to the default. Raises KeyError for what is no choice."""
    if not CHOICES.issuperset(changes):
        raise KeyError(*changes.keys() - CHOICES)
    given = {name: value for name, value in changes.items() if value is not None}
    gone = [name for name, value in changes.items() if value is None]
    together = Merchant.settings.op("||", return_type=JSONB())(bindparam("given", given, JSONB()))
    row = session.execute(
        update(Merchant)
        .where(Merchant.id == merchant_id)
        .values(settings=together.op("-", return_type=JSONB())(literal(gone, ARRAY(Text()))))
        .returning(Merchant.name, Merchant.currency, Merchant.settings)
        .execution_options(synchronize_session=False)
    ).one()
    return _settings(row.name, row.currency, row.settings)


def _settings(name: str, currency: str, kept: Mapping[str, Any]) -> MerchantSettings:
    known = {choice: kept[choice] for choice in CHOICES if choice in kept}
    if "capture" in known:
        known["capture"] = CaptureMode(known["capture"])
    return MerchantSettings(name=name, currency=currency, **known)

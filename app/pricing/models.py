"""Tax rates as versioned rows: pricing reads rows, never constants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base
from app.platform.ids import new_id


class TaxRate(Base):
    """What one tax code costs in one country, for one merchant (null: for all).

    `rate_ppm` is parts per million (77,500 = 7.75 %); `included` says that shown prices contain it.
    """

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("rate_ppm >= 0 AND rate_ppm < 1000000", name="rate_in_range"),
        Index("ix_tax_rates_country", "country", "tax_code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    country: Mapped[str] = mapped_column(String(2))
    region: Mapped[str | None]
    tax_code: Mapped[str]
    name: Mapped[str]
    rate_ppm: Mapped[int]
    included: Mapped[bool]
    valid_from: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    valid_until: Mapped[datetime | None]

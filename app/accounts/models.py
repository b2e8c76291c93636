"""Who may do what: merchants, people and their refresh tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, func
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.db import Base, one_of
from app.platform.ids import new_id


class Role(StrEnum):
    """What a person is to the shop."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    OPS = "ops"


class MerchantStatus(StrEnum):
    """Whether a merchant sells."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Merchant(Base):
    """Who sells. `settings` holds its choices (capture mode, low-stock mark); currency is ISO
    4217."""

    __tablename__ = "merchants"
    __table_args__ = (one_of("status", MerchantStatus, name="status_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    default_warehouse_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("warehouses.id", use_alter=True), index=True
    )
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[MerchantStatus] = mapped_column(default=MerchantStatus.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class User(Base):
    """A person who can sign in. Only the argon2 hash of the password is kept."""

    __tablename__ = "users"
    __table_args__ = (
        one_of("role", Role, name="role_known"),
        CheckConstraint(
            "(role = 'merchant') = (merchant_id IS NOT NULL)", name="merchant_has_shop"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(CITEXT(), unique=True)
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(default=Role.CUSTOMER)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class RefreshToken(Base):
    """One link of a family of refresh tokens. A used one that comes back ends the whole family.

    Source: RFC 9700 §4.14.2 (refresh token rotation).
    """

    __tablename__ = "refresh_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    family: Mapped[UUID] = mapped_column(index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

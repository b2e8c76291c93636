"""Who may do what: merchants, people, their addresses, their keys and tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT
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


class TokenPurpose(StrEnum):
    """What a mailed token is good for."""

    VERIFY = "verify"
    RESET = "reset"
    INVITE = "invite"


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
    """A person who can sign in. Only the argon2 hash of the password is kept.

    `locale` is the language they chose; null: none yet, the request's is taken.
    """

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
    name: Mapped[str] = mapped_column(default="", server_default="")
    locale: Mapped[str | None]
    email_verified_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class MailedToken(Base):
    """A token sent by mail, good once: to verify an address or to choose a password.

    Neither the token nor a hash of it is kept: it is made from the row's id and the shop's secret
    (`tokens.MailedTokens`). `email` is the address it goes to, and another one voids it; a reset
    that was asked for an address nobody has leaves a row without a person, as good for nothing.
    """

    __tablename__ = "mailed_tokens"
    __table_args__ = (one_of("purpose", TokenPurpose, name="purpose_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    purpose: Mapped[TokenPurpose]
    email: Mapped[str] = mapped_column(CITEXT())
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Address(Base):
    """An entry of a customer's address book; at most one is the default."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index("ix_addresses_user", "user_id", "id"),
        Index("uq_addresses_default", "user_id", unique=True, postgresql_where=text("is_default")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str] = mapped_column(default="")
    address: Mapped[dict[str, Any]]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())


class ApiKey(Base):
    """What a merchant's machine shows instead of a person. The key is shown once; its hash stays.

    `prefix` finds it and names it in lists and logs.
    """

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_merchant", "merchant_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    key_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    created_at: Mapped[datetime] = mapped_column(server_default=func.shop_now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


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
